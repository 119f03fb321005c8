"""A snapshot put into the embedded AWS is what a live account would have answered."""

import json
from pathlib import Path
from typing import Any

import pytest

from twinwall.emulator.seed import empty_vpc, load_document
from twinwall.emulator.server import EmbeddedAws
from twinwall.model.firewall import SecurityGroup, Snapshot
from twinwall.model.rules import GroupPeer
from twinwall.model.wire import parse_snapshot

ONE, TWO, REGION = "210000000001", "210000000002", "eu-west-1"
CASES = (
    "batfish-hybrid-cloud",
    "kops-minimal-ipv6",
    "npguard-acl",
    "npguard-sg",
    "openshift-upi",
    "qs-compliance",
)


def read_back(ec2: Any, vpcs: list[str]) -> Snapshot:
    filters = [{"Name": "vpc-id", "Values": vpcs}]
    return parse_snapshot(
        {
            "Region": REGION,
            "OwnerId": ONE,
            "Vpcs": ec2.describe_vpcs(VpcIds=vpcs)["Vpcs"],
            "Subnets": ec2.describe_subnets(Filters=filters)["Subnets"],
            "SecurityGroups": ec2.describe_security_groups(Filters=filters)["SecurityGroups"],
            "NetworkAcls": ec2.describe_network_acls(Filters=filters)["NetworkAcls"],
        }
    )


def as_it_is(group: SecurityGroup) -> tuple[Any, ...]:
    texts = [rule.description for rule in group.rules]
    return group.group_name, group.description, group.vpc_id, group.rules, texts, group.tags


@pytest.mark.parametrize("name", CASES)
def test_every_case_comes_back_as_it_went_in(
    aws: EmbeddedAws, ec2: Any, shared_cases: Path, name: str
) -> None:
    """Ids, rules, entries, associations, blocks, tags; only default groups may be added, where a file
    lacks one."""
    document = json.loads((shared_cases / f"{name}.json").read_text())
    vpcs = load_document(aws, ONE, REGION, document)
    given, found = parse_snapshot(document), read_back(ec2, vpcs)
    groups = {group.group_id: as_it_is(group) for group in found.groups}
    for group in given.groups:
        assert groups.pop(group.group_id) == as_it_is(group)
    assert {name for name, *_ in groups.values()} <= {"default"}
    assert given.acls is not None
    acls = {acl.network_acl_id: acl for acl in found.acls or ()}
    for acl in given.acls:
        other = acls[acl.network_acl_id]
        assert (other.entries, other.is_default, other.tags) == (acl.entries, acl.is_default, acl.tags)
        assert [a.subnet_id for a in other.associations] == [a.subnet_id for a in acl.associations]
    assert {(s.subnet_id, s.cidr, s.ipv6_cidrs, s.tags) for s in found.subnets or ()} == {
        (s.subnet_id, s.cidr, s.ipv6_cidrs, s.tags) for s in given.subnets or ()
    }
    assert {(v.vpc_id, v.cidrs, v.ipv6_cidrs, v.is_default) for v in found.vpcs or ()} == {
        (v.vpc_id, v.cidrs, v.ipv6_cidrs, v.is_default) for v in given.vpcs or ()
    }


OLD = "123456789012"


def document() -> dict[str, Any]:
    """One of everything that moves to the new owner."""
    return {
        "Region": "us-east-1",
        "OwnerId": OLD,
        "Vpcs": [
            {
                "VpcId": "vpc-1",
                "CidrBlock": "10.0.0.0/16",
                "IsDefault": True,
                "CidrBlockAssociationSet": [{"CidrBlock": "10.0.0.0/16"}, {"CidrBlock": "10.9.0.0/16"}],
            }
        ],
        "Subnets": [
            {
                "SubnetId": "subnet-1",
                "VpcId": "vpc-1",
                "CidrBlock": "10.9.1.0/24",
                "AvailabilityZone": "us-east-1f",
            }
        ],
        "NetworkInterfaces": [
            {
                "NetworkInterfaceId": "eni-1",
                "VpcId": "vpc-1",
                "SubnetId": "subnet-1",
                "Groups": [{"GroupId": "sg-0000000a"}],
                "PrivateIpAddresses": [{"PrivateIpAddress": "10.9.1.7"}],
            }
        ],
        **group_with_references(),
        **prefix_lists(),
    }


def group_with_references() -> dict[str, Any]:
    pairs = [
        {"GroupId": "sg-0000000a", "UserId": OLD},
        {"GroupId": "sg-0000000b", "UserId": "999999999999"},
        {"GroupId": "sg-0000000c", "UserId": OLD},
        {"GroupId": "sg-843f59ed", "UserId": "amazon-elb", "GroupName": "amazon-elb-sg"},
    ]
    rules = [{"IpProtocol": "-1", "UserIdGroupPairs": pairs, "PrefixListIds": [{"PrefixListId": "pl-1"}]}]
    return {
        "SecurityGroups": [
            {
                "GroupId": "sg-0000000a",
                "GroupName": "default",
                "Description": "default VPC security group",
                "OwnerId": OLD,
                "VpcId": "vpc-1",
                "IpPermissions": rules,
            }
        ],
        "SecurityGroupRules": [
            {
                "SecurityGroupRuleId": "sgr-1",
                "GroupId": "sg-0000000a",
                "IsEgress": False,
                "IpProtocol": "-1",
                "FromPort": -1,
                "ToPort": -1,
                "PrefixListId": "pl-1",
                "Tags": [{"Key": "a", "Value": "b"}],
            }
        ],
    }


