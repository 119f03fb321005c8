"""From one set of rules to another where there is no room for both: one direction of groups that share interfaces.

In this order, and each only if no flow that both ends admit is closed by it: rules go that the rest covers; rules
come for which there is room; a rule becomes another of its kind in place; a rule grows, for a while, inside what
the ends admit. Where all of this fails, the rule goes that is missed least: then the guard says what that closes.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from heapq import heappop, heappush
from itertools import count
from typing import NamedTuple

from twinwall.model.rules import SecurityGroupRule
from twinwall.planning.routing.in_place import FRESH, larger_places, wanted_places
from twinwall.planning.routing.standing import Ends, Rules, Standing
from twinwall.planning.routing.thorough import whole_way
from twinwall.planning.routing.turn import Turn

MOST_LOOKS = 400
"""States that a search looks at before it takes the smallest gap."""


Path = list[tuple[str, Turn]]
"""(group, turn), one after the other."""


def either_path(at: Standing, back: Standing) -> Path:
    """The way there, or, where none without a gap is found, the way back from the end (``back``), walked backwards:
    what keeps the promise one way keeps it the other way. Else one that is looked for as a whole, else one with a
    gap."""
    path = crowd_path(at, last=False)
    if _arrived(at):
        return path
    other = crowd_path(back, last=False)
    turned = _turned(other, back.crowd) if _arrived(back) else None
    return turned or _thorough(at) or path + crowd_path(at)


def _thorough(at: Standing) -> Path:
    """Of a group alone; empty where none was found."""
    (id_,) = at.crowd if len(at.crowd) == 1 else ("",)
    return [(id_, turn) for turn in whole_way(at, id_) or ()] if id_ else []


def _arrived(at: Standing) -> bool:
    return all(at.rules[id_] == ends.new for id_, ends in at.crowd.items())


def _turned(path: Path, crowd: Mapping[str, Ends]) -> Path | None:
    """``crowd``: its ends as ``path`` sees them. None where a rule would be changed in place that comes on the way."""
    held = {id_: {rule: rule for rule in ends.new} for id_, ends in crowd.items()}
    wanted = {id_: {rule: rule for rule in ends.old} for id_, ends in crowd.items()}
    turned: Path = []
    for id_, (later, sooner) in reversed(path):
        gone = held[id_].pop(sooner) if sooner else None
        if gone and later and gone.rule_id == FRESH:
            return None
        come = _named(wanted[id_].get(later, later), gone) if later else None
        if come:
            held[id_][come] = come
        turned.append((id_, Turn(gone, come)))
    return turned


def _named(rule: SecurityGroupRule, gone: SecurityGroupRule | None) -> SecurityGroupRule:
    return replace(rule, rule_id=gone.rule_id if gone else FRESH)


def crowd_path(at: Standing, *, last: bool = True) -> Path:
    """Groups that may share interfaces, together, rule by rule: (group, turn). Where no other way is found, with a gap
    if this is the last stage, else no further."""
    path: Path = []

    def take(id_: str, turns: Iterable[Turn]) -> bool:
        before = len(path)
        for turn in turns:
            path.append((id_, turn))
            at.now(id_, turn.of(at.rules[id_]))
        return len(path) > before

    while left := [id_ for id_, ends in at.crowd.items() if at.rules[id_] != ends.new]:
        easy = [take(id_, _settle(at, id_, at.rules[id_])[0]) for id_ in left]
        if any(easy):
            continue
        found = [take(id_, _search(at, id_)) for id_ in left]
        if any(found):
            continue
        if not last:
            break
        take(left[0], [_smallest_gap(at.crowd[left[0]], at.rules[left[0]])])
    return path


def _settle(at: Standing, id_: str, rules: Rules) -> tuple[list[Turn], Rules]:
    """What goes and comes without more ado."""
    turns: list[Turn] = []
    while easy := list(_easy(at, id_, rules)):
        turns += easy
        for turn in easy:
            rules = turn.of(rules)
    return turns, rules


def _easy(at: Standing, id_: str, rules: Rules) -> Iterator[Turn]:
    ends = at.crowd[id_]
    for rule in sorted(rules - ends.new):
        if not at.shut(id_, rule, rules - {rule}):
            rules -= {rule}
            yield Turn(rule, None)
    for rule in sorted(ends.new - rules):
        if ends.fits(rules | {rule}) and ends.may_come(rule, rules):
            rules |= {rule}
            yield Turn(None, replace(rule, rule_id=FRESH))


# --- in place


class _Look(NamedTuple):
    """The nearest to the goal is looked at first. ``larger``: its rules are still to be grown."""

    left: int
    steps: int
    serial: int
    rules: Rules
    turns: list[Turn]
    larger: bool


def _search(at: Standing, id_: str) -> list[Turn]:
    """Turns after which something comes or goes for good; none where no such are found."""
    ends, start = at.crowd[id_], at.rules[id_]
    serial = count()
    most = _left(ends, start)
    queue = [_Look(most, 0, next(serial), start, [], larger=False)]
    seen: set[Rules] = set()
    for _ in range(MOST_LOOKS):
        if not queue:
            break
        look = heappop(queue)
        if not look.larger:
            if look.rules in seen:
                continue
            if look.turns and not at.keeps(id_, _before(start, look.turns), look.rules):
                continue
            seen.add(look.rules)
            more, settled = _settle(at, id_, look.rules) if look.turns else ([], look.rules)
            if _left(ends, settled) < most:
                return [*look.turns, *more]
            heappush(queue, look._replace(steps=look.steps + 1, serial=next(serial), larger=True))
        for turn in _places(ends, look):
            later = turn.of(look.rules)
            if later not in seen and ends.fits(later):
                turns = [*look.turns, turn]
                heappush(
                    queue, _Look(_left(ends, later), len(turns), next(serial), later, turns, larger=False)
                )
    return []


def _places(ends: Ends, look: _Look) -> Iterator[Turn]:
    """What grows into a rule that is wanted says what that one says."""
    places = larger_places if look.larger else wanted_places
    wanted = {rule: rule for rule in ends.new}
    for rule, other in places(ends, look.rules):
        yield Turn(rule, replace(wanted.get(other, other), rule_id=rule.rule_id))


def _before(start: Rules, turns: list[Turn]) -> Rules:
    rules = start
    for turn in turns[:-1]:
        rules = turn.of(rules)
    return rules


def _left(ends: Ends, rules: Rules) -> int:
    return len(rules ^ ends.new)


# --- what cannot be kept


def _smallest_gap(ends: Ends, rules: Rules) -> Turn:
    """The rule that is missed least goes; or, where none is left that may go, one that comes back later."""
    going = rules - ends.new
    if not going:  # a list weighs more on the way than in the end; EC2 has the word
        return Turn(None, replace(min(ends.new - rules), rule_id=FRESH))

    def missed(rule: SecurityGroupRule) -> tuple[int, SecurityGroupRule]:
        gap = ends.missed(rule, rules - {rule})
        return len(gap.ipv4) + len(gap.ipv6) + len(gap.symbols), rule

    return Turn(min(map(missed, going))[1], None)
