"""What stands near a block: blocks are nested or apart, so those around one are found by their lengths, and those
inside it stand together when sorted."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from twinwall.model.net import Cidr

Item = TypeVar("Item")


class Neighbours(Generic[Item]):
    """Items by the block that each speaks of. To ask for the neighbours of a block costs as much as there are
    lengths of blocks, and neighbours."""

    def __init__(self, items: Iterable[tuple[Cidr, Item]]) -> None:
        self._at: dict[Cidr, list[Item]] = {}
        for cidr, item in items:
            self._at.setdefault(cidr, []).append(item)
        self._sorted = sorted(self._at)
        self._lengths = sorted({(cidr.family, cidr.length) for cidr in self._at})

    def of(self, cidr: Cidr) -> Iterator[Item]:
        """Those whose blocks share an address with this one: around it, from the widest on, then inside it."""
        for family, length in self._lengths:
            if family == cidr.family and length < cidr.length:
                shift = cidr.bits - length
                yield from self._at.get(Cidr(family, cidr.first >> shift << shift, length), ())
        low = bisect_left(self._sorted, Cidr(cidr.family, cidr.first, cidr.length))
        high = bisect_right(self._sorted, Cidr(cidr.family, cidr.last, cidr.bits))
        for inner in self._sorted[low:high]:
            yield from self._at[inner]
