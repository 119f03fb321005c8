"""``IpPermission`` structures → rules, as strictly as EC2 reads them (aws-facts 1.4, 1.5)."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from twinwall.emulator.refusal import invalid, missing
from twinwall.emulator.rulebook.names import check_rule_description
from twinwall.errors import ConfigError
from twinwall.model.net import (
    ICMP,
    ICMP_PROTOCOLS,
    MAX_PORT,
    PORT_PROTOCOLS,
    Cidr,
    parse_cidr,
    parse_protocol,
)
from twinwall.model.rules import CidrPeer, Direction, Peer, PrefixListPeer, SecurityGroupRule, Traffic

Item = Mapping[str, Any]
ReadPair = Callable[[Item], Peer]
ReadList = Callable[[str], Peer]


def read_permissions(
    permissions: Iterable[Item],
    direction: Direction,
    pair: ReadPair,
    prefix_list: ReadList = PrefixListPeer,
    ampersand: bool = True,
) -> list[SecurityGroupRule]:
    """One rule per peer (API: IpPermission). ``pair`` and ``prefix_list`` resolve what a rule refers to."""
    return [
        SecurityGroupRule(direction, traffic, peer, description=_description(item, peer, ampersand))
        for permission in permissions
        for traffic in (read_traffic(permission),)
        for peer, item in _peers(permission, pair, prefix_list)
    ]


def _description(item: Item, peer: Peer, ampersand: bool) -> str:
    text = item.get("Description")
    return check_rule_description(text, ampersand or isinstance(peer, CidrPeer)) if text else ""


@lru_cache
def read_protocol(text: str | None) -> int:
    """tcp, udp, icmp, icmpv6, a number, or -1 (API: IpPermission.IpProtocol)."""
    if text is None:
        missing("ipProtocol")
    try:
        if text.lower() != "all":
            return parse_protocol(text)
    except ConfigError:
        pass
    return invalid(f"Invalid value '{text}' for IP protocol. Unknown protocol.")


def read_traffic(permission: Item) -> Traffic:
    """Ports of other protocols are ignored; icmpv6 may leave them out (API: IpPermission.IpProtocol)."""
    protocol = read_protocol(permission.get("IpProtocol"))
    first, last = permission.get("FromPort"), permission.get("ToPort")
    if protocol in PORT_PROTOCOLS:
        return Traffic(protocol, *check_ports(first, last))
    if protocol in ICMP_PROTOCOLS:
        if protocol == ICMP and (first is None or last is None):
            invalid("Invalid value 'Must specify both type and code for ICMP.' for icmpTypeCode.")
        return Traffic(protocol, *check_icmp(first, last))
    return Traffic(protocol)


def check_ports(first: int | None, last: int | None) -> tuple[int, int]:
    if first is None or last is None:
        invalid("Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.")
    for port in (first, last):
        if not 0 <= port <= MAX_PORT:
            invalid(f"TCP/UDP port ({port}) out of range")
    if first > last:
        invalid(f"Invalid TCP/UDP port range ({first}:{last})")
    return first, last


def check_icmp(first: int | None, last: int | None) -> tuple[int, int]:
    """Type and code, -1 for all; all types only with all codes (API: IpPermission.ToPort)."""
    kind, code = -1 if first is None else first, -1 if last is None else last
    if not -1 <= kind <= 255:
        invalid(f"ICMP type ({kind}) out of range")
    if not -1 <= code <= 255:
        invalid(f"ICMP code ({code}) out of range")
    if kind == -1 and code != -1:
        invalid(f"ICMP code ({code}) must be -1 if the type is -1")
    return kind, code


def read_cidr(text: str, family: int) -> Cidr:
    """Canonical: host bits are cut (API: IpRange.CidrIp). A lone address needs its /32 or /128."""
    try:
        cidr = parse_cidr(text)
    except ConfigError:
        invalid(f"CIDR block {text} is malformed")
    if cidr.family != family:
        invalid(f"CIDR block {text} is malformed")
    return cidr


def _peers(permission: Item, pair: ReadPair, prefix_list: ReadList) -> Iterator[tuple[Peer, Item]]:
    ranges = permission.get("IpRanges") or ()
    ranges6 = permission.get("Ipv6Ranges") or ()
    lists = permission.get("PrefixListIds") or ()
    pairs = permission.get("UserIdGroupPairs") or ()
    if not (ranges or ranges6 or lists or pairs):
        missing("ipRanges, ipv6Ranges, prefixListIds or groups")
    for item in ranges:
        yield CidrPeer(read_cidr(item.get("CidrIp") or missing("cidrIp"), 4)), item
    for item in ranges6:
        yield CidrPeer(read_cidr(item.get("CidrIpv6") or missing("cidrIpv6"), 6)), item
    for item in lists:
        yield prefix_list(item.get("PrefixListId") or missing("prefixListId")), item
    for item in pairs:
        yield pair(item), item


_FLAT = (
    "IpProtocol",
    "FromPort",
    "ToPort",
    "CidrIp",
    "SourceSecurityGroupName",
    "SourceSecurityGroupOwnerId",
)


def given_permissions(params: Item, direction: Direction) -> list[Item]:
    """IpPermissions, or the flat parameters of old, which egress does not take (aws-facts 1.1)."""
    permissions = list(params.get("IpPermissions") or ())
    flat = {key: params[key] for key in _FLAT if key in params}
    if flat and direction is Direction.EGRESS:
        invalid(f"The parameter {next(iter(flat))} is not supported. Use a set of IP permissions instead.")
    if flat and permissions:
        invalid("The flat parameters and ipPermissions may not be used together")
    return _from_flat(flat) if flat else permissions


_FULL_ACCESS: tuple[Item, ...] = (
    {"IpProtocol": "tcp", "FromPort": 0, "ToPort": MAX_PORT},
    {"IpProtocol": "udp", "FromPort": 0, "ToPort": MAX_PORT},
    {"IpProtocol": "icmp", "FromPort": -1, "ToPort": -1},
)
"""What SourceSecurityGroupName grants by itself (API: "full ICMP, UDP, and TCP access")."""


def _from_flat(flat: Item) -> list[Item]:
    traffic = {key: flat[key] for key in ("IpProtocol", "FromPort", "ToPort") if key in flat}
    if "CidrIp" in flat:
        return [traffic | {"IpRanges": [{"CidrIp": flat["CidrIp"]}]}]
    if "SourceSecurityGroupName" not in flat:
        return [traffic]
    pair = {"GroupName": flat["SourceSecurityGroupName"]}
    if "SourceSecurityGroupOwnerId" in flat:
        pair["UserId"] = flat["SourceSecurityGroupOwnerId"]
    return [{**each, "UserIdGroupPairs": [pair]} for each in ([traffic] if traffic else _FULL_ACCESS)]
