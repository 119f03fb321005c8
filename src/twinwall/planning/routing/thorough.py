"""The way of one full group alone, looked for once more where going by the next best turn has led nowhere.

Nothing is taken for good here until the whole way is known: a rule that is wanted may go while the rest covers it, to
come back later, and what may go can stay, to become another in place.
"""

from collections.abc import Iterator
from dataclasses import replace
from heapq import heappop, heappush
from itertools import count

from twinwall.planning.routing.in_place import FRESH, Place, joined_places, larger_places, same_kind
from twinwall.planning.routing.standing import Ends, Rules, Standing
from twinwall.planning.routing.turn import Turn

MOST_TURNS = 6000
"""Turns that are tried before the search gives up: a second or two."""

Way = tuple[Turn, ...]


def whole_way(at: Standing, id_: str) -> Way | None:
    """From where the group began to where it is to end; None where none was found."""
    ends = at.crowd[id_]
    serial, tried = count(), count()
    queue: list[tuple[int, int, int, Rules, Way]] = [(0, 0, 0, ends.old, ())]
    seen: set[Rules] = {ends.old}
    while queue:
        _, _, _, rules, way = heappop(queue)
        for turn in _turns(at, id_, rules):
            if next(tried) > MOST_TURNS:
                return None
            later = turn.of(rules)
            if later in seen or not ends.fits(later) or not at.keeps(id_, rules, later):
                continue
            seen.add(later)
            if later == ends.new:
                return (*way, turn)
            heappush(queue, (len(later ^ ends.new), len(way), next(serial), later, (*way, turn)))
    return None


def _turns(at: Standing, id_: str, rules: Rules) -> Iterator[Turn]:
    ends = at.crowd[id_]
    coming = sorted(ends.new - rules)
    for rule in sorted(rules, key=lambda one: (one in ends.new, one)):
        yield Turn(rule, None)
    for rule in coming:
        yield Turn(None, replace(rule, rule_id=FRESH))
    for rule, into in _places(ends, rules):
        yield Turn(rule, replace(into, rule_id=rule.rule_id))


def _places(ends: Ends, rules: Rules) -> Iterator[Place]:
    coming = sorted(ends.new - rules)
    for rule in sorted(one for one in rules if one.rule_id != FRESH):
        yield from ((rule, other) for other in coming if same_kind(rule.peer, other.peer))
    yield from larger_places(ends, rules)
    yield from joined_places(ends, rules)
