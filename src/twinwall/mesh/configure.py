"""A table of ``[meshes.NAME]`` → ``Mesh`` and the ways to its nodes. The Lambda gets the same table as JSON, so this is
the only reader; it knows no file. A wrong key or value is a ``ConfigError`` that names the key.

    [meshes.web]                              [[meshes.web.sites]]
    ports = ["tcp/7000-7100", "icmp"]         region = "eu-west-1"
    policy = "drop"                           asg = "web"
                                              account = "111122223333"
                                              group = "sg-0123456789abcdef0"
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from twinwall.errors import ConfigError
from twinwall.mesh.ports import ports_of
from twinwall.mesh.room import PER_INTERFACE
from twinwall.mesh.settings import Mesh
from twinwall.model.members import Node, Place, Site, SiteKey
from twinwall.model.net import parse_cidr

Table = Mapping[str, Any]


@dataclass(frozen=True)
class Way:
    """How a node's table is named, and the role by which others come there."""

    table: str
    role_arn: str = ""


@dataclass(frozen=True)
class Configured:
    """``ways`` by place; ``table``: as the configuration has it, which the functions get too."""

    mesh: Mesh
    ways: Mapping[str, Way]
    table: Table


MESH_KEYS = {
    "ports": list,
    "addresses": list,
    "interfaces": str,
    "hook": str,
    "table": str,
    "expiry": (int, float),
    "policy": str,
    "true_up_every": (int, float),
    "remote_deadline": (int, float),
    "heartbeat": (int, float),
    "on_refusal": str,
    "remove": str,
    "max_members": int,
    "rules_per_group": int,
    "sites": list,
}
SITE_KEYS = {
    "region": str,
    "asg": str,
    "account": str,
    "group": str,
    "further_groups": list,
    "ranges": list,
    "table": str,
    "role_arn": str,
    "acts_for": list,
}
_CHOICES = {
    "policy": ("drop", "keep"),
    "interfaces": ("primary", "all"),
    "on_refusal": ("ABANDON", "CONTINUE"),
    "remove": ("before", "after"),
}
_LEAST = {
    "expiry": 3600,
    "true_up_every": 60,
    "remote_deadline": 0.5,
    "heartbeat": 30,
    "max_members": 1,
    "rules_per_group": 1,
}
_MOST = {"rules_per_group": 1000, "heartbeat": 7200, "remote_deadline": 4, "max_members": 5000}
"""``heartbeat``: API PutLifecycleHook. ``remote_deadline``: the local answer comes within 5 s."""


_FOREVER = 10 * 365 * 86_400
"""Seconds; what takes longer is no period."""


def configure(name: str, table: Table) -> Configured:
    _check_keys(table, MESH_KEYS, f"meshes.{name}")
    for key, choices in _CHOICES.items():
        if table.get(key, choices[0]) not in choices:
            raise ConfigError(f"{key} is {table[key]!r}; allowed are {', '.join(choices)}")
    _check_numbers(table)
    _check_texts(table, "the mesh")
    raw = table.get("sites") or ()
    if not raw:
        raise ConfigError(
            "sites is missing or empty; write [[meshes.NAME.sites]] for each Auto Scaling group"
        )
    for one in raw:
        _check_keys(one, SITE_KEYS, "a site")
    sites = _sites(raw, _actors(raw))
    _check_sites(sites)
    addresses = frozenset(table.get("addresses", ["public"]))
    _check_addresses(addresses, sites)
    nodes = tuple(
        Node(str(place), place) for place in sorted({_place(s) for s in raw}) if _is_owner(place, sites)
    )
    fields = {
        key: table[key]
        for key in MESH_KEYS
        if key in table and key not in ("ports", "sites", "table", "addresses")
    }
    mesh = Mesh(name, nodes, sites, ports_of(table.get("ports", ())), addresses, **fields)
    _check_interface(mesh)
    if 3 * mesh.true_up_every > mesh.expiry:
        raise ConfigError(
            f"true_up_every is {mesh.true_up_every:g} s; at most a third of expiry ({mesh.expiry:g} s)"
        )
    return Configured(mesh, _ways(name, table, raw), table)


def _is_owner(place: Place, sites: Iterable[Site]) -> bool:
    return any(site.node == str(place) for site in sites)


_KINDS = {str: "string", list: "list", dict: "table"}


def _check_keys(table: Table, known: Mapping[str, Any], where: str) -> None:
    for key, value in table.items():
        if key not in known:
            raise ConfigError(f"{key} is no key of {where}; known are {', '.join(sorted(known))}")
        if not isinstance(value, known[key]) or isinstance(value, bool):
            raise ConfigError(
                f"{key} is of the wrong type: {value!r}; give a {_KINDS.get(known[key], 'number')}"
            )
        if isinstance(value, list):
            _check_list(key, value)


def _check_list(key: str, values: list[Any]) -> None:
    kind, word = (Mapping, "tables") if key == "sites" else (str, "texts")
    for value in values:
        if not isinstance(value, kind):
            raise ConfigError(f"{key} holds {value!r}; it is a list of {word}")


