"""What rows and requests say, read for the watch alone: it shares no code with what it watches."""

from collections.abc import Iterator, Mapping
from typing import Any

from twinwall.boundary import Row


def listed(row: Row) -> set[str]:
    return {*(row.get("ips") or ()), *(row.get("ips6") or ())}


def blocks(permission: Mapping[str, Any]) -> Iterator[str]:
    """API: IpPermission. Both families."""
    yield from (block["CidrIp"] for block in permission.get("IpRanges") or ())
    yield from (block["CidrIpv6"] for block in permission.get("Ipv6Ranges") or ())


def block_of(rule: Mapping[str, Any]) -> str:
    """API: SecurityGroupRule. "" of a rule that names a group."""
    return str(rule.get("CidrIpv4") or rule.get("CidrIpv6") or "")


def is_readable(row: Row | None) -> bool:
    if row is None or row.get("tombstone") or not all(cidr.endswith(("/32", "/128")) for cidr in listed(row)):
        return False
    return bool(listed(row) or row.get("observed_at"))
