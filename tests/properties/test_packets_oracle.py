"""Sets of packets, witnesses and verdicts against two oracles: brute force over the cells that all borders
cut (``packet_cases``), and z3 (``packet_solver``). Neither shares code with ``packets`` or with the other."""

import random
import re
from collections.abc import Iterable
from ipaddress import ip_address, ip_network
from itertools import product
from typing import Any

import pytest
from packet_cases import (
    Kind,
    Place,
    Rule,
    admits,
    cells,
    numbered,
    packet_of,
    random_entry,
    random_group_rule,
    random_pair,
    unpacked,
)
from packet_solver import Solver

from twinwall.model.firewall import NetworkAcl, SecurityGroup, Snapshot
from twinwall.model.net import parse_cidr
from twinwall.model.rules import (
    CidrPeer,
    Direction,
    GroupPeer,
    PrefixListPeer,
    SecurityGroupRule,
    Traffic,
)
from twinwall.packets.comparison import Clash
from twinwall.packets.packetset import PacketSet
from twinwall.planning.desired import Desired
from twinwall.planning.equality import clash_of_acls, clash_of_groups
from twinwall.planning.flows import Flow
from twinwall.planning.semantics import AclEntries, GroupRules, RuleList
from twinwall.planning.verify import verify

# --- sets and witnesses


def check_pair(ours: list[Rule], theirs: list[Rule], left: RuleList, right: RuleList) -> None:
    grid = cells([*ours, *theirs])
    here = {cell for cell in grid if admits(ours, *cell)}
    there = {cell for cell in grid if admits(theirs, *cell)}
    a, b = left.packets, right.packets
    assert (a == b) == (here == there)
    assert (a <= b) == (here <= there)
    for packets, expected in ((a, here), (a | b, here | there), (a & b, here & there), (a - b, here - there)):
        assert {cell for cell in grid if packets.admits(packet_of(*cell))} == expected
        assert bool(packets) == bool(expected)
    check_witness(a - b, ours, theirs)
    check_witness(b - a, theirs, ours)
    for cell in grid:
        decision = left.decision(packet_of(*cell))
        assert decision.admitted == (cell in here)


def check_witness(lacking: PacketSet, ours: list[Rule], theirs: list[Rule]) -> None:
    packet = lacking.witness()
    assert (packet is None) == (not lacking)
    if packet is not None:
        assert admits(ours, *unpacked(packet))
        assert not admits(theirs, *unpacked(packet))


def check_clash(clash: Clash | None, ours: list[Rule], theirs: list[Rule], equal: bool) -> None:
    """The comparison that makes no set says the same, and its packet is on one side only."""
    assert (clash is None) == equal
    if clash is not None:
        cell = unpacked(clash.packet)
        assert (admits(ours, *cell), admits(theirs, *cell)) == (clash.in_left, not clash.in_left)


def check_solved(solver: Solver, ours: list[Rule], theirs: list[Rule], a: PacketSet, b: PacketSet) -> None:
    """z3 finds a packet of one side only exactly where there is one, and ours agree on that packet."""
    for mine, other, left, right in ((ours, theirs, a, b), (theirs, ours, b, a)):
        found = solver.packet(mine, other)
        assert (found is None) == (left <= right)
        if found is not None:
            assert left.admits(packet_of(*found))
            assert not right.admits(packet_of(*found))


def check_groups(seed: int, count: int, solver: Solver, *, most: int) -> None:
    rng = random.Random(seed)
    for _ in range(count):
        ours, theirs = random_pair(rng, random_group_rule, most)
        left, right = GroupRules(tuple(ours)), GroupRules(tuple(theirs))
        check_pair(ours, theirs, left, right)
        check_clash(clash_of_groups(left, right), ours, theirs, left.packets == right.packets)
        check_solved(solver, ours, theirs, left.packets, right.packets)


def check_acls(seed: int, count: int, solver: Solver, *, most: int) -> None:
    rng = random.Random(seed)
    for _ in range(count):
        some, others = random_pair(rng, random_entry, most)
        ours, theirs = [*numbered(some)], [*numbered(others, 10)]
        left, right = AclEntries(tuple(ours)), AclEntries(tuple(theirs[::-1]))
        check_pair([*ours], [*theirs], left, right)
        check_clash(clash_of_acls(left, right), [*ours], [*theirs], left.packets == right.packets)
        check_solved(solver, [*ours], [*theirs], left.packets, right.packets)


@pytest.mark.parametrize("part", range(20))
def test_groups_agree_with_brute_force_and_with_z3(part: int) -> None:
    check_groups(1000 + part, 25, Solver(), most=11)


@pytest.mark.parametrize("part", range(20))
def test_acls_agree_with_brute_force_and_with_z3(part: int) -> None:
    check_acls(2000 + part, 25, Solver(), most=11)


@pytest.mark.soak
@pytest.mark.parametrize("part", range(50))
def test_many_groups_agree_with_brute_force_and_with_z3(part: int) -> None:
    check_groups(10_000 + part, 100, Solver(), most=11)


@pytest.mark.soak
@pytest.mark.parametrize("part", range(50))
def test_many_acls_agree_with_brute_force_and_with_z3(part: int) -> None:
    check_acls(20_000 + part, 100, Solver(), most=11)


# --- verdicts of verify


def group(rules: Iterable[SecurityGroupRule]) -> SecurityGroup:
    return SecurityGroup("sg-1", "web", "", "1", "vpc-1", tuple(rules))


def place_of(flow: Flow) -> Place:
    try:
        return ip_address(flow.peer)
    except ValueError:
        return flow.peer


