"""Security groups: made, deleted, described (aws-facts 1.1 to 1.3, 1.7 to 1.9)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from twinwall.emulator.network import VpcFacts
from twinwall.emulator.refusal import not_found, refuse
from twinwall.emulator.rulebook.filters import Values, page, select
from twinwall.emulator.rulebook.names import check_group_description, check_group_name, tags_for
from twinwall.emulator.rulebook.references import (
    addressed_group,
    current_peer,
    find_group,
    group_in_default_vpc,
    referring,
    same_name,
)
from twinwall.emulator.state import Answer, Call, Drop, Put, with_rule_ids
from twinwall.emulator.switches import GROUPS_PER_REGION
from twinwall.model.firewall import SecurityGroup
from twinwall.model.net import ALL_PROTOCOLS, ANY_IPV4, ANY_IPV6, protocol_name
from twinwall.model.rules import (
    CidrPeer,
    Direction,
    GroupPeer,
    PrefixListPeer,
    SecurityGroupRule,
    Traffic,
)
from twinwall.model.wire import group_document, tag_list

EVERYTHING = Traffic(ALL_PROTOCOLS)


def open_egress(has_ipv6: bool) -> tuple[SecurityGroupRule, ...]:
    """What EC2 gives a new group: 0.0.0.0/0, and ::/0 where the VPC has IPv6 (aws-facts 1.3)."""
    blocks = (ANY_IPV4, ANY_IPV6) if has_ipv6 else (ANY_IPV4,)
    return tuple(SecurityGroupRule(Direction.EGRESS, EVERYTHING, CidrPeer(block)) for block in blocks)


def default_group(account: str, vpc: VpcFacts, group_id: str) -> SecurityGroup:
    """The group that comes with a VPC: all from itself, everything out (aws-facts 1.3)."""
    inbound = SecurityGroupRule(Direction.INGRESS, EVERYTHING, GroupPeer(group_id, account))
    return SecurityGroup(
        group_id=group_id,
        group_name="default",
        description="default VPC security group",
        owner_id=account,
        vpc_id=vpc.vpc_id,
        rules=(inbound, *open_egress(vpc.has_ipv6)),
    )


def create(call: Call) -> Answer:
    name = check_group_name(call.params["GroupName"])
    description = check_group_description(call.params["Description"])
    tags = tags_for(call, "security-group")
    vpc = _vpc_of(call)
    if any(g.vpc_id == vpc.vpc_id and same_name(g.group_name, name) for g in call.here.groups.values()):
        refuse("InvalidGroup.Duplicate", f"The security group '{name}' already exists for VPC '{vpc.vpc_id}'")
    if len(call.here.groups) >= call.quota(GROUPS_PER_REGION):
        refuse("SecurityGroupLimitExceeded", "The maximum number of security groups has been reached.")
    group = SecurityGroup(
        group_id=call.world.ids("sg"),
        group_name=name,
        description=description,
        owner_id=call.account,
        vpc_id=vpc.vpc_id,
        rules=open_egress(vpc.has_ipv6),
        tags=tags,
    )
    output = {
        "GroupId": group.group_id,
        "Tags": tag_list(tags),
        "SecurityGroupArn": call.arn("security-group", group.group_id),
    }
    return Answer(output, (Put(with_rule_ids(group, call.world.ids)),))


def _vpc_of(call: Call) -> VpcFacts:
    vpc_id = call.params.get("VpcId")
    if vpc_id:
        return call.network.vpc(call.account, call.region, vpc_id) or not_found("vpc", vpc_id)
    default = call.network.default_vpc(call.account, call.region)
    return default or refuse("VPCIdNotSpecified", "No default VPC for this user")


def delete(call: Call) -> Answer:
    """CannotDelete for ``default``; DependencyViolation while something names or uses it (API)."""
    group = addressed_group(call)
    if group.is_default:
        refuse(
            "CannotDelete",
            f'the specified group: "{group.group_id}" name: "{group.group_name}" cannot be deleted by a user',
        )
    used = call.network.interfaces_with(call.account, call.region, group.group_id)
    if used or _named(call, group) or _lent(call, group):
        refuse("DependencyViolation", f"resource {group.group_id} has a dependent object")
    return Answer({"Return": True, "GroupId": group.group_id}, (Drop(group),))


def _named(call: Call, group: SecurityGroup) -> bool:
    """API: "referenced by another security group in the same VPC"; see the switch for peered ones."""
    anywhere = call.world.switches.peer_references_block_delete
    return any(anywhere or other.vpc_id == group.vpc_id for other, _ in referring(call, group))


def _lent(call: Call, group: SecurityGroup) -> bool:
    return any(
        association.group_id == group.group_id and association.state in ("associating", "associated")
        for association in call.here.associations.values()
    )


# --- described


def describe(call: Call) -> Answer:
    params = call.params
    groups: Iterable[SecurityGroup] = call.here.groups.values()
    if params.get("GroupIds"):
        groups = [find_group(call, group_id) for group_id in dict.fromkeys(params["GroupIds"])]
    elif params.get("GroupNames"):
        groups = [group_in_default_vpc(call, name) for name in params["GroupNames"]]
    found = select(groups, params.get("Filters"), GROUP_FILTERS, lambda group: group.tags)
    statuses = {p.id: p.status for p in call.network.peerings(call.account, call.region)}
    return Answer(
        page(
            found,
            params,
            "SecurityGroups",
            lambda group: show_group(call, group, statuses),
            least=5,
            most=1000,
        )
    )


def show_group(call: Call, group: SecurityGroup, statuses: Mapping[str, str]) -> dict[str, Any]:
    """API: SecurityGroup. Ports are absent for protocols without them (aws-facts 1.4)."""
    if statuses:
        rules = tuple(_current(call, rule, statuses) for rule in group.rules)
        group = replace(group, rules=rules)
    document = group_document(group)
    return document | {"SecurityGroupArn": call.arn("security-group", group.group_id)}


def _current(call: Call, rule: SecurityGroupRule, statuses: Mapping[str, str]) -> SecurityGroupRule:
    if not isinstance(rule.peer, GroupPeer):
        return rule
    return replace(rule, peer=current_peer(call, rule.peer, statuses))


def _rule_values(
    direction: Direction, read: Callable[[SecurityGroupRule], str | None]
) -> Values[SecurityGroup]:
    def values(group: SecurityGroup) -> Iterable[str]:
        read_values = (read(rule) for rule in group.rules if rule.direction is direction)
        return [value for value in read_values if value is not None]

    return values


def _cidr(family: int) -> Callable[[SecurityGroupRule], str | None]:
    return lambda rule: (
        str(rule.peer.cidr) if isinstance(rule.peer, CidrPeer) and rule.peer.cidr.family == family else None
    )


def _pair(field: str) -> Callable[[SecurityGroupRule], str | None]:
    return lambda rule: getattr(rule.peer, field) or None if isinstance(rule.peer, GroupPeer) else None


_RULE_FILTERS: Mapping[str, Callable[[SecurityGroupRule], str | None]] = {
    "cidr": _cidr(4),
    "ipv6-cidr": _cidr(6),
    "group-id": _pair("group_id"),
    "group-name": _pair("group_name"),
    "user-id": _pair("user_id"),
    "prefix-list-id": lambda rule: (
        rule.peer.prefix_list_id if isinstance(rule.peer, PrefixListPeer) else None
    ),
    "protocol": lambda rule: protocol_name(rule.traffic.protocol),
    "from-port": lambda rule: None if rule.traffic.first is None else str(rule.traffic.first),
    "to-port": lambda rule: None if rule.traffic.last is None else str(rule.traffic.last),
}

GROUP_FILTERS: Mapping[str, Values[SecurityGroup]] = {
    "description": lambda group: [group.description],
    "group-id": lambda group: [group.group_id],
    "group-name": lambda group: [group.group_name],
    "owner-id": lambda group: [group.owner_id],
    "vpc-id": lambda group: [group.vpc_id],
    **{
        f"ip-permission.{name}": _rule_values(Direction.INGRESS, read) for name, read in _RULE_FILTERS.items()
    },
    **{
        f"egress.ip-permission.{name}": _rule_values(Direction.EGRESS, read)
        for name, read in _RULE_FILTERS.items()
    },
}
"""API: DescribeSecurityGroupsRequest.Filters; aws-facts 1.1."""
