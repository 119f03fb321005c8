"""A plan's changes → the flows that they open and close, and how the target will stand to before and to the source.

Judged is each group and each subnet, by itself, as it stands before the first call and after the last. A group
that is made opens all that it admits, and one that is deleted closes it; an ACL without subnets guards nothing,
so it opens and closes nothing. A referenced group is a flow from that group's name: who its members are is not
asked, except that a reference says nothing where addresses admit all that its members can be. A prefix list
that can be read is its addresses, and is told by its name where all of it opens or closes. A flow that is told
as *in part* was, or stays, admitted in the rest.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from twinwall.model.firewall import NetworkAcl, Resource, SecurityGroup, ref_name
from twinwall.model.rules import Direction, PrefixListPeer
from twinwall.packets import traffic
from twinwall.packets.packetset import PacketSet
from twinwall.packets.traffic import NO_TRAFFIC, Spans
from twinwall.planning import changes as c
from twinwall.planning.compare import gap_between
from twinwall.planning.flows import Flow, thing_text
from twinwall.planning.pairing import Pair
from twinwall.planning.phrases import Told, phrases
from twinwall.planning.relation import Relation, relation
from twinwall.planning.replay import Replay, addresses_of, after
from twinwall.planning.semantics import AclEntries, GroupRules, Lists, RuleList, span_of
from twinwall.planning.tracking import untracked


@dataclass(frozen=True)
class Opening:
    """``than_before``, ``than_source``: how the target, when all calls were made, stands to what it was and to
    what was desired, in what the plan speaks of. ``may_cut_live``: flows that a group does not track now and will
    (EC2 may cut those that live); ``lingers``: tracked ones that outlive their closing (``tracking``)."""

    opens: tuple[Flow, ...]
    closes: tuple[Flow, ...]
    may_cut_live: tuple[Flow, ...]
    lingers: tuple[Flow, ...]
    than_before: Relation
    than_source: Relation


def opening(pair: Pair, changes: Sequence[c.Change]) -> Opening:
    return _Opening(pair, changes).told()


@dataclass(frozen=True)
class _Told:
    """Two rule lists of one direction: what the later admits more, and what less."""

    more: PacketSet
    less: PacketSet


_SAME = _Told(PacketSet(), PacketSet())
_DIRECTIONS = (Direction.INGRESS, Direction.EGRESS)


@dataclass(frozen=True)
class _Opening:
    pair: Pair
    changes: Sequence[c.Change]

    def told(self) -> Opening:
        opens: list[Flow] = []
        closes: list[Flow] = []
        cut: list[Flow] = []
        lingers: list[Flow] = []
        for more, less, tracked, living in self._groups():
            opens += more
            closes += less
            cut += tracked
            lingers += living
        for more, less in self._subnets():
            opens += more
            closes += less
        return Opening(
            tuple(opens),
            tuple(closes),
            tuple(cut),
            tuple(lingers),
            relation(looser=bool(opens), stricter=bool(closes)),
            self._than_source(),
        )

    @cached_property
    def before(self) -> Replay:
        return Replay.of(self.pair.existing)

    @cached_property
    def after(self) -> Replay:
        return after(self.pair.existing, self.changes)

    @cached_property
    def lists(self) -> tuple[Lists, Lists]:
        """The lists that are addresses, before and after."""
        return addresses_of(self.before.lists.values()), addresses_of(self.after.lists.values())

    # --- groups

    def _groups(self) -> Iterator[tuple[list[Flow], list[Flow], list[Flow], list[Flow]]]:
        for id_ in self._changed_groups():
            before, later = self.before.groups.get(id_), self.after.groups.get(id_)
            thing = next(group.resource for group in (before, later) if group)
            for way in _DIRECTIONS:
                own, other = self._rules(later, way, 1), self._rules(before, way, 0)
                told = self._between(own, other)
                free, still = untracked(before, way), untracked(later, way)
                yield (
                    self._flows(told.more, own, way, thing),
                    self._flows(told.less, other, way, thing),
                    self._flows((free & own.packets) - still if free else free, own, way, thing),
                    self._flows(told.less - free, other, way, thing),
                )

    def _changed_groups(self) -> list[str]:
        """Those with changes of their own, and those that name a list that changes."""
        ids = dict.fromkeys(ch.resource.id for ch in self.changes if ch.resource.type == "security-group")
        lists = {ch.resource.id for ch in self.changes if isinstance(ch, c.ModifyManagedPrefixList)}
        naming = [id_ for id_, group in self.before.groups.items() if lists and _names(group, lists)]
        everyone = {*self.before.groups, *self.after.groups}
        return [id_ for id_ in (*ids, *(n for n in naming if n not in ids)) if id_ in everyone]

    def _rules(self, group: SecurityGroup | None, way: Direction, moment: Literal[0, 1]) -> GroupRules:
        return GroupRules(group.rules_of(way) if group else (), self.lists[moment])

    def _between(self, later: RuleList, earlier: RuleList) -> _Told:
        if isinstance(later, GroupRules) and isinstance(earlier, GroupRules) and _same(later, earlier):
            return _SAME
        return _Told(
            self._lacking(later.packets, earlier.packets), self._lacking(earlier.packets, later.packets)
        )

    def _lacking(self, own: PacketSet, other: PacketSet) -> PacketSet:
        """What ``own`` admits and ``other`` does not, for every membership or for some."""
        if not own.symbols:
            return own.addresses - other.addresses
        gap = gap_between(own, other, self.pair.members)
        return gap.surely | gap.perhaps

    def _flows(self, packets: PacketSet, rules: GroupRules, way: Direction, thing: Resource) -> list[Flow]:
        if not packets:
            return []
        named = _named_by_lists(packets, rules)
        whole = rules.packets | PacketSet(symbols=named.symbols)
        return [Flow(way, t.traffic, self._peer(t.peer), thing, t.in_part) for t in phrases(named, whole)]

    def _peer(self, peer: object) -> str:
        if not isinstance(peer, str):
            return str(peer)
        if ref_name(peer) is not None:
            return thing_text(Resource("security-group", peer))
        return self.pair.symbol_text(peer)

    # --- subnets

    def _subnets(self) -> Iterator[tuple[list[Flow], list[Flow]]]:
        known: dict[tuple[str, str, Direction], tuple[list[Told], list[Told]]] = {}
        for subnet_id, was in self.before.acl_of_subnet.items():
            earlier, later = self.before.acls[was], self.after.acl(subnet_id)
            if later is None or later.entries == earlier.entries:
                continue
            for way in _DIRECTIONS:
                key = (was, later.network_acl_id, way)
                if key not in known:
                    own, other = _entries(later, way), _entries(earlier, way)
                    told = self._between(own, other)
                    known[key] = phrases(told.more, own.packets), phrases(told.less, other.packets)
                thing = self._subnet(subnet_id)
                more, less = (
                    [Flow(way, t.traffic, str(t.peer), thing, t.in_part) for t in told_]
                    for told_ in known[key]
                )
                yield more, less

    def _subnet(self, subnet_id: str) -> Resource:
        named = (a.subnet for a in self.pair.desired.associations if a.subnet.id == subnet_id)
        return next(named, self.pair.subnet(subnet_id))

    # --- the source

    def _than_source(self) -> Relation:
        told = list(self._beside_the_source())
        return relation(looser=any(t.more for t in told), stricter=any(t.less for t in told))

    def _beside_the_source(self) -> Iterator[_Told]:
        """The target as it will stand, beside what was desired of it."""
        desired, lists = self.pair.desired, self.lists[1]
        wanted_lists = {**lists, **addresses_of(desired.lists)}
        for group in desired.groups:
            found = self.after.groups.get(group.group_id)
            for way in _DIRECTIONS:
                rules = GroupRules(group.rules_of(way), wanted_lists)
                yield self._between(self._rules(found, way, 1), rules)
        acls = {**self.after.acls, **{acl.network_acl_id: acl for acl in desired.acls}}
        pairs = [(self.after.acls.get(acl.network_acl_id), acl) for acl in desired.acls]
        pairs += [(self.after.acl(a.subnet.id), acls[a.network_acl_id]) for a in desired.associations]
        for acl, beside in pairs:
            if acl is None or acl.entries != beside.entries:
                yield from (self._between(_entries(acl, way), _entries(beside, way)) for way in _DIRECTIONS)


def _entries(acl: NetworkAcl | None, way: Direction) -> AclEntries:
    return AclEntries(acl.entries_of(way) if acl else ())


def _names(group: SecurityGroup, lists: set[str]) -> bool:
    return any(isinstance(rule.peer, PrefixListPeer) and str(rule.peer) in lists for rule in group.rules)


def _same(one: GroupRules, other: GroupRules) -> bool:
    """The same rules, naming lists of the same entries."""
    if one.rules != other.rules and set(one.rules) != set(other.rules):
        return False
    named = {str(rule.peer) for rule in one.rules if isinstance(rule.peer, PrefixListPeer)}
    return all(one.lists.get(id_) == other.lists.get(id_) for id_ in named)


def _named_by_lists(packets: PacketSet, rules: GroupRules) -> PacketSet:
    """``packets`` with symbols in the place of the addresses of those lists that are in it whole."""
    named: dict[str, Spans] = {}
    rest = packets
    for rule in rules.rules:
        id_ = str(rule.peer)
        if isinstance(rule.peer, PrefixListPeer) and id_ in rules.lists:
            all_ = GroupRules((rule,), rules.lists).packets
            if all_ and all_ <= packets:
                named[id_] = traffic.union(named.get(id_, NO_TRAFFIC), span_of(rule.traffic))
                rest -= all_
    return rest | PacketSet(symbols=tuple(sorted(named.items())))
