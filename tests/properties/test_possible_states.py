"""What the guard takes a group to hold for sure while a call is answered, against every state that the route's partial
order can reach, counted out."""

from collections.abc import Iterator
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from twinwall.model.firewall import Resource
from twinwall.model.net import parse_cidr
from twinwall.model.rules import CidrPeer, Direction, SecurityGroupRule, Traffic
from twinwall.planning import changes as c
from twinwall.planning.order import Step
from twinwall.planning.promise.groups import Group
from twinwall.planning.promise.moves import State, moves_of
from twinwall.planning.promise.reach import Reach

GROUP, OTHER = Resource("security-group", "sg-1", "a"), Resource("security-group", "sg-2", "b")
RULES = [
    SecurityGroupRule(way, Traffic(6, port, port), CidrPeer(parse_cidr("10.0.0.0/8")))
    for way in Direction
    for port in (1, 2, 3)
]
some = st.lists(st.sampled_from(RULES), min_size=1, max_size=2, unique=True).map(tuple)


@st.composite
def routes(draw: st.DrawFn) -> tuple[frozenset[SecurityGroupRule], tuple[Step, ...]]:
    """Calls on one group, each behind any of those before it, and one call elsewhere. What goes is there, what comes is
    not, as long as all goes by the numbers."""
    held = before = frozenset(draw(st.sets(st.sampled_from(RULES))))
    found: list[Step] = []
    in_line = draw(st.booleans())
    for number in range(draw(st.integers(1, 6))):
        rules = draw(some)
        goes = all(rule in held for rule in rules)
        kind = c.RevokeRules if goes else c.AuthorizeRules
        rules = rules if goes else tuple(rule for rule in rules if rule not in held)
        held = held - set(rules) if goes else held | set(rules)
        change = kind(resource=GROUP, direction=rules[0].direction, rules=rules)
        after = (
            range(max(number - 1, 0), number)
            if in_line
            else draw(st.sets(st.sampled_from(range(number))))
            if number
            else ()
        )
        found.append(Step(change, tuple(after)))
    elsewhere = c.RevokeRules(resource=OTHER, direction=Direction.INGRESS, rules=RULES[:1])
    found.append(Step(elsewhere, tuple(draw(st.sets(st.sampled_from(range(len(found))))))))
    return before, tuple(found)


def reached(route: tuple[Step, ...], position: int) -> Iterator[frozenset[int]]:
    """All sets of calls that may be done at the moment when this one was answered: none that waits for it."""
    waiting = {position}
    for number, step in enumerate(route):
        if waiting & set(step.after):
            waiting.add(number)
    everything = range(len(route))
    for count in everything:
        for done in map(frozenset, combinations(everything, count + 1)):
            if done & waiting == {position} and all(set(route[one].after) <= done for one in done):
                yield done


@given(routes())
def test_what_is_held_for_sure_is_held_in_every_state(
    made: tuple[frozenset[SecurityGroupRule], tuple[Step, ...]],
) -> None:
    before, route = made
    moves = tuple(moves_of(route)[0]["sg-1"])
    group = Group(GROUP, State(before), moves, plain=True)
    reach = Reach.of(route)
    for position in range(len(route)):
        sure = frozenset.intersection(*(state.rules for state in group.possible(reach, position)))
        for done in reached(route, position):
            state = State(before).then(move for move in moves if move.position in done)
            assert sure <= state.rules
