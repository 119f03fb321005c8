"""Probes of prefix lists (aws-facts, chapter 4)."""

from typing import Any

import pytest

from twinwall.emulator.server import EmbeddedAws
from twinwall.emulator.switches import LIMITS, LISTS_PER_REGION, Switches

ONE, REGION = "210000000001", "eu-west-1"


def make(ec2: Any, most: int = 10, *cidrs: str, **more: Any) -> dict[str, Any]:
    given = {"PrefixListName": "office", "MaxEntries": most, "AddressFamily": "IPv4", **more}
    answer = ec2.create_managed_prefix_list(Entries=[{"Cidr": cidr} for cidr in cidrs], **given)
    return dict(answer["PrefixList"])


def read(ec2: Any, list_id: str) -> dict[str, Any]:
    found: dict[str, Any] = ec2.describe_managed_prefix_lists(PrefixListIds=[list_id])["PrefixLists"][0]
    return found


def cidrs(ec2: Any, list_id: str, **more: Any) -> list[str]:
    answer = ec2.get_managed_prefix_list_entries(PrefixListId=list_id, **more)
    return [entry["Cidr"] for entry in answer["Entries"]]


def test_create_and_read(ec2: Any) -> None:
    """emulators.md; B ManagedPrefixList."""
    tags = [{"ResourceType": "prefix-list", "Tags": [{"Key": "a", "Value": "b"}]}]
    made = make(ec2, 5, "10.0.0.5/8", "192.0.2.0/24", TagSpecifications=tags)
    assert made["State"] == "create-in-progress"
    list_id = made["PrefixListId"]
    assert read(ec2, list_id) == {
        "PrefixListId": list_id,
        "AddressFamily": "IPv4",
        "State": "create-complete",
        "PrefixListArn": f"arn:aws:ec2:{REGION}:{ONE}:prefix-list/{list_id}",
        "PrefixListName": "office",
        "MaxEntries": 5,
        "Version": 1,
        "Tags": [{"Key": "a", "Value": "b"}],
        "OwnerId": ONE,
    }
    assert cidrs(ec2, list_id) == ["10.0.0.0/8", "192.0.2.0/24"]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"PrefixListName": "com.amazonaws.mine"}, "InvalidParameterValue"),
        ({"PrefixListName": "x" * 256}, "InvalidParameterValue"),
        ({"MaxEntries": 0}, "InvalidParameterValue"),
        ({"MaxEntries": 1001}, "InvalidParameterValue"),
        ({"AddressFamily": "IPv5"}, "InvalidParameterValue"),
        ({"Entries": [{"Cidr": "::/0"}]}, "InvalidParameterValue"),
        ({"Entries": [{"Cidr": "10.0.0.0/8"}, {"Cidr": "10.1.0.0/8"}]}, "InvalidParameterValue"),
        (
            {"MaxEntries": 1, "Entries": [{"Cidr": "10.0.0.0/8"}, {"Cidr": "192.0.2.0/24"}]},
            "PrefixListMaxEntriesExceeded",
        ),
        (
            {"MaxEntries": 200, "Entries": [{"Cidr": f"10.{n}.0.0/16"} for n in range(101)]},
            "InvalidParameterValue",
        ),
    ],
)
def test_lists_that_are_refused(ec2: Any, refuses: Any, given: dict[str, Any], code: str) -> None:
    """One family per list, 100 entries per call, 1,000 per list (aws-facts 4)."""
    base = {"PrefixListName": "office", "MaxEntries": 10, "AddressFamily": "IPv4"}
    with refuses(code):
        ec2.create_managed_prefix_list(**{**base, **given})


def test_modify_bumps_the_version(ec2: Any) -> None:
    """The answer shows the old version and modify-in-progress; old versions stay readable."""
    list_id = make(ec2, 5, "10.0.0.0/8")["PrefixListId"]
    answer = ec2.modify_managed_prefix_list(
        PrefixListId=list_id,
        CurrentVersion=1,
        AddEntries=[{"Cidr": "192.0.2.0/24", "Description": "lab"}],
        RemoveEntries=[{"Cidr": "10.0.0.0/8"}],
    )["PrefixList"]
    assert (answer["State"], answer["Version"]) == ("modify-in-progress", 1)
    now = read(ec2, list_id)
    assert (now["State"], now["Version"]) == ("modify-complete", 2)
    assert cidrs(ec2, list_id) == ["192.0.2.0/24"]
    assert cidrs(ec2, list_id, TargetVersion=1) == ["10.0.0.0/8"]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"CurrentVersion": 7, "AddEntries": [{"Cidr": "192.0.2.0/24"}]}, "PrefixListVersionMismatch"),
        ({"AddEntries": [{"Cidr": "192.0.2.0/24"}]}, "MissingParameter"),
        (
            {"CurrentVersion": 1, "AddEntries": [{"Cidr": "192.0.2.0/24"}], "MaxEntries": 9},
            "InvalidParameterCombination",
        ),
        (
            {
                "CurrentVersion": 1,
                "AddEntries": [{"Cidr": "10.0.0.0/8"}],
                "RemoveEntries": [{"Cidr": "10.0.0.0/8"}],
            },
            "InvalidParameterValue",
        ),
        ({"CurrentVersion": 1, "AddEntries": [{"Cidr": "10.0.0.0/8"}]}, "InvalidParameterValue"),
        ({"CurrentVersion": 1, "RemoveEntries": [{"Cidr": "192.0.2.0/24"}]}, "InvalidParameterValue"),
        (
            {"CurrentVersion": 1, "AddEntries": [{"Cidr": f"172.16.{n}.0/24"} for n in range(2)]},
            "PrefixListMaxEntriesExceeded",
        ),
        ({"MaxEntries": 0}, "InvalidParameterValue"),
    ],
)
def test_modifications_that_are_refused(ec2: Any, refuses: Any, given: dict[str, Any], code: str) -> None:
    """aws-facts 4."""
    list_id = make(ec2, 2, "10.0.0.0/8")["PrefixListId"]
    with refuses(code):
        ec2.modify_managed_prefix_list(PrefixListId=list_id, **given)
    assert read(ec2, list_id)["Version"] == 1


