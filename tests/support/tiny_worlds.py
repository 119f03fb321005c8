"""Whether there is any order without a gap from one tiny full group, or ACL, to another: by looking at every state that
calls of one rule or entry can reach, breadth first.

Nothing of the planner's is used. A firewall is the set of the cells that it admits, as the bits of a number; a cell is
one port, one stretch of addresses, and whether who stands there is a member of the one group that rules may name.
A call is allowed if, of what stands and is wanted, nothing is lost, and nothing else comes (promise.md, how it is
proven).
"""

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

State = frozenset
PEERS = {
    "10.20.1.0/24": ("near", "far"),
    "10.20.1.0/25": ("near",),
    "10.20.0.0/16": ("near", "far", "rest"),
    "192.0.2.7/32": ("out",),
}
"""The stretches that a block covers. All but the last lie in the VPC, so that members of its groups may be there."""
GROUP = "sg-{}b"
PLACES = [(place, member) for place in ("near", "far", "rest") for member in (False, True)] + [("out", False)]


@dataclass(frozen=True, order=True)
class Rule:
    """TCP of these ports from a block, or from the group's members."""

    first: int
    last: int
    peer: str

    def text(self, side: str = "") -> str:
        return f"in tcp {self.first}-{self.last} {self.peer.format(side)}"


@lru_cache(None)
def cells(rule: Rule) -> int:
    found = 0
    for port in range(rule.first, rule.last + 1):
        for place, (stretch, member) in enumerate(PLACES):
            if member if rule.peer == GROUP else stretch in PEERS[rule.peer]:
                found |= 1 << (port * len(PLACES) + place)
    return found


def admitted(rules: Iterable[Rule]) -> int:
    found = 0
    for rule in rules:
        found |= cells(rule)
    return found


def may_follow(now: int, goal: int, later: int) -> bool:
    """Nothing that stands and is wanted goes; nothing comes that is not wanted."""
    return now & goal & ~later == 0 and later & ~(now | goal) == 0


def reaches(start: State, goal: State, next_: Callable[[State], Iterator[State]]) -> bool:
    seen, row = {start}, [start]
    while row:
        ahead = []
        for state in row:
            if state == goal:
                return True
            for later in next_(state):
                if later not in seen:
                    seen.add(later)
                    ahead.append(later)
        row = ahead
    return False


# --- groups


def intervals(ports: int) -> list[tuple[int, int]]:
    return [(first, last) for first in range(1, ports + 1) for last in range(first, ports + 1)]


def every_rule(ports: int, peers: Iterable[str]) -> list[Rule]:
    return [Rule(first, last, peer) for peer in peers for first, last in intervals(ports)]


def full_group(source: random.Random, quota: int, rules: list[Rule]) -> State:
    return frozenset(source.sample(rules, quota))


def group_order(old: State, new: State, quota: int, rules: list[Rule], *, in_place: bool = True) -> bool:
    """``in_place``: may rules become others of their kind (EC2 changes no block into a group)?"""
    wanted, either = admitted(new), admitted(old) | admitted(new)
    usable = [rule for rule in rules if not cells(rule) & ~either]

    def next_(state: State) -> Iterator[State]:
        now = admitted(state)
        for later in _group_steps(state, usable, quota, in_place):
            if may_follow(now, wanted, admitted(later)):
                yield later

    return reaches(old, new, next_)


def _group_steps(state: State, usable: list[Rule], quota: int, in_place: bool) -> Iterator[State]:
    for rule in state:
        yield state - {rule}
    fresh = [rule for rule in usable if rule not in state]
    if len(state) < quota:
        yield from (state | {rule} for rule in fresh)
    if in_place:
        for rule in state:
            rest = state - {rule}
            yield from (rest | {into} for into in fresh if (into.peer == GROUP) == (rule.peer == GROUP))


# --- ACLs


@dataclass(frozen=True, order=True)
class Entry:
    number: int
    allow: bool
    rule: Rule

    def text(self) -> str:
        verdict = "allow" if self.allow else "deny"
        return f"in {self.number} {verdict} tcp {self.rule.first}-{self.rule.last} {self.rule.peer}"


def let_through(entries: State) -> int:
    """The entry of the lowest number that speaks of a packet decides."""
    found = spoken = 0
    for entry in sorted(entries):
        mine = cells(entry.rule) & ~spoken
        spoken |= mine
        found |= mine if entry.allow else 0
    return found


def full_acl(source: random.Random, quota: int, rules: list[Rule], numbers: list[int]) -> State:
    return frozenset(
        Entry(number, source.random() < 0.6, source.choice(rules)) for number in source.sample(numbers, quota)
    )


def acl_order(old: State, new: State, quota: int, rules: list[Rule], numbers: list[int]) -> bool:
    """By creating, replacing and deleting one entry at a time; any entry at any of the numbers may come for a while."""
    wanted = let_through(new)
    every = [Entry(number, allow, rule) for number in numbers for allow in (True, False) for rule in rules]

    def next_(state: State) -> Iterator[State]:
        now = let_through(state)
        for later in _acl_steps(state, every, quota):
            if may_follow(now, wanted, let_through(later)):
                yield later

    return reaches(old, new, next_)


def _acl_steps(state: State, every: list[Entry], quota: int) -> Iterator[State]:
    at = {entry.number: entry for entry in state}
    for entry in state:
        yield state - {entry}
    for entry in every:
        if entry.number in at:
            yield (state - {at[entry.number]}) | {entry}
        elif len(state) < quota:
            yield state | {entry}
