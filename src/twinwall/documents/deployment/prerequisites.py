"""What a site needs before it can join a mesh, for trying it out: VPC, Auto Scaling group, base security group.

The base group has only its placeholder rule, a reference to itself: by it a mesh that configures no ports knows which
ports its members get. Template and Terraform make the same.
"""

from typing import Any

from twinwall.documents.deployment.sam import get, made, ref
from twinwall.documents.deployment.terraform_blocks import of, providers, resource, rows, variable
from twinwall.documents.export import hcl
from twinwall.documents.export.hcl import Expression, Lines

Json = dict[str, Any]

TITLE = "What a site of a Twinwall mesh needs, for trying it out, written by twinwall mesh template --prerequisites"
IMAGE = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"
"""Looked up at each launch: ``resolve:ssm:`` (Auto Scaling user guide, "Use AWS Systems Manager parameters")."""
TYPE, MOST = "t4g.nano", 4

_PARAMETERS: tuple[tuple[str, str, Any, str], ...] = (
    (
        "Name",
        "auto_scaling_group",
        "twinwall-try",
        "Name of the Auto Scaling group, and of what belongs to it",
    ),
    ("Range", "range", "10.90.0.0/16", "The VPC's addresses; no two sites need differ"),
    ("InstanceType", "instance_type", TYPE, "Of the members"),
    ("ImageParameter", "image_parameter", IMAGE, "Systems Manager parameter that holds the members' image"),
    ("FirstPort", "first_port", 7000, "First TCP port between members"),
    ("LastPort", "last_port", 7001, "Last TCP port between members"),
)
"""Template's name, Terraform's, default, words."""


def prerequisites_template() -> Json:
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": TITLE,
        "Parameters": {
            name: {
                "Type": "Number" if isinstance(usual, int) else "String",
                "Default": usual,
                "Description": words,
            }
            for name, _, usual, words in _PARAMETERS
        },
        "Resources": {**_network(), **_guard(), **_members()},
        "Outputs": {
            "AutoScalingGroup": {"Description": "asg of the site", "Value": ref("Members")},
            "LocalSG": {"Description": "group of the site", "Value": get("Guard", "GroupId")},
            "Region": {"Description": "region of the site", "Value": ref("AWS::Region")},
            "Account": {"Description": "account of the site", "Value": ref("AWS::AccountId")},
        },
    }


def _network() -> Json:
    named = [{"Key": "Name", "Value": ref("Name")}]
    subnet = {
        "VpcId": ref("Vpc"),
        "CidrBlock": {"Fn::Select": [0, {"Fn::Cidr": [get("Vpc", "CidrBlock"), 1, 8]}]},
        "AvailabilityZone": {"Fn::Select": [0, {"Fn::GetAZs": ""}]},
        "MapPublicIpOnLaunch": True,
        "Tags": named,
    }
    out = {"RouteTableId": ref("Routes"), "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": ref("Gateway")}
    attached = {"VpcId": ref("Vpc"), "InternetGatewayId": ref("Gateway")}
    return {
        "Vpc": made("AWS::EC2::VPC", {"CidrBlock": ref("Range"), "Tags": named}),
        "Gateway": made("AWS::EC2::InternetGateway", {"Tags": named}),
        "Attachment": made("AWS::EC2::VPCGatewayAttachment", attached),
        "Subnet": made("AWS::EC2::Subnet", subnet),
        "Routes": made("AWS::EC2::RouteTable", {"VpcId": ref("Vpc"), "Tags": named}),
        "Out": {**made("AWS::EC2::Route", out), "DependsOn": "Attachment"},
        "Association": made(
            "AWS::EC2::SubnetRouteTableAssociation",
            {"RouteTableId": ref("Routes"), "SubnetId": ref("Subnet")},
        ),
    }


def _guard() -> Json:
    group = {"GroupDescription": "Guards the members of a Twinwall mesh", "VpcId": ref("Vpc")}
    itself = {
        "GroupId": get("Guard", "GroupId"),
        "SourceSecurityGroupId": get("Guard", "GroupId"),
        "Description": "placeholder: the ports of the mesh",
        "IpProtocol": "tcp",
        "FromPort": ref("FirstPort"),
        "ToPort": ref("LastPort"),
    }
    return {
        "Guard": made("AWS::EC2::SecurityGroup", {**group, "Tags": [{"Key": "Name", "Value": ref("Name")}]}),
        "Placeholder": made("AWS::EC2::SecurityGroupIngress", itself),
    }


