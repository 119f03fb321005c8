"""ACL entries that can never match, and allows whose answers cannot get back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from twinwall.model.firewall import NetworkAcl
from twinwall.model.net import ALL_PROTOCOLS, ICMP, ICMPV6, TCP, UDP, protocol_name
from twinwall.model.rules import Direction, NetworkAclEntry, RuleAction, Traffic
from twinwall.packets.packetset import PacketSet
from twinwall.packets.traffic import Span, detail_span, protocol_span
from twinwall.planning.findings import Finding
from twinwall.planning.lint.catalog import NO_REPLY, SHADOWED, WRONG_FAMILY, milder
from twinwall.planning.neighbours import Neighbours
from twinwall.planning.passage import EPHEMERAL, Passage, Ports, acl_passage, opposite
from twinwall.planning.semantics import AclEntries, block_of, entry_span
from twinwall.planning.steps import addresses_of

SHOWN = 4


def acl_findings(acl: NetworkAcl, client_ports: Ports = EPHEMERAL) -> Iterator[Finding]:
    for direction in Direction:
        ordered = AclEntries(acl.entries_of(direction)).ordered
        near = Neighbours((entry.cidr, entry) for entry in ordered)
        lanes = _Lanes(acl, direction, client_ports)
        for entry in ordered:
            before = _before(entry, near)
            effect = _effect(before, entry)
            if _wrong_family(entry):
                yield _strange(acl, entry)
            elif not effect:
                yield _shadowed(acl, before, entry)
            elif entry.action is RuleAction.ALLOW:
                yield from _unanswered(entry, effect, lanes)


def _box(entry: NetworkAclEntry) -> PacketSet:
    return PacketSet.union_of([(block_of(entry.cidr), entry_span(entry.cidr, entry.traffic))])


def _before(entry: NetworkAclEntry, near: Neighbours[NetworkAclEntry]) -> list[NetworkAclEntry]:
    """The entries that see some of its packets before it does."""
    start, end = entry_span(entry.cidr, entry.traffic)
    found: list[NetworkAclEntry] = []
    for other in near.of(entry.cidr):
        first, last = entry_span(other.cidr, other.traffic)
        if other.rule_number < entry.rule_number and start < last and first < end:
            found.append(other)
    return sorted(found)


def _effect(before: Sequence[NetworkAclEntry], entry: NetworkAclEntry) -> PacketSet:
    """What the entry decides: its packets without those that entries before it hold."""
    packets = _box(entry)
    for other in before:
        if packets:
            packets -= _box(other)
    return packets


# --- never matching


def _shadowed(acl: NetworkAcl, before: Sequence[NetworkAclEntry], entry: NetworkAclEntry) -> Finding:
    by = _shadows(before, entry)
    named = ", ".join(f"{one.rule_number} ({one.action.value})" for one in by)
    alike = all(one.action is entry.action for one in by)
    finding = SHADOWED.finding(
        acl.resource,
        f"entry {entry.rule_number} can never match: {named} {'decides' if len(by) == 1 else 'decide'} all of it",
        f"delete entry {entry.rule_number}"
        if alike
        else f"delete entry {entry.rule_number}, or give it a number below {min(one.rule_number for one in by)}",
        entry,
    )
    return milder(finding, "note") if alike else finding


def _shadows(before: Sequence[NetworkAclEntry], entry: NetworkAclEntry) -> list[NetworkAclEntry]:
    """The entries that decide some of what this one holds."""
    left, found = _box(entry), []
    for other in before:
        if left & _box(other):
            found.append(other)
            left -= _box(other)
    return found


def _wrong_family(entry: NetworkAclEntry) -> bool:
    return (entry.traffic.protocol, entry.cidr.family) in ((ICMP, 6), (ICMPV6, 4))


def _strange(acl: NetworkAcl, entry: NetworkAclEntry) -> Finding:
    right = "icmpv6 (58)" if entry.cidr.family == 6 else "icmp (1)"
    protocol = Traffic(entry.traffic.protocol)
    message = f"entry {entry.rule_number} can never match: no {protocol} goes over IPv{entry.cidr.family}"
    return WRONG_FAMILY.finding(acl.resource, message, f"say protocol {right}, or delete the entry", entry)


# --- never answered

LANE = 10_000
"""Ports. A range as wide as this from 1024 up is there for answers: Windows' 49152-65535 is the narrowest."""


