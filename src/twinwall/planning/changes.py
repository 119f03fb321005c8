"""A change is one EC2 call, named as EC2 names it.

Ids of things the plan will create travel as *refs*: ``new_id("security-group", "web")``. They are plain
strings, so that they fit wherever an id fits (a rule's peer, an association), and no EC2 id looks like one.
``apply`` resolves them with ``resolve`` as the answers come in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import assert_never

from twinwall.model.firewall import NEW, PrefixListEntry, Resource
from twinwall.model.net import Family
from twinwall.model.rules import (
    Direction,
    GroupPeer,
    NetworkAclEntry,
    Peer,
    PrefixListPeer,
    SecurityGroupRule,
    Tags,
)

SHRINK = "the source's smaller size"
REDESCRIBE = "its description changed"
"""The reason of a list's last resizing: it comes after its removals."""


def association_ref(subnet_id: str) -> str:
    """The ref of the association that the last swap of the subnet's ACL answered with."""
    return f"{NEW}network-acl-association:{subnet_id}"


@dataclass(frozen=True, kw_only=True)
class _Change:
    resource: Resource
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class CreateSecurityGroup(_Change):
    """``resource.id`` is the ref that this call turns into an id."""

    group_name: str
    description: str
    vpc_id: str
    tags: Tags = ()

    action = "CreateSecurityGroup"


@dataclass(frozen=True, kw_only=True)
class DeleteSecurityGroup(_Change):
    action = "DeleteSecurityGroup"


@dataclass(frozen=True, kw_only=True)
class _RulesChange(_Change):
    direction: Direction
    rules: tuple[SecurityGroupRule, ...]

    def _named(self, verb: str) -> str:
        return verb + ("Ingress" if self.direction is Direction.INGRESS else "Egress")


@dataclass(frozen=True, kw_only=True)
class AuthorizeRules(_RulesChange):
    """AuthorizeSecurityGroupIngress or …Egress; all rules of one call share their tags."""

    @property
    def action(self) -> str:
        return self._named("AuthorizeSecurityGroup")


@dataclass(frozen=True, kw_only=True)
class RevokeRules(_RulesChange):
    """RevokeSecurityGroupIngress or …Egress: by properties, or (``by_id``) by the ids that its rules have.
    ``missing_ok``: NotFound is success (the egress rules that EC2 may have added to a new group)."""

    missing_ok: bool = False
    by_id: bool = False

    @property
    def action(self) -> str:
        return self._named("RevokeSecurityGroup")


@dataclass(frozen=True, kw_only=True)
class UpdateRuleDescriptions(_RulesChange):
    """UpdateSecurityGroupRuleDescriptionsIngress or …Egress."""

    @property
    def action(self) -> str:
        return self._named("UpdateSecurityGroupRuleDescriptions")


@dataclass(frozen=True, kw_only=True)
class ModifySecurityGroupRules(_Change):
    """One rule in place: ``rule``, as it stands and with its id, becomes ``into``, of the same direction and the
    same kind of peer (API: ModifySecurityGroupRules; what is not said, as the description, is taken away)."""

    rule: SecurityGroupRule
    into: SecurityGroupRule

    action = "ModifySecurityGroupRules"


@dataclass(frozen=True, kw_only=True)
class CreateTags(_Change):
    """``resource_ids`` are the ids tagged where they are not the resource itself (rules)."""

    tags: Tags
    resource_ids: tuple[str, ...] = ()

    action = "CreateTags"


@dataclass(frozen=True, kw_only=True)
class DeleteTags(_Change):
    """Takes tags away, whatever their values."""

    keys: tuple[str, ...]

    action = "DeleteTags"


@dataclass(frozen=True, kw_only=True)
class CreateNetworkAcl(_Change):
    vpc_id: str
    tags: Tags = ()
    client_token: str = ""

    action = "CreateNetworkAcl"


@dataclass(frozen=True, kw_only=True)
class DeleteNetworkAcl(_Change):
    action = "DeleteNetworkAcl"


@dataclass(frozen=True, kw_only=True)
class CreateNetworkAclEntry(_Change):
    entry: NetworkAclEntry

    action = "CreateNetworkAclEntry"


@dataclass(frozen=True, kw_only=True)
class ReplaceNetworkAclEntry(_Change):
    entry: NetworkAclEntry

    action = "ReplaceNetworkAclEntry"


@dataclass(frozen=True, kw_only=True)
class DeleteNetworkAclEntry(_Change):
    """``entry`` is what stands there now; EC2 takes only its direction and number."""

    entry: NetworkAclEntry

    action = "DeleteNetworkAclEntry"


