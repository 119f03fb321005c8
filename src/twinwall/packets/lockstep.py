"""Two rule sets walked together along one line of addresses; what comes out is where they differ.

CIDR blocks are nested or apart, never crossing. So a stack of the blocks around the current address, each
with what either side admits inside of it, is all there is to keep. The line holds both families, and any
number of *stretches*: copies of the address space, in which separate questions are asked in one walk.

    stretch 0                                | stretch 1
    0 … 2³² IPv4 | … | 2¹²⁸ … 2¹²⁹ IPv6 | …  | 2¹³⁰ … 2¹³⁰ + 2³² IPv4 | …
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from typing import NamedTuple

from twinwall.packets.boxes import Block, Masks, Pairs
from twinwall.packets.traffic import Span
from twinwall.packets.witness import Address

_IPV6 = 1 << 128
_SPACE = 1 << 130
STRETCH = _SPACE << 8
"""Added to a place, it is the same block in the next stretch."""

FAMILY_START = {4: 0, 6: _IPV6}
_OFFSET = {4: 96, 6: _IPV6 << 8}
SIZES = [1 << (128 - length) for length in range(129)]
"""The size of a block by its prefix length among 128 bits."""
NOWHERE = 1 << 512
"""Behind the line."""
_BEHIND = NOWHERE - 1 << 8 | 128
"""Comes after all places, so that all are left."""

Place = int
"""A block on the line: its start, and in the lowest eight bits its prefix length among 128. One number, so
that it is hashed and sorted fast; the outer block sorts before the inner one."""

Interval = tuple[int, int]
"""Of the line; the end is not in it."""


def in_one_space(interval: Interval) -> Interval:
    """The same addresses, whichever stretch they lie in."""
    start, end = interval
    shift = start - start % _SPACE
    return start - shift, end - shift


def address_at(position: int) -> Address:
    return Address(6, position - _IPV6) if position >= _IPV6 else Address(4, position)


class Region(NamedTuple):
    """Addresses where the sides differ, and the masks of what each admits there."""

    start: int
    end: int
    left: int
    right: int

    @property
    def interval(self) -> Interval:
        return self.start, self.end


# --- unordered rules that allow


Said = Mapping[Span, Set[Block]]
"""What an unordered list of rules allows: each traffic with the blocks that it is allowed from."""

Places = dict[Place, Pairs]
"""What is allowed in each block."""


def by_place(*parts: Said) -> Places:
    found: Places = {}
    for said in parts:
        for span, blocks in said.items():
            for family, first, length in blocks:
                place = (first << 8 | length) + _OFFSET[family]
                found[place] = found[place] + span if place in found else span
    return found


def differing_unions(ours: Places, theirs: Places, masks: Masks) -> Iterator[Region]:
    """This is the walk of ``_walk``, written out for frames of two masks: the rules of all groups come
    through here."""
    ends, lefts, rights = [NOWHERE], [0], [0]
    at = here = there = 0
    for place in (*sorted(ours.keys() | theirs.keys()), _BEHIND):
        start = place >> 8
        while ends[-1] <= start:
            end = ends.pop()
            if here != there and at < end:
                yield Region(at, end, here, there)
            lefts.pop()
            rights.pop()
            at, here, there = end, lefts[-1], rights[-1]
        if here != there and at < start:
            yield Region(at, start, here, there)
        at = start
        if place in ours:
            here |= masks[ours[place]]
        if place in theirs:
            there |= masks[theirs[place]]
        ends.append(start + SIZES[place & 255])
        lefts.append(here)
        rights.append(there)


# --- ordered rules, the first match deciding

Entry = tuple[bool, Block, Span]
"""Of an ordered list: whether it allows, where, what."""

Ordered = tuple[Place, bool, Span]
"""An entry on the line."""

_Level = tuple[list[int], list[int], int]
"""The entries of one block: their positions in the list; what all before each of them hold, and all of them;
and what they and the entries around them hold."""

_Frame = tuple[int, int, tuple[_Level, ...], tuple[_Level, ...]]
"""What either side admits, and the levels of either side, the outermost first."""

_Own = list[tuple[int, bool, Span]]


def differing_orders(
    left: Iterable[Ordered], right: Iterable[Ordered], masks: Masks, *, partial: bool = False
) -> Iterator[Region]:
    """``partial``: nothing follows these entries, so that to deny and not to decide are different."""
    ours, theirs = _by_place(left), _by_place(right)
    shift = len(masks.borders) if partial else None

    def enter(around: _Frame, place: Place) -> _Frame:
        here, there, levels, other_levels = around
        if own := ours.get(place):
            here, levels = _entered(here, levels, own, masks, shift)
        if own := theirs.get(place):
            there, other_levels = _entered(there, other_levels, own, masks, shift)
        return here, there, levels, other_levels

    return _walk(ours.keys() | theirs.keys(), enter)


def in_order(entries: Iterable[Entry]) -> dict[Ordered, None]:
    """Without what an equal entry before it has decided already."""
    return {
        ((first << 8 | length) + _OFFSET[family], allow, span): None
        for allow, (family, first, length), span in entries
    }


def _by_place(entries: Iterable[Ordered]) -> dict[Place, _Own]:
    found = defaultdict[Place, _Own](list)
    for order, (place, allow, span) in enumerate(entries):
        found[place].append((order, allow, span))
    return found


def _entered(
    admitted: int, around: tuple[_Level, ...], own: _Own, masks: Masks, shift: int | None
) -> tuple[int, tuple[_Level, ...]]:
    """What is admitted inside of a block. Each of its entries decides what neither an earlier one of its own
    nor one of a block around it that stands before it holds. With ``shift``, what is decided at all is noted
    that far above."""
    decided, taken = around[-1][2] if around else 0, 0
    orders: list[int] = []
    before: list[int] = []
    for order, allow, span in own:
        live = masks[span] & ~taken
        orders.append(order)
        before.append(taken)
        taken |= live
        if live & decided:
            for known_orders, known, _ in around:
                live &= ~known[bisect_left(known_orders, order)]
        if live:
            admitted = admitted | live if allow else admitted & ~live
            if shift is not None:
                admitted |= live << shift
    before.append(taken)
    return admitted, (*around, (orders, before, decided | taken))


# --- the walk


def _walk(places: Iterable[Place], enter: Callable[[_Frame, Place], _Frame]) -> Iterator[Region]:
    """Where the first two items of the frame are unequal, in order of addresses."""
    frame: _Frame = (0, 0, (), ())
    stack = [(NOWHERE, frame)]
    at = 0
    for place in (*sorted(places), _BEHIND):
        start = place >> 8
        while stack[-1][0] <= start:
            end = stack.pop()[0]
            if frame[0] != frame[1] and at < end:
                yield Region(at, end, frame[0], frame[1])
            at, frame = end, stack[-1][1]
        if frame[0] != frame[1] and at < start:
            yield Region(at, start, frame[0], frame[1])
        at, frame = start, enter(frame, place)
        stack.append((start + SIZES[place & 255], frame))
