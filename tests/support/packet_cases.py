"""Random pairs of rule lists, and brute force over the cells that all their borders cut.

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
from twinwall.packets.witness import Address, Packet

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
