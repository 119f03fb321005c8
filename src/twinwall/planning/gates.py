"""The gates that a flow passes in the target, and what of it each still admits in a later state.

    the thing's own     rules of the group; the ACL of each subnet where it is, there and back
    the peer's          its rules toward the thing, if the peer is a group; the ACLs of the subnets where it is

Where things are is taken from interfaces and subnets, where those were read. Where they were not, every subnet
counts, with the condition under which it does not.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from twinwall.model.firewall import Resource
from twinwall.model.net import ANY_IPV4, ANY_IPV6, Cidr
from twinwall.model.rules import Direction
from twinwall.packets.packetset import PacketSet
from twinwall.packets.traffic import ALL_TRAFFIC, Spans
from twinwall.planning import changes as c
from twinwall.planning.kept_open import Judge, Lost, Peers, listed, shared
from twinwall.planning.pairing import Pair
from twinwall.planning.passage import EPHEMERAL, Ports, opposite, replies
from twinwall.planning.replay import Replay, addresses_of
from twinwall.planning.semantics import AclEntries, GroupRules, RuleList, block_of


@dataclass(frozen=True, slots=True)
class Ends:
    """Both ends of a flow and its traffic: ``thing`` is a group or a subnet, ``peer`` a group where it is one.
    ``client_ports``: the range that whoever asks picks its port from."""

    direction: Direction
    spans: Spans
    thing: Resource
    peers: Peers
    peer: Resource | None = None
    client_ports: Ports = EPHEMERAL

    @property
    def answers(self) -> Spans:
        return replies(self.spans, self.client_ports)


@dataclass(frozen=True)
class GroupGate:
    """One group's rules of one direction."""

    group: Resource
    direction: Direction
    peers: Peers
    spans: Spans
    judge: Judge

    @property
    def guarded(self) -> Resource:
        return self.group

    def touched_by(self, change: c.Change, _state: Replay) -> bool:
        return change.resource.id == self.group.id or change.resource.type == "prefix-list"

    def rules(self, state: Replay) -> RuleList:
        group = state.groups.get(self.group.id)
        return GroupRules(group.rules_of(self.direction) if group else (), addresses_of(state.lists.values()))

    def lost(self, before: RuleList, now: RuleList) -> Lost | None:
        return self.judge.lost(before, now, self.peers, self.spans)

    def open(self, rules: RuleList) -> bool:
        """They admit something of the flow."""
        return self.lost(rules, GroupRules(())) is not None


@dataclass(frozen=True)
class AclGate:
    """The ACL of one subnet in one direction. ``unless``: what would have to hold for the flow not to pass
    here; empty where it surely does. ``apart``: addresses behind the same gate, from which nothing passes it.
    ``reply``: the packets answer the flow's."""

    subnet: Resource
    direction: Direction
    blocks: tuple[Cidr, ...]
    spans: Spans
    unless: str
    apart: tuple[Cidr, ...]
    reply: bool

    @property
    def guarded(self) -> Resource:
        return self.subnet

    def touched_by(self, change: c.Change, state: Replay) -> bool:
        return change.resource.id in (self.subnet.id, state.acl_of_subnet.get(self.subnet.id))

    def rules(self, state: Replay) -> RuleList:
        acl = state.acl(self.subnet.id)
        return AclEntries(acl.entries_of(self.direction) if acl else ())

    def lost(self, before: RuleList, now: RuleList) -> Lost | None:
        region = PacketSet.product(map(block_of, self.blocks), self.spans)
        region -= PacketSet.product(map(block_of, self.apart), ALL_TRAFFIC)
        packet = ((before.packets & region) - now.packets).witness()
        return None if packet is None else Lost(packet, self.unless)


Gate = GroupGate | AclGate


