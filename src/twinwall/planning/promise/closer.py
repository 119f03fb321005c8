"""One rule that goes, or comes, held against only what touches it: the same verdict as on whole states (``gapless``),
at the cost of the few rules that have to do with it.

A packet that a step closes is admitted by a rule that goes; one that it opens too much, by a rule that comes.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from operator import and_

from twinwall.model.rules import SecurityGroupRule
from twinwall.packets.packetset import PacketSet
from twinwall.packets.witness import Packet
from twinwall.planning.compare import Universe
from twinwall.planning.promise.gapless import Lost, lost
from twinwall.planning.promise.moves import State
from twinwall.planning.promise.touching import covers, touching


def going(state: State, later: State) -> Iterator[SecurityGroupRule]:
    """Rules of ``state`` that admit less in ``later``, or may: that are gone, or name a list that has changed."""
    yield from sorted(state.rules - later.rules)
    changed = {id_ for id_, held in state.lists.items() if later.lists.get(id_, held) != held}
    if changed:
        yield from sorted(r for r in state.rules & later.rules if str(r.peer) in changed)


def missed(
    rule: SecurityGroupRule,
    state: State,
    goals: Iterable[State],
    held: Iterable[Sequence[State]],
    universe: Universe,
) -> Lost | None:
    """A packet that the rule admits in ``state``, that one of the goals admits, and that none of ``held`` surely does;
    each of these may be any of its states."""
    left = tuple(held)
    if not state.names_list(rule) and any(_covered(rule, one) for one in left):
        return None
    wanted = _seen(rule, goals)
    if not wanted:
        return None
    sure = PacketSet()
    for one in left:
        sure |= reduce(and_, (_seen(rule, (possible,)) for possible in one))
    return lost(state.packets_of((rule,)), wanted, sure, universe)


def _covered(rule: SecurityGroupRule, one: Sequence[State]) -> bool:
    return all(any(covers(near, rule) for near in touching(rule, state.rules)) for state in one)


def strange(rule: SecurityGroupRule, high: State, ends: Iterable[State]) -> Packet | None:
    """A packet that the rule admits in ``high``, and that neither end does."""
    return (high.packets_of((rule,)) - _seen(rule, ends)).witness()


def _seen(rule: SecurityGroupRule, states: Iterable[State]) -> PacketSet:
    packets = PacketSet()
    for state in states:
        if near := touching(rule, state.rules):
            packets |= state.packets_of(near)
    return packets
