"""CloudFormation at the endpoint."""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from twinwall.emulator import wire
from twinwall.emulator.http import Response
from twinwall.emulator.inside import Inside
from twinwall.emulator.refusal import Refusal
from twinwall.emulator.roles import Roles
from twinwall.emulator.stacks.changes import compare
from twinwall.emulator.stacks.engine import Run, Stopping
from twinwall.emulator.stacks.queries import QUERIES
from twinwall.emulator.stacks.reading import text_of, wanted_of
from twinwall.emulator.stacks.registry import Registry, check_free, check_updatable
from twinwall.emulator.stacks.resolver import Resolver
from twinwall.emulator.stacks.state import ChangeSet, Held, Stack, Wanted
from twinwall.emulator.stacks.template import parse, read
from twinwall.emulator.visit import Visit

LOG = logging.getLogger("twinwall.emulator")
Params = Mapping[str, Any]
Output = dict[str, Any]
_NO_CHANGES = (
    "The submitted information didn't contain changes. Submit different information to create a change set."
)


class StackService:
    """``mark``: CloudFormation's own tags on a resource."""

    def __init__(self, roles: Roles, inside: Inside, mark: Callable[[Stack, Held], None]) -> None:
        self._roles, self._inside, self._mark = roles, inside, mark
        self._registry = Registry()
        self._lock = threading.RLock()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def answer(self, visit: Visit) -> Response:
        action = visit.action
        params = wire.parse("cloudformation", action, visit.request, visit.protocol)
        wire.check("cloudformation", action, params, "ValidationError")
        if action in QUERIES:
            output = QUERIES[action](self._registry, visit, params)
            return wire.write("cloudformation", action, output, visit.id, visit.protocol)
        operation = _OPERATIONS.get(action)
        if operation is None:
            LOG.warning("cloudformation %s: no such operation in the embedded AWS", action)
            raise Refusal("InvalidAction", f"The action {action} is not implemented by the embedded AWS.")
        with self._lock:
            output = operation(self, visit, params)
        return wire.write("cloudformation", action, output, visit.id, visit.protocol)

    # --- carried out

    def _begin(self, visit: Visit, stack: Stack, wanted: Wanted, work: Callable[[Run], None]) -> None:
        """In a thread of its own, in the name of the caller or of the stack's role: that of this request, or else the
        one it had before (API: CreateStack, UpdateStack, DeleteStack, RoleARN)."""
        run = Run(
            stack,
            self._client(visit, wanted.role),
            self._resolver(visit),
            self._export,
            self._mark,
            self._stopping,
        )
        run.retagging = wanted.tags != stack.wanted.tags

        def go() -> None:
            try:
                work(run)
            except Stopping:
                return
            except Exception as fault:
                LOG.exception("%s: the embedded AWS failed", stack.name)
                stack.turn(f"{stack.status.split('_')[0]}_FAILED", f"Internal failure: {fault}")

        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(target=go, name=f"stack {stack.name}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _check_role(self, wanted: Wanted) -> None:
        """Raises ``Refusal``: before anything is begun."""
        if wanted.role and not self._roles.trusts(wanted.role, "cloudformation.amazonaws.com"):
            raise Refusal("ValidationError", f"Role {wanted.role} is invalid or cannot be assumed")

    def _client(self, visit: Visit, role_arn: str) -> Callable[[str], Any]:
        key = visit.caller.key
        if role_arn:
            key = self._inside.session(role_arn, "AWSCloudFormation").key
        return lambda service: self._inside.client(service, visit.region, key, counted=True)

    def _resolver(self, visit: Visit) -> Callable[[Stack, Wanted], Resolver]:
        def zones() -> list[str]:
            ec2 = self._inside.client("ec2", visit.region, visit.caller.key)
            return sorted(zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"])

        def make(stack: Stack, wanted: Wanted) -> Resolver:
            def imported(name: str) -> str:
                value = self._registry.exports(visit.account, visit.region).get(name)
                if value is None:
                    raise Refusal("ValidationError", f"No export named {name} found.")
                stack.imports.add(name)
                return value

            pseudo = {
                "AWS::AccountId": visit.account, "AWS::Region": visit.region, "AWS::Partition": "aws",
                "AWS::StackId": stack.id, "AWS::StackName": stack.name, "AWS::URLSuffix": "amazonaws.com",
                "AWS::NotificationARNs": [],
            }  # fmt: skip
            made = {name: held.made for name, held in stack.resources.items()}
            return Resolver(wanted.template, wanted.parameters, pseudo, dict(made), imported, zones)

        return make

    def _export(self, stack: Stack, outputs: list[dict[str, Any]]) -> None:
        """Takes the outputs. Raises ``Refusal``."""
        self._registry.check_exports(stack, outputs)
        stack.outputs = outputs

    def _s3(self, visit: Visit) -> Callable[[], Any]:
        return lambda: self._inside.client("s3", visit.region, visit.caller.key)

    # --- stacks

    def create(self, visit: Visit, given: Params) -> Output:
        known = self._registry.find(visit, given["StackName"])
        if (
            known is not None
            and given.get("ClientRequestToken")
            and known.token == given["ClientRequestToken"]
        ):
            return {"StackId": known.id}
        if known is not None:
            raise Refusal("AlreadyExistsException", f"Stack [{given['StackName']}] already exists")
        _check_possible(given)
        wanted = wanted_of(given, None, visit.region, self._s3(visit), expands=False)
        self._check_role(wanted)
        stack = Stack(given["StackName"], visit.account, visit.region, wanted, "CREATE_IN_PROGRESS")
        stack.on_failure = given.get("OnFailure") or (
            "DO_NOTHING" if given.get("DisableRollback") else "ROLLBACK"
        )
        stack.protected = bool(given.get("EnableTerminationProtection"))
        stack.token = given.get("ClientRequestToken") or ""
        self._registry.add(stack)
        self._begin(visit, stack, wanted, Run.create)
        return {"StackId": stack.id}

    def update(self, visit: Visit, given: Params) -> Output:
        stack = self._registry.get(visit, given["StackName"])
        check_updatable(stack)
        _check_possible(given)
        wanted = wanted_of(given, stack, visit.region, self._s3(visit), expands=False)
        if not self._changes(visit, stack, wanted) and not _outputs_differ(stack, wanted):
            raise Refusal("ValidationError", "No updates are to be performed.")
        self._check_role(wanted)
        stack.status = "UPDATE_IN_PROGRESS"
        self._begin(visit, stack, wanted, lambda run: run.update(wanted))
        return {"StackId": stack.id}

    def _changes(self, visit: Visit, stack: Stack, wanted: Wanted) -> list[dict[str, Any]]:
        resolver = self._resolver(visit)(stack, wanted)
        return compare(stack.resources, resolver, wanted.tags != stack.wanted.tags and bool(stack.resources))

    def delete(self, visit: Visit, given: Params) -> Output:
        stack = self._registry.find(visit, given["StackName"])
        if stack is None or stack.status == "DELETE_COMPLETE":
            return {}
        if stack.protected:
            raise Refusal(
                "ValidationError",
                f"Stack [{stack.id}] cannot be deleted while TerminationProtection is enabled",
            )
        check_free(stack)
        self._registry.check_unused(stack)
        retain = tuple(given.get("RetainResources") or ())
        wanted = replace(stack.wanted, role=given.get("RoleARN") or stack.wanted.role)
        self._check_role(wanted)
        stack.status = "DELETE_IN_PROGRESS"
        self._begin(visit, stack, wanted, lambda run: run.delete(retain))
        return {}

    def validate(self, visit: Visit, given: Params) -> Output:
        document = read(text_of(given, self._s3(visit)))
        if not document.get("Transform"):
            parse(document)
        shown = [
            {"ParameterKey": name, "DefaultValue": str(text["Default"])}
            if "Default" in text
            else {"ParameterKey": name}
            for name, text in (document.get("Parameters") or {}).items()
        ]
        return {"Parameters": shown, "Description": document.get("Description") or ""}

    def protect(self, visit: Visit, given: Params) -> Output:
        stack = self._registry.get(visit, given["StackName"])
        stack.protected = given["EnableTerminationProtection"]
        return {"StackId": stack.id}

    # --- change sets

    def propose(self, visit: Visit, given: Params) -> Output:
        _check_possible(given)
        kind = given.get("ChangeSetType") or "UPDATE"
        known = self._registry.find(visit, given["StackName"])
        if kind == "CREATE" and known is not None and known.status != "REVIEW_IN_PROGRESS":
            raise Refusal(
                "ValidationError",
                f"Stack [{known.name}] already exists and cannot be created again with the changeSet "
                f"[{given['ChangeSetName']}].",
            )
        if kind not in ("CREATE", "UPDATE"):
            raise Refusal(
                "ValidationError", f"ChangeSetType {kind} is not in the embedded AWS; CREATE and UPDATE are."
            )
        if kind == "UPDATE":
            check_updatable(self._registry.get(visit, given["StackName"]))
        wanted = wanted_of(given, known, visit.region, self._s3(visit), expands=True)
        stack = known or Stack(given["StackName"], visit.account, visit.region, wanted, "REVIEW_IN_PROGRESS")
        if given["ChangeSetName"] in stack.change_sets:
            raise Refusal("AlreadyExistsException", f"ChangeSet {given['ChangeSetName']} already exists")
        changes = self._changes(visit, stack, wanted)
        if known is None:
            self._registry.add(stack)
            stack.turn("REVIEW_IN_PROGRESS", "User Initiated")
        made = ChangeSet(given["ChangeSetName"], stack, kind, wanted, changes, given.get("Description") or "")
        if not changes and not _outputs_differ(stack, wanted):
            made.status, made.execution, made.reason = "FAILED", "UNAVAILABLE", _NO_CHANGES
        stack.change_sets[made.name] = made
        return {"Id": made.id, "StackId": stack.id}

    def execute(self, visit: Visit, given: Params) -> Output:
        proposed = self._registry.change_set(visit, given)
        stack, wanted = proposed.stack, proposed.wanted
        if proposed.execution != "AVAILABLE":
            raise Refusal(
                "InvalidChangeSetStatus",
                f"ChangeSet [{proposed.id}] cannot be executed in its current status of [{proposed.status}]",
            )
        check_free(stack)
        self._check_role(wanted)
        proposed.execution = "EXECUTE_COMPLETE"
        if given.get("DisableRollback"):
            stack.on_failure = "DO_NOTHING"
        if stack.status == "REVIEW_IN_PROGRESS":
            stack.wanted, stack.status = wanted, "CREATE_IN_PROGRESS"
            self._begin(visit, stack, wanted, Run.create)
        else:
            stack.status = "UPDATE_IN_PROGRESS"
            self._begin(visit, stack, wanted, lambda run: run.update(wanted))
        stack.change_sets = {proposed.name: proposed}
        return {}

    def withdraw(self, visit: Visit, given: Params) -> Output:
        proposed = self._registry.change_set(visit, given)
        proposed.stack.change_sets.pop(proposed.name)
        return {}


_CANNOT = ("NotificationARNs", "ResourceTypes", "ResourcesToImport", "RollbackConfiguration", "StackPolicyBody",
           "StackPolicyURL", "IncludeNestedStacks", "ImportExistingResources")  # fmt: skip


def _check_possible(given: Params) -> None:
    for name in _CANNOT:
        if given.get(name):
            raise Refusal("ValidationError", f"{name} is not in the embedded AWS: leave it out.")


def _outputs_differ(stack: Stack, wanted: Wanted) -> bool:
    return stack.wanted.template.outputs != wanted.template.outputs


_OPERATIONS: Mapping[str, Callable[[StackService, Visit, Params], Output]] = {
    "CreateStack": StackService.create,
    "UpdateStack": StackService.update,
    "DeleteStack": StackService.delete,
    "ValidateTemplate": StackService.validate,
    "UpdateTerminationProtection": StackService.protect,
    "CreateChangeSet": StackService.propose,
    "ExecuteChangeSet": StackService.execute,
    "DeleteChangeSet": StackService.withdraw,
}
