"""The smallest change that would let a packet pass: one rule or entry for each guard that refuses it.

Every remedy is an allow, so none of them undoes another, and together they let everything pass that was
asked. An ACL's entry goes before the first deny that stands in the way.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from twinwall.model.firewall import NetworkAcl, Resource, SecurityGroup
from twinwall.model.net import Cidr
from twinwall.model.rules import (
    MAX_RULE_NUMBER,
    CidrPeer,
    Direction,
    GroupPeer,
    NetworkAclEntry,
    Peer,
    RuleAction,
    SecurityGroupRule,
    Traffic,
)
from twinwall.packets.packetset import PacketSet
from twinwall.planning.asking import Ask
from twinwall.planning.ends import End, Groups, Party
from twinwall.planning.steps import NOTHING, Step, addresses_of
from twinwall.planning.ways import Way

STEP = 10
"""Between a new last entry and the one before, as EC2's console numbers them."""


@dataclass(frozen=True)
class Remedy:
    """``action`` is EC2's operation. ``rule`` is None where an ACL has no number left for the entry."""

    action: str
    resource: Resource
    rule: SecurityGroupRule | NetworkAclEntry | None
    message: str


@dataclass(frozen=True)
class _Wanted:
    """An entry that still lacks its number. ``before``: the first deny in its way, None for the final one."""

    acl: NetworkAcl
    direction: Direction
    traffic: Traffic
    cidr: Cidr
    before: int | None


def remedies(ask: Ask, peer: Party, target: Party, ways: Iterable[Way]) -> tuple[Remedy, ...]:
    rules: dict[Remedy, None] = {}
    entries: dict[_Wanted, None] = {}
    for way in ways:
        for step in way.steps:
            if way.verdict == "passes" or step.verdict not in ("refused", "partly"):
                continue
            own, party, other = (
                (peer, target, way.target) if step.place is way.peer else (target, peer, way.peer)
            )
            if step.at == "groups":
                rules |= dict.fromkeys(_rules(ask, step, own, party, other, way))
            else:
                entries |= dict.fromkeys(_entries(ask, step, other, way))
    return (*_broadest_rules(list(rules)), *_numbered(_broadest_entries(list(entries))))


def _broadest_rules(remedies: list[Remedy]) -> Iterator[Remedy]:
    """Without those that another one covers."""
    for one in remedies:
        if not any(other is not one and _rule_within(one, other) for other in remedies):
            yield one


def _rule_within(one: Remedy, other: Remedy) -> bool:
    inner, outer = one.rule, other.rule
    if not isinstance(inner, SecurityGroupRule) or not isinstance(outer, SecurityGroupRule):
        return False
    if not isinstance(inner.peer, CidrPeer) or not isinstance(outer.peer, CidrPeer):
        return False
    return (one.action, one.resource) == (other.action, other.resource) and outer.peer.cidr.contains(
        inner.peer.cidr
    )


def _broadest_entries(wanted: list[_Wanted]) -> list[_Wanted]:
    """Without those that another one covers that comes as early."""
    return [
        one for one in wanted if not any(other is not one and _entry_within(one, other) for other in wanted)
    ]


def _entry_within(one: _Wanted, other: _Wanted) -> bool:
    alike = (one.acl, one.direction, one.traffic) == (other.acl, other.direction, other.traffic)
    early = other.before is not None and (one.before is None or other.before <= one.before)
    return alike and other.cidr.contains(one.cidr) and (early or one.before == other.before)


def _refused(step: Step) -> PacketSet:
    packets = NOTHING
    for part in step.parts:
        packets = packets | part.packets if part.admitted is False else packets
    return packets


# --- groups


def _rules(ask: Ask, step: Step, own: Party, party: Party, other: End, way: Way) -> Iterator[Remedy]:
    """``own`` is the side that the groups guard, ``party`` the other one, which the rule is to name."""
    assert isinstance(step.place.groups, Groups)
    if not step.place.groups.known:
        return
    group = min(step.place.groups.known, key=lambda one: _aptness(one, own))
    action = f"AuthorizeSecurityGroup{'Ingress' if step.direction is Direction.INGRESS else 'Egress'}"
    for peer in _named(party, other, way, _refused(step)):
        rule = SecurityGroupRule(step.direction, ask.request, peer)
        yield Remedy(action, group.resource, rule, f"add to {group.resource}: {rule}")


