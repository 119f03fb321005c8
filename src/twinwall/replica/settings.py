"""What a user asks of a replica, as values: which things, how they are translated, what may be changed.

The command line and ``twinwall.toml`` both end here; everything is parsed and checked once, at the border
(``documents.settings``).
"""

from dataclasses import dataclass, field
from typing import Literal

from twinwall.model.net import Cidr
from twinwall.planning.flow_grammar import FlowPattern
from twinwall.planning.passage import EPHEMERAL, Ports

Outside = Literal["fail", "follow", "skip", "keep"]
Policy = Literal["sync", "upsert-only", "create-only"]


@dataclass(frozen=True)
class Selection:
    """``groups``: ids, names or globs; ``tags``: (key, value); ``acls``: ids; ``exclude``: ids, names or
    globs of either. Empty = everything. ``only``: one kind."""

    groups: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    acls: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    only: Literal["groups", "nacls"] | None = None


@dataclass(frozen=True)
class CidrMap:
    """FROM=TO, equal prefix lengths."""

    source: Cidr
    target: Cidr


@dataclass(frozen=True)
class GroupMap:
    """SRC=DST: ``target`` a group of the target (id or name), or ``cidrs`` that stand for it."""

    source: str
    target: str = ""
    cidrs: tuple[Cidr, ...] = ()


@dataclass(frozen=True)
class Rename:
    """GLOB=PATTERN: a name that GLOB matches becomes PATTERN, in which ``*`` stands for what the globs's
    first ``*`` matched and ``{name}`` for the whole name. GLOB may be a source group's id."""

    glob: str
    pattern: str


Associate = Literal["none", "auto"] | tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Translation:
    map_cidr: tuple[CidrMap, ...] = ()
    map_vpc_cidr: bool = False
    map_group: tuple[GroupMap, ...] = ()
    map_account: tuple[tuple[str, str], ...] = ()
    map_prefix_list: tuple[tuple[str, str], ...] = ()
    match_by_name: bool = False
    match_cloudformation: bool = False
    outside: Outside = "fail"
    rename: tuple[Rename, ...] = ()
    associate: Associate = "none"
    copy_tag: tuple[str, ...] = ()
    rule_tags: bool = False


@dataclass(frozen=True)
class Limits:
    """What a plan may do to the target. ``max_change`` in percent. ``protect``: flows that must stay open,
    with replies to all of ``client_ports``. ``terraform``: (id, address) of what a Terraform state says that it
    keeps. ``strict``: ACLs go through the intersection; ``allow_gap``: what cannot be kept open is told and
    done."""

    policy: Policy = "sync"
    adopt: tuple[str, ...] = ()
    adopt_managed: bool = False
    prune: bool = False
    max_change: float = 30.0
    force: bool = False
    protect: tuple[FlowPattern, ...] = ()
    strict: bool = False
    allow_gap: bool = False
    terraform: tuple[tuple[str, str], ...] = ()
    client_ports: Ports = EPHEMERAL


@dataclass(frozen=True)
class Settings:
    selection: Selection = field(default_factory=Selection)
    translation: Translation = field(default_factory=Translation)
    limits: Limits = field(default_factory=Limits)
