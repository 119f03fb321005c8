"""Changes ↔ EC2 requests: the parameters that EC2's API takes (boto3's spelling), both ways.

A plan file holds each change as its request, so that a reader sees the exact call. A ref stands there as
``{"ref": NAME}``; which type it is of is told by the key it stands under.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, assert_never

from twinwall.errors import DocumentError
from twinwall.model.firewall import PrefixListEntry, Resource, new_id, ref_name
from twinwall.model.rules import Direction, NetworkAclEntry, SecurityGroupRule, Tags
from twinwall.model.wire import (
    entry_fields,
    list_entry_fields,
    parse_entry,
    parse_list_entry,
    parse_permission,
    parse_tags,
    peer_fields,
    rule_of_request,
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
        return {"GroupId": change.resource.id, "IpPermissions": _permissions_by_kind(rules, describe=False)}
    shared = rules[0].tags if isinstance(change, c.AuthorizeRules) and rules else ()
    return {
        "GroupId": change.resource.id,
        "IpPermissions": _permissions_by_kind(rules, describe=True),
        **_tagged("security-group-rule", shared),
    }


def _permissions_by_kind(rules: tuple[SecurityGroupRule, ...], *, describe: bool) -> list[dict[str, Any]]:
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


# --- files


def shown_id(id_: str) -> Any:
    """An id as a plan file shows it; a ref is ``{"ref": NAME}``."""
    name = ref_name(id_)
    return id_ if name is None else {"ref": name}


def shown(value: Any, key: str = "") -> Any:
    """A request with its refs as a plan file shows them. Only under the keys of ids: a description or a tag
    may look like anything."""
    match value:
        case str() if key in _REF_TYPES:
            return shown_id(value)
        case Mapping():
            return {name: shown(item, name) for name, item in value.items()}
        case list() | tuple():
            return [shown(item, key) for item in value]
        case _:
            return value


_REF_TYPES: dict[str, Callable[[str], str]] = {
    "GroupId": partial(new_id, "security-group"),
    "ReferencedGroupId": partial(new_id, "security-group"),
    "NetworkAclId": partial(new_id, "network-acl"),
    "PrefixListId": partial(new_id, "prefix-list"),
    "AssociationId": c.association_ref,
}


def hidden(value: Any, key: str = "") -> Any:
    """The inverse of ``shown``."""
    match value:
        case {"ref": str(name)} if len(value) == 1:
            ref = _REF_TYPES.get(key)
            if ref is None:
                raise DocumentError(f"a ref to {name!r} stands under {key!r}, where no ref belongs")
            return ref(name)
        case Mapping():
            return {name: hidden(item, name) for name, item in value.items()}
        case list():
            return [hidden(item, key) for item in value]
        case _:
            return value


def change_document(change: c.Change) -> dict[str, Any]:
    """A change as a plan file or a journal holds it. ``before`` is what a deletion takes away, or what a rule was,
    where the request names only a number or ids; ``missing_ok`` marks a revoke whose rule may not be there."""
    resource = change.resource
    document: dict[str, Any] = {
        "action": change.action,
        "resource": {"type": resource.type, "id": shown_id(resource.id), "name": resource.name},
        "reason": change.reason,
        "request": shown(request_of(change)),
    }
    if isinstance(change, c.DeleteNetworkAclEntry):
        document["before"] = entry_fields(change.entry)
    if isinstance(change, c.RevokeRules) and change.by_id:
        document["before"] = {"IpPermissions": _permissions_by_kind(change.rules, describe=True)}
    if isinstance(change, c.ModifySecurityGroupRules):
        egress = change.rule.direction is Direction.EGRESS
        document["before"] = {"IsEgress": egress, **shown(rule_request(change.rule))}
    if isinstance(change, c.RevokeRules) and change.missing_ok:
        document["missing_ok"] = True
    return document


def change_from_document(document: Request) -> c.Change:
    """The inverse of ``change_document``. Raises ``DocumentError``, or ``KeyError`` for a missing key."""
    raw = document["resource"]
    id_ = new_id(raw["type"], raw["id"]["ref"]) if isinstance(raw["id"], Mapping) else raw["id"]
    resource = Resource(raw["type"], id_, raw["name"])
    base: dict[str, Any] = {"resource": resource, "reason": document["reason"]}
    request = hidden(document["request"])
    if "SecurityGroupRuleIds" in request:
        request = hidden(document["before"])
    if document["action"] == "DeleteNetworkAclEntry":
        return c.DeleteNetworkAclEntry(**base, entry=_entry(document["before"]))
    if document["action"] == "ModifySecurityGroupRules":
        (update,) = request["SecurityGroupRules"]
        return _modification(base, hidden(document["before"]), update)
    change = _change_of(document["action"], base, request)
    if isinstance(change, c.RevokeRules) and document.get("missing_ok"):
        return replace(change, missing_ok=True)
    return change


def _modification(base: dict[str, Any], before: Request, update: Request) -> c.ModifySecurityGroupRules:
    direction = Direction.EGRESS if before["IsEgress"] else Direction.INGRESS
    rule, into = (
        replace(rule_of_request(body, direction), rule_id=update["SecurityGroupRuleId"])
        for body in (before, update["SecurityGroupRule"])
    )
    return c.ModifySecurityGroupRules(**base, rule=rule, into=into)


def _change_of(action: str, base: dict[str, Any], request: Request) -> c.Change:
    tags = _tags_of(request)
    token = request.get("ClientToken", "")
    match action:
        case "CreateSecurityGroup":
            return c.CreateSecurityGroup(
                **base,
                group_name=request["GroupName"],
                description=request["Description"],
                vpc_id=request["VpcId"],
                tags=tags,
            )
        case "CreateTags":
            ids = tuple(request["Resources"])
            return c.CreateTags(
                **base,
                tags=parse_tags(request["Tags"]),
                resource_ids=() if ids == (base["resource"].id,) else ids,
            )
        case "DeleteTags":
            return c.DeleteTags(**base, keys=tuple(item["Key"] for item in request["Tags"]))
        case "CreateNetworkAcl":
            return c.CreateNetworkAcl(**base, vpc_id=request["VpcId"], tags=tags, client_token=token)
        case "ReplaceNetworkAclAssociation":
            return c.ReplaceNetworkAclAssociation(
                **base, association_id=request["AssociationId"], network_acl_id=request["NetworkAclId"]
            )
        case "CreateManagedPrefixList" | "ModifyManagedPrefixList":
            return _list_change(action, base, request, tags, token)
        case "CreateNetworkAclEntry":
            return c.CreateNetworkAclEntry(**base, entry=_entry(request))
        case "ReplaceNetworkAclEntry":
            return c.ReplaceNetworkAclEntry(**base, entry=_entry(request))
        case _:
            return _removal_or_rules(action, base, request, tags)


def _removal_or_rules(action: str, base: dict[str, Any], request: Request, tags: Tags) -> c.Change:
    match action:
        case "DeleteSecurityGroup":
            return c.DeleteSecurityGroup(**base)
        case "DeleteNetworkAcl":
            return c.DeleteNetworkAcl(**base)
        case "DeleteManagedPrefixList":
            return c.DeleteManagedPrefixList(**base)
        case _ if action.endswith(("Ingress", "Egress")):
            return _rules_change(action, base, request, tags)
        case _:
            raise DocumentError(f"no plan of this version holds the action {action!r}")


def _rules_change(action: str, base: dict[str, Any], request: Request, tags: Tags) -> c.Change:
    direction = Direction.INGRESS if action.endswith("Ingress") else Direction.EGRESS
    rules = [
        SecurityGroupRule(direction, rule.traffic, rule.peer, rule.description, tags)
        for permission in request["IpPermissions"]
        for rule in parse_permission(permission, direction, "")
    ]
    fields = {**base, "direction": direction, "rules": tuple(rules)}
    match action.removesuffix("Ingress").removesuffix("Egress"):
        case "AuthorizeSecurityGroup":
            return c.AuthorizeRules(**fields)
        case "RevokeSecurityGroup":
            return c.RevokeRules(**fields)
        case "UpdateSecurityGroupRuleDescriptions":
            return c.UpdateRuleDescriptions(**fields)
        case _:
            raise DocumentError(f"no plan of this version holds the action {action!r}")


def _list_change(action: str, base: dict[str, Any], request: Request, tags: Tags, token: str) -> c.Change:
    def entries(key: str) -> tuple[PrefixListEntry, ...]:
        return tuple(parse_list_entry(item) for item in request.get(key) or ())

    if action == "CreateManagedPrefixList":
        return c.CreateManagedPrefixList(
            **base,
            name=request["PrefixListName"],
            family=6 if request["AddressFamily"] == "IPv6" else 4,
            max_entries=request["MaxEntries"],
            entries=entries("Entries"),
            tags=tags,
            client_token=token,
        )
    return c.ModifyManagedPrefixList(
        **base,
        version=request.get("CurrentVersion"),
        add=entries("AddEntries"),
        remove=entries("RemoveEntries"),
        max_entries=request.get("MaxEntries"),
    )


def _entry(request: Request) -> NetworkAclEntry:
    return parse_entry(request)


def _tags_of(request: Request) -> Tags:
    specifications = request.get("TagSpecifications") or ()
    return parse_tags(specifications[0]["Tags"]) if specifications else ()
