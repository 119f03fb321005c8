"""Stacks, resources and change sets as the API shows them."""

from typing import Any

from twinwall.emulator.stacks.state import ChangeSet, Held, Stack, Wanted

Output = dict[str, Any]


def stack(it: Stack) -> Output:
    shown: Output = {
        "StackId": it.id,
        "StackName": it.name,
        "Description": it.wanted.template.description or None,
        "Parameters": _parameters(it.wanted),
        "CreationTime": it.created,
        "LastUpdatedTime": it.updated,
        "DeletionTime": it.deleted,
        "StackStatus": it.status,
        "StackStatusReason": it.reason or None,
        "DisableRollback": it.on_failure == "DO_NOTHING",
        "Capabilities": list(it.wanted.capabilities),
        "Outputs": it.outputs,
        "RoleARN": it.wanted.role or None,
        "Tags": [{"Key": key, "Value": value} for key, value in it.wanted.tags.items()],
        "EnableTerminationProtection": it.protected,
        "RollbackConfiguration": {},
        "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
    }
    return {key: value for key, value in shown.items() if value is not None}


def _parameters(wanted: Wanted) -> list[Output]:
    declared = wanted.template.parameters
    return [
        {"ParameterKey": name, "ParameterValue": "****" if _is_hidden(declared.get(name, {})) else value}
        for name, value in wanted.parameters.items()
    ]


def _is_hidden(text: Any) -> bool:
    return str(text.get("NoEcho", "")).lower() == "true"


def summary(it: Stack) -> Output:
    whole = stack(it)
    names = (
        "StackId",
        "StackName",
        "CreationTime",
        "LastUpdatedTime",
        "DeletionTime",
        "StackStatus",
        "StackStatusReason",
    )
    return {name: whole[name] for name in names if name in whole}


def resource(it: Stack, held: Held) -> Output:
    return {
        "StackName": it.name,
        "StackId": it.id,
        "LogicalResourceId": held.name,
        "PhysicalResourceId": held.made.id,
        "ResourceType": held.type,
        "Timestamp": held.when,
        "LastUpdatedTimestamp": held.when,
        "ResourceStatus": held.status,
        "ResourceStatusReason": held.reason,
        "DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"},
    }


def change_set(it: ChangeSet) -> Output:
    return change_set_summary(it) | {
        "Parameters": _parameters(it.wanted),
        "Capabilities": list(it.wanted.capabilities),
        "Tags": [{"Key": key, "Value": value} for key, value in it.wanted.tags.items()],
        "Changes": [{"Type": "Resource", "ResourceChange": change} for change in it.changes],
    }


def change_set_summary(it: ChangeSet) -> Output:
    return {
        "ChangeSetName": it.name,
        "ChangeSetId": it.id,
        "StackId": it.stack.id,
        "StackName": it.stack.name,
        "Description": it.description,
        "CreationTime": it.created,
        "ExecutionStatus": it.execution,
        "Status": it.status,
        "StatusReason": it.reason,
    }
