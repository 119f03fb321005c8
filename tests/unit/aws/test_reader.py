"""The reader's calls as EC2 sees them: filters, pages, and what it does with the answers."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from botocore.stub import ANY, Stubber

from twinwall.aws.clients import AwsSession
from twinwall.boundary import Identity
from twinwall.ec2.reader import Ec2Reader
from twinwall.errors import AccessDenied, NotFound

VPC = "vpc-0123456789abcdef0"
IN_VPC = [{"Name": "vpc-id", "Values": [VPC]}]
Activate = Callable[[object], Stubber]


@pytest.fixture
def ec2(session: AwsSession, stub: Activate) -> Stubber:
    return stub(session.reading())


@pytest.mark.parametrize(
    ("section", "operation"),
    [
        ("SecurityGroups", "describe_security_groups"),
        ("NetworkAcls", "describe_network_acls"),
        ("Subnets", "describe_subnets"),
        ("NetworkInterfaces", "describe_network_interfaces"),
        ("SecurityGroupVpcAssociations", "describe_security_group_vpc_associations"),
    ],
)
def test_a_section_is_read_by_vpc_in_large_pages(
    session: AwsSession, ec2: Stubber, section: str, operation: str
) -> None:
    ec2.add_response(
        operation, {section: [{"VpcId": VPC}], "NextToken": "more"}, {"Filters": IN_VPC, "MaxResults": 1000}
    )
    ec2.add_response(operation, {section: [{}]}, {"Filters": IN_VPC, "MaxResults": 1000, "NextToken": "more"})
    assert Ec2Reader(session).read(VPC, [section]) == {section: [{"VpcId": VPC}, {}]}


def test_a_vpc_that_is_not_there_is_told_before_anything_else_is_read(
    session: AwsSession, ec2: Stubber
) -> None:
    ec2.add_client_error("describe_vpcs", "InvalidVpcID.NotFound", "The vpc ID does not exist", 400)
    with pytest.raises(
        NotFound, match=r"reading the VPC vpc-\w+ in eu-west-1 \(target\).*way out: check the id"
    ):
        Ec2Reader(session).read(VPC, ["SecurityGroups", "Vpcs"])


def test_a_group_that_is_not_there_has_no_rules_however_that_is_said(
    session: AwsSession, ec2: Stubber
) -> None:
    """By finding nothing for it, or by a refusal."""

    def asked(*ids: str) -> dict[str, object]:
        return {"Filters": [{"Name": "group-id", "Values": list(ids)}], "MaxResults": 1000}

    def refused(*ids: str) -> None:
        ec2.add_client_error(call, "InvalidGroup.NotFound", "not there", 400, expected_params=asked(*ids))

    call = "describe_security_group_rules"
    refused("sg-1", "sg-2", "sg-3")
    ec2.add_response(call, {"SecurityGroupRules": [{"GroupId": "sg-1"}]}, asked("sg-1"))
    refused("sg-2", "sg-3")
    refused("sg-2")
    ec2.add_response(call, {"SecurityGroupRules": [{"GroupId": "sg-3"}]}, asked("sg-3"))
    found = Ec2Reader(session).read_rules(["sg-1", "sg-2", "sg-3"])["SecurityGroupRules"]
    assert found == [{"GroupId": "sg-1"}, {"GroupId": "sg-3"}]


def test_rules_are_asked_for_by_group_at_most_200_a_call(session: AwsSession, ec2: Stubber) -> None:
    groups = [{"GroupId": f"sg-{n}"} for n in range(201)]
    ec2.add_response("describe_security_groups", {"SecurityGroups": groups})
    for ids in ([g["GroupId"] for g in groups[:200]], ["sg-200"]):
        ec2.add_response(
            "describe_security_group_rules",
            {"SecurityGroupRules": [{"GroupId": ids[0]}]},
            {"Filters": [{"Name": "group-id", "Values": ids}], "MaxResults": 1000},
        )
    document = Ec2Reader(session).read(VPC, ["SecurityGroupRules", "SecurityGroups"])
    assert [rule["GroupId"] for rule in document["SecurityGroupRules"]] == ["sg-0", "sg-200"]


def test_no_groups_no_call_for_rules(session: AwsSession, ec2: Stubber) -> None:
    """An empty filter would be refused, an empty id list would mean all rules of the Region."""
    ec2.add_response("describe_security_groups", {"SecurityGroups": []})
    assert Ec2Reader(session).read(VPC, ["SecurityGroupRules"]) == {"SecurityGroupRules": []}


def test_stale_references_go_by_vpc(session: AwsSession, ec2: Stubber) -> None:
    ec2.add_response(
        "describe_stale_security_groups",
        {"StaleSecurityGroupSet": [{"GroupId": "sg-1"}]},
        {"VpcId": VPC, "MaxResults": 255},
    )
    document = Ec2Reader(session).read(VPC, ["StaleSecurityGroups"])
    assert document == {"StaleSecurityGroups": [{"GroupId": "sg-1"}]}


def test_a_peering_is_found_from_both_ends_and_once(session: AwsSession, ec2: Stubber) -> None:
    peering = {"VpcPeeringConnectionId": "pcx-1", "ExpirationTime": datetime(2026, 1, 2, tzinfo=UTC)}
    for end in ("requester", "accepter"):
        ec2.add_response(
            "describe_vpc_peering_connections",
            {"VpcPeeringConnections": [peering]},
            {"Filters": [{"Name": f"{end}-vpc-info.vpc-id", "Values": [VPC]}], "MaxResults": 1000},
        )
    document = Ec2Reader(session).read(VPC, ["VpcPeeringConnections"])
    assert document["VpcPeeringConnections"] == [
        {"VpcPeeringConnectionId": "pcx-1", "ExpirationTime": "2026-01-02T00:00:00+00:00"}
    ]


def test_timestamps_become_text(session: AwsSession, ec2: Stubber) -> None:
    attached = {
        "Attachment": {"AttachTime": datetime(2026, 1, 2, tzinfo=UTC)},
        "Groups": [{"GroupId": "sg-1"}],
    }
    ec2.add_response("describe_network_interfaces", {"NetworkInterfaces": [attached]})
    document = Ec2Reader(session).read(VPC, ["NetworkInterfaces"])
    assert document["NetworkInterfaces"] == [
        {"Attachment": {"AttachTime": "2026-01-02T00:00:00+00:00"}, "Groups": [{"GroupId": "sg-1"}]}
    ]


def test_a_denial_is_told_with_action_and_side(session: AwsSession, ec2: Stubber) -> None:
    ec2.add_client_error("describe_network_acls", "UnauthorizedOperation", "no", 403)
    with pytest.raises(AccessDenied, match=r'target may not call ec2:DescribeNetworkAcls.*"Action"'):
        Ec2Reader(session).read(VPC, ["NetworkAcls"])


def test_lists_by_id_and_name_with_their_entries(session: AwsSession, ec2: Stubber) -> None:
    for name, value in (("prefix-list-id", "pl-1"), ("prefix-list-name", "com.amazonaws.eu-west-1.s3")):
        ec2.add_response(
            "describe_managed_prefix_lists",
            {"PrefixLists": [{"PrefixListId": "pl-1" if "id" in name else "pl-2"}]},
            {"Filters": [{"Name": name, "Values": [value]}], "MaxResults": 100},
        )
    for list_id in ("pl-1", "pl-2"):
        ec2.add_response(
            "get_managed_prefix_list_entries",
            {"Entries": [{"Cidr": "10.0.0.0/8"}], "NextToken": "more"},
            {"PrefixListId": list_id, "MaxResults": 100},
        )
        ec2.add_response(
            "get_managed_prefix_list_entries",
            {"Entries": [{"Cidr": "11.0.0.0/8"}]},
            {"PrefixListId": list_id, "MaxResults": 100, "NextToken": "more"},
        )
    entries = [{"Cidr": "10.0.0.0/8"}, {"Cidr": "11.0.0.0/8"}]
    document = Ec2Reader(session).read_prefix_lists(["pl-1"], ["com.amazonaws.eu-west-1.s3"])
    assert document == {
        "PrefixLists": [
            {"PrefixListId": "pl-1", "Entries": entries},
            {"PrefixListId": "pl-2", "Entries": entries},
        ]
    }


def test_nothing_asked_for_is_all_of_the_accounts_own(
    session: AwsSession, ec2: Stubber, stub: Activate
) -> None:
    session._identity = Identity("111122223333", "arn:aws:iam::111122223333:user/u", "eu-west-1")
    ec2.add_response(
        "describe_managed_prefix_lists",
        {
            "PrefixLists": [
                {"PrefixListId": "pl-1", "OwnerId": "111122223333"},
                {"PrefixListId": "pl-2", "OwnerId": "AWS"},
            ]
        },
        {"MaxResults": 100},
    )
    ec2.add_response("get_managed_prefix_list_entries", {"Entries": []})
    document = Ec2Reader(session).read_prefix_lists([])
    assert [item["PrefixListId"] for item in document["PrefixLists"]] == ["pl-1"]


@pytest.mark.parametrize("code", ["UnauthorizedOperation", "InvalidPrefixListID.NotFound"])
def test_entries_that_may_not_be_read_are_left_out_and_marked(
    session: AwsSession, ec2: Stubber, code: str
) -> None:
    ec2.add_response("describe_managed_prefix_lists", {"PrefixLists": [{"PrefixListId": "pl-1"}]})
    ec2.add_client_error("get_managed_prefix_list_entries", code, "no", 403)
    document = Ec2Reader(session).read_prefix_lists(["pl-1"])
    assert document == {"PrefixLists": [{"PrefixListId": "pl-1", "EntriesDenied": True}]}


def test_groups_by_tag_match_exactly_though_ec2_reads_wildcards(session: AwsSession, ec2: Stubber) -> None:
    tagged = [
        {"GroupId": f"sg-{n}", "Tags": [{"Key": "tier", "Value": v}]} for n, v in enumerate(("w*b", "web"))
    ]
    ec2.add_response(
        "describe_security_groups",
        {"SecurityGroups": tagged},
        {"Filters": [{"Name": "tag:tier", "Values": ["w*b"]}], "MaxResults": ANY},
    )
    found = Ec2Reader(session).find_groups("tier", "w*b")
    assert [group["GroupId"] for group in found["SecurityGroups"]] == ["sg-0"]
