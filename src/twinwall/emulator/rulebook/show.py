"""Rules in their flat shape, and what the Describe calls beside DescribeSecurityGroups answer."""

from collections.abc import Mapping
from typing import Any

from twinwall.emulator.refusal import not_found
from twinwall.emulator.rulebook.filters import Values, page, select
from twinwall.emulator.rulebook.references import (
    active_peering,
    current_peer,
    find_group,
    is_stale,
    referring,
)
from twinwall.emulator.state import Answer, Call
from twinwall.model.firewall import SecurityGroup
from twinwall.model.net import protocol_name
from twinwall.model.rules import CidrPeer, Direction, GroupPeer, PrefixListPeer, SecurityGroupRule
from twinwall.model.wire import permissions, tag_list

Owned = tuple[SecurityGroup, SecurityGroupRule]


def rule_document(
    call: Call, group: SecurityGroup, rule: SecurityGroupRule, statuses: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """API: SecurityGroupRule. Here protocols without ports have -1 and -1 (aws-facts trap 4)."""
    document = {
        "SecurityGroupRuleId": rule.rule_id,
        "GroupId": group.group_id,
        "GroupOwnerId": group.owner_id,
        **flat_rule(rule),
        "Tags": tag_list(rule.tags),
        "SecurityGroupRuleArn": call.arn("security-group-rule", rule.rule_id),
    }
    if isinstance(rule.peer, GroupPeer):
        document["ReferencedGroupInfo"] = _referenced(current_peer(call, rule.peer, statuses or {}))
    return document


def revoked_document(group: SecurityGroup, rule: SecurityGroupRule) -> dict[str, Any]:
    """API: RevokedSecurityGroupRule."""
    document = {"SecurityGroupRuleId": rule.rule_id, "GroupId": group.group_id, **flat_rule(rule)}
    if isinstance(rule.peer, GroupPeer):
        document["ReferencedGroupId"] = rule.peer.group_id
    return document


def flat_rule(rule: SecurityGroupRule) -> dict[str, Any]:
    """What both flat shapes share; -1 and -1 where the protocol has no ports."""
    traffic = rule.traffic
    flat: dict[str, Any] = {
        "IsEgress": rule.direction is Direction.EGRESS,
        "IpProtocol": protocol_name(traffic.protocol),
        "FromPort": -1 if traffic.first is None else traffic.first,
        "ToPort": -1 if traffic.last is None else traffic.last,
    }
    match rule.peer:
        case CidrPeer(cidr=cidr):
            flat["CidrIpv4" if cidr.family == 4 else "CidrIpv6"] = str(cidr)
        case PrefixListPeer(prefix_list_id=list_id):
            flat["PrefixListId"] = list_id
        case GroupPeer():  # each shape has its own field for it
            pass
    if rule.description:
        flat["Description"] = rule.description
    return flat


def _referenced(peer: GroupPeer) -> dict[str, Any]:
    fields = {
        "GroupId": peer.group_id,
        "UserId": peer.user_id,
        "VpcId": peer.vpc_id,
        "VpcPeeringConnectionId": peer.peering_connection_id,
        "PeeringStatus": peer.peering_status,
    }
    return {key: value for key, value in fields.items() if value}


RULE_FILTERS: Mapping[str, Values[Owned]] = {
    "group-id": lambda owned: [owned[0].group_id],
    "security-group-rule-id": lambda owned: [owned[1].rule_id],
}
"""API: DescribeSecurityGroupRulesRequest.Filters, with tag:KEY (and tag-key, which costs nothing)."""


def describe_rules(call: Call) -> Answer:
    ids = call.params.get("SecurityGroupRuleIds")
    if ids:
        owned = [_owned_rule(call, rule_id) for rule_id in dict.fromkeys(ids)]
    else:
        _check_groups_of_filter(call)
        owned = [(group, rule) for group in call.here.groups.values() for rule in group.rules]
    found = select(owned, call.params.get("Filters"), RULE_FILTERS, lambda item: item[1].tags)
    statuses = {p.id: p.status for p in call.network.peerings(call.account, call.region)}
    return Answer(
        page(
            found,
            call.params,
            "SecurityGroupRules",
            lambda item: rule_document(call, *item, statuses),
            least=5,
            most=1000,
        )
    )


def _check_groups_of_filter(call: Call) -> None:
    if not call.world.switches.unknown_groups_in_filters_refused:
        return
    for condition in call.params.get("Filters") or ():
        for id_ in condition["Values"] if condition["Name"] == "group-id" else ():
            if id_ not in call.here.groups:
                not_found("sg", id_)


def _owned_rule(call: Call, rule_id: str) -> Owned:
    group = call.here.groups.get(call.here.rule_owner.get(rule_id, ""))
    for rule in group.rules if group else ():
        if group and rule.rule_id == rule_id:
            return group, rule
    return not_found("sgr", rule_id)


def describe_stale(call: Call) -> Answer:
    """API: DescribeStaleSecurityGroups."""
    vpc_id = call.params["VpcId"]
    if call.network.vpc(call.account, call.region, vpc_id) is None:
        not_found("vpc", vpc_id)
    found = []
    for group in call.here.groups.values():
        stale = [rule for rule in group.rules if group.vpc_id == vpc_id and is_stale(call, group, rule)]
        if stale:
            found.append((group, stale))
    return Answer(
        page(
            found,
            call.params,
            "StaleSecurityGroupSet",
            lambda item: _stale_document(*item),
            least=5,
            most=255,
        )
    )


def _stale_document(group: SecurityGroup, stale: list[SecurityGroupRule]) -> dict[str, Any]:
    return {
        "GroupId": group.group_id,
        "GroupName": group.group_name,
        "Description": group.description,
        "VpcId": group.vpc_id,
        "StaleIpPermissions": _stale_permissions(stale, Direction.INGRESS),
        "StaleIpPermissionsEgress": _stale_permissions(stale, Direction.EGRESS),
    }


def _stale_permissions(stale: list[SecurityGroupRule], direction: Direction) -> list[dict[str, Any]]:
    """API: StaleIpPermission: pairs only; there is no section for IPv6."""
    shown = permissions(rule for rule in stale if rule.direction is direction)
    for permission in shown:
        del permission["Ipv6Ranges"]
    return shown


def describe_references(call: Call) -> Answer:
    """API: DescribeSecurityGroupReferences: the peered VPCs whose groups name these."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for group_id in call.params["GroupId"]:
        group = find_group(call, group_id)
        for other, _ in referring(call, group):
            peering = active_peering(call, group.vpc_id, other.vpc_id)
            if other.vpc_id != group.vpc_id and peering:
                found[group_id, other.vpc_id] = {
                    "GroupId": group_id,
                    "ReferencingVpcId": other.vpc_id,
                    "VpcPeeringConnectionId": peering.id,
                }
    return Answer({"SecurityGroupReferenceSet": list(found.values())})
