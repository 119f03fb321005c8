"""A set of packets → the few phrases (traffic, peer) that say it, as a person would.

A phrase is a box: one stretch of traffic at one CIDR block. Each is as large as the set allows, in its traffic
first and then in its addresses, so phrases may overlap: "tcp/443 from 0.0.0.0/0" and "all from 10.0.0.0/8"
say one set in two phrases where boxes that are apart would need four. Equal sets have equal phrases, however
the rules were written that made them.

A part of a set is told in the whole set's phrases: of each phrase what is in the part, if that takes no more
than ``MAX_PIECES`` phrases, else the phrase itself, marked as *in part*. So a hole of one address in 0.0.0.0/0
does not become 32 blocks.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

from twinwall.model.net import ALL_PROTOCOLS, ICMP_PROTOCOLS, PORT_PROTOCOLS, Cidr, Family
from twinwall.model.rules import Traffic, make_traffic
from twinwall.packets.packetset import PacketSet
from twinwall.packets.profiles import Range, blocks_of, stretches
from twinwall.packets.traffic import LINE, Span, Spans, intersection, locate, protocol_span
from twinwall.planning.flows import Protocols

MAX_PIECES = 3

_Box = tuple[Span, Range]
_Places = list[tuple[Range, Spans]]
"""Stretches of addresses, in order, each with its traffic."""


class Told(NamedTuple):
    """``in_part``: not all of it is meant."""

    traffic: Traffic | Protocols
    peer: Cidr | str
    in_part: bool = False


def phrases(packets: PacketSet, whole: PacketSet | None = None) -> list[Told]:
    """``packets``, which are a part of ``whole`` (left out: all of it), by peer and traffic; symbols come
    last."""
    found: dict[Told, None] = {}
    families: tuple[Family, ...] = (4, 6)
    for family in families:
        part = list(stretches(packets.profile(family), family))
        around = part if whole is None else list(stretches(whole.profile(family), family))
        found |= dict.fromkeys(_addresses(part, around, family))
    found |= dict.fromkeys(_symbols(packets, packets if whole is None else whole))
    return sorted(found, key=_order)


def _order(told: Told) -> tuple[Any, ...]:
    words, peer = told.traffic, told.peer
    place = (9, 0, 0, peer) if isinstance(peer, str) else (peer.family, peer.first, peer.length, "")
    if isinstance(words, Protocols):
        return words.first, -2, words.last, place
    first, last = words.first, words.last
    return words.protocol, -1 if first is None else first, -1 if last is None else last, place


def _addresses(part: _Places, around: _Places, family: Family) -> Iterator[Told]:
    if not part:
        return
    if part == around:
        yield from _said(_boxes(part), family)
        return
    ends = [last for (_, last), _ in part]
    for span, range_ in _boxes(around):
        inside = _inside(part, ends, span, range_)
        if inside is None:
            yield from _said([(span, range_)], family, in_part=True)
        elif inside:
            exact = list(_said(_boxes(inside), family))
            few = len(exact) <= MAX_PIECES
            yield from exact if few else _said([(span, range_)], family, in_part=True)


def _said(boxes: Iterable[_Box], family: Family, *, in_part: bool = False) -> Iterator[Told]:
    for span, range_ in boxes:
        blocks = [Cidr(family, *block) for block in blocks_of([range_], family)]
        yield from (Told(words, block, in_part) for words in traffics(span) for block in blocks)


def _inside(part: _Places, ends: list[int], span: Span, range_: Range) -> _Places | None:
    """The stretches of ``part`` that meet the box, with their share of its traffic; None if they are many."""
    first, last = range_
    found: _Places = []
    for (low, high), spans in islice(part, bisect_left(ends, first), None):
        if low > last:
            break
        if shared := intersection(spans, span):
            found.append(((low, high), shared))
        if len(found) > 2 * MAX_PIECES:
            return None
    return found


def _symbols(part: PacketSet, whole: PacketSet) -> Iterator[Told]:
    around = dict(whole.symbols)
    for symbol, spans in part.symbols:
        for span in _pairs(around.get(symbol, spans)):
            exact = [words for one in _pairs(intersection(spans, span)) for words in traffics(one)]
            few = len(exact) <= max(MAX_PIECES, len(traffics(span)))
            said = exact if few else traffics(span)
            yield from (Told(words, symbol, not few) for words in said)


def _pairs(spans: Spans) -> Iterator[Span]:
    return zip(spans[::2], spans[1::2], strict=True)


# --- addresses


def _boxes(places: _Places) -> Iterator[_Box]:
    """For each maximal span of each stretch of addresses, all addresses around it that admit that span."""
    told: dict[Span, int] = {}
    for index, ((first, _), spans) in enumerate(places):
        for span in _pairs(spans):
            if told.get(span, -1) < first:
                range_ = _widened(places, index, span)
                told[span] = range_[1]
                yield span, range_


def _widened(places: _Places, index: int, span: Span) -> Range:
    low = high = index
    while low > 0 and _next_to(places, low - 1) and _within(span, places[low - 1][1]):
        low -= 1
    while high + 1 < len(places) and _next_to(places, high) and _within(span, places[high + 1][1]):
        high += 1
    return places[low][0][0], places[high][0][1]


def _next_to(places: _Places, index: int) -> bool:
    return places[index][0][1] + 1 == places[index + 1][0][0]


def _within(span: Span, spans: Spans) -> bool:
    index = bisect_right(spans, span[0])
    return index % 2 == 1 and span[1] <= spans[index]


# --- traffic


@lru_cache(maxsize=1 << 12)
def traffics(span: Span) -> tuple[Traffic | Protocols, ...]:
    """A stretch of the traffic line in the words of rules."""
    if span == LINE:
        return (Traffic(ALL_PROTOCOLS),)
    found: list[Traffic | Protocols] = []
    whole: list[int] = []
    for protocol in range(locate(span[0])[0], locate(span[1] - 1)[0] + 1):
        first, end = protocol_span(protocol)
        if span[0] <= first and end <= span[1]:
            whole.append(protocol)
            continue
        found += _wholes(whole)
        whole = []
        found += _part(protocol, max(span[0], first) - first, min(span[1], end) - 1 - first)
    return (*found, *_wholes(whole))


def _wholes(protocols: list[int]) -> list[Traffic | Protocols]:
    if len(protocols) > 1:
        return [Protocols(protocols[0], protocols[-1])]
    return [make_traffic(protocol, None, None) for protocol in protocols]


def _part(protocol: int, first: int, last: int) -> Iterator[Traffic]:
    """Ports; or ICMP types, and single codes where a type is not whole."""
    if protocol in PORT_PROTOCOLS:
        yield Traffic(protocol, first, last)
    elif protocol in ICMP_PROTOCOLS:
        for kind in range(first // 256, last // 256 + 1):
            codes = max(first, kind * 256), min(last, kind * 256 + 255)
            if codes[1] - codes[0] == 255:
                yield Traffic(protocol, kind, -1)
            else:
                yield from (Traffic(protocol, kind, code % 256) for code in range(codes[0], codes[1] + 1))
