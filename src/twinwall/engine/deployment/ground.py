"""The door that deploying needs, and what stands where, for each node of a mesh."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from twinwall.boundary import Clock
from twinwall.documents.deployment.names import Names, names_of
from twinwall.errors import AwsError
from twinwall.mesh.configure import Configured
from twinwall.model.members import Node, Place

Document = dict[str, Any]


class Ground(Protocol):
    """One account's Region. Documents have AWS's own shapes; every method raises ``AwsError``'s children."""

    def account(self) -> str: ...
    def caller(self) -> str: ...
    def role_arn(self, name: str) -> str: ...
    def simulate(
        self,
        principal: str,
        actions: Sequence[str],
        resources: Sequence[str],
        keys: Mapping[str, Sequence[str]],
    ) -> list[Document]: ...
    def group(self, group_id: str) -> Document | None: ...
    def vpcs_of(self, group_id: str) -> set[str]: ...
    def scaling_group(self, name: str) -> Document | None: ...
    def launch_groups(self, scaling_group: Document) -> list[set[str]] | None: ...
    def quota(self, code: str) -> int: ...
    def vpcs_of_subnets(self, subnet_ids: Sequence[str]) -> set[str]: ...
    def hooks(self, group: str) -> list[Document]: ...
    def table(self, name: str) -> Document | None: ...
    def tag_group(self, group_id: str, key: str, value: str) -> None: ...
    def untag_group(self, group_id: str, key: str) -> None: ...
    def rules(self, group_id: str) -> list[Document]: ...
    def revoke(self, group_id: str, rule_ids: Sequence[str]) -> None: ...
    def stack(self, name: str) -> Document | None: ...
    def resources(self, name: str) -> list[Document]: ...
    def events(self, name: str) -> list[Document]: ...
    def propose(
        self, name: str, change_set: str, template: Mapping[str, str], given: Mapping[str, str], *, anew: bool
    ) -> None: ...
    def proposal(self, name: str, change_set: str) -> Document: ...
    def withdraw(self, name: str, change_set: str) -> None: ...
    def execute(self, name: str, change_set: str) -> None: ...
    def delete_stack(self, name: str) -> None: ...
    def has_bucket(self, bucket: str) -> bool: ...
    def make_bucket(self, bucket: str) -> None: ...
    def put(self, bucket: str, key: str, body: bytes) -> None: ...
    def keys(self, bucket: str) -> list[str]: ...
    def drop(self, bucket: str, keys: Sequence[str]) -> None: ...
    def delete_bucket(self, bucket: str) -> None: ...
    def delete_table(self, name: str) -> None: ...
    def invoke(self, function: str, event: Mapping[str, Any]) -> str: ...


@dataclass(frozen=True)
class Land:
    """All of a mesh's places. ``tell`` takes a line of progress."""

    configured: Configured
    at: Callable[[Place], Ground]
    clock: Clock
    tell: Callable[[str], None]

    def of(self, node: Node) -> Ground:
        return self.at(node.place)

    def names(self, node: Node) -> Names:
        return names_of(self.configured, node)

    @property
    def nodes(self) -> tuple[Node, ...]:
        """In the order of the configuration's sites: the first site works alone until the others are there."""
        by_name = {node.name: node for node in self.configured.mesh.nodes}
        order = dict.fromkeys(site.node for site in self.configured.mesh.sites)
        return tuple(by_name[name] for name in order)


# --- stacks

LOOK_EVERY, LONGEST = 2.0, 1800.0
"""Seconds between two looks at a stack, and how long one may take."""


def status_of(stack: Document | None) -> str:
    return "not there" if stack is None else str(stack["StackStatus"])


def is_busy(status: str) -> bool:
    return status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS"


def is_alive(status: str) -> bool:
    """Made, and not taken back."""
    return status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")


def settled(land: Land, node: Node, name: str) -> Document | None:
    """The stack when nothing is under way any more; what goes on is told."""
    ground, told = land.of(node), ""
    began = land.clock.monotonic()
    while True:
        stack = ground.stack(name)
        status = status_of(stack)
        if status != told:
            land.tell(f"{node.name}: stack {name}: {status}{_done(ground, stack)}")
            told = status
        if not is_busy(status):
            return stack
        if land.clock.monotonic() - began > LONGEST:
            raise AwsError(
                f"waiting for the stack {name} at {node.name}: still {status} after {LONGEST / 60:.0f} minutes; "
                "way out: look at its events, then run the command again"
            )
        land.clock.sleep(LOOK_EVERY)


def _done(ground: Ground, stack: Document | None) -> str:
    if stack is None or not is_busy(status_of(stack)):
        return ""
    found = ground.resources(str(stack["StackId"]))
    ready = sum(str(one["ResourceStatus"]).endswith("_COMPLETE") for one in found)
    return f", {ready} resources so far" if found else ""


def why_failed(events: Iterable[Document]) -> str:
    """The first reason of the last run, in AWS's words: what failed first made the rest fail."""
    reasons = []
    for event in events:  # newest first
        status, of_stack = str(event["ResourceStatus"]), event["LogicalResourceId"] == event["StackName"]
        if of_stack and event.get("ResourceStatusReason") == "User Initiated":
            break
        reason = str(event.get("ResourceStatusReason") or "")
        if status.endswith("_FAILED") and reason and "cancelled" not in reason and not of_stack:
            reasons.append(f"{event['LogicalResourceId']} ({event['ResourceType']}): {reason}")
    return " ".join(reasons[-1].split()) if reasons else "its events say no reason"
