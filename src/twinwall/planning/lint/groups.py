"""Group rules that others already cover, references to nobody, groups nobody has."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property

from twinwall.model.firewall import SecurityGroup
from twinwall.model.net import Cidr
from twinwall.model.rules import CidrPeer, Direction, GroupPeer, PrefixListPeer, SecurityGroupRule
from twinwall.planning.compare import gap_between
from twinwall.planning.findings import Finding
from twinwall.planning.inspected import INACTIVE, Firewall
from twinwall.planning.lint.catalog import COVERED, DEAD_GROUP, DEAD_PEERING, UNUSED
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
    kept = set(rules)
    near = _Neighbours(rules)
    for rule in sorted(rules, key=_width):
        others = [other for other in near.of(rule) if other in kept and other is not rule]
        if others and _covers(firewall, rule, others):
            kept.discard(rule)
            yield _covered(group, rule, _needed(firewall, rule, others))


def _width(rule: SecurityGroupRule) -> tuple[int, int, SecurityGroupRule]:
    start, end = span_of(rule.traffic)
    length = -rule.peer.cidr.length if isinstance(rule.peer, CidrPeer) else -200
    return length, end - start, rule


def _covers(firewall: Firewall, rule: SecurityGroupRule, others: Sequence[SecurityGroupRule]) -> bool:
    """Whoever the members of the named groups and lists are."""
    own = GroupRules((rule,), firewall.lists).packets
    return not gap_between(own, GroupRules(tuple(others), firewall.lists).packets, firewall.symbols)


def _needed(
    firewall: Firewall, rule: SecurityGroupRule, others: list[SecurityGroupRule]
) -> list[SecurityGroupRule]:
    """One of them where one is enough."""
    return next(([one] for one in others if _covers(firewall, rule, [one])), others)


def _covered(group: SecurityGroup, rule: SecurityGroupRule, by: Sequence[SecurityGroupRule]) -> Finding:
    named = "; ".join(map(str, by[:SHOWN])) + (f" and {len(by) - SHOWN} more" if len(by) > SHOWN else "")
    message = f"other rules already admit all that this one does: {named}"
    return COVERED.finding(group.resource, message, f"remove {rule}", rule)


class _Neighbours:
    """The rules of one direction that share packets with a rule, or may: blocks are nested or apart, so those
    around a block are found by their lengths, those inside it stand together when sorted."""

    def __init__(self, rules: Sequence[SecurityGroupRule]) -> None:
        self._rules = rules

    @cached_property
    def _blocks(self) -> dict[Cidr, list[SecurityGroupRule]]:
        found: dict[Cidr, list[SecurityGroupRule]] = {}
        for rule in self._rules:
            if isinstance(rule.peer, CidrPeer):
                found.setdefault(rule.peer.cidr, []).append(rule)
        return found

    @cached_property
    def _sorted(self) -> list[tuple[int, int]]:
        return sorted({(cidr.family, cidr.first) for cidr in self._blocks})

    @cached_property
    def _starting(self) -> dict[tuple[int, int], list[SecurityGroupRule]]:
        found: dict[tuple[int, int], list[SecurityGroupRule]] = {}
        for cidr, rules in self._blocks.items():
            found.setdefault((cidr.family, cidr.first), []).extend(rules)
        return found

    @cached_property
    def _named(self) -> list[SecurityGroupRule]:
        """The rules that name groups and lists: who is behind them is found out later."""
        return [rule for rule in self._rules if not isinstance(rule.peer, CidrPeer)]

    @cached_property
    def _lengths(self) -> dict[int, set[int]]:
        found: dict[int, set[int]] = {}
        for cidr in self._blocks:
            found.setdefault(cidr.family, set()).add(cidr.length)
        return found

    def of(self, rule: SecurityGroupRule) -> Iterator[SecurityGroupRule]:
        start, end = span_of(rule.traffic)
        for other in self._at(rule):
            first, last = span_of(other.traffic)
            if start < last and first < end:
                yield other

    def _at(self, rule: SecurityGroupRule) -> Iterator[SecurityGroupRule]:
        if not isinstance(rule.peer, CidrPeer):
            alike = (other for other in self._named if other.peer == rule.peer)
            yield from alike
            yield from (other for other in self._rules if isinstance(other.peer, CidrPeer | PrefixListPeer))
            return
        yield from self._around(rule.peer.cidr)
        yield from self._inside(rule.peer.cidr)
        yield from (other for other in self._named if isinstance(other.peer, PrefixListPeer))

    def _around(self, cidr: Cidr) -> Iterator[SecurityGroupRule]:
        for length in self._lengths.get(cidr.family, ()):
            if length < cidr.length:
                shift = cidr.bits - length
                yield from self._blocks.get(Cidr(cidr.family, cidr.first >> shift << shift, length), ())

    def _inside(self, cidr: Cidr) -> Iterator[SecurityGroupRule]:
        low = bisect_left(self._sorted, (cidr.family, cidr.first))
        high = bisect_right(self._sorted, (cidr.family, cidr.last))
        for place in self._sorted[low:high]:
            for other in self._starting[place]:
                if isinstance(other.peer, CidrPeer) and other.peer.cidr.length >= cidr.length:
                    yield other


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
    strangers = (other for other in firewall.snapshot.groups if other.group_id != group.group_id)
    naming = [other.resource for other in strangers if _names(other, group.group_id)]
    others = f"; rules of {', '.join(map(str, naming[:SHOWN]))} name it" if naming else ""
    message = f"no network interface of the VPC has it{others}"
    first = " (first the rules that name it)" if naming else ""
    yield UNUSED.finding(group.resource, message, f"delete the group{first}, or put it to use")


def _names(group: SecurityGroup, group_id: str) -> bool:
    return any(isinstance(r.peer, GroupPeer) and r.peer.group_id == group_id for r in group.rules)
