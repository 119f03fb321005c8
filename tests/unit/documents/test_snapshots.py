"""Files in EC2's shapes become one document, or one line that says what is wrong with them."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from twinwall.documents import snapshots
from twinwall.errors import ConfigError, DocumentError

GROUP = {"GroupId": "sg-1", "GroupName": "web", "OwnerId": "111111111111", "VpcId": "vpc-1"}


def put(folder: Path, name: str, document: Any) -> str:
    path = folder / name
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return str(path)


def test_a_snapshot_file_is_taken_as_it_is(tmp_path: Path) -> None:
    document = {
        "Region": "eu-west-1",
        "OwnerId": "111111111111",
        "SecurityGroups": [GROUP],
        "Custom": {"a": 1},
    }
    assert snapshots.load(put(tmp_path, "s.json", document)) == document


def test_answers_of_several_calls_become_one_document(tmp_path: Path) -> None:
    put(tmp_path, "groups.json", {"SecurityGroups": [GROUP]})
    put(tmp_path, "vpcs.json", {"Vpcs": [{"VpcId": "vpc-1"}]})
    put(tmp_path, "lists.json", {"PrefixLists": [{"PrefixListId": "pl-0a", "PrefixListName": "offices"}]})
    put(tmp_path, "pl-0a.json", {"Entries": [{"Cidr": "10.0.0.0/8"}]})
    put(
        tmp_path,
        "instances.json",
        {"Reservations": [{"Instances": [{"InstanceId": "i-1", "VpcId": "vpc-1"}]}]},
    )
    document = snapshots.load(str(tmp_path))
    assert document["SecurityGroups"] == [GROUP]
    assert document["PrefixLists"] == [
        {"PrefixListId": "pl-0a", "PrefixListName": "offices", "Entries": [{"Cidr": "10.0.0.0/8"}]}
    ]
    assert document["Instances"] == [{"InstanceId": "i-1", "VpcId": "vpc-1"}]
    assert document["OwnerId"] == "111111111111"


def test_files_joined_by_commas(tmp_path: Path) -> None:
    one = put(tmp_path, "a.json", {"SecurityGroups": [GROUP]})
    other = put(tmp_path, "b.json", {"SecurityGroups": [GROUP, {**GROUP, "GroupId": "sg-2"}]})
    document = snapshots.load(f"{one},{other}")
    assert [group["GroupId"] for group in document["SecurityGroups"]] == ["sg-1", "sg-2"]


def test_a_path_with_a_comma_is_one_path(tmp_path: Path) -> None:
    assert snapshots.load(put(tmp_path, "a,b.json", {"SecurityGroups": [GROUP]}))["SecurityGroups"] == [GROUP]


def test_managed_prefix_lists_are_prefix_lists(tmp_path: Path) -> None:
    lists = [{"PrefixListId": "pl-0a"}]
    path = put(tmp_path, "s.json", {"SecurityGroups": [GROUP], "ManagedPrefixLists": lists})
    assert snapshots.load(path)["PrefixLists"] == lists


def test_the_region_of_plain_answers_is_in_their_arns_and_zones(tmp_path: Path) -> None:
    arn = {**GROUP, "SecurityGroupArn": "arn:aws:ec2:eu-west-1:111111111111:security-group/sg-1"}
    assert snapshots.load(put(tmp_path, "a.json", {"SecurityGroups": [arn]}))["Region"] == "eu-west-1"
    subnet = {"SubnetId": "subnet-1", "VpcId": "vpc-1", "AvailabilityZone": "us-gov-west-1b"}
    assert snapshots.load(put(tmp_path, "b.json", {"Subnets": [subnet]}))["Region"] == "us-gov-west-1"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"SecurityGroups": [', "cut short or not JSON"),
        ("", "is empty"),
        ("[1]", "holds a list where an object"),
        ('"text"', "holds a string"),
        ("{}", "no VPC can be found"),
        ('{"SecurityGroups": {"GroupId": "sg-1"}}', "SecurityGroups is not a list"),
        ('{"SecurityGroups": [{"GroupId": "sg-1"}]}', "no VPC can be found"),
        ('{"Entries": [{"Cidr": "10.0.0.0/8"}]}', "put the list's id into the file's name"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_snapshot_is_told_in_one_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(DocumentError, match=words) as told:
        snapshots.load(put(tmp_path, "s.json", text))
    assert "\n" not in str(told.value)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DocumentError, match="not UTF-8"):
        snapshots.load(str(path))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="cannot be read: No such file"):
        snapshots.load(str(tmp_path / "none.json"))


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"holds no \*\.json file"):
        snapshots.load(str(tmp_path))


@pytest.mark.parametrize("key", ["OwnerId", "group"])
def test_two_accounts_do_not_make_a_snapshot(tmp_path: Path, key: str) -> None:
    other = {**GROUP, "GroupId": "sg-2", "OwnerId": "222222222222"}
    second = {"OwnerId": "222222222222"} if key == "OwnerId" else {"SecurityGroups": [other]}
    one = put(tmp_path, "a.json", {"SecurityGroups": [GROUP]})
    with pytest.raises(DocumentError, match=r"of the account 111111111111 and .*b\.json of 222222222222"):
        snapshots.load(f"{one},{put(tmp_path, 'b.json', second)}")


def test_two_accounts_of_one_thing(tmp_path: Path) -> None:
    one = put(tmp_path, "a.json", {"SecurityGroups": [GROUP]})
    other = put(tmp_path, "b.json", {"SecurityGroups": [{**GROUP, "GroupName": "db"}]})
    with pytest.raises(DocumentError, match="describes sg-1 otherwise"):
        snapshots.load(f"{one},{other}")


TWO_VPCS = {
    "SecurityGroups": [GROUP, {**GROUP, "GroupId": "sg-2", "VpcId": "vpc-2"}],
    "PrefixLists": [{"a": 1}],
}


def test_the_vpc_of_several_must_be_named() -> None:
    assert snapshots.choose_vpc(TWO_VPCS, "vpc-2", "s.json", "--at-vpc") == "vpc-2"
    with pytest.raises(ConfigError, match=r"holds 2 VPCs \(vpc-1, vpc-2\); name one with --at-vpc ID"):
        snapshots.choose_vpc(TWO_VPCS, None, "s.json", "--at-vpc")
    with pytest.raises(ConfigError, match=r"vpc-3: s.json holds no such VPC; it holds vpc-1, vpc-2"):
        snapshots.choose_vpc(TWO_VPCS, "vpc-3", "s.json", "--at-vpc")


def test_narrowing_keeps_what_belongs_to_no_vpc() -> None:
    narrowed = snapshots.narrow(TWO_VPCS, "vpc-2")
    assert [group["GroupId"] for group in narrowed["SecurityGroups"]] == ["sg-2"]
    assert narrowed["PrefixLists"] == [{"a": 1}]


def test_a_saved_snapshot_is_its_owners_only_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    snapshots.save(TWO_VPCS, path)
    snapshots.save(TWO_VPCS | {"Größe": "1 €"}, path)
    assert json.loads(path.read_text("utf-8")) == TWO_VPCS | {"Größe": "1 €"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [item.name for item in tmp_path.iterdir()] == ["s.json"]


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be written: No such file or directory"):
        snapshots.save(TWO_VPCS, tmp_path / "no" / "s.json")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"SecurityGroupVpcAssociations": [{"VpcId": "vpc-1"}]}, r"VpcAssociations\[0\] .*no key 'GroupId'"),
        ({"SecurityGroupRules": [{"GroupId": "sg-1"}]}, r"SecurityGroupRules\[0\] .*no key 'IpProtocol'"),
        ({"StaleSecurityGroups": "x"}, "StaleSecurityGroups is a string; a list is wanted"),
        ({"StaleSecurityGroups": [1]}, r"StaleSecurityGroups\[0\] is a number; an object is wanted"),
        ({"StaleSecurityGroups": [{"StaleIpPermissions": "x"}]}, "StaleIpPermissions is a string; a list"),
        ({"VpcPeeringConnections": [{"Status": "active"}]}, "Status is a string; an object is wanted"),
        ({"ManagedPrefixLists": 5}, "ManagedPrefixLists is not a list"),
        ({"SecurityGroups": None, "Vpcs": [{"VpcId": "vpc-1"}]}, "SecurityGroups is null"),
        ({"OwnerId": 111111111111}, "OwnerId is 111111111111; a string is wanted"),
        ({"Vpcs": [{"VpcId": ["vpc-1"]}]}, r"Vpcs\[0\].VpcId is \['vpc-1'\]; a string is wanted"),
        (
            {"SecurityGroups": [{**GROUP, "GroupName": "\ud800"}]},
            r"SecurityGroups\[0\].GroupName holds half a",
        ),
    ],
)
def test_an_odd_section_is_told_with_its_place(tmp_path: Path, more: dict[str, Any], words: str) -> None:
    with pytest.raises(DocumentError, match=words) as told:
        snapshots.load(put(tmp_path, "s.json", {"SecurityGroups": [GROUP], **more}))
    assert "\n" not in str(told.value)


def test_stale_groups_as_ec2_answers_them_are_taken(tmp_path: Path) -> None:
    """There the blocks are strings (API: StaleIpPermission)."""
    stale = {"GroupId": "sg-1", "StaleIpPermissions": [{"IpRanges": ["10.0.0.0/8"], "UserIdGroupPairs": []}]}
    document = {"SecurityGroups": [GROUP], "StaleSecurityGroups": [stale], "SecurityGroupRules": None}
    assert snapshots.load(put(tmp_path, "s.json", document))["StaleSecurityGroups"] == [stale]


def test_one_page_of_several_is_no_snapshot(tmp_path: Path) -> None:
    """What it does not show would count as gone."""
    path = tmp_path / "page.json"
    group = {"GroupId": "sg-1", "GroupName": "default", "VpcId": "vpc-1", "OwnerId": "111111111111"}
    path.write_text(json.dumps({"SecurityGroups": [group], "NextToken": "abc"}))
    with pytest.raises(DocumentError, match="one page of several"):
        snapshots.load(str(path))
