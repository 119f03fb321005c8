"""Two rule lists → where they differ, whatever the members of their symbols are, or depending on them.

Membership is free: any symbol may hold any addresses of its universe, each address on its own. So at an
address ``a`` and a point of traffic ``t`` that one side's addresses admit and the other's do not:

    a symbol of the other side admits t and may hold a | verdict on (a, t)
    no                                                 | the sides surely differ
    yes                                                | they differ unless a is a member

and for a symbol ``s`` with traffic ``t`` on one side only:

    addresses of either side admit t from all of s's universe | verdict on (s, t)
    yes                                                       | s is dropped: the addresses decide
    no                                                        | they differ unless s has no member, but
                                                              | where the other side admits t
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from twinwall.model.net import Cidr, Family
from twinwall.packets import traffic
from twinwall.packets.packetset import PacketSet, Symbols
from twinwall.packets.profiles import blocks_of
from twinwall.packets.traffic import ALL_TRAFFIC, Spans
from twinwall.packets.witness import Packet
from twinwall.planning.semantics import Decision, RuleList, block_of

Universe = Callable[[str], tuple[Cidr, ...]]
"""A symbol's id → all addresses that its members can have."""


@dataclass(frozen=True, slots=True)
class Gap:
    """What one side admits and the other lacks: ``surely`` for every membership, ``perhaps`` for some."""

    surely: PacketSet
    perhaps: PacketSet

    def __bool__(self) -> bool:
        return bool(self.surely or self.perhaps)


@dataclass(frozen=True, slots=True)
class Members:
    """What is known of members. ``universe`` bounds them for good; ``known`` is what they are now, as far
    as that can be read (the entries of a list that AWS keeps), else their universe."""

    universe: Universe
    known: Universe


def gap_between(own: PacketSet, other: PacketSet, members: Members) -> Gap:
    """What ``own`` admits and ``other`` lacks. Two sets admit the same for every membership exactly if both
    gaps between them are empty."""
    if own == other:
        return Gap(PacketSet(), PacketSet())
    lacking = own.addresses - other.addresses
    maybe = _through_members(other.symbols, members.known)
    return Gap(lacking - maybe, lacking & maybe | _open_symbols(own, other, members.universe))


def lacking(own: PacketSet, other: PacketSet, members: Members) -> PacketSet:
    """What ``own`` admits and ``other`` lacks, for some membership or for every: both parts of the gap."""
    if own == other:
        return PacketSet()
    return own.addresses - other.addresses | _open_symbols(own, other, members.universe)


def _through_members(symbols: Symbols, known: Universe) -> PacketSet:
    """What the symbols admit if each holds all that it may."""
    packets = PacketSet()
    for symbol, spans in symbols:
        packets |= PacketSet.product(map(block_of, known(symbol)), spans)
    return packets


def _open_symbols(own: PacketSet, other: PacketSet, universe: Universe) -> PacketSet:
    """``own``'s symbols with what ``other`` lacks under the same symbol, without what addresses of either side
    admit from the symbol's whole universe."""
    theirs = dict(other.symbols)
    open_ = [
        (symbol, rest)
        for symbol, spans in own.symbols
        if (rest := traffic.difference(spans, theirs.get(symbol, traffic.NO_TRAFFIC)))
    ]
    if not open_:
        return PacketSet()
    by_address = own.addresses | other.addresses
    left = [
        (symbol, traffic.difference(spans, admitted_everywhere(by_address, universe(symbol))))
        for symbol, spans in open_
    ]
    return PacketSet(symbols=tuple((symbol, spans) for symbol, spans in left if spans))


def admitted_everywhere(packets: PacketSet, blocks: tuple[Cidr, ...]) -> Spans:
    """The traffic that is admitted from every one of these addresses; all of it if there are none."""
    refused = PacketSet.product(map(block_of, blocks), ALL_TRAFFIC) - packets.addresses
    return traffic.difference(ALL_TRAFFIC, refused.traffic)


@dataclass(frozen=True, slots=True)
class Witness:
    """One packet out of a gap, and the rule that admits it. ``gap`` is what no earlier witness's rule does."""

    packet: Packet
    decision: Decision
    gap: PacketSet

    @property
    def region(self) -> PacketSet:
        """All of the gap that this rule makes."""
        return self.gap & self.decision.region


def witnesses(gap: PacketSet, rules: RuleList) -> Iterator[Witness]:
    """One for each rule that admits something of ``gap``, none twice. ``ValueError`` if ``gap`` is not a part
    of what ``rules`` admit."""
    while packet := gap.witness():
        decision = rules.decision(packet)
        if not decision.admitted:
            raise ValueError(f"{packet} is not admitted: {decision.rule}")
        yield Witness(packet, decision, gap)
        gap -= decision.region


SHOWN_BLOCKS = 4


def condition(witness: Witness, other: PacketSet, members: Members, text: Callable[[str], str]) -> str:
    """Under which membership the sides do not differ on the witness's traffic in its region."""
    place, point = witness.packet.place, witness.packet.point
    others = [symbol for symbol in other.symbols_with(point) if symbol != place]
    if isinstance(place, str):
        inside = PacketSet.product(map(block_of, members.universe(place)), ALL_TRAFFIC) & other.addresses
        places = [*_blocks_text(inside, point), *map(text, others)]
        outside = f" outside {_listed(places)}" if places else ""
        return f"differs unless {text(place)} has no member{outside}"
    able = [symbol for symbol in others if _may_hold(members.known(symbol), witness)]
    where = _listed(_blocks_text(witness.region, point))
    return f"differs unless every address of {where} is a member of {_listed(list(map(text, able)))}"


def _may_hold(blocks: tuple[Cidr, ...], witness: Witness) -> bool:
    return bool(PacketSet.product(map(block_of, blocks), ALL_TRAFFIC) & witness.region.addresses)


def _blocks_text(packets: PacketSet, point: int) -> list[str]:
    families: tuple[Family, ...] = (4, 6)
    return [
        str(Cidr(family, first, length))
        for family in families
        for first, length in blocks_of(packets.ranges(family, point), family)
    ]


def _listed(items: list[str]) -> str:
    shown = items[:SHOWN_BLOCKS]
    if len(items) > len(shown):
        return f"{', '.join(shown)} or {len(items) - len(shown)} more"
    return " or ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
