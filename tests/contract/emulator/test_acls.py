"""Probes of network ACLs (aws-facts, chapter 2)."""

from typing import Any

import pytest

from twinwall.emulator.seed import empty_vpc
from twinwall.emulator.server import EmbeddedAws
from twinwall.emulator.switches import ACLS_PER_VPC, ENTRIES_PER_ACL, Switches

ONE, REGION = "210000000001", "eu-west-1"
ALL = {"Protocol": "-1", "RuleAction": "allow", "CidrBlock": "0.0.0.0/0"}


def acls(ec2: Any, vpc: str) -> list[dict[str, Any]]:
    filters = [{"Name": "vpc-id", "Values": [vpc]}]
    return list(ec2.describe_network_acls(Filters=filters)["NetworkAcls"])


def default_acl(ec2: Any, vpc: str) -> dict[str, Any]:
    (found,) = (acl for acl in acls(ec2, vpc) if acl["IsDefault"])
    return found


def entries(ec2: Any, acl: str) -> list[dict[str, Any]]:
    return list(ec2.describe_network_acls(NetworkAclIds=[acl])["NetworkAcls"][0]["Entries"])


def numbers(found: list[dict[str, Any]], egress: bool = False) -> list[int]:
    return [entry["RuleNumber"] for entry in found if entry["Egress"] is egress]


@pytest.fixture
def acl(ec2: Any, vpc: str) -> str:
    return str(ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"])


def add(ec2: Any, acl: str, number: int = 100, egress: bool = False, **more: Any) -> None:
    ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=number, Egress=egress, **{**ALL, **more})


def test_the_default_acl(ec2: Any, vpc: str) -> None:
    """100 allows all IPv4 each way, 32767 denies the rest."""
    for egress in (False, True):
        assert numbers(default_acl(ec2, vpc)["Entries"], egress) == [100, 32767]


def test_the_default_acl_with_ipv6(ec2: Any, vpc6: str) -> None:
    """101 and 32768 as well."""
    found = default_acl(ec2, vpc6)["Entries"]
    for egress in (False, True):
        assert numbers(found, egress) == [100, 101, 32767, 32768]
    assert {entry["Ipv6CidrBlock"] for entry in found if entry["RuleNumber"] in (101, 32768)} == {"::/0"}


@pytest.mark.parametrize("edited", [False, True])
def test_ipv6_that_comes_later(ec2: Any, vpc: str, edited: bool) -> None:
    """101 is not added to a direction that was edited before; 32768 always appears."""
    acl_id = default_acl(ec2, vpc)["NetworkAclId"]
    if edited:
        add(ec2, acl_id, 90)
    ec2.associate_vpc_cidr_block(VpcId=vpc, AmazonProvidedIpv6CidrBlock=True)
    found = entries(ec2, acl_id)
    assert numbers(found, egress=True) == [100, 101, 32767, 32768]
    assert numbers(found) == ([90, 100, 32767, 32768] if edited else [100, 101, 32767, 32768])


def test_a_new_acl_denies_all(ec2: Any, vpc: str) -> None:
    """emulators.md: 32767 only, no subnets."""
    made = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]
    assert numbers(made["Entries"]) == numbers(made["Entries"], egress=True) == [32767]
    assert (made["IsDefault"], made["Associations"], made["OwnerId"]) == (False, [], ONE)
    assert made in acls(ec2, vpc)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (
            {"Protocol": "6", "PortRange": {"From": 80, "To": 90}},
            {"Protocol": "6", "PortRange": {"From": 80, "To": 90}},
        ),
        (
            {"Protocol": "1", "IcmpTypeCode": {"Type": 8, "Code": -1}},
            {"Protocol": "1", "IcmpTypeCode": {"Type": 8, "Code": -1}},
        ),
        (
            {
                "Protocol": "58",
                "CidrBlock": None,
                "Ipv6CidrBlock": "2001:DB8::1/32",
                "IcmpTypeCode": {"Type": -1, "Code": -1},
            },
            {
                "Protocol": "58",
                "Ipv6CidrBlock": "2001:db8::/32",
                "CidrBlock": None,
                "IcmpTypeCode": {"Type": -1, "Code": -1},
            },
        ),
        ({"Protocol": "58"}, {"Protocol": "58", "IcmpTypeCode": {"Type": -1, "Code": -1}}),
        ({"Protocol": "50", "PortRange": {"From": 1, "To": 2}}, {"Protocol": "50", "PortRange": None}),
        ({"CidrBlock": "100.68.0.18/18"}, {"CidrBlock": "100.68.0.0/18"}),
        ({"RuleAction": "deny"}, {"RuleAction": "deny"}),
    ],
)
def test_entries_come_back(ec2: Any, acl: str, given: dict[str, Any], shown: dict[str, Any]) -> None:
    """Protocol semantics and canonical CIDRs (B CreateNetworkAclEntry)."""
    request = {key: value for key, value in {**ALL, **given}.items() if value is not None}
    ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=100, Egress=False, **request)
    (found,) = (e for e in entries(ec2, acl) if e["RuleNumber"] == 100)
    assert {key: found.get(key) for key in shown} == shown


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"RuleNumber": 0}, "InvalidParameterValue"),
        ({"RuleNumber": 32767}, "InvalidParameterValue"),
        ({"Protocol": "tcp"}, "InvalidParameterValue"),
        ({"Protocol": "256"}, "InvalidParameterValue"),
        ({"Protocol": "6"}, "MissingParameter"),
        ({"Protocol": "6", "PortRange": {"From": 2, "To": 1}}, "InvalidParameterValue"),
        ({"Protocol": "1"}, "MissingParameter"),
        ({"Protocol": "58", "CidrBlock": None, "Ipv6CidrBlock": "::/0"}, "MissingParameter"),
        ({"Protocol": "1", "IcmpTypeCode": {"Type": -1, "Code": 0}}, "InvalidParameterValue"),
        ({"CidrBlock": "10.0.0.0/33"}, "InvalidParameterValue"),
        ({"CidrBlock": "::/0"}, "InvalidParameterValue"),
        ({"CidrBlock": None}, "MissingParameter"),
        ({"Ipv6CidrBlock": "::/0"}, "InvalidParameterValue"),
        ({"RuleAction": "maybe"}, "InvalidParameterValue"),
    ],
)
def test_entries_that_are_refused(ec2: Any, acl: str, refuses: Any, given: dict[str, Any], code: str) -> None:
    """B CreateNetworkAclEntry."""
    request = {"RuleNumber": 100, "Egress": False, **ALL, **given}
    with refuses(code):
        ec2.create_network_acl_entry(
            NetworkAclId=acl, **{key: value for key, value in request.items() if value is not None}
        )
    assert numbers(entries(ec2, acl)) == [32767]


