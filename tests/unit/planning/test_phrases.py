"""Sets of packets in few words."""

import pytest

from twinwall.model.net import parse_cidr
from twinwall.model.rules import Traffic, make_traffic
from twinwall.packets.packetset import PacketSet
from twinwall.packets.traffic import ALL_TRAFFIC, LINE, Span, Spans, detail_span, difference, protocol_span
from twinwall.planning.flows import Protocols
from twinwall.planning.phrases import phrases, traffics
from twinwall.planning.semantics import block_of


def box(cidr: str, spans: Spans) -> PacketSet:
    return PacketSet.product([block_of(parse_cidr(cidr))], spans)


def ports(first: int, last: int | None = None) -> Span:
    return detail_span(6, first, first if last is None else last)


def said(packets: PacketSet, whole: PacketSet | None = None) -> list[str]:
    return [f"{t.traffic} {t.peer}{' in part' if t.in_part else ''}" for t in phrases(packets, whole)]


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (LINE, [Traffic(-1)]),
        (ports(80, 81), [make_traffic(6, 80, 81)]),
        (protocol_span(6), [make_traffic(6, 0, 65535)]),
        ((0, protocol_span(6)[1]), [Protocols(0, 6)]),
        ((0, ports(21)[1]), [Protocols(0, 5), make_traffic(6, 0, 21)]),
        ((ports(23)[0], LINE[1]), [make_traffic(6, 23, 65535), Protocols(7, 255)]),
        (detail_span(1, 8 * 256, 9 * 256 + 1), [Traffic(1, 8, -1), Traffic(1, 9, 0), Traffic(1, 9, 1)]),
        (protocol_span(47), [Traffic(47)]),
    ],
    ids=str,
)
def test_a_stretch_of_the_line_in_the_words_of_rules(span: Span, words: list[Traffic]) -> None:
    assert list(traffics(span)) == words


def test_neighbours_are_merged_whatever_rules_they_came_from() -> None:
    packets = box("10.0.0.0/9", ports(80)) | box("10.128.0.0/9", ports(80)) | box("10.0.0.0/8", ports(81))
    assert said(packets) == ["tcp/80-81 10.0.0.0/8"]


def test_phrases_are_as_large_as_can_be_and_may_overlap() -> None:
    packets = box("0.0.0.0/0", ports(443)) | box("10.0.0.0/8", ALL_TRAFFIC)
    assert said(packets) == ["all 10.0.0.0/8", "tcp/443 0.0.0.0/0"]


def test_a_phrase_reaches_to_both_sides_of_where_it_is_the_most() -> None:
    packets = box("0.0.0.0/1", ALL_TRAFFIC) | box("0.0.0.0/0", ports(443))
    assert said(packets) == ["all 0.0.0.0/1", "tcp/443 0.0.0.0/0"]


def test_families_and_symbols_stand_apart() -> None:
    symbols = PacketSet(symbols=(("sg-1", ports(22)),))
    packets = symbols | box("::/0", ports(22)) | box("0.0.0.0/0", ports(22))
    assert said(packets) == ["tcp/22 0.0.0.0/0", "tcp/22 ::/0", "tcp/22 sg-1"]


def test_what_is_left_of_a_range_is_told_exactly_if_that_is_short() -> None:
    whole = box("10.0.0.0/8", ports(80, 90))
    assert said(whole - box("10.0.0.0/8", ports(80, 85)), whole) == ["tcp/86-90 10.0.0.0/8"]
    assert said(whole - box("10.0.0.0/9", ports(80, 90)), whole) == ["tcp/80-90 10.128.0.0/9"]


def test_and_else_as_the_whole_in_part() -> None:
    whole = box("0.0.0.0/0", ports(22))
    assert said(whole - box("10.1.2.3/32", ports(22)), whole) == ["tcp/22 0.0.0.0/0 in part"]
    everything = box("10.0.0.0/8", ALL_TRAFFIC)
    less = everything - box("10.0.0.0/8", ports(22))
    assert said(less, everything) == ["all 10.0.0.0/8 in part"]
    symbol = PacketSet(symbols=(("sg-1", ALL_TRAFFIC),))
    rest = PacketSet(symbols=(("sg-1", difference(ALL_TRAFFIC, ports(22))),))
    assert said(rest, symbol) == ["all sg-1 in part"]


def test_what_the_part_does_not_touch_is_not_told() -> None:
    whole = box("10.0.0.0/8", ports(80)) | box("192.168.0.0/16", ports(443))
    assert said(box("192.168.0.0/16", ports(443)), whole) == ["tcp/443 192.168.0.0/16"]
    assert said(PacketSet(), whole) == []
