"""Network ACLs: ``NetworkAcl``, ``NetworkAclEntry``."""

from typing import Any

from twinwall.errors import ConfigError
from twinwall.model.firewall import NetworkAcl, NetworkAclAssociation
from twinwall.model.net import ALL_PROTOCOLS, ICMP_PROTOCOLS, PORT_PROTOCOLS, parse_cidr, parse_protocol
from twinwall.model.rules import (
    MAX_RULE_NUMBER,
    Direction,
    NetworkAclEntry,
    RuleAction,
    Traffic,
    make_traffic,
)
from twinwall.model.wire.shape import flag, misplaced, text
from twinwall.model.wire.tags import Json, number, parse_tags, tag_list


def parse_acl(item: Json) -> NetworkAcl:
    entries: dict[tuple[Direction, int], NetworkAclEntry] = {}
    for index, raw in enumerate(item.get("Entries") or ()):
        try:
            if _rule_number(raw) > MAX_RULE_NUMBER:
                continue
            entry = parse_entry(raw)
        except (KeyError, ConfigError) as wrong:
            raise misplaced(f"Entries[{index}]", wrong) from None
        if entries.setdefault(entry.key, entry) != entry:
            raise ConfigError(f"two {entry.direction.value} entries have the number {entry.rule_number}")
    return NetworkAcl(
        network_acl_id=str(item["NetworkAclId"]),
        vpc_id=str(item.get("VpcId") or ""),
        owner_id=text(item, "OwnerId"),
        is_default=flag(item, "IsDefault"),
        entries=tuple(sorted(entries.values())),
        associations=tuple(
            sorted(
                NetworkAclAssociation(str(a["SubnetId"]), str(a.get("NetworkAclAssociationId") or ""))
                for a in item.get("Associations") or ()
            )
        ),
        tags=parse_tags(item.get("Tags")),
    )


def parse_entry(raw: Json) -> NetworkAclEntry:
    protocol = parse_protocol(raw["Protocol"])
    block = raw.get("CidrBlock") or raw.get("Ipv6CidrBlock")
    if not block:
        raise ConfigError("neither CidrBlock nor Ipv6CidrBlock is there; one of them is wanted")
    return NetworkAclEntry(
        direction=Direction.EGRESS if flag(raw, "Egress") else Direction.INGRESS,
        rule_number=_rule_number(raw),
        action=_rule_action(raw["RuleAction"]),
        traffic=_entry_traffic(protocol, raw),
        cidr=parse_cidr(str(block)),
    )


def _rule_number(raw: Json) -> int:
    found = number(raw["RuleNumber"], "RuleNumber")
    if found is None or found < 1:
        raise ConfigError(f"RuleNumber is {found}; allowed are 1 to {MAX_RULE_NUMBER}, and EC2's own above")
    return found


def _rule_action(text: Any) -> RuleAction:
    try:
        return RuleAction(str(text).lower())
    except ValueError:
        raise ConfigError(f"RuleAction is {text!r}; allow or deny is wanted") from None


def _entry_traffic(protocol: int, raw: Json) -> Traffic:
    if protocol in PORT_PROTOCOLS:
        ports = raw.get("PortRange") or {}
        return make_traffic(protocol, number(ports.get("From"), "From"), number(ports.get("To"), "To"))
    if protocol in ICMP_PROTOCOLS:
        icmp = raw.get("IcmpTypeCode") or {}
        return make_traffic(protocol, number(icmp.get("Type"), "Type"), number(icmp.get("Code"), "Code"))
    return make_traffic(protocol, None, None)


def entry_fields(entry: NetworkAclEntry) -> dict[str, Any]:
    """The entry as EC2 takes and answers it: protocols are numbers in text, IPv6 has a key of its own."""
    fields: dict[str, Any] = {
        "RuleNumber": entry.rule_number,
        "Protocol": str(entry.traffic.protocol),
        "RuleAction": entry.action.value,
        "Egress": entry.direction is Direction.EGRESS,
        "CidrBlock" if entry.cidr.family == 4 else "Ipv6CidrBlock": str(entry.cidr),
    }
    if entry.traffic.protocol in PORT_PROTOCOLS:
        fields["PortRange"] = {"From": entry.traffic.first, "To": entry.traffic.last}
    elif entry.traffic.protocol in ICMP_PROTOCOLS:
        fields["IcmpTypeCode"] = {"Type": entry.traffic.first, "Code": entry.traffic.last}
    return fields


def final_denies(direction: Direction, ipv6: bool) -> list[dict[str, Any]]:
    """EC2's own last entries of each direction: 32767, and 32768 where the VPC has IPv6."""
    deny = {"Protocol": str(ALL_PROTOCOLS), "RuleAction": "deny", "Egress": direction is Direction.EGRESS}
    entries: list[dict[str, Any]] = [{"RuleNumber": 32767, "CidrBlock": "0.0.0.0/0", **deny}]
    if ipv6:
        entries.append({"RuleNumber": 32768, "Ipv6CidrBlock": "::/0", **deny})
    return entries


def acl_document(acl: NetworkAcl, *, ipv6: bool = False) -> dict[str, Any]:
    """``ipv6``: the VPC has an IPv6 block, so EC2 lists 32768 too."""
    entries: list[dict[str, Any]] = []
    for direction in (Direction.EGRESS, Direction.INGRESS):
        entries += map(entry_fields, acl.entries_of(direction))
        entries += final_denies(direction, ipv6)
    return {
        "NetworkAclId": acl.network_acl_id,
        "VpcId": acl.vpc_id,
        "OwnerId": acl.owner_id,
        "IsDefault": acl.is_default,
        "Entries": entries,
        "Associations": [
            {
                "NetworkAclAssociationId": association.association_id,
                "NetworkAclId": acl.network_acl_id,
                "SubnetId": association.subnet_id,
            }
            for association in acl.associations
        ],
        "Tags": tag_list(acl.tags),
    }
