"""Groups without room for what comes beside what goes: their calls, one after the other, in rounds.

A round ends where what goes next is covered only by what came in the round: that settles first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from twinwall.model.firewall import Resource
from twinwall.model.rules import Direction, SecurityGroupRule
from twinwall.packets.packetset import PacketSet
from twinwall.planning import changes as c
from twinwall.planning.replay import addresses_of
from twinwall.planning.routing.calls import Calls
from twinwall.planning.routing.full_paths import (
    Beside,
    Ends,
    Rules,
    Turn,
    crowd_path,
    yet_to_come,
)
from twinwall.planning.routing.given import Given
from twinwall.planning.routing.lane import Lane


@dataclass(frozen=True)
class _Batch:
    """Turns of one group that are one call."""

    group_id: str
    turns: list[Turn]


def full_lanes(given: Given) -> list[Lane]:
    """One for each crowd: groups that may share an interface wait for each other."""
    return [_CrowdLane(given, crowd).lane() for crowd in _crowds(given)]


def _crowds(given: Given) -> list[list[str]]:
    crowds: list[set[str]] = []
    for id_ in Calls(given).full:
        beside = given.usage.sharing(id_) if given.usage.guards(id_) else {id_}
        touching = [crowd for crowd in crowds if crowd & beside]
        crowds = [crowd for crowd in crowds if not crowd & beside]
        crowds.append({id_}.union(*touching))
    return [sorted(crowd) for crowd in crowds]


@dataclass
class _CrowdLane:
    given: Given
    crowd: Sequence[str]
    work: Lane = field(default_factory=Lane)

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
            {**addresses_of(before.lists.values()), **addresses_of(goal.lists.values())},
            self.given.universe,
            self.given.fits,
        )

    def _rounds(self, direction: Direction) -> list[list[_Batch]]:
        """Rounds of batches. A round ends where what goes next is covered only by what came in it."""
        crowd = {id_: self._ends(id_, direction) for id_ in self.crowd}
        rounds: list[list[_Batch]] = [[]]
        rules = {id_: ends.old for id_, ends in crowd.items()}
        settled, fresh = dict(rules), False
        missing = yet_to_come(crowd, settled)
        for id_, turn in self._turns(crowd):
            later = turn.of(settled[id_])
            if turn.gone and fresh and not self._open(crowd, settled, id_, later, missing):
                rounds.append([])
                settled, fresh = dict(rules), False
                missing = yet_to_come(crowd, settled)
                later = turn.of(rules[id_])
            fresh |= turn.come is not None
            rules[id_] = turn.of(rules[id_])
            settled[id_] = later if turn.gone else settled[id_]
            batches = rounds[-1]
            if batches and batches[-1].group_id == id_ and _together(batches[-1].turns[-1], turn):
                batches[-1].turns.append(turn)
            else:
                batches.append(_Batch(id_, [turn]))
        return rounds

    def _turns(self, crowd: Mapping[str, Ends]) -> Sequence[tuple[str, Turn]]:
        usage = self.given.usage
        if any(map(usage.guards, crowd)):
            return crowd_path(crowd, usage.sharing)
        return [
            (id_, turn)
            for id_, ends in crowd.items()
            for turn in (
                *(Turn(rule, None) for rule in sorted(ends.old - ends.new)),
                *(Turn(None, rule) for rule in sorted(ends.new - ends.old)),
            )
        ]

    def _open(
        self,
        crowd: Mapping[str, Ends],
        rules: Mapping[str, Rules],
        id_: str,
        later: Rules,
        missing: PacketSet,
    ) -> bool:
        """Whether nothing is closed even if only what has settled is there."""
        usage = self.given.usage
        if not usage.guards(id_):
            return True
        if (rules[id_] - later) & crowd[id_].new:
            missing = yet_to_come(crowd, rules)
        beside = Beside(crowd, rules, usage.sharing(id_) - {id_}, missing)
        return replace(crowd[id_], beside=beside).open(rules[id_], later)

    # --- calls

    def _send(self, batch: _Batch, round_: int) -> None:
        """Each call waits for the one before it: one in flight."""
        for change in self._changes(self.given.before.groups[batch.group_id].resource, batch.turns):
            last = len(self.work.legs) - 1
            self.work.add(change, (last,) if last >= 0 else (), round_)

    def _changes(self, group: Resource, turns: Sequence[Turn]) -> list[c.Change]:
        if turns[0].gone and turns[0].come:
            return _in_place(group, turns[0].gone, turns[0].come)
        rules = tuple(sorted(rule for turn in turns if (rule := turn.gone or turn.come)))
        kind, why = (c.RevokeRules, _GONE) if turns[0].gone else (c.AuthorizeRules, _COME)
        return [kind(resource=group, reason=why, direction=rules[0].direction, rules=rules)]


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
