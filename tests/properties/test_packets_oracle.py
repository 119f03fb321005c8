"""Sets of packets, witnesses and verdicts against brute force over the cells that all borders cut.

The oracle reads model rules, evaluates them one by one on concrete packets with ``ipaddress``, and shares no
code with ``packets``. A packet here is (place, traffic): place an ``ip_address`` or a symbol's name, traffic
(protocol, port) or (protocol, (type, code)) or (protocol, None).
"""

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from itertools import product
from typing import Any

import pytest

from twinwall.model.firewall import NetworkAcl, SecurityGroup, Snapshot
from twinwall.model.net import Cidr, parse_cidr
from twinwall.model.rules import (
    CidrPeer,
    Direction,
    GroupPeer,
    NetworkAclEntry,
    PrefixListPeer,
    RuleAction,
    SecurityGroupRule,
    Traffic,
)
from twinwall.packets.packetset import PacketSet
from twinwall.packets.witness import Address, Packet
from twinwall.planning.desired import Desired
from twinwall.planning.flows import Flow
from twinwall.planning.semantics import AclEntries, GroupRules, RuleList
from twinwall.planning.verify import verify

Place = IPv4Address | IPv6Address | str
Kind = tuple[int, Any]
Rule = SecurityGroupRule | NetworkAclEntry
Grid = list[tuple[Place, Kind]]

# --- the oracle

LINE: list[Kind] = [
    (protocol, divmod(detail, 256) if protocol in (1, 58) else detail if protocol in (6, 17) else None)
    for protocol in range(256)
    for detail in range(65536 if protocol in (1, 6, 17, 58) else 1)
]
POINT = {kind: point for point, kind in enumerate(LINE)}


def is_traffic(rule: Rule, kind: Kind) -> bool:
    traffic = rule.traffic
    if traffic.protocol == -1:
        return True
    if traffic.protocol != kind[0]:
        return False
    if traffic.protocol in (6, 17):
        return traffic.first <= kind[1] <= traffic.last
    if traffic.protocol not in (1, 58):
        return True
    if isinstance(rule, NetworkAclEntry) and traffic.protocol == 58 and rule.cidr.family == 4:
        return True
    return traffic.first in (-1, kind[1][0]) and traffic.last in (-1, kind[1][1])


@cache
def _within(text: str, place: Place) -> bool:
    return not isinstance(place, str) and place in ip_network(text)


def is_place(rule: Rule, place: Place, members: Mapping[str, frozenset[Place]]) -> bool:
    cidr = rule.cidr if isinstance(rule, NetworkAclEntry) else getattr(rule.peer, "cidr", None)
    if cidr is not None:
        return _within(str(cidr), place)
    return place == str(rule.peer) or place in members.get(str(rule.peer), ())


def admits(rules: Iterable[Rule], place: Place, kind: Kind, members: Mapping[str, Any] | None = None) -> bool:
    ordered = sorted(rules, key=lambda rule: getattr(rule, "rule_number", 0))
    for rule in ordered:
        if is_traffic(rule, kind) and is_place(rule, place, members or {}):
            return getattr(rule, "action", RuleAction.ALLOW) is RuleAction.ALLOW
    return False


def cells(rules: Iterable[Rule]) -> Grid:
    """One packet of every cell that the borders of the rules cut."""
    own = list(rules)
    cidrs = [
        rule.cidr if isinstance(rule, NetworkAclEntry) else getattr(rule.peer, "cidr", None) for rule in own
    ]
    networks = [ip_network(str(cidr)) for cidr in cidrs if cidr]
    places: set[Place] = {ip_address("0.0.0.0"), ip_address("::"), "sg-none"}
    for network in networks:
        places.add(network[0])
        if int(network[-1]) + 1 < 1 << network.max_prefixlen:
            places.add(network[-1] + 1)
    places |= {
        str(rule.peer)
        for rule in own
        if isinstance(rule, SecurityGroupRule) and not hasattr(rule.peer, "cidr")
    }
    return list(product(sorted(places, key=str), _kinds([rule.traffic for rule in own])))


def _kinds(traffics: list[Traffic]) -> Iterator[Kind]:
    for protocol in sorted({0, 1, 6, 58, 99} | {traffic.protocol for traffic in traffics} - {-1}):
        named = [
            traffic for traffic in traffics if traffic.protocol == protocol and traffic.first is not None
        ]
        if protocol in (6, 17):
            borders = {0} | {t.first for t in named} | {t.last + 1 for t in named}
            yield from ((protocol, port) for port in sorted(borders) if port < 65536)
        elif protocol in (1, 58):
            types, codes = (
                (
                    {77, *(x for x in xs if x >= 0)}
                    for xs in zip(*((t.first, t.last) for t in named), strict=True)
                )
                if named
                else ({77}, {77})
            )
            yield from ((protocol, pair) for pair in product(sorted(types), sorted(codes)))
        else:
            yield protocol, None


