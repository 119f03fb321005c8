"""One step from ``state`` to ``later``, on the way to ``goal``: does it keep the promise?

    state ∩ goal ⊆ later ⊆ state ∪ goal

From the old firewall on, step by step, this gives all three halves at once: what both ends admit is never
refused, what neither admits is never admitted, and no packet's verdict changes twice.

A referenced group or list may coincide with any address of its universe and with any other symbol. For the
left side (no gap) it is enough that ``later`` holds ``state``, or ``goal``, symbol by symbol and address by
address. Where neither holds, each address is imagined to be a member of one symbol that ``state`` names, or of
one that ``goal`` names, or of one of each, or of none, and of nothing else: in each of these cases, if both
admit it, ``later`` must. The disjoint sum decides the right side (no excess).
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter

from twinwall.model.net import Cidr
from twinwall.packets import traffic
from twinwall.packets.boxes import Family
from twinwall.packets.packetset import PacketSet
from twinwall.packets.profiles import Profile, stretches
from twinwall.packets.traffic import ALL_TRAFFIC, NO_TRAFFIC, Span, Spans
from twinwall.packets.witness import Packet
from twinwall.planning.compare import Universe
from twinwall.planning.semantics import block_of

_EVERYWHERE = PacketSet.everything()


@dataclass(frozen=True, slots=True)
class Lost:
    """A packet that both ends admit and the state between them does not; ``members``: if its address is a
    member of these symbols."""

    packet: Packet
    members: tuple[str, ...] = ()


def lost(state: PacketSet, goal: PacketSet, later: PacketSet, universe: Universe) -> Lost | None:
    """What ``state`` and ``goal`` both admit, for some membership, and ``later`` does not; None if nothing."""
    if state <= later or goal <= later:
        return None
    for symbols in _memberships(state, goal, later):
        region = _region(symbols, universe)
        if not region:
            continue
        both = _seen(state, symbols, region) & _seen(goal, symbols, region)
        packet = (both - _seen(later, symbols, region)).witness()
        if packet is not None:
            return Lost(packet, symbols)
    return None


def excess(state: PacketSet, goal: PacketSet, later: PacketSet) -> Packet | None:
    """What ``later`` admits and neither end does."""
    return (later - (state | goal)).witness()


def _memberships(state: PacketSet, goal: PacketSet, later: PacketSet) -> Iterator[tuple[str, ...]]:
    """A symbol under which ``later`` says all that both ends say admits whatever it lets them admit."""
    before, after, now = dict(state.symbols), dict(goal.symbols), dict(later.symbols)

    def open_(symbol: str) -> bool:
        said = traffic.union(before.get(symbol, NO_TRAFFIC), after.get(symbol, NO_TRAFFIC))
        return bool(traffic.difference(said, now.get(symbol, NO_TRAFFIC)))

    yield ()
    some = [symbol for symbol in sorted(before.keys() | after.keys()) if open_(symbol)]
    yield from ((symbol,) for symbol in some)
    for one in some:
        for other in some:
            if one != other and one in before and other in after:
                yield one, other


def _region(symbols: tuple[str, ...], universe: Universe) -> PacketSet:
    """The addresses that may be members of all these symbols, with all traffic."""
    region = _EVERYWHERE
    for symbol in symbols:
        region &= PacketSet.product(map(block_of, universe(symbol)), ALL_TRAFFIC)
    return region


def _seen(packets: PacketSet, symbols: tuple[str, ...], region: PacketSet) -> PacketSet:
    """What is admitted from an address of the region if it is a member of these symbols."""
    named = dict(packets.symbols)
    spans: Spans = NO_TRAFFIC
    for symbol in symbols:
        spans = traffic.union(spans, named.get(symbol, NO_TRAFFIC))
    own = packets.addresses & region
    return own | _with_traffic(region, spans) if spans else own


def _with_traffic(region: PacketSet, spans: Spans) -> PacketSet:
    """The region's addresses, with this traffic."""
    families = ((4, region.ipv4), (6, region.ipv6))
    made = {
        family: tuple((address, spans if here else NO_TRAFFIC) for address, here in profile)
        for family, profile in families
    }
    return PacketSet(made[4], made[6])


def holds_box(packets: PacketSet, peer: Cidr | str, span: Span) -> bool:
    """Whether all of this traffic is in the set from each address of a block, or from a symbol."""
    start, end = span
    if isinstance(peer, str):
        return _holds(dict(packets.symbols).get(peer, NO_TRAFFIC), start, end)
    profile = packets.profile(peer.family)
    index = bisect_right(profile, peer.first, key=itemgetter(0)) - 1
    if index < 0:
        return False
    for address, spans in islice(profile, index, None):
        if address > peer.last:
            break
        if not _holds(spans, start, end):
            return False
    return True


def _holds(spans: Spans, start: int, end: int) -> bool:
    index = bisect_right(spans, start)
    return index % 2 == 1 and spans[index] >= end


def may_meet(one: PacketSet, other: PacketSet) -> bool:
    """Whether some packet may be in both, for some membership: a quick look that may say yes too often. Quickest
    where ``one`` is the smaller."""
    families: tuple[Family, ...] = (4, 6)
    if any(_overlap(one.profile(family), other.profile(family), family) for family in families):
        return True
    named, elsewhere = PacketSet(symbols=one.symbols).traffic, PacketSet(symbols=other.symbols).traffic
    crossing = (
        (one.addresses.traffic, elsewhere),
        (named, other.addresses.traffic),
        (named, elsewhere),
    )
    return any(left and right and traffic.intersection(left, right) for left, right in crossing)


def _overlap(small: Profile, large: Profile, family: Family) -> bool:
    for (first, last), spans in stretches(small, family):
        index = max(bisect_right(large, first, key=itemgetter(0)) - 1, 0)
        for address, others in islice(large, index, None):
            if address > last:
                break
            if others and traffic.intersection(spans, others):
                return True
    return False
