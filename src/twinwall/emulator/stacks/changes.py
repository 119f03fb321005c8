"""A stack compared with a template: what a change set shows, before anything is done."""

from collections.abc import Mapping
from typing import Any

from twinwall.emulator.stacks.kinds import KINDS
from twinwall.emulator.stacks.resolver import Resolver
from twinwall.emulator.stacks.state import Held
from twinwall.emulator.stacks.template import ResourceText


def wanted_resources(resolver: Resolver) -> list[ResourceText]:
    """Those whose condition holds."""
    return [r for r in resolver.template.resources if not r.condition or resolver.condition(r.condition)]


def compare(held: Mapping[str, Held], resolver: Resolver, tags_differ: bool) -> list[dict[str, Any]]:
    """The API's ResourceChanges. What depends on something that is still to come is taken as changed, as AWS does."""
    found = []
    texts = wanted_resources(resolver)
    for text in texts:
        properties = resolver.resolve(text.properties)
        before = held.get(text.name)
        if before is None:
            resolver.made[text.name] = None
            found.append(_change("Add", text.name, text.type))
        elif change := _modified(before, text, properties, tags_differ):
            if change["Replacement"] != "False":
                resolver.made[text.name] = None
            found.append(change)
    names = {text.name for text in texts}
    removed = [item for item in held.values() if item.name not in names]
    return found + [_change("Remove", item.name, item.type, item.made.id) for item in reversed(removed)]


def _change(action: str, name: str, type_: str, physical: str = "") -> dict[str, Any]:
    change: dict[str, Any] = {"Action": action, "LogicalResourceId": name, "ResourceType": type_}
    return change | ({"PhysicalResourceId": physical} if physical else {}) | {"Scope": [], "Details": []}


def _modified(before: Held, text: ResourceText, now: Mapping[str, Any], tags_differ: bool) -> dict[str, Any]:
    """Empty where nothing changes."""
    kind = KINDS[text.type]
    names = sorted(
        name for name in before.properties.keys() | now.keys() if before.properties.get(name) != now.get(name)
    )
    tagged = tags_differ and "Tags" in kind.properties
    if not names and before.type == text.type and not tagged:
        return {}
    replaced = before.type != text.type or kind.update is None or bool(kind.replacing & set(names))
    details = [
        {
            "Target": {
                "Attribute": "Properties",
                "Name": name,
                "RequiresRecreation": "Always" if name in kind.replacing else "Never",
            },
            "Evaluation": "Static",
            "ChangeSource": "DirectModification",
        }
        for name in names
    ]
    scope = ["Properties"] * bool(names) + ["Tags"] * tagged
    return _change("Modify", text.name, text.type, before.made.id) | {
        "Replacement": "True" if replaced else "False",
        "Scope": scope,
        "Details": details,
    }