def test_numbers_are_apart_by_direction_not_by_family(ec2: Any, acl: str, refuses: Any) -> None:
    """Key = (ACL, direction, number); both families share the numbers."""
    add(ec2, acl)
    add(ec2, acl, egress=True)
    with refuses("NetworkAclEntryAlreadyExists"):
        add(ec2, acl)
    with refuses("NetworkAclEntryAlreadyExists"):
        ec2.create_network_acl_entry(
            NetworkAclId=acl,
            RuleNumber=100,
            Egress=False,
            Protocol="-1",
            RuleAction="deny",
            Ipv6CidrBlock="::/0",
        )


def test_replace_and_delete(ec2: Any, acl: str, refuses: Any) -> None:
    """The whole entry is overwritten; what is absent is InvalidNetworkAclEntry.NotFound."""
    add(ec2, acl, Protocol="6", PortRange={"From": 1, "To": 2})
    ec2.replace_network_acl_entry(
        NetworkAclId=acl, RuleNumber=100, Egress=False, **{**ALL, "RuleAction": "deny"}
    )
    (found,) = (e for e in entries(ec2, acl) if e["RuleNumber"] == 100)
    assert (found["Protocol"], found["RuleAction"], found.get("PortRange")) == ("-1", "deny", None)
    with refuses("InvalidNetworkAclEntry.NotFound"):
        ec2.replace_network_acl_entry(NetworkAclId=acl, RuleNumber=100, Egress=True, **ALL)
    with refuses("InvalidNetworkAclEntry.NotFound"):
        ec2.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=100, Egress=True)
    with refuses("InvalidParameterValue"):
        ec2.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=32767, Egress=False)
    ec2.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=100, Egress=False)
    assert numbers(entries(ec2, acl)) == [32767]


@pytest.mark.parametrize(
    ("switches", "fours", "sixes"),
    [
        (Switches(), 20, 0),
        (Switches(acl_quota_counts_final_deny=True), 19, 0),
        (Switches(acl_quota_per_family=True), 20, 20),
    ],
)
def test_twenty_entries(
    aws: EmbeddedAws, ec2: Any, acl: str, refuses: Any, switches: Switches, fours: int, sixes: int
) -> None:
    """aws-facts 2 and 11: not settled whether per family and whether the final deny counts."""
    aws.set_switches(switches)
    for number in range(1, fours + 1):
        add(ec2, acl, number)
    six = {"Protocol": "-1", "RuleAction": "allow", "Ipv6CidrBlock": "::/0", "Egress": False}
    for number in range(101, 101 + sixes):
        ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=number, **six)
    with refuses("NetworkAclEntryLimitExceeded"):
        add(ec2, acl, 99)
    with refuses("NetworkAclEntryLimitExceeded"):
        ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=200, **six)
    add(ec2, acl, 1, egress=True)


def test_the_entry_quota_can_be_set(aws: EmbeddedAws, ec2: Any, acl: str) -> None:
    """Up to 40 on request."""
    aws.set_quota(ENTRIES_PER_ACL, 40)
    for number in range(1, 41):
        add(ec2, acl, number)


