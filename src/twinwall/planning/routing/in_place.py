"""What a rule of a full group may become in place: one that is wanted, or, for a while, a larger one."""

from collections.abc import Iterator
from dataclasses import replace

from twinwall.model.net import Cidr
from twinwall.model.rules import CidrPeer, Peer, SecurityGroupRule, Traffic
from twinwall.packets.packetset import PacketSet
from twinwall.planning.promise.gapless import holds_box
from twinwall.planning.routing.standing import Ends, Rules
from twinwall.planning.semantics import span_of

MOST_GROWN = 40
"""Temporary rules that are tried at one state."""

MOST_JOINED = 12
"""Rules that come of which two are joined, at one state."""

FRESH = "of this run"
"""The id of a rule that comes on the way: nobody knows it yet, so the rule cannot be changed in place."""

Place = tuple[SecurityGroupRule, SecurityGroupRule]
"""A rule, and what it becomes."""


def wanted_places(ends: Ends, rules: Rules) -> Iterator[Place]:
    """A rule that goes becomes one that comes, where that admits what would be missed."""
    coming = [
        (other, ends.held((other,))) for other in sorted(ends.new - rules) if ends.may_come(other, rules)
    ]
    for rule in sorted(rule for rule in rules - ends.new if rule.rule_id != FRESH):
        missed = ends.missed(rule, rules - {rule}).addresses
        for other, made in coming:
            # through members is a finer question
            if same_kind(rule.peer, other.peer) and (made.symbols or not missed or not missed - made):
                yield rule, other


def larger_places(ends: Ends, rules: Rules) -> Iterator[Place]:
    """A rule grows inside what the ends admit, so that others can go."""
    bound = ends.admitted(rules) | ends.wanted(ends.new)
    coming = sorted(ends.new - rules)
    seen = set(rules)
    tried = 0
    known = [rule for rule in rules if rule.rule_id != FRESH]
    for rule in sorted(known, key=lambda one: (one in ends.new, one)):
        for grown in _grown(rule, [*coming, *sorted(rules - {rule})]):
            if grown in seen or not _within(bound, grown):
                continue
            yield rule, grown
            tried += 1
            if tried >= MOST_GROWN:
                return


def joined_places(ends: Ends, rules: Rules) -> Iterator[Place]:
    """A rule becomes, for a while, one that holds two that come."""
    bound = ends.admitted(rules) | ends.wanted(ends.new)
    coming = sorted(ends.new - rules)[:MOST_JOINED]
    made = {grown for one in coming for grown in _grown(one, coming) if _within(bound, grown)}
    for rule in sorted(rule for rule in rules if rule.rule_id != FRESH):
        for grown in sorted(made - rules)[:MOST_GROWN]:
            if same_kind(rule.peer, grown.peer):
                yield rule, replace(grown, description=rule.description, tags=rule.tags)


def _within(bound: PacketSet, rule: SecurityGroupRule) -> bool:
    span = span_of(rule.traffic)
    return holds_box(bound, rule.peer.cidr if isinstance(rule.peer, CidrPeer) else str(rule.peer), span)


def same_kind(one: Peer, other: Peer) -> bool:
    """A rule in place keeps the kind of its peer (aws-facts 1.1)."""
    if isinstance(one, CidrPeer) and isinstance(other, CidrPeer):
        return one.cidr.family == other.cidr.family
    return type(one) is type(other)


def _grown(rule: SecurityGroupRule, others: list[SecurityGroupRule]) -> Iterator[SecurityGroupRule]:
    """The smallest rules that hold this one and another one too."""
    for other in others:
        traffic = hull_of(rule.traffic, other.traffic)
        if traffic is None:
            continue
        if rule.peer == other.peer:
            peer: Peer = rule.peer
        elif isinstance(rule.peer, CidrPeer) and isinstance(other.peer, CidrPeer):
            block = block_of_both(rule.peer.cidr, other.peer.cidr)
            if block is None:
                continue
            peer = CidrPeer(block)
        else:
            continue
        grown = SecurityGroupRule(rule.direction, traffic, peer, rule.description, rule.tags, rule.rule_id)
        if grown != rule:
            yield grown


def hull_of(one: Traffic, other: Traffic) -> Traffic | None:
    """The least traffic that holds both."""
    if one == other:
        return one
    ports = (one.first, one.last, other.first, other.last)
    if one.protocol != other.protocol or one.protocol not in (6, 17) or None in ports:
        return None
    return Traffic(one.protocol, min(one.first or 0, other.first or 0), max(one.last or 0, other.last or 0))


def block_of_both(one: Cidr, other: Cidr) -> Cidr | None:
    """The least block that holds both."""
    if one.family != other.family:
        return None
    apart = one.bits - (one.first ^ other.first).bit_length()
    length = min(one.length, other.length, apart)
    return Cidr(one.family, one.first >> (one.bits - length) << (one.bits - length), length)
