"""One guard of a way: what a group or an ACL makes of the packets between two places, rule by rule.

Every step is reckoned over the addresses of the *other* place and the way's carrier traffic (``Ask.carrier``:
what comes back), so that the steps of a way can be intersected:

    step                     packets it looks at                     kept for an address it admits
    -----------------------  --------------------------------------  -----------------------------
    groups and ACL, request  the request, from or to that address    the whole carrier
    ACL, reply               the carrier itself, to or from it       what the ACL admits of it
    groups, reply            none: groups remember (stateful)        the whole carrier
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from twinwall.model.firewall import NetworkAcl, Resource
from twinwall.model.net import Cidr, Family
from twinwall.model.rules import Direction, GroupPeer, PrefixListPeer, RuleAction, SecurityGroupRule
from twinwall.packets.packetset import PacketSet
from twinwall.packets.profiles import blocks_of, stretches
from twinwall.packets.traffic import ALL_TRAFFIC, Spans
from twinwall.planning.ends import End, Groups, NotAsked, Unknown
from twinwall.planning.inspected import Firewall
from twinwall.planning.semantics import AclEntries, GroupRules, block_of, span_of

Verdict = Literal["passes", "partly", "refused", "unknown"]
Leg = Literal["request", "reply"]
NOTHING = PacketSet()


@dataclass(frozen=True)
class Space:
    """All packets that a step is asked about: these addresses of one family, this traffic."""

    family: Family
    blocks: tuple[Cidr, ...]
    traffic: Spans

    @property
    def packets(self) -> PacketSet:
        return self.of(self.blocks)

    def of(self, blocks: tuple[Cidr, ...]) -> PacketSet:
        return PacketSet.product(map(block_of, blocks), self.traffic)

    def carrying(self, carrier: Spans, packets: PacketSet) -> PacketSet:
        """The addresses of ``packets``, with the carrier's traffic."""
        ranges = packets.ranges(self.family, self.traffic[0])
        blocks = ((self.family, first, length) for first, length in blocks_of(ranges, self.family))
        return PacketSet.product(blocks, carrier)


@dataclass(frozen=True)
class Part:
    """What one rule decides of a step. ``admitted`` is None where that hangs on who the members of a group
    or list are. ``rule`` says why where no rule decides."""

    admitted: bool | None
    rule: str
    resource: Resource | None
    packets: PacketSet


@dataclass(frozen=True)
class Step:
    """``sure`` and ``possible`` are what surely and what perhaps passes, in carrier packets; ``parts`` are in
    the step's own packets. ``why``: why nothing is asked, or nothing is known."""

    leg: Leg
    at: Literal["groups", "acl"]
    direction: Direction
    place: End
    verdict: Verdict
    sure: PacketSet
    possible: PacketSet
    parts: tuple[Part, ...] = ()
    resources: tuple[Resource, ...] = ()
    why: str = ""

    @property
    def asked(self) -> bool:
        """Whether a rule has the word."""
        return bool(self.parts)


def verdict_of(space: PacketSet, sure: PacketSet, possible: PacketSet) -> Verdict:
    if space <= sure:
        return "passes"
    if not possible:
        return "refused"
    return "partly" if sure and space - possible else "unknown"


def free_step(
    leg: Leg, at: Literal["groups", "acl"], direction: Direction, place: End, whole: PacketSet, why: str
) -> Step:
    return Step(leg, at, direction, place, "passes", whole, whole, why=why)


def unknown_step(
    leg: Leg, at: Literal["groups", "acl"], direction: Direction, place: End, whole: PacketSet, why: str
) -> Step:
    return Step(leg, at, direction, place, "unknown", NOTHING, whole, why=why)


def _decided_step(
    leg: Leg,
    at: Literal["groups", "acl"],
    direction: Direction,
    place: End,
    resources: tuple[Resource, ...],
    parts: tuple[Part, ...],
    space: Space,
    carrier: Spans,
) -> Step:
    sure = _joined(part.packets for part in parts if part.admitted)
    possible = _joined(part.packets for part in parts if part.admitted is not False)
    verdict = verdict_of(space.packets, sure, possible)
    if leg == "request":
        sure, possible = space.carrying(carrier, sure), space.carrying(carrier, possible)
    return Step(leg, at, direction, place, verdict, sure, possible, parts, resources)


def _joined(many: Iterator[PacketSet]) -> PacketSet:
    packets = NOTHING
    for one in many:
        packets |= one
    return packets


# --- groups


def groups_step(
    firewall: Firewall, place: End, other: End, direction: Direction, space: Space, carrier: Spans
) -> Step:
    """``space``: the request, from or to ``other``'s addresses."""
    whole = space.carrying(carrier, space.packets)
    groups = place.groups
    if isinstance(groups, NotAsked):
        return free_step("request", "groups", direction, place, whole, groups.why)
    if isinstance(groups, Unknown):
        return unknown_step("request", "groups", direction, place, whole, groups.why)
    parts = tuple(_group_parts(firewall, groups, other, direction, space))
    resources = tuple(group.resource for group in groups.known)
    resources += tuple(Resource("security-group", id_) for id_ in groups.missing)
    return _decided_step("request", "groups", direction, place, resources, parts, space, carrier)