def _members() -> Json:
    data = {
        "ImageId": {"Fn::Sub": "resolve:ssm:${ImageParameter}"},
        "InstanceType": ref("InstanceType"),
        "SecurityGroupIds": [get("Guard", "GroupId")],
        "MetadataOptions": {"HttpTokens": "required"},
    }
    group = {
        "AutoScalingGroupName": ref("Name"),
        "MinSize": "0",
        "MaxSize": str(MOST),
        "VPCZoneIdentifier": [ref("Subnet")],
        "LaunchTemplate": {
            "LaunchTemplateId": ref("Launch"),
            "Version": get("Launch", "LatestVersionNumber"),
        },
    }
    return {
        "Launch": made("AWS::EC2::LaunchTemplate", {"LaunchTemplateData": data}),
        "Members": {**made("AWS::AutoScaling::AutoScalingGroup", group), "DependsOn": "Out"},
    }


# --- Terraform


def prerequisites_terraform() -> str:
    blocks = [
        hcl.comment(TITLE),
        providers(),
        *(
            variable(name, words, usual, type_="number" if isinstance(usual, int) else "string")
            for _, name, usual, words in _PARAMETERS
        ),
        *_network_blocks(),
        *_guard_blocks(),
        *_member_blocks(),
        *_outputs(),
    ]
    return "\n".join(hcl.joined(blocks)) + "\n"


_NAMED = hcl.attributes([("tags", "{ Name = var.auto_scaling_group }")])
_VPC = of("aws_vpc", "site", "id")


def _network_blocks() -> list[Lines]:
    zones = hcl.block('data "aws_availability_zones" "here"', rows(state="available"))
    block = Expression("cidrsubnet(var.range, 8, 0)")
    zone = Expression("data.aws_availability_zones.here.names[0]")
    gateway = of("aws_internet_gateway", "site", "id")
    out = hcl.block("route", rows(cidr_block="0.0.0.0/0", gateway_id=gateway))
    return [
        zones,
        resource("aws_vpc", "site", _NAMED, cidr_block=Expression("var.range")),
        resource("aws_internet_gateway", "site", _NAMED, vpc_id=_VPC),
        resource(
            "aws_subnet", "site", _NAMED, vpc_id=_VPC, cidr_block=block, availability_zone=zone,
            map_public_ip_on_launch=True,
        ),
        resource("aws_route_table", "site", out, _NAMED, vpc_id=_VPC),
        resource(
            "aws_route_table_association", "site", route_table_id=of("aws_route_table", "site", "id"),
            subnet_id=of("aws_subnet", "site", "id"),
        ),
    ]  # fmt: skip


def _guard_blocks() -> list[Lines]:
    guard = of("aws_security_group", "guard", "id")
    everywhere = {"security_group_id": guard, "ip_protocol": "-1", "cidr_ipv4": "0.0.0.0/0"}
    return [
        resource(
            "aws_security_group", "guard", _NAMED, name=Expression("var.auto_scaling_group"),
            description="Guards the members of a Twinwall mesh", vpc_id=_VPC,
        ),
        resource(
            "aws_vpc_security_group_ingress_rule", "placeholder", security_group_id=guard,
            referenced_security_group_id=guard, description="placeholder: the ports of the mesh", ip_protocol="tcp",
            from_port=Expression("var.first_port"), to_port=Expression("var.last_port"),
        ),
        resource("aws_vpc_security_group_egress_rule", "everywhere", **everywhere),
    ]  # fmt: skip


def _member_blocks() -> list[Lines]:
    launch = {"id": of("aws_launch_template", "site", "id"), "version": "$Latest"}
    return [
        resource(
            "aws_launch_template", "site", hcl.block("metadata_options", rows(http_tokens="required")),
            name=Expression("var.auto_scaling_group"), image_id=Expression('"resolve:ssm:${var.image_parameter}"'),
            instance_type=Expression("var.instance_type"),
            vpc_security_group_ids=[of("aws_security_group", "guard", "id")],
        ),
        resource(
            "aws_autoscaling_group", "site", hcl.block("launch_template", rows(**launch)),
            rows(depends_on=[Expression("aws_route_table_association.site")]),
            name=Expression("var.auto_scaling_group"), min_size=0, max_size=MOST,
            vpc_zone_identifier=[of("aws_subnet", "site", "id")],
        ),
    ]  # fmt: skip


def _outputs() -> list[Lines]:
    shown = {
        "asg": of("aws_autoscaling_group", "site", "name"),
        "group": of("aws_security_group", "guard", "id"),
    }
    return [hcl.block(f'output "{name}"', rows(value=value)) for name, value in shown.items()]
