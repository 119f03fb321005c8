"""The laws of sets, and the canonical form, on random sets of packets."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from twinwall.packets.boxes import Block, Box, Masks
from twinwall.packets.comparison import Clash, clash_of_orders, clash_of_unions
from twinwall.packets.packetset import PacketSet
from twinwall.packets.profiles import blocks_of
from twinwall.packets.traffic import ALL_TRAFFIC, LINE, Span, difference, holds, intersection, union
from twinwall.packets.witness import Packet

SYMBOLS = ("pl-a", "sg-a", "sg-b")


@st.composite
def blocks(draw: st.DrawFn) -> Block:
    family, bits = draw(st.sampled_from(((4, 32), (6, 128))))
    length = draw(st.sampled_from((0, 1, bits - 3, bits - 2, bits - 1, bits)))
    first = draw(st.integers(0, 7)) | draw(st.sampled_from((0, 1 << (bits - 1), (1 << bits) - 8)))
    return family, first >> (bits - length) << (bits - length), length


@st.composite
def spans(draw: st.DrawFn) -> Span:
    near = st.integers(0, 9) | st.integers(LINE[1] - 9, LINE[1]) | st.sampled_from((65537, 65542, 131078))
    start, end = sorted((draw(near), draw(near)))
    return (start, end) if start < end else (start, start + 1) if start < LINE[1] else LINE


boxes = st.tuples(blocks(), spans())
symbol_rules = st.tuples(st.sampled_from(SYMBOLS), spans())
sets = st.builds(PacketSet.union_of, st.lists(boxes, max_size=6), st.lists(symbol_rules, max_size=2))
ordered = st.builds(PacketSet.first_match, st.lists(st.tuples(st.booleans(), boxes), max_size=6))
any_sets = sets | ordered


def inverse(packets: PacketSet) -> PacketSet:
    return packets.complement(SYMBOLS)


@given(any_sets, any_sets, any_sets)
def test_union_and_intersection_are_a_distributive_lattice(a: PacketSet, b: PacketSet, c: PacketSet) -> None:
    assert a | b == b | a
    assert a & b == b & a
    assert (a | b) | c == a | (b | c)
    assert (a & b) & c == a & (b & c)
    assert a & (b | c) == (a & b) | (a & c)
    assert a | (b & c) == (a | b) & (a | c)
    assert a | (a & b) == a == a & (a | b)


@given(any_sets, any_sets)
def test_complement_turns_one_operation_into_the_other(a: PacketSet, b: PacketSet) -> None:
    assert inverse(inverse(a)) == a
    assert inverse(a | b) == inverse(a) & inverse(b)
    assert a - b == a & inverse(b)
    assert a | inverse(a) == PacketSet.everything(SYMBOLS)
    assert not a & inverse(a)


@given(any_sets, any_sets)
def test_subset_and_difference_agree(a: PacketSet, b: PacketSet) -> None:
    assert (a - b) | (a & b) == a
    assert a & b <= a <= a | b
    assert (a <= b) == (a | b == b) == (a & b == a)
    assert (a == b) == (a <= b <= a)


@given(any_sets, blocks())
def test_a_set_within_a_block_is_its_intersection_with_it(a: PacketSet, block: Block) -> None:
    assert a.within(block) == a.addresses & PacketSet.product([block], ALL_TRAFFIC)


@given(any_sets)
def test_neighbouring_points_are_unequal_and_the_complement_has_the_same_points(a: PacketSet) -> None:
    other = inverse(a)
    for profile, opposite in ((a.ipv4, other.ipv4), (a.ipv6, other.ipv6)):
        traffic = [(), *(spans for _, spans in profile)]
        assert all(left != right for left, right in pairwise(traffic))
        assert [address for address, _ in profile] == sorted({address for address, _ in profile})
        assert {0, *(address for address, _ in profile)} == {0, *(address for address, _ in opposite)}


@given(st.lists(boxes, max_size=6), st.randoms(use_true_random=False))
def test_form_depends_neither_on_order_nor_on_repetition_nor_on_cuts(rules: list, rng) -> None:
    said_otherwise = [*rules, *rules[:2]]
    for (family, first, length), (start, end) in rules:
        if length < (32 if family == 4 else 128):
            half = 1 << ((32 if family == 4 else 128) - length - 1)
            said_otherwise += [((family, first + part, length + 1), (start, end)) for part in (0, half)]
        said_otherwise += [((family, first, length), (point, point + 1)) for point in (start, end - 1)]
    rng.shuffle(said_otherwise)
    assert PacketSet.union_of(said_otherwise) == PacketSet.union_of(rules)
    assert PacketSet.first_match([(True, box) for box in said_otherwise]) == PacketSet.union_of(rules)


@given(any_sets, any_sets)
def test_a_witness_is_in_the_set_and_only_the_empty_set_has_none(a: PacketSet, b: PacketSet) -> None:
    witness = (a - b).witness()
    if witness is None:
        assert a <= b
    else:
        assert a.admits(witness)
        assert not b.admits(witness)


@given(any_sets, st.integers(0, 12))
def test_ranges_and_their_blocks_hold_exactly_the_admitted_addresses(a: PacketSet, point: int) -> None:
    for family in (4, 6):
        rebuilt = [(family, first, length) for first, length in blocks_of(a.ranges(family, point), family)]
        one = PacketSet.product(rebuilt, (point, point + 1))
        everywhere = PacketSet.product([(family, 0, 0)], (point, point + 1))
        assert one == a & everywhere


@given(any_sets)
def test_the_traffic_of_a_set_is_what_some_place_admits(a: PacketSet) -> None:
    assert a <= PacketSet.product([(4, 0, 0), (6, 0, 0)], a.traffic) | PacketSet.union_of(
        [], [(symbol, LINE) for symbol in SYMBOLS]
    )
    for point in a.traffic[::2]:
        assert a.ranges(4, point) or a.ranges(6, point) or a.symbols_with(point)


few = st.lists(boxes, max_size=3)


@given(st.lists(boxes, max_size=8), few, few)
def test_unions_clash_exactly_where_their_sets_differ(
    shared: list[Box], mine: list[Box], yours: list[Box]
) -> None:
    left, right = [*mine, *shared], [*shared, *yours]
    clash = clash_of_unions(by_traffic(left), by_traffic(right))
    check_clash(clash, PacketSet.union_of(left), PacketSet.union_of(right))


def by_traffic(rules: list[Box]) -> dict[Span, set[Block]]:
    said: dict[Span, set[Block]] = {}
    for block, span in rules:
        said.setdefault(span, set()).add(block)
    return said


entries = st.tuples(st.booleans(), boxes)


@given(st.lists(entries, max_size=8), st.lists(st.tuples(st.integers(0, 8), entries), max_size=3), st.data())
def test_orders_clash_exactly_where_their_sets_differ(
    left: list[tuple[bool, Box]], more: list[tuple[int, tuple[bool, Box]]], data: st.DataObject
) -> None:
    right = list(left)
    for index, entry in more:
        right.insert(index, entry)
    if right and data.draw(st.booleans()):
        del right[data.draw(st.integers(0, len(right) - 1))]
    said = [[(allow, block, span) for allow, (block, span) in side] for side in (left, right)]
    check_clash(clash_of_orders(*said), PacketSet.first_match(left), PacketSet.first_match(right))


def check_clash(clash: Clash | None, left: PacketSet, right: PacketSet) -> None:
    assert (clash is None) == (left == right)
    if clash is not None:
        assert left.admits(clash.packet) == clash.in_left
        assert right.admits(clash.packet) != clash.in_left


@given(st.lists(boxes, max_size=8))
def test_masks_that_are_not_kept_are_the_same(rules: list[Box]) -> None:
    kept, made = Masks(span for _, span in rules), Masks(span for _, span in rules)
    made._kept = False
    assert [kept[span] for _, span in rules] == [made[span] for _, span in rules]
    assert not made


points = st.sets(st.integers(0, 30))


@given(points, points)
def test_traffic_operations_agree_with_sets_of_points(a: set[int], b: set[int]) -> None:
    left, right = (union_of_points(points) for points in (a, b))
    for spans_, expected in (
        (union(left, right), a | b),
        (intersection(left, right), a & b),
        (difference(left, right), a - b),
        (difference(ALL_TRAFFIC, left), set(range(32)) - a),
    ):
        assert {point for point in range(32) if holds(spans_, point)} == expected
        assert list(spans_) == sorted(set(spans_))


def union_of_points(points: set[int]) -> tuple[int, ...]:
    borders: tuple[int, ...] = ()
    for point in points:
        borders = union(borders, (point, point + 1))
    return borders


@given(any_sets, spans())
def test_symbols_are_places_of_their_own(a: PacketSet, span: Span) -> None:
    named = a | PacketSet.union_of([], [("sg-z", span)])
    assert named.admits(Packet("sg-z", span[0]))
    assert named.addresses == a.addresses
    assert not a.admits(Packet("sg-z", span[0]))
