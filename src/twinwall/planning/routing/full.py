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
from twinwall.planning.routing.full_paths import Turn, crowd_path
from twinwall.planning.routing.given import Given
from twinwall.planning.routing.lane import Lane
from twinwall.planning.routing.standing import Ends, Rules, Standing
from twinwall.planning.semantics import Lists


@dataclass(frozen=True)
class _Batch:
    """Turns of one group that are one call."""

    group_id: str
    turns: list[Turn]


def full_lanes(given: Given) -> list[Lane]:
    """One for each crowd: groups that may share an interface wait for each other between rounds."""
    return [_CrowdLane(given, crowd).lane() for crowd in _crowds(given)]


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
class _CrowdLane:
    given: Given
    crowd: Sequence[str]
    work: Lane = field(default_factory=Lane)
    last: dict[str, int] = field(default_factory=dict)

    def lane(self) -> Lane:
        rounds = [self._rounds(direction) for direction in (Direction.INGRESS, Direction.EGRESS)]
        for round_ in range(max(map(len, rounds))):
            for batches in rounds:
                for batch in batches[round_] if round_ < len(batches) else ():
                    self._send(batch, round_)
        return self.work

    def _ends(self, group_id: str, direction: Direction) -> Ends:
        before, goal = self.given.before, self.given.goal
        return Ends(
            frozenset(before.groups[group_id].rules_of(direction)),
            frozenset(goal.groups[group_id].rules_of(direction)),
            self._lists,
            self.given.universe,
            self.given.fits,
        )

    @cached_property
    def _lists(self) -> Lists:
        before, goal = self.given.before, self.given.goal
        return {**addresses_of(before.lists.values()), **addresses_of(goal.lists.values())}

    def _standing(self, direction: Direction) -> Standing:
        """Groups beside the crowd hold all the way what they hold at both ends."""
        usage, before, goal = self.given.usage, self.given.before, self.given.goal
        crowd = {id_: self._ends(id_, direction) for id_ in self.crowd}
        beside = {other for id_ in crowd for other in usage.sharing(id_)} - crowd.keys()
        still = {
            id_: frozenset(before.groups[id_].rules_of(direction)) & {*goal.groups[id_].rules_of(direction)}
            for id_ in (beside if usage.together is not None else ())
            if id_ in before.groups and id_ in goal.groups
        }
        return Standing(crowd, usage.interfaces, still)

    def _rounds(self, direction: Direction) -> list[list[_Batch]]:
        standing = self._standing(direction)
        return list(_Rounds(standing, self._turns(direction), self._guards).batches())

    @property
    def _guards(self) -> bool:
        return any(map(self.given.usage.guards, self.crowd))

    def _turns(self, direction: Direction) -> Sequence[tuple[str, Turn]]:
        standing = self._standing(direction)
        if self._guards:
            return crowd_path(standing)
        return [
            (id_, turn)
            for id_, ends in standing.crowd.items()
            for turn in (
                *(Turn(rule, None) for rule in sorted(ends.old - ends.new)),
                *(Turn(None, rule) for rule in sorted(ends.new - ends.old)),
            )
        ]

    # --- calls

    def _send(self, batch: _Batch, round_: int) -> None:
        """Each call on a group waits for the one before it: one in flight."""
        id_ = batch.group_id
        for change in self._changes(self.given.before.groups[id_].resource, batch.turns):
            after = (self.last[id_],) if id_ in self.last else ()
            self.last[id_] = self.work.add(change, after, round_)

    def _changes(self, group: Resource, turns: Sequence[Turn]) -> list[c.Change]:
        if turns[0].gone and turns[0].come:
            return _in_place(group, turns[0].gone, turns[0].come)
        rules = tuple(sorted(rule for turn in turns if (rule := turn.gone or turn.come)))
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


def _in_place(group: Resource, rule: SecurityGroupRule, wanted: SecurityGroupRule) -> list[c.Change]:
    into = replace(wanted, rule_id=rule.rule_id)
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
