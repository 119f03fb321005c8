"""Groups and rules that were there before the mesh: looked at, then marked. Nothing else is written.

every table ∥ every group and its rules ─▶ whose are they? ─▶ groups marked ─▶ members' rules marked
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from twinwall.boundary import Table
from twinwall.engine.mesh.look import group_ids, places, rules_of
from twinwall.engine.mesh.run import Around, Run, at_once
from twinwall.errors import NotFound
from twinwall.mesh.adoption import Inheritance, check_owner, inherit, listed
from twinwall.mesh.roster import mark
from twinwall.model.members import Node, Place, Site
from twinwall.model.ownership import MESH_TAG
from twinwall.model.rules import SecurityGroupRule, Tags
from twinwall.model.wire import parse_tags


@dataclass
class _Seen:
    tables: dict[str, Table] = field(default_factory=dict)
    rules: dict[str, Sequence[SecurityGroupRule]] = field(default_factory=dict)
    tags: dict[str, Tags] = field(default_factory=dict)


def check_owners(around: Around, sites: Sequence[Site], doing: str) -> Mapping[str, Tags]:
    """The groups' tags. Raises ``NotFound`` for a group that is not there, ``ForeignOwner`` for somebody else's."""
    found: dict[str, Tags] = {}

    def read(place: Place, there: Sequence[Site]) -> None:
        groups = around.doors.ec2(place).groups(group_ids(there), around.mesh.call_timeout)
        found.update((group["GroupId"], parse_tags(group.get("Tags"))) for group in groups)

    at_once(around.crew(), [partial(read, place, there) for place, there in places(sites).items()])
    for site in sites:
        for group_id in site.groups:
            if group_id not in found:
                raise NotFound(
                    f"{doing}: the group {group_id} of {site.key} is not in {site.place}; name the one that guards it",
                    code="InvalidGroup.NotFound",
                )
            check_owner(around.mesh, site, group_id, found[group_id], doing)
    return found


def survey(around: Around) -> list[Inheritance]:
    """What adopting would mark, site by site. Reads only."""
    mesh, seen = around.mesh, _Seen()
    seen.tags.update(check_owners(around, mesh.sites, f"adopting {mesh.name}"))
    jobs = [_table(around, node, seen) for node in mesh.nodes]
    jobs += [_rules(around, place, sites, seen) for place, sites in places(mesh.sites).items()]
    at_once(around.crew(), jobs)
    members = listed(mesh, {node: table.rows for node, table in seen.tables.items()})
    return [inherit(mesh, site, members, rules_of(seen.rules, site), seen.tags) for site in mesh.sites]


def _table(around: Around, node: Node, seen: _Seen) -> Callable[[], None]:
    def job() -> None:
        seen.tables[node.name] = around.doors.table(node.name).read(around.mesh.call_timeout)

    return job


def _rules(around: Around, place: Place, sites: Sequence[Site], seen: _Seen) -> Callable[[], None]:
    def job() -> None:
        ids = group_ids(sites)
        seen.rules.update(around.doors.ec2(place).rules(ids, around.mesh.call_timeout))

    return job


def carry_out(around: Around, found: Sequence[Inheritance]) -> None:
    """Groups first: from then on no replica touches them."""
    run = Run(around, around.clock.monotonic(), cause="adopt", event_id="by-hand")
    for one in found:
        if one.unclaimed:
            claim(around, one.site, one.unclaimed)
        for group_id in one.unclaimed:
            run.log("group-marked", site=str(one.site.key), group=group_id)
    for one in found:
        for owner, rules in one.marks.items():
            _mark(around, one.site, owner, rules)
            run.log_rules("adopted", one.site, rules, call="CreateTags", of=str(owner.key))


def claim(around: Around, site: Site, group_ids: Sequence[str]) -> None:
    """The groups are this mesh's: a replica that would write to it is refused."""
    tags = ((MESH_TAG, around.mesh.name),)
    around.doors.ec2(site.place).tag(group_ids, tags, around.mesh.call_timeout)


def _mark(around: Around, site: Site, owner: Site, rules: Sequence[SecurityGroupRule]) -> None:
    """Generation 0: before any that a function writes."""
    tags: Any = mark(around.mesh.name, owner, 0)
    ids = [rule.rule_id for rule in rules]
    around.doors.ec2(site.place).tag(ids, tags, around.mesh.call_timeout)
