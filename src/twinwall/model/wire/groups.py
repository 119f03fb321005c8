"""Security groups and their rules: ``SecurityGroup``, ``IpPermission``, ``SecurityGroupRule``."""

from collections.abc import Iterable, Iterator
from typing import Any

from twinwall.errors import ConfigError
from twinwall.model.firewall import SecurityGroup
from twinwall.model.net import Cidr, parse_cidr, parse_protocol, protocol_name
from twinwall.model.rules import (
    CidrPeer,
    Direction,
    GroupPeer,
    Peer,
    PrefixListPeer,
    SecurityGroupRule,
    Traffic,
    make_traffic,
)
from twinwall.model.wire.tags import Json, number, parse_tags, tag_list


def parse_group(item: Json) -> SecurityGroup:
    owner = str(item.get("OwnerId") or "")
    rules = [
        rule
        for direction, key in _PERMISSION_KEYS
        for permission in item.get(key) or ()
        for rule in parse_permission(permission, direction, owner)
    ]
    return SecurityGroup(
        group_id=str(item["GroupId"]),
        group_name=str(item.get("GroupName") or ""),
        description=str(item.get("Description") or ""),
        owner_id=owner,
        vpc_id=str(item.get("VpcId") or ""),
        rules=tuple(sorted(rules, key=lambda rule: (rule.sort_key, rule.description))),
        tags=parse_tags(item.get("Tags")),
    )


_PERMISSION_KEYS = ((Direction.INGRESS, "IpPermissions"), (Direction.EGRESS, "IpPermissionsEgress"))


def parse_permission(permission: Json, direction: Direction, owner: str) -> Iterator[SecurityGroupRule]:
    """One ``IpPermission`` fans out to one rule per peer (API: IpPermission). ``owner`` fills in the
    account of a pair that names none."""
    traffic = make_traffic(
        parse_protocol(permission["IpProtocol"]),
        number(permission.get("FromPort")),
        number(permission.get("ToPort")),
    )
    for peer, item in _peers(permission, owner):
        yield SecurityGroupRule(direction, traffic, peer, description=str(item.get("Description") or ""))


def _peers(permission: Json, owner: str) -> Iterator[tuple[Peer, Json]]:
    for item in permission.get("IpRanges") or ():
        yield CidrPeer(_cidr_of(item["CidrIp"], 4)), item
    for item in permission.get("Ipv6Ranges") or ():
        yield CidrPeer(_cidr_of(item["CidrIpv6"], 6)), item
    for item in permission.get("PrefixListIds") or ():
        yield PrefixListPeer(str(item["PrefixListId"])), item
    for item in permission.get("UserIdGroupPairs") or ():
        yield parse_pair(item, owner), item


def _cidr_of(text: Any, family: int) -> Cidr:
    cidr = parse_cidr(str(text))
    if cidr.family != family:
        raise ConfigError(f"{text!r} is an IPv{cidr.family} block where IPv{family} is wanted")
    return cidr


def parse_pair(item: Json, owner: str) -> GroupPeer:
    return GroupPeer(
        group_id=str(item.get("GroupId") or item["GroupName"]),
        user_id=str(item.get("UserId") or owner),
        vpc_id=str(item.get("VpcId") or ""),
        peering_connection_id=str(item.get("VpcPeeringConnectionId") or ""),
        peering_status=str(item.get("PeeringStatus") or ""),
        group_name=str(item.get("GroupName") or ""),
    )


def parse_rule(item: Json) -> SecurityGroupRule:
    """A ``SecurityGroupRule`` (API shape of that name), which alone carries rule ids and tags."""
    traffic = make_traffic(
        parse_protocol(item["IpProtocol"]), number(item.get("FromPort")), number(item.get("ToPort"))
    )
    return SecurityGroupRule(
        Direction.EGRESS if item.get("IsEgress") else Direction.INGRESS,
        traffic,
        _rule_peer(item),
        description=str(item.get("Description") or ""),
        tags=parse_tags(item.get("Tags")),
        rule_id=str(item.get("SecurityGroupRuleId") or ""),
    )


def _rule_peer(item: Json) -> Peer:
    if item.get("CidrIpv4") or item.get("CidrIpv6"):
        return CidrPeer(parse_cidr(str(item.get("CidrIpv4") or item["CidrIpv6"])))
    if item.get("PrefixListId"):
        return PrefixListPeer(str(item["PrefixListId"]))
    return parse_pair(item["ReferencedGroupInfo"], str(item.get("GroupOwnerId") or ""))


def group_document(group: SecurityGroup) -> dict[str, Any]:
    return {
        "GroupId": group.group_id,
        "GroupName": group.group_name,
        "Description": group.description,
        "OwnerId": group.owner_id,
        "VpcId": group.vpc_id,
        "IpPermissions": permissions(group.rules_of(Direction.INGRESS)),
        "IpPermissionsEgress": permissions(group.rules_of(Direction.EGRESS)),
        "Tags": tag_list(group.tags),
    }


def permissions(rules: Iterable[SecurityGroupRule]) -> list[dict[str, Any]]:
    """Rules of one direction → ``IpPermission`` structures, one per traffic, as EC2 groups them."""
    grouped: dict[Traffic, dict[str, Any]] = {}
    for rule in rules:
        permission = grouped.get(rule.traffic)
        if permission is None:
            permission = grouped[rule.traffic] = {
                **traffic_fields(rule.traffic),
                "IpRanges": [],
                "Ipv6Ranges": [],
                "PrefixListIds": [],
                "UserIdGroupPairs": [],
            }
        section, item = peer_fields(rule.peer)
        if rule.description:
            item["Description"] = rule.description
        permission[section].append(item)
    return list(grouped.values())


def traffic_fields(traffic: Traffic) -> dict[str, Any]:
    """``IpProtocol`` with ``FromPort`` and ``ToPort`` where the protocol has them."""
    name = protocol_name(traffic.protocol)
    if traffic.first is None:
        return {"IpProtocol": name}
    return {"IpProtocol": name, "FromPort": traffic.first, "ToPort": traffic.last}


def peer_fields(peer: Peer) -> tuple[str, dict[str, Any]]:
    """The section of an ``IpPermission`` that a peer stands in, and its item there."""
    match peer:
        case CidrPeer(cidr=cidr):
            if cidr.family == 4:
                return "IpRanges", {"CidrIp": str(cidr)}
            return "Ipv6Ranges", {"CidrIpv6": str(cidr)}
        case PrefixListPeer(prefix_list_id=list_id):
            return "PrefixListIds", {"PrefixListId": list_id}
        case GroupPeer():
            fields = {
                "GroupId": peer.group_id,
                "UserId": peer.user_id,
                "VpcId": peer.vpc_id,
                "VpcPeeringConnectionId": peer.peering_connection_id,
                "PeeringStatus": peer.peering_status,
                "GroupName": peer.group_name,
            }
            return "UserIdGroupPairs", {key: value for key, value in fields.items() if value}
