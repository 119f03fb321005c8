"""Groups without room for what comes beside what goes: their calls, one after the other, in rounds.

A round ends where what goes next is covered only by what came in the round: that settles first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from twinwall.model.firewall import Resource
from twinwall.model.rules import Direction
from twinwall.planning import changes as c
from twinwall.planning.promise.gapless import lost
from twinwall.planning.replay import addresses_of
from twinwall.planning.routing.calls import Calls
from twinwall.planning.routing.full_paths import Ends, Rules, Turn, full_path
from twinwall.planning.routing.given import Given
from twinwall.planning.routing.lane import Lane

_WHY = {
    "come": "wanted; the group is full",
    "gone": "not in the source; the group is full",
    "in place": "the group has no room for both",
}


def full_lanes(given: Given) -> list[Lane]:
    return [_GroupLane(given, id_).lane() for id_ in Calls(given).full]


@dataclass
class _GroupLane:
    given: Given
    group_id: str
    work: Lane = field(default_factory=Lane)

    def lane(self) -> Lane:
        rounds = [self._rounds(direction) for direction in (Direction.INGRESS, Direction.EGRESS)]
        for round_ in range(max(map(len, rounds))):
            for batches in rounds:
                for batch in batches[round_] if round_ < len(batches) else ():
                    self._send(batch, round_)
        return self.work

    @property
    def resource(self) -> Resource:
        return self.given.before.groups[self.group_id].resource

    def _ends(self, direction: Direction) -> Ends:
        before, goal = self.given.before, self.given.goal
        return Ends(
            frozenset(before.groups[self.group_id].rules_of(direction)),
            frozenset(goal.groups[self.group_id].rules_of(direction)),
            {**addresses_of(before.lists.values()), **addresses_of(goal.lists.values())},
            self.given.universe,
            self.given.fits,
        )

    def _rounds(self, direction: Direction) -> list[list[list[Turn]]]:
        """Rounds of batches of turns that are one call."""
        ends = self._ends(direction)
        turns = self._turns(ends)
        rounds: list[list[list[Turn]]] = [[]]
        rules, fresh = ends.old, Rules()
        for turn in turns:
            if turn.gone and fresh and self._leans(ends, rules, fresh, turn):
                rounds.append([])
                fresh = Rules()
            batches = rounds[-1]
            if batches and _together(batches[-1][-1], turn):
                batches[-1].append(turn)
            else:
                batches.append([turn])
            rules = turn.of(rules)
            if turn.come:
                fresh |= {turn.come}
        return rounds if turns else []

    def _turns(self, ends: Ends) -> Sequence[Turn]:
        if self.given.usage.guards(self.group_id):
            return full_path(ends)
        gone = [Turn(rule, None) for rule in sorted(ends.old - ends.new)]
        return [*gone, *(Turn(None, rule) for rule in sorted(ends.new - ends.old))]

    def _leans(self, ends: Ends, rules: Rules, fresh: Rules, turn: Turn) -> bool:
        if not self.given.usage.guards(self.group_id):
            return False
        settled = rules - fresh
        later = turn.of(rules) - (fresh - {turn.come} if turn.come else fresh)
        return lost(ends.packets(settled), ends.goal, ends.packets(later), ends.universe) is not None

    # --- calls

    def _send(self, batch: Sequence[Turn], round_: int) -> None:
        """Each call waits for the one before it: one in flight."""
        for change in self._changes(batch):
            last = len(self.work.legs) - 1
            self.work.add(change, (last,) if last >= 0 else (), round_)

    def _changes(self, batch: Sequence[Turn]) -> list[c.Change]:
        first = batch[0]
        if first.gone and first.come:
            return self._in_place(first)
        rules = tuple(sorted(rule for turn in batch if (rule := turn.gone or turn.come)))
        kind, why = (c.RevokeRules, _WHY["gone"]) if first.gone else (c.AuthorizeRules, _WHY["come"])
        return [kind(resource=self.resource, reason=why, direction=rules[0].direction, rules=rules)]

    def _in_place(self, turn: Turn) -> list[c.Change]:
        assert turn.gone
        assert turn.come
        rule, into = turn.gone, replace(turn.come, rule_id=turn.gone.rule_id)
        made: list[c.Change] = [
            c.ModifySecurityGroupRules(resource=self.resource, reason=_WHY["in place"], rule=rule, into=into)
        ]
        if into.tags and into.tags != rule.tags and rule.rule_id:
            ids = (rule.rule_id,)
            made.append(
                c.CreateTags(resource=self.resource, reason="wanted", tags=into.tags, resource_ids=ids)
            )
        return made


def _together(one: Turn, other: Turn) -> bool:
    """Whether both go, or both come with the same tags: then they are one call."""
    if one.gone and other.gone:
        return not (one.come or other.come)
    if one.come and other.come:
        return not (one.gone or other.gone) and one.come.tags == other.come.tags
    return False
