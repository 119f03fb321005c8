"""What is open to the world: administration ports, and IPv6 where IPv4 is closed.

The world is at least half of all IPv4 addresses, or of the IPv6 addresses that are given out (2000::/3): so
``0.0.0.0/1`` with ``128.0.0.0/1`` is the world, and so is all but one blocked network.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle

from twinwall.model.firewall import NetworkAcl, Resource, SecurityGroup
from twinwall.model.net import ICMP, ICMPV6, PORT_PROTOCOLS, TCP, Cidr, Family
from twinwall.model.rules import CidrPeer, Direction, NetworkAclEntry, RuleAction, SecurityGroupRule, Traffic
from twinwall.packets.packetset import PacketSet
from twinwall.packets.profiles import stretches
from twinwall.packets.traffic import (
    LINE,
    Spans,
    detail_span,
    difference,
    holds,
    intersection,
    locate,
    protocol_span,
)
from twinwall.planning.findings import Finding
from twinwall.planning.inspected import Firewall
from twinwall.planning.lint.catalog import ADMIN_OPEN, IPV6_HOLE, milder
from twinwall.planning.semantics import AclEntries, GroupRules, entry_span, span_of

ADMIN_PORTS: Mapping[int, str] = {
    22: "ssh",
    23: "telnet",
    2375: "Docker",
    3389: "RDP",
    5900: "VNC",
    5985: "WinRM",
    5986: "WinRM",
}
_ADMIN = {detail_span(TCP, port, port)[0]: f"tcp/{port} ({name})" for port, name in ADMIN_PORTS.items()}

_SPACE: Mapping[Family, Cidr] = {4: Cidr(4, 0, 0), 6: Cidr(6, 0x2000 << 112, 3)}
"""What of each family is given out, in the rough."""

_BROAD: Mapping[Family, int] = {4: 7, 6: 12}
"""A block as short as this has a part of its own in opening something to the world."""

_FAMILIES: tuple[Family, ...] = (4, 6)
_WITHOUT_ICMP: Spans = difference(difference(LINE, protocol_span(ICMP)), protocol_span(ICMPV6))
"""Each ICMP has its own family; and IPv6 does not work without its own."""


def worldwide(packets: PacketSet, family: Family) -> Spans:
    """The traffic that is admitted from the world."""
    space = _SPACE[family]
    changes: dict[int, int] = {}
    for (first, last), spans in stretches(packets.profile(family), family):
        held = min(last, space.last) - max(first, space.first) + 1
        for border, weight in zip(spans if held > 0 else (), cycle((held, -held)), strict=False):
            changes[border] = changes.get(border, 0) + weight
    half = (space.last - space.first + 1) // 2
    borders: list[int] = []
    weight = 0
    for border in sorted(changes):
        weight += changes[border]
        if (weight >= half) != len(borders) % 2:
            borders.append(border)
    return tuple(borders)


@dataclass(frozen=True)
class _Open:
    """One rule or entry that admits something from much of the world."""

    rule: SecurityGroupRule | NetworkAclEntry
    cidr: Cidr
    traffic: Spans


def exposure_findings(firewall: Firewall) -> Iterator[Finding]:
    for group in firewall.snapshot.groups:
        packets = GroupRules(group.rules_of(Direction.INGRESS), firewall.lists).packets
        opened = list(_group_openings(firewall, group))
        yield from _admin(group, packets, opened)
        yield from _holes(firewall, group.resource, packets, opened)
    for acl in firewall.snapshot.acls or ():
        packets = AclEntries(acl.entries_of(Direction.INGRESS)).packets
        yield from _holes(firewall, acl.resource, packets, list(_acl_openings(acl)))


def _group_openings(firewall: Firewall, group: SecurityGroup) -> Iterator[_Open]:
    for rule in group.rules_of(Direction.INGRESS):
        own = (rule.peer.cidr,) if isinstance(rule.peer, CidrPeer) else firewall.lists.get(str(rule.peer), ())
        if (broad := next(filter(_broad, own), None)) is not None:
            yield _Open(rule, broad, span_of(rule.traffic))


def _acl_openings(acl: NetworkAcl) -> Iterator[_Open]:
    for entry in acl.entries_of(Direction.INGRESS):
        if entry.action is RuleAction.ALLOW and _broad(entry.cidr):
            yield _Open(entry, entry.cidr, entry_span(entry.cidr, entry.traffic))


def _broad(cidr: Cidr) -> bool:
    return cidr.length <= _BROAD[cidr.family] and cidr.overlaps(_SPACE[cidr.family])


def _shared(traffic: Spans, family: Family, opened: Iterable[_Open]) -> Iterator[tuple[str, str, Spans]]:
    """Who opens it to the world, as (rule, its block, its part of the traffic); last, without a rule, what no
    rule opens alone."""
    left = traffic
    for one in opened:
        if one.cidr.family == family and (mine := intersection(traffic, one.traffic)):
            left = difference(left, mine)
            yield str(one.rule), str(one.cidr), mine
    if left:
        yield "", "many rules together", left


# --- administration ports


def _admin(group: SecurityGroup, packets: PacketSet, opened: Sequence[_Open]) -> Iterator[Finding]:
    for family in _FAMILIES:
        for rule, who, traffic in _shared(worldwide(packets, family), family, opened):
            ports = [name for point, name in _ADMIN.items() if holds(traffic, point)]
            if ports:
                message = f"{', '.join(ports)} {'is' if len(ports) == 1 else 'are'} open to the world ({who})"
                way_out = "name the addresses that need it, or use Session Manager"
                yield ADMIN_OPEN.finding(group.resource, message, way_out, rule)


# --- IPv6


def _holes(
    firewall: Firewall, resource: Resource, packets: PacketSet, opened: Sequence[_Open]
) -> Iterator[Finding]:
    hole = intersection(difference(worldwide(packets, 6), worldwide(packets, 4)), _WITHOUT_ICMP)
    read = firewall.vpc_id in firewall.snapshot.vpc_by_id
    asleep = read and not any(block.family == 6 for block in firewall.blocks)
    for rule, who, traffic in _shared(hole, 6, opened) if hole else ():
        finding = IPV6_HOLE.finding(
            resource,
            f"{_words(traffic)} is open to the world over IPv6 ({who}) and closed over IPv4",
            "narrow the IPv6 block as IPv4 is narrowed, or open IPv4 as well",
            rule,
        )
        yield milder(finding, "note") if asleep else finding


def _words(spans: Spans) -> str:
    """``tcp/22``, ``all but tcp/80``: what most of it is."""
    pieces = [
        piece for start, end in zip(spans[::2], spans[1::2], strict=True) for piece in _split(start, end)
    ]
    shown = ", ".join(dict.fromkeys(str(piece) for piece in pieces[:3]))
    return shown if len(pieces) <= 3 else f"{shown} and more"


def _split(start: int, end: int) -> Iterator[Traffic]:
    """One span as traffic, a protocol at a time, those with ports first."""
    found: list[Traffic] = []
    while start < end:
        protocol, detail = locate(start)
        last = min(end, protocol_span(protocol)[1])
        if protocol in PORT_PROTOCOLS:
            found.append(Traffic(protocol, detail, detail + last - start - 1))
        else:
            found.append(Traffic(protocol))
        start = last
    yield from sorted(found, key=lambda one: one.first is None)
