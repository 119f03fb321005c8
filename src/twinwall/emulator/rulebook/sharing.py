"""Groups used in other VPCs of their Region (aws-facts 1.9)."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from twinwall.emulator.refusal import invalid, not_found, refuse
from twinwall.emulator.rulebook.filters import Values, page, select
from twinwall.emulator.rulebook.references import find_group
from twinwall.emulator.state import Answer, Call, Put, VpcAssociation
from twinwall.model.firewall import SecurityGroup
from twinwall.model.wire import tag_list


def associate(call: Call) -> Answer:
    """Own group, own VPC, same Region; no default group, no default VPC (API)."""
    group = find_group(call, call.params["GroupId"])
    vpc_id = call.params["VpcId"]
    vpc = call.network.vpc(call.account, call.region, vpc_id) or not_found("vpc", vpc_id)
    if group.is_default:
        refuse("OperationNotPermitted", "A default security group cannot be associated with another VPC")
    if vpc.is_default:
        refuse("OperationNotPermitted", "A security group cannot be associated with the default VPC")
    if vpc_id == group.vpc_id:
        invalid(f"The security group {group.group_id} belongs to the VPC {vpc_id}")
    standing = call.here.associations.get((group.group_id, vpc_id))
    if standing and standing.state in ("associating", "associated"):
        refuse("Resource.AlreadyAssociated", f"{group.group_id} is associated with the VPC {vpc_id} already")
    state = "associating" if call.world.switches.slow_states else "associated"
    association = VpcAssociation(group.group_id, vpc_id, vpc.owner_id, state)
    return Answer({"State": "associating"}, (Put(association),))


def disassociate(call: Call) -> Answer:
    """Only where no interface of that VPC uses the group (API)."""
    group = find_group(call, call.params["GroupId"])
    vpc_id = call.params["VpcId"]
    association = call.here.associations.get((group.group_id, vpc_id))
    if association is None or association.state != "associated":
        invalid(f"The security group {group.group_id} is not associated with the VPC {vpc_id}")
    users = call.network.interfaces_with(call.account, call.region, group.group_id)
    if any(used_in == vpc_id for _, used_in in users):
        refuse("DependencyViolation", f"{group.group_id} is used by a network interface in {vpc_id}")
    state = "disassociating" if call.world.switches.slow_states else "disassociated"
    return Answer({"State": "disassociating"}, (Put(replace(association, state=state)),))


def describe(call: Call) -> Answer:
    table: Mapping[str, Values[VpcAssociation]] = {
        "group-id": lambda a: [a.group_id],
        "group-owner-id": lambda _: [call.account],
        "state": lambda a: [a.state],
        "vpc-id": lambda a: [a.vpc_id],
        "vpc-owner-id": lambda a: [a.vpc_owner_id],
    }
    found = select(call.here.associations.values(), call.params.get("Filters"), table)
    output = page(
        found,
        call.params,
        "SecurityGroupVpcAssociations",
        lambda association: _document(call, association),
        least=5,
        most=1000,
    )
    return Answer(output, _settle(found))


def _document(call: Call, association: VpcAssociation) -> dict[str, Any]:
    return {
        "GroupId": association.group_id,
        "VpcId": association.vpc_id,
        "VpcOwnerId": association.vpc_owner_id,
        "State": association.state,
        "GroupOwnerId": call.account,
    }


_NEXT = {"associating": "associated", "disassociating": "disassociated"}


def _settle(seen: Iterable[VpcAssociation]) -> tuple[Put, ...]:
    return tuple(Put(replace(a, state=_NEXT[a.state])) for a in seen if a.state in _NEXT)


def for_vpc(call: Call) -> Answer:
    """GetSecurityGroupsForVpc: made there or associated with it."""
    vpc_id = call.params["VpcId"]
    if call.network.vpc(call.account, call.region, vpc_id) is None:
        not_found("vpc", vpc_id)
    lent = {a.group_id for a in call.here.associations.values() if a.vpc_id == vpc_id and a.state[:2] == "as"}
    usable = [g for g in call.here.groups.values() if g.vpc_id == vpc_id or g.group_id in lent]
    found = select(usable, call.params.get("Filters"), _FOR_VPC_FILTERS, lambda group: group.tags)
    return Answer(page(found, call.params, "SecurityGroupForVpcs", _for_vpc, least=5, most=1000))


_FOR_VPC_FILTERS: Mapping[str, Values[SecurityGroup]] = {
    "group-id": lambda group: [group.group_id],
    "description": lambda group: [group.description],
    "group-name": lambda group: [group.group_name],
    "owner-id": lambda group: [group.owner_id],
    "primary-vpc-id": lambda group: [group.vpc_id],
}


def _for_vpc(group: SecurityGroup) -> dict[str, Any]:
    return {
        "GroupId": group.group_id,
        "GroupName": group.group_name,
        "Description": group.description,
        "OwnerId": group.owner_id,
        "Tags": tag_list(group.tags),
        "PrimaryVpcId": group.vpc_id,
    }