def prefix_lists() -> dict[str, Any]:
    return {
        "PrefixLists": [
            {"PrefixListId": "pl-1", "PrefixListName": "com.amazonaws.us-east-1.s3", "OwnerId": "AWS"},
            {
                "PrefixListId": "pl-2",
                "PrefixListName": "office",
                "OwnerId": OLD,
                "MaxEntries": 3,
                "Entries": [{"Cidr": "192.0.2.0/24", "Description": "lab"}],
            },
            {"PrefixListId": "pl-3", "PrefixListName": "shared", "OwnerId": "999999999999"},
        ]
    }


def test_what_was_the_owners_is_the_accounts(aws: EmbeddedAws, ec2: Any) -> None:
    """Pairs of the owner too; foreign, stale and ``amazon-elb`` ones stay as they are."""
    load_document(aws, ONE, REGION, document())
    (group,) = read_back(ec2, ["vpc-1"]).groups
    pairs = {r.peer.group_id: r.peer.user_id for r in group.rules if isinstance(r.peer, GroupPeer)}
    assert group.owner_id == ONE
    assert pairs == {
        "sg-0000000a": ONE,
        "sg-0000000b": "999999999999",
        "sg-0000000c": ONE,
        "sg-843f59ed": "amazon-elb",
    }


def test_lists_zones_interfaces_and_rule_ids(aws: EmbeddedAws, ec2: Any, refuses: Any) -> None:
    """AWS-managed lists get the Region's name, and there is one of each; a list without entries cannot be
    read."""
    load_document(aws, ONE, REGION, document())
    lists = {item["PrefixListId"]: item for item in ec2.describe_managed_prefix_lists()["PrefixLists"]}
    names = [item["PrefixListName"] for item in lists.values()]
    assert len(names) == len(set(names))
    assert lists["pl-1"]["PrefixListName"] == f"com.amazonaws.{REGION}.s3"
    assert (lists["pl-2"]["OwnerId"], lists["pl-3"]["OwnerId"]) == (ONE, "999999999999")
    entries = ec2.get_managed_prefix_list_entries(PrefixListId="pl-2")["Entries"]
    assert entries == [{"Cidr": "192.0.2.0/24", "Description": "lab"}]
    with refuses("UnauthorizedOperation"):
        ec2.get_managed_prefix_list_entries(PrefixListId="pl-3")
    (subnet,) = ec2.describe_subnets(SubnetIds=["subnet-1"])["Subnets"]
    assert subnet["AvailabilityZone"] == "eu-west-1f"
    (interface,) = ec2.describe_network_interfaces(NetworkInterfaceIds=["eni-1"])["NetworkInterfaces"]
    assert interface["Groups"][0]["GroupId"] == "sg-0000000a"
    assert interface["PrivateIpAddress"] == "10.9.1.7"
    (rule,) = ec2.describe_security_group_rules(SecurityGroupRuleIds=["sgr-1"])["SecurityGroupRules"]
    assert (rule["PrefixListId"], rule["Tags"]) == ("pl-1", [{"Key": "a", "Value": "b"}])


def test_one_default_vpc(aws: EmbeddedAws, ec2: Any) -> None:
    """The document's takes the place of the Region's own."""
    load_document(aws, ONE, REGION, document())
    found = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    assert [vpc["VpcId"] for vpc in found] == ["vpc-1"]
    group = ec2.create_security_group(GroupName="web", Description="d")["GroupId"]
    assert ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["VpcId"] == "vpc-1"


def test_a_document_of_groups_alone(aws: EmbeddedAws, ec2: Any) -> None:
    """VPCs that are only mentioned come to be, with a default group and ACL."""
    groups = document()["SecurityGroups"]
    groups[0] |= {"GroupName": "web", "IpPermissions": []}
    assert load_document(aws, ONE, REGION, {"SecurityGroups": groups}) == ["vpc-1"]
    found = read_back(ec2, ["vpc-1"])
    assert sorted(group.group_name for group in found.groups) == ["default", "web"]
    assert [acl.is_default for acl in found.acls or ()] == [True]


def test_the_same_document_twice(aws: EmbeddedAws, client: Any) -> None:
    """In two accounts of one Region: ids are equal and nothing mixes."""
    for account in (ONE, TWO):
        load_document(aws, account, REGION, document())
    theirs = client("ec2", account=TWO)
    made = theirs.create_security_group(GroupName="web", Description="d", VpcId="vpc-1")["GroupId"]
    theirs.delete_security_group(GroupId=made)
    assert client("ec2").describe_security_groups()["SecurityGroups"][0]["OwnerId"] == ONE


def test_an_empty_vpc(aws: EmbeddedAws, ec2: Any) -> None:
    """Exact blocks, named subnets, IPv6 cut into /64s."""
    vpc = empty_vpc(
        aws,
        ONE,
        REGION,
        "10.3.0.0/16",
        "2001:db8:3::/56",
        [("10.3.1.0/24", "a", "app"), ("10.3.2.0/24", "eu-west-1b", "db")],
        name="target",
    )
    found = read_back(ec2, [vpc])
    assert found.vpcs is not None
    assert found.subnets is not None
    assert str(found.vpcs[0].ipv6_cidrs[0]) == "2001:db8:3::/56"
    assert {(s.name, s.availability_zone, str(s.cidr), str(s.ipv6_cidrs[0])) for s in found.subnets} == {
        ("app", "eu-west-1a", "10.3.1.0/24", "2001:db8:3::/64"),
        ("db", "eu-west-1b", "10.3.2.0/24", "2001:db8:3:1::/64"),
    }
