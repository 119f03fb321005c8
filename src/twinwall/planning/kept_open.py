"""Is a flow that one rule list admitted still admitted by another? The judgement behind ``--protect``.

Members of symbols are not known for certain, so besides yes and no there is *only if*. For a flow from an
address ``a`` with traffic ``t``:

    before                             afterwards                                    lost
    addresses admit it                 addresses admit it                            no
                                       only a symbol does that may hold a            only if a is no member
                                       nothing does                                  yes
    only a symbol s that may hold a    s, or addresses                               no
                                       neither                                       only if a is a member

and for a flow from (the members of) a symbol ``s``, which is admitted *for certain* by a rule that names ``s``
or by addresses that hold all its members can be:

    before                             afterwards                                    lost
    for certain                        for certain                                   no
                                       from some addresses or by other symbols       only if a member is elsewhere
                                       not at all                                    yes
    from some addresses it may have    from these, or for certain                    no
    (or by another symbol)             else                                          only if a member is there
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from twinwall.model.net import Cidr
from twinwall.packets import traffic
from twinwall.packets.packetset import PacketSet
from twinwall.packets.traffic import Spans
from twinwall.packets.witness import Packet, ordinary_point
from twinwall.planning.compare import Members, admitted_everywhere, condition, gap_between, witnesses
from twinwall.planning.semantics import RuleList, block_of


@dataclass(frozen=True, slots=True)
class Peers:
    """The other side of a flow: these addresses, or the members of a symbol."""

    blocks: tuple[Cidr, ...] = ()
    symbol: str | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """A packet that is not admitted any more. ``unless`` says under which condition it still is; empty where
    it surely is not."""

    packet: Packet
    unless: str = ""


@dataclass(frozen=True)
class Judge:
    """``text`` names a symbol."""

    members: Members
    text: Callable[[str], str]

    def lost(self, before: RuleList, now: RuleList, peers: Peers, spans: Spans) -> Lost | None:
        """What of the flow ``before`` admits and ``now`` does not; what is surely lost first."""
        if before.packets == now.packets:
            return None
        found = list(
            self._addresses(before, now, peers.blocks, spans)
            if peers.symbol is None
            else self._symbol(before.packets, now.packets, peers.symbol, spans)
        )
        return min(found, key=lambda lost: bool(lost.unless), default=None)

    # --- from addresses

    def _addresses(
        self, before: RuleList, now: RuleList, blocks: tuple[Cidr, ...], spans: Spans
    ) -> Iterator[Lost]:
        region = PacketSet.product(map(block_of, blocks), spans)
        gap = gap_between(before.packets.addresses & region, now.packets, self.members)
        if surely := gap.surely.witness():
            yield Lost(surely)
        for perhaps in witnesses(gap.perhaps, before):
            words = condition(perhaps, now.packets, self.members, self.text)
            yield Lost(perhaps.packet, words.removeprefix("differs "))
            break
        yield from self._members_at(before.packets, now.packets, blocks, spans)

    def _members_at(
        self, before: PacketSet, now: PacketSet, blocks: tuple[Cidr, ...], spans: Spans
    ) -> Iterator[Lost]:
        """Addresses that came in as members of a symbol, if they are any."""
        named = dict(now.symbols)
        for symbol, was in before.symbols:
            both = shared(blocks, self.members.universe(symbol))
            rest = traffic.difference(traffic.intersection(was, spans), named.get(symbol, ()))
            if both and rest:
                rest = traffic.difference(rest, admitted_everywhere(now, both))
            if both and rest:
                yield Lost(
                    _some(symbol, rest), f"unless {self.text(symbol)} has no member in {listed(blocks)}"
                )

    # --- from the members of a symbol

    def _symbol(self, before: PacketSet, now: PacketSet, symbol: str, spans: Spans) -> Iterator[Lost]:
        universe = self.members.universe(symbol)
        certain = self._certain(now, symbol, spans)
        was_certain = traffic.difference(self._certain(before, symbol, spans), certain)
        possible = self._possible(now, symbol, spans)
        if surely := traffic.difference(was_certain, possible):
            yield Lost(_some(symbol, surely))
        if perhaps := traffic.intersection(was_certain, possible):
            words = f"unless each member of {self.text(symbol)} is admitted by another rule"
            yield Lost(_some(symbol, perhaps), words)
        region = PacketSet.product(map(block_of, universe), spans)
        gone = ((before.addresses & region) - now.addresses).traffic
        named = dict(now.symbols)
        for other, was in before.symbols:
            if other != symbol and shared(universe, self.members.universe(other)):
                left = traffic.difference(was, named.get(other, ()))
                gone = traffic.union(gone, traffic.intersection(left, spans))
        if gone := traffic.difference(gone, traffic.union(certain, was_certain)):
            words = f"unless no member of {self.text(symbol)} needs it"
            yield Lost(_some(symbol, gone), words)

    def _certain(self, packets: PacketSet, symbol: str, spans: Spans) -> Spans:
        """The traffic that comes in from every member, whoever they are."""
        everywhere = admitted_everywhere(packets, self.members.universe(symbol))
        return traffic.intersection(spans, traffic.union(dict(packets.symbols).get(symbol, ()), everywhere))

    def _possible(self, packets: PacketSet, symbol: str, spans: Spans) -> Spans:
        """The traffic that comes in from some address that a member can have."""
        universe = self.members.universe(symbol)
        found = (PacketSet.product(map(block_of, universe), spans) & packets.addresses).traffic
        for other, own in packets.symbols:
            if shared(universe, self.members.universe(other)):
                found = traffic.union(found, own)
        return traffic.intersection(found, spans)


def _some(symbol: str, spans: Spans) -> Packet:
    return Packet(symbol, ordinary_point(spans, 4)[1])


def shared(some: Iterable[Cidr], others: Iterable[Cidr]) -> tuple[Cidr, ...]:
    """The addresses that both hold."""
    those = tuple(others)
    return tuple(
        one if other.contains(one) else other for one in some for other in those if one.overlaps(other)
    )


SHOWN = 3


def listed(blocks: Iterable[Cidr]) -> str:
    words = list(map(str, blocks))
    more = f" and {len(words) - SHOWN} more" if len(words) > SHOWN else ""
    return ", ".join(words[:SHOWN]) + more
