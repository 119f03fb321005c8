"""Puts networks into an embedded AWS: an empty VPC, or a whole snapshot with the very ids it holds.

Nothing here is validated (``takeover``).
"""

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from moto.ec2.models import EC2Backend
from moto.ec2.models.availability_zones_and_regions import Zone
from moto.ec2.models.elastic_network_interfaces import NetworkInterface as MotoInterface
from moto.ec2.models.subnets import Subnet as MotoSubnet
from moto.ec2.models.vpcs import VPC
from moto.ec2.utils import random_vpc_cidr_association_id

from twinwall.emulator.moto_sync import show_acl, show_group
from twinwall.emulator.moto_view import backend
from twinwall.emulator.server import EmbeddedAws
from twinwall.emulator.state import Put, apply, with_rule_ids
from twinwall.emulator.takeover import FALLBACK, owned_acl, owned_groups, put_list, vpcs_of
from twinwall.model.firewall import Subnet, Vpc
from twinwall.model.net import parse_cidr
from twinwall.model.rules import Tags
from twinwall.model.wire import parse_snapshot, parse_tags

Document = Mapping[str, Any]
_make_vpc: Any = VPC  # moto's classes are abstract in their types only
_make_subnet: Any = MotoSubnet
_make_interface: Any = MotoInterface


def empty_vpc(
    aws: EmbeddedAws,
    account: str,
    region: str,
    cidr: str = "10.0.0.0/16",
    ipv6_cidr: str | None = None,
    subnets: Iterable[tuple[str, str, str]] = (),
    *,
    name: str = "",
) -> str:
    """A new VPC with its default group and ACL. ``subnets``: (CIDR, zone or its letter, Name); with
    ``ipv6_cidr`` each has a /64 of it. Returns the VPC's id."""
    ids = aws.world.ids
    blocks = (parse_cidr(ipv6_cidr),) if ipv6_cidr else ()
    sixes = ipaddress.ip_network(ipv6_cidr).subnets(new_prefix=64) if ipv6_cidr else iter(())
    vpc = Vpc(ids("vpc"), account, (parse_cidr(cidr),), blocks, tags=_named(name))
    with aws.editing():
        source = backend(account, region)
        _put_vpc(source, vpc)
        for block, zone, subnet_name in subnets:
            six = next(sixes, None)
            _put_subnet(
                source,
                Subnet(
                    ids("subnet"),
                    vpc.vpc_id,
                    account,
                    zone if len(zone) > 1 else region + zone,
                    parse_cidr(block),
                    (parse_cidr(str(six)),) if six else (),
                    _named(subnet_name),
                ),
            )
        aws.network.sync(aws.world, account, region)
    return vpc.vpc_id


def share_vpc(aws: EmbeddedAws, owner: str, region: str, vpc_id: str, participant: str) -> None:
    """As RAM shares all subnets of a VPC: the participant sees VPC and subnets with their owner, may make
    groups there, and sees neither the default group nor the ACLs."""
    with aws.editing():
        source, target = backend(owner, region), backend(participant, region)
        target.vpcs[vpc_id] = source.vpcs[vpc_id]
        for zone, subnets in source.subnets.items():
            shared = {id_: subnet for id_, subnet in subnets.items() if subnet.vpc_id == vpc_id}
            target.subnets[zone].update(shared)
        aws.network.sync(aws.world, participant, region)


def _named(name: str) -> Tags:
    return (("Name", name),) if name else ()


