"""The promise for groups that guard packets: proven for every state that any allowed order can reach.

A group's calls, and those on the lists that its rules name, are cut into levels (``reach``). Within a level
nothing is known of the order, so all its losses may come first, or all its gains: these two ends bound every state
in it. Two groups may share an interface, where a packet passes if either admits it, so whatever a group loses on
the way must not be what the other one is to admit and does not yet.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from twinwall.model.firewall import Resource
from twinwall.model.net import Cidr
from twinwall.model.rules import Direction
from twinwall.packets.packetset import PacketSet
from twinwall.planning.acl_entries import DIRECTIONS
from twinwall.planning.flows import flow_of
from twinwall.planning.order import Route, Step
from twinwall.planning.pairing import Pair
from twinwall.planning.promise.breach import Breach, Kind
from twinwall.planning.promise.gapless import Lost, excess, lost, may_meet
from twinwall.planning.promise.moves import Move, State, addresses_of, lists_named, moves_of
from twinwall.planning.promise.reach import Reach, bits
from twinwall.planning.usage import Usage


@dataclass(frozen=True)
class _Group:
    """``moves``: its own and those of its lists, by position. ``plain``: only whole rules come and go."""

    resource: Resource
    before: State
    moves: tuple[Move, ...]
    plain: bool

    @cached_property
    def goal(self) -> State:
        return self.before.then(self.moves)

    @cached_property
    def gains(self) -> int:
        return bits(move.position for move in self.moves if move.gaining)

    @cached_property
    def losses(self) -> tuple[Move, ...]:
        return tuple(move for move in self.moves if move.losing)

    def low(self, reach: Reach, position: int) -> State:
        """The least that it may hold when the call at ``position`` was answered."""
        done = reach.before[position] | 1 << position
        sure = [move for move in self.moves if done >> move.position & 1]
        perhaps = [
            move
            for move in self.moves
            if not done >> move.position & 1 and not reach.before[move.position] >> position & 1
        ]
        return self.before.then(sure).then(perhaps, gains=False)


@dataclass(frozen=True)
class GroupProof:
    route: Route
    pair: Pair
    usage: Usage
    reach: Reach

    def breaches(self) -> Iterator[Breach]:
        for group in self._groups.values():
            if not self._in_two_phases(group):
                yield from self._alone(group)
        yield from self._shared()

    @cached_property
    def _groups(self) -> dict[str, _Group]:
        own, lists = moves_of(self.route)
        held = addresses_of(self.pair.existing.prefix_lists or ())
        known = held | {id_: frozenset() for id_ in lists if id_ not in self.pair.existing.list_by_id}
        found: dict[str, _Group] = {}
        for group in self.pair.existing.groups:
            moves = list(own.get(group.group_id, ()))
            if not self.usage.guards(group.group_id) or not (moves or lists):
                continue
            named = lists_named(group.rules) | lists_named(r for move in moves for r in move.gains)
            listed = [move for id_ in sorted(named) for move in lists.get(id_, ())]
            if moves or listed:
                before = State(frozenset(group.rules), {id_: known[id_] for id_ in named & known.keys()})
                plain = not listed and not any(move.gaining and move.losing for move in moves)
                ordered = tuple(sorted((*moves, *listed), key=lambda move: move.position))
                found[group.group_id] = _Group(group.resource, before, ordered, plain)
        return found

    def _in_two_phases(self, group: _Group) -> bool:
        """Whole rules only, none of them twice, and all gains before any loss."""
        if not group.plain:
            return False
        gained = [rule for move in group.moves for rule in move.gains]
        gone = {rule for move in group.losses for rule in move.losses}
        if gone & set(gained):
            return False
        return all(self.reach.follows(move.position, group.gains) for move in group.losses)

    # --- one group by itself

    def _alone(self, group: _Group) -> Iterator[Breach]:
        by_position = {move.position: move for move in group.moves}
        state, goal = group.before, group.goal
        for level in self.reach.levels([move.position for move in group.moves]):
            moves = [by_position[position] for position in level]
            if len(moves) == 1:
                low = high = state.then(moves)
            else:
                low, high = state.then(moves, gains=False), state.then(moves, losses=False)
            for direction in _directions(moves):
                yield from self._step(group, direction, (state, low, high, goal), level)
            state = state.then(moves)

    def _step(
        self,
        group: _Group,
        direction: Direction,
        states: tuple[State, State, State, State],
        level: list[int],
    ) -> Iterator[Breach]:
        now, low, high, goal = states
        if now == low == high:
            return
        rules, end = now.rules_of(direction), goal.rules_of(direction)
        shut = lost(rules.packets, end.packets, low.packets(direction), self.pair.universe)
        if shut:
            said = rules.decision(shut.packet).rule if not shut.members else end.decision(shut.packet).rule
            yield self._breach("gap", group, direction, shut, level, said)
        odd = excess(rules.packets, end.packets, high.packets(direction))
        if odd:
            said = high.rules_of(direction).decision(odd).rule
            yield self._breach("excess", group, direction, Lost(odd), level, said)

    # --- two groups on one interface

    def _shared(self) -> Iterator[Breach]:
        for id_, group in self._groups.items():
            beside = self.usage.sharing(id_)
            everyone = len(beside) >= len(self._groups)
            others = self._groups.keys() if everyone else beside & self._groups.keys()
            needed = self._all_gains if everyone else bits_of(self._groups[o].gains for o in others)
            for move in group.losses:
                if self.reach.follows(move.position, needed & ~(1 << move.position)):
                    continue
                gone = self._gone(group, move)
                if any(may_meet(gone[way], self._gained_by_any[way]) for way in DIRECTIONS):
                    for other in sorted(others - {id_}):
                        yield from self._between(group, move, self._groups[other])

    def _gone(self, group: _Group, move: Move) -> dict[Direction, PacketSet]:
        """All that the group may have lost when the call was answered."""
        least = group.low(self.reach, move.position)
        gone = State(group.before.rules - least.rules, group.before.lists)
        lists = any(least.lists[id_] != held for id_, held in group.before.lists.items())
        gone = group.before if lists else gone
        return {way: gone.packets(way) for way in DIRECTIONS}

    @cached_property
    def _gained_by_any(self) -> dict[Direction, PacketSet]:
        """At least all that any group gains."""
        rules = frozenset(
            rule for group in self._groups.values() for move in group.moves for rule in move.gains
        )
        lists: dict[str, frozenset[Cidr]] = {}
        for group in self._groups.values():
            for end in (group.before, group.goal):
                for id_, held in end.lists.items():
                    lists[id_] = lists.get(id_, frozenset()) | held
        grown = {move.list_id for group in self._groups.values() for move in group.moves if move.added}
        named = {
            rule
            for group in self._groups.values()
            for rule in group.goal.rules
            if grown and str(rule.peer) in grown
        }
        everything = State(rules | named, lists)
        return {way: everything.packets(way) for way in DIRECTIONS}

    @cached_property
    def _all_gains(self) -> int:
        return bits_of(group.gains for group in self._groups.values())

    def _between(self, group: _Group, move: Move, other: _Group) -> Iterator[Breach]:
        """Whether what ``group`` loses is to be admitted by ``other``, and may not be yet."""
        if self.reach.follows(move.position, other.gains & ~(1 << move.position)):
            return
        least = group.low(self.reach, move.position)
        beside = other.low(self.reach, move.position)
        for direction in DIRECTIONS:
            now, goal = group.before.rules_of(direction), other.goal.rules_of(direction)
            later = least.packets(direction) | beside.packets(direction)
            shut = lost(now.packets, goal.packets, later, self.pair.universe)
            if shut:
                said = f"{now.decision(shut.packet).rule}; then {other.resource}"
                yield self._breach("gap", group, direction, shut, [move.position], said)

    # --- words

    def _breach(
        self, kind: Kind, group: _Group, direction: Direction, shut: Lost, level: list[int], rule: str
    ) -> Breach:
        flow = str(flow_of(shut.packet, direction, group.resource, self.pair.symbol_text))
        if shut.members:
            names = " and ".join(map(self.pair.symbol_text, shut.members))
            flow = f"{flow}, if that is a member of {names},"
        return Breach(kind, group.resource, flow, rule, self._moment(level))

    def _moment(self, level: list[int]) -> str:
        items = [self.route[position] for position in level]
        names = [
            f"{item.change.action} of {item.change.resource}" for item in items if isinstance(item, Step)
        ]
        more = f" (one of {len(names)} calls in any order)" if len(names) > 1 else ""
        return f"{names[0]}, call {level[0] + 1}{more}"


def _directions(moves: Iterable[Move]) -> list[Direction]:
    """Those in which the moves change something; a list may be named in both."""
    found = {rule.direction for move in moves for rule in (*move.gains, *move.losses)}
    listed = any(move.list_id for move in moves)
    return [direction for direction in DIRECTIONS if listed or direction in found]


def bits_of(masks: Iterable[int]) -> int:
    found = 0
    for mask in masks:
        found |= mask
    return found
