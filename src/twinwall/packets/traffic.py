"""The traffic line: every protocol, port, ICMP type and code as one axis of integers.

    protocol   0 | 1 (icmp)      | 2 .. 5 | 6 (tcp) | .. | 17 (udp) | .. | 58 (icmpv6)   | .. | 255
    points     1 | 65536         | 1 each | 65536   | 1s | 65536    | 1s | 65536         | 1s | 1
    detail     0 | type*256+code | 0      | port    | 0  | port     | 0  | type*256+code | 0  | 0

So whatever one rule says of traffic is one ``Span``. A set of traffic is ``Spans``: the borders of its
maximal spans, strictly increasing, in and out in turn. Equal sets are equal tuples.
"""

from bisect import bisect_right
from collections.abc import Iterable
from functools import lru_cache, reduce
from itertools import accumulate

Span = tuple[int, int]
"""Points from the first up to, not including, the second."""

Spans = tuple[int, ...]

SEGMENT = 65536
DETAILED_PROTOCOLS = frozenset({1, 6, 17, 58})
"""icmp, tcp, udp, icmpv6: the protocols with a segment of ``SEGMENT`` points; all others have one."""


def _segment(protocol: int) -> int:
    return SEGMENT if protocol in DETAILED_PROTOCOLS else 1


_BASES = (0, *accumulate(map(_segment, range(256))))
LINE: Span = (0, _BASES[256])
NO_TRAFFIC: Spans = ()
ALL_TRAFFIC: Spans = LINE


def protocol_span(protocol: int) -> Span:
    """All traffic of one protocol (0 to 255)."""
    return _BASES[protocol], _BASES[protocol + 1]


def detail_span(protocol: int, first: int, last: int) -> Span:
    """Traffic of a protocol in ``DETAILED_PROTOCOLS`` with details ``first`` to ``last``, both included."""
    base = _BASES[protocol]
    return base + first, base + last + 1


def locate(point: int) -> tuple[int, int]:
    """A point's (protocol, detail)."""
    protocol = bisect_right(_BASES, point) - 1
    return protocol, point - _BASES[protocol]


@lru_cache(maxsize=1 << 12)
def interned(spans: Spans) -> Spans:
    """The first object equal to ``spans`` of late, so that comparing is mostly comparing identities."""
    return spans


def holds(spans: Spans, point: int) -> bool:
    return bisect_right(spans, point) % 2 == 1


def first_within(spans: Spans, span: Span) -> int | None:
    """The first point of ``spans`` that lies in ``span``, None if there is none."""
    start, end = span
    index = bisect_right(spans, start)
    if index % 2 == 1:
        return start
    return spans[index] if index < len(spans) and spans[index] < end else None


_LEFT, _RIGHT = 1, 2


def _combine(left: Spans, right: Spans, kept: frozenset[int]) -> Spans:
    """Walks all borders in order; ``state`` says which sets we are in, ``kept`` which states to keep.
    A border met twice in a row cancels itself."""
    events = sorted([(border, _LEFT) for border in left] + [(border, _RIGHT) for border in right])
    borders: list[int] = []
    state = 0
    for border, side in events:
        before = state in kept
        state ^= side
        if (state in kept) == before:
            continue
        if borders and borders[-1] == border:
            borders.pop()
        else:
            borders.append(border)
    return interned(tuple(borders))


@lru_cache(maxsize=1 << 12)
def union(left: Spans, right: Spans) -> Spans:
    return _combine(left, right, frozenset({_LEFT, _RIGHT, _LEFT | _RIGHT}))


@lru_cache(maxsize=1 << 12)
def intersection(left: Spans, right: Spans) -> Spans:
    return _combine(left, right, frozenset({_LEFT | _RIGHT}))


@lru_cache(maxsize=1 << 12)
def difference(left: Spans, right: Spans) -> Spans:
    return _combine(left, right, frozenset({_LEFT}))


def union_of(many: Iterable[Spans]) -> Spans:
    return reduce(union, dict.fromkeys(many), NO_TRAFFIC)
