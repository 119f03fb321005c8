"""AWS::EC2: network ACLs, their entries, the subnets they stand before."""

from typing import Any

from twinwall.emulator.stacks.desk import Desk, Props, ResourceFailed
from twinwall.emulator.stacks.kind import Kind, words
from twinwall.emulator.stacks.kinds.network import only_tags, tagged
from twinwall.emulator.stacks.resolver import Made


def _create_acl(desk: Desk, p: Props) -> Made:
    answer = desk.call(
        "ec2",
        "CreateNetworkAcl",
        VpcId=p["VpcId"],
        TagSpecifications=tagged(desk, "network-acl", p.get("Tags")),
    )
    id_ = answer["NetworkAcl"]["NetworkAclId"]
    return Made(id_, {"Id": id_})


def _entry(p: Props) -> dict[str, Any]:
    icmp = p.get("Icmp")
    return {
        "NetworkAclId": p["NetworkAclId"],
        "RuleNumber": p["RuleNumber"],
        "Egress": p.get("Egress", False),
        "Protocol": p["Protocol"],
        "RuleAction": p["RuleAction"],
        "CidrBlock": p.get("CidrBlock"),
        "Ipv6CidrBlock": p.get("Ipv6CidrBlock"),
        "PortRange": p.get("PortRange"),
        "IcmpTypeCode": icmp,
    }


def _create_entry(desk: Desk, p: Props) -> Made:
    desk.call("ec2", "CreateNetworkAclEntry", **_entry(p))
    id_ = f"{p['NetworkAclId']}|{p['RuleNumber']}|{str(p.get('Egress', False)).lower()}"
    return Made(id_, {"Id": id_})


def _update_entry(desk: Desk, made: Made, _: Props, now: Props) -> Made:
    desk.call("ec2", "ReplaceNetworkAclEntry", **_entry(now))
    return made


def _delete_entry(desk: Desk, _: Made, p: Props) -> None:
    entry = _entry(p)
    desk.gone(
        "ec2",
        "DeleteNetworkAclEntry",
        **{key: entry[key] for key in ("NetworkAclId", "RuleNumber", "Egress")},
    )


def _standing(desk: Desk, subnet: str) -> tuple[str, str, str]:
    """The association, the ACL and the VPC of a subnet."""
    found = desk.call(
        "ec2", "DescribeNetworkAcls", Filters=[{"Name": "association.subnet-id", "Values": [subnet]}]
    )
    for acl in found["NetworkAcls"]:
        for association in acl["Associations"]:
            if association["SubnetId"] == subnet:
                return association["NetworkAclAssociationId"], acl["NetworkAclId"], acl["VpcId"]
    raise ResourceFailed(f"The subnet ID '{subnet}' does not exist", "InvalidSubnetID.NotFound")


def _associate(desk: Desk, p: Props) -> Made:
    old, _, _ = _standing(desk, p["SubnetId"])
    answer = desk.call(
        "ec2", "ReplaceNetworkAclAssociation", AssociationId=old, NetworkAclId=p["NetworkAclId"]
    )
    id_ = answer["NewAssociationId"]
    return Made(id_, {"AssociationId": id_})


def _disassociate(desk: Desk, _: Made, p: Props) -> None:
    """Back to the VPC's default ACL, unless another has taken its place since."""
    try:
        standing, acl, vpc = _standing(desk, p["SubnetId"])
    except ResourceFailed:
        return
    if acl != p["NetworkAclId"]:
        return
    filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "default", "Values": ["true"]}]
    [default] = desk.call("ec2", "DescribeNetworkAcls", Filters=filters)["NetworkAcls"]
    desk.call(
        "ec2", "ReplaceNetworkAclAssociation", AssociationId=standing, NetworkAclId=default["NetworkAclId"]
    )


KINDS = (
    Kind(
        "AWS::EC2::NetworkAcl", _create_acl,
        lambda desk, made, _: desk.gone("ec2", "DeleteNetworkAcl", NetworkAclId=made.id), only_tags,
        words("VpcId"), words("Tags"), words("VpcId"),
    ),
    Kind(
        "AWS::EC2::NetworkAclEntry", _create_entry, _delete_entry, _update_entry,
        words("NetworkAclId RuleNumber Egress"), words("Protocol RuleAction CidrBlock Ipv6CidrBlock PortRange Icmp"),
        words("NetworkAclId RuleNumber Protocol RuleAction"),
    ),
    Kind(
        "AWS::EC2::SubnetNetworkAclAssociation", _associate, _disassociate,
        replacing=words("SubnetId NetworkAclId"), required=words("SubnetId NetworkAclId"),
    ),
)  # fmt: skip
