"""AWS::EC2: security groups, their rules, prefix lists."""

from collections.abc import Mapping
from typing import Any

from twinwall.emulator.stacks.desk import Desk, Props, ResourceFailed
from twinwall.emulator.stacks.kind import Kind, words
from twinwall.emulator.stacks.kinds.network import only_tags, retag, tagged
from twinwall.emulator.stacks.resolver import Made

_PEERS = {
    "CidrIp": ("IpRanges", "CidrIp"),
    "CidrIpv6": ("Ipv6Ranges", "CidrIpv6"),
    "SourcePrefixListId": ("PrefixListIds", "PrefixListId"),
    "DestinationPrefixListId": ("PrefixListIds", "PrefixListId"),
    "SourceSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
    "DestinationSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
    "SourceSecurityGroupName": ("UserIdGroupPairs", "GroupName"),
}
_RULE = words("IpProtocol FromPort ToPort Description SourceSecurityGroupOwnerId") | _PEERS.keys()
_EVERYTHING = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


def _permission(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A template's flat rule as the API has it."""
    unknown = sorted(rule.keys() - _RULE - {"GroupId"})
    if unknown:
        raise ResourceFailed(f"Encountered unsupported property {unknown[0]} in a rule")
    named = [name for name in _PEERS if rule.get(name)]
    if len(named) != 1:
        raise ResourceFailed(f"A rule has exactly one of {', '.join(_PEERS)}")
    where, key = _PEERS[named[0]]
    peer = {key: rule[named[0]]}
    if rule.get("Description"):
        peer["Description"] = rule["Description"]
    if rule.get("SourceSecurityGroupOwnerId"):
        peer["UserId"] = rule["SourceSecurityGroupOwnerId"]
    ports = {name: rule[name] for name in ("FromPort", "ToPort") if name in rule}
    return {"IpProtocol": rule["IpProtocol"], **ports, where: [peer]}


def _permissions(rules: Any) -> list[dict[str, Any]]:
    listed = [rules] if isinstance(rules, Mapping) else rules or []
    return [_permission(rule) for rule in listed]


# --- group


def _create_group(desk: Desk, p: Props) -> Made:
    id_ = desk.call(
        "ec2", "CreateSecurityGroup", GroupName=p.get("GroupName") or desk.name(),
        Description=p["GroupDescription"], VpcId=p.get("VpcId"),
        TagSpecifications=tagged(desk, "security-group", p.get("Tags")),
    )["GroupId"]  # fmt: skip
    made = Made(id_, {"GroupId": id_, "Id": id_, "VpcId": p.get("VpcId", "")})
    try:
        _set_rules(desk, made, {}, p)
    except ResourceFailed:
        _delete_group(desk, made, p)
        raise
    return made


def _set_rules(desk: Desk, made: Made, before: Props, now: Props) -> None:
    """Inline rules: what is not there any more goes, what is new comes. Egress rules take the default one's place."""
    for name, to in (("SecurityGroupIngress", "Ingress"), ("SecurityGroupEgress", "Egress")):
        old, new = _permissions(before.get(name)), _permissions(now.get(name))
        if to == "Egress":
            old, new = old or [_EVERYTHING], new or [_EVERYTHING]
        gone = [rule for rule in old if rule not in new]
        come = [rule for rule in new if rule not in old]
        if gone:
            desk.call("ec2", f"RevokeSecurityGroup{to}", GroupId=made.id, IpPermissions=gone)
        if come:
            desk.call("ec2", f"AuthorizeSecurityGroup{to}", GroupId=made.id, IpPermissions=come)


def _update_group(desk: Desk, made: Made, before: Props, now: Props) -> Made:
    _set_rules(desk, made, before, now)
    retag(desk, made, before, now)
    return made


def _delete_group(desk: Desk, made: Made, _: Props) -> None:
    desk.gone("ec2", "DeleteSecurityGroup", GroupId=made.id)


# --- rules of their own


def _create_rule(desk: Desk, p: Props, to: str) -> Made:
    rule = {key: value for key, value in p.items() if key != "GroupId"}
    answer = desk.call(
        "ec2", f"AuthorizeSecurityGroup{to}", GroupId=p["GroupId"], IpPermissions=[_permission(rule)]
    )
    id_ = answer["SecurityGroupRules"][0]["SecurityGroupRuleId"]
    return Made(id_, {"Id": id_, "SecurityGroupRuleId": id_})


def _describe_rule(desk: Desk, made: Made, now: Props, to: str) -> Made:
    desk.call(
        "ec2", f"UpdateSecurityGroupRuleDescriptions{to}", GroupId=now["GroupId"],
        SecurityGroupRuleDescriptions=[{"SecurityGroupRuleId": made.id, "Description": now.get("Description", "")}],
    )  # fmt: skip
    return made


def _delete_rule(desk: Desk, made: Made, p: Props, to: str) -> None:
    desk.gone("ec2", f"RevokeSecurityGroup{to}", GroupId=p["GroupId"], SecurityGroupRuleIds=[made.id])


_SOURCES = "SourcePrefixListId SourceSecurityGroupId SourceSecurityGroupName SourceSecurityGroupOwnerId"


def _rule_kind(to: str, peers: str) -> Kind:
    return Kind(
        f"AWS::EC2::SecurityGroup{to}",
        lambda desk, p: _create_rule(desk, p, to),
        lambda desk, made, p: _delete_rule(desk, made, p, to),
        lambda desk, made, _, now: _describe_rule(desk, made, now, to),
        words("GroupId IpProtocol FromPort ToPort CidrIp CidrIpv6 " + peers),
        words("Description"),
        words("GroupId IpProtocol"),
    )


# --- prefix lists


def _create_list(desk: Desk, p: Props) -> Made:
    answer = desk.call(
        "ec2", "CreateManagedPrefixList", PrefixListName=p["PrefixListName"], AddressFamily=p["AddressFamily"],
        MaxEntries=p["MaxEntries"], Entries=p.get("Entries"),
        TagSpecifications=tagged(desk, "prefix-list", p.get("Tags")),
    )["PrefixList"]  # fmt: skip
    made = Made(answer["PrefixListId"])
    return _settled_list(desk, made)


def _list(desk: Desk, made: Made) -> Any:
    return desk.call("ec2", "DescribeManagedPrefixLists", PrefixListIds=[made.id])["PrefixLists"][0]


def _settled_list(desk: Desk, made: Made) -> Made:
    """When it is neither being made nor changed."""
    desk.wait(lambda: not _list(desk, made)["State"].endswith("in-progress"), made.id)
    found = _list(desk, made)
    if found["State"].endswith("failed"):
        raise ResourceFailed(found.get("StateMessage") or found["State"])
    shown = {"PrefixListId": made.id, "Arn": found["PrefixListArn"], "OwnerId": found["OwnerId"]}
    return Made(made.id, shown | {"Version": found["Version"]})


def _update_list(desk: Desk, made: Made, before: Props, now: Props) -> Made:
    if before.get("MaxEntries") != now.get("MaxEntries"):
        desk.call("ec2", "ModifyManagedPrefixList", PrefixListId=made.id, MaxEntries=now["MaxEntries"])
        _settled_list(desk, made)
    old = {entry["Cidr"]: entry for entry in before.get("Entries") or ()}
    new = {entry["Cidr"]: entry for entry in now.get("Entries") or ()}
    gone = [{"Cidr": cidr} for cidr in old if old[cidr] != new.get(cidr)]
    come = [entry for cidr, entry in new.items() if old.get(cidr) != entry]
    if any(
        entry["Cidr"] in new for entry in gone
    ):  # a description changes by removing and adding, in two calls
        desk.call(
            "ec2", "ModifyManagedPrefixList", PrefixListId=made.id, RemoveEntries=gone,
            CurrentVersion=_list(desk, made)["Version"],
        )  # fmt: skip
        _settled_list(desk, made)
        gone = []
    if gone or come or before["PrefixListName"] != now["PrefixListName"]:
        desk.call(
            "ec2", "ModifyManagedPrefixList", PrefixListId=made.id, PrefixListName=now["PrefixListName"],
            CurrentVersion=_list(desk, made)["Version"] if gone or come else None,
            AddEntries=come or None, RemoveEntries=gone or None,
        )  # fmt: skip
    only_tags(desk, made, before, now)
    return _settled_list(desk, made)


def _delete_list(desk: Desk, made: Made, _: Props) -> None:
    desk.gone("ec2", "DeleteManagedPrefixList", PrefixListId=made.id)


KINDS = (
    Kind(
        "AWS::EC2::SecurityGroup", _create_group, _delete_group, _update_group,
        words("GroupName GroupDescription VpcId"), words("SecurityGroupIngress SecurityGroupEgress Tags"),
        words("GroupDescription"),
    ),
    _rule_kind("Ingress", _SOURCES),
    _rule_kind("Egress", "DestinationPrefixListId DestinationSecurityGroupId"),
    Kind(
        "AWS::EC2::PrefixList", _create_list, _delete_list, _update_list,
        words("AddressFamily"), words("PrefixListName MaxEntries Entries Tags"),
        words("AddressFamily PrefixListName MaxEntries"),
    ),
)  # fmt: skip
