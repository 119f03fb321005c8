"""DescribeNetworkAcls. The final denies 32767 and 32768 stand in every answer (aws-facts 2)."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from twinwall.emulator.rulebook.acls import find_acl
from twinwall.emulator.rulebook.filters import Values, page, select, text
from twinwall.emulator.state import Answer, Call
from twinwall.model.firewall import NetworkAcl
from twinwall.model.wire import acl_document, tag_list

Shown = tuple[NetworkAcl, dict[str, Any]]


def describe(call: Call) -> Answer:
    acls: Iterable[NetworkAcl] = call.here.acls.values()
    if call.params.get("NetworkAclIds"):
        acls = [find_acl(call, acl_id) for acl_id in dict.fromkeys(call.params["NetworkAclIds"])]
    shown = ((acl, _document(call, acl)) for acl in acls)
    found = select(shown, call.params.get("Filters"), ACL_FILTERS, lambda item: item[0].tags)
    return Answer(page(found, call.params, "NetworkAcls", lambda item: item[1], least=5, most=1000))


def _document(call: Call, acl: NetworkAcl) -> dict[str, Any]:
    vpc = call.network.vpc(call.account, call.region, acl.vpc_id)
    return acl_document(acl, ipv6=vpc is not None and vpc.has_ipv6) | {"Tags": tag_list(acl.tags)}


def _entries(read: Callable[[Mapping[str, Any]], Any]) -> Values[Shown]:
    def values(shown: Shown) -> list[str]:
        read_values = (read(entry) for entry in shown[1]["Entries"])
        return [str(value) for value in read_values if value is not None]

    return values


_PROTOCOLS = {"6": "tcp", "17": "udp", "1": "icmp"}


def _protocols(shown: Shown) -> list[str]:
    """Names are accepted beside numbers (API: entry.protocol)."""
    numbers = [str(entry["Protocol"]) for entry in shown[1]["Entries"]]
    return numbers + [_PROTOCOLS[number] for number in numbers if number in _PROTOCOLS]


ACL_FILTERS: Mapping[str, Values[Shown]] = {
    "association.association-id": lambda s: [a.association_id for a in s[0].associations],
    "association.network-acl-id": lambda s: [s[0].network_acl_id] if s[0].associations else [],
    "association.subnet-id": lambda s: [a.subnet_id for a in s[0].associations],
    "default": lambda s: [text(s[0].is_default)],
    "entry.cidr": _entries(lambda entry: entry.get("CidrBlock")),
    "entry.ipv6-cidr": _entries(lambda entry: entry.get("Ipv6CidrBlock")),
    "entry.icmp.code": _entries(lambda entry: (entry.get("IcmpTypeCode") or {}).get("Code")),
    "entry.icmp.type": _entries(lambda entry: (entry.get("IcmpTypeCode") or {}).get("Type")),
    "entry.port-range.from": _entries(lambda entry: (entry.get("PortRange") or {}).get("From")),
    "entry.port-range.to": _entries(lambda entry: (entry.get("PortRange") or {}).get("To")),
    "entry.protocol": _protocols,
    "entry.rule-action": _entries(lambda entry: entry["RuleAction"]),
    "entry.egress": _entries(lambda entry: text(entry["Egress"])),
    "entry.rule-number": _entries(lambda entry: entry["RuleNumber"]),
    "network-acl-id": lambda s: [s[0].network_acl_id],
    "owner-id": lambda s: [s[0].owner_id],
    "vpc-id": lambda s: [s[0].vpc_id],
}
"""API: DescribeNetworkAclsRequest.Filters."""