@dataclass(frozen=True)
class _Lanes:
    """What an ACL lets in, or out, there and back."""

    acl: NetworkAcl
    direction: Direction
    client_ports: Ports

    @cached_property
    def passage(self) -> Passage:
        return acl_passage(self.acl, self.direction, self.client_ports)

    @cached_property
    def back(self) -> PacketSet:
        return AclEntries(self.acl.entries_of(opposite(self.direction))).packets

    def through(self, entry: NetworkAclEntry) -> bool:
        """Whether the entry lets answers to the other direction through, whatever else it is there for."""
        start, end = entry_span(entry.cidr, entry.traffic)
        answered = self.back.within(entry.cidr)
        for protocol in (TCP, UDP):
            first, last = protocol_span(protocol)
            low, high = max(start, first) - first, min(end, last) - first - 1
            lane = high - max(low, EPHEMERAL[0]) + 1 >= LANE or self.holds(low, high)
            if lane and answered & PacketSet.product([entry.cidr], (first, last)):
                return True
        return False

    def holds(self, first: int, last: int) -> bool:
        """Whether these ports are all that clients pick from, and maybe more."""
        return first <= self.client_ports[0] and self.client_ports[1] <= last


def _unanswered(entry: NetworkAclEntry, effect: PacketSet, lanes: _Lanes) -> Iterator[Finding]:
    """One finding an entry: what of its protocols gets no answer at all, else what gets some only."""
    none, some, lost = [], [], PacketSet()
    fully, part = (found.within(entry.cidr) for found in (lanes.passage.fully, lanes.passage.partly))
    for name, span in _services(entry, lanes):
        asked = effect & PacketSet.product([block_of(entry.cidr)], span)
        refused = asked - fully - part
        partly = asked & part
        if refused and refused == asked:
            none.append(name)
        elif refused or partly:
            some.append(name)
        lost |= refused | partly
    if none:
        finding = _reply_finding(lanes, entry, none, "no answer can get back", lost)
        yield milder(finding, "note") if lanes.through(entry) else finding
    elif some:
        yield milder(_reply_finding(lanes, entry, some, "not every answer can get back", lost), "note")


def _services(entry: NetworkAclEntry, lanes: _Lanes) -> Iterator[tuple[str, Span]]:
    """What of an entry others ask for, by protocol."""
    start, end = entry_span(entry.cidr, entry.traffic)
    for protocol in (TCP, UDP):
        first, last = protocol_span(protocol)
        if max(start, first) < min(end, last):
            ports = _asked_ports(entry, max(start, first) - first, min(end, last) - first - 1, lanes)
            if ports:
                yield protocol_name(protocol), detail_span(protocol, *ports)
    icmp, echo = {4: (ICMP, 8), 6: (ICMPV6, 128)}[entry.cidr.family]
    ping = detail_span(icmp, echo * 256, echo * 256)
    if start <= ping[0] < end:
        yield "ping", ping
    if entry.traffic.protocol not in (ALL_PROTOCOLS, TCP, UDP, ICMP, ICMPV6):
        yield str(entry.traffic), (start, end)


def _asked_ports(entry: NetworkAclEntry, first: int, last: int, lanes: _Lanes) -> tuple[int, int] | None:
    """The ports that are a service. A wide range of high ports lets in the answers of the other direction,
    if that lets anything out."""
    if last - first + 1 < LANE and not lanes.holds(first, last):
        return first, last
    if first < EPHEMERAL[0]:
        return first, EPHEMERAL[0] - 1
    return None if lanes.through(entry) else (first, last)


def _reply_finding(
    lanes: _Lanes, entry: NetworkAclEntry, names: Sequence[str], what: str, lost: PacketSet
) -> Finding:
    way = opposite(entry.direction)
    blocks = addresses_of(lost, entry.cidr.family)
    shown = ", ".join(map(str, blocks[:SHOWN])) + (
        f" and {len(blocks) - SHOWN} more" if len(blocks) > SHOWN else ""
    )
    ports = (
        f" to ports {lanes.client_ports[0]}-{lanes.client_ports[1]}" if {"tcp", "udp"} & set(names) else ""
    )
    towards = "to" if way is Direction.EGRESS else "from"
    return NO_REPLY.finding(
        lanes.acl.resource,
        f"entry {entry.rule_number} allows {', '.join(names)}, and {what} {towards} {shown}",
        f"allow {way.value} {', '.join(names)}{ports} {towards} {entry.cidr}",
        entry,
    )
