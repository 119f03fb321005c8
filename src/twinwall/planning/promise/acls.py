"""The promise for ACLs: each subnet's, and each ACL's that has subnets, state by state.

Calls on what a subnet is behind must be strictly one after the other: then each state is known, and each step is
held against both ends. An ACL without a subnet guards nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from twinwall.model.firewall import Resource
from twinwall.model.rules import Direction
from twinwall.packets.packetset import PacketSet
from twinwall.planning import changes as c
from twinwall.planning.acl_entries import DIRECTIONS, Entries, of_direction, packets_of
from twinwall.planning.flows import flow_of
from twinwall.planning.order import Route, Step
from twinwall.planning.pairing import Pair
from twinwall.planning.promise.breach import ACL_WAYS_OUT, Breach, Kind
from twinwall.planning.promise.reach import Reach
from twinwall.planning.replay import Replay
from twinwall.planning.semantics import AclEntries

_EDITS = c.CreateNetworkAclEntry | c.ReplaceNetworkAclEntry | c.DeleteNetworkAclEntry
_Sight = tuple[Entries, Entries]
"""The entries of both directions."""


@dataclass(frozen=True)
class AclProof:
    route: Route
    pair: Pair
    reach: Reach

    def breaches(self) -> Iterator[Breach]:
        yield from self._loose_swaps()
        found: set[Breach] = set()
        for sights in self._histories():
            for breach in self._history(*sights):
                if breach not in found:
                    found.add(breach)
                    yield breach

    def _loose_swaps(self) -> Iterator[Breach]:
        """What is edited before a subnet comes must be done by then, and what is edited after it left must wait."""
        edits: dict[str, int] = {}
        left: dict[str, int] = {}
        state = Replay.of(self.pair.existing)
        for position, change in self._replayed(state):
            acl_id = change.resource.id
            if isinstance(change, c.ReplaceNetworkAclAssociation):
                if not self.reach.follows(position, edits.get(change.network_acl_id, 0)):
                    yield self._unordered(change.resource, position)
                at = self._was[position]
                left[at] = left.get(at, 0) | 1 << position
            else:
                if not self.reach.follows(position, left.get(acl_id, 0)):
                    yield self._unordered(change.resource, position)
                edits[acl_id] = edits.get(acl_id, 0) | 1 << position

    @cached_property
    def _was(self) -> dict[int, str]:
        """Position of a swap → the ACL that the subnet leaves."""
        behind = dict(Replay.of(self.pair.existing).acl_of_subnet)
        found: dict[int, str] = {}
        for position, item in enumerate(self.route):
            if isinstance(item, Step) and isinstance(item.change, c.ReplaceNetworkAclAssociation):
                found[position] = behind.get(item.change.resource.id, "")
                behind[item.change.resource.id] = item.change.network_acl_id
        return found

    def _histories(self) -> Iterator[tuple[Resource, list[tuple[int, _Sight]], _Sight]]:
        """For each subnet, and for each ACL while it has subnets: what it sees after each call that changes that,
        in the route's own order."""
        state = Replay.of(self.pair.existing)
        seen: dict[Resource, list[tuple[int, _Sight]]] = {}
        first = self._sights(state)
        now = dict(first)
        for position, change in self._replayed(state):
            touched = self._touched(change, state)
            for thing in touched:
                sight = self._sight(thing, state)
                if thing not in now:
                    first[thing] = now[thing] = sight
                elif now[thing] != sight or isinstance(change, _EDITS):
                    seen.setdefault(thing, []).append((position, sight))
                    now[thing] = sight
        for thing, states in seen.items():
            yield thing, states, first[thing]

    def _replayed(self, state: Replay) -> Iterator[tuple[int, c.Change]]:
        for position, item in enumerate(self.route):
            if isinstance(item, Step) and item.change.resource.type in ("network-acl", "subnet"):
                state.step(item.change)
                if isinstance(item.change, _EDITS | c.ReplaceNetworkAclAssociation):
                    yield position, item.change

    def _sights(self, state: Replay) -> dict[Resource, _Sight]:
        things = [self.pair.subnet(subnet) for subnet in state.acl_of_subnet]
        things += [state.acls[id_].resource for id_ in sorted(set(state.acl_of_subnet.values()))]
        return {thing: self._sight(thing, state) for thing in things}

    def _sight(self, thing: Resource, state: Replay) -> _Sight:
        acl = state.acl(thing.id) if thing.type == "subnet" else state.acls[thing.id]
        entries = acl.entries if acl else ()
        return of_direction(entries, DIRECTIONS[0]), of_direction(entries, DIRECTIONS[1])

    def _touched(self, change: c.Change, state: Replay) -> Iterator[Resource]:
        if isinstance(change, c.ReplaceNetworkAclAssociation):
            yield self.pair.subnet(change.resource.id)
            acl = state.acls[change.network_acl_id]
            yield acl.resource
            return
        behind = [subnet for subnet, acl in state.acl_of_subnet.items() if acl == change.resource.id]
        yield from map(self.pair.subnet, behind)
        if behind:
            yield state.acls[change.resource.id].resource

    def _history(self, thing: Resource, states: list[tuple[int, _Sight]], first: _Sight) -> Iterator[Breach]:
        for index, direction in enumerate(DIRECTIONS):
            now, goal = packets_of(first[index]), packets_of(states[-1][1][index])
            entries, before = first[index], None
            for position, sight in states:
                if before is not None and not self.reach.follows(position, 1 << before):
                    yield self._unordered(thing, position)
                later = packets_of(sight[index])
                yield from self._step(thing, direction, (now, goal, later), (entries, sight[index]), position)
                now, entries, before = later, sight[index], position

    def _step(
        self,
        thing: Resource,
        direction: Direction,
        sets: tuple[PacketSet, PacketSet, PacketSet],
        entries: tuple[Entries, Entries],
        position: int,
    ) -> Iterator[Breach]:
        now, goal, later = sets
        if now == later:
            return
        kinds: list[tuple[Kind, PacketSet, Entries]] = [
            ("gap", (now - later) & goal, entries[0]),
            ("excess", later - now - goal, entries[1]),
        ]
        for kind, wrong, deciding in kinds:
            packet = wrong.witness()
            if packet is not None:
                guarded = thing if thing.type == "subnet" else None
                flow = str(flow_of(packet, direction, guarded, str))
                rule = AclEntries(deciding).decision(packet).rule
                yield Breach(kind, thing, flow, rule, self._moment(position), ACL_WAYS_OUT)

    def _unordered(self, thing: Resource, position: int) -> Breach:
        """A route that leaves this open proves nothing."""
        return Breach(
            "excess", thing, "any flow", "its calls have no order", self._moment(position), ACL_WAYS_OUT
        )

    def _moment(self, position: int) -> str:
        item = self.route[position]
        assert isinstance(item, Step)
        return f"{item.change.action} of {item.change.resource}, call {position + 1}"