def gates(ends: Ends, pair: Pair, changes: Sequence[c.Change]) -> Iterator[Gate]:
    """Those that the changes can touch; the thing's own group comes first."""
    judge = Judge(pair.members, pair.symbol_text)
    places = _Places(pair)
    if ends.thing.type == "security-group":
        yield GroupGate(ends.thing, ends.direction, ends.peers, ends.spans, judge)
    if ends.peer is not None:
        toward = places.peers_of(ends.thing)
        yield GroupGate(ends.peer, opposite(ends.direction), toward, ends.spans, judge)
    if any(change.resource.type in ("network-acl", "subnet") for change in changes):
        own, far = places.of(ends.thing), places.of(ends.peer) if ends.peer else places.at(ends.peers)
        yield from _acl_gates(own, far, ends.direction, ends, places)
        yield from _acl_gates(far, own, opposite(ends.direction), ends, places)


@dataclass(frozen=True)
class _Where:
    """Where one end of a flow is: subnets, each with the condition for its not being there, and addresses,
    with the condition for the end's having none of them."""

    subnets: tuple[tuple[Resource, str], ...]
    blocks: tuple[Cidr, ...]
    unless: str = ""


def _acl_gates(
    here: _Where, there: _Where, way: Direction, ends: Ends, places: "_Places"
) -> Iterator[AclGate]:
    """The ACLs of ``here``'s subnets, for a connection of this direction with ``there``, and back."""
    for subnet, unless in here.subnets:
        conditions = " or ".join(filter(None, (unless, there.unless)))
        apart = places.blocks_of(subnet)
        words = conditions and f"unless {conditions}"
        yield AclGate(subnet, way, there.blocks, ends.spans, words, apart, reply=False)
        yield AclGate(subnet, opposite(way), there.blocks, ends.answers, words, apart, reply=True)


@dataclass(frozen=True)
class _Places:
    """Where groups, subnets and addresses are in the target, as far as its network was read."""

    pair: Pair

    @cached_property
    def subnets(self) -> dict[str, Resource]:
        """Those with a known ACL."""
        return {id_: self.pair.subnet(id_) for id_ in self.pair.acl_of_subnet}

    def blocks_of(self, subnet: Resource) -> tuple[Cidr, ...]:
        """Empty where they were not read."""
        for known in self.pair.existing.subnets or ():
            if known.subnet_id == subnet.id:
                return tuple(filter(None, (known.cidr, *known.ipv6_cidrs)))
        return ()

    def peers_of(self, thing: Resource) -> Peers:
        """The thing as the other side of a rule."""
        if thing.type == "security-group":
            return Peers(symbol=thing.id)
        return Peers(self.blocks_of(thing) or _ANY)

    def of(self, thing: Resource) -> _Where:
        if thing.type == "security-group":
            return self._of_group(thing)
        blocks = self.blocks_of(thing)
        return _Where(((thing, ""),), blocks or _ANY, "" if blocks else f"{thing} has no address there")

    def _of_group(self, group: Resource) -> _Where:
        if self.pair.existing.interfaces is None:
            doubts = [(s, f"{group} has no interface in {s}") for s in self.subnets.values()]
            universe = self.pair.members.universe(group.id)
            return _Where(tuple(doubts), universe, f"{group} has no member there")
        own = [i for i in self.pair.existing.interfaces if group.id in i.group_ids]
        ids = dict.fromkeys(interface.subnet_id for interface in own)
        known = tuple((self.subnets[id_], "") for id_ in ids if id_ in self.subnets)
        return _Where(known, tuple(address for interface in own for address in interface.addresses))

    def at(self, peers: Peers) -> _Where:
        """The subnets that addresses lie in. A symbol here is a list that AWS keeps."""
        blocks = peers.blocks if peers.symbol is None else self.pair.members.known(peers.symbol)
        inside: list[tuple[Resource, str]] = []
        for subnet in self.subnets.values():
            own = self.blocks_of(subnet)
            if shared(own or self._vpc_blocks(), blocks):
                inside.append((subnet, "" if own else f"{listed(blocks)} is not in {subnet}"))
        return _Where(tuple(inside), blocks)

    def _vpc_blocks(self) -> tuple[Cidr, ...]:
        vpcs = self.pair.existing.vpcs or ()
        return tuple(cidr for vpc in vpcs for cidr in (*vpc.cidrs, *vpc.ipv6_cidrs)) or _ANY


_ANY = (ANY_IPV4, ANY_IPV6)
