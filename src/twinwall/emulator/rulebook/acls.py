"""Network ACLs: made, deleted, their entries and associations (aws-facts chapter 2)."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from twinwall.emulator.network import VpcFacts
from twinwall.emulator.refusal import invalid, missing, not_found, refuse
from twinwall.emulator.rulebook.names import tags_for
from twinwall.emulator.rulebook.permissions import check_icmp, check_ports, read_cidr
from twinwall.emulator.rulebook.tokens import once
from twinwall.emulator.state import Answer, Call, Drop, Params, Put
from twinwall.emulator.switches import ACLS_PER_VPC, ENTRIES_PER_ACL
from twinwall.model.firewall import NetworkAcl, NetworkAclAssociation
from twinwall.model.net import ANY_IPV4, ANY_IPV6, ICMP, ICMPV6, PORT_PROTOCOLS, Cidr
from twinwall.model.rules import MAX_RULE_NUMBER, Direction, NetworkAclEntry, RuleAction, Traffic
from twinwall.model.wire import acl_document


def default_entries(has_ipv6: bool) -> tuple[NetworkAclEntry, ...]:
    """100 allows all IPv4 and 101, where the VPC has IPv6, all IPv6, each way (aws-facts 2)."""
    blocks = [(100, ANY_IPV4)] + ([(101, ANY_IPV6)] if has_ipv6 else [])
    return tuple(
        NetworkAclEntry(direction, number, RuleAction.ALLOW, Traffic(-1), cidr)
        for direction in (Direction.INGRESS, Direction.EGRESS)
        for number, cidr in blocks
    )


def default_acl(account: str, vpc: VpcFacts, acl_id: str) -> NetworkAcl:
    return NetworkAcl(acl_id, vpc.vpc_id, account, True, default_entries(vpc.has_ipv6))


def find_acl(call: Call, acl_id: str) -> NetworkAcl:
    return call.here.acls.get(acl_id) or not_found("acl", acl_id)


def create(call: Call) -> Answer:
    """A new one denies all and has no subnets; idempotent by ClientToken."""
    return once(call, "CreateNetworkAcl", _create)


def _create(call: Call) -> Answer:
    tags = tags_for(call, "network-acl")
    vpc_id = call.params["VpcId"]
    vpc = call.network.vpc(call.account, call.region, vpc_id) or not_found("vpc", vpc_id)
    if vpc.owner_id != call.account:
        refuse("OperationNotPermitted", f"The vpc '{vpc_id}' is shared; only its owner can do this.")
    if sum(acl.vpc_id == vpc_id for acl in call.here.acls.values()) >= call.quota(ACLS_PER_VPC):
        refuse("NetworkAclLimitExceeded", "The maximum number of network ACLs has been reached.")
    acl = NetworkAcl(call.world.ids("acl"), vpc_id, call.account, False, tags=tags)
    output = {"NetworkAcl": acl_document(acl, ipv6=vpc.has_ipv6)}
    if call.params.get("ClientToken"):
        output["ClientToken"] = call.params["ClientToken"]
    return Answer(output, (Put(acl),))


def delete(call: Call) -> Answer:
    acl = find_acl(call, call.params["NetworkAclId"])
    if acl.is_default:
        invalid(f"cannot delete default network ACL {acl.network_acl_id}")
    if acl.associations:
        refuse(
            "DependencyViolation",
            f"The networkAcl '{acl.network_acl_id}' has dependencies and cannot be deleted.",
        )
    return Answer({}, (Drop(acl),))


def replace_association(call: Call) -> Answer:
    """The swap; the association's id changes with each one. To the ACL it has already: the same id
    (documented idempotent, aws-facts 2)."""
    association_id = call.params["AssociationId"]
    target = find_acl(call, call.params["NetworkAclId"])
    for acl in call.here.acls.values():
        for association in acl.associations:
            if association.association_id == association_id:
                return _swap(call, acl, target, association)
    return not_found("aclassoc", association_id)


def _swap(call: Call, acl: NetworkAcl, target: NetworkAcl, association: NetworkAclAssociation) -> Answer:
    if acl.vpc_id != target.vpc_id:
        invalid(
            f"Network ACL {target.network_acl_id} and subnet {association.subnet_id} belong to different "
            "networks"
        )
    if acl.network_acl_id == target.network_acl_id:
        return Answer({"NewAssociationId": association.association_id})
    made = NetworkAclAssociation(association.subnet_id, call.world.ids("aclassoc"))
    left = replace(acl, associations=tuple(a for a in acl.associations if a != association))
    joined = replace(target, associations=tuple(sorted((*target.associations, made))))
    return Answer({"NewAssociationId": made.association_id}, (Put(left), Put(joined)))


# --- entries


def create_entry(call: Call) -> Answer:
    acl = find_acl(call, call.params["NetworkAclId"])
    entry = read_entry(call.params)
    if any(entry.key == other.key for other in acl.entries):
        refuse(
            "NetworkAclEntryAlreadyExists",
            f"The network acl entry identified by {entry.rule_number} already exists.",
        )
    entries = tuple(sorted((*acl.entries, entry)))
    _check_entry_quota(call, acl, entries)
    return Answer({}, (Put(replace(acl, entries=entries)),))


def replace_entry(call: Call) -> Answer:
    """The whole entry at (ACL, direction, number) is overwritten (API: ReplaceNetworkAclEntry)."""
    acl = find_acl(call, call.params["NetworkAclId"])
    entry = read_entry(call.params)
    kept = _without(acl, entry.direction, entry.rule_number)
    entries = tuple(sorted((*kept, entry)))
    _check_entry_quota(call, acl, entries)
    return Answer({}, (Put(replace(acl, entries=entries)),))


def delete_entry(call: Call) -> Answer:
    acl = find_acl(call, call.params["NetworkAclId"])
    number = _rule_number(call.params)
    return Answer({}, (Put(replace(acl, entries=_without(acl, _direction(call.params), number))),))


def _without(acl: NetworkAcl, direction: Direction, number: int) -> tuple[NetworkAclEntry, ...]:
    kept = tuple(entry for entry in acl.entries if entry.key != (direction, number))
    if len(kept) == len(acl.entries):
        refuse(
            "InvalidNetworkAclEntry.NotFound",
            f"The network acl entry identified by {number} does not exist in {acl.network_acl_id}.",
        )
    return kept


def _check_entry_quota(call: Call, acl: NetworkAcl, entries: Iterable[NetworkAclEntry]) -> None:
    """Per direction; per family as well, and with the final deny, where the switches say so."""
    switches = call.world.switches
    counts: dict[Any, int] = {}
    for entry in entries:
        key = (entry.direction, entry.cidr.family if switches.acl_quota_per_family else 0)
        counts[key] = counts.get(key, 0) + 1
    own = 1 if switches.acl_quota_counts_final_deny else 0
    if any(count + own > call.quota(ENTRIES_PER_ACL) for count in counts.values()):
        refuse(
            "NetworkAclEntryLimitExceeded",
            f"The maximum number of network acl entries for {acl.network_acl_id} has been reached.",
        )


def read_entry(params: Params) -> NetworkAclEntry:
    """API: CreateNetworkAclEntryRequest."""
    number = _rule_number(params)
    action = str(params["RuleAction"])
    if action not in ("allow", "deny"):
        invalid(f"Value ({action}) for parameter ruleAction is invalid. Valid values: allow, deny")
    cidr = _cidr(params)
    return NetworkAclEntry(_direction(params), number, RuleAction(action), _traffic(params, cidr), cidr)


def _direction(params: Params) -> Direction:
    return Direction.EGRESS if params["Egress"] else Direction.INGRESS


def _rule_number(params: Params) -> int:
    number = int(params["RuleNumber"])
    if not 1 <= number <= MAX_RULE_NUMBER:
        invalid(f"Value ({number}) for parameter ruleNumber is invalid. Valid values: 1 to {MAX_RULE_NUMBER}")
    return number


def _cidr(params: Params) -> Cidr:
    four, six = params.get("CidrBlock"), params.get("Ipv6CidrBlock")
    if four and six:
        invalid("Only one of cidrBlock and ipv6CidrBlock may be given")
    if four:
        return read_cidr(four, 4)
    return read_cidr(six, 6) if six else missing("cidrBlock or ipv6CidrBlock")


def _traffic(params: Params, cidr: Cidr) -> Traffic:
    """Protocols are numbers here; 58 with an IPv4 block means all types (API)."""
    text = str(params["Protocol"])
    if text != "-1" and not (text.isascii() and text.isdigit() and int(text) <= 255):
        invalid(f"Invalid value '{text}' for IP protocol. Unknown protocol.")
    protocol = int(text)
    if protocol in PORT_PROTOCOLS:
        ports = params.get("PortRange") or missing("portRange")
        return Traffic(protocol, *check_ports(ports.get("From"), ports.get("To")))
    if protocol == ICMPV6 and cidr.family == 4:
        return Traffic(protocol, -1, -1)
    if protocol in (ICMP, ICMPV6):
        icmp = params.get("IcmpTypeCode") or missing("icmpTypeCode")
        return Traffic(protocol, *check_icmp(icmp.get("Type"), icmp.get("Code")))
    return Traffic(protocol)
