"""``PacketSet``: a set of packets in canonical form, and the algebra on it.

The space is a disjoint sum: IPv4 addresses, IPv6 addresses, and one place for each *symbol*, an opaque name
for members that are not known here (a referenced group, a prefix list). Whether a symbol's members coincide
with addresses or with each other is the caller's question, not this one's.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace

from twinwall.packets import traffic
from twinwall.packets.boxes import BITS, Block, Box, Family
from twinwall.packets.profiles import (
    EVERYWHERE,
    Profile,
    Range,
    combine,
    ranges_of,
    spans_at,
    stretches,
    within,
)
from twinwall.packets.sweep import first_match_profile, union_profile
from twinwall.packets.traffic import ALL_TRAFFIC, NO_TRAFFIC, Span, Spans
from twinwall.packets.witness import Packet, address_choices, symbol_choices

Symbols = tuple[tuple[str, Spans], ...]
"""Sorted by name, none without traffic."""

_Operation = Callable[[Spans, Spans], Spans]


@dataclass(frozen=True, slots=True)
class PacketSet:
    """Equal sets are equal values. ``PacketSet()`` is the empty one, and false."""

    ipv4: Profile = ()
    ipv6: Profile = ()
    symbols: Symbols = ()

    @staticmethod
    def union_of(boxes: Iterable[Box], symbols: Iterable[tuple[str, Span]] = ()) -> "PacketSet":
        """What an unordered list of allowing rules admits."""
        own = list(boxes)
        by_symbol: dict[str, Spans] = {}
        for symbol, span in symbols:
            by_symbol[symbol] = traffic.union(by_symbol.get(symbol, NO_TRAFFIC), span)
        return PacketSet(union_profile(own, 4), union_profile(own, 6), tuple(sorted(by_symbol.items())))

    @staticmethod
    def first_match(entries: Iterable[tuple[bool, Box]]) -> "PacketSet":
        """What an ordered list of (allow, box) admits; what no box holds is denied."""
        own = list(entries)
        return PacketSet(first_match_profile(own, 4), first_match_profile(own, 6))

    @staticmethod
    def product(blocks: Iterable[Block], spans: Spans) -> "PacketSet":
        """Every packet of these addresses and this traffic."""
        pairs = list(zip(spans[::2], spans[1::2], strict=True))
        return PacketSet.union_of((block, pair) for block in blocks for pair in pairs)

    @staticmethod
    def everything(symbols: Collection[str] = ()) -> "PacketSet":
        named = tuple((symbol, ALL_TRAFFIC) for symbol in sorted(set(symbols)))
        return PacketSet(EVERYWHERE, EVERYWHERE, named)

    def __bool__(self) -> bool:
        return bool(self.ipv4 or self.ipv6 or self.symbols)

    def __or__(self, other: "PacketSet") -> "PacketSet":
        return self._combined(other, traffic.union)

    def __and__(self, other: "PacketSet") -> "PacketSet":
        return self._combined(other, traffic.intersection)

    def __sub__(self, other: "PacketSet") -> "PacketSet":
        return self._combined(other, traffic.difference)

    def __le__(self, other: "PacketSet") -> bool:
        """Subset."""
        return not self - other

    def complement(self, symbols: Collection[str] = ()) -> "PacketSet":
        """Everything else among both families and ``symbols``. The space of symbols is open, so it has to be
        said: ``ValueError`` if this set names one outside of it."""
        unnamed = {symbol for symbol, _ in self.symbols}.difference(symbols)
        if unnamed:
            raise ValueError(f"the complement's space lacks {', '.join(sorted(unnamed))}")
        return PacketSet.everything(symbols) - self

    @property
    def addresses(self) -> "PacketSet":
        """This set without its symbols."""
        return replace(self, symbols=())

    @property
    def traffic(self) -> Spans:
        """The traffic that is admitted at some place."""
        profiles = (spans for profile in (self.ipv4, self.ipv6) for _, spans in profile)
        return traffic.union_of([*profiles, *(spans for _, spans in self.symbols)])

    def profile(self, family: Family) -> Profile:
        return self.ipv4 if family == 4 else self.ipv6

    def within(self, block: Block) -> "PacketSet":
        """What is admitted from the addresses of a block, in the time that finding them takes."""
        family, first, length = block
        own = within(self.profile(family), family, (first, first + (1 << BITS[family] - length) - 1))
        return PacketSet(ipv4=own) if family == 4 else PacketSet(ipv6=own)

    def ranges(self, family: Family, point: int) -> list[Range]:
        """The addresses from which this point of traffic is admitted."""
        return ranges_of(self.profile(family), family, point)

    def symbols_with(self, point: int) -> tuple[str, ...]:
        """The symbols whose members are admitted with this point of traffic."""
        return tuple(symbol for symbol, spans in self.symbols if traffic.holds(spans, point))

    def admits(self, packet: Packet) -> bool:
        if isinstance(packet.place, str):
            return packet.place in self.symbols_with(packet.point)
        family, address = packet.place
        return traffic.holds(spans_at(self.profile(family), address), packet.point)

    def witness(self) -> Packet | None:
        """One packet of the set, as ordinary as there is one, the same for equal sets; None if empty."""
        choices = [
            *address_choices(stretches(self.ipv4, 4), 4),
            *address_choices(stretches(self.ipv6, 6), 6),
            *symbol_choices(self.symbols),
        ]
        return min(choices, key=lambda choice: choice[0])[1] if choices else None

    def _combined(self, other: "PacketSet", operate: _Operation) -> "PacketSet":
        return PacketSet(
            combine(self.ipv4, other.ipv4, operate),
            combine(self.ipv6, other.ipv6, operate),
            _combined_symbols(dict(self.symbols), dict(other.symbols), operate),
        )


def _combined_symbols(left: dict[str, Spans], right: dict[str, Spans], operate: _Operation) -> Symbols:
    names = sorted(left.keys() | right.keys())
    spans = ((name, operate(left.get(name, NO_TRAFFIC), right.get(name, NO_TRAFFIC))) for name in names)
    return tuple((name, some) for name, some in spans if some)
