"""A stack brought to what it is wanted to be, resource by resource, and taken back where one of them fails.

    make, change, replace in the template's order ─┬─ outputs ─ what is left over goes, last made first ─ COMPLETE
                                                   └─ one failed: what was done is undone, last first ─ ROLLBACK_…

Each step is one of a kind's calls through the endpoint.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from twinwall.emulator.refusal import Refusal
from twinwall.emulator.stacks.changes import wanted_resources
from twinwall.emulator.stacks.desk import Desk, ResourceFailed
from twinwall.emulator.stacks.kind import Kind
from twinwall.emulator.stacks.kinds import KINDS
from twinwall.emulator.stacks.resolver import Made, Resolver
from twinwall.emulator.stacks.state import Held, Stack, Wanted
from twinwall.emulator.stacks.template import ResourceText


class Stopping(Exception):
    """The server ends: everything stays as it is."""


@dataclass
class Run:
    """One operation on one stack. ``client``: service → client; ``export``: takes the outputs, or refuses a name
    that another stack exports; ``mark``: CloudFormation's own tags on what was made."""

    stack: Stack
    client: Callable[[str], Any]
    resolver: Callable[[Stack, Wanted], Resolver]
    export: Callable[[Stack, list[dict[str, Any]]], None]
    mark: Callable[[Stack, Held], None]
    stopping: threading.Event
    undo: list[tuple[Held, Callable[[], None]]] = field(default_factory=list)
    leftover: list[Held] = field(default_factory=list)

    # --- created and updated

    def create(self) -> None:
        stack = self.stack
        stack.turn("CREATE_IN_PROGRESS", "User Initiated")
        try:
            self._bring(stack.wanted)
        except (ResourceFailed, Refusal) as failed:
            self._not_created(_reason(failed))
            return
        stack.turn("CREATE_COMPLETE")

    def _not_created(self, why: str) -> None:
        stack = self.stack
        if stack.on_failure == "DO_NOTHING":
            stack.turn("CREATE_FAILED", why)
            return
        stack.turn("ROLLBACK_IN_PROGRESS", f"{why} Rollback requested by user.")
        whole = self._delete_all(list(stack.resources.values()), keep=("Retain",))
        stack.turn("ROLLBACK_COMPLETE" if whole else "ROLLBACK_FAILED")
        if stack.on_failure == "DELETE" and whole:
            stack.deleted = datetime.now(UTC)
            stack.turn("DELETE_COMPLETE")

    def update(self, wanted: Wanted) -> None:
        stack, before = self.stack, self.stack.wanted
        resources, outputs = dict(stack.resources), list(stack.outputs)
        stack.updated = datetime.now(UTC)
        stack.turn("UPDATE_IN_PROGRESS", "User Initiated")
        try:
            stack.wanted = wanted
            self._bring(wanted)
        except (ResourceFailed, Refusal) as failed:
            stack.turn("UPDATE_ROLLBACK_IN_PROGRESS", _reason(failed))
            whole = self._take_back()
            stack.wanted, stack.outputs = before, outputs
            if whole:
                stack.resources = resources
            stack.turn("UPDATE_ROLLBACK_COMPLETE" if whole else "UPDATE_ROLLBACK_FAILED")
            return
        stack.turn("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        self._delete_all(self.leftover, keep=())
        stack.turn("UPDATE_COMPLETE")

    def _bring(self, wanted: Wanted) -> None:
        """Raises ``ResourceFailed``, ``Refusal``."""
        resolver = self.resolver(self.stack, wanted)
        texts = wanted_resources(resolver)
        for text in texts:
            self._check_stopping()
            self._one(text, resolver)
        self._set_outputs(resolver)
        names = [text.name for text in texts]
        gone = [held for name, held in self.stack.resources.items() if name not in names]
        self.leftover += [held for held in gone if held.deletion_policy == "Delete"]
        self.stack.resources = {name: self.stack.resources[name] for name in names}

    def _check_stopping(self) -> None:
        if self.stopping.is_set():
            raise Stopping

    def _one(self, text: ResourceText, resolver: Resolver) -> None:
        kind, before = KINDS[text.type], self.stack.resources.get(text.name)
        try:
            properties = resolver.resolve(text.properties)
            kind.check(properties)
            if before is None or before.type != text.type or _replaced(kind, before, properties):
                held = self._make(kind, text, properties, before)
            else:
                held = self._change(kind, text, properties, before)
        except (AttributeError, KeyError, TypeError) as fault:
            raise self._failed(
                text, before, f"Properties are not as {text.type} has them: {fault!r}"
            ) from fault
        except (ResourceFailed, Refusal) as failed:
            raise self._failed(text, before, _reason(failed)) from None
        resolver.made[text.name] = held.made

    def _failed(self, text: ResourceText, before: Held | None, why: str) -> ResourceFailed:
        """Told as an event; what the stack says of it."""
        doing = "update" if before else "create"
        self.stack.tell(
            text.name, before.made.id if before else "", text.type, f"{doing.upper()}_FAILED", why
        )
        return ResourceFailed(f"The following resource(s) failed to {doing}: [{text.name}].")

    def _make(self, kind: Kind, text: ResourceText, properties: Any, before: Held | None) -> Held:
        stack = self.stack
        doing = "CREATE" if before is None else "UPDATE"
        why = "Requested update requires the creation of a new physical resource." if before else ""
        stack.tell(text.name, before.made.id if before else "", text.type, f"{doing}_IN_PROGRESS", why)
        made = kind.create(self._desk(text.name), properties)
        held = Held(text.name, text.type, made, properties, text.deletion_policy, text.replace_policy)
        held.status = f"{doing}_COMPLETE"
        stack.resources[text.name] = held
        self.undo.append((held, lambda: self._delete(held)))
        self.mark(stack, held)
        if before is not None and before.replace_policy == "Delete":
            self.leftover.append(before)
        stack.tell(text.name, made.id, text.type, held.status)
        return held

    def _change(self, kind: Kind, text: ResourceText, properties: Any, before: Held) -> Held:
        stack = self.stack
        held = Held(
            text.name,
            text.type,
            before.made,
            properties,
            text.deletion_policy,
            text.replace_policy,
            before.status,
        )
        stack.resources[text.name] = held
        if kind.update is None or (before.properties == properties and not self._retagged(kind)):
            return held
        update = kind.update
        stack.tell(text.name, before.made.id, text.type, "UPDATE_IN_PROGRESS")
        self.undo.append(
            (held, lambda: _ignore(update(self._desk(text.name), held.made, properties, before.properties)))
        )
        held.made = update(self._desk(text.name), before.made, before.properties, properties)
        held.status, held.when = "UPDATE_COMPLETE", datetime.now(UTC)
        stack.tell(text.name, held.made.id, text.type, held.status)
        return held

    retagging: bool = False
    """Do the stack's own tags differ?"""

    def _retagged(self, kind: Kind) -> bool:
        return self.retagging and "Tags" in kind.properties

    def _set_outputs(self, resolver: Resolver) -> None:
        found = []
        for name, text in resolver.template.outputs.items():
            if text.get("Condition") and not resolver.condition(text["Condition"]):
                continue
            shown = {"OutputKey": name, "OutputValue": str(resolver.resolve(text["Value"]))}
            if text.get("Description"):
                shown["Description"] = str(text["Description"])
            if text.get("Export"):
                shown["ExportName"] = str(resolver.resolve(text["Export"]["Name"]))
            found.append(shown)
        self.export(self.stack, found)

    # --- taken back, deleted

    def _take_back(self) -> bool:
        whole = True
        for held, undo in reversed(self.undo):
            self._check_stopping()
            try:
                undo()
                self.stack.tell(held.name, held.made.id, held.type, "UPDATE_COMPLETE")
            except ResourceFailed as failed:
                whole = False
                self.stack.tell(held.name, held.made.id, held.type, "UPDATE_FAILED", failed.reason)
        return whole

    def delete(self, retain: tuple[str, ...]) -> None:
        stack = self.stack
        stack.turn("DELETE_IN_PROGRESS", "User Initiated")
        wanted = [held for held in stack.resources.values() if held.name not in retain]
        if not self._delete_all(wanted, keep=("Retain", "RetainExceptOnCreate")):
            failed = ", ".join(
                held.name for held in stack.resources.values() if held.status == "DELETE_FAILED"
            )
            stack.turn("DELETE_FAILED", f"The following resource(s) failed to delete: [{failed}]. ")
            return
        stack.outputs, stack.deleted = [], datetime.now(UTC)
        stack.turn("DELETE_COMPLETE")

    def _delete_all(self, resources: list[Held], keep: tuple[str, ...]) -> bool:
        """Last made first; False where one of them could not be deleted."""
        whole = True
        for held in reversed(resources):
            self._check_stopping()
            if held.deletion_policy in keep:
                self._is_gone(held, "DELETE_SKIPPED")
                continue
            try:
                self.stack.tell(held.name, held.made.id, held.type, "DELETE_IN_PROGRESS")
                self._delete(held)
                self._is_gone(held, "DELETE_COMPLETE")
            except ResourceFailed as failed:
                whole = False
                held.status, held.reason = "DELETE_FAILED", failed.reason
                self.stack.tell(held.name, held.made.id, held.type, held.status, failed.reason)
        return whole

    def _is_gone(self, held: Held, status: str) -> None:
        self.stack.tell(held.name, held.made.id, held.type, status)
        if self.stack.resources.get(held.name) is held:
            del self.stack.resources[held.name]

    def _delete(self, held: Held) -> None:
        KINDS[held.type].delete(self._desk(held.name), held.made, held.properties)

    def _desk(self, logical: str) -> Desk:
        stack = self.stack
        return Desk(
            self.client, stack.account, stack.region, stack.name, stack.id, logical, stack.wanted.tags
        )


def _replaced(kind: Kind, before: Held, now: Any) -> bool:
    changed = before.properties != now
    return changed and (kind.update is None or kind.replaces(before.properties, now))


def _reason(failed: ResourceFailed | Refusal) -> str:
    return failed.reason if isinstance(failed, ResourceFailed) else failed.message


def _ignore(_: Made) -> None:
    """What an undone change gives is what there was."""
