"""Do two rule sets admit the same packets? A yes, or a packet that only one of them admits.

What both sides say word for word is dealt with first; only the rest is swept (``lockstep``).

    unordered    L = C ∪ l, R = C ∪ r, C said by both: L = R exactly if C holds all in which l and r differ
    first match  L = … c₁ l₁ c₂ l₂ …, R = … c₁ r₁ c₂ r₂ …: outside of the packets that some stretch lₙ does
                 not decide by itself as rₙ does, both sides decide alike

So the leftovers are held against each other first, and only rules that meet the packets on which those
differ, the *doubt*, take part in a second sweep. A rewritten rule differs from its original nowhere,
whatever is around it. Time is n log n + n·K/64 for n rules with K different borders, memory n + K·depth.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import chain, islice
from operator import lt
from typing import NamedTuple

from twinwall.packets.boxes import BITS, Block, Masks
from twinwall.packets.lockstep import (
    FAMILY_START,
    NOWHERE,
    SIZES,
    STRETCH,
    Entry,
    Ordered,
    Place,
    Places,
    Region,
    Said,
    address_at,
    by_place,
    differing_orders,
    differing_unions,
    in_one_space,
    in_order,
)
from twinwall.packets.traffic import ALL_TRAFFIC, Span, Spans, first_within
from twinwall.packets.witness import Packet


class Clash(NamedTuple):
    """A packet that only one side admits: the left one (``in_left``) or the right one."""

    packet: Packet
    in_left: bool


def clash_of_unions(left: Said, right: Said) -> Clash | None:
    """Of two unordered lists of allowing rules: where they differ first, None if they admit the same."""
    shared = {span: left[span] & right[span] for span in left.keys() & right.keys()}
    if 2 * _count(shared) < _count(left):
        return _first_clash(by_place(left), by_place(right), _EVERYTHING)
    mine, yours = _without(left, shared), _without(right, shared)
    doubt = _Doubt.of(*_differing(by_place(mine), by_place(yours)))
    if doubt is None:
        return None
    near = doubt.near(shared)
    return _first_clash(by_place(doubt.near(mine), near), by_place(doubt.near(yours), near), doubt)


_NONE: Set[Block] = frozenset()


def _count(said: Said) -> int:
    return sum(map(len, said.values()))


def _without(said: Said, shared: Said) -> Said:
    return {span: blocks - shared.get(span, _NONE) for span, blocks in said.items()}


def _differing(ours: Places, theirs: Places) -> tuple[Iterator[Region], Masks]:
    masks = Masks(chain(ours.values(), theirs.values()))
    return differing_unions(ours, theirs, masks), masks


def _first_clash(ours: Places, theirs: Places, doubt: "_Doubt") -> Clash | None:
    masks = Masks(chain(ours.values(), theirs.values(), [doubt.spans]))
    return doubt.clash(differing_unions(ours, theirs, masks), masks)


def clash_of_orders(left: Iterable[Entry], right: Iterable[Entry]) -> Clash | None:
    """Of two ordered lists in which the first entry that holds a packet decides it: where they differ first,
    None if they admit the same. What no entry holds is denied."""
    ours, theirs = in_order(left), in_order(right)
    mine, yours = _stretches(ours, theirs)
    doubt: _Doubt | None = _EVERYTHING
    if len(mine) + len(yours) < len(ours):
        masks = Masks(span for _, _, span in mine + yours)
        doubt = _Doubt.of(differing_orders(mine, yours, masks, partial=True), masks)
    if doubt is None:
        return None
    mine, yours = doubt.among(ours), doubt.among(theirs)
    masks = Masks([doubt.spans, *(span for _, _, span in mine + yours)])
    return doubt.clash(differing_orders(mine, yours, masks), masks)


@dataclass(frozen=True, slots=True)
class _Doubt:
    """Packets that two sides may not agree on: those of any of these intervals with any of this traffic."""

    starts: list[int]
    ends: list[int]
    spans: Spans

    @classmethod
    def of(cls, regions: Iterable[Region], masks: Masks) -> "_Doubt | None":
        intervals, differing = [], 0
        for region in regions:
            intervals.append(in_one_space(region.interval))
            differing |= region.left ^ region.right
        starts: list[int] = []
        ends: list[int] = []
        for start, end in sorted(intervals):
            if ends and start <= ends[-1]:
                ends[-1] = max(ends[-1], end)
            else:
                starts.append(start)
                ends.append(end)
        return cls(starts, ends, masks.folded_spans(differing)) if starts else None

    def near(self, said: Said) -> Said:
        """What is said of packets in doubt."""
        ends, starts = self.ends, [*self.starts, NOWHERE]
        found: dict[Span, set[Block]] = {}
        for span in self._meeting(said):
            found[span] = near = set()
            for block in said[span]:
                family, first, length = block
                start = FAMILY_START[family] + first
                if starts[bisect_right(ends, start)] < start + (1 << BITS[family] - length):
                    near.add(block)
        return found

    def among(self, entries: Collection[Ordered]) -> list[Ordered]:
        spans = self._meeting(span for _, _, span in entries)
        places = {place for place in {place for place, _, _ in entries} if self._holds(place)}
        return [entry for entry in entries if entry[2] in spans and entry[0] in places]

    def _meeting(self, spans: Iterable[Span]) -> set[Span]:
        return {span for span in set(spans) if first_within(self.spans, span) is not None}

    def _holds(self, place: Place) -> bool:
        """Whether an address of the block is in doubt."""
        start = place >> 8
        after = bisect_right(self.ends, start)
        return after < len(self.starts) and self.starts[after] < start + SIZES[place & 255]

    def clash(self, regions: Iterable[Region], masks: Masks) -> Clash | None:
        """The first packet of the regions that is in doubt."""
        spans, starts = masks[self.spans], [*self.starts, NOWHERE]
        for start, end, left, right in regions:
            differing = (left ^ right) & spans
            doubtful = starts[bisect_right(self.ends, start)]
            if differing and doubtful < end:
                address = address_at(max(start, doubtful))
                in_left = bool(left & differing & -differing)
                return Clash(Packet(address, masks.first_point(differing)), in_left)
        return None


_EVERYTHING = _Doubt([0], [NOWHERE], ALL_TRAFFIC)


# --- what two ordered lists share


def _stretches(left: Iterable[Ordered], right: Iterable[Ordered]) -> tuple[list[Ordered], list[Ordered]]:
    """Two lists without repetitions → what is left of each without a longest list that both contain in this
    order, moved into a stretch of the line for each number of shared entries before it."""
    theirs = list(right)
    where = {entry: index for index, entry in enumerate(theirs)}
    found = [(where.get(entry, -1), entry) for entry in left]
    shared = set(_rising([index for index, _ in found if index >= 0]))
    return _unshared(found, shared), _unshared(enumerate(theirs), shared)


def _unshared(numbered: Iterable[tuple[int, Ordered]], shared: set[int]) -> list[Ordered]:
    stretch = 0
    left: list[Ordered] = []
    for index, entry in numbered:
        if index in shared:
            stretch += STRETCH
        else:
            left.append((entry[0] + stretch, entry[1], entry[2]))
    return left


def _rising(numbers: Sequence[int]) -> Iterable[int]:
    """A longest rising part of the numbers, in any order. ``heads[n]`` is the least last number of all rising
    parts of n + 1 so far, ``behind`` what stands before each number in the best part that it ends."""
    if all(map(lt, numbers, islice(numbers, 1, None))):
        return numbers
    heads: list[int] = []
    behind: dict[int, int | None] = {}
    for number in numbers:
        at = bisect_left(heads, number)
        behind[number] = heads[at - 1] if at else None
        heads[at : at + 1] = [number]
    return _chain(heads[-1], behind)


def _chain(last: int | None, behind: Mapping[int, int | None]) -> Iterator[int]:
    while last is not None:
        yield last
        last = behind[last]