def _group_parts(
    firewall: Firewall, groups: Groups, other: End, direction: Direction, space: Space
) -> Iterator[Part]:
    """Rules that surely admit come first, then those that may; what is left no rule admits."""
    left = space.packets
    perhaps: list[tuple[SecurityGroupRule, Resource, PacketSet]] = []
    for group in groups.known:
        for rule in group.rules_of(direction):
            start, end = span_of(rule.traffic)
            if not left or not start <= space.traffic[0] < end:
                continue
            sure, possible = _admitted(firewall, rule, other, space)
            if mine := sure & left:
                yield Part(True, str(rule), group.resource, mine)
                left -= mine
            perhaps.append((rule, group.resource, possible))
    yield from _open_parts(firewall, groups, perhaps, left)


def _open_parts(
    firewall: Firewall,
    groups: Groups,
    perhaps: list[tuple[SecurityGroupRule, Resource, PacketSet]],
    left: PacketSet,
) -> Iterator[Part]:
    for rule, resource, possible in perhaps:
        if mine := possible & left:
            assert isinstance(rule.peer, GroupPeer | PrefixListPeer)
            members = "entries" if isinstance(rule.peer, PrefixListPeer) else "members"
            named = firewall.resource(rule.peer)
            yield Part(None, f"{rule}: {members} of {named} are not known", resource, mine)
            left -= mine
    for id_ in groups.missing if left else ():
        yield Part(None, f"the rules of {id_} are not known", Resource("security-group", id_), left)
        return
    if left:
        yield Part(False, "no rule admits it", None, left)


def _admitted(
    firewall: Firewall, rule: SecurityGroupRule, other: End, space: Space
) -> tuple[PacketSet, PacketSet]:
    """What one rule surely, and what it perhaps admits of the space."""
    packets = GroupRules((rule,), firewall.lists).packets
    if not packets.symbols:
        return packets & space.packets, NOTHING
    members, perhaps = _members(firewall, rule, other)
    return space.of(members) & space.packets, space.of(perhaps) & space.packets


def _members(
    firewall: Firewall, rule: SecurityGroupRule, other: End
) -> tuple[tuple[Cidr, ...], tuple[Cidr, ...]]:
    """Addresses that are surely, and addresses that are perhaps behind the rule's group or list."""
    peer = rule.peer
    symbol = str(peer)
    if not isinstance(peer, GroupPeer):
        return (), firewall.universe(symbol)
    if other.member_of is not None:
        return (other.blocks if symbol in other.member_of else ()), ()
    if firewall.is_dead(peer):
        return (), ()
    if symbol not in firewall.snapshot.group_by_id or not firewall.membership_known:
        return (), firewall.universe(symbol)
    found = tuple(address for one in firewall.members.get(symbol, ()) for address in one.addresses)
    return ((), found) if other.somewhere else (found, ())


# --- network ACLs


def acl_step(leg: Leg, place: End, direction: Direction, space: Space, carrier: Spans, exempt: str) -> Step:
    """``exempt``: why no ACL is asked, empty where one is. ``space``: the request or the carrier."""
    whole = space.packets if leg == "reply" else space.carrying(carrier, space.packets)
    acl = place.acl
    if isinstance(acl, NotAsked):
        return free_step(leg, "acl", direction, place, whole, acl.why)
    if exempt:
        return free_step(leg, "acl", direction, place, whole, exempt)
    if isinstance(acl, Unknown):
        return unknown_step(leg, "acl", direction, place, whole, acl.why)
    parts = tuple(_acl_parts(acl, direction, space.packets))
    return _decided_step(leg, "acl", direction, place, (acl.resource,), parts, space, carrier)


def _acl_parts(acl: NetworkAcl, direction: Direction, left: PacketSet) -> Iterator[Part]:
    entries = AclEntries(acl.entries_of(direction))
    spoken = AclEntries(tuple(replace(entry, action=RuleAction.ALLOW) for entry in entries.entries)).packets
    unspoken = left - spoken
    left &= spoken
    while packet := left.witness():
        decision = entries.decision(packet)
        mine = left & decision.region
        yield Part(decision.admitted, decision.rule, acl.resource, mine)
        left -= mine
    if packet := unspoken.witness():
        yield Part(False, entries.decision(packet).rule, acl.resource, unspoken)


def addresses_of(packets: PacketSet, family: Family) -> list[Cidr]:
    """The addresses of these packets, whatever their traffic, as the fewest blocks in order."""
    found = stretches(packets.profile(family), family)
    blocks = [(family, *block) for range_, _ in found for block in blocks_of([range_], family)]
    held = PacketSet.product(blocks, ALL_TRAFFIC)
    return [Cidr(family, *block) for block in blocks_of(held.ranges(family, ALL_TRAFFIC[0]), family)]
