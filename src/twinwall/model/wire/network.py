"""The network around a firewall: ``Vpc``, ``Subnet``, ``NetworkInterface``."""

from typing import Any

from twinwall.model.firewall import NetworkInterface, Subnet, Vpc
from twinwall.model.net import parse_cidr
from twinwall.model.wire.shape import flag, text
from twinwall.model.wire.tags import Json, parse_tags, tag_list


def parse_vpc(item: Json) -> Vpc:
    primary = item.get("CidrBlock")
    blocks = [str(primary)] if primary else []
    blocks += _associated(item, "CidrBlockAssociationSet", "CidrBlock")
    return Vpc(
        vpc_id=str(item["VpcId"]),
        owner_id=text(item, "OwnerId"),
        cidrs=tuple(dict.fromkeys(map(parse_cidr, blocks))),
        ipv6_cidrs=tuple(map(parse_cidr, _associated(item, "Ipv6CidrBlockAssociationSet", "Ipv6CidrBlock"))),
        is_default=flag(item, "IsDefault"),
        tags=parse_tags(item.get("Tags")),
    )


_STATE_KEYS = {"CidrBlock": "CidrBlockState", "Ipv6CidrBlock": "Ipv6CidrBlockState"}


def _associated(item: Json, section: str, key: str) -> list[str]:
    """The blocks of an association set that are not on their way out."""
    blocks = []
    for association in item.get(section) or ():
        state = (association.get(_STATE_KEYS[key]) or {}).get("State", "associated")
        if association.get(key) and state in ("associated", "associating"):
            blocks.append(str(association[key]))
    return blocks


def vpc_document(vpc: Vpc) -> dict[str, Any]:
    return {
        "VpcId": vpc.vpc_id,
        "OwnerId": vpc.owner_id,
        "CidrBlockAssociationSet": [{"CidrBlock": str(cidr)} for cidr in vpc.cidrs],
        "Ipv6CidrBlockAssociationSet": [{"Ipv6CidrBlock": str(cidr)} for cidr in vpc.ipv6_cidrs],
        "IsDefault": vpc.is_default,
        "Tags": tag_list(vpc.tags),
    }


def parse_subnet(item: Json) -> Subnet:
    return Subnet(
        subnet_id=str(item["SubnetId"]),
        vpc_id=str(item.get("VpcId") or ""),
        owner_id=text(item, "OwnerId"),
        availability_zone=str(item.get("AvailabilityZone") or ""),
        cidr=parse_cidr(str(item["CidrBlock"])) if item.get("CidrBlock") else None,
        ipv6_cidrs=tuple(map(parse_cidr, _associated(item, "Ipv6CidrBlockAssociationSet", "Ipv6CidrBlock"))),
        tags=parse_tags(item.get("Tags")),
    )


def parse_interface(item: Json) -> NetworkInterface:
    addresses = [f"{a['PrivateIpAddress']}/32" for a in item.get("PrivateIpAddresses") or ()]
    addresses += [f"{a['Ipv6Address']}/128" for a in item.get("Ipv6Addresses") or ()]
    addresses += [str(p["Ipv4Prefix"]) for p in item.get("Ipv4Prefixes") or ()]
    addresses += [str(p["Ipv6Prefix"]) for p in item.get("Ipv6Prefixes") or ()]
    return NetworkInterface(
        interface_id=str(item["NetworkInterfaceId"]),
        vpc_id=str(item.get("VpcId") or ""),
        subnet_id=str(item.get("SubnetId") or ""),
        group_ids=tuple(sorted(str(group["GroupId"]) for group in item.get("Groups") or ())),
        addresses=tuple(map(parse_cidr, addresses)),
        instance_id=str((item.get("Attachment") or {}).get("InstanceId") or ""),
        owner_id=text(item, "OwnerId"),
    )
