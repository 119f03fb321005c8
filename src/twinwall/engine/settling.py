"""What became of a call whose answer never came, or that EC2 calls a duplicate or a thing unknown: told by what is.

    Done       the state is the wanted one, whoever made it so
    Left       what is left to send: all of it, or the rules that are not there yet
    Foreign    somebody else's state stands in the way: not ours to change

A read may lag behind: that something is there which the call alone could have made is sure, that something is gone is
not. So a call that takes away, or puts back what was there before, is sent again first; only where EC2 then says that
there is no such thing (``told``; what EC2 says to a write does not lag) does a reading decide.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from twinwall.boundary import Document, FirewallReader, Section, Written
from twinwall.model import wire
from twinwall.model.firewall import NetworkAcl, PrefixList, SecurityGroup
from twinwall.model.rules import NetworkAclEntry, SecurityGroupRule
from twinwall.planning import changes as c


@dataclass(frozen=True)
class Done:
    written: Written = field(default_factory=Written)


@dataclass(frozen=True)
class Left:
    change: c.Change


@dataclass(frozen=True)
class Foreign:
    why: str


Settled = Done | Left | Foreign


@dataclass(frozen=True)
class Look:
    """One VPC, read anew for each question."""

    reader: FirewallReader
    vpc_id: str

    def rules(self, group_ids: Iterable[str]) -> dict[str, dict[SecurityGroupRule, SecurityGroupRule]]:
        """By group; each rule by itself, with its id and description."""
        ids = sorted(set(group_ids))
        found: dict[str, dict[SecurityGroupRule, SecurityGroupRule]] = {id_: {} for id_ in ids}
        for item in self.reader.read_rules(ids)["SecurityGroupRules"] if ids else ():
            rule = wire.parse_rule(item)
            found[str(item["GroupId"])][rule] = rule
        return found

    def _read(self, section: Section) -> Document:
        return self.reader.read(self.vpc_id, (section,))

    def groups(self) -> tuple[SecurityGroup, ...]:
        return wire.parse_snapshot(self._read("SecurityGroups")).groups

    def acls(self) -> dict[str, NetworkAcl]:
        read = wire.parse_snapshot(self._read("NetworkAcls"))
        return {acl.network_acl_id: acl for acl in read.acls or ()}

    def lists(self, ids: Iterable[str]) -> dict[str, PrefixList]:
        read = wire.parse_snapshot(self.reader.read_prefix_lists(sorted(set(ids))))
        return {item.prefix_list_id: item for item in read.prefix_lists or ()}


def settle(change: c.Change, look: Look, acl_before: str = "", *, told: bool = True) -> Settled:
    """``change`` with all refs resolved, as it was sent. ``acl_before``: the ACL that a subnet had when the run last
    knew, for a swap. ``told``: EC2 called it a duplicate, or not found; else nobody answered. Raises ``AwsError``'s
    children of the reads."""
    if not told and isinstance(change, _TAKES):
        return Left(change)
    match change:
        case c.CreateSecurityGroup():
            return _created_group(change, look)
        case c.AuthorizeRules():
            there = look.rules([change.resource.id])[change.resource.id]
            return _left(change, tuple(rule for rule in change.rules if rule not in there))
        case c.RevokeRules():
            there = look.rules([change.resource.id])[change.resource.id]
            return _left(change, tuple(rule for rule in change.rules if _still(rule, there)))
        case c.ModifySecurityGroupRules():
            return _modified(change, look)
        case c.CreateNetworkAclEntry() | c.ReplaceNetworkAclEntry() | c.DeleteNetworkAclEntry():
            return _entry(change, look)
        case c.ReplaceNetworkAclAssociation():
            return _association(change, look, acl_before)
        case c.ModifyManagedPrefixList():
            return _list_entries(change, look)
        case c.DeleteSecurityGroup() | c.DeleteNetworkAcl() | c.DeleteManagedPrefixList():
            return Left(change) if _is_there(change, look) else Done()
        case _:
            return Left(change)  # the same again ends the same: by its token, or by what it says


_TAKES = (
    c.RevokeRules
    | c.ModifySecurityGroupRules
    | c.ReplaceNetworkAclEntry
    | c.DeleteNetworkAclEntry
    | c.ReplaceNetworkAclAssociation
    | c.DeleteSecurityGroup
    | c.DeleteNetworkAcl
    | c.DeleteManagedPrefixList
)


def _is_there(
    change: c.DeleteSecurityGroup | c.DeleteNetworkAcl | c.DeleteManagedPrefixList, look: Look
) -> bool:
    id_ = change.resource.id
    match change:
        case c.DeleteSecurityGroup():
            return any(group.group_id == id_ for group in look.groups())
        case c.DeleteNetworkAcl():
            return id_ in look.acls()
        case c.DeleteManagedPrefixList():
            return bool(look.lists([id_]))


def _created_group(change: c.CreateSecurityGroup, look: Look) -> Settled:
    name = change.group_name.casefold()
    found = next((group for group in look.groups() if group.group_name.casefold() == name), None)
    if found is None:
        return Left(change)
    if found.description != change.description or not set(change.tags) <= set(found.tags):
        return Foreign(f"{found.resource} has that name, and is not what the plan makes")
    return Done(Written(found.group_id))


def _left(change: c.AuthorizeRules | c.RevokeRules, rules: tuple[SecurityGroupRule, ...]) -> Settled:
    return Left(replace(change, rules=rules)) if rules else Done()


def _modified(change: c.ModifySecurityGroupRules, look: Look) -> Settled:
    there = {rule.rule_id: rule for rule in look.rules([change.resource.id])[change.resource.id]}
    found = there.get(change.rule.rule_id)
    if found is None or found not in (change.rule, change.into):
        return Foreign(f"{found or 'nothing'} stands in {change.resource} where the plan has {change.rule}")
    done = found == change.into and found.description == change.into.description
    return Done() if done else Left(change)


def _still(rule: SecurityGroupRule, there: dict[SecurityGroupRule, SecurityGroupRule]) -> bool:
    """The very rule: one that somebody has put in its place since has another id."""
    found = there.get(rule)
    return found is not None and rule.rule_id in ("", found.rule_id)


def _entry(
    change: c.CreateNetworkAclEntry | c.ReplaceNetworkAclEntry | c.DeleteNetworkAclEntry, look: Look
) -> Settled:
    acl = look.acls().get(change.resource.id)
    found = entry_at(acl, change.entry) if acl else None
    if isinstance(change, c.DeleteNetworkAclEntry):
        if found is None:
            return Done()
        return Left(change) if found == change.entry else _other_entry(found, change)
    if found == change.entry:
        return Done()
    if found is None or isinstance(change, c.ReplaceNetworkAclEntry):
        return Left(change)
    return _other_entry(found, change)


def entry_at(acl: NetworkAcl, wanted: NetworkAclEntry) -> NetworkAclEntry | None:
    return next((entry for entry in acl.entries if entry.key == wanted.key), None)


def _other_entry(
    found: NetworkAclEntry, change: c.CreateNetworkAclEntry | c.DeleteNetworkAclEntry
) -> Foreign:
    return Foreign(f"{found} stands in {change.resource} where the plan has {change.entry}")


def _association(change: c.ReplaceNetworkAclAssociation, look: Look, acl_before: str) -> Settled:
    for acl in look.acls().values():
        for association in acl.associations:
            if association.subnet_id != change.resource.id:
                continue
            if acl.network_acl_id == change.network_acl_id:
                return Done(Written(association.association_id))
            if acl.network_acl_id == acl_before:
                return Left(replace(change, association_id=association.association_id))
            return Foreign(f"{change.resource} has {acl.resource} by now, which the plan did not see")
    return Foreign(f"{change.resource} has no network ACL that can be read")


def _list_entries(change: c.ModifyManagedPrefixList, look: Look) -> Settled:
    found = look.lists([change.resource.id]).get(change.resource.id)
    if found is None or found.entries is None:
        return Left(change)
    held = {entry.cidr for entry in found.entries}
    added = held.issuperset(entry.cidr for entry in change.add)
    removed = held.isdisjoint(entry.cidr for entry in change.remove)
    sized = change.max_entries in (None, found.max_entries)
    return Done() if added and removed and sized else Left(change)