def kind_of(flow: Flow) -> Kind:
    traffic = flow.traffic
    if traffic.protocol in (1, 58):
        return traffic.protocol, (traffic.first, traffic.last)
    return traffic.protocol, traffic.first


UNIVERSES = {"sg-a": ("10.0.0.0/31",), "sg-b": ("10.0.0.1/32", "10.0.0.4/32"), "pl-a": ("2001:db8::1/128",)}
HOMES = {
    name: [ip_network(text)[i] for text in texts for i in range(ip_network(text).num_addresses)]
    for name, texts in UNIVERSES.items()
}


def memberships() -> list[dict[str, frozenset[Place]]]:
    """Every way in which the three symbols can have members."""
    slots = [(name, address) for name, addresses in HOMES.items() for address in addresses]
    return [
        {
            name: frozenset(a for chosen, (n, a) in zip(choice, slots, strict=True) if chosen and n == name)
            for name in HOMES
        }
        for choice in product((False, True), repeat=len(slots))
    ]


MEMBERSHIPS = memberships()


def expected_verdict(ours: list[Rule], theirs: list[Rule]) -> str:
    """By definition: equal under all memberships, a packet that differs under all, or neither."""
    homes = {address for addresses in HOMES.values() for address in addresses}
    grid = cells([*ours, *theirs])
    kinds = sorted({kind for _, kind in grid}, key=str)
    places = {place for place, _ in grid if not isinstance(place, str)}
    places |= homes | {address + 1 for address in homes}
    always, ever = False, False
    for place, kind in product(places, kinds):
        differs = [admits(ours, place, kind, m) != admits(theirs, place, kind, m) for m in MEMBERSHIPS]
        always, ever = always or all(differs), ever or any(differs)
    return "different" if always else "undecided" if ever else "equal"


@pytest.mark.parametrize("part", range(10))
def test_verdicts_agree_with_every_membership(part: int) -> None:
    rng = random.Random(3000 + part)
    for _ in range(30):
        ours, theirs = random_pair(rng, random_member_rule, most=5)
        report = verify(
            Desired(groups=(group(ours),)),
            Snapshot("r", "1", groups=(group(theirs),)),
            lambda symbol: tuple(map(parse_cidr, UNIVERSES[symbol])),
        )
        assert report.verdict.replace("-every-membership", "") == expected_verdict(ours, theirs)
        check_report(report, {"source": ours, "target": theirs})


def random_member_rule(rng: random.Random) -> SecurityGroupRule:
    """Few addresses and few kinds of traffic, many symbols: so that symbols matter."""
    texts = ["10.0.0.0/31", "10.0.0.1/32", "10.0.0.4/30", "10.0.0.0/29", "2001:db8::1/128", "::/0"]
    symbols = [GroupPeer("sg-a"), GroupPeer("sg-b"), PrefixListPeer("pl-a")]
    peer = rng.choice(symbols) if rng.random() < 0.6 else CidrPeer(parse_cidr(rng.choice(texts)))
    traffic = rng.choice([Traffic(6, 22, 80), Traffic(6, 80, 80), Traffic(6, 22, 22), Traffic(47)])
    return SecurityGroupRule(Direction.INGRESS, traffic, peer)


def check_report(report: Any, sides: dict[str, list[Rule]]) -> None:
    """A difference's witness differs under every membership, in the way told; an undecided flow under some,
    not under others."""
    for item in report.differences:
        other = "target" if item.only_in == "source" else "source"
        cell = place_of(item.flow), kind_of(item.flow)
        for members in MEMBERSHIPS:
            assert admits(sides[item.only_in], *cell, members)
            assert not admits(sides[other], *cell, members)
    for item in report.undecided:
        place, kind = place_of(item.flow), kind_of(item.flow)
        places = HOMES[place] if isinstance(place, str) else [place]
        differs = {
            admits(sides["source"], a, kind, m) != admits(sides["target"], a, kind, m)
            for a, m in product(places, MEMBERSHIPS)
        }
        assert differs == {True, False}
        check_condition(item.condition, kind, sides)


def check_condition(text: str, kind: Kind, sides: dict[str, list[Rule]]) -> None:
    """The sides differ under exactly those memberships under which the condition does not hold."""
    unless, who, what = re.fullmatch(
        r"differs unless (every address of )?(.*?)(?: has no member(?: outside )?| is a member of )(.*)", text
    ).groups()
    named, places = re.split(", | or ", who), [one for one in re.split(", | or ", what) if one]
    for members in MEMBERSHIPS:
        addresses = [a for block in named for a in ip_network(block)] if unless else members[named[0]]
        holds = all(any(_is_in(address, one, members) for one in places) for address in addresses)
        differs = any(
            admits(sides["source"], address, kind, members) != admits(sides["target"], address, kind, members)
            for address in addresses
        )
        assert holds != differs


def _is_in(address: Any, place: str, members: dict[str, frozenset[Place]]) -> bool:
    return address in ip_network(place) if "/" in place else address in members[place]


@pytest.mark.parametrize("part", range(5))
def test_verdicts_on_acls_agree_with_brute_force(part: int) -> None:
    rng = random.Random(4000 + part)
    for _ in range(20):
        left, right = random_pair(rng, random_entry)
        ours, theirs = numbered(left), numbered(right)
        report = verify(
            Desired(acls=(NetworkAcl("acl-1", "vpc-1", "1", False, ours),)),
            Snapshot("r", "1", acls=(NetworkAcl("acl-1", "vpc-1", "1", False, theirs),)),
        )
        grid = cells([*ours, *theirs])
        assert report.equal == all(admits(ours, *cell) == admits(theirs, *cell) for cell in grid)
        check_report(report, {"source": [*ours], "target": [*theirs]})
