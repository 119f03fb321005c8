"""From one set of rules to another where there is no room for both: one direction of a group.

In this order, and each only if no flow that both ends admit is closed by it: rules go that the rest covers; rules
come for which there is room; a rule becomes another of its kind in place; a rule grows, for a while, inside what
the ends admit. Where all of this fails, the rule goes that is missed least: then the guard says what that closes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from heapq import heappop, heappush
from itertools import count
from typing import NamedTuple

from twinwall.model.net import Cidr
from twinwall.model.rules import CidrPeer, Peer, SecurityGroupRule, Traffic
from twinwall.packets.packetset import PacketSet
from twinwall.planning.compare import Universe
from twinwall.planning.promise.gapless import excess, lost
from twinwall.planning.semantics import GroupRules, Lists

Rules = frozenset[SecurityGroupRule]
Fits = Callable[[Rules], bool]

MOST_LOOKS = 400
"""States that a search looks at before it takes the smallest gap."""
MOST_GROWN = 40
"""Temporary rules that are tried at one state."""


class Turn(NamedTuple):
    """``gone`` goes, ``come`` comes; both: in place."""

    gone: SecurityGroupRule | None
    come: SecurityGroupRule | None

    def of(self, rules: Rules) -> Rules:
        return (rules - {self.gone} if self.gone else rules) | ({self.come} if self.come else frozenset())


@dataclass(frozen=True)
class Ends:
    """``fits``: whether there is room for these rules at one moment."""

    old: Rules
    new: Rules
    lists: Lists
    universe: Universe
    fits: Fits

    def packets(self, rules: Rules) -> PacketSet:
        return GroupRules(tuple(rules), self.lists).packets

    @cached_property
    def goal(self) -> PacketSet:
        return self.packets(self.new)

    def keeps(self, now: Rules, later: Rules) -> bool:
        before, after = self.packets(now), self.packets(later)
        if lost(before, self.goal, after, self.universe) is not None:
            return False
        return excess(before, self.goal, after) is None


def full_path(ends: Ends) -> list[Turn]:
    """Rule by rule; with a gap where no other way is found."""
    turns, rules = _settle(ends, ends.old)
    while rules != ends.new:
        found = _search(ends, rules)
        if found is None:
            found = [_smallest_gap(ends, rules)]
        for turn in found:
            rules = turn.of(rules)
        more, rules = _settle(ends, rules)
        turns += [*found, *more]
    return turns


def _settle(ends: Ends, rules: Rules) -> tuple[list[Turn], Rules]:
    """What goes and comes without more ado."""
    turns: list[Turn] = []
    while True:
        easy = list(_easy(ends, rules))
        if not easy:
            return turns, rules
        turns += easy
        for turn in easy:
            rules = turn.of(rules)


def _easy(ends: Ends, rules: Rules) -> Iterator[Turn]:
    now = ends.packets(rules)
    for rule in sorted(rules - ends.new):
        rest = ends.packets(rules - {rule})
        if now == rest or lost(now, ends.goal, rest, ends.universe) is None:
            rules, now = rules - {rule}, rest
            yield Turn(rule, None)
    for rule in sorted(ends.new - rules):
        if ends.fits(rules | {rule}):
            rules |= {rule}
            yield Turn(None, rule)


# --- in place


def _search(ends: Ends, start: Rules) -> list[Turn] | None:
    """Turns after which something comes or goes for good; the nearest to the goal is looked at first."""
    serial = count()
    queue: list[tuple[int, int, int, Rules, list[Turn]]] = [(_left(ends, start), 0, next(serial), start, [])]
    seen: set[Rules] = set()
    most = _left(ends, start)
    for _ in range(MOST_LOOKS):
        if not queue:
            return None
        _, steps, _, rules, turns = heappop(queue)
        if rules in seen:
            continue
        if turns and not ends.keeps(_before(start, turns), rules):
            continue
        seen.add(rules)
        more, settled = _settle(ends, rules) if turns else ([], rules)
        if _left(ends, settled) < most:
            return [*turns, *more]
        for turn in _in_place(ends, rules):
            later = turn.of(rules)
            if later not in seen and ends.fits(later):
                heappush(queue, (_left(ends, later), steps + 1, next(serial), later, [*turns, turn]))
    return None


def _before(start: Rules, turns: list[Turn]) -> Rules:
    rules = start
    for turn in turns[:-1]:
        rules = turn.of(rules)
    return rules


def _left(ends: Ends, rules: Rules) -> int:
    return len(rules ^ ends.new)


def _in_place(ends: Ends, rules: Rules) -> Iterator[Turn]:
    """A rule becomes one that is wanted; or one that is larger, so that others can go."""
    now = ends.packets(rules)
    bound = now | ends.goal
    coming = sorted(ends.new - rules)
    for rule in sorted(rules - ends.new):
        missed = (now & ends.goal) - ends.packets(rules - {rule})
        for other in coming:
            if same_kind(rule.peer, other.peer) and _covers(ends, other, missed):
                yield Turn(rule, other)
    tried = 0
    for rule in sorted(rules, key=lambda one: (one in ends.new, one)):
        for grown in _grown(rule, [*coming, *sorted(rules - {rule})]):
            if grown in rules or tried >= MOST_GROWN or ends.packets(frozenset({grown})) - bound:
                continue
            tried += 1
            yield Turn(rule, grown)


def _covers(ends: Ends, rule: SecurityGroupRule, missed: PacketSet) -> bool:
    """By addresses and by symbols; through members is the guard's finer question."""
    return not (missed.addresses - ends.packets(frozenset({rule}))) or bool(
        ends.packets(frozenset({rule})).symbols
    )


