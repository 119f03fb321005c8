"""The rights that an EC2 request needs: its resources and their condition keys (aws-facts 9.2, Service Authorization
Reference). A request that puts tags on what it makes needs ``ec2:CreateTags`` on it as well.

Groups that a rule refers to need no right (aws-facts 1.8). An action that stands in no table here needs its right
on what its ids name, or on ``*``.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from twinwall.emulator.iam.policies import Right
from twinwall.emulator.rulebook.tags import kind_of
from twinwall.emulator.state import Call
from twinwall.model.rules import Tags

Keys = dict[str, tuple[str, ...]]
"""Condition keys, in lower case."""


def rights(call: Call, action: str) -> list[Right]:
    """Every one of them must be given."""
    if action.startswith("Describe") and action != "DescribeSecurityGroupReferences":
        return [Right(f"ec2:{action}")]
    return [*_TABLE.get(action, _by_ids)(call, action), *_tagging(call, action)]


# --- one resource


def _right(
    call: Call, action: str, id_: str, *, kind: str = "", owner: str = "", more: Keys | None = None
) -> Right:
    """On a thing that exists, or is asked for as if it did: its own tags, its VPC. ``owner``: if not the caller."""
    kind = kind or kind_of(id_)
    arn = call.arn(kind, id_)
    if owner:
        arn = arn.replace(f":{call.account}:", f":{owner}:")
    return Right(f"ec2:{action}", arn, _about(call, kind, id_) | (more or {}))


def _about(call: Call, kind: str, id_: str) -> Keys:
    here = call.here
    match kind:
        case "security-group" if id_ in here.groups:
            group = here.groups[id_]
            return (
                _tag_keys("ResourceTag", group.tags)
                | _vpc(call, group.vpc_id)
                | {"ec2:securitygroupid": (id_,)}
            )
        case "security-group-rule" if id_ in here.rule_owner:
            group = here.groups[here.rule_owner[id_]]
            return _tag_keys("ResourceTag", next(r.tags for r in group.rules if r.rule_id == id_))
        case "network-acl" if id_ in here.acls:
            acl = here.acls[id_]
            own = {"ec2:networkaclid": (id_,)}
            return _tag_keys("ResourceTag", acl.tags) | _vpc(call, acl.vpc_id) | own
        case "prefix-list" if id_ in here.lists:
            return _tag_keys("ResourceTag", here.lists[id_].value.tags)
        case _:
            tags = call.network.tags(call.account, call.region).get(id_, {})
            return _tag_keys("ResourceTag", tuple(tags.items())) | _around(call, kind, id_)


def _around(call: Call, kind: str, id_: str) -> Keys:
    match kind:
        case "vpc":
            return {"ec2:vpcid": (id_,), "ec2:tenancy": ("default",)}
        case "subnet":
            vpc_id = call.network.subnet_vpc(call.account, call.region, id_)
            own: Keys = {"ec2:subnetid": (id_,)}
            return own | (_vpc(call, vpc_id) if vpc_id else {})
        case _:
            return {}


def _vpc(call: Call, vpc_id: str) -> Keys:
    found = call.network.vpc(call.account, call.region, vpc_id)
    arn = call.arn("vpc", vpc_id)
    return {"ec2:vpc": (arn.replace(f":{call.account}:", f":{found.owner_id}:") if found else arn,)}


def _tag_keys(word: str, tags: Iterable[tuple[str, str]]) -> Keys:
    """``aws:ResourceTag/KEY`` and its older name in EC2; ``aws:RequestTag/KEY`` with ``aws:TagKeys``."""
    tags = tuple(tags)
    found: Keys = {f"aws:{word}/{key}".lower(): (value,) for key, value in tags}
    if word == "RequestTag":
        return found | ({"aws:tagkeys": tuple(key for key, _ in tags)} if tags else {})
    return found | {f"ec2:{word}/{key}".lower(): (value,) for key, value in tags}


def _new(call: Call, action: str, kind: str, more: Keys | None = None) -> Right:
    """On what the request will make: it has no id yet, and the tags of the request."""
    found = _tag_keys("RequestTag", _given_tags(call, kind))
    return Right(f"ec2:{action}", call.arn(kind, "*"), found | (more or {}))


def _given_tags(call: Call, kind: str) -> Tags:
    return tuple(
        (str(tag.get("Key") or ""), str(tag.get("Value") or ""))
        for specification in call.params.get("TagSpecifications") or ()
        if specification.get("ResourceType") == kind
        for tag in specification.get("Tags") or ()
    )


# --- tagging


def _tagging(call: Call, action: str) -> Iterator[Right]:
    """``ec2:CreateAction`` says by which action the tags come (aws-facts 9.2)."""
    kinds = {s.get("ResourceType") for s in call.params.get("TagSpecifications") or () if s.get("Tags")}
    for kind in sorted(filter(None, kinds)):
        yield _new(call, "CreateTags", kind, {"ec2:createaction": (action,)})


def _retagged(call: Call, action: str) -> Iterator[Right]:
    tags = tuple((str(t.get("Key") or ""), str(t.get("Value") or "")) for t in call.params.get("Tags") or ())
    for id_ in call.params.get("Resources") or ():
        yield _right(call, action, id_, more=_tag_keys("RequestTag", tags))


# --- what each action needs


def _on(*parameters: str, new: Sequence[str] = ()) -> Callable[[Call, str], Iterator[Right]]:
    """On what these parameters name, and on a new thing of each kind of ``new``."""

    def find(call: Call, action: str) -> Iterator[Right]:
        for kind in new:
            yield _new(call, action, kind)
        for parameter in parameters:
            for id_ in _ids(call.params.get(parameter)):
                yield _right(call, action, id_)

    return find


def _ids(value: Any) -> Sequence[str]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


def _on_new_group(call: Call, action: str) -> Iterator[Right]:
    """And on its VPC, the default one if none is named."""
    yield _new(call, action, "security-group")
    default = call.network.default_vpc(call.account, call.region)
    vpc_id = call.params.get("VpcId") or (default.vpc_id if default else "*")
    yield _right(call, action, vpc_id, kind="vpc")


def _on_group(call: Call, action: str) -> Iterator[Right]:
    """By id or, in the default VPC, by name; on the rules too where they are given tags."""
    ids = _ids(call.params.get("GroupId")) or [
        group.group_id
        for group in call.here.groups.values()
        if group.group_name == call.params.get("GroupName")
    ]
    for id_ in ids:
        yield _right(call, action, id_)
    if call.params.get("TagSpecifications"):
        yield _new(call, action, "security-group-rule")


def _on_rules(call: Call, action: str) -> Iterator[Right]:
    yield from _on_group(call, action)
    for update in call.params.get("SecurityGroupRules") or ():
        yield _right(call, action, update.get("SecurityGroupRuleId") or "*", kind="security-group-rule")
        list_id = (update.get("SecurityGroupRule") or {}).get("PrefixListId")
        if list_id:
            yield _on_list(call, action, list_id)


def _on_lists(call: Call, action: str) -> Iterator[Right]:
    yield _on_list(call, action, call.params["PrefixListId"])


def _on_list(call: Call, action: str, list_id: str) -> Right:
    state = call.here.lists.get(list_id)
    owner = "aws" if state and state.value.aws_managed else state.value.owner_id if state else ""
    changed = tuple(name for name in ("MaxEntries", "PrefixListName") if name in call.params)
    return _right(call, action, list_id, owner=owner, more={"ec2:attribute": changed} if changed else None)


def _on_association(call: Call, action: str) -> Iterator[Right]:
    """The ACL that comes, and the subnet whose association it is."""
    yield _right(call, action, call.params["NetworkAclId"])
    association_id = call.params["AssociationId"]
    found = [
        a.subnet_id
        for acl in call.here.acls.values()
        for a in acl.associations
        if a.association_id == association_id
    ]
    yield _right(call, action, found[0] if found else "*", kind="subnet")


def _on_launch(call: Call, action: str) -> Iterator[Right]:
    """RunInstances: all that is made, and all that is used."""
    for kind in ("instance", "network-interface", "volume"):
        yield _new(call, action, kind)
    given = call.params
    interfaces: Iterable[Mapping[str, Any]] = given.get("NetworkInterfaces") or ()
    named = [given.get("ImageId"), given.get("SubnetId"), *_ids(given.get("SecurityGroupIds"))]
    named += [id_ for each in interfaces for id_ in (each.get("SubnetId"), *_ids(each.get("Groups")))]
    named += [(given.get("LaunchTemplate") or {}).get("LaunchTemplateId")]
    for id_ in filter(None, named):
        yield _right(call, action, str(id_))


_PLURAL = {"VpcId", "SubnetId", "GroupId", "NetworkAclId", "PrefixListId", "NetworkInterfaceId", "InstanceId"}


def _by_ids(call: Call, action: str) -> Iterator[Right]:
    named = [name for name in call.params if name.removesuffix("s") in _PLURAL]
    found = [_right(call, action, id_) for name in named for id_ in _ids(call.params[name])]
    yield from found or [Right(f"ec2:{action}")]


_TABLE: Mapping[str, Callable[[Call, str], Iterable[Right]]] = {
    "CreateSecurityGroup": _on_new_group,
    **dict.fromkeys(
        (
            "AuthorizeSecurityGroupIngress",
            "AuthorizeSecurityGroupEgress",
            "RevokeSecurityGroupIngress",
            "RevokeSecurityGroupEgress",
            "UpdateSecurityGroupRuleDescriptionsIngress",
            "UpdateSecurityGroupRuleDescriptionsEgress",
            "DeleteSecurityGroup",
        ),
        _on_group,
    ),
    "ModifySecurityGroupRules": _on_rules,
    "AssociateSecurityGroupVpc": _on("GroupId", "VpcId"),
    "DisassociateSecurityGroupVpc": _on("GroupId", "VpcId"),
    "DescribeSecurityGroupReferences": _on("GroupId"),
    "GetSecurityGroupsForVpc": _on("VpcId"),
    "CreateNetworkAcl": _on("VpcId", new=("network-acl",)),
    **dict.fromkeys(
        ("DeleteNetworkAcl", "CreateNetworkAclEntry", "ReplaceNetworkAclEntry", "DeleteNetworkAclEntry"),
        _on("NetworkAclId"),
    ),
    "ReplaceNetworkAclAssociation": _on_association,
    "CreateManagedPrefixList": _on(new=("prefix-list",)),
    **dict.fromkeys(
        (
            "ModifyManagedPrefixList",
            "DeleteManagedPrefixList",
            "RestoreManagedPrefixListVersion",
            "GetManagedPrefixListEntries",
            "GetManagedPrefixListAssociations",
        ),
        _on_lists,
    ),
    "ModifyNetworkInterfaceAttribute": _on("NetworkInterfaceId", "Groups"),
    "CreateNetworkInterface": _on("SubnetId", "Groups", new=("network-interface",)),
    "RunInstances": _on_launch,
    "CreateTags": _retagged,
    "DeleteTags": _retagged,
}
