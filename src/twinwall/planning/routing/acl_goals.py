"""What is to become of the target's ACLs and of the subnets behind them, and how each ACL gets there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from twinwall.model.firewall import NetworkAcl
from twinwall.model.rules import Direction
from twinwall.packets.packetset import PacketSet
from twinwall.planning import changes as c
from twinwall.planning.acl_entries import DIRECTIONS, of_direction, packets_of
from twinwall.planning.routing.acl_paths import Path, best_path
from twinwall.planning.routing.given import Given

Way = Literal["free", "in place", "blue/green", "twin"]
"""*free*: no subnet is behind it. *twin*: the default ACL, whose subnets stand elsewhere meanwhile."""


@dataclass(frozen=True)
class AclGoals:
    given: Given

    @cached_property
    def acls(self) -> Mapping[str, NetworkAcl]:
        """That exist now."""
        return self.given.before.acls

    @cached_property
    def edited(self) -> dict[str, tuple[NetworkAcl, NetworkAcl]]:
        """ACLs whose entries change: as they are, as they will be."""
        found = {}
        for id_, acl in self.acls.items():
            later = self.given.goal.acls.get(id_)
            if later is not None and set(later.entries) != set(acl.entries):
                found[id_] = acl, later
        return found

    @cached_property
    def swaps(self) -> dict[str, tuple[str, str]]:
        """Subnet → its ACL now, and the one that it gets."""
        now, later = self.given.before.acl_of_subnet, self.given.goal.acl_of_subnet
        return {subnet: (acl, later[subnet]) for subnet, acl in now.items() if later[subnet] != acl}

    @cached_property
    def association_ids(self) -> dict[str, str]:
        """Subnet → its association, as it was read."""
        return {
            association.subnet_id: association.association_id
            for acl in self.given.existing.acls or ()
            for association in acl.associations
        }

    def behind(self, acl_id: str) -> tuple[str, ...]:
        """Subnets that have the ACL now and keep it."""
        now = self.given.before.acl_of_subnet
        return tuple(s for s, held in now.items() if held == acl_id and s not in self.swaps)

    def coming(self, acl_id: str) -> tuple[str, ...]:
        """Subnets that get it."""
        return tuple(subnet for subnet, (_, later) in self.swaps.items() if later == acl_id)

    def guards(self, acl_id: str) -> bool:
        return any(held == acl_id for held in self.given.before.acl_of_subnet.values())

    @cached_property
    def paths(self) -> dict[str, dict[Direction, Path | None]]:
        """The way in place of each edited ACL with subnets, each direction by itself."""
        room = self.given.quotas.entries_per_acl
        return {
            id_: {
                direction: best_path(
                    of_direction(old.entries, direction), of_direction(new.entries, direction), room
                )
                for direction in DIRECTIONS
            }
            for id_, (old, new) in self.edited.items()
            if self.guards(id_)
        }

    # --- by which way

    @cached_property
    def ways(self) -> dict[str, Way]:
        """The fewest calls; another ACL only where the VPC's quota leaves room."""
        made = sum(isinstance(change, c.CreateNetworkAcl) for change in self.given.changes)
        free = self.given.quotas.acls_per_vpc - len(self.acls) - made
        chosen: dict[str, Way] = {}
        for id_ in self.edited:
            chosen[id_] = self._way(id_, free > 0)
            free -= chosen[id_] in ("blue/green", "twin")
        for id_ in self._in_circles(chosen):
            if free > 0 and not self.acls[id_].is_default:
                chosen[id_] = "blue/green"
                free -= 1
        return chosen

    def _way(self, id_: str, free: bool) -> Way:
        if id_ not in self.paths:
            return "free"
        paths = self.paths[id_].values()
        in_place = None if None in paths else sum(len(path) for path in paths if path is not None)
        if free and (in_place is None or in_place > self._calls_elsewhere(id_)):
            return "twin" if self.acls[id_].is_default else "blue/green"
        return "in place"

    def _calls_elsewhere(self, id_: str) -> int:
        old, new = self.edited[id_]
        moving = len(self.behind(id_))
        if not old.is_default:
            return 2 + len(new.entries) + moving
        changed = {entry.key for entry in set(old.entries) ^ set(new.entries)}
        return 2 + len(new.entries) + 2 * moving + len(changed)

    def _in_circles(self, ways: Mapping[str, Way]) -> list[str]:
        """ACLs edited in place that can have no order: each gets a subnet from the next."""
        wanted = {id_ for id_, way in ways.items() if way == "in place"}
        circles: list[str] = []
        while True:
            order = in_order(wanted, self.swaps.values())
            if order is not None:
                return circles
            circles.append(min(wanted, key=lambda id_: (self.acls[id_].is_default, id_)))
            wanted.discard(circles[-1])

    # --- what a subnet gains and loses

    def opens_and_closes(self, subnet: str) -> tuple[bool, bool]:
        before, later = self.given.before.acl(subnet), self.given.goal.acl(subnet)
        if before is None or later is None:
            return False, False
        ends = [(_packets(before, way), _packets(later, way)) for way in DIRECTIONS]
        return any(new - old for old, new in ends), any(old - new for old, new in ends)


def in_order(ids: Iterable[str], swaps: Iterable[tuple[str, str]]) -> list[str] | None:
    """An ACL that gets a subnet is done before the one that the subnet leaves; None if they are in a circle."""
    left = dict.fromkeys(sorted(ids))
    waits = {id_: {to for at, to in swaps if at == id_ and to in left} for id_ in left}
    order: list[str] = []
    while left:
        ready = next((id_ for id_ in left if not waits[id_] - set(order)), None)
        if ready is None:
            return None
        order.append(ready)
        del left[ready]
    return order


def _packets(acl: NetworkAcl, direction: Direction) -> PacketSet:
    return packets_of(of_direction(acl.entries, direction))