def _check_numbers(table: Table) -> None:
    for key, least in _LEAST.items():
        value = table.get(key, least)
        if not least <= value <= _MOST.get(key, _FOREVER):
            most = f" to {_MOST[key]}" if key in _MOST else " at least"
            raise ConfigError(f"{key} is {value}; allowed is {least}{most}")


_TEXTS = {
    "hook": (re.compile(r"[A-Za-z0-9\-_/]{1,240}\Z"), "letters, digits, - _ /, at most 240"),
    "table": (re.compile(r"[A-Za-z0-9_.-]{3,255}\Z"), "letters, digits, _ . -, 3 to 255"),
    "role_arn": (
        re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+\Z"),
        "arn:aws:iam::ACCOUNT:role/NAME",
    ),
}
"""API: PutLifecycleHook.LifecycleHookName, with room for what is put behind it; CreateTable.TableName."""


def _check_texts(table: Table, of: str) -> None:
    for key, (pattern, allowed) in _TEXTS.items():
        if key in table and not pattern.match(table[key]):
            raise ConfigError(f"{key} of {of} is {table[key]!r}; allowed is {allowed}")


# --- sites

_PATTERNS = {
    "region": re.compile(r"[a-z]{2}(-[a-z]+)+-\d\Z"),
    "account": re.compile(r"\d{12}\Z"),
    "group": re.compile(r"sg-[0-9a-f]{8,17}\Z"),
    "asg": re.compile(r"[^:]{1,255}\Z"),
}


def _place(raw: Table) -> Place:
    return Place(str(raw.get("account")), str(raw.get("region")))


def _key(raw: Table) -> SiteKey:
    return SiteKey(str(raw.get("region")), str(raw.get("asg")))


def _actors(raw: Iterable[Table]) -> dict[str, str]:
    """Site → the node that acts for it."""
    found: dict[str, str] = {}
    for one in raw:
        for other in one.get("acts_for", []):
            if found.setdefault(other, str(_place(one))) != str(_place(one)):
                raise ConfigError(f"acts_for names {other} twice; exactly one neighbour acts for a site")
    unknown = set(found) - {str(_key(one)) for one in raw}
    if unknown:
        raise ConfigError(
            f"acts_for names {min(unknown)}, which is no site (REGION/ASG) of this mesh; name one of its sites"
        )
    return found


def _sites(raw: Iterable[Table], actors: Mapping[str, str]) -> tuple[Site, ...]:
    sites = []
    for one in raw:
        _check_texts(one, f"the site {_key(one)}")
        for key, pattern in _PATTERNS.items():
            if not pattern.match(str(one.get(key, ""))):
                raise ConfigError(f"{key} of the site {_key(one)} is {one.get(key)!r}; that is none")
        node = actors.get(str(_key(one)), str(_place(one)))
        ranges = tuple(sorted(map(parse_cidr, one.get("ranges", ()))))
        further = _further(one)
        sites.append(Site(_key(one), one["account"], one["group"], node, ranges, further))
    return tuple(sites)


def _further(raw: Table) -> tuple[str, ...]:
    for text in raw.get("further_groups", ()):
        if not _PATTERNS["group"].match(text):
            raise ConfigError(f"further_groups of the site {_key(raw)} has {text!r}; that is no group's id")
    return tuple(raw.get("further_groups", ()))


def _check_interface(mesh: Mesh) -> None:
    """Rules quota times groups of an interface (aws-facts 1.7)."""
    for site in mesh.sites:
        weight = mesh.rules_per_group * len(site.groups)
        if weight > PER_INTERFACE:
            raise ConfigError(
                f"rules_per_group is {mesh.rules_per_group}, and {site.key} has {len(site.groups)} groups: {weight} "
                f"rules an interface; EC2 allows {PER_INTERFACE}: name fewer further_groups, or a lower quota"
            )


def _check_sites(sites: tuple[Site, ...]) -> None:
    keys = [str(site.key) for site in sites]
    groups = [group_id for site in sites for group_id in site.groups]
    for what, found in (("the key", keys), ("the group", groups)):
        twice = next((one for number, one in enumerate(found) if one in found[:number]), None)
        if twice is not None:
            raise ConfigError(f"two sites have {what} {twice}; each needs its own")


def _check_addresses(addresses: frozenset[Any], sites: Iterable[Site]) -> None:
    if not addresses or addresses - {"public", "private", "ipv6"}:
        raise ConfigError(f"addresses is {sorted(addresses)}; allowed are public, private, ipv6")
    bare = next((site for site in sites if "private" in addresses and not site.ranges), None)
    if bare is not None:
        raise ConfigError(
            f"addresses has private, so ranges of {bare.key} must say where its members' addresses lie"
        )


def _ways(name: str, table: Table, raw: Iterable[Table]) -> dict[str, Way]:
    default = table.get("table", f"twinwall-{name}")
    found: dict[str, Way] = {}
    for one in raw:
        way = Way(one.get("table", default), one.get("role_arn", ""))
        if found.setdefault(str(_place(one)), way) != way:
            raise ConfigError(
                f"sites in {_place(one)} name different tables or roles; a place has one of each"
            )
    return found
