"""Security groups and their rules: ``SecurityGroup``, ``IpPermission``, ``SecurityGroupRule``."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain
from operator import itemgetter
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
    """In the order of ``SecurityGroupRule.sort_key``. EC2 puts all rules of one traffic into one permission."""
    found: dict[Traffic, list[SecurityGroupRule]] = {}
    section = _SECTION[direction]
    for index, permission in enumerate(item.get(section) or ()):
        try:
            traffic, rules = _rules(permission, direction, owner)
        except (KeyError, ConfigError) as wrong:
            raise misplaced(f"{section}[{index}]", wrong) from None
        found[traffic] = _by_peer(found[traffic] + rules) if traffic in found else rules
    return chain.from_iterable(map(found.__getitem__, sorted(found)))


def _by_peer(rules: list[SecurityGroupRule]) -> list[SecurityGroupRule]:
    """Twins, which other tools' dumps hold, by their description, so that the file's order decides nothing."""
    return rules if len(rules) < 2 else sorted(rules, key=lambda rule: (rule.peer_key, rule.description))


def parse_permission(permission: Json, direction: Direction, owner: str) -> Iterator[SecurityGroupRule]:
    """One ``IpPermission`` fans out to one rule per peer (API: IpPermission). ``owner`` fills in the
    account of a pair that names none."""
    return iter(_rules(permission, direction, owner)[1])


_rule = itemgetter(1)


def _rules(permission: Json, direction: Direction, owner: str) -> tuple[Traffic, list[SecurityGroupRule]]:
    """In the order of their peers. Nearly all rules of a large estate are plain IPv4 blocks without a
    description: those are put in order before they are made."""
    said = permission.get
    met = _rules_met(direction, str(permission["IpProtocol"]), said("FromPort"), said("ToPort"))
    ranges = said("IpRanges") or ()
    plain = [met[item["CidrIp"]] for item in ranges]
    if any(map((1).__ne__, map(len, ranges))):
        rules = list(map(_described, map(_rule, plain), ranges))
        return met.traffic, _by_peer(rules + _other_rules(permission, direction, met.traffic, owner))
    plain.sort()
    rules = list(map(_rule, plain))
    if said("UserIdGroupPairs") or said("Ipv6Ranges") or said("PrefixListIds"):
        rules += _by_peer(_other_rules(permission, direction, met.traffic, owner))
    return met.traffic, rules


def _other_rules(
    permission: Json, direction: Direction, traffic: Traffic, owner: str
) -> list[SecurityGroupRule]:
    return [
        SecurityGroupRule(direction, traffic, peer, _description(item))
        for peer, item in _other_peers(permission, owner)
    ]


def _described(rule: SecurityGroupRule, item: Json) -> SecurityGroupRule:
    told = _description(item)
    return SecurityGroupRule(rule.direction, rule.traffic, rule.peer, told) if told else rule


def _description(item: Json) -> str:
    return str(item.get("Description") or "")


def _other_peers(permission: Json, owner: str) -> Iterator[tuple[Peer, Json]]:
    for item in permission.get("Ipv6Ranges") or ():
        yield _ipv6_peer(item["CidrIpv6"]), item
    for item in permission.get("PrefixListIds") or ():
        yield PrefixListPeer(str(item["PrefixListId"])), item
    for item in permission.get("UserIdGroupPairs") or ():
        yield parse_pair(item, owner), item


@lru_cache(maxsize=1 << 12, typed=True)
def _traffic(protocol: str, first: Any, last: Any) -> Traffic:
    """``typed``: true is no port 1, nor is it one because 1 was met before."""
    return make_traffic(parse_protocol(protocol), number(first, "FromPort"), number(last, "ToPort"))


_Placed = tuple[int, SecurityGroupRule]
"""A rule behind a number that sorts it among its like faster than its block does."""


class _Rules(dict[str, _Placed]):
    """Rules of one direction and traffic that name an IPv4 block and say no more, by the block as it was
    spelled. Most are met again and again: once for each copy, at least."""

    def __init__(self, direction: Direction, traffic: Traffic) -> None:
        super().__init__()
        self.direction, self.traffic = direction, traffic

    def __missing__(self, text: str) -> _Placed:
        cidr = parse_cidr(text if type(text) is str else str(text))
        if cidr.family != 4:
            raise ConfigError(f"{text!r} is an IPv6 block where IPv4 is wanted")
        _make_room()
        rule = SecurityGroupRule(self.direction, self.traffic, _new(CidrPeer, (cidr,)))
        placed = self[text] = cidr.first << 6 | cidr.length, rule
        return placed


@lru_cache(maxsize=1 << 12, typed=True)
def _rules_met(direction: Direction, protocol: str, first: Any, last: Any) -> _Rules:
    return _Rules(direction, _traffic(protocol, first, last))


def _make_room() -> None:
    """All of them together are bounded, and forgotten together."""
    _MET["rules"] += 1
    if _MET["rules"] > _MOST_RULES:
        _rules_met.cache_clear()
        _MET["rules"] = 1


_new = tuple.__new__
_MET = {"rules": 0}
_MOST_RULES = 1 << 17


def _ipv6_peer(text: str) -> CidrPeer:
    cidr = parse_cidr(str(text))
    if cidr.family != 6:
        raise ConfigError(f"{text!r} is an IPv4 block where IPv6 is wanted")
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
