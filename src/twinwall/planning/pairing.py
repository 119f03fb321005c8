"""What a desired firewall and the target it is held against say together: names, prefix lists, universes."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from twinwall.model.firewall import NetworkAcl, PrefixList, Resource, SecurityGroup, Snapshot, ref_name
from twinwall.model.net import ANY_IPV4, ANY_IPV6, Cidr
from twinwall.model.rules import GroupPeer
from twinwall.planning.compare import Members, Universe
from twinwall.planning.desired import Desired
from twinwall.planning.semantics import Lists


@dataclass(frozen=True)
class Pair:
    """``universe`` bounds the members of symbols that nothing else is known of. ``today``: the memberships of
    groups that are known from interfaces, the source's and the target's, each with the addresses by id."""

    desired: Desired
    existing: Snapshot
    universe: Universe
    today: tuple[Lists, ...] = ()

    @cached_property
    def known_lists(self) -> tuple[Lists, Lists]:
        """The lists that are no symbols, with their entries on the desired and on the existing side: those
        that a customer keeps and that can be read wherever they are. What AWS keeps is matched by name and
        changes when AWS likes."""
        found = self.existing.list_by_id
        wanted = {**found, **{item.prefix_list_id: item for item in self.desired.lists}}
        ours = {
            id_: item
            for id_, item in wanted.items()
            if not item.aws_managed and _readable(item) and self._readable_or_absent(id_)
        }
        return _cidrs_by_id(ours), _cidrs_by_id({id_: found[id_] for id_ in ours if id_ in found})

    def _readable_or_absent(self, list_id: str) -> bool:
        found = self.existing.list_by_id.get(list_id)
        if found is None:
            return self.existing.prefix_lists is not None or ref_name(list_id) is not None
        return _readable(found)

    @cached_property
    def members(self) -> Members:
        read = _cidrs_by_id({id_: item for id_, item in self.existing.list_by_id.items() if _readable(item)})

        def known(symbol: str) -> tuple[Cidr, ...]:
            cidrs = read.get(symbol)
            return self.universe(symbol) if cidrs is None else cidrs

        return Members(self.universe, known)

    def symbols_of(self, *groups: SecurityGroup) -> frozenset[Resource]:
        """The groups and lists named by the groups' rules whose members are left open."""
        known = self.known_lists[0]
        peers = {rule.peer for group in groups for rule in group.referring_rules}
        return frozenset(
            Resource(
                "security-group" if isinstance(peer, GroupPeer) else "prefix-list",
                str(peer),
                self.name_of(str(peer)) or (peer.group_name if isinstance(peer, GroupPeer) else ""),
            )
            for peer in peers
            if str(peer) not in known
        )

    def name_of(self, id_: str) -> str:
        return self._names.get(id_) or ref_name(id_) or ""

    def symbol_text(self, id_: str) -> str:
        """A symbol by name and id."""
        ref = ref_name(id_)
        if ref is not None:
            return f"{ref} (does not exist yet)"
        name = self.name_of(id_)
        return f"{name} ({id_})" if name else id_

    @cached_property
    def _names(self) -> Mapping[str, str]:
        groups = (*self.desired.groups, *self.existing.groups)
        lists = (*self.desired.lists, *(self.existing.prefix_lists or ()))
        return {group.group_id: group.group_name for group in groups} | {
            item.prefix_list_id: item.name for item in lists
        }

    def subnet(self, subnet_id: str) -> Resource:
        subnets = self.existing.subnets or ()
        return next((s.resource for s in subnets if s.subnet_id == subnet_id), Resource("subnet", subnet_id))

    @cached_property
    def acl_by_id(self) -> Mapping[str, NetworkAcl]:
        return {acl.network_acl_id: acl for acl in self.existing.acls or ()}

    @cached_property
    def acl_of_subnet(self) -> Mapping[str, NetworkAcl]:
        return {
            association.subnet_id: acl for acl in self.existing.acls or () for association in acl.associations
        }


def _readable(item: PrefixList) -> bool:
    return item.entries is not None


def _cidrs_by_id(lists: Mapping[str, PrefixList]) -> Lists:
    return {id_: tuple(entry.cidr for entry in item.entries or ()) for id_, item in lists.items()}


def universe_of(desired: Desired, existing: Snapshot) -> Universe:
    """A group's members have private addresses of its VPC, a list's those of its family; of anything else,
    and of a VPC whose blocks were not read, nothing is known. A group that is associated with further VPCs
    needs a universe of the caller's own: a snapshot does not tell."""
    lists = [*(existing.prefix_lists or ()), *desired.lists]
    blocks = {item.prefix_list_id: (ANY_IPV4 if item.family == 4 else ANY_IPV6,) for item in lists}
    vpc_blocks = {vpc.vpc_id: (*vpc.cidrs, *vpc.ipv6_cidrs) for vpc in existing.vpcs or ()}
    groups = {group.group_id: group.vpc_id for group in (*desired.groups, *existing.groups)}

    def universe(symbol: str) -> tuple[Cidr, ...]:
        known = blocks.get(symbol) or vpc_blocks.get(groups.get(symbol, ""))
        return known or (ANY_IPV4, ANY_IPV6)

    return universe
