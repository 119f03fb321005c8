"""AWS::EC2: VPCs and what leads in and out of them."""

from typing import Any

from twinwall.emulator.stacks.desk import Desk, Props, ResourceFailed
from twinwall.emulator.stacks.kind import Kind, words
from twinwall.emulator.stacks.resolver import Made


def tagged(desk: Desk, kind: str, own: Any) -> list[dict[str, Any]] | None:
    """TagSpecifications."""
    tags = desk.tags(own)
    return [{"ResourceType": kind, "Tags": tags}] if tags else None


def retag(desk: Desk, made: Made, before: Props, now: Props) -> None:
    """The tags of an EC2 resource as they are to be; the stack's stay."""
    old = {tag["Key"] for tag in before.get("Tags") or ()}
    new = {tag["Key"]: tag["Value"] for tag in now.get("Tags") or ()}
    gone = [{"Key": key} for key in sorted(old - new.keys() - desk.stack_tags.keys())]
    if gone:
        desk.call("ec2", "DeleteTags", Resources=[made.id], Tags=gone)
    tags = desk.tags(now.get("Tags"))
    if tags:
        desk.call("ec2", "CreateTags", Resources=[made.id], Tags=tags)


def only_tags(desk: Desk, made: Made, before: Props, now: Props) -> Made:
    retag(desk, made, before, now)
    return made


# --- VPC


def _create_vpc(desk: Desk, p: Props) -> Made:
    answer = desk.call(
        "ec2", "CreateVpc", CidrBlock=p["CidrBlock"], InstanceTenancy=p.get("InstanceTenancy"),
        TagSpecifications=tagged(desk, "vpc", p.get("Tags")),
    )  # fmt: skip
    made = Made(answer["Vpc"]["VpcId"])
    _set_dns(desk, made, p)
    return _describe_vpc(desk, made.id)


def _describe_vpc(desk: Desk, vpc_id: str) -> Made:
    [vpc] = desk.call("ec2", "DescribeVpcs", VpcIds=[vpc_id])["Vpcs"]
    filters = [{"Name": "vpc-id", "Values": [vpc_id]}]
    groups = desk.call(
        "ec2", "DescribeSecurityGroups", Filters=[*filters, {"Name": "group-name", "Values": ["default"]}]
    )
    acls = desk.call(
        "ec2", "DescribeNetworkAcls", Filters=[*filters, {"Name": "default", "Values": ["true"]}]
    )
    return Made(
        vpc_id,
        {
            "VpcId": vpc_id,
            "CidrBlock": vpc["CidrBlock"],
            "CidrBlockAssociations": [a["AssociationId"] for a in vpc.get("CidrBlockAssociationSet") or ()],
            "DefaultSecurityGroup": groups["SecurityGroups"][0]["GroupId"],
            "DefaultNetworkAcl": acls["NetworkAcls"][0]["NetworkAclId"],
        },
    )


def _set_dns(desk: Desk, made: Made, p: Props) -> None:
    for name in ("EnableDnsSupport", "EnableDnsHostnames"):
        if name in p:
            desk.call("ec2", "ModifyVpcAttribute", VpcId=made.id, **{name: {"Value": p[name]}})


def _update_vpc(desk: Desk, made: Made, before: Props, now: Props) -> Made:
    _set_dns(desk, made, now)
    return only_tags(desk, made, before, now)


# --- subnet


def _create_subnet(desk: Desk, p: Props) -> Made:
    subnet = desk.call(
        "ec2", "CreateSubnet", VpcId=p["VpcId"], CidrBlock=p.get("CidrBlock"), Ipv6CidrBlock=p.get("Ipv6CidrBlock"),
        AvailabilityZone=p.get("AvailabilityZone"), TagSpecifications=tagged(desk, "subnet", p.get("Tags")),
    )["Subnet"]  # fmt: skip
    made = Made(
        subnet["SubnetId"],
        {
            "SubnetId": subnet["SubnetId"], "VpcId": p["VpcId"], "CidrBlock": subnet.get("CidrBlock", ""),
            "AvailabilityZone": subnet["AvailabilityZone"],
        },
    )  # fmt: skip
    _set_public(desk, made, p)
    return made


def _set_public(desk: Desk, made: Made, p: Props) -> None:
    if "MapPublicIpOnLaunch" in p:
        value = {"Value": p["MapPublicIpOnLaunch"]}
        desk.call("ec2", "ModifySubnetAttribute", SubnetId=made.id, MapPublicIpOnLaunch=value)


def _update_subnet(desk: Desk, made: Made, before: Props, now: Props) -> Made:
    _set_public(desk, made, now)
    return only_tags(desk, made, before, now)


# --- ways in and out


