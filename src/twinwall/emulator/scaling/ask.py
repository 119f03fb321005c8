"""One call of Auto Scaling's API, and what its operations share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from twinwall.emulator.refusal import Refusal
from twinwall.emulator.scaling.capacity import Capacity
from twinwall.emulator.scaling.lifecycle import Lifecycle
from twinwall.emulator.scaling.state import Group, Holdings, Instance, Member

Answer = dict[str, Any]


@dataclass(frozen=True)
class Ask:
    """``params``: as the API model names them, checked against it."""

    here: Holdings
    params: Mapping[str, Any]
    life: Lifecycle
    capacity: Capacity

    def group(self) -> Group:
        name = self.params["AutoScalingGroupName"]
        found = self.here.groups.get(name)
        return found or invalid(f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found")

    def member(self, instance_id: str) -> Member:
        """Of any group."""
        found = self.here.find(instance_id)
        if found is None:
            invalid(f"Instance Id not found - No managed instance found for instance ID: {instance_id}")
        return Member(self.here, *found)

    def instance_of(self, group: Group, instance_id: str) -> Instance:
        found = group.instances.get(instance_id)
        return found or invalid(f"The instance {instance_id} is not part of Auto Scaling group {group.name}.")

    def because(self, group: Group, what: str) -> None:
        """What the user asked for, for the Cause of what follows; a pause after failures is over."""
        group.reason = f"At {self.life.reports.stamp()} {what}."
        if group.retry is not None:
            group.retry.cancel()
            group.retry = None


Operation = Callable[[Ask], Answer]


def invalid(message: str) -> NoReturn:
    raise Refusal("ValidationError", message)


def page(items: list[Any], params: Mapping[str, Any], key: str, default: int, most: int) -> Answer:
    """MaxRecords and NextToken; a token is a position."""
    size = params.get("MaxRecords") or default
    if not 1 <= size <= most:
        invalid(f"MaxRecords must be between 1 and {most}; it is {size}")
    token = params.get("NextToken") or "0"
    if not token.isdecimal() or int(token) > len(items):
        raise Refusal("InvalidNextToken", "The NextToken value is not valid.")
    start = int(token)
    more = {"NextToken": str(start + size)} if start + size < len(items) else {}
    return {key: items[start : start + size], **more}
