"""Rules that may admit one packet together: of all the others, only those can make up for one that goes.

Traffic must meet, and so must blocks of addresses; a group, or a list, may be any address.
"""

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from twinwall.model.net import Cidr
from twinwall.model.rules import CidrPeer, SecurityGroupRule
from twinwall.packets.traffic import Span
from twinwall.planning.neighbours import Neighbours
from twinwall.planning.semantics import span_of

Item = TypeVar("Item")


def touching(rule: SecurityGroupRule, some: Iterable[SecurityGroupRule]) -> tuple[SecurityGroupRule, ...]:
    start, end = span_of(rule.traffic)
    cidr = cidr_of(rule)
    found = []
    for other in some:
        first, last = span_of(other.traffic)
        if first < end and start < last and other.direction is rule.direction:
            block = cidr_of(other)
            if cidr is None or block is None or cidr.overlaps(block):
                found.append(other)
    return tuple(found)


def covers(other: SecurityGroupRule, rule: SecurityGroupRule) -> bool:
    """``other`` alone admits all that ``rule`` admits, by what they say: a quick look that may say no too often."""
    start, end = span_of(rule.traffic)
    first, last = span_of(other.traffic)
    if not (first <= start and end <= last and other.direction is rule.direction):
        return False
    cidr, block = cidr_of(rule), cidr_of(other)
    if cidr is None or block is None:
        return other.peer == rule.peer
    return block.contains(cidr)


def cidr_of(rule: SecurityGroupRule) -> Cidr | None:
    return rule.peer.cidr if isinstance(rule.peer, CidrPeer) else None


class Touching(Generic[Item]):
    """Many rules, each with an item: to ask for those that touch one costs as much as there are kinds of traffic, and
    rules that do."""

    def __init__(self, items: Iterable[tuple[SecurityGroupRule, Item]]) -> None:
        blocks: dict[Span, list[tuple[Cidr, Item]]] = {}
        self._anywhere: dict[Span, list[Item]] = {}
        for rule, item in items:
            span, cidr = span_of(rule.traffic), cidr_of(rule)
            if cidr is None:
                self._anywhere.setdefault(span, []).append(item)
            else:
                blocks.setdefault(span, []).append((cidr, item))
        self._blocks = blocks
        self._near = {span: Neighbours(some) for span, some in blocks.items()}

    def of(self, rule: SecurityGroupRule) -> Iterator[Item]:
        start, end = span_of(rule.traffic)
        cidr = cidr_of(rule)
        for span, near in self._near.items():
            if span[0] < end and start < span[1]:
                yield from near.of(cidr) if cidr else (item for _, item in self._blocks[span])
        for span, some in self._anywhere.items():
            if span[0] < end and start < span[1]:
                yield from some
