"""The promise for groups that guard packets: proven for every state that any allowed order can reach.

A group's calls, and those on the lists that its rules name, are cut into levels (``reach``). Within a level
nothing is known of the order, so all its losses may come first, or all its gains: these two ends bound every state
in it. On an interface a packet passes if any of its groups admits it: whatever a group loses on the way, and any group
of the interface is to admit, one of them must admit when the call was answered. Where interfaces are not known, any two
groups may be alone on one.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from twinwall.model.firewall import Resource
from twinwall.model.net import Cidr
from twinwall.model.rules import Direction
from twinwall.planning.flows import flow_of
from twinwall.planning.order import Route, Step
from twinwall.planning.pairing import Pair
from twinwall.planning.promise.breach import Breach, Kind
from twinwall.planning.promise.closer import going, missed, strange
from twinwall.planning.promise.gapless import Lost
from twinwall.planning.promise.moves import Move, State, addresses_of, lists_named, moves_of
from twinwall.planning.promise.reach import Reach, bits
from twinwall.planning.promise.touching import Touching
from twinwall.planning.usage import Together, Usage


@dataclass(frozen=True)
class Group:
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

    def possible(self, reach: Reach, position: int) -> tuple[State, ...]:
        """What it may hold when the call at ``position`` was answered: what any of these admits not, it may not admit.
        Calls one after the other leave one state each; of others nothing but the least is known."""
        done = reach.before[position] | 1 << position
        state = self.before.then(move for move in self.moves if done >> move.position & 1)
        perhaps = [
            move
            for move in self.moves
            if not done >> move.position & 1 and not reach.before[move.position] >> position & 1
        ]
        one_by_one = all(
            reach.before[later.position] >> earlier.position & 1 for earlier, later in pairwise(perhaps)
        )
        if not one_by_one:
            return (state.then(perhaps, gains=False),)
        found, gained = [state], False
        for move in perhaps:
            state = state.then((move,))
            gained = gained or move.gaining
            if move.losing:
                if not gained:
                    found.pop()  # it admits more
                found.append(state)
                gained = False
        return tuple(found)


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
    def _groups(self) -> dict[str, Group]:
        own, lists = moves_of(self.route)
        found: dict[str, Group] = {}
        for group in self.pair.existing.groups:
            moves = list(own.get(group.group_id, ()))
            if not self.usage.guards(group.group_id) or not (moves or lists):
                continue
            named = lists_named(group.rules) | lists_named(r for move in moves for r in move.gains)
            listed = [move for id_ in sorted(named) for move in lists.get(id_, ())]
            if moves or listed:
                before = State(frozenset(group.rules), self._lists_named(named))
                plain = not listed and not any(move.gaining and move.losing for move in moves)
                ordered = tuple(sorted((*moves, *listed), key=lambda move: move.position))
                found[group.group_id] = Group(group.resource, before, ordered, plain)
        return found

    @cached_property
    def _lists(self) -> dict[str, frozenset[Cidr]]:
        """Lists that are addresses, as they were; those that are made, empty."""
        made = moves_of(self.route)[1].keys() - self.pair.existing.list_by_id.keys()
        return addresses_of(self.pair.existing.prefix_lists or ()) | dict.fromkeys(made, frozenset())

    def _lists_named(self, named: set[str]) -> dict[str, frozenset[Cidr]]:
        return {id_: self._lists[id_] for id_ in named & self._lists.keys()}

    def _in_two_phases(self, group: Group) -> bool:
        """Whole rules only, none of them twice, and all gains before any loss."""
        if not group.plain:
            return False
        gained = [rule for move in group.moves for rule in move.gains]
        gone = {rule for move in group.losses for rule in move.losses}
        if gone & set(gained):
            return False
        return all(self.reach.follows(move.position, group.gains) for move in group.losses)

    # --- one group by itself

    def _alone(self, group: Group) -> Iterator[Breach]:
        by_position = {move.position: move for move in group.moves}
        state = group.before
        for level in self.reach.levels([move.position for move in group.moves]):
            moves = [by_position[position] for position in level]
            if len(moves) == 1:
                low = high = state.then(moves)
            else:
                low, high = state.then(moves, gains=False), state.then(moves, losses=False)
            yield from self._gaps(group, state, low, level)
            yield from self._excesses(group, state, high, level)
            state = state.then(moves)

    def _gaps(self, group: Group, now: State, low: State, level: list[int]) -> Iterator[Breach]:
        for rule in going(now, low):
            shut = missed(rule, now, (group.goal,), ((low,),), self.pair.universe)
            if shut:
                at = group.goal if shut.members else now
                said = at.rules_of(rule.direction).decision(shut.packet).rule
                yield self._breach("gap", group, rule.direction, shut, level, said)
                return

    def _excesses(self, group: Group, now: State, high: State, level: list[int]) -> Iterator[Breach]:
        for rule in going(high, now):
            odd = strange(rule, high, (now, group.goal))
            if odd:
                yield self._breach("excess", group, rule.direction, Lost(odd), level, str(rule))
                return

    # --- groups on one interface

    def _shared(self) -> Iterator[Breach]:
        for id_, group in self._groups.items():
            beside = self.usage.sharing(id_)
            everyone = len(beside) >= len(self._groups)
            others = self._groups.keys() if everyone else beside & self._groups.keys()
            needed = self._all_gains if everyone else bits_of(self._groups[o].gains for o in others)
            for move in group.losses:
                if not self.reach.follows(move.position, needed & ~(1 << move.position)):
                    yield from self._beside(id_, group, move, others)

    def _beside(self, id_: str, group: Group, move: Move, others: Collection[str]) -> Iterator[Breach]:
        """What the group may have lost when the call was answered, on each interface where another group is to admit
        something of it and may not yet."""
        states = self._possible(id_, move.position)
        for rule in dict.fromkeys(rule for least in states for rule in going(group.before, least)):
            late = {
                other
                for other in self._gained.of(rule)
                if other != id_ and other in others and self._is_late(other, move)
            }
            for together in self.usage.interfaces(id_, late):
                known = sorted(together & self._groups.keys())
                held = [self._possible(one, move.position) for one in known] + self._still(together)
                goals = [self._groups[one].goal for one in known]
                shut = missed(rule, group.before, goals, held, self.pair.universe)
                if shut:
                    first = self._groups[min(together & late)].resource
                    yield self._breach(
                        "gap", group, rule.direction, shut, [move.position], f"{rule}; then {first}"
                    )
                    return

    def _is_late(self, other: str, move: Move) -> bool:
        """May not have all that it gains when the call was answered."""
        return not self.reach.follows(move.position, self._groups[other].gains & ~(1 << move.position))

    def _still(self, together: Together) -> list[tuple[State, ...]]:
        """Groups of an interface that do not move."""
        by_id = self.pair.existing.group_by_id
        some = [by_id[id_] for id_ in sorted(together - self._groups.keys()) if id_ in by_id]
        return [
            (State(frozenset(group.rules), self._lists_named(lists_named(group.rules))),) for group in some
        ]

    def _possible(self, id_: str, position: int) -> tuple[State, ...]:
        if (id_, position) not in self._known:
            self._known[id_, position] = self._groups[id_].possible(self.reach, position)
        return self._known[id_, position]

    @cached_property
    def _known(self) -> dict[tuple[str, int], tuple[State, ...]]:
        return {}

    @cached_property
    def _gained(self) -> Touching[str]:
        """Groups by the rules that they gain, or by which they gain through a list."""
        return Touching(
            (rule, id_) for id_, group in self._groups.items() for rule in going(group.goal, group.before)
        )

    @cached_property
    def _all_gains(self) -> int:
        return bits_of(group.gains for group in self._groups.values())

    # --- words

    def _breach(
        self, kind: Kind, group: Group, direction: Direction, shut: Lost, level: list[int], rule: str
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


def bits_of(masks: Iterable[int]) -> int:
    found = 0
    for mask in masks:
        found |= mask
    return found
