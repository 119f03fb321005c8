"""Tags of groups (API: Tag, TagDescription)."""

from collections.abc import Iterable, Mapping
from typing import Any

from twinwall.emulator.scaling.ask import Answer, Ask, invalid, page
from twinwall.emulator.scaling.state import Group


def put(group: Group, given: Iterable[Mapping[str, Any]]) -> None:
    for tag in given:
        group.tags[tag["Key"]] = {
            "ResourceId": group.name,
            "ResourceType": "auto-scaling-group",
            "Key": tag["Key"],
            "Value": tag.get("Value") or "",
            "PropagateAtLaunch": bool(tag.get("PropagateAtLaunch", False)),
        }


def create_or_update(ask: Ask) -> Answer:
    for tag in ask.params["Tags"]:
        put(_group_of(ask, tag), [tag])
    return {}


def delete(ask: Ask) -> Answer:
    for tag in ask.params["Tags"]:
        _group_of(ask, tag).tags.pop(tag["Key"], None)
    return {}


def describe(ask: Ask) -> Answer:
    found = [tag for group in ask.here.groups.values() for tag in group.tags.values()]
    for wanted in ask.params.get("Filters") or ():
        name, values = wanted["Name"], wanted.get("Values") or ()
        if name not in _FILTERS:
            invalid(f"Invalid filter name {name}; valid are {', '.join(_FILTERS)}")
        found = [tag for tag in found if str(tag[_FILTERS[name]]).lower() in [v.lower() for v in values]]
    return page(found, ask.params, "Tags", 50, 100)


_FILTERS = {
    "auto-scaling-group": "ResourceId",
    "key": "Key",
    "value": "Value",
    "propagate-at-launch": "PropagateAtLaunch",
}


def _group_of(ask: Ask, tag: Mapping[str, Any]) -> Group:
    name = tag.get("ResourceId") or ""
    found = ask.here.groups.get(name)
    return found or invalid(f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found")
