"""What stands where something of another kind is wanted, with its place, in words for whoever wrote the file."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from twinwall.errors import ConfigError

LISTS = frozenset(
    {
        "IpPermissions",
        "IpPermissionsEgress",
        "IpRanges",
        "Ipv6Ranges",
        "PrefixListIds",
        "UserIdGroupPairs",
        "Tags",
        "Entries",
        "Associations",
        "CidrBlockAssociationSet",
        "Ipv6CidrBlockAssociationSet",
        "PrivateIpAddresses",
        "Ipv6Addresses",
        "Groups",
    }
)
"""Keys that hold lists of objects wherever they stand in what is parsed here."""
OBJECTS = frozenset(
    {
        "PortRange",
        "IcmpTypeCode",
        "ReferencedGroupInfo",
        "Attachment",
        "CidrBlockState",
        "Ipv6CidrBlockState",
    }
)
_KINDS = {
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "a list",
    dict: "an object",
}


def kind(value: Any) -> str:
    """In JSON's words."""
    return "null" if value is None else _KINDS.get(type(value), f"a {type(value).__name__}")


def misfits(
    item: Any, place: str = "", lists: Collection[str] = LISTS, objects: Collection[str] = OBJECTS
) -> Iterator[str]:
    """Everything under ``item`` that is no list of objects, or no object, where such a one is wanted."""
    if not isinstance(item, Mapping):
        yield f"{place} is {kind(item)}; an object is wanted"
        return
    for key, value in item.items():
        here = f"{place}.{key}" if place else str(key)
        if value is None:
            continue
        if key in lists:
            yield from _of_list(value, here, lists, objects)
        elif key in objects:
            yield from misfits(value, here, lists, objects)


def _of_list(value: Any, here: str, lists: Collection[str], objects: Collection[str]) -> Iterator[str]:
    if not isinstance(value, list | tuple):
        yield f"{here} is {kind(value)}; a list is wanted"
        return
    for index, one in enumerate(value):
        yield from misfits(one, f"{here}[{index}]", lists, objects)


def misplaced(place: str, wrong: KeyError | ConfigError) -> ConfigError:
    """What is wrong, with the place it stands in. (No context manager: rules come in hundreds of thousands.)"""
    return ConfigError(f"{place} has no key {wrong}" if isinstance(wrong, KeyError) else f"{place}: {wrong}")


def text(item: Mapping[str, Any], key: str) -> str:
    """A string, or what is missing as an empty one."""
    value = item.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ConfigError(f"{key} is {value!r}, {kind(value)}; a string is wanted")
    return value


def flag(item: Mapping[str, Any], key: str) -> bool:
    """A boolean; what is missing is false."""
    value = item.get(key)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise ConfigError(f"{key} is {value!r}, {kind(value)}; true or false is wanted")
