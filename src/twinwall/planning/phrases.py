"""A set of packets → the few phrases (traffic, peer) that say it, as a person would.

A phrase is a box: one stretch of traffic at one CIDR block. Each is as large as the set allows, in its traffic
first and then in its addresses, so phrases may overlap: "tcp/443 from 0.0.0.0/0" and "all from 10.0.0.0/8"
say one set in two phrases where boxes that are apart would need four. Equal sets have equal phrases, however
the rules were written that made them.
"""

from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache

from twinwall.model.net import ALL_PROTOCOLS, ICMP_PROTOCOLS, PORT_PROTOCOLS, Cidr, Family
from twinwall.model.rules import Traffic, make_traffic
from twinwall.packets.packetset import PacketSet
from twinwall.packets.profiles import Range, blocks_of, stretches
from twinwall.packets.traffic import LINE, Span, Spans, locate, protocol_span
from twinwall.planning.flows import Protocols

Phrase = tuple[Traffic | Protocols, Cidr | str]
"""The peer is a block, or a symbol's id."""


def phrases(packets: PacketSet) -> list[Phrase]:
    """By traffic, then by address; symbols come last."""
    found: list[tuple[Span, Phrase]] = []
    families: tuple[Family, ...] = (4, 6)
    for family in families:
        for span, range_ in _boxes(list(stretches(packets.profile(family), family))):
            blocks = [Cidr(family, *block) for block in blocks_of([range_], family)]
            found += [(span, (words, block)) for words in traffics(span) for block in blocks]
    for symbol, spans in packets.symbols:
        found += [(span, (words, symbol)) for span in _pairs(spans) for words in traffics(span)]
    return [phrase for _, phrase in sorted(found, key=lambda item: (item[0], *_order(item[1][1])))]


def _order(peer: Cidr | str) -> tuple[int, int, int, str]:
    if isinstance(peer, str):
        return 9, 0, 0, peer
    return peer.family, peer.first, peer.length, ""


def _pairs(spans: Spans) -> Iterator[Span]:
    return zip(spans[::2], spans[1::2], strict=True)


# --- addresses


def _boxes(places: list[tuple[Range, Spans]]) -> Iterator[tuple[Span, Range]]:
    """For each maximal span of each stretch of addresses, all addresses around it that admit that span."""
    told: dict[Span, int] = {}
    for index, ((first, _), spans) in enumerate(places):
        for span in _pairs(spans):
            if told.get(span, -1) < first:
                range_ = _widened(places, index, span)
                told[span] = range_[1]
                yield span, range_


def _widened(places: list[tuple[Range, Spans]], index: int, span: Span) -> Range:
    low = high = index
    while low > 0 and _next_to(places, low - 1) and _within(span, places[low - 1][1]):
        low -= 1
    while high + 1 < len(places) and _next_to(places, high) and _within(span, places[high + 1][1]):
        high += 1
    return places[low][0][0], places[high][0][1]


def _next_to(places: list[tuple[Range, Spans]], index: int) -> bool:
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
