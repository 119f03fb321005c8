"""A profile: which traffic is admitted at each address of one family.

A profile is the sorted tuple of its change points ``(address, Spans)``: from that address on, up to the next
point or the end of the family, exactly this traffic. Before the first point there is none. Neighbours are
unequal, so equal profiles are equal tuples, whatever they were built from.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from operator import itemgetter

from twinwall.packets.boxes import BITS, Family
from twinwall.packets.traffic import ALL_TRAFFIC, NO_TRAFFIC, Spans, holds

Profile = tuple[tuple[int, Spans], ...]
EVERYWHERE: Profile = ((0, ALL_TRAFFIC),)

Range = tuple[int, int]
"""Addresses from the first to the second, both included."""


def combine(left: Profile, right: Profile, operate: Callable[[Spans, Spans], Spans]) -> Profile:
    """``operate`` applied at every address. ``operate`` of nothing and nothing must be nothing."""
    left_changes, right_changes = dict(left), dict(right)
    here = there = last = NO_TRAFFIC
    points: list[tuple[int, Spans]] = []
    for address in sorted(left_changes.keys() | right_changes.keys()):
        here = left_changes.get(address, here)
        there = right_changes.get(address, there)
        spans = operate(here, there)
        if spans != last:
            points.append((address, spans))
            last = spans
    return tuple(points)


def spans_at(profile: Profile, address: int) -> Spans:
    index = bisect_right(profile, address, key=itemgetter(0))
    return profile[index - 1][1] if index else NO_TRAFFIC


def within(profile: Profile, family: Family, range_: Range) -> Profile:
    """The same at these addresses, nothing elsewhere."""
    first, last = range_
    low = bisect_right(profile, first, key=itemgetter(0))
    high = bisect_left(profile, last + 1, key=itemgetter(0))
    here = spans_at(profile, first)
    points = (*([(first, here)] if here else ()), *profile[low:high])
    if points and points[-1][1] and last + 1 < 1 << BITS[family]:
        return (*points, (last + 1, NO_TRAFFIC))
    return points


def stretches(profile: Profile, family: Family) -> Iterator[tuple[Range, Spans]]:
    """The ranges of addresses where something is admitted, in order, with what is."""
    ends = [address - 1 for address, _ in profile[1:]] + [(1 << BITS[family]) - 1]
    for (first, spans), last in zip(profile, ends, strict=False):
        if spans:
            yield (first, last), spans


def ranges_of(profile: Profile, family: Family, point: int) -> list[Range]:
    """The maximal ranges of addresses where this point of traffic is admitted."""
    ranges: list[Range] = []
    for (first, last), spans in stretches(profile, family):
        if not holds(spans, point):
            continue
        if ranges and ranges[-1][1] + 1 == first:
            ranges[-1] = ranges[-1][0], last
        else:
            ranges.append((first, last))
    return ranges


def blocks_of(ranges: list[Range], family: Family) -> Iterator[tuple[int, int]]:
    """The fewest CIDR blocks that make up the ranges, as (first address, prefix length)."""
    bits = BITS[family]
    for first, last in ranges:
        address = first
        while address <= last:
            free = (address & -address).bit_length() - 1 if address else bits
            size = min(free, (last - address + 1).bit_length() - 1)
            yield address, bits - size
            address += 1 << size
