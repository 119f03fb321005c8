"""What two gates admit together for a moment although no firewall does: ``briefly_open``.

No group, ACL or list by itself admits what neither end admits. Two of them in a row may: while the one is open
already and the other not closed yet. An ACL that only closes is changed before the groups, one that only opens
after them, so what is left is

    group and ACL of an interface     what a group opens that an ACL closes which also opens something else
    the egress of one end and the
    ingress of the other              what the one opens and the other closes

Where members are is not asked: a flow that is told here may be open, not must.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from twinwall.model.firewall import Resource
from twinwall.model.net import Cidr
from twinwall.model.rules import Direction
from twinwall.packets import traffic
from twinwall.packets.packetset import PacketSet
from twinwall.packets.traffic import ALL_TRAFFIC, Spans
from twinwall.planning import changes as c
from twinwall.planning.acl_entries import DIRECTIONS, of_direction, packets_of
from twinwall.planning.flows import Flow, thing_text
from twinwall.planning.phrases import phrases, traffics
from twinwall.planning.replay import Replay, addresses_of
from twinwall.planning.routing.given import Given
from twinwall.planning.semantics import GroupRules, block_of

MOST = 200
"""Flows that are told."""

IN, OUT = DIRECTIONS


@dataclass(frozen=True)
class _Gate:
    """``more``, ``less``: what it gains and loses, by direction. ``blocks``: where its members are."""

    thing: Resource
    more: dict[Direction, PacketSet]
    less: dict[Direction, PacketSet]
    blocks: tuple[Cidr, ...]
    subnets: frozenset[str]

    @property
    def mixed(self) -> bool:
        return any(self.more.values()) and any(self.less.values())

    def toward(self, packets: PacketSet) -> Spans:
        """The traffic of ``packets`` that may be with this gate's members."""
        own = dict(packets.symbols).get(self.thing.id, ())
        region = PacketSet.product(map(block_of, self.blocks), ALL_TRAFFIC)
        return traffic.union(own, (packets.addresses & region).traffic)


def briefly_open(given: Given) -> tuple[Flow, ...]:
    return tuple(dict.fromkeys(islice(_Moments(given).flows(), MOST)))


@dataclass(frozen=True)
class _Moments:
    given: Given

    def flows(self) -> Iterator[Flow]:
        mixed = [subnet for subnet in self._subnets if subnet.mixed and not self.given.strict]
        for group in self._groups if mixed else ():
            for subnet in mixed:
                if subnet.thing.id in group.subnets:
                    yield from self._one_end(group, subnet)
        if self._ways == set(DIRECTIONS):
            yield from self._two_ends(self._groups, self._groups)
        yield from self._two_ends(self._subnets, self._subnets)

    def _one_end(self, group: _Gate, subnet: _Gate) -> Iterator[Flow]:
        for way in DIRECTIONS:
            both = self._spread(group.more[way]) & subnet.less[way]
            for told in phrases(both):
                yield Flow(way, told.traffic, str(told.peer), group.thing, told.in_part)

    def _spread(self, packets: PacketSet) -> PacketSet:
        """With members wherever they may be."""
        spread = packets.addresses
        for symbol, spans in packets.symbols:
            spread |= PacketSet.product(map(block_of, self.given.universe(symbol)), spans)
        return spread

    def _two_ends(self, some: Iterable[_Gate], others: Iterable[_Gate]) -> Iterator[Flow]:
        leaving = [gate for gate in some if gate.more[OUT] or gate.less[OUT]]
        for target in others:
            if not (target.more[IN] or target.less[IN]):
                continue
            for peer in leaving:
                yield from self._between(peer, target)

    def _between(self, peer: _Gate, target: _Gate) -> Iterator[Flow]:
        pairs = ((peer.more[OUT], target.less[IN]), (peer.less[OUT], target.more[IN]))
        for away, toward in pairs:
            if not away or not toward:
                continue
            spans = traffic.intersection(target.toward(away), peer.toward(toward))
            for span in zip(spans[::2], spans[1::2], strict=True):
                for words in traffics(span):
                    yield Flow(IN, words, thing_text(peer.thing), target.thing, in_part=True)

    # --- gates that change

    @cached_property
    def _ways(self) -> set[Direction]:
        """Those in which groups change; a list may be named in both."""
        rules = (ch for ch in self.given.changes if isinstance(ch, c.AuthorizeRules | c.RevokeRules))
        lists = any(isinstance(change, c.ModifyManagedPrefixList) for change in self.given.changes)
        return {change.direction for change in rules} | (set(DIRECTIONS) if lists else set())

    @cached_property
    def _groups(self) -> list[_Gate]:
        before, goal = self.given.before, self.given.goal
        lists = addresses_of(before.lists.values()), addresses_of(goal.lists.values())
        changed = lists[0] != {id_: lists[1].get(id_) for id_ in lists[0]}
        found = []
        for id_, group in before.groups.items():
            later = goal.groups.get(id_)
            if later is None or not self.given.usage.guards(id_):
                continue
            ways = [way for way in DIRECTIONS if set(later.rules_of(way)) != set(group.rules_of(way))]
            ways = list(DIRECTIONS) if changed else ways
            if not ways:
                continue
            ends = [
                {way: GroupRules(one.rules_of(way), held).packets for way in ways}
                for one, held in zip((group, later), lists, strict=True)
            ]
            found.append(_gate(group.resource, ends, self.given.universe(id_), self._subnets_of(id_)))
        return found

    def _subnets_of(self, group_id: str) -> frozenset[str]:
        if self.given.existing.interfaces is None:
            return frozenset(self.given.before.acl_of_subnet)
        own = (i for i in self.given.existing.interfaces if group_id in i.group_ids)
        return frozenset(interface.subnet_id for interface in own)

    @cached_property
    def _subnets(self) -> list[_Gate]:
        known = {subnet.subnet_id: subnet for subnet in self.given.existing.subnets or ()}
        found = []
        for id_ in self.given.before.acl_of_subnet:
            ends = [_of_subnet(id_, state) for state in (self.given.before, self.given.goal)]
            if ends[0] != ends[1]:
                subnet = known.get(id_)
                blocks = tuple(filter(None, (subnet.cidr, *subnet.ipv6_cidrs))) if subnet else ()
                thing = subnet.resource if subnet else Resource("subnet", id_)
                found.append(_gate(thing, ends, blocks or self.given.universe(id_), frozenset({id_})))
        return found


def _of_subnet(subnet_id: str, state: Replay) -> dict[Direction, PacketSet]:
    acl = state.acl(subnet_id)
    entries = acl.entries if acl else ()
    return {way: packets_of(of_direction(entries, way)) for way in DIRECTIONS}


def _gate(
    thing: Resource, ends: list[dict[Direction, PacketSet]], blocks: tuple[Cidr, ...], subnets: frozenset[str]
) -> _Gate:
    old, new = ends
    nothing = PacketSet()
    more = {way: new[way] - old[way] if way in new else nothing for way in DIRECTIONS}
    less = {way: old[way] - new[way] if way in new else nothing for way in DIRECTIONS}
    return _Gate(thing, more, less, blocks, subnets)
