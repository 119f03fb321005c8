"""The way of a connection past what guards an interface or a subnet, and the way of its replies.

                     opened by a peer (ingress)            opened by the interface (egress)
    first packet     ACL ingress, then groups ingress      groups egress, then ACL egress
    replies          groups: tracked, never asked          groups: tracked, never asked
                     ACL egress, to the peer's port        ACL ingress, to the interface's port

A security group is stateful: what answers an admitted packet passes. A network ACL is not: it judges replies
like any packet. They go to the port that the client chose, and nobody knows which, so a connection is
admitted *fully* if replies pass to every ephemeral port of the client's range, *partly* if to some of them,
and *not* if to none.

    first packet         its reply
    tcp, udp             the same protocol, to an ephemeral port
    icmp 8 13 15 17      icmp 0 14 16 18, code 0           icmpv6 128: 129, code 0
    any other ICMP       none: there is nothing that could be refused
    any other protocol   the same protocol
"""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from twinwall.model.firewall import NetworkAcl, NetworkInterface, SecurityGroup, Snapshot, Subnet, Vpc
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
from twinwall.packets.witness import Address, Packet
from twinwall.planning.compare import Universe, admitted_everywhere
from twinwall.planning.semantics import (
    AclEntries,
    GroupRules,
    Lists,
    UnitedGroups,
    block_of,
    holds_place,
)

Ports = tuple[int, int]
"""From the first to the last, both included."""

EPHEMERAL: Ports = (1024, MAX_PORT)
"""What any client may choose its port from: NAT gateways, load balancers and Lambda use all of it, Linux and
Windows the upper part (aws-facts, chapter 2)."""

Grade = Literal["fully", "partly", "not", "unknown"]

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


# --- the way


@dataclass(frozen=True)
class Passage:
    """First packets by what becomes of their connection; the three are apart, and what is in none of them is
    refused. ``unknown``: what cannot be said (an ACL or a group that was not read), and symbols of whose
    possible members some pass and some do not."""

    fully: PacketSet = field(default_factory=PacketSet)
    partly: PacketSet = field(default_factory=PacketSet)
    unknown: PacketSet = field(default_factory=PacketSet)

    def grade(self, packet: Packet) -> Grade:
        if self.fully.admits(packet):
            return "fully"
        if self.partly.admits(packet):
            return "partly"
        return "unknown" if self.unknown.admits(packet) else "not"


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


@dataclass(frozen=True)
class Guards:
    """What stands before an interface, or before a subnet as such.

    ``groups`` is None for a subnet: then only its ACL speaks. ``acl`` is None where it is not known.
    ``missing``: ids of groups on the interface that were not read. ``lists``: see ``GroupRules``.
    """

    groups: tuple[SecurityGroup, ...] | None
    acl: NetworkAcl | None
    missing: tuple[str, ...] = ()
    lists: Lists = field(default_factory=dict)

    def group_rules(self, direction: Direction) -> UnitedGroups | None:
        if self.groups is None:
            return None
        return UnitedGroups(
            tuple((g.resource, GroupRules(g.rules_of(direction), self.lists)) for g in self.groups)
        )

    def passage(self, direction: Direction, universe: Universe, ephemeral: Ports = EPHEMERAL) -> Passage:
        """Connections in this direction, through groups and ACL and back. ``universe``: a symbol's id → the
        addresses that its members can have."""
        rules = self.group_rules(direction)
        admitted = PacketSet.everything() if rules is None else rules.packets
        if self.acl is None:
            return Passage(unknown=PacketSet.everything() if self.missing else admitted)
        through = acl_passage(self.acl, direction, ephemeral)
        found = _members_through(admitted, through, universe)
        if not self.missing:
            return found
        perhaps = (through.fully | through.partly | found.unknown) - found.fully - found.partly
        return Passage(found.fully, found.partly, perhaps)


def _members_through(admitted: PacketSet, through: Passage, universe: Universe) -> Passage:
    """What the groups admit and the ACL lets through. Of a symbol, what passes for all its possible members."""
    somehow = through.fully | through.partly
    grades: tuple[list[tuple[str, Spans]], ...] = ([], [], [])
    for symbol, spans in admitted.symbols:
        blocks = universe(symbol)
        fully = traffic.intersection(spans, admitted_everywhere(through.fully, blocks))
        passing = traffic.intersection(spans, admitted_everywhere(somehow, blocks))
        anywhere = PacketSet.product(map(block_of, blocks), spans) & somehow
        parts = fully, traffic.difference(passing, fully), traffic.difference(anywhere.traffic, passing)
        for grade, part in zip(grades, parts, strict=True):
            grade.extend([(symbol, part)] if part else [])
    symbols = [PacketSet(symbols=tuple(grade)) for grade in grades]
    return Passage(
        admitted.addresses & through.fully | symbols[0],
        admitted.addresses & through.partly | symbols[1],
        symbols[2],
    )


# --- from a snapshot


def acl_of(snapshot: Snapshot, subnet_id: str) -> NetworkAcl | None:
    """The ACL of a subnet; None if the snapshot does not say."""
    return next(
        (acl for acl in snapshot.acls or () if any(a.subnet_id == subnet_id for a in acl.associations)), None
    )


def guards_of_interface(
    snapshot: Snapshot, interface: NetworkInterface, lists: Lists | None = None
) -> Guards:
    found = [snapshot.group_by_id.get(id_) for id_ in interface.group_ids]
    missing = tuple(id_ for id_ in interface.group_ids if id_ not in snapshot.group_by_id)
    groups = tuple(group for group in found if group is not None)
    return Guards(groups, acl_of(snapshot, interface.subnet_id), missing, lists or {})


def guards_of_subnet(snapshot: Snapshot, subnet_id: str) -> Guards:
    return Guards(None, acl_of(snapshot, subnet_id))


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