def packet_of(place: Place, kind: Kind) -> Packet:
    if isinstance(place, str):
        return Packet(place, POINT[kind])
    return Packet(Address(place.version, int(place)), POINT[kind])


def unpacked(packet: Packet) -> tuple[Place, Kind]:
    kind = LINE[packet.point]
    if isinstance(packet.place, str):
        return packet.place, kind
    return (IPv4Address if packet.place.family == 4 else IPv6Address)(packet.place.value), kind


# --- random rules

CIDRS = [
    *("0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/29", "10.0.0.0/30", "10.0.0.4/30", "10.0.0.0/32", "10.0.0.1/32"),
    *("10.0.0.2/31", "255.255.255.254/31", "0.0.0.0/1", "128.0.0.0/1"),
    *("::/0", "2001:db8::/32", "2001:db8::/33", "2001:db8:8000::/33", "2001:db8::1/128", "ffff::/16"),
]
PORTS = [0, 22, 23, 80, 81, 443, 1023, 1024, 65534, 65535]


def random_traffic(rng: random.Random) -> Traffic:
    protocol = rng.choice([-1, 0, 1, 1, 6, 6, 6, 17, 17, 47, 50, 58, 58, 255])
    if protocol in (6, 17):
        return Traffic(protocol, *sorted((rng.choice(PORTS), rng.choice(PORTS))))
    if protocol in (1, 58):
        kind = rng.choice([-1, 0, 8, 128, 255])
        return Traffic(protocol, kind, -1 if kind == -1 else rng.choice([-1, 0, 1, 255]))
    return Traffic(protocol)


def random_group_rule(rng: random.Random) -> SecurityGroupRule:
    peers = [GroupPeer("sg-a"), GroupPeer("sg-b"), PrefixListPeer("pl-a")]
    peer = rng.choice(peers) if rng.random() < 0.25 else CidrPeer(parse_cidr(rng.choice(CIDRS)))
    return SecurityGroupRule(Direction.INGRESS, random_traffic(rng), peer)


def random_entry(rng: random.Random) -> NetworkAclEntry:
    action = rng.choice([RuleAction.ALLOW, RuleAction.ALLOW, RuleAction.DENY])
    cidr = parse_cidr(rng.choice(CIDRS))
    return NetworkAclEntry(Direction.INGRESS, 0, action, random_traffic(rng), cidr)


def numbered(entries: Iterable[NetworkAclEntry], step: int = 1) -> tuple[NetworkAclEntry, ...]:
    return tuple(replace(entry, rule_number=step * number) for number, entry in enumerate(entries, 1))


def halves(rule: Any, rng: random.Random) -> list[Any]:
    """The rule said as two for the same packets, or as itself."""
    traffic, group = rule.traffic, isinstance(rule, SecurityGroupRule)
    if rng.random() < 0.3 and traffic.protocol in (6, 17) and traffic.first < traffic.last:
        middle = rng.randrange(traffic.first, traffic.last)
        parts = [
            Traffic(traffic.protocol, traffic.first, middle),
            Traffic(traffic.protocol, middle + 1, traffic.last),
        ]
        return [replace(rule, traffic=part) for part in parts]
    cidr: Cidr | None = getattr(rule.peer, "cidr", None) if group else rule.cidr
    if rng.random() < 0.5 and cidr is not None and cidr.length < cidr.bits:
        low = Cidr(cidr.family, cidr.first, cidr.length + 1)
        parts = [low, Cidr(cidr.family, low.last + 1, low.length)]
        return [replace(rule, peer=CidrPeer(part)) if group else replace(rule, cidr=part) for part in parts]
    return [rule]


def random_pair(rng: random.Random, make: Any, most: int = 9) -> tuple[list[Any], list[Any]]:
    """Two rule lists: the same packets in other words, nearly the same, or nothing to do with each other."""
    left = [make(rng) for _ in range(rng.randrange(most))]
    if rng.random() < 0.2:
        return left, [make(rng) for _ in range(rng.randrange(most))]
    right = [part for rule in left for part in halves(rule, rng)]
    if rng.random() < 0.5 and right:
        right[rng.randrange(len(right))] = make(rng)
    if make is random_group_rule:
        rng.shuffle(right)
    return left, right


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


@pytest.mark.parametrize("part", range(10))
def test_groups_agree_with_brute_force(part: int) -> None:
    rng = random.Random(1000 + part)
    for _ in range(30):
        ours, theirs = random_pair(rng, random_group_rule)
        check_pair(ours, theirs, GroupRules(tuple(ours)), GroupRules(tuple(theirs)))


@pytest.mark.parametrize("part", range(10))
def test_acls_agree_with_brute_force(part: int) -> None:
    rng = random.Random(2000 + part)
    for _ in range(30):
        left, right = random_pair(rng, random_entry)
        ours, theirs = numbered(left), numbered(right, 10)
        check_pair([*ours], [*theirs], AclEntries(ours), AclEntries(theirs[::-1]))


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