def _create_gateway(desk: Desk, p: Props) -> Made:
    answer = desk.call(
        "ec2", "CreateInternetGateway", TagSpecifications=tagged(desk, "internet-gateway", p.get("Tags"))
    )
    id_ = answer["InternetGateway"]["InternetGatewayId"]
    return Made(id_, {"InternetGatewayId": id_})


def _attach(desk: Desk, p: Props) -> Made:
    desk.call("ec2", "AttachInternetGateway", VpcId=p["VpcId"], InternetGatewayId=p["InternetGatewayId"])
    return Made(f"IGW|{p['VpcId']}")


def _detach(desk: Desk, _: Made, p: Props) -> None:
    desk.gone("ec2", "DetachInternetGateway", VpcId=p["VpcId"], InternetGatewayId=p["InternetGatewayId"])


def _create_table(desk: Desk, p: Props) -> Made:
    answer = desk.call(
        "ec2",
        "CreateRouteTable",
        VpcId=p["VpcId"],
        TagSpecifications=tagged(desk, "route-table", p.get("Tags")),
    )
    id_ = answer["RouteTable"]["RouteTableId"]
    return Made(id_, {"RouteTableId": id_})


_TO = ("GatewayId", "NatGatewayId", "NetworkInterfaceId", "TransitGatewayId", "VpcPeeringConnectionId")


def _destination(p: Props) -> dict[str, Any]:
    names = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
    found = {name: p[name] for name in names if name in p}
    if len(found) != 1:
        raise ResourceFailed(f"A route has exactly one of {', '.join(names)}")
    return found


def _create_route(desk: Desk, p: Props) -> Made:
    target = {name: p[name] for name in _TO if name in p}
    desk.call("ec2", "CreateRoute", RouteTableId=p["RouteTableId"], **_destination(p), **target)
    return Made(f"{p['RouteTableId']}|{next(iter(_destination(p).values()))}")


def _update_route(desk: Desk, made: Made, _: Props, now: Props) -> Made:
    target = {name: now[name] for name in _TO if name in now}
    desk.call("ec2", "ReplaceRoute", RouteTableId=now["RouteTableId"], **_destination(now), **target)
    return made


def _delete_route(desk: Desk, _: Made, p: Props) -> None:
    desk.gone("ec2", "DeleteRoute", RouteTableId=p["RouteTableId"], **_destination(p))


def _associate(desk: Desk, p: Props) -> Made:
    answer = desk.call("ec2", "AssociateRouteTable", RouteTableId=p["RouteTableId"], SubnetId=p["SubnetId"])
    return Made(answer["AssociationId"], {"Id": answer["AssociationId"]})


def _disassociate(desk: Desk, made: Made, _: Props) -> None:
    desk.gone("ec2", "DisassociateRouteTable", AssociationId=made.id)


KINDS = (
    Kind(
        "AWS::EC2::VPC", _create_vpc, lambda desk, made, _: desk.gone("ec2", "DeleteVpc", VpcId=made.id), _update_vpc,
        words("CidrBlock InstanceTenancy"), words("EnableDnsSupport EnableDnsHostnames Tags"), words("CidrBlock"),
    ),
    Kind(
        "AWS::EC2::Subnet", _create_subnet,
        lambda desk, made, _: desk.gone("ec2", "DeleteSubnet", SubnetId=made.id), _update_subnet,
        words("VpcId CidrBlock Ipv6CidrBlock AvailabilityZone"), words("MapPublicIpOnLaunch Tags"), words("VpcId"),
    ),
    Kind(
        "AWS::EC2::InternetGateway", _create_gateway,
        lambda desk, made, _: desk.gone("ec2", "DeleteInternetGateway", InternetGatewayId=made.id), only_tags,
        changing=words("Tags"),
    ),
    Kind(
        "AWS::EC2::VPCGatewayAttachment", _attach, _detach, replacing=words("VpcId InternetGatewayId"),
        required=words("VpcId InternetGatewayId"),
    ),
    Kind(
        "AWS::EC2::RouteTable", _create_table,
        lambda desk, made, _: desk.gone("ec2", "DeleteRouteTable", RouteTableId=made.id), only_tags,
        words("VpcId"), words("Tags"), words("VpcId"),
    ),
    Kind(
        "AWS::EC2::Route", _create_route, _delete_route, _update_route,
        words("RouteTableId DestinationCidrBlock DestinationIpv6CidrBlock DestinationPrefixListId"), frozenset(_TO),
        words("RouteTableId"),
    ),
    Kind(
        "AWS::EC2::SubnetRouteTableAssociation", _associate, _disassociate,
        replacing=words("RouteTableId SubnetId"), required=words("RouteTableId SubnetId"),
    ),
)  # fmt: skip
