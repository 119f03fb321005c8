"""What a group, an ACL, a prefix list admits in one direction, and which of its rules decides a packet.

A referenced group is a symbol named by its id, and so is a prefix list whose entries were not given; the
same list or group is the same symbol on both sides because both are said in the target's terms. One
direction, one packet: stateful tracking, replies and the way through a subnet are ``passage``'s.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from operator import attrgetter
from typing import Protocol, assert_never

from twinwall.model.firewall import PrefixList
from twinwall.model.net import ALL_PROTOCOLS, ICMP_PROTOCOLS, ICMPV6, PORT_PROTOCOLS, Cidr
from twinwall.model.rules import (
    CidrPeer,
    GroupPeer,
    NetworkAclEntry,
    PrefixListPeer,
    RuleAction,
    SecurityGroupRule,
    Traffic,
)
from twinwall.packets.boxes import Block, Box
from twinwall.packets.packetset import PacketSet
from twinwall.packets.traffic import ALL_TRAFFIC, LINE, Span, detail_span, protocol_span
from twinwall.packets.witness import Packet, Place

Lists = Mapping[str, tuple[Cidr, ...]]
"""Prefix lists whose entries, and groups whose members, are known: their addresses by id."""


@lru_cache(maxsize=1 << 16)
def span_of(traffic: Traffic) -> Span:
    """The part of the traffic line that a rule's traffic is."""
    protocol, first, last = traffic.protocol, traffic.first, traffic.last
    if protocol == ALL_PROTOCOLS:
        return LINE
    if first is None or last is None or first == -1:
        return protocol_span(protocol)
    if protocol in PORT_PROTOCOLS:
        return detail_span(protocol, first, last)
    if protocol in ICMP_PROTOCOLS:
        codes = (0, 255) if last == -1 else (last, last)
        return detail_span(protocol, first * 256 + codes[0], first * 256 + codes[1])
    return protocol_span(protocol)


def entry_span(cidr: Cidr, traffic: Traffic) -> Span:
    """``span_of`` an ACL entry's traffic; on an IPv4 block EC2 ignores the types of ICMPv6 (API:
    CreateNetworkAclEntry.Protocol)."""
    if traffic.protocol == ICMPV6 and cidr.family == 4:
        return protocol_span(ICMPV6)
    return span_of(traffic)


def block_of(cidr: Cidr) -> Block:
    return cidr


def holds_place(cidr: Cidr, place: Place) -> bool:
    if isinstance(place, str):
        return False
    return place.family == cidr.family and cidr.first <= place.value <= cidr.last


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a packet, and by which rule. ``region`` is what that rule decides in all; empty where
    no rule does, and the packet is refused for want of one."""

    admitted: bool
    rule: str
    region: PacketSet


class RuleList(Protocol):
    """The rules of one object in one direction."""

    @property
    def packets(self) -> PacketSet:
        """What they admit."""
        ...

    def decision(self, packet: Packet) -> Decision: ...


@dataclass(frozen=True)
class GroupRules:
    """A security group's rules of one direction: whatever one of them allows is admitted. A list or a
    referenced group that ``lists`` holds is taken address by address, any other is a symbol."""

    rules: tuple[SecurityGroupRule, ...]
    lists: Lists = field(default_factory=dict)

    @cached_property
    def packets(self) -> PacketSet:
        boxes: list[Box] = []
        symbols: list[tuple[str, Span]] = []
        for rule in self.rules:
            span = span_of(rule.traffic)
            peer = rule.peer
            if isinstance(peer, CidrPeer):
                boxes.append((block_of(peer.cidr), span))
            elif (cidrs := self.lists.get(str(peer))) is not None:
                boxes += ((block_of(cidr), span) for cidr in cidrs)
            else:
                symbols.append((str(peer), span))
        return PacketSet.union_of(boxes, symbols)

    def decision(self, packet: Packet) -> Decision:
        for rule in self.rules:
            start, end = span_of(rule.traffic)
            if start <= packet.point < end and self._is_peer(rule, packet.place):
                return Decision(True, str(rule), GroupRules((rule,), self.lists).packets)
        return Decision(False, "no rule admits it", PacketSet())

    def _is_peer(self, rule: SecurityGroupRule, place: Place) -> bool:
        match rule.peer:
            case CidrPeer(cidr=cidr):
                return holds_place(cidr, place)
            case PrefixListPeer(prefix_list_id=symbol) | GroupPeer(group_id=symbol):
                known = self.lists.get(symbol)
                return place == symbol if known is None else any(holds_place(c, place) for c in known)
            case _:
                assert_never(rule.peer)


@dataclass(frozen=True)
class AclEntries:
    """A network ACL's entries of one direction, in any order: the lowest number that holds a packet decides
    it, and EC2's own last entry denies the rest."""

    entries: tuple[NetworkAclEntry, ...]

    @cached_property
    def ordered(self) -> tuple[NetworkAclEntry, ...]:
        return tuple(sorted(self.entries, key=attrgetter("rule_number")))

    @cached_property
    def packets(self) -> PacketSet:
        return PacketSet.first_match(
            (entry.action is RuleAction.ALLOW, _box(entry)) for entry in self.ordered
        )

    def decision(self, packet: Packet) -> Decision:
        for index, entry in enumerate(self.ordered):
            start, end = entry_span(entry.cidr, entry.traffic)
            if start <= packet.point < end and holds_place(entry.cidr, packet.place):
                return Decision(entry.action is RuleAction.ALLOW, str(entry), self._decided_by(index))
        ipv6 = not isinstance(packet.place, str) and packet.place.family == 6
        return Decision(False, f"the final deny ({32768 if ipv6 else 32767})", PacketSet())

    def _decided_by(self, index: int) -> PacketSet:
        before = [(False, _box(entry)) for entry in self.ordered[:index]]
        return PacketSet.first_match([*before, (True, _box(self.ordered[index]))])


def _box(entry: NetworkAclEntry) -> Box:
    return block_of(entry.cidr), entry_span(entry.cidr, entry.traffic)


@dataclass(frozen=True)
class ListEntries:
    """A prefix list by itself: the addresses it holds, with any traffic."""

    cidrs: tuple[Cidr, ...]

    @cached_property
    def packets(self) -> PacketSet:
        return PacketSet.product(map(block_of, self.cidrs), ALL_TRAFFIC)

    def decision(self, packet: Packet) -> Decision:
        for cidr in self.cidrs:
            if holds_place(cidr, packet.place):
                return Decision(True, f"entry {cidr}", ListEntries((cidr,)).packets)
        return Decision(False, "no entry holds it", PacketSet())


def list_entries(item: PrefixList) -> ListEntries:
    """Entries that are not known must have been sorted out before: ``ValueError``."""
    if item.entries is None:
        raise ValueError(f"the entries of {item.resource} are not known")
    return ListEntries(tuple(entry.cidr for entry in item.entries))
