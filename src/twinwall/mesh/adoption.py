"""What the published solution left in a group, and whose the group is. Pure.

inbound rule of a single host, no mark ─┬─ its address stands in a row, on a port of the mesh ─ a member's: marked
                                        └─ else ─ somebody's: left as it is
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from twinwall.errors import ConfigError, ForeignOwner
from twinwall.mesh.roster import Rules, is_marked, placeholders, wanted
from twinwall.mesh.rows import Item, Unreadable, check_trust, key_of, read_row
from twinwall.mesh.settings import Mesh
from twinwall.model.firewall import tag
from twinwall.model.members import Site
from twinwall.model.net import Cidr
from twinwall.model.ownership import MESH_TAG, SOURCE_TAG
from twinwall.model.rules import CidrPeer, Direction, SecurityGroupRule, Tags

Listed = Mapping[Site, frozenset[Cidr]]
"""The addresses that any copy of a site's row lists."""


@dataclass(frozen=True)
class Inheritance:
    """``marks``: the rules that get the mark, by the site whose member they admit; ``stays``: other single hosts;
    ``unclaimed``: the site's groups that have no mark yet."""

    site: Site
    marks: Mapping[Site, tuple[SecurityGroupRule, ...]]
    stays: tuple[SecurityGroupRule, ...]
    unclaimed: tuple[str, ...]

    @property
    def count(self) -> int:
        return sum(map(len, self.marks.values()))


def check_owner(mesh: Mesh, site: Site, group_id: str, tags: Tags, doing: str) -> None:
    """A group is kept by one mesh, or is a copy, never both. Raises ``ForeignOwner``."""
    other, source = tag(tags, MESH_TAG), tag(tags, SOURCE_TAG)
    if source is not None:
        raise ForeignOwner(
            f"{doing}: the group {group_id} of {site.key} is Twinwall's copy of {source}; a replica and a mesh "
            f"would undo each other: take it out of the replica and remove its tag {SOURCE_TAG}, or name another group"
        )
    if other not in (None, mesh.name):
        raise ForeignOwner(
            f"{doing}: the group {group_id} of {site.key} belongs to the mesh {other}, not to {mesh.name}; name "
            f"another group, or twinwall mesh remove --mesh {other} first"
        )


def listed(mesh: Mesh, tables: Mapping[str, Iterable[Item]]) -> Listed:
    """``tables``: rows by node. Raises ``ForeignOwner`` for a row that would be buried or not be believed: its rules
    would be cut later on."""
    found: dict[Site, frozenset[Cidr]] = dict.fromkeys(mesh.sites, frozenset())
    for node, rows in tables.items():
        for item in rows:
            site = mesh.site(key_of(item))
            if site is None and not item.get("tombstone"):
                raise ForeignOwner(
                    f"adopting {mesh.name}: the table of {node} has a row of {key_of(item)}, which is no site of it; "
                    "add the site to the configuration, or delete the row"
                )
            if site is not None:
                found[site] |= _believed(mesh, site, item, node)
    return found


def _believed(mesh: Mesh, site: Site, item: Item, node: str) -> frozenset[Cidr]:
    try:
        row = read_row(item)
        check_trust(row, site, mesh.max_members)
    except Unreadable as wrong:
        raise ForeignOwner(
            f"adopting {mesh.name}: in the table of {node} {wrong}; mend or delete the row"
        ) from None
    return row.listed


def inherit(mesh: Mesh, site: Site, members: Listed, rules: Rules, tags: Mapping[str, Tags]) -> Inheritance:
    """``rules`` of all groups of the site, ``tags`` by group. Raises ``ConfigError`` where nothing says which ports the
    mesh is about."""
    ports = mesh.ports or placeholders(rules, site.group_id)
    if not ports:
        raise ConfigError(
            f"adopting {site.key}: {site.group_id} has no placeholder rule (a reference to itself), and the mesh "
            f'{mesh.name} has no ports; write ports = ["tcp/443", …]'
        )
    owners = {
        (rule.traffic, rule.peer): owner
        for owner, addresses in members.items()
        for rule in wanted(sorted(addresses), ports)
    }
    marks: dict[Site, tuple[SecurityGroupRule, ...]] = {}
    stays = []
    for rule in sorted(rule for rule in rules if _is_host(rule) and not is_marked(rule, mesh.name)):
        owner = owners.get((rule.traffic, rule.peer))
        if owner is None:
            stays.append(rule)
        else:
            marks[owner] = (*marks.get(owner, ()), rule)
    unclaimed = tuple(group_id for group_id in site.groups if tag(tags[group_id], MESH_TAG) is None)
    return Inheritance(site, marks, tuple(stays), unclaimed)


def _is_host(rule: SecurityGroupRule) -> bool:
    if rule.direction is not Direction.INGRESS or not isinstance(rule.peer, CidrPeer):
        return False
    return rule.peer.cidr.length == rule.peer.cidr.bits
