"""What a plan's calls do to a snapshot, in a few lines of its own: an oracle for ``diff``, ``order``, the
policies, and requests on files. It shares no code with the planning it checks, nor with the embedded AWS."""

from dataclasses import replace

from twinwall.model.firewall import NetworkAcl, NetworkAclAssociation, PrefixList, SecurityGroup, Snapshot
from twinwall.model.net import parse_cidr
from twinwall.model.rules import CidrPeer, Direction, SecurityGroupRule, Traffic
from twinwall.planning import changes as c


class Refused(AssertionError):
    """A call that EC2 would have refused."""


def interpret(changes, existing: Snapshot) -> Snapshot:
    groups = {group.group_id: group for group in existing.groups}
    acls = {acl.network_acl_id: acl for acl in existing.acls or ()}
    lists = {item.prefix_list_id: item for item in existing.prefix_lists or ()}
    for change in changes:
        _call(change, groups, acls, lists)
    return replace(
        existing, groups=tuple(groups.values()), acls=tuple(acls.values()), prefix_lists=tuple(lists.values())
    )


def _call(change, groups, acls, lists):  # noqa: C901 - one flat case an operation
    id_ = change.resource.id
    match change:
        case c.CreateSecurityGroup():
            assert id_ not in groups
            everything = SecurityGroupRule(Direction.EGRESS, Traffic(-1), CidrPeer(parse_cidr("0.0.0.0/0")))
            groups[id_] = SecurityGroup(
                id_, change.group_name, change.description, "", change.vpc_id, (everything,), change.tags
            )
        case c.AuthorizeRules():
            for rule in change.rules:
                if rule in groups[id_].rules:
                    raise Refused(f"InvalidPermission.Duplicate {rule}")
                groups[id_] = replace(groups[id_], rules=(*groups[id_].rules, rule))
        case c.RevokeRules():
            for rule in change.rules:
                if rule not in groups[id_].rules:
                    raise Refused(f"InvalidPermission.NotFound {rule}")
            groups[id_] = replace(
                groups[id_], rules=tuple(r for r in groups[id_].rules if r not in change.rules)
            )
        case c.UpdateRuleDescriptions():
            new = {rule: rule.description for rule in change.rules}
            rules = tuple(replace(r, description=new.get(r, r.description)) for r in groups[id_].rules)
            groups[id_] = replace(groups[id_], rules=rules)
        case c.DeleteSecurityGroup():
            del groups[id_]
        case c.CreateTags():
            for things in (groups, acls, lists):
                if id_ in things and not change.resource_ids:
                    tags = tuple(sorted({**dict(things[id_].tags), **dict(change.tags)}.items()))
                    things[id_] = replace(things[id_], tags=tags)
        case c.CreateNetworkAcl():
            acls[id_] = NetworkAcl(id_, change.vpc_id, "", False, (), (), change.tags)
        case c.CreateNetworkAclEntry() | c.ReplaceNetworkAclEntry() | c.DeleteNetworkAclEntry():
            _entry(change, acls)
        case c.DeleteNetworkAcl():
            assert not acls[id_].associations
            del acls[id_]
        case c.ReplaceNetworkAclAssociation():
            _associate(change, acls)
        case _:
            _list(change, lists)


def _entry(change, acls):
    acl = acls[change.resource.id]
    others = tuple(e for e in acl.entries if e.key != change.entry.key)
    there = len(others) < len(acl.entries)
    if there is isinstance(change, c.CreateNetworkAclEntry):
        raise Refused(f"{change.action} {change.entry}")
    kept = () if isinstance(change, c.DeleteNetworkAclEntry) else (change.entry,)
    acls[acl.network_acl_id] = replace(acl, entries=tuple(sorted((*others, *kept))))


def _associate(change, acls):
    moved = []
    for id_, acl in list(acls.items()):
        moved += [a for a in acl.associations if a.association_id == change.association_id]
        kept = tuple(a for a in acl.associations if a.association_id != change.association_id)
        acls[id_] = replace(acl, associations=kept)
    (one,) = moved
    acl = acls[change.network_acl_id]
    new = NetworkAclAssociation(one.subnet_id, one.association_id + "-new")
    acls[acl.network_acl_id] = replace(acl, associations=(*acl.associations, new))


def _list(change, lists):
    id_ = change.resource.id
    if isinstance(change, c.CreateManagedPrefixList):
        assert len(change.entries) <= min(100, change.max_entries)
        lists[id_] = PrefixList(
            id_, change.name, change.family, "", change.max_entries, 1, "", change.entries, change.tags
        )
        return
    item = lists[id_]
    gone = {entry.cidr for entry in change.remove}
    entries = (*(e for e in item.entries if e.cidr not in gone), *change.add)
    size = change.max_entries or item.max_entries
    if len(entries) > size or len(change.add) > 100 or len(change.remove) > 100:
        raise Refused(f"{len(entries)} entries in a list of {size}")
    lists[id_] = replace(item, entries=tuple(sorted(entries)), max_entries=size)