def load_document(aws: EmbeddedAws, account: str, region: str, document: Document) -> list[str]:
    """Every VPC of a snapshot document (EC2's shapes), as ``account``'s own in ``region``; ids are kept.

    What belonged to the document's owner belongs to the account; zones and the names of AWS-managed lists
    get the Region. Returns the VPCs' ids.
    """
    snapshot = parse_snapshot(document)
    old_region, owner = snapshot.region or region, snapshot.owner_id
    with aws.editing():
        source = backend(account, region)
        vpcs = vpcs_of(snapshot)
        _make_room(source, vpcs)
        for vpc in vpcs:
            _put_vpc(source, vpc)
        for subnet in snapshot.subnets or ():
            zone = subnet.availability_zone.replace(old_region, region) or f"{region}a"
            _put_subnet(source, replace(subnet, availability_zone=zone))
        aws.network.sync_lists(aws.world, account, region)
        held = aws.world.at(account, region)
        for item in snapshot.prefix_lists or ():
            put_list(held, item, old_region, owner)
        for group in owned_groups(snapshot, document, account):
            apply(held, [Put(with_rule_ids(group, aws.world.ids))])
            show_group(source, group)
        for acl in snapshot.acls or ():
            owned = owned_acl(acl, account, aws.world.ids)
            apply(held, [Put(owned)])
            show_acl(source, owned)
        for interface in document.get("NetworkInterfaces") or ():
            _put_interface(source, interface)
        aws.network.sync(aws.world, account, region)
    return [vpc.vpc_id for vpc in vpcs]


# --- the network, in moto


def _make_room(source: EC2Backend, vpcs: Iterable[Vpc]) -> None:
    """A Region has one default VPC: moto's own goes where the document brings one."""
    default = source.get_default_vpc()
    if default is not None and any(vpc.is_default for vpc in vpcs):
        del source.vpcs[default.id]
        for zone in source.subnets.values():
            for subnet_id in [id_ for id_, subnet in zone.items() if subnet.vpc_id == default.id]:
                del zone[subnet_id]


def _put_vpc(source: EC2Backend, vpc: Vpc) -> None:
    made = _make_vpc(source, vpc.vpc_id, str(vpc.primary or FALLBACK), vpc.is_default)
    made.add_tags(dict(vpc.tags))
    for block in vpc.cidrs[1:]:
        _associate(made, str(block))
    for block in vpc.ipv6_cidrs:
        extra = {"ipv6_pool": "Amazon", "ipv6_cidr_block_network_border_group": source.region_name}
        _associate(made, str(block), **extra)
    source.vpcs[vpc.vpc_id] = made
    if vpc.is_default:
        source.default_vpc = made
    source.create_route_table(vpc.vpc_id, main=True)


def _associate(vpc: VPC, block: str, **extra: str) -> None:
    """moto gives IPv6 blocks out at random; a document's are kept."""
    association_id = random_vpc_cidr_association_id()
    vpc._cidr_block_association_set[association_id] = {  # noqa: SLF001 - no door takes an exact block
        "association_id": association_id,
        "cidr_block_state": {"state": "associated", "StatusMessage": None},
        "cidr_block": block,
        **extra,
    }


def _put_subnet(source: EC2Backend, subnet: Subnet) -> None:
    zone = Zone(subnet.availability_zone, source.region_name, f"id-{subnet.availability_zone}")
    made = _make_subnet(
        source,
        subnet.subnet_id,
        subnet.vpc_id,
        str(subnet.cidr) if subnet.cidr else "",
        str(subnet.ipv6_cidrs[0]) if subnet.ipv6_cidrs else None,
        zone,
        default_for_az=False,
        map_public_ip_on_launch=False,
        ipv6_native=subnet.cidr is None,
    )
    for block in subnet.ipv6_cidrs[1:]:
        made.attach_ipv6_cidr_block_associations(str(block))
    made.add_tags(dict(subnet.tags))
    source.subnets[subnet.availability_zone][subnet.subnet_id] = made


def _put_interface(source: EC2Backend, item: Mapping[str, Any]) -> None:
    """With its id, groups and addresses; not attached, whatever the document says."""
    addresses = [str(a["PrivateIpAddress"]) for a in item.get("PrivateIpAddresses") or ()]
    made = _make_interface(
        source,
        str(item["SubnetId"]),
        addresses[0] if addresses else str(item.get("PrivateIpAddress") or ""),
        [{"Primary": not n, "PrivateIpAddress": address} for n, address in enumerate(addresses)],
        group_ids=[str(group["GroupId"]) for group in item.get("Groups") or ()],
        description=str(item.get("Description") or ""),
    )
    made.ipv6_addresses = [str(a["Ipv6Address"]) for a in item.get("Ipv6Addresses") or ()]
    made.id = str(item["NetworkInterfaceId"])
    made.add_tags(dict(parse_tags(item.get("TagSet"))))
    source.enis[made.id] = made
