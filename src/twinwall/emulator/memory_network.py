"""The network around the firewall, in memory: VPCs, subnets, interfaces and peerings as EC2's own documents.

It is ``state.Network`` for the rulebook and answers the Describe calls of these things. They change only by hand
(``MemoryAws.make_vpc``, ``load``, ``attach``, ``peer``); only their tags change by a request.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from twinwall.emulator.network import Peering, VpcFacts
from twinwall.emulator.refusal import not_found
from twinwall.emulator.rulebook.filters import Values, page, select, text
from twinwall.emulator.state import Answer, Call
from twinwall.model.rules import Tags
from twinwall.model.wire import parse_tags, tag_list

Item = dict[str, Any]
Place = tuple[str, str]
"""(account, Region)"""


@dataclass
class Around:
    """What one account sees in a Region, by id."""

    vpcs: dict[str, Item] = field(default_factory=dict)
    subnets: dict[str, Item] = field(default_factory=dict)
    interfaces: dict[str, Item] = field(default_factory=dict)
    facts: dict[str, VpcFacts] = field(default_factory=dict)


@dataclass
class MemoryNetwork:
    places: dict[Place, Around] = field(default_factory=dict)
    joined: dict[str, Peering] = field(default_factory=dict)

    def at(self, account: str, region: str) -> Around:
        return self.places.setdefault((account, region), Around())

    # --- state.Network

    def vpc(self, account: str, region: str, vpc_id: str) -> VpcFacts | None:
        around = self.places.get((account, region))
        return around.facts.get(vpc_id) if around else None

    def default_vpc(self, account: str, region: str) -> VpcFacts | None:
        return next((vpc for vpc in self.at(account, region).facts.values() if vpc.is_default), None)

    def subnet_vpc(self, account: str, region: str, subnet_id: str) -> str | None:
        found = self.at(account, region).subnets.get(subnet_id)
        return str(found["VpcId"]) if found else None

    def interfaces_with(self, account: str, region: str, group_id: str) -> list[tuple[str, str]]:
        del account  # an id is no other account's
        return [
            (id_, str(item["VpcId"]))
            for (_, of_region), around in self.places.items()
            for id_, item in (around.interfaces.items() if of_region == region else ())
            if any(group["GroupId"] == group_id for group in item["Groups"])
        ]

    def peerings(self, account: str, region: str) -> list[Peering]:
        if not self.joined:
            return []
        here = (account, region)
        return [p for p in self.joined.values() if here in (p.sides[0][:2], p.sides[1][:2])]

    def tags(self, account: str, region: str) -> Mapping[str, Mapping[str, str]]:
        around = self.at(account, region)
        return {
            id_: dict(_tags(item))
            for kind in (around.vpcs, around.subnets, around.interfaces)
            for id_, item in kind.items()
        }

    def check_exists(self, account: str, region: str, resource_id: str) -> None:
        if resource_id not in self.tags(account, region) and resource_id not in self.joined:
            not_found(resource_id.partition("-")[0], resource_id)

    def retag(self, account: str, region: str, resource_id: str, tags: Tags) -> None:
        around = self.at(account, region)
        for held, key in ((around.vpcs, "Tags"), (around.subnets, "Tags"), (around.interfaces, "TagSet")):
            if resource_id in held:
                held[resource_id] = {**held[resource_id], key: tag_list(tags)}

    # --- put there

    def put_vpc(self, account: str, region: str, item: Mapping[str, Any]) -> None:
        vpc = {"State": "available", "IsDefault": False, **item}
        blocks = vpc.get("Ipv6CidrBlockAssociationSet") or ()
        facts = VpcFacts(vpc["VpcId"], vpc["OwnerId"], bool(blocks), bool(vpc["IsDefault"]))
        around = self.at(account, region)
        around.vpcs[facts.vpc_id], around.facts[facts.vpc_id] = vpc, facts


def vpc_document(vpc_id: str, owner: str, cidr: str, ipv6: str | None, tags: Tags = ()) -> Item:
    """API: Vpc."""
    item: Item = {
        "VpcId": vpc_id,
        "OwnerId": owner,
        "CidrBlock": cidr,
        "CidrBlockAssociationSet": [{"CidrBlock": cidr, "CidrBlockState": {"State": "associated"}}],
        "Tags": tag_list(tags),
    }
    if ipv6:
        state = {"State": "associated"}
        item["Ipv6CidrBlockAssociationSet"] = [{"Ipv6CidrBlock": ipv6, "Ipv6CidrBlockState": state}]
    return item


def _tags(item: Item) -> Tags:
    return parse_tags(item.get("Tags") or item.get("TagSet"))


# --- described


def _same(*keys: str) -> Values[Item]:
    """The value at this path of the document."""

    def values(item: Item) -> Iterable[str]:
        found: Any = item
        for key in keys:
            found = (found or {}).get(key)
        if found is None:
            return []
        return [text(found) if isinstance(found, bool) else str(found)]

    return values


VPC_FILTERS: Mapping[str, Values[Item]] = {
    "vpc-id": _same("VpcId"),
    "owner-id": _same("OwnerId"),
    "cidr": _same("CidrBlock"),
    "state": _same("State"),
    "is-default": _same("IsDefault"),
}
SUBNET_FILTERS: Mapping[str, Values[Item]] = {
    "vpc-id": _same("VpcId"),
    "subnet-id": _same("SubnetId"),
    "owner-id": _same("OwnerId"),
    "availability-zone": _same("AvailabilityZone"),
    "cidr-block": _same("CidrBlock"),
}
INTERFACE_FILTERS: Mapping[str, Values[Item]] = {
    "vpc-id": _same("VpcId"),
    "subnet-id": _same("SubnetId"),
    "owner-id": _same("OwnerId"),
    "network-interface-id": _same("NetworkInterfaceId"),
    "group-id": lambda item: [group["GroupId"] for group in item["Groups"]],
    "attachment.instance-id": _same("Attachment", "InstanceId"),
}
PEERING_FILTERS: Mapping[str, Values[Item]] = {
    "vpc-peering-connection-id": _same("VpcPeeringConnectionId"),
    "status-code": _same("Status", "Code"),
    "requester-vpc-info.vpc-id": _same("RequesterVpcInfo", "VpcId"),
    "requester-vpc-info.owner-id": _same("RequesterVpcInfo", "OwnerId"),
    "accepter-vpc-info.vpc-id": _same("AccepterVpcInfo", "VpcId"),
    "accepter-vpc-info.owner-id": _same("AccepterVpcInfo", "OwnerId"),
}


def describe(network: MemoryNetwork) -> Mapping[str, Callable[[Call], Answer]]:
    """The actions that are answered from this network."""

    def around(call: Call) -> Around:
        return network.at(call.account, call.region)

    return {
        "DescribeVpcs": lambda call: _page(call, around(call).vpcs, "vpc", "VpcIds", "Vpcs", VPC_FILTERS),
        "DescribeSubnets": lambda call: _page(
            call, around(call).subnets, "subnet", "SubnetIds", "Subnets", SUBNET_FILTERS
        ),
        "DescribeNetworkInterfaces": lambda call: _page(
            call,
            around(call).interfaces,
            "eni",
            "NetworkInterfaceIds",
            "NetworkInterfaces",
            INTERFACE_FILTERS,
        ),
        "DescribeVpcPeeringConnections": lambda call: _page(
            call,
            {p.id: _peering(p) for p in network.peerings(call.account, call.region)},
            "pcx",
            "VpcPeeringConnectionIds",
            "VpcPeeringConnections",
            PEERING_FILTERS,
        ),
    }


def _page(
    call: Call, held: Mapping[str, Item], prefix: str, ids: str, key: str, filters: Mapping[str, Values[Item]]
) -> Answer:
    wanted = call.params.get(ids)
    items = [held.get(id_) or not_found(prefix, id_) for id_ in wanted] if wanted else held.values()
    found = select(items, call.params.get("Filters"), filters, _tags)
    return Answer(page(found, call.params, key, dict, least=5, most=1000))


def _peering(peering: Peering) -> Item:
    requester, accepter = (
        {"OwnerId": account, "Region": region, "VpcId": vpc_id} for account, region, vpc_id in peering.sides
    )
    return {
        "VpcPeeringConnectionId": peering.id,
        "Status": {"Code": peering.status},
        "RequesterVpcInfo": requester,
        "AccepterVpcInfo": accepter,
    }