def test_name_and_size_make_no_version(ec2: Any) -> None:
    """aws-facts 4."""
    list_id = make(ec2, 2, "10.0.0.0/8")["PrefixListId"]
    ec2.modify_managed_prefix_list(PrefixListId=list_id, PrefixListName="lab")
    ec2.modify_managed_prefix_list(PrefixListId=list_id, MaxEntries=9)
    now = read(ec2, list_id)
    assert (now["PrefixListName"], now["MaxEntries"], now["Version"]) == ("lab", 9, 1)


def name_it(ec2: Any, group: str, list_id: str) -> list[dict[str, Any]]:
    given = [{"IpProtocol": "-1", "PrefixListIds": [{"PrefixListId": list_id}]}]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=given)
    return given


def test_an_old_version_is_restored_as_a_new_one(ec2: Any, refuses: Any) -> None:
    """aws-facts 4; B RestoreManagedPrefixListVersion. The guard is the version as for a change."""
    list_id = make(ec2, 2, "10.0.0.0/8", "192.0.2.0/24")["PrefixListId"]
    ec2.modify_managed_prefix_list(
        PrefixListId=list_id,
        CurrentVersion=1,
        AddEntries=[{"Cidr": "198.51.100.0/24"}],
        RemoveEntries=[{"Cidr": "10.0.0.0/8"}],
    )
    wanted = {"PrefixListId": list_id, "PreviousVersion": 1, "CurrentVersion": 2}
    answer = ec2.restore_managed_prefix_list_version(**wanted)["PrefixList"]
    assert (answer["State"], answer["Version"]) == ("restore-in-progress", 2)
    after = read(ec2, list_id)
    assert (after["State"], after["Version"]) == ("restore-complete", 3)
    assert cidrs(ec2, list_id) == ["10.0.0.0/8", "192.0.2.0/24"]
    assert cidrs(ec2, list_id, TargetVersion=2) == ["192.0.2.0/24", "198.51.100.0/24"]
    with refuses("PrefixListVersionMismatch"):
        ec2.restore_managed_prefix_list_version(**wanted)
    with refuses("InvalidParameterValue"):
        ec2.restore_managed_prefix_list_version(**wanted | {"PreviousVersion": 9, "CurrentVersion": 3})


def test_what_no_longer_fits_is_not_restored(ec2: Any, refuses: Any) -> None:
    list_id = make(ec2, 2, "10.0.0.0/8", "192.0.2.0/24")["PrefixListId"]
    ec2.modify_managed_prefix_list(
        PrefixListId=list_id, CurrentVersion=1, RemoveEntries=[{"Cidr": "10.0.0.0/8"}]
    )
    ec2.modify_managed_prefix_list(PrefixListId=list_id, MaxEntries=1)
    with refuses("PrefixListMaxEntriesExceeded"):
        ec2.restore_managed_prefix_list_version(PrefixListId=list_id, PreviousVersion=1, CurrentVersion=2)


def test_growing_over_a_groups_quota_fails(ec2: Any, group: str) -> None:
    """B ModifyManagedPrefixListRequest.MaxEntries: the size stays, the state says failed."""
    list_id = make(ec2, 2)["PrefixListId"]
    name_it(ec2, group, list_id)
    ec2.modify_managed_prefix_list(PrefixListId=list_id, MaxEntries=61)
    now = read(ec2, list_id)
    assert (now["State"], now["MaxEntries"]) == ("modify-failed", 2)
    ec2.modify_managed_prefix_list(PrefixListId=list_id, MaxEntries=60)
    assert read(ec2, list_id)["MaxEntries"] == 60


