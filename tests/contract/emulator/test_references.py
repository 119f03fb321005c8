"""Probes of references between groups: same VPC, peered VPCs, accounts, stale ones, VPC associations."""

from typing import Any

import pytest

from twinwall.emulator.seed import empty_vpc, share_vpc
from twinwall.emulator.server import EmbeddedAws
from twinwall.emulator.switches import Switches

ONE, TWO, REGION = "210000000001", "210000000002", "eu-west-1"


def pair(group: str, **more: str) -> list[dict[str, Any]]:
    return [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group, **more}]}]


def make(ec2: Any, vpc: str, name: str = "peer") -> str:
    return str(ec2.create_security_group(GroupName=name, Description="d", VpcId=vpc)["GroupId"])


def peer(ec2: Any, vpc: str, other: str, accepter: Any = None, **more: str) -> str:
    made = ec2.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=other, **more)["VpcPeeringConnection"]
    peering_id = str(made["VpcPeeringConnectionId"])
    if accepter is not None:
        accepter.accept_vpc_peering_connection(VpcPeeringConnectionId=peering_id)
    return peering_id


def pairs_of(ec2: Any, group: str) -> list[dict[str, Any]]:
    found = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"]
    return [item for permission in found for item in permission["UserIdGroupPairs"]]


def test_groups_in_cycles(ec2: Any, vpc: str, group: str) -> None:
    """aws-facts 1.8: create both first, rules second; through egress too."""
    other = make(ec2, vpc)
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=pair(other))
    ec2.authorize_security_group_egress(GroupId=other, IpPermissions=pair(group))
    assert pairs_of(ec2, group) == [{"GroupId": other, "UserId": ONE}]


def test_an_unknown_group(ec2: Any, group: str, refuses: Any) -> None:
    """aws-facts 1.8: EC2 checks that it exists."""
    for given in (pair("sg-0aaaaaaaaaaaaaaaa"), pair("sg-0aaaaaaaaaaaaaaaa", UserId=ONE)):
        with refuses("InvalidGroup.NotFound"):
            ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=given)
    with refuses("InvalidGroupId.Malformed"):
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=pair("web"))


def test_amazon_elb(ec2: Any, group: str, refuses: Any) -> None:
    """contract, chapter 2: such pairs cannot be made anew."""
    with refuses("InvalidGroup.NotFound"):
        ec2.authorize_security_group_ingress(
            GroupId=group, IpPermissions=pair("sg-843f59ed", UserId="amazon-elb")
        )


def test_another_vpc_needs_an_active_peering(
    aws: EmbeddedAws, ec2: Any, vpc: str, group: str, refuses: Any
) -> None:
    """aws-facts 1.8: the connection must be active; both directions."""
    other_vpc = empty_vpc(aws, ONE, REGION, "10.1.0.0/16")
    other = make(ec2, other_vpc)
    with refuses("InvalidGroup.NotFound"):
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=pair(other))
    peering = peer(ec2, vpc, other_vpc)
    with refuses("InvalidGroup.NotFound"):
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=pair(other))
    ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=peering)
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=pair(other))
    ec2.authorize_security_group_egress(GroupId=group, IpPermissions=pair(other))
    assert pairs_of(ec2, group) == [
        {
            "GroupId": other,
            "UserId": ONE,
            "VpcId": other_vpc,
            "VpcPeeringConnectionId": peering,
            "PeeringStatus": "active",
        }
    ]


@pytest.mark.parametrize("named", [{}, {"UserId": TWO}])
def test_a_peered_group_of_another_account(
    aws: EmbeddedAws, client: Any, ec2: Any, vpc: str, group: str, named: dict[str, str], refuses: Any
) -> None:
    """emulators.md: with UserId and without; not without the peering, nor by a wrong UserId."""
    theirs = client("ec2", account=TWO)
    other_vpc = empty_vpc(aws, TWO, REGION, "10.2.0.0/16")
    other = make(theirs, other_vpc)
    with refuses("InvalidGroup.NotFound"):
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=pair(other, **named))
    peer(ec2, vpc, other_vpc, theirs, PeerOwnerId=TWO)
    with refuses("InvalidGroup.NotFound"):
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=pair(other, UserId=ONE))
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=pair(other, **named))
    assert pairs_of(ec2, group)[0]["UserId"] == TWO