def test_acls_per_vpc(aws: EmbeddedAws, ec2: Any, vpc: str, refuses: Any) -> None:
    """200, settable; the default one counts."""
    aws.set_quota(ACLS_PER_VPC, 2)
    ec2.create_network_acl(VpcId=vpc)
    with refuses("NetworkAclLimitExceeded"):
        ec2.create_network_acl(VpcId=vpc)


def test_the_swap(aws: EmbeddedAws, ec2: Any, vpc: str, acl: str, refuses: Any) -> None:
    """A subnet has exactly one ACL; the association's id changes with each swap."""
    (old,) = default_acl(ec2, vpc)["Associations"]
    answer = ec2.replace_network_acl_association(
        AssociationId=old["NetworkAclAssociationId"], NetworkAclId=acl
    )
    assert default_acl(ec2, vpc)["Associations"] == []
    (found,) = (a for a in acls(ec2, vpc) if a["NetworkAclId"] == acl)
    assert found["Associations"] == [
        {
            "NetworkAclAssociationId": answer["NewAssociationId"],
            "NetworkAclId": acl,
            "SubnetId": old["SubnetId"],
        }
    ]
    again = ec2.replace_network_acl_association(AssociationId=answer["NewAssociationId"], NetworkAclId=acl)
    assert again["NewAssociationId"] == answer["NewAssociationId"]
    with refuses("InvalidAssociationID.NotFound"):
        ec2.replace_network_acl_association(AssociationId=old["NetworkAclAssociationId"], NetworkAclId=acl)
    other = default_acl(ec2, empty_vpc(aws, ONE, REGION))["NetworkAclId"]
    with refuses("InvalidParameterValue"):
        ec2.replace_network_acl_association(AssociationId=answer["NewAssociationId"], NetworkAclId=other)


def test_a_new_subnet_has_the_default_acl(ec2: Any, vpc: str) -> None:
    """One made over the API, whose VPC is moto's."""
    made = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.9.0/24", AvailabilityZone=f"{REGION}b")["Subnet"]
    associated = [a["SubnetId"] for a in default_acl(ec2, vpc)["Associations"]]
    assert made["SubnetId"] in associated
    assert len(associated) == 2
    ec2.delete_subnet(SubnetId=made["SubnetId"])
    assert len(default_acl(ec2, vpc)["Associations"]) == 1


def test_delete(ec2: Any, vpc: str, acl: str, refuses: Any) -> None:
    """Not the default one; not one with a subnet."""
    default = default_acl(ec2, vpc)
    with refuses("InvalidParameterValue"):
        ec2.delete_network_acl(NetworkAclId=default["NetworkAclId"])
    association = default["Associations"][0]["NetworkAclAssociationId"]
    back = ec2.replace_network_acl_association(AssociationId=association, NetworkAclId=acl)
    with refuses("DependencyViolation"):
        ec2.delete_network_acl(NetworkAclId=acl)
    ec2.replace_network_acl_association(
        AssociationId=back["NewAssociationId"], NetworkAclId=default["NetworkAclId"]
    )
    ec2.delete_network_acl(NetworkAclId=acl)
    with refuses("InvalidNetworkAclID.NotFound"):
        ec2.describe_network_acls(NetworkAclIds=[acl])


def test_client_tokens(ec2: Any, vpc: str, vpc6: str, refuses: Any) -> None:
    """aws-facts 3.3: the same ACL again; other parameters are a mismatch."""
    first = ec2.create_network_acl(VpcId=vpc, ClientToken="t")["NetworkAcl"]
    again = ec2.create_network_acl(VpcId=vpc, ClientToken="t")
    assert (again["NetworkAcl"], again["ClientToken"]) == (first, "t")
    with refuses("IdempotentParameterMismatch"):
        ec2.create_network_acl(VpcId=vpc6, ClientToken="t")


@pytest.mark.parametrize(
    ("name", "value", "hits"),
    [
        ("default", "true", 1),
        ("entry.protocol", "tcp", 1),
        ("entry.protocol", "6", 1),
        ("entry.port-range.from", "80", 1),
        ("entry.rule-action", "deny", 2),
        ("entry.rule-number", "77", 1),
        ("entry.egress", "true", 2),
        ("entry.cidr", "10.5.0.0/16", 1),
        ("entry.cidr", "10.6.0.0/16", 0),
        ("tag:Name", "mi*", 1),
        ("association.subnet-id", "subnet-0aaaaaaaaaaaaaaaa", 0),
    ],
)
def test_filters(ec2: Any, vpc: str, name: str, value: str, hits: int) -> None:
    """B DescribeNetworkAclsRequest.Filters."""
    tags = [{"ResourceType": "network-acl", "Tags": [{"Key": "Name", "Value": "mine"}]}]
    acl = ec2.create_network_acl(VpcId=vpc, TagSpecifications=tags)["NetworkAcl"]["NetworkAclId"]
    add(ec2, acl, 77, Protocol="6", PortRange={"From": 80, "To": 80}, CidrBlock="10.5.0.0/16")
    filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": name, "Values": [value]}]
    assert len(ec2.describe_network_acls(Filters=filters)["NetworkAcls"]) == hits