@dataclass(frozen=True, kw_only=True)
class ReplaceNetworkAclAssociation(_Change):
    """``resource`` is the subnet; ``network_acl_id`` the ACL it gets. ``association_id`` is ``association_ref``
    where an earlier call of the plan gives the subnet another association."""

    association_id: str
    network_acl_id: str

    action = "ReplaceNetworkAclAssociation"


@dataclass(frozen=True, kw_only=True)
class CreateManagedPrefixList(_Change):
    """At most 100 entries (API: CreateManagedPrefixList)."""

    name: str
    family: Family
    max_entries: int
    entries: tuple[PrefixListEntry, ...]
    tags: Tags = ()
    client_token: str = ""

    action = "CreateManagedPrefixList"


@dataclass(frozen=True, kw_only=True)
class ModifyManagedPrefixList(_Change):
    """Either entries (at most 100 added and 100 removed) or ``max_entries``, never both. ``version`` None:
    the one that the list has by then."""

    version: int | None = None
    add: tuple[PrefixListEntry, ...] = ()
    remove: tuple[PrefixListEntry, ...] = ()
    max_entries: int | None = None

    action = "ModifyManagedPrefixList"


@dataclass(frozen=True, kw_only=True)
class DeleteManagedPrefixList(_Change):
    action = "DeleteManagedPrefixList"


Change = (
    CreateSecurityGroup
    | DeleteSecurityGroup
    | AuthorizeRules
    | RevokeRules
    | UpdateRuleDescriptions
    | ModifySecurityGroupRules
    | CreateTags
    | DeleteTags
    | CreateNetworkAcl
    | DeleteNetworkAcl
    | CreateNetworkAclEntry
    | ReplaceNetworkAclEntry
    | DeleteNetworkAclEntry
    | ReplaceNetworkAclAssociation
    | CreateManagedPrefixList
    | ModifyManagedPrefixList
    | DeleteManagedPrefixList
)


def ids_in(change: Change) -> set[str]:
    """The ids that EC2 must know for this call."""
    ids = {change.resource.id}
    match change:
        case AuthorizeRules() | RevokeRules() | UpdateRuleDescriptions():
            ids |= {
                str(rule.peer) for rule in change.rules if isinstance(rule.peer, GroupPeer | PrefixListPeer)
            }
        case ModifySecurityGroupRules(into=SecurityGroupRule(peer=GroupPeer() | PrefixListPeer() as peer)):
            ids.add(str(peer))
        case ReplaceNetworkAclAssociation():
            ids.add(change.network_acl_id)
        case _:
            pass
    return ids


def resolve_peer(peer: Peer, ids: Mapping[str, str]) -> Peer:
    """The peer with its ref, if it is one, replaced by the id created for it."""
    match peer:
        case GroupPeer(group_id=group_id) if group_id in ids:
            return replace(peer, group_id=ids[group_id])
        case PrefixListPeer(prefix_list_id=list_id) if list_id in ids:
            return PrefixListPeer(ids[list_id])
        case _:
            return peer


def resolve(change: Change, ids: Mapping[str, str]) -> Change:
    """The change with every ref replaced by the id that was created for it."""
    resource = replace(change.resource, id=ids.get(change.resource.id, change.resource.id))
    match change:
        case AuthorizeRules() | RevokeRules() | UpdateRuleDescriptions():
            rules = tuple(replace(rule, peer=resolve_peer(rule.peer, ids)) for rule in change.rules)
            return replace(change, resource=resource, rules=rules)
        case ModifySecurityGroupRules(rule=rule, into=into):
            rule, into = (replace(one, peer=resolve_peer(one.peer, ids)) for one in (rule, into))
            return replace(change, resource=resource, rule=rule, into=into)
        case ReplaceNetworkAclAssociation(network_acl_id=acl_id, association_id=old):
            return replace(
                change,
                resource=resource,
                network_acl_id=ids.get(acl_id, acl_id),
                association_id=ids.get(old, old),
            )
        case (
            CreateSecurityGroup()
            | DeleteSecurityGroup()
            | CreateTags()
            | DeleteTags()
            | CreateNetworkAcl()
            | DeleteNetworkAcl()
            | CreateNetworkAclEntry()
            | ReplaceNetworkAclEntry()
            | DeleteNetworkAclEntry()
            | CreateManagedPrefixList()
            | ModifyManagedPrefixList()
            | DeleteManagedPrefixList()
        ):
            return replace(change, resource=resource)
        case _:
            assert_never(change)
