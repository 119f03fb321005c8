"""``--strict``: an ACL that opens and closes goes through what both ends admit, so that it opens nothing together
with a group that is changing.

    before the groups   it becomes what it is to be, with denies in front of all that the old one did not admit
    after the groups    the denies go

It costs the calls of the denies twice. Where the denies have no room, or no number, the plan is refused.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from twinwall.errors import UnsafePlan
from twinwall.model.firewall import NetworkAcl
from twinwall.model.net import Cidr
from twinwall.model.rules import Direction, NetworkAclEntry, RuleAction, Traffic
from twinwall.packets.packetset import PacketSet
from twinwall.planning import changes as c
from twinwall.planning.acl_entries import DIRECTIONS, of_direction, packets_of
from twinwall.planning.phrases import phrases
from twinwall.planning.routing.acl_goals import AclGoals
from twinwall.planning.routing.acls import AclLanes, acl_lanes
from twinwall.planning.routing.given import Given
from twinwall.planning.routing.lane import Lane

_WHY = "the old firewall does not admit it yet, and groups are changing"
_DONE = "the groups have changed"


def strict_lanes(given: Given) -> AclLanes:
    """All ACL work before the groups, but for what may only be opened after them."""
    denies = _Denies(given).of_acls
    entries = [
        c.CreateNetworkAclEntry(resource=given.goal.acls[id_].resource, reason=_WHY, entry=entry)
        for id_, some in denies.items()
        for entry in some
    ]
    found = acl_lanes(replace(given, changes=(*given.changes, *entries)))
    closing = [*found.closing, *found.opening]
    opening = []
    for id_, some in denies.items():
        resource = given.goal.acls[id_].resource
        ref = found.replaced.get(id_)
        if ref:
            resource = replace(resource, id=ref)
        lane = Lane()
        for entry in reversed(some):
            after = (len(lane.legs) - 1,) if lane.legs else ()
            lane.add(c.DeleteNetworkAclEntry(resource=resource, reason=_DONE, entry=entry), after)
        opening.append(lane)
    return AclLanes(closing, opening, found.replaced)


@dataclass(frozen=True)
class _Denies:
    given: Given

    @cached_property
    def of_acls(self) -> Mapping[str, list[NetworkAclEntry]]:
        """ACL, as it will be → the denies that it has meanwhile."""
        goals = AclGoals(self.given)
        found = {}
        for id_ in dict.fromkeys(self.given.goal.acl_of_subnet.values()):
            acl = self.given.goal.acls[id_]
            some = [entry for way in DIRECTIONS for entry in self._entries(acl, way)]
            if some and goals.ways.get(id_) == "twin":
                raise _no_way(acl, "its subnets stand behind a twin meanwhile")
            if some:
                found[id_] = some
        return found

    def _entries(self, acl: NetworkAcl, way: Direction) -> Iterator[NetworkAclEntry]:
        """What the ACL opens for every subnet that is to have it."""
        later, now = self.given.goal, self.given.before
        held = [s for s, id_ in later.acl_of_subnet.items() if id_ == acl.network_acl_id]
        olds = [before for s in held if (before := now.acl(s)) is not None]
        admitted = [packets_of(of_direction(old.entries, way)) for old in olds]
        own = of_direction(acl.entries, way)
        opened = packets_of(own)
        for packets in admitted:
            opened -= packets
        numbers = [e.rule_number for old in (*olds, acl) for e in of_direction(old.entries, way)]
        boxes = list(_boxes(opened, acl))
        first = min(numbers, default=len(boxes) + 1)
        if first <= len(boxes):
            raise _no_way(acl, f"{len(boxes)} denies have no number before {first}")
        if len(own) + len(boxes) > self.given.quotas.entries_per_acl and boxes:
            most = self.given.quotas.entries_per_acl
            raise _no_way(
                acl, f"{len(own)} entries and {len(boxes)} denies are more than its quota of {most}"
            )
        for index, (traffic, cidr) in enumerate(boxes):
            yield NetworkAclEntry(way, first - len(boxes) + index, RuleAction.DENY, traffic, cidr)


def _boxes(packets: PacketSet, acl: NetworkAcl) -> Iterator[tuple[Traffic, Cidr]]:
    for told in phrases(packets):
        assert isinstance(told.peer, Cidr)
        if not isinstance(told.traffic, Traffic):
            raise _no_way(acl, f"no entry can say {told.traffic}")
        yield told.traffic, told.peer


def _no_way(acl: NetworkAcl, why: str) -> UnsafePlan:
    return UnsafePlan(
        f"planning {acl.resource} with --strict: it cannot go through what both ends admit: {why}; ways out: raise "
        "the quota, change groups and ACLs in two runs (--only groups, --only nacls), or leave --strict away and "
        "read briefly_open"
    )