@pytest.mark.parametrize("trusted", [True, False])
def test_a_group_of_an_account_that_is_not_held_here(
    aws: EmbeddedAws, ec2: Any, group: str, refuses: Any, trusted: bool
) -> None:
    """emulators.md, "cross-account UserId kept on describe": a switch, for nobody can look it up."""
    aws.set_switches(Switches(trust_unknown_accounts=trusted))
    given = pair("sg-0aaaaaaaaaaaaaaaa", UserId="999988887777")
    if trusted:
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=given)
        assert pairs_of(ec2, group)[0]["UserId"] == "999988887777"
    else:
        with refuses("InvalidGroup.NotFound"):
            ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=given)


def test_never_across_regions(aws: EmbeddedAws, client: Any, ec2: Any, group: str, refuses: Any) -> None:
    """aws-facts trap 5."""
    far = client("ec2", region="us-east-1")
    other = make(far, empty_vpc(aws, ONE, "us-east-1"))
    with refuses("InvalidGroup.NotFound"):
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=pair(other))


def peered(aws: EmbeddedAws, ec2: Any, vpc: str, group: str) -> tuple[str, str]:
    other_vpc = empty_vpc(aws, ONE, REGION, "10.1.0.0/16")
    other = make(ec2, other_vpc)
    peering = peer(ec2, vpc, other_vpc, ec2)
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=pair(other))
    return other, peering


def test_a_rule_across_a_peering_that_is_gone_is_stale(
    aws: EmbeddedAws, ec2: Any, vpc: str, group: str
) -> None:
    """aws-facts 1.8: shown, never removed; a peering made anew makes it good again."""
    other, peering = peered(aws, ec2, vpc, group)
    assert ec2.describe_stale_security_groups(VpcId=vpc)["StaleSecurityGroupSet"] == []
    ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=peering)
    (stale,) = ec2.describe_stale_security_groups(VpcId=vpc)["StaleSecurityGroupSet"]
    assert (stale["GroupId"], stale["GroupName"], stale["VpcId"]) == (group, "web", vpc)
    assert stale["StaleIpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"] == other
    assert stale["StaleIpPermissionsEgress"] == []
    assert pairs_of(ec2, group)[0]["PeeringStatus"] == "deleted"
    (owner,) = ec2.describe_security_groups(GroupIds=[other])["SecurityGroups"]
    peer(ec2, vpc, owner["VpcId"], ec2)
    assert ec2.describe_stale_security_groups(VpcId=vpc)["StaleSecurityGroupSet"] == []


def test_a_rule_that_names_a_deleted_peer_is_stale(aws: EmbeddedAws, ec2: Any, vpc: str, group: str) -> None:
    """B DeleteSecurityGroup: a reference in another VPC does not hold the group; B UserIdGroupPair: the
    account is no longer shown."""
    other, _ = peered(aws, ec2, vpc, group)
    ec2.delete_security_group(GroupId=other)
    (stale,) = ec2.describe_stale_security_groups(VpcId=vpc)["StaleSecurityGroupSet"]
    assert stale["GroupId"] == group
    assert "UserId" not in pairs_of(ec2, group)[0]
    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=pair(other))
    assert pairs_of(ec2, group) == []


def test_the_switch_that_lets_peer_references_hold_a_group(
    aws: EmbeddedAws, ec2: Any, vpc: str, group: str, refuses: Any
) -> None:
    """The other reading of B DeleteSecurityGroup."""
    aws.set_switches(Switches(peer_references_block_delete=True))
    other, _ = peered(aws, ec2, vpc, group)
    with refuses("DependencyViolation"):
        ec2.delete_security_group(GroupId=other)


def test_who_refers_to_a_group(aws: EmbeddedAws, ec2: Any, vpc: str, group: str) -> None:
    """B DescribeSecurityGroupReferences."""
    other, peering = peered(aws, ec2, vpc, group)
    found = ec2.describe_security_group_references(GroupId=[other])["SecurityGroupReferenceSet"]
    assert found == [{"GroupId": other, "ReferencingVpcId": vpc, "VpcPeeringConnectionId": peering}]
    assert ec2.describe_security_group_references(GroupId=[group])["SecurityGroupReferenceSet"] == []


# --- associations