def test_a_list_that_is_named_cannot_be_deleted(ec2: Any, group: str, refuses: Any) -> None:
    """B DeleteManagedPrefixList; GetManagedPrefixListAssociations says by whom."""
    list_id = make(ec2, 2)["PrefixListId"]
    given = name_it(ec2, group, list_id)
    answer = ec2.get_managed_prefix_list_associations(PrefixListId=list_id)
    assert answer["PrefixListAssociations"] == [{"ResourceId": group, "ResourceOwner": ONE}]
    with refuses("DependencyViolation"):
        ec2.delete_managed_prefix_list(PrefixListId=list_id)
    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=given)
    gone = ec2.delete_managed_prefix_list(PrefixListId=list_id)["PrefixList"]
    assert gone["State"] == "delete-in-progress"
    with refuses("InvalidPrefixListID.NotFound"):
        read(ec2, list_id)


def test_states_take_their_time(aws: EmbeddedAws, ec2: Any, refuses: Any) -> None:
    """aws-facts 4: a modify while another is in progress is IncorrectState."""
    aws.set_switches(Switches(slow_states=True))
    list_id = make(ec2, 5)["PrefixListId"]
    change = {"CurrentVersion": 1, "AddEntries": [{"Cidr": "10.0.0.0/8"}]}
    with refuses("IncorrectState"):
        ec2.modify_managed_prefix_list(PrefixListId=list_id, **change)
    assert [read(ec2, list_id)["State"] for _ in range(2)] == ["create-in-progress", "create-complete"]
    ec2.modify_managed_prefix_list(PrefixListId=list_id, **change)
    assert [read(ec2, list_id)["Version"] for _ in range(2)] == [1, 2]


def test_client_tokens(ec2: Any, refuses: Any) -> None:
    """aws-facts 3.3."""
    first = make(ec2, 5, ClientToken="t")
    assert make(ec2, 5, ClientToken="t")["PrefixListId"] == first["PrefixListId"]
    with refuses("IdempotentParameterMismatch"):
        make(ec2, 6, ClientToken="t")


def test_lists_per_region(ec2: Any, refuses: Any) -> None:
    """aws-facts 4: 100."""
    for _ in range(LIMITS[LISTS_PER_REGION]):
        make(ec2, 1)
    with refuses("PrefixListLimitExceeded"):
        make(ec2, 1)


def test_aws_managed_lists(client: Any, ec2: Any, refuses: Any) -> None:
    """aws-facts 4: owner AWS, other ids in each Region, by name; not ours to change."""
    found = {
        region: {
            item["PrefixListName"]: item
            for item in client("ec2", region=region).describe_managed_prefix_lists()["PrefixLists"]
        }
        for region in (REGION, "us-east-1")
    }
    here = found[REGION][f"com.amazonaws.{REGION}.s3"]
    there = found["us-east-1"]["com.amazonaws.us-east-1.s3"]
    assert here["PrefixListId"] != there["PrefixListId"]
    assert (here["OwnerId"], "MaxEntries" in here, "Version" in here) == ("AWS", False, False)
    assert here["PrefixListArn"] == f"arn:aws:ec2:{REGION}:aws:prefix-list/{here['PrefixListId']}"
    assert f"com.amazonaws.{REGION}.dynamodb" in found[REGION]
    assert "com.amazonaws.global.cloudfront.origin-facing" in found[REGION]
    assert cidrs(ec2, here["PrefixListId"])
    with refuses("OperationNotPermitted"):
        ec2.delete_managed_prefix_list(PrefixListId=here["PrefixListId"])


def test_describe_prefix_lists_is_of_services(ec2: Any) -> None:
    """B DescribePrefixLists."""
    names = {item["PrefixListName"]: item["Cidrs"] for item in ec2.describe_prefix_lists()["PrefixLists"]}
    assert set(names) == {f"com.amazonaws.{REGION}.s3", f"com.amazonaws.{REGION}.dynamodb"}
    assert all(names.values())


def test_entries_in_pages(ec2: Any) -> None:
    """B GetManagedPrefixListEntriesRequest.MaxResults 1..100."""
    list_id = make(ec2, 10, *(f"10.{n}.0.0/16" for n in range(7)))["PrefixListId"]
    paginator = ec2.get_paginator("get_managed_prefix_list_entries")
    pages = list(paginator.paginate(PrefixListId=list_id, PaginationConfig={"PageSize": 3}))
    assert [len(page["Entries"]) for page in pages] == [3, 3, 1]


def test_weights_can_be_set(aws: EmbeddedAws, ec2: Any, group: str, refuses: Any) -> None:
    """aws-facts 1.7: an AWS-managed list counts its weight; the table is a switch, for the weights are
    remembered."""
    name = "com.amazonaws.global.cloudfront.origin-facing"
    filters = [{"Name": "prefix-list-name", "Values": [name]}]
    (found,) = ec2.describe_managed_prefix_lists(Filters=filters)["PrefixLists"]
    aws.set_switches(Switches(weights={"cloudfront.origin-facing": 61}))
    with refuses("RulesPerSecurityGroupLimitExceeded"):
        name_it(ec2, group, found["PrefixListId"])
    aws.set_switches(Switches(weights={}))
    name_it(ec2, group, found["PrefixListId"])
