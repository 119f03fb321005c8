"""What a change of a stack that lives surely needs of whoever deploys: of these rights IAM is asked beforehand.

A change set says what is added, changed and removed (API: ResourceChange). Sure is the one API operation by which such
a thing is made, by which that property of it is changed, or by which it is deleted, whatever else CloudFormation's
resource type may call besides. A property whose change is not certain before it is carried out (Evaluation: Dynamic)
is not asked about, nor is the deletion of what the template keeps.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from twinwall.documents.deployer_permissions import Duty

Document = Mapping[str, Any]


@dataclass(frozen=True)
class _Kind:
    """A type of resource: the line of the deployer's policy that speaks of it, and the operations, as IAM calls them.
    ``changes``: by property, empty for all others."""

    sid: str
    makes: str
    changes: Mapping[str, str]
    deletes: str


def _kind(sid: str, makes: str, changes: str | Mapping[str, str], deletes: str) -> _Kind:
    return _Kind(sid, makes, {"": changes} if isinstance(changes, str) else changes, deletes)


KINDS: Mapping[str, _Kind] = {
    "AWS::AutoScaling::LifecycleHook": _kind(
        "MakeHooks", "autoscaling:PutLifecycleHook", "autoscaling:PutLifecycleHook", "autoscaling:DeleteLifecycleHook"
    ),
    "AWS::CloudWatch::Alarm": _kind(
        "MakeAlarms", "cloudwatch:PutMetricAlarm", "cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms"
    ),
    "AWS::CloudWatch::Dashboard": _kind(
        "MakeDashboard", "cloudwatch:PutDashboard", "cloudwatch:PutDashboard", "cloudwatch:DeleteDashboards"
    ),
    "AWS::DynamoDB::Table": _kind(
        "MakeTable",
        "dynamodb:CreateTable",
        {"PointInTimeRecoverySpecification": "dynamodb:UpdateContinuousBackups",
         "DeletionProtectionEnabled": "dynamodb:UpdateTable"},
        "",
    ),
    "AWS::Events::Rule": _kind(
        "MakeRules",
        "events:PutRule",
        {"Targets": "events:PutTargets", "EventPattern": "events:PutRule", "Description": "events:PutRule"},
        "events:DeleteRule",
    ),
    "AWS::IAM::Role": _kind(
        "MakeRoles",
        "iam:CreateRole",
        {"AssumeRolePolicyDocument": "iam:UpdateAssumeRolePolicy", "Policies": "iam:PutRolePolicy",
         "Description": "iam:UpdateRole"},
        "iam:DeleteRole",
    ),
    "AWS::Lambda::EventInvokeConfig": _kind(
        "MakeFunction", "lambda:PutFunctionEventInvokeConfig", {}, "lambda:DeleteFunctionEventInvokeConfig"
    ),
    "AWS::Lambda::EventSourceMapping": _kind(
        "KeepSources", "", "lambda:UpdateEventSourceMapping", "lambda:DeleteEventSourceMapping"
    ),
    "AWS::Lambda::Function": _kind(
        "MakeFunction",
        "lambda:CreateFunction",
        {"Code": "lambda:UpdateFunctionCode", "Tags": "lambda:TagResource",
         **dict.fromkeys(("Description", "Environment", "Handler", "MemorySize", "Runtime", "Timeout"),
                         "lambda:UpdateFunctionConfiguration")},
        "lambda:DeleteFunction",
    ),
    "AWS::Logs::LogGroup": _kind(
        "MakeLog", "logs:CreateLogGroup", {"RetentionInDays": "logs:PutRetentionPolicy"}, "logs:DeleteLogGroup"
    ),
    "AWS::SQS::Queue": _kind(
        "MakeQueues", "sqs:CreateQueue",
        dict.fromkeys(("MessageRetentionPeriod", "RedrivePolicy", "VisibilityTimeout"), "sqs:SetQueueAttributes"),
        "sqs:DeleteQueue",
    ),
    "AWS::Scheduler::Schedule": _kind(
        "MakeSchedule", "scheduler:CreateSchedule", "scheduler:UpdateSchedule", "scheduler:DeleteSchedule"
    ),
}  # fmt: skip
"""Operations: the API references of the services, which say that a hook, an alarm, a dashboard, a rule is changed by
the operation that makes it ("creates or updates")."""


def duties_of_changes(duties: Iterable[Duty], changes: Sequence[Document]) -> tuple[Duty, ...]:
    """``duties``: all of the node. Lines narrowed to what changes, each with the operations that are sure."""
    by_sid = {duty.line.sid: duty for duty in duties}
    found: dict[tuple[str, tuple[str, ...]], Duty] = {}
    for change in changes:
        kind = KINDS.get(str(change.get("ResourceType")))
        duty = by_sid.get(kind.sid) if kind else None
        if kind is None or duty is None:
            continue
        resources = _resources(duty.line.resources, str(change.get("PhysicalResourceId") or ""))
        key = kind.sid, resources
        sure = {*found[key].sure} if key in found else set()
        sure |= {action for action in _operations(kind, change) if action in duty.line.actions}
        line = replace(duty.line, resources=resources)
        found[key] = replace(duty, line=line, sure=tuple(sorted(sure)), one_of=len(resources) > 1)
    return tuple(duty for duty in found.values() if duty.sure)


def _operations(kind: _Kind, change: Document) -> set[str]:
    match change.get("Action"):
        case "Add":
            made = {kind.makes}
        case "Modify" if change.get("Replacement") == "True":
            made = {kind.makes}
        case "Modify" if change.get("Replacement") == "False":
            made = {kind.changes.get(name, kind.changes.get("", "")) for name in _changed(change)}
        case "Remove" if change.get("PolicyAction", "Delete") == "Delete":
            made = {kind.deletes}
        case _:
            made = set()
    return made


def _changed(change: Document) -> set[str]:
    """Properties that change for certain (API: ResourceChangeDetail)."""
    return {
        str(detail["Target"].get("Name") or detail["Target"].get("Attribute"))
        for detail in change.get("Details") or ()
        if detail.get("Evaluation") == "Static"
    }


def _resources(known: Sequence[str], physical: str) -> tuple[str, ...]:
    """The one of the line's resources that is meant, as far as its physical id tells that; else all. A log group's
    ARN in a policy ends with ``:*`` and holds the name whole."""
    if physical and (whole := [resource for resource in known if f":{physical}:" in resource]):
        return tuple(whole)
    name = _last(physical)
    meant = [resource for resource in known if name and fnmatchcase(name, _last(resource))]
    if len(meant) != 1:
        return tuple(known)
    return (meant[0][: len(meant[0]) - len(_last(meant[0]))] + name,)


def _last(text: str) -> str:
    return re.split("[:/]", text)[-1]