def test_a_group_associated_with_another_vpc(
    aws: EmbeddedAws, ec2: Any, vpc: str, group: str, refuses: Any
) -> None:
    """aws-facts 1.9: usable there, referable from there, not to be deleted until disassociated."""
    other_vpc = empty_vpc(aws, ONE, REGION, "10.1.0.0/16", subnets=[("10.1.1.0/24", "a", "")])
    other = make(ec2, other_vpc)
    assert ec2.associate_security_group_vpc(GroupId=group, VpcId=other_vpc)["State"] == "associating"
    (shown,) = ec2.describe_security_group_vpc_associations()["SecurityGroupVpcAssociations"]
    assert shown == {
        "GroupId": group,
        "VpcId": other_vpc,
        "VpcOwnerId": ONE,
        "State": "associated",
        "GroupOwnerId": ONE,
    }
    usable = ec2.get_security_groups_for_vpc(VpcId=other_vpc)["SecurityGroupForVpcs"]
    assert {(g["GroupId"], g["PrimaryVpcId"]) for g in usable} >= {(group, vpc), (other, other_vpc)}
    ec2.authorize_security_group_ingress(GroupId=other, IpPermissions=pair(group))
    ec2.revoke_security_group_ingress(GroupId=other, IpPermissions=pair(group))
    with refuses("DependencyViolation"):
        ec2.delete_security_group(GroupId=group)
    assert ec2.disassociate_security_group_vpc(GroupId=group, VpcId=other_vpc)["State"] == "disassociating"
    ec2.delete_security_group(GroupId=group)


def test_an_association_that_is_used_stays(aws: EmbeddedAws, ec2: Any, group: str, refuses: Any) -> None:
    """aws-facts 1.9: disassociate only with no interface of that VPC using it."""
    other_vpc = empty_vpc(aws, ONE, REGION, "10.1.0.0/16", subnets=[("10.1.1.0/24", "a", "")])
    ec2.associate_security_group_vpc(GroupId=group, VpcId=other_vpc)
    subnet = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [other_vpc]}])["Subnets"][0]
    ec2.create_network_interface(SubnetId=subnet["SubnetId"], Groups=[group])
    with refuses("DependencyViolation"):
        ec2.disassociate_security_group_vpc(GroupId=group, VpcId=other_vpc)


def test_associations_that_are_refused(ec2: Any, vpc: str, group: str, refuses: Any) -> None:
    """aws-facts 1.9: no default group, no default VPC, not its own VPC, no unknown VPC."""
    default_vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    filters = [{"Name": "vpc-id", "Values": [default_vpc]}]
    default_group = ec2.describe_security_groups(Filters=filters)["SecurityGroups"][0]["GroupId"]
    for group_id, vpc_id, code in (
        (default_group, vpc, "OperationNotPermitted"),
        (group, default_vpc, "OperationNotPermitted"),
        (group, vpc, "InvalidParameterValue"),
        (group, "vpc-0aaaaaaaaaaaaaaaa", "InvalidVpcID.NotFound"),
    ):
        with refuses(code):
            ec2.associate_security_group_vpc(GroupId=group_id, VpcId=vpc_id)


def test_an_association_takes_its_time(aws: EmbeddedAws, ec2: Any, group: str) -> None:
    """aws-facts 1.9: asynchronous; one read sees it under way."""
    aws.set_switches(Switches(slow_states=True))
    ec2.associate_security_group_vpc(GroupId=group, VpcId=empty_vpc(aws, ONE, REGION, "10.1.0.0/16"))
    states = [
        ec2.describe_security_group_vpc_associations()["SecurityGroupVpcAssociations"][0]["State"]
        for _ in range(2)
    ]
    assert states == ["associating", "associated"]


def test_a_shared_vpc(aws: EmbeddedAws, client: Any, ec2: Any, vpc: str, group: str, refuses: Any) -> None:
    """aws-facts 1.9, contract: the participant sees VPC and subnets, makes groups there, sees no default
    group and no ACL; groups of both may name each other."""
    theirs = client("ec2", account=TWO)
    share_vpc(aws, ONE, REGION, vpc, TWO)
    filters = [{"Name": "vpc-id", "Values": [vpc]}]
    assert theirs.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["OwnerId"] == ONE
    assert theirs.describe_subnets(Filters=filters)["Subnets"][0]["OwnerId"] == ONE
    assert theirs.describe_security_groups(Filters=filters)["SecurityGroups"] == []
    assert theirs.describe_network_acls(Filters=filters)["NetworkAcls"] == []
    with refuses("OperationNotPermitted"):
        theirs.create_network_acl(VpcId=vpc)
    other = make(theirs, vpc)
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=pair(other, UserId=TWO))
    assert pairs_of(ec2, group) == [{"GroupId": other, "UserId": TWO}]
