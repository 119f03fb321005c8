"""Groups without room for what comes beside what goes: their calls, one after the other, in rounds.

A round ends where what goes next is covered only by what came in the round: that settles first.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from twinwall.model.firewall import Resource
from twinwall.model.rules import Direction, SecurityGroupRule
from twinwall.planning import changes as c
from twinwall.planning.replay import addresses_of
from twinwall.planning.routing.calls import Calls
from twinwall.planning.routing.full_paths import crowd_path, either_path
from twinwall.planning.routing.given import Given
from twinwall.planning.routing.in_place import FRESH
from twinwall.planning.routing.lane import Lane
from twinwall.planning.routing.standing import Ends, Rules, Standing, Views
from twinwall.planning.routing.turn import Turn
from twinwall.planning.semantics import Lists


@dataclass(frozen=True)
class _Batch:
    """Turns of one group that are one call."""

    group_id: str
    turns: list[Turn]


@dataclass(frozen=True)
class FullLanes:
    """By stages: before the lists that their rules name gain anything, while these hold what they held and what they
    will, and when they have lost what they lose. Where no such list changes there is but the second. ``lists``: those
    that wait for the first."""

    early: tuple[Lane, ...] = ()
    middle: tuple[Lane, ...] = ()
    late: tuple[Lane, ...] = ()
    lists: frozenset[str] = frozenset()


def full_lanes(given: Given) -> FullLanes:
    """One lane for each crowd, in each stage: groups that may share an interface wait for each other between rounds."""
    crowds = [_Crowd(given, tuple(crowd)) for crowd in _crowds(given)]
    stages = [crowd.lanes() for crowd in crowds]
    early, middle, late = (tuple(lanes[stage] for lanes in stages if lanes[stage].legs) for stage in _STAGES)
    return FullLanes(early, middle, late, frozenset[str]().union(*(crowd.moving for crowd in crowds)))


_STAGES = _EARLY, _MIDDLE, _LATE = range(3)


def _crowds(given: Given) -> list[list[str]]:
    full = Calls(given).full
    left, crowds = dict.fromkeys(full), []
    while left:
        crowd: list[str] = []
        near = [next(iter(left))]
        while near:
            id_ = near.pop()
            if id_ in left:
                del left[id_]
                crowd.append(id_)
                near += (left.keys() & given.usage.sharing(id_)) if given.usage.guards(id_) else ()
        crowds.append(sorted(crowd))
    return crowds


@dataclass
class _Crowd:
    given: Given
    ids: tuple[str, ...]

    def lanes(self) -> tuple[Lane, Lane, Lane]:
        made = {way: self._ways(way) for way in (Direction.INGRESS, Direction.EGRESS)}
        early, middle, late = (
            _Calls(self.given, [made[way][stage] for way in made]).lane() for stage in _STAGES
        )
        return early, middle, late

    @cached_property
    def moving(self) -> frozenset[str]:
        """Lists that change what they hold, and that rules of these groups name."""
        before, goal = self._lists
        changed = {id_ for id_, held in before.items() if set(goal.get(id_, held)) != set(held)}
        states = (self.given.before, self.given.goal)
        return frozenset(
            str(rule.peer)
            for state in states
            for id_ in (self.ids if changed else ())
            for rule in state.groups[id_].rules
            if str(rule.peer) in changed
        )

    @cached_property
    def _lists(self) -> tuple[Lists, Lists]:
        """What they hold before, and in the end."""
        given = self.given
        return addresses_of(given.before.lists.values()), addresses_of(given.goal.lists.values())

    def _ways(self, direction: Direction) -> list[list[list[_Batch]]]:
        """The rounds of each stage."""
        rules = {id_: frozenset(self.given.before.groups[id_].rules_of(direction)) for id_ in self.ids}
        found: list[list[list[_Batch]]] = [[], [], []]
        for stage in _STAGES if self.moving else (_MIDDLE,):
            path = self._turns(direction, rules, stage)
            sure = self._standing(direction, rules, stage)
            found[stage] = list(_Rounds(sure, path, self._guards).batches())
            rules = dict(sure.rules)
        return found

    def _views(self, stage: int) -> Views:
        before, goal = self._lists
        new = {**before, **goal}
        if not self.moving:
            return Views(new, new, new)
        old = {**goal, **before}
        both = {id_: (*old[id_], *new[id_]) for id_ in old}
        kept = {id_: tuple(set(old[id_]) & set(new[id_])) for id_ in old}
        return {_EARLY: Views(old, kept, new), _MIDDLE: Views(both, new, new), _LATE: Views(new, new, new)}[
            stage
        ]

    def _standing(self, direction: Direction, rules: Mapping[str, Rules], stage: int) -> Standing:
        """Groups beside the crowd hold all the way what they hold at both ends."""
        usage, before, goal = self.given.usage, self.given.before, self.given.goal
        views = self._views(stage)
        crowd = {
            id_: Ends(
                rules[id_],
                frozenset(goal.groups[id_].rules_of(direction)),
                views,
                self.given.universe,
                self.given.fits_before_growth(rules[id_]) if stage == _EARLY else self.given.fits,
            )
            for id_ in self.ids
        }
        beside = {other for id_ in crowd for other in usage.sharing(id_)} - crowd.keys()
        still = {
            id_: frozenset(before.groups[id_].rules_of(direction)) & {*goal.groups[id_].rules_of(direction)}
            for id_ in (beside if usage.together is not None else ())
            if id_ in before.groups and id_ in goal.groups
        }
        return Standing(crowd, usage.interfaces, still)

    @property
    def _guards(self) -> bool:
        return any(map(self.given.usage.guards, self.ids))

    def _turns(
        self, direction: Direction, rules: Mapping[str, Rules], stage: int
    ) -> Sequence[tuple[str, Turn]]:
        at = self._standing(direction, rules, stage)
        if not self._guards:
            goes, comes = (stage == _EARLY, stage == _LATE) if self.moving else (True, True)
            return list(_as_they_come(at, goes=goes, comes=comes))
        if self.moving:
            return crowd_path(at, last=stage == _LATE)
        return either_path(at, _turned_round(at))


def _as_they_come(at: Standing, *, goes: bool, comes: bool) -> Iterator[tuple[str, Turn]]:
    """Of groups that guard nothing: what goes, goes first, so that a list that their rules name has room to grow; what
    comes, comes when no list is larger than in the end."""
    for id_, ends in at.crowd.items():
        if goes:
            yield from ((id_, Turn(rule, None)) for rule in sorted(ends.old - ends.new))
        if comes:
            yield from ((id_, Turn(None, rule)) for rule in sorted(ends.new - ends.old))


def _turned_round(at: Standing) -> Standing:
    """At the other end of the way."""
    crowd = {id_: replace(ends, old=ends.new, new=ends.old) for id_, ends in at.crowd.items()}
    return Standing(crowd, at.interfaces, at.still)


@dataclass
class _Calls:
    """The rounds of both directions as a lane."""

    given: Given
    ways: Sequence[list[list[_Batch]]]
    work: Lane = field(default_factory=Lane)
    last: dict[str, int] = field(default_factory=dict)

    def lane(self) -> Lane:
        for round_ in range(max(map(len, self.ways))):
            for rounds in self.ways:
                for batch in rounds[round_] if round_ < len(rounds) else ():
                    self._send(batch, round_)
        return self.work

    def _send(self, batch: _Batch, round_: int) -> None:
        """Each call on a group waits for the one before it: one in flight."""
        id_ = batch.group_id
        for change in self._changes(self.given.before.groups[id_].resource, batch.turns):
            after = (self.last[id_],) if id_ in self.last else ()
            self.last[id_] = self.work.add(change, after, round_)

    def _changes(self, group: Resource, turns: Sequence[Turn]) -> list[c.Change]:
        if turns[0].gone and turns[0].come:
            return _in_place(group, turns[0].gone, turns[0].come)
        rules = tuple(sorted(_told(rule) for turn in turns if (rule := turn.gone or turn.come)))
        kind, why = (c.RevokeRules, _GONE) if turns[0].gone else (c.AuthorizeRules, _COME)
        return [kind(resource=group, reason=why, direction=rules[0].direction, rules=rules)]


@dataclass
class _Rounds:
    """A path cut into rounds, each group's turns in their order, each in the first round where it is safe: what goes
    must not be missed even if nothing that came in this round, but for the group's own in place, is there yet, and all
    that goes in this round is gone. So within a round groups need not wait for each other.

    ``sure``: what each group holds for sure; ``mine``: what it holds with its own in place; ``held``: in the end."""

    sure: Standing
    path: Sequence[tuple[str, Turn]]
    guards: bool

    def batches(self) -> Iterator[list[_Batch]]:
        queues: dict[str, deque[tuple[int, Turn]]] = {id_: deque() for id_ in self.sure.crowd}
        for index, (id_, turn) in enumerate(self.path):
            queues[id_].append((index, turn))
        held = dict(self.sure.rules)
        while any(queues.values()):
            round_ = self._round(queues, held)
            if not round_:  # what cannot be kept: the guard says what that closes
                first = min((queue[0][0], id_) for id_, queue in queues.items() if queue)[1]
                _, turn = queues[first].popleft()
                held[first] = turn.of(held[first])
                round_ = [_Batch(first, [turn])]
            for batch in round_:
                self.sure.now(batch.group_id, held[batch.group_id])
            yield round_

    def _round(self, queues: Mapping[str, deque[tuple[int, Turn]]], held: dict[str, Rules]) -> list[_Batch]:
        found: list[_Batch] = []
        for id_, queue in queues.items():
            mine = self.sure.rules[id_]
            own: list[_Batch] = []
            while queue:
                turn = queue[0][1]
                if turn.gone:
                    later = turn.of(mine)
                    if self.guards and self.sure.shut(id_, turn.gone, later):
                        break
                    mine = later
                    self.sure.now(id_, self.sure.rules[id_] - {turn.gone})
                queue.popleft()
                held[id_] = turn.of(held[id_])
                if own and _together(own[-1].turns[-1], turn):
                    own[-1].turns.append(turn)
                else:
                    own.append(_Batch(id_, [turn]))
            found += own
        return found


_COME = "wanted; the group is full"
_GONE = "not in the source; the group is full"
_CHANGED = "the group has no room for both"


def _told(rule: SecurityGroupRule) -> SecurityGroupRule:
    return replace(rule, rule_id="") if rule.rule_id == FRESH else rule


def _in_place(group: Resource, rule: SecurityGroupRule, into: SecurityGroupRule) -> list[c.Change]:
    made: list[c.Change] = [c.ModifySecurityGroupRules(resource=group, reason=_CHANGED, rule=rule, into=into)]
    if into.tags and into.tags != rule.tags and rule.rule_id:
        ids = (rule.rule_id,)
        made.append(c.CreateTags(resource=group, reason=_CHANGED, tags=into.tags, resource_ids=ids))
    return made


def _together(one: Turn, other: Turn) -> bool:
    """Whether both go, or both come with the same tags: then they are one call."""
    if one.gone and other.gone:
        return not (one.come or other.come)
    if one.come and other.come:
        return not (one.gone or other.gone) and one.come.tags == other.come.tags
    return False
