"""Group rules that others already cover, references to nobody, groups nobody has."""

from collections.abc import Iterator, Sequence

from twinwall.model.firewall import SecurityGroup
from twinwall.model.rules import CidrPeer, Direction, GroupPeer, Peer, PrefixListPeer, SecurityGroupRule
from twinwall.planning.compare import gap_between
from twinwall.planning.findings import Finding
from twinwall.planning.inspected import INACTIVE, Firewall
from twinwall.planning.lint.catalog import COVERED, DEAD_GROUP, DEAD_PEERING, UNUSED
from twinwall.planning.neighbours import Neighbours
from twinwall.planning.semantics import GroupRules, span_of

SHOWN = 3


def group_findings(firewall: Firewall, group: SecurityGroup) -> Iterator[Finding]:
    for direction in Direction:
        yield from covered(firewall, group, group.rules_of(direction))
    for rule in group.rules:
        if isinstance(rule.peer, GroupPeer):
            yield from _reference(firewall, group, rule, rule.peer)
    yield from _unused(firewall, group)


# --- covered


def covered(
    firewall: Firewall, group: SecurityGroup, rules: Sequence[SecurityGroupRule]
) -> Iterator[Finding]:
    """Narrow rules are tried first, and what was found covers nothing any more: all of it can go at once."""
    near = _Near(rules)
    for rule in sorted(rules, key=_width):
        if by := _covering(firewall, rule, near.of(rule)):
            near.gone.add(id(rule))
            yield _covered(group, rule, by)


def _width(rule: SecurityGroupRule) -> tuple[int, int, SecurityGroupRule]:
    start, end = span_of(rule.traffic)
    length = -rule.peer.cidr.length if isinstance(rule.peer, CidrPeer) else -200
    return length, end - start, rule


def _covering(
    firewall: Firewall, rule: SecurityGroupRule, others: list[SecurityGroupRule]
) -> list[SecurityGroupRule]:
    """One of them where one is enough, all where only all are, none where even they are not. Nothing covers a
    list that is empty now: it waits for entries."""
    if firewall.lists.get(str(rule.peer)) == ():
        return []
    for other in others:
        if _holds(firewall, other, rule):
            return [other]
    return others if _many_enough(rule, others) and _cover(firewall, rule, others) else []


def _many_enough(rule: SecurityGroupRule, others: Sequence[SecurityGroupRule]) -> bool:
    """Whether there are as many addresses in the others as in the rule; where lists are named, nobody knows."""
    if not isinstance(rule.peer, CidrPeer):
        return bool(others)
    bits, length = rule.peer.cidr.bits, rule.peer.cidr.length
    missing = 1 << bits - length
    for other in others:
        if not isinstance(other.peer, CidrPeer):
            return True
        missing -= 1 << bits - max(length, other.peer.cidr.length)
    return missing <= 0


def _holds(firewall: Firewall, other: SecurityGroupRule, rule: SecurityGroupRule) -> bool:
    """Whether the other one alone admits all of it."""
    (start, end), (first, last) = span_of(rule.traffic), span_of(other.traffic)
    if not first <= start <= end <= last:
        return False
    if isinstance(rule.peer, CidrPeer) and isinstance(other.peer, CidrPeer):
        return other.peer.cidr.contains(rule.peer.cidr)
    return other.peer == rule.peer or _cover(firewall, rule, [other])


def _cover(firewall: Firewall, rule: SecurityGroupRule, others: Sequence[SecurityGroupRule]) -> bool:
    """Whoever the members of the named groups and lists are."""
    own = GroupRules((rule,), firewall.lists).packets
    return not gap_between(own, GroupRules(tuple(others), firewall.lists).packets, firewall.symbols)


def _covered(group: SecurityGroup, rule: SecurityGroupRule, by: Sequence[SecurityGroupRule]) -> Finding:
    named = "; ".join(map(str, by[:SHOWN])) + (f" and {len(by) - SHOWN} more" if len(by) > SHOWN else "")
    message = f"other rules already admit all that this one does: {named}"
    return COVERED.finding(group.resource, message, f"remove {rule}", rule)


class _Near:
    """The rules of one direction that share packets with a rule, or may. ``gone``: the ``id()`` of those that
    count no more; of twins, each by itself."""

    def __init__(self, rules: Sequence[SecurityGroupRule]) -> None:
        self.gone = set[int]()
        self._spans = {rule.traffic: span_of(rule.traffic) for rule in rules}
        self._blocks = Neighbours((rule.peer.cidr, rule) for rule in rules if isinstance(rule.peer, CidrPeer))
        self._lists = [rule for rule in rules if isinstance(rule.peer, PrefixListPeer)]
        self._named: dict[Peer, list[SecurityGroupRule]] = {}
        self._open = [rule for rule in rules if not isinstance(rule.peer, GroupPeer)]
        for rule in rules:
            if not isinstance(rule.peer, CidrPeer):
                self._named.setdefault(rule.peer, []).append(rule)

    def of(self, rule: SecurityGroupRule) -> list[SecurityGroupRule]:
        start, end = span_of(rule.traffic)
        gone, found = self.gone, list[SecurityGroupRule]()
        for other in self._at(rule.peer):
            first, last = self._spans[other.traffic]
            if start < last and first < end and id(other) not in gone and other is not rule:
                found.append(other)
        return found

    def _at(self, peer: Peer) -> Iterator[SecurityGroupRule]:
        """Who is behind a group is found out later: any address may be, but another group's members are not."""
        if isinstance(peer, CidrPeer):
            yield from self._blocks.of(peer.cidr)
            yield from self._lists
        else:
            yield from self._named[peer]
            yield from (other for other in self._open if other.peer != peer)


# --- references to nobody


def _reference(
    firewall: Firewall, group: SecurityGroup, rule: SecurityGroupRule, peer: GroupPeer
) -> Iterator[Finding]:
    why = firewall.is_dead(peer)
    if not why:
        return
    named = firewall.resource(peer)
    status = firewall.peerings.get(peer.peering_connection_id) or peer.peering_status
    check = DEAD_PEERING if status in INACTIVE else DEAD_GROUP
    message = f"the rule admits nobody: it names {named}, and {why}"
    yield check.finding(group.resource, message, f"remove {rule}", rule)


# --- groups nobody has


def _unused(firewall: Firewall, group: SecurityGroup) -> Iterator[Finding]:
    if not firewall.membership_known or group.is_default or group.group_id in firewall.members:
        return
    naming = [other for other in firewall.naming.get(group.group_id, ()) if other.id != group.group_id]
    others = f"; rules of {', '.join(map(str, naming[:SHOWN]))} name it" if naming else ""
    message = f"no network interface of the VPC has it{others}"
    first = " (first the rules that name it)" if naming else ""
    yield UNUSED.finding(group.resource, message, f"delete the group{first}, or put it to use")
