"""One packet out of a set, as ordinary as the set allows.

Ordinary is: a protocol that belongs to its family, tcp before udp before ICMP before the rest, a well-known
port, a unicast address that is not the first of its range.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from twinwall.packets.boxes import Family
from twinwall.packets.profiles import Range
from twinwall.packets.traffic import LINE, Span, Spans, detail_span, first_within, protocol_span


class Address(NamedTuple):
    family: Family
    value: int


Place = Address | str
"""Where the other side of a packet is: an address, or a member of the symbol with this name."""


@dataclass(frozen=True, slots=True)
class Packet:
    """``point`` is its point of the traffic line (``traffic.locate`` tells protocol and detail)."""

    place: Place
    point: int


_TCP, _UDP = 6, 17
_ICMP: dict[Family, int] = {4: 1, 6: 58}
_ECHO_REQUEST: dict[Family, int] = {4: 8 << 8, 6: 128 << 8}
_TCP_PORTS = (443, 80, 22, 5432, 3306, 53)
_UDP_PORTS = (53, 123)


def _ports(protocol: int, favourites: tuple[int, ...]) -> list[Span]:
    ranges = [(port, port) for port in favourites] + [(1, 1023), (1024, 65535)]
    return [detail_span(protocol, first, last) for first, last in ranges]


def _preferences(family: Family) -> tuple[Span, ...]:
    """Spans of the line, the most ordinary first; the whole line ends them."""
    icmp, echo = _ICMP[family], _ECHO_REQUEST[family]
    others = ((47, 47), (50, 51), (2, 5), (7, 16), (18, 57), (59, 255))
    return (
        *_ports(_TCP, _TCP_PORTS),
        *_ports(_UDP, _UDP_PORTS),
        detail_span(icmp, echo, echo),
        protocol_span(icmp),
        *((protocol_span(first)[0], protocol_span(last)[1]) for first, last in others),
        LINE,
    )


_PREFERENCES: dict[Family, tuple[Span, ...]] = {4: _preferences(4), 6: _preferences(6)}
_UNICAST: dict[Family, tuple[Range, ...]] = {
    4: (
        (1 << 24, (127 << 24) - 1),
        (128 << 24, (169 << 24 | 254 << 16) - 1),
        (169 << 24 | 255 << 16, (224 << 24) - 1),
    ),
    6: ((0x2000 << 112, (0x4000 << 112) - 1), (0xFC00 << 112, (0xFE00 << 112) - 1)),
}
"""Without 0/8, loopback, link-local, multicast and what lies above it."""


@lru_cache(maxsize=1 << 12)
def ordinary_point(spans: Spans, family: Family) -> tuple[int, int]:
    """(rank, point) of the most ordinary traffic in ``spans``, which must not be empty; 0 ranks first."""
    for rank, span in enumerate(_PREFERENCES[family]):
        point = first_within(spans, span)
        if point is not None:
            return rank, point
    raise ValueError("no traffic to choose from")


def ordinary_address(range_: Range, family: Family) -> tuple[int, int]:
    """(rank, address) in the range: 0 for a unicast address that is not the range's first, 1 for one that
    is, 2 for any other."""
    for low, high in _UNICAST[family]:
        first, last = max(low, range_[0]), min(high, range_[1])
        if first < last:
            return 0, first + 1
        if first == last:
            return 1, first
    return 2, min(range_[0] + 1, range_[1])


Choice = tuple[tuple[int, int, int], Packet]
"""A packet with what it is ranked by, the least first."""


def address_choices(stretches: Iterable[tuple[Range, Spans]], family: Family) -> Iterable[Choice]:
    for range_, spans in stretches:
        rank, point = ordinary_point(spans, family)
        oddness, address = ordinary_address(range_, family)
        yield (rank, oddness, family), Packet(Address(family, address), point)


def symbol_choices(symbols: Iterable[tuple[str, Spans]]) -> Iterable[Choice]:
    """Symbols come behind all addresses."""
    for symbol, spans in symbols:
        rank, point = ordinary_point(spans, 4)
        yield (len(_PREFERENCES[4]) + rank, 0, 0), Packet(symbol, point)
