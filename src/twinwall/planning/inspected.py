"""One VPC's firewall as ``explain`` and ``lint`` look at it: what was read, and what is known to be unknown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from twinwall.model.firewall import NetworkAcl, NetworkInterface, PrefixList, Resource, Snapshot, Subnet
from twinwall.model.net import ANY_IPV4, ANY_IPV6, Cidr
from twinwall.model.rules import GroupPeer, PrefixListPeer
from twinwall.planning.compare import Members
from twinwall.planning.semantics import Lists

INACTIVE = frozenset({"deleted", "deleting", "expired", "failed", "rejected"})
"""States of a peering through which nothing passes any more (API: VpcPeeringConnectionStateReason). Before
it is accepted a peering passes nothing either, but may yet."""


@dataclass(frozen=True)
class Firewall:
    """``snapshot`` holds one VPC. ``whole``: with all of its groups. ``elsewhere``: groups of other VPCs that
    are known to exist. ``peerings``: the state of each peering connection that was read. ``stale``: groups
    that rules name although EC2 says that nothing is behind the reference. ``all_interfaces``: the snapshot's
    interfaces are all that the VPC has."""

    label: str
    vpc_id: str
    snapshot: Snapshot
    whole: bool = True
    elsewhere: frozenset[str] = frozenset()
    peerings: Mapping[str, str] = field(default_factory=dict)
    stale: frozenset[str] = frozenset()
    all_interfaces: bool = True

    @property
    def interfaces(self) -> tuple[NetworkInterface, ...]:
        return self.snapshot.interfaces or ()

    @property
    def membership_known(self) -> bool:
        """Whether one can tell who is behind each group of this VPC."""
        return self.snapshot.interfaces is not None and self.all_interfaces

    @cached_property
    def members(self) -> Mapping[str, tuple[NetworkInterface, ...]]:
        """Group id → the interfaces that have it."""
        found: dict[str, list[NetworkInterface]] = {}
        for interface in self.interfaces:
            for group_id in interface.group_ids:
                found.setdefault(group_id, []).append(interface)
        return {group_id: tuple(interfaces) for group_id, interfaces in found.items()}

    @cached_property
    def naming(self) -> Mapping[str, tuple[Resource, ...]]:
        """Group id → the groups whose rules name it."""
        found: dict[str, dict[Resource, None]] = {}
        for group in self.snapshot.groups:
            for rule in group.rules:
                if isinstance(rule.peer, GroupPeer):
                    found.setdefault(rule.peer.group_id, {})[group.resource] = None
        return {group_id: tuple(groups) for group_id, groups in found.items()}

    @cached_property
    def subnets(self) -> Mapping[str, Subnet]:
        """By id; also those that only an ACL's association tells of."""
        known = {subnet.subnet_id: subnet for subnet in self.snapshot.subnets or ()}
        for subnet_id in self.acl_of_subnet:
            known.setdefault(subnet_id, Subnet(subnet_id, self.vpc_id, "", "", None))
        return known

    @cached_property
    def acl_of_subnet(self) -> Mapping[str, NetworkAcl]:
        acls = self.snapshot.acls or ()
        return {association.subnet_id: acl for acl in acls for association in acl.associations}

    @cached_property
    def blocks(self) -> tuple[Cidr, ...]:
        """The VPC's blocks, as far as they were read."""
        vpc = self.snapshot.vpc_by_id.get(self.vpc_id)
        return (*vpc.cidrs, *vpc.ipv6_cidrs) if vpc else ()

    @cached_property
    def lists(self) -> Lists:
        """The prefix lists whose entries were read."""
        lists = self.snapshot.prefix_lists or ()
        return {
            item.prefix_list_id: tuple(entry.cidr for entry in item.entries)
            for item in lists
            if item.entries is not None
        }

    def universe(self, symbol: str) -> tuple[Cidr, ...]:
        """All addresses that members of a group or list can have, whoever they are now."""
        if item := self.snapshot.list_by_id.get(symbol):
            return self.lists.get(symbol, _family_of(item))
        group = self.snapshot.group_by_id.get(symbol)
        return (group and self.blocks) or (ANY_IPV4, ANY_IPV6)

    @property
    def symbols(self) -> Members:
        return Members(self.universe, self.universe)

    def is_dead(self, peer: GroupPeer) -> str:
        """Why nobody is behind a reference, empty where somebody is or may be."""
        status = self.peerings.get(peer.peering_connection_id) or peer.peering_status
        if status in INACTIVE:
            return f"the peering {peer.peering_connection_id or 'to its VPC'} is {status}"
        if peer.group_id in self.stale:
            return "EC2 calls the reference stale"
        if self._is_own(peer) and self.whole and peer.group_id not in self.known_groups:
            return "there is no such group any more"
        return ""

    def _is_own(self, peer: GroupPeer) -> bool:
        """A reference that can only mean a group of this account and VPC."""
        ours = not peer.user_id or not self.snapshot.owner_id or peer.user_id == self.snapshot.owner_id
        here = not peer.peering_connection_id and peer.vpc_id in ("", self.vpc_id)
        return ours and here and peer.group_id.startswith("sg-")

    @cached_property
    def known_groups(self) -> frozenset[str]:
        return self.elsewhere | self.snapshot.group_by_id.keys()

    def resource(self, peer: GroupPeer | PrefixListPeer) -> Resource:
        """A referenced group or list by id and, where known, name."""
        id_ = str(peer)
        if isinstance(peer, GroupPeer):
            group = self.snapshot.group_by_id.get(id_)
            return Resource("security-group", id_, group.group_name if group else peer.group_name)
        item = self.snapshot.list_by_id.get(id_)
        return Resource("prefix-list", id_, item.name if item else "")


def _family_of(item: PrefixList) -> tuple[Cidr, ...]:
    return (ANY_IPV4 if item.family == 4 else ANY_IPV6,)
