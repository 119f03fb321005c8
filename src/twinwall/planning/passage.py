"""What answers a packet, and what network ACLs make of the answers.

A security group is stateful: what answers an admitted packet passes. A network ACL is not: it judges replies
like any packet. They go to the port that the client chose, and nobody knows which, so a connection is
admitted *fully* if replies pass to every ephemeral port of the client's range, *partly* if to some of them,
and *not* if to none. The whole way between two places, groups and ACLs of both, is ``ways``'.

    first packet         its reply
    tcp, udp             the same protocol, to an ephemeral port
    icmp 8 13 15 17      icmp 0 14 16 18, code 0           icmpv6 128: 129, code 0
    any other ICMP       none: there is nothing that could be refused
    any other protocol   the same protocol
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from twinwall.errors import ConfigError
from twinwall.model.firewall import NetworkAcl, Subnet, Vpc
from twinwall.model.net import (
    ANY_IPV4,
    ANY_IPV6,
    ICMP,
    ICMPV6,
    MAX_PORT,
    PORT_PROTOCOLS,
    Cidr,
    Family,
    parse_cidr,
)
from twinwall.model.rules import Direction
from twinwall.packets import traffic
from twinwall.packets.boxes import Box
from twinwall.packets.packetset import PacketSet
from twinwall.packets.profiles import blocks_of, stretches
from twinwall.packets.traffic import DETAILED_PROTOCOLS, NO_TRAFFIC, Spans, detail_span
from twinwall.packets.witness import Address
from twinwall.planning.semantics import AclEntries, block_of, holds_place

Ports = tuple[int, int]
"""From the first to the last, both included."""

EPHEMERAL: Ports = (1024, MAX_PORT)
"""What any client may choose its port from: NAT gateways, load balancers and Lambda use all of it, Linux and
Windows the upper part (aws-facts, chapter 2)."""


def parse_ports(text: str) -> Ports:
    """``32768-60999``, or one port. Raises ``ConfigError``."""
    first, dash, last = text.partition("-")
    low, high = (_port(text, part) for part in (first, last if dash else first))
    if low > high:
        raise ConfigError(f"{text}: the lower port comes first, as 32768-60999")
    return low, high


def _port(text: str, part: str) -> int:
    if part.isascii() and part.isdigit() and int(part) <= MAX_PORT:
        return int(part)
    raise ConfigError(f"{text}: {part!r} is not a number from 0 to {MAX_PORT}")


_BOTH = (ANY_IPV4, ANY_IPV6)
_ANSWERS = {ICMP: {8: 0, 13: 14, 15: 16, 17: 18}, ICMPV6: {128: 129}}
"""ICMP request type → the type of its reply."""


def opposite(direction: Direction) -> Direction:
    return Direction.EGRESS if direction is Direction.INGRESS else Direction.INGRESS


# --- replies


def replies(spans: Spans, ephemeral: Ports = EPHEMERAL) -> Spans:
    """All traffic that can answer first packets of ``spans``."""
    found = traffic.difference(spans, _details())
    for protocol in PORT_PROTOCOLS:
        if traffic.intersection(spans, traffic.protocol_span(protocol)):
            found = traffic.union(found, detail_span(protocol, *ephemeral))
    for request, reply in _icmp_pairs():
        if traffic.intersection(spans, request):
            found = traffic.union(found, reply)
    return found


@lru_cache(maxsize=1 << 12)
def answerable(back: Spans, ephemeral: Ports = EPHEMERAL) -> tuple[Spans, Spans]:
    """First packets all of whose replies pass where ``back`` does, and those some of whose replies do."""
    fully = traffic.difference(back, _details())
    partly = NO_TRAFFIC
    for protocol in PORT_PROTOCOLS:
        wanted = detail_span(protocol, *ephemeral)
        passing = traffic.intersection(back, wanted)
        if passing == wanted:
            fully = traffic.union(fully, traffic.protocol_span(protocol))
        elif passing:
            partly = traffic.union(partly, traffic.protocol_span(protocol))
    for request, reply in _icmp_pairs():
        if not reply or traffic.intersection(back, reply):
            fully = traffic.union(fully, request)
    return fully, partly


@lru_cache(maxsize=1)
def _details() -> Spans:
    """All traffic of the protocols with ports or types, whose replies are not they themselves."""
    return traffic.union_of(traffic.protocol_span(protocol) for protocol in DETAILED_PROTOCOLS)


@lru_cache(maxsize=1)
def _icmp_pairs() -> tuple[tuple[Spans, Spans], ...]:
    """(requests, their reply) of both ICMPs; what is never answered comes last, with no reply."""
    pairs: list[tuple[Spans, Spans]] = []
    for protocol, types in _ANSWERS.items():
        rest: Spans = traffic.protocol_span(protocol)
        for request, reply in types.items():
            asking = detail_span(protocol, request * 256, request * 256 + 255)
            pairs.append((asking, detail_span(protocol, reply * 256, reply * 256)))
            rest = traffic.difference(rest, asking)
        pairs.append((rest, NO_TRAFFIC))
    return tuple(pairs)


# --- there and back


@dataclass(frozen=True)
class Passage:
    """First packets by what becomes of their connection: all of its replies pass, or some. The two are apart,
    and what is in neither is refused."""

    fully: PacketSet
    partly: PacketSet


def acl_passage(acl: NetworkAcl, direction: Direction, ephemeral: Ports = EPHEMERAL) -> Passage:
    """What connections a network ACL lets through, there and back; by address, an ACL knows no symbols."""
    there = AclEntries(acl.entries_of(direction)).packets
    back = AclEntries(acl.entries_of(opposite(direction))).packets
    fully = there & _answered(back, ephemeral, 0)
    partly = (there & _answered(back, ephemeral, 1)) - fully
    return Passage(fully, partly)


def _answered(back: PacketSet, ephemeral: Ports, degree: Literal[0, 1]) -> PacketSet:
    """The first packets whose replies pass ``back``: fully (0) or partly (1)."""
    boxes: list[Box] = []
    families: tuple[Family, ...] = (4, 6)
    for family in families:
        for range_, spans in stretches(back.profile(family), family):
            found = answerable(spans, ephemeral)[degree]
            blocks = [(family, *block) for block in blocks_of([range_], family)]
            boxes += [(block, pair) for block in blocks for pair in zip(found[::2], found[1::2], strict=True)]
    unanswered = PacketSet.product(map(block_of, _BOTH), answerable(NO_TRAFFIC, ephemeral)[degree])
    return PacketSet.union_of(boxes) | unanswered


# --- what network ACLs do not filter

UNFILTERED = (
    "traffic within a subnet",
    "Amazon DNS (the VPC's second address, 169.254.169.253, fd00:ec2::253)",
    "DHCP",
    "instance metadata",
    "ECS task metadata",
    "Windows licence activation",
    "Amazon Time Sync",
    "the subnet router's own address",
)
"""What never meets an ACL (aws-facts, chapter 2). Security groups do filter most of it; DNS they do not."""

_AWS_LOCAL = (parse_cidr("169.254.0.0/16"), parse_cidr("fd00:ec2::/32"))


def unfiltered(address: Address, subnet: Subnet, vpc: Vpc | None = None) -> str | None:
    """Why no ACL is asked about packets between an interface of ``subnet`` and ``address``; None if one is."""
    own = [cidr for cidr in (subnet.cidr, *subnet.ipv6_cidrs) if cidr is not None]
    if any(_holds_at(cidr, address, 1) for cidr in own):
        return "the subnet router's own address"
    if any(holds_place(cidr, address) for cidr in own):
        return "traffic within a subnet"
    if vpc is not None and any(_holds_at(cidr, address, 2) for cidr in vpc.cidrs[:1]):
        return "Amazon DNS"
    if any(holds_place(cidr, address) for cidr in _AWS_LOCAL):
        return "an address of AWS's own services on the instance's link"
    return None


def _holds_at(cidr: Cidr, address: Address, offset: int) -> bool:
    return cidr.family == 4 == address.family and address.value == cidr.first + offset
