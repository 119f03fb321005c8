"""Puts networks into ``MemoryAws``, as ``seed`` does into the endpoint: empty VPCs, whole snapshots, interfaces."""

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from twinwall.emulator.memory_network import Item, vpc_document
from twinwall.emulator.network import Peering, VpcFacts
from twinwall.emulator.refusal import not_found
from twinwall.emulator.rulebook.acls import default_acl
from twinwall.emulator.rulebook.groups import default_group
from twinwall.emulator.rulebook.list_reads import aws_lists
from twinwall.emulator.state import Holdings, Put, World, apply, with_rule_ids
from twinwall.emulator.takeover import FALLBACK, owned_acl, owned_groups, put_list, vpcs_of
from twinwall.model.firewall import NetworkAclAssociation
from twinwall.model.rules import Tags
from twinwall.model.wire import parse_snapshot, tag_list

if TYPE_CHECKING:
    from twinwall.emulator.memory import MemoryAws


def open_region(world: World, account: str, region: str) -> None:
    """Every Region has AWS's own lists from the first look on."""
    if (account, region) not in world.holdings:
        held = world.at(account, region)
        offered = aws_lists(region, cloudfront=world.switches.cloudfront_lists)
        held.lists.update((state.key, state) for state in offered)


def make_vpc(
    aws: "MemoryAws",
    account: str,
    region: str,
    cidr: str,
    ipv6_cidr: str | None,
    subnets: Sequence[tuple[str, str, str]],
    name: str,
    *,
    default: bool,
) -> str:
    ids = aws.world.ids
    vpc_id = ids("vpc")
    described = vpc_document(vpc_id, account, cidr, ipv6_cidr, _named(name))
    aws.network.put_vpc(account, region, {**described, "IsDefault": default})
    sixes = ipaddress.ip_network(ipv6_cidr).subnets(new_prefix=64) if ipv6_cidr else iter(())
    around = aws.network.at(account, region)
    for block, zone, subnet_name in subnets:
        six, subnet_id = next(sixes, None), ids("subnet")
        item: Item = {
            "SubnetId": subnet_id,
            "VpcId": vpc_id,
            "OwnerId": account,
            "AvailabilityZone": zone if len(zone) > 1 else region + zone,
            "CidrBlock": block,
            "Tags": tag_list(_named(subnet_name)),
        }
        if six is not None:
            state = {"State": "associated"}
            item["Ipv6CidrBlockAssociationSet"] = [{"Ipv6CidrBlock": str(six), "Ipv6CidrBlockState": state}]
        around.subnets[subnet_id] = item
    _complete(aws, account, region, [vpc_id])
    return vpc_id


def _named(name: str) -> Tags:
    return (("Name", name),) if name else ()


def load(aws: "MemoryAws", account: str, region: str, document: Mapping[str, Any]) -> list[str]:
    """As ``seed.load_document``: the document's owner becomes the account, its Region this one."""
    snapshot = parse_snapshot(document)
    old_region, owner = snapshot.region or region, snapshot.owner_id
    open_region(aws.world, account, region)
    held = aws.world.at(account, region)
    _load_network(aws, account, region, document, [vpc.vpc_id for vpc in vpcs_of(snapshot)], old_region)
    for item in snapshot.prefix_lists or ():
        put_list(held, item, old_region, owner)
    for group in owned_groups(snapshot, document, account):
        apply(held, [Put(with_rule_ids(group, aws.world.ids))])
    for acl in snapshot.acls or ():
        apply(held, [Put(owned_acl(acl, account, aws.world.ids))])
    _complete(aws, account, region, snapshot.vpc_ids())
    return list(snapshot.vpc_ids())


def _load_network(
    aws: "MemoryAws",
    account: str,
    region: str,
    document: Mapping[str, Any],
    vpc_ids: Iterable[str],
    old_region: str,
) -> None:
    around = aws.network.at(account, region)
    described = {item["VpcId"]: item for item in document.get("Vpcs") or ()}
    for vpc_id in vpc_ids:
        item = described.get(vpc_id) or vpc_document(vpc_id, account, str(FALLBACK), None)
        aws.network.put_vpc(account, region, {**item, "OwnerId": account})
    for item in document.get("Subnets") or ():
        zone = str(item.get("AvailabilityZone") or f"{region}a").replace(old_region, region)
        around.subnets[item["SubnetId"]] = {**item, "OwnerId": account, "AvailabilityZone": zone}
    for item in document.get("NetworkInterfaces") or ():
        around.interfaces[item["NetworkInterfaceId"]] = {"Groups": [], **item}


def _complete(aws: "MemoryAws", account: str, region: str, vpc_ids: Iterable[str]) -> None:
    """What EC2 makes with a VPC: its default group and ACL, and an ACL for each subnet (aws-facts 1.3, 2)."""
    open_region(aws.world, account, region)
    held, around = aws.world.at(account, region), aws.network.at(account, region)
    for vpc_id in vpc_ids:
        _complete_vpc(aws, held, around.facts[vpc_id])
    taken = {a.subnet_id for acl in held.acls.values() for a in acl.associations}
    for acl in [acl for acl in held.acls.values() if acl.is_default]:
        free = [s for s, item in around.subnets.items() if item["VpcId"] == acl.vpc_id and s not in taken]
        made = (NetworkAclAssociation(subnet_id, aws.world.ids("aclassoc")) for subnet_id in free)
        apply(held, [Put(replace(acl, associations=tuple(sorted((*acl.associations, *made)))))])


def _complete_vpc(aws: "MemoryAws", held: Holdings, vpc: VpcFacts) -> None:
    ids = aws.world.ids
    if not any(group.vpc_id == vpc.vpc_id and group.is_default for group in held.groups.values()):
        apply(held, [Put(with_rule_ids(default_group(held.account, vpc, ids("sg")), ids))])
    if not any(acl.vpc_id == vpc.vpc_id and acl.is_default for acl in held.acls.values()):
        apply(held, [Put(default_acl(held.account, vpc, ids("acl")))])


def attach(aws: "MemoryAws", account: str, region: str, subnet_id: str, group_ids: Iterable[str]) -> str:
    around = aws.network.at(account, region)
    subnet = around.subnets.get(subnet_id) or not_found("subnet", subnet_id)
    interface_id = aws.world.ids("eni")
    hosts = ipaddress.ip_network(subnet["CidrBlock"]).network_address + 10 + len(around.interfaces)
    around.interfaces[interface_id] = {
        "NetworkInterfaceId": interface_id,
        "SubnetId": subnet_id,
        "VpcId": subnet["VpcId"],
        "OwnerId": account,
        "Groups": [{"GroupId": id_, "GroupName": _name(aws, account, region, id_)} for id_ in group_ids],
        "PrivateIpAddress": str(hosts),
        "PrivateIpAddresses": [{"Primary": True, "PrivateIpAddress": str(hosts)}],
        "TagSet": [],
    }
    return interface_id


def _name(aws: "MemoryAws", account: str, region: str, group_id: str) -> str:
    found = aws.world.at(account, region).groups.get(group_id) or not_found("sg", group_id)
    return found.group_name


def peer(aws: "MemoryAws", one: tuple[str, str, str], other: tuple[str, str, str], status: str) -> str:
    made = Peering(aws.world.ids("pcx"), status, (one, other))
    aws.network.joined[made.id] = made
    return made.id
