"""From one set of rules to another where there is no room for both: one direction of groups that share interfaces.

In this order, and each only if no flow that both ends admit is closed by it: rules go that the rest covers; rules
come for which there is room; a rule becomes another of its kind in place; a rule grows, for a while, inside what
the ends admit. Where all of this fails, the rule goes that is missed least: then the guard says what that closes.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from heapq import heappop, heappush
from itertools import count
from typing import NamedTuple

from twinwall.model.net import Cidr
from twinwall.model.rules import CidrPeer, Peer, SecurityGroupRule, Traffic
from twinwall.packets.packetset import PacketSet
from twinwall.planning.compare import Universe
from twinwall.planning.promise.gapless import excess, lost, may_meet
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
    beside: "Beside | None" = None
    known: dict[Rules, PacketSet] = field(default_factory=dict, compare=False, repr=False)

    def packets(self, rules: Rules) -> PacketSet:
        if rules not in self.known:
            self.known[rules] = GroupRules(tuple(rules), self.lists).packets
        return self.known[rules]

    @cached_property
    def goal(self) -> PacketSet:
        return self.packets(self.new)

    def open(self, now: Rules, later: Rules) -> bool:
        """No flow that both ends admit is closed, on an interface of its own or one that is shared."""
        before, after = self.packets(now), self.packets(later)
        if before <= after:
            return True
        if lost(before, self.goal, after, self.universe) is not None:
            return False
        near = self.beside.near(before - after) if self.beside else ()
        return all(lost(before, goal, after | held, self.universe) is None for goal, held in near)

    def keeps(self, now: Rules, later: Rules) -> bool:
        if not self.open(now, later):
            return False
        return excess(self.packets(now), self.goal, self.packets(later)) is None


@dataclass(frozen=True)
class Beside:
    """The other groups of a crowd that may share an interface with one. ``missing``: at least all that any group
    is to admit and does not yet; most losses do not meet that, and then nobody needs to be asked."""

    crowd: Mapping[str, Ends]
    rules: Mapping[str, Rules]
    others: frozenset[str]
    missing: PacketSet

    def near(self, gone: PacketSet) -> Iterator[tuple[PacketSet, PacketSet]]:
        """Of those that may miss it: what is to be admitted, and what is now."""
        if not may_meet(gone, self.missing):
            return
        for id_ in sorted(self.others & self.crowd.keys()):
            ends, held = self.crowd[id_], self.rules[id_]
            if may_meet(gone, ends.packets(ends.new - held)):
                yield ends.goal, ends.packets(held)


def yet_to_come(crowd: Mapping[str, Ends], rules: Mapping[str, Rules]) -> PacketSet:
    coming = [rule for id_, ends in crowd.items() for rule in ends.new - rules[id_]]
    lists = next(iter(crowd.values())).lists
    return GroupRules(tuple(coming), lists).packets


def crowd_path(crowd: Mapping[str, Ends], sharing: Callable[[str], frozenset[str]]) -> list[tuple[str, Turn]]:
    """Groups that may share interfaces, together, rule by rule: (group, turn). With a gap where no other way is
    found."""
    rules = {id_: ends.old for id_, ends in crowd.items()}
    path: list[tuple[str, Turn]] = []

    def ends_of(id_: str) -> Ends:
        return replace(crowd[id_], beside=Beside(crowd, rules, sharing(id_) - {id_}, missing))

    def take(id_: str, turns: Iterable[Turn]) -> bool:
        before = len(path)
        for turn in turns:
            path.append((id_, turn))
            rules[id_] = turn.of(rules[id_])
        return len(path) > before

    while left := [id_ for id_, ends in crowd.items() if rules[id_] != ends.new]:
        missing = yet_to_come(crowd, rules)
        easy = [take(id_, _settle(ends_of(id_), rules[id_])[0]) for id_ in left]
        if any(easy):
            continue
        if any(take(id_, _search(ends_of(id_), rules[id_]) or ()) for id_ in left):
            continue
        take(left[0], [_smallest_gap(ends_of(left[0]), rules[left[0]])])
    return path


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
    for rule in _spared(ends, rules, sorted(rules - ends.new)):
        rules -= {rule}
        yield Turn(rule, None)
    for rule in sorted(ends.new - rules):
        if ends.fits(rules | {rule}):
            rules |= {rule}
            yield Turn(None, rule)


def _spared(ends: Ends, rules: Rules, some: Sequence[SecurityGroupRule]) -> list[SecurityGroupRule]:
    """Rules that can go, one after the other: mostly all of them, so that is asked first."""
    if not some:
        return []
    if ends.open(rules, rules.difference(some)):
        return list(some)
    if len(some) == 1:
        return []
    half = len(some) // 2
    first = _spared(ends, rules, some[:half])
    return first + _spared(ends, rules.difference(first), some[half:])


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
