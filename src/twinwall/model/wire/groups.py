"""Security groups and their rules: ``SecurityGroup``, ``IpPermission``, ``SecurityGroupRule``."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain, islice
from operator import attrgetter, eq
from typing import Any

from twinwall.errors import ConfigError
from twinwall.model.firewall import SecurityGroup
from twinwall.model.net import parse_cidr, parse_protocol, protocol_name
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
from twinwall.model.wire.shape import flag, misplaced, text
from twinwall.model.wire.tags import Json, number, parse_tags, tag_list


def parse_group(item: Json) -> SecurityGroup:
    owner = text(item, "OwnerId")
    ingress = _sorted_rules(item, Direction.INGRESS, owner)
    egress = _sorted_rules(item, Direction.EGRESS, owner)
    return SecurityGroup(
        group_id=str(item["GroupId"]),
        group_name=str(item.get("GroupName") or ""),
        description=str(item.get("Description") or ""),
        owner_id=owner,
        vpc_id=str(item.get("VpcId") or ""),
        rules=(*ingress, *egress),
        tags=parse_tags(item.get("Tags")),
    )


_SECTION = {Direction.INGRESS: "IpPermissions", Direction.EGRESS: "IpPermissionsEgress"}


def _sorted_rules(item: Json, direction: Direction, owner: str) -> Iterator[SecurityGroupRule]:
    """In the order of ``SecurityGroupRule.sort_key``. EC2 puts all rules of one traffic into one permission,
    so that there is little left to sort in each."""
    found: dict[Traffic, list[SecurityGroupRule]] = {}
    section = _SECTION[direction]
    for index, permission in enumerate(item.get(section) or ()):
        try:
            traffic, rules = _rules(permission, direction, owner)
        except (KeyError, ConfigError) as wrong:
            raise misplaced(f"{section}[{index}]", wrong) from None
        found[traffic] = found[traffic] + rules if traffic in found else rules
    ordered = sorted((rules for rules in found.values() if rules), key=lambda rules: rules[0].sort_key)
    return chain.from_iterable(rules if len(rules) == 1 else _by_peer(rules) for rules in ordered)


_peer_cidr, _peer_key = attrgetter("peer.cidr"), attrgetter("peer_key")


def _by_peer(rules: list[SecurityGroupRule]) -> list[SecurityGroupRule]:
    """Twins, which other tools' dumps hold, by their description, so that the file's order decides nothing."""
    only_cidrs = all(type(rule.peer) is CidrPeer for rule in rules)
    ordered = sorted(rules, key=_peer_cidr if only_cidrs else _peer_key)
    if any(map(eq, ordered, islice(ordered, 1, None))):
        ordered.sort(key=lambda rule: (rule.peer_key, rule.description))
    return ordered


def parse_permission(permission: Json, direction: Direction, owner: str) -> Iterator[SecurityGroupRule]:
    """One ``IpPermission`` fans out to one rule per peer (API: IpPermission). ``owner`` fills in the
    account of a pair that names none."""
    return iter(_rules(permission, direction, owner)[1])


def _rules(permission: Json, direction: Direction, owner: str) -> tuple[Traffic, list[SecurityGroupRule]]:
    traffic, known = _kept_rules(
        direction, str(permission["IpProtocol"]), permission.get("FromPort"), permission.get("ToPort")
    )
    rules = [
        (len(item) == 1 and known.get(item["CidrIp"])) or _ipv4_rule(direction, traffic, item, known)
        for item in permission.get("IpRanges") or ()
    ]
    rules += [
        SecurityGroupRule(direction, traffic, peer, _description(item))
        for peer, item in _other_peers(permission, owner)
    ]
    return traffic, rules


_Kept = dict[str, SecurityGroupRule]
_MOST_KEPT = 4096


@lru_cache(maxsize=64, typed=True)
def _kept_rules(_direction: Direction, protocol: str, first: Any, last: Any) -> tuple[Traffic, _Kept]:
    """The rules without a description that were met of late, by their block as it was spelled: twins say the
    same, so that most rules of a second side are those of the first."""
    return _traffic(protocol, first, last), {}


def _ipv4_rule(direction: Direction, traffic: Traffic, item: Json, known: _Kept) -> SecurityGroupRule:
    text = str(item["CidrIp"])
    if item.get("Description"):
        return SecurityGroupRule(direction, traffic, _cidr_peer(text, 4), _description(item))
    if len(known) >= _MOST_KEPT:
        known.clear()
    rule = known[text] = SecurityGroupRule(direction, traffic, _cidr_peer(text, 4))
    return rule


def _description(item: Json) -> str:
    return str(item.get("Description") or "")


def _other_peers(permission: Json, owner: str) -> Iterator[tuple[Peer, Json]]:
    for item in permission.get("Ipv6Ranges") or ():
        yield _cidr_peer(str(item["CidrIpv6"]), 6), item
    for item in permission.get("PrefixListIds") or ():
        yield PrefixListPeer(str(item["PrefixListId"])), item
    for item in permission.get("UserIdGroupPairs") or ():
        yield parse_pair(item, owner), item


@lru_cache(maxsize=1 << 12, typed=True)
def _traffic(protocol: str, first: Any, last: Any) -> Traffic:
    """``typed``: true is no port 1, nor is it one because 1 was met before."""
    return make_traffic(parse_protocol(protocol), number(first, "FromPort"), number(last, "ToPort"))


def _cidr_peer(text: str, family: int) -> CidrPeer:
    cidr = parse_cidr(text)
    if cidr.family != family:
        raise ConfigError(f"{text!r} is an IPv{cidr.family} block where IPv{family} is wanted")
    return CidrPeer(cidr)


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
    traffic = _traffic(str(item["IpProtocol"]), item.get("FromPort"), item.get("ToPort"))
    return SecurityGroupRule(
        Direction.EGRESS if flag(item, "IsEgress") else Direction.INGRESS,
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


_KEYS = {
    "CidrIp": "CidrIpv4",
    "CidrIpv6": "CidrIpv6",
    "PrefixListId": "PrefixListId",
    "GroupId": "ReferencedGroupId",
}


def rule_request(rule: SecurityGroupRule) -> dict[str, Any]:
    """A ``SecurityGroupRuleRequest`` (API shape of that name): the whole rule, its description too, for what is
    not said is taken away."""
    _, item = peer_fields(rule.peer)
    peer = {_KEYS[key]: value for key, value in item.items() if key in _KEYS}
    described = {"Description": rule.description} if rule.description else {}
    return {**traffic_fields(rule.traffic), **peer, **described}


def rule_of_request(body: Json, direction: Direction) -> SecurityGroupRule:
    """The inverse of ``rule_request``."""
    group_id = body.get("ReferencedGroupId")
    peer = GroupPeer(str(group_id)) if group_id else _rule_peer(body)
    traffic = _traffic(str(body["IpProtocol"]), body.get("FromPort"), body.get("ToPort"))
    return SecurityGroupRule(direction, traffic, peer, description=str(body.get("Description") or ""))


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