def same_kind(one: Peer, other: Peer) -> bool:
    """A rule in place keeps the kind of its peer (aws-facts 1.1)."""
    if isinstance(one, CidrPeer) and isinstance(other, CidrPeer):
        return one.cidr.family == other.cidr.family
    return type(one) is type(other)


def _grown(rule: SecurityGroupRule, others: list[SecurityGroupRule]) -> Iterator[SecurityGroupRule]:
    """The smallest rules that hold this one and another one too."""
    for other in others:
        traffic = _hull(rule.traffic, other.traffic)
        if traffic is None:
            continue
        if rule.peer == other.peer:
            peer: Peer = rule.peer
        elif isinstance(rule.peer, CidrPeer) and isinstance(other.peer, CidrPeer):
            block = _block(rule.peer.cidr, other.peer.cidr)
            if block is None:
                continue
            peer = CidrPeer(block)
        else:
            continue
        grown = SecurityGroupRule(rule.direction, traffic, peer, rule.description, rule.tags, rule.rule_id)
        if grown != rule:
            yield grown


def _hull(one: Traffic, other: Traffic) -> Traffic | None:
    if one == other:
        return one
    ports = (one.first, one.last, other.first, other.last)
    if one.protocol != other.protocol or one.protocol not in (6, 17) or None in ports:
        return None
    return Traffic(one.protocol, min(one.first or 0, other.first or 0), max(one.last or 0, other.last or 0))


def _block(one: Cidr, other: Cidr) -> Cidr | None:
    if one.family != other.family:
        return None
    apart = one.bits - (one.first ^ other.first).bit_length()
    length = min(one.length, other.length, apart)
    return Cidr(one.family, one.first >> (one.bits - length) << (one.bits - length), length)


# --- what cannot be kept


def _smallest_gap(ends: Ends, rules: Rules) -> Turn:
    """The rule that is missed least goes; or, where none is left that may go, one that comes back later."""
    now, going = ends.packets(rules), rules - ends.new
    if not going:  # a list weighs more on the way than in the end; EC2 has the word
        return Turn(None, min(ends.new - rules))

    def missed(rule: SecurityGroupRule) -> tuple[int, SecurityGroupRule]:
        gap = (now & ends.goal) - ends.packets(rules - {rule})
        return len(gap.ipv4) + len(gap.ipv6) + len(gap.symbols), rule

    return Turn(min(map(missed, going))[1], None)
