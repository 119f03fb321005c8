"""What a set of packets is, in examples; its laws stand in ``tests/properties``."""

import pytest

from twinwall.packets.boxes import Box
from twinwall.packets.packetset import PacketSet
from twinwall.packets.profiles import blocks_of
from twinwall.packets.traffic import ALL_TRAFFIC, LINE, Span, detail_span, locate, protocol_span
from twinwall.packets.witness import Address, Packet

TEN = 10 << 24


def tcp(first: int, last: int | None = None) -> Span:
    return detail_span(6, first, first if last is None else last)


def box(length: int, span: Span, first: int = TEN) -> Box:
    return (4, first, length), span


def test_every_protocol_has_a_segment_and_the_line_ends_behind_the_last() -> None:
    assert LINE == (0, 252 + 4 * 65536)
    assert [locate(protocol_span(protocol)[0]) for protocol in range(256)] == [(p, 0) for p in range(256)]
    assert locate(LINE[1] - 1) == (255, 0)
    assert locate(tcp(443)[0]) == (6, 443)
    assert protocol_span(58) == detail_span(58, 0, 65535)


def test_neighbouring_ports_and_blocks_grow_together() -> None:
    said_in_four = [box(9, tcp(80)), box(9, tcp(81), TEN + (1 << 23)), box(9, tcp(81)), box(8, tcp(80))]
    assert PacketSet.union_of(said_in_four) == PacketSet.union_of([box(8, tcp(80, 81))])


def test_what_a_block_ends_with_goes_on_as_its_surroundings() -> None:
    packets = PacketSet.union_of([box(8, tcp(22)), box(16, tcp(80), TEN + (1 << 16))])
    assert packets.ipv4 == (
        (TEN, tcp(22)),
        (TEN + (1 << 16), (*tcp(22), *tcp(80))),
        (TEN + (2 << 16), tcp(22)),
        (TEN + (1 << 24), ()),
    )


def test_the_end_of_the_family_is_no_change_point() -> None:
    top = PacketSet.union_of([((4, 0xFFFFFFFF, 32), LINE), ((6, (1 << 128) - 1, 128), LINE)])
    assert top.ipv4 == ((0xFFFFFFFF, ALL_TRAFFIC),)
    assert top.ipv6 == (((1 << 128) - 1, ALL_TRAFFIC),)


def test_the_first_entry_that_holds_a_packet_decides_it() -> None:
    packets = PacketSet.first_match(
        [(True, box(24, tcp(80))), (False, box(16, tcp(0, 1023))), (True, box(8, LINE))]
    )
    assert packets.admits(Packet(Address(4, TEN + 5), tcp(80)[0]))
    assert not packets.admits(Packet(Address(4, TEN + 5), tcp(81)[0]))
    assert not packets.admits(Packet(Address(4, TEN + 256), tcp(80)[0]))
    assert packets.admits(Packet(Address(4, TEN + 256), tcp(1024)[0]))
    assert not packets.admits(Packet(Address(4, TEN - 1), tcp(1024)[0]))


def test_the_complement_needs_a_space_that_names_every_symbol() -> None:
    packets = PacketSet.union_of([], [("sg-1", tcp(80))])
    with pytest.raises(ValueError, match="sg-1"):
        packets.complement()
    assert packets.complement(["sg-1", "sg-2"]).symbols_with(tcp(80)[0]) == ("sg-2",)


@pytest.mark.parametrize(
    ("boxes", "symbols", "expected"),
    [
        ([], [("sg-1", LINE)], Packet("sg-1", tcp(443)[0])),
        ([box(8, LINE)], [("sg-1", LINE)], Packet(Address(4, TEN + 1), tcp(443)[0])),
        ([box(8, tcp(8000, 9000))], [], Packet(Address(4, TEN + 1), tcp(8000)[0])),
        ([box(32, tcp(0, 22))], [], Packet(Address(4, TEN), tcp(22)[0])),
        ([box(0, protocol_span(17), 0)], [], Packet(Address(4, (1 << 24) + 1), detail_span(17, 53, 53)[0])),
        ([((6, 0, 0), tcp(80))], [], Packet(Address(6, (0x2000 << 112) + 1), tcp(80)[0])),
        ([((6, 0, 0), LINE), box(8, tcp(80))], [], Packet(Address(6, (0x2000 << 112) + 1), tcp(443)[0])),
        ([box(8, protocol_span(1))], [], Packet(Address(4, TEN + 1), detail_span(1, 2048, 2048)[0])),
        (
            [box(8, protocol_span(58)), box(8, protocol_span(99))],
            [],
            Packet(Address(4, TEN + 1), protocol_span(99)[0]),
        ),
        ([((6, 0, 0), protocol_span(1))], [], Packet(Address(6, (0x2000 << 112) + 1), protocol_span(1)[0])),
        ([((4, 127 << 24, 8), LINE)], [], Packet(Address(4, (127 << 24) + 1), tcp(443)[0])),
    ],
)
def test_a_witness_is_as_ordinary_as_the_set_allows(
    boxes: list[Box], symbols: list[tuple[str, Span]], expected: Packet
) -> None:
    assert PacketSet.union_of(boxes, symbols).witness() == expected


def test_the_empty_set_has_no_witness() -> None:
    assert PacketSet().witness() is None
    assert not PacketSet()


def test_blocks_make_up_ranges_in_the_fewest_pieces() -> None:
    assert list(blocks_of([(0, 0xFFFFFFFF)], 4)) == [(0, 0)]
    assert list(blocks_of([(1, 6), (8, 8)], 4)) == [(1, 32), (2, 31), (4, 31), (6, 32), (8, 32)]


def test_ranges_close_up_where_only_other_traffic_changes() -> None:
    packets = PacketSet.union_of([box(8, tcp(22)), box(16, tcp(80))])
    assert packets.ranges(4, tcp(22)[0]) == [(TEN, TEN + (1 << 24) - 1)]
    assert packets.ranges(6, tcp(22)[0]) == []
