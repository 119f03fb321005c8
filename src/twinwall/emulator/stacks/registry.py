"""The stacks there are, by name or id, and what they export to each other."""

from collections.abc import Mapping
from typing import Any

from twinwall.emulator.refusal import Refusal
from twinwall.emulator.stacks.state import ChangeSet, Stack
from twinwall.emulator.visit import Visit

_UPDATABLE = frozenset(
    {
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
        "IMPORT_COMPLETE",
        "IMPORT_ROLLBACK_COMPLETE",
    }
)


class Registry:
    def __init__(self) -> None:
        self._stacks: list[Stack] = []

    def add(self, stack: Stack) -> None:
        self._stacks.append(stack)

    def here(self, visit: Visit) -> list[Stack]:
        """Of the caller's account and Region, newest first."""
        return [s for s in reversed(self._stacks) if (s.account, s.region) == (visit.account, visit.region)]

    def find(self, visit: Visit, name: str) -> Stack | None:
        """By name, those that are deleted left out; by id, any."""
        for stack in self.here(visit):
            if stack.id == name or (stack.name == name and not stack.deleted):
                return stack
        return None

    def get(self, visit: Visit, name: str) -> Stack:
        """Raises ``Refusal``."""
        found = self.find(visit, name)
        if found is None:
            raise Refusal("ValidationError", f"Stack with id {name} does not exist")
        return found

    def change_set(self, visit: Visit, given: Mapping[str, Any]) -> ChangeSet:
        """By name within its stack, or by id. Raises ``Refusal``."""
        wanted = given["ChangeSetName"]
        for stack in [self.get(visit, given["StackName"])] if given.get("StackName") else self.here(visit):
            for held in stack.change_sets.values():
                if wanted in (held.name, held.id):
                    return held
        raise Refusal("ChangeSetNotFound", f"ChangeSet [{wanted}] does not exist", 404)

    def exports(self, account: str, region: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for stack in self._stacks:
            if (stack.account, stack.region) == (account, region) and not stack.deleted:
                found |= stack.exports
        return found

    def check_exports(self, stack: Stack, outputs: list[dict[str, Any]]) -> None:
        """No other stack exports the names; nobody relies on a name that goes. Raises ``Refusal``."""
        names = {out["ExportName"] for out in outputs if "ExportName" in out}
        for other in self._near(stack):
            taken = sorted(names & other.exports.keys())
            if taken:
                raise Refusal(
                    "ValidationError",
                    f"Export with name {taken[0]} is already exported by stack {other.name}.",
                )
            self._check_kept(stack, other, stack.exports.keys() - names)

    def check_unused(self, stack: Stack) -> None:
        """Nobody relies on what goes with the stack. Raises ``Refusal``."""
        for other in self._near(stack):
            self._check_kept(stack, other, set(stack.exports))

    def _near(self, stack: Stack) -> list[Stack]:
        here = (stack.account, stack.region)
        return [s for s in self._stacks if (s.account, s.region) == here and s is not stack and not s.deleted]

    def _check_kept(self, stack: Stack, other: Stack, going: set[str]) -> None:
        used = sorted(going & other.imports)
        if used:
            raise Refusal(
                "ValidationError",
                f"Cannot delete export {used[0]} of {stack.name} as it is in use by {other.name}",
            )


def check_free(stack: Stack) -> None:
    """Raises ``Refusal`` while another operation is under way."""
    if stack.is_busy:
        raise Refusal(
            "ValidationError", f"Stack:{stack.id} is in {stack.status} state and can not be updated."
        )


def check_updatable(stack: Stack) -> None:
    if stack.status not in _UPDATABLE:
        raise Refusal(
            "ValidationError", f"Stack:{stack.id} is in {stack.status} state and can not be updated."
        )
