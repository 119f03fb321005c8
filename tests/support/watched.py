"""The promise, held against what the AWS in memory holds after each single call, whoever sent it:
by the algebra (``hold``), and packet by packet with none of it (``promised.check``).

    before ─ call ─ state ─ call ─ state … goal      one ``Leg``: what is under way to one goal
                                   undo ─ call ─ …   the next one begins with its first write

A leg's last state is its goal, whether it was reached or not. So a leg that was cut off, refused or disturbed is held
to the same as one that came to its end: what stands ∩ goal ⊆ what stands next ⊆ what stands ∪ goal, object by object,
and end to end of each interface: before ∩ goal ⊆ what stands. Groups are told by name, as an undo makes them again
under another id.
"""

import itertools
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import promised
from promised import DIRECTIONS, State

from twinwall.emulator.state import Holdings
from twinwall.model.net import Cidr, parse_cidr
from twinwall.model.rules import CidrPeer, GroupPeer, SecurityGroupRule
from twinwall.packets.packetset import PacketSet
from twinwall.planning.promise.gapless import excess, lost
from twinwall.planning.semantics import AclEntries, GroupRules

ELSEWHERE = parse_cidr("198.18.0.0/15")
"""What somebody else's rules and entries name in these tests, and nothing of ours: they are looked past."""

Interfaces = frozenset[frozenset[str]]


@dataclass
class Watch:
    """Of one VPC. ``legs``: the states of each; ``told`` after every call, ``turn`` at a leg's first write."""

    vpc: str
    legs: list[list[State]] = field(default_factory=lambda: [[]])
    names: dict[str, str] = field(default_factory=dict)
    turning: bool = False

    def told(self, call: str, held: Holdings) -> None:
        self.names |= {id_: group.group_name for id_, group in held.groups.items()}
        state = self._state(call, held)
        leg = self.legs[-1]
        if not leg or replace(leg[-1], call="") != replace(state, call=""):
            leg.append(state)

    def turn(self) -> None:
        """The next write is another run's, to another goal."""
        self.turning = True

    def writing(self) -> None:
        if self.turning:
            self.turning = False
            self.legs.append([self.legs[-1][-1]])

    def _state(self, call: str, held: Holdings) -> State:
        acls = {id_: acl for id_, acl in held.acls.items() if acl.vpc_id == self.vpc}
        return State(
            call,
            {
                group.group_name: frozenset(
                    self._rule(rule) for rule in group.rules if not foreign(rule.peer)
                )
                for group in held.groups.values()
                if group.vpc_id == self.vpc
            },
            {
                id_: tuple(sorted(entry for entry in acl.entries if entry.cidr != ELSEWHERE))
                for id_, acl in acls.items()
            },
            {a.subnet_id: id_ for id_, acl in acls.items() for a in acl.associations},
            {
                id_: [
                    frozenset(entry.cidr for entry in one.entries or ())
                    for one in (state.value, state.becomes)
                    if one is not None
                ]
                for id_, state in held.lists.items()
            },
        )

    def _rule(self, rule: SecurityGroupRule) -> SecurityGroupRule:
        if isinstance(rule.peer, GroupPeer) and rule.peer.group_id in self.names:
            return replace(rule, peer=replace(rule.peer, group_id=self.names[rule.peer.group_id]))
        return rule


def foreign(peer: Any) -> bool:
    return isinstance(peer, CidrPeer) and peer.cidr == ELSEWHERE


@dataclass(frozen=True)
class Place:
    """``interfaces``: the names of the groups of each. ``private``: the VPC's blocks."""

    interfaces: Interfaces
    private: tuple[Cidr, ...]

    def check(self, leg: list[State], chance: random.Random, brute: float = 0.1) -> None:
        """Raises ``promised.Broken``. ``brute``: the share that is followed packet by packet too."""
        hold(leg, self.interfaces, self.private)
        if chance.random() < brute:
            promised.check(leg, self.interfaces, self.private)


# --- by the algebra


def hold(leg: list[State], interfaces: Interfaces, private: tuple[Cidr, ...]) -> None:
    """``leg``: its last state is its goal. Raises ``promised.Broken``."""
    for together, direction in itertools.product(sorted(interfaces, key=sorted), DIRECTIONS):
        for name in sorted(together):
            _hold_steps(
                [(s.call, _views(s, (name,), direction)) for s in leg], private, f"{name}, {direction.value}"
            )
        if len(together) > 1:
            _hold_ends([(s.call, _views(s, together, direction)) for s in leg], private, sorted(together))
    for subnet, direction in itertools.product(sorted(leg[0].subnets), DIRECTIONS):
        _hold_steps(
            [(s.call, _behind(s, subnet, direction)) for s in leg], private, f"{subnet}, {direction.value}"
        )


Views = tuple[PacketSet, ...]
"""What is admitted; two while a list is in progress, whose old and new entries both may count."""


def _hold_steps(sights: list[tuple[str, Views]], private: tuple[Cidr, ...], what: Any) -> None:
    (goal,) = sights[-1][1]
    for (_, now), (call, later) in itertools.pairwise(sights):
        if now == later:
            continue
        for one, other in _turns(now, later):
            shut = lost(one, goal, other, lambda _: private)
            if shut is not None:
                raise promised.Broken(f"gap for {what}: {shut} after {call}")
            odd = excess(one, goal, other)
            if odd is not None:
                raise promised.Broken(f"excess for {what}: {odd} after {call}")


def _turns(now: Views, later: Views) -> Iterator[tuple[PacketSet, PacketSet]]:
    """From the old entries to the old or the new ones, from the new ones only on."""
    if len(now) == len(later):
        yield from zip(now, later, strict=True)
        return
    yield from itertools.product(now, later)


def _hold_ends(sights: list[tuple[str, Views]], private: tuple[Cidr, ...], what: Any) -> None:
    (first,), (goal,) = sights[0][1], sights[-1][1]
    for call, views in sights:
        for one in views:
            shut = lost(first, goal, one, lambda _: private)
            if shut is not None:
                raise promised.Broken(f"gap for {what}: {shut} after {call}")


def _views(state: State, names: Iterable[str], direction: Any) -> Views:
    rules = frozenset().union(*(state.groups.get(name, frozenset()) for name in names))
    mine = frozenset(rule for rule in rules if rule.direction is direction)
    named = sorted({str(rule.peer) for rule in mine} & state.lists.keys())
    many = itertools.product(*(state.lists[id_] for id_ in named))
    return tuple(_admitted(mine, tuple(zip(named, one, strict=True))) for one in many)


@lru_cache(maxsize=1 << 14)
def _admitted(
    rules: frozenset[SecurityGroupRule], lists: tuple[tuple[str, frozenset[Cidr]], ...]
) -> PacketSet:
    return GroupRules(tuple(sorted(rules)), {id_: tuple(sorted(cidrs)) for id_, cidrs in lists}).packets


def _behind(state: State, subnet: str, direction: Any) -> Views:
    entries = state.acls.get(state.subnets.get(subnet, ""), ())
    return (_let_through(tuple(entry for entry in entries if entry.direction is direction)),)


@lru_cache(maxsize=1 << 12)
def _let_through(entries: tuple[Any, ...]) -> PacketSet:
    return AclEntries(entries).packets


def interfaces_of(items: Mapping[str, Mapping[str, Any]], names: Mapping[str, str]) -> Interfaces:
    """``items``: as EC2 describes them."""
    return frozenset(
        frozenset(names[group["GroupId"]] for group in item["Groups"]) for item in items.values()
    )
