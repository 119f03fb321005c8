"""Boxes: the packets of one block of addresses and one span of the traffic line; and masks of spans."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import chain, compress
from typing import Literal

from twinwall.packets.traffic import Span, Spans, interned

Family = Literal[4, 6]
BITS: dict[Family, int] = {4: 32, 6: 128}

Block = tuple[Family, int, int]
"""A CIDR block: family, first address (host bits zero), prefix length."""

Box = tuple[Block, Span]

_DIGITS = bytes.maketrans(b"01", b"\0\1")
_KEPT_BITS = 1 << 28
"""Masks are kept while all of one alphabet together stay within so many bits (32 MB); beyond that each is
made where it is needed, so that memory does not grow with rules times borders."""


Pairs = tuple[int, ...]
"""Spans one after the other: first, end, first, end … in any order, and they may overlap."""


def split_pairs(pairs: Pairs) -> Iterator[Span]:
    return zip(pairs[::2], pairs[1::2], strict=True)


class Masks(dict[Pairs, int]):
    """Spans → a bitmask over the elementary spans that the borders of ``many`` cut the line into, the lowest
    first. Private to one build or one comparison: masks of two alphabets mean nothing to each other."""

    def __init__(self, many: Iterable[Pairs]) -> None:
        super().__init__()
        distinct = set(many)
        self.borders = sorted(set(chain.from_iterable(distinct)))
        self._kept = len(distinct) * len(self.borders) <= _KEPT_BITS

    def __missing__(self, pairs: Pairs) -> int:
        mask = 0
        for first, end in split_pairs(pairs):
            mask |= (1 << bisect_left(self.borders, end)) - (1 << bisect_left(self.borders, first))
        if self._kept:
            self[pairs] = mask
        return mask

    def spans(self, mask: int) -> Spans:
        changes = bin(mask ^ (mask << 1))[:1:-1].encode().translate(_DIGITS)
        return interned(tuple(compress(self.borders, changes)))

    def folded_spans(self, mask: int) -> Spans:
        """``spans`` of a mask of two halves, the one above the other, taken together."""
        width = len(self.borders)
        return self.spans((mask | mask >> width) & ((1 << width) - 1))

    def first_point(self, mask: int) -> int:
        """The lowest point of a mask that is not empty."""
        return self.borders[(mask & -mask).bit_length() - 1]