def _aptness(group: SecurityGroup, own: Party) -> tuple[bool, bool, str]:
    """The group that was asked about comes first, the VPC's default one last."""
    asked = {peer.group_id for peer in own.peers if isinstance(peer, GroupPeer)}
    return group.group_id not in asked, group.is_default, group.group_id


def _named(party: Party, other: End, way: Way, refused: PacketSet) -> Iterator[Peer]:
    """How a rule names the other side: as it was asked, else address by address; no more than is refused."""
    peers = party.peers or tuple(CidrPeer(block) for block in other.blocks)
    for peer in peers:
        if not isinstance(peer, CidrPeer):
            yield peer
        elif peer.cidr.family == way.family and (lacking := refused & _everything(peer.cidr, refused)):
            yield CidrPeer(_hull(peer.cidr, lacking))


def _everything(cidr: Cidr, like: PacketSet) -> PacketSet:
    return PacketSet.product([(cidr.family, cidr.first, cidr.length)], like.traffic)


# --- network ACLs


def _entries(ask: Ask, step: Step, other: End, way: Way) -> Iterator[_Wanted]:
    assert isinstance(step.place.acl, NetworkAcl)
    acl = step.place.acl
    for cidr in other.entry_blocks:
        if cidr.family != way.family:
            continue
        refused = _refused(step)
        refused &= _everything(cidr, refused)
        if refused:
            before = min(_denies(acl, step, refused), default=None)
            yield _Wanted(acl, step.direction, ask.spoken(refused.traffic), _hull(cidr, refused), before)


def _hull(cidr: Cidr, refused: PacketSet) -> Cidr:
    """The smallest block that holds all of the refused addresses."""
    blocks = addresses_of(refused, cidr.family)
    length = cidr.bits - (blocks[0].first ^ blocks[-1].last).bit_length()
    return Cidr(cidr.family, blocks[0].first >> (cidr.bits - length) << (cidr.bits - length), length)


def _denies(acl: NetworkAcl, step: Step, refused: PacketSet) -> Iterator[int]:
    """Numbers of the entries that refuse some of it."""
    numbers = {str(entry): entry.rule_number for entry in acl.entries_of(step.direction)}
    for part in step.parts:
        if part.admitted is False and part.rule in numbers and part.packets & refused:
            yield numbers[part.rule]


def _numbered(wanted: Sequence[_Wanted]) -> Iterator[Remedy]:
    taken: dict[tuple[str, Direction], set[int]] = {}
    for one in wanted:
        key = one.acl.network_acl_id, one.direction
        numbers = taken.setdefault(key, {entry.rule_number for entry in one.acl.entries_of(one.direction)})
        yield _remedy(one, _free_number(numbers, one.before), numbers)


def _free_number(taken: set[int], before: int | None) -> int | None:
    """Just before the deny; without one behind all others, in steps of ten."""
    if before is None:
        last = (max(taken, default=0) // STEP + 1) * STEP
        if last <= MAX_RULE_NUMBER:
            return last
        before = MAX_RULE_NUMBER + 1
    return next((number for number in range(before - 1, 0, -1) if number not in taken), None)


def _remedy(wanted: _Wanted, number: int | None, taken: set[int]) -> Remedy:
    acl = wanted.acl.resource
    if number is None:
        words = f"{wanted.direction.value} allow {wanted.traffic} with {wanted.cidr}"
        message = f"{acl} has no number free before {wanted.before}: renumber its entries, then add {words}"
        return Remedy("CreateNetworkAclEntry", acl, None, message)
    taken.add(number)
    entry = NetworkAclEntry(wanted.direction, number, RuleAction.ALLOW, wanted.traffic, wanted.cidr)
    return Remedy("CreateNetworkAclEntry", acl, entry, f"add to {acl}: {entry}")
