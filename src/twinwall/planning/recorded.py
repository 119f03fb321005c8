"""Changes ↔ what a plan file or a journal holds of them: their EC2 requests, so that a reader sees the exact call.

A ref stands there as ``{"ref": NAME}``; which type it is of is told by the key it stands under.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from twinwall.errors import DocumentError
from twinwall.model.firewall import PrefixListEntry, Resource, new_id, ref_name
from twinwall.model.rules import Direction, SecurityGroupRule, Tags
from twinwall.model.wire import (
    entry_fields,
    parse_entry,
    parse_list_entry,
    parse_permission,
    parse_tags,
    rule_of_request,
    rule_request,
)
from twinwall.planning import changes as c
from twinwall.planning.requests import Request, permissions_by_kind, request_of


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
        document["before"] = {"IpPermissions": permissions_by_kind(change.rules, describe=True)}
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
        return c.DeleteNetworkAclEntry(**base, entry=parse_entry(document["before"]))
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
            return c.CreateNetworkAclEntry(**base, entry=parse_entry(request))
        case "ReplaceNetworkAclEntry":
            return c.ReplaceNetworkAclEntry(**base, entry=parse_entry(request))
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


def _tags_of(request: Request) -> Tags:
    specifications = request.get("TagSpecifications") or ()
    return parse_tags(specifications[0]["Tags"]) if specifications else ()
