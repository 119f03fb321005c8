"""What a plan's calls make of a firewall, one after the other: the target as it will stand.

Followed are rules, entries, list entries, which ACL a subnet has, descriptions, and the tags of groups, ACLs and
lists. Nothing is refused here; that is EC2's part (``emulator.rulebook``).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from twinwall.model.firewall import NetworkAcl, PrefixList, SecurityGroup, Snapshot
from twinwall.model.rules import Tags
from twinwall.planning import changes as c
from twinwall.planning.diff import default_egress
from twinwall.planning.semantics import Lists


@dataclass
class Replay:
    """A firewall at one moment of a plan. ``acl_of_subnet``: subnet id → ACL id. ``ipv6``: ids of the VPCs
    that have IPv6, where EC2 gives a new group one rule more."""

    groups: dict[str, SecurityGroup]
    acls: dict[str, NetworkAcl]
    lists: dict[str, PrefixList]
    acl_of_subnet: dict[str, str]
    ipv6: frozenset[str]

    @staticmethod
    def of(existing: Snapshot) -> "Replay":
        return Replay(
            groups=dict(existing.group_by_id),
            acls={acl.network_acl_id: acl for acl in existing.acls or ()},
            lists=dict(existing.list_by_id),
            acl_of_subnet={
                association.subnet_id: acl.network_acl_id
                for acl in existing.acls or ()
                for association in acl.associations
            },
            ipv6=frozenset(vpc.vpc_id for vpc in existing.vpcs or () if vpc.ipv6_cidrs),
        )

    def acl(self, subnet_id: str) -> NetworkAcl | None:
        return self.acls.get(self.acl_of_subnet.get(subnet_id, ""))

    def take(self, changes: Iterable[c.Change]) -> None:
        for change in changes:
            self.step(change)

    def step(self, change: c.Change) -> None:
        id_ = change.resource.id
        match change:
            case (
                c.CreateSecurityGroup()
                | c.AuthorizeRules()
                | c.RevokeRules()
                | c.UpdateRuleDescriptions()
                | c.ModifySecurityGroupRules()
                | c.DeleteSecurityGroup()
            ):
                self._group(id_, change)
            case c.CreateNetworkAcl(vpc_id=vpc_id):
                self.acls[id_] = NetworkAcl(id_, vpc_id, "", is_default=False, tags=change.tags)
            case c.CreateNetworkAclEntry() | c.ReplaceNetworkAclEntry() | c.DeleteNetworkAclEntry():
                self._entry(id_, change)
            case c.DeleteNetworkAcl():
                self.acls.pop(id_, None)
            case c.ReplaceNetworkAclAssociation(network_acl_id=acl_id):
                self.acl_of_subnet[id_] = acl_id
            case c.CreateManagedPrefixList() | c.ModifyManagedPrefixList() | c.DeleteManagedPrefixList():
                self._list(id_, change)
            case c.CreateTags() | c.DeleteTags():
                self._tags(id_, change)
            case _:
                assert_never(change)

    def _group(
        self,
        id_: str,
        change: c.CreateSecurityGroup
        | c.AuthorizeRules
        | c.RevokeRules
        | c.UpdateRuleDescriptions
        | c.ModifySecurityGroupRules
        | c.DeleteSecurityGroup,
    ) -> None:
        match change:
            case c.ModifySecurityGroupRules(rule=rule, into=into):
                group = self.groups[id_]
                rules = tuple(into if held == rule else held for held in group.rules)
                self.groups[id_] = replace(group, rules=rules)
            case c.CreateSecurityGroup(group_name=name, description=description, vpc_id=vpc_id):
                rules = default_egress(ipv6=vpc_id in self.ipv6)
                self.groups[id_] = SecurityGroup(id_, name, description, "", vpc_id, rules, change.tags)
            case c.DeleteSecurityGroup():
                self.groups.pop(id_, None)
            case c.AuthorizeRules(rules=added):
                group = self.groups[id_]
                rules = tuple(dict.fromkeys((*group.rules, *added)))
                self.groups[id_] = replace(group, rules=rules)
            case c.RevokeRules(rules=removed):
                group, gone = self.groups[id_], set(removed)
                self.groups[id_] = replace(group, rules=tuple(r for r in group.rules if r not in gone))

            case c.UpdateRuleDescriptions(rules=described):
                group, texts = self.groups[id_], {rule: rule.description for rule in described}
                rules = tuple(
                    replace(rule, description=texts.get(rule, rule.description)) for rule in group.rules
                )
                self.groups[id_] = replace(group, rules=rules)

    def _tags(self, id_: str, change: c.CreateTags | c.DeleteTags) -> None:
        match change:
            case c.CreateTags(tags=tags, resource_ids=()):
                self._tag(id_, lambda held: tuple(sorted({**dict(held), **dict(tags)}.items())))
            case c.CreateTags():
                pass  # of rules
            case c.DeleteTags(keys=keys):
                self._tag(id_, lambda held: tuple((key, value) for key, value in held if key not in keys))

    def _tag(self, id_: str, retagged: Callable[[Tags], Tags]) -> None:
        if group := self.groups.get(id_):
            self.groups[id_] = replace(group, tags=retagged(group.tags))
        elif acl := self.acls.get(id_):
            self.acls[id_] = replace(acl, tags=retagged(acl.tags))
        elif item := self.lists.get(id_):
            self.lists[id_] = replace(item, tags=retagged(item.tags))

    def _entry(
        self, id_: str, change: c.CreateNetworkAclEntry | c.ReplaceNetworkAclEntry | c.DeleteNetworkAclEntry
    ) -> None:
        acl, entry = self.acls[id_], change.entry
        others = tuple(held for held in acl.entries if held.key != entry.key)
        kept = () if isinstance(change, c.DeleteNetworkAclEntry) else (entry,)
        self.acls[id_] = replace(acl, entries=(*others, *kept))

    def _list(
        self,
        id_: str,
        change: c.CreateManagedPrefixList | c.ModifyManagedPrefixList | c.DeleteManagedPrefixList,
    ) -> None:
        match change:
            case c.CreateManagedPrefixList(name=name, family=family, entries=entries):
                self.lists[id_] = PrefixList(
                    id_, name, family, "", change.max_entries, entries=entries, tags=change.tags
                )
            case c.DeleteManagedPrefixList():
                self.lists.pop(id_, None)
            case c.ModifyManagedPrefixList(add=add, remove=remove, max_entries=size):
                item, gone = self.lists[id_], {entry.cidr for entry in remove}
                held = tuple(entry for entry in item.entries or () if entry.cidr not in gone)
                size = item.max_entries if size is None else size
                self.lists[id_] = replace(item, entries=(*held, *add), max_entries=size)


def after(existing: Snapshot, changes: Sequence[c.Change]) -> Replay:
    """The target as it will stand when all calls were made."""
    replay = Replay.of(existing)
    replay.take(changes)
    return replay


def addresses_of(lists: Iterable[PrefixList]) -> Lists:
    """The lists that are addresses and no symbols: those that a customer keeps and that can be read. What AWS
    keeps changes when AWS likes."""
    return {
        item.prefix_list_id: tuple(entry.cidr for entry in item.entries)
        for item in lists
        if item.entries is not None and not item.aws_managed
    }
