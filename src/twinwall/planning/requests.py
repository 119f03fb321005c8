"""Changes → EC2 requests: the parameters that EC2's API takes, in boto3's spelling (back: ``recorded``)."""

from typing import Any, assert_never

from twinwall.model.rules import Direction, SecurityGroupRule, Tags
from twinwall.model.wire import (
    entry_fields,
    list_entry_fields,
    peer_fields,
    rule_request,
    tag_list,
    traffic_fields,
)
from twinwall.planning import changes as c

Request = dict[str, Any]


def request_of(change: c.Change) -> Request:
    """The keyword arguments of the boto3 call. Refs stand in it as they are; ``resolve`` comes first."""
    match change:
        case c.CreateSecurityGroup():
            return {
                "GroupName": change.group_name,
                "Description": change.description,
                "VpcId": change.vpc_id,
                **_tagged("security-group", change.tags),
            }
        case c.DeleteSecurityGroup():
            return {"GroupId": change.resource.id}
        case c.AuthorizeRules() | c.RevokeRules() | c.UpdateRuleDescriptions():
            return _rules_request(change)
        case c.ModifySecurityGroupRules(rule=rule, into=into):
            update = {"SecurityGroupRuleId": rule.rule_id, "SecurityGroupRule": rule_request(into)}
            return {"GroupId": change.resource.id, "SecurityGroupRules": [update]}
        case c.CreateTags():
            ids = change.resource_ids or (change.resource.id,)
            return {"Resources": list(ids), "Tags": tag_list(change.tags)}
        case c.DeleteTags():
            return {"Resources": [change.resource.id], "Tags": [{"Key": key} for key in change.keys]}
        case _:
            return _acl_request(change)


def _acl_request(
    change: c.CreateNetworkAcl
    | c.DeleteNetworkAcl
    | c.CreateNetworkAclEntry
    | c.ReplaceNetworkAclEntry
    | c.DeleteNetworkAclEntry
    | c.ReplaceNetworkAclAssociation
    | c.CreateManagedPrefixList
    | c.ModifyManagedPrefixList
    | c.DeleteManagedPrefixList,
) -> Request:
    match change:
        case c.CreateNetworkAcl():
            return {
                "VpcId": change.vpc_id,
                **_tagged("network-acl", change.tags),
                **_token(change.client_token),
            }
        case c.DeleteNetworkAcl():
            return {"NetworkAclId": change.resource.id}
        case c.CreateNetworkAclEntry() | c.ReplaceNetworkAclEntry():
            return {"NetworkAclId": change.resource.id, **entry_fields(change.entry)}
        case c.DeleteNetworkAclEntry(entry=entry):
            return {
                "NetworkAclId": change.resource.id,
                "RuleNumber": entry.rule_number,
                "Egress": entry.direction is Direction.EGRESS,
            }
        case c.ReplaceNetworkAclAssociation():
            return {"AssociationId": change.association_id, "NetworkAclId": change.network_acl_id}
        case c.CreateManagedPrefixList() | c.ModifyManagedPrefixList() | c.DeleteManagedPrefixList():
            return _list_request(change)
        case _:
            assert_never(change)


def _list_request(
    change: c.CreateManagedPrefixList | c.ModifyManagedPrefixList | c.DeleteManagedPrefixList,
) -> Request:
    match change:
        case c.CreateManagedPrefixList():
            return {
                "PrefixListName": change.name,
                "AddressFamily": f"IPv{change.family}",
                "MaxEntries": change.max_entries,
                **_some("Entries", list(map(list_entry_fields, change.entries))),
                **_tagged("prefix-list", change.tags),
                **_token(change.client_token),
            }
        case c.ModifyManagedPrefixList(max_entries=None):
            return {
                "PrefixListId": change.resource.id,
                **({} if change.version is None else {"CurrentVersion": change.version}),
                **_some("AddEntries", list(map(list_entry_fields, change.add))),
                **_some("RemoveEntries", [{"Cidr": str(entry.cidr)} for entry in change.remove]),
            }
        case c.ModifyManagedPrefixList():
            return {"PrefixListId": change.resource.id, "MaxEntries": change.max_entries}
        case c.DeleteManagedPrefixList():
            return {"PrefixListId": change.resource.id}
        case _:
            assert_never(change)


def _rules_request(change: c.AuthorizeRules | c.RevokeRules | c.UpdateRuleDescriptions) -> Request:
    rules = change.rules
    if isinstance(change, c.RevokeRules) and change.by_id:
        return {"GroupId": change.resource.id, "SecurityGroupRuleIds": [rule.rule_id for rule in rules]}
    if isinstance(change, c.RevokeRules):
        return {"GroupId": change.resource.id, "IpPermissions": permissions_by_kind(rules, describe=False)}
    shared = rules[0].tags if isinstance(change, c.AuthorizeRules) and rules else ()
    return {
        "GroupId": change.resource.id,
        "IpPermissions": permissions_by_kind(rules, describe=True),
        **_tagged("security-group-rule", shared),
    }


def permissions_by_kind(rules: tuple[SecurityGroupRule, ...], *, describe: bool) -> list[dict[str, Any]]:
    """One peer kind per ``IpPermission``: Revoke's text forbids a group and a CIDR in one set (API:
    RevokeSecurityGroupIngress.IpPermissions), and the plan shows what is sent."""
    structures: dict[Any, dict[str, Any]] = {}
    for rule in rules:
        section, item = peer_fields(rule.peer)
        if section == "UserIdGroupPairs":
            item = _request_pair(item)
        key = (rule.traffic, section)
        structure = structures.get(key)
        if structure is None:
            structure = structures[key] = {**traffic_fields(rule.traffic), section: []}
        if describe and rule.description:
            item["Description"] = rule.description
        structure[section].append(item)
    return list(structures.values())


def _request_pair(item: dict[str, Any]) -> dict[str, Any]:
    """What a request says of a group; of one that does not exist yet nobody knows the account."""
    kept = ("GroupId",) if item["GroupId"].startswith("new:") else ("GroupId", "UserId")
    return {key: item[key] for key in kept if key in item}


def _tagged(type_: str, tags: Tags) -> Request:
    return {"TagSpecifications": [{"ResourceType": type_, "Tags": tag_list(tags)}]} if tags else {}


def _token(token: str) -> Request:
    return {"ClientToken": token} if token else {}


def _some(key: str, items: list[Any]) -> Request:
    return {key: items} if items else {}
