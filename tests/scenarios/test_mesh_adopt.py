"""``twinwall mesh adopt`` on what the published solution leaves behind (its faults too): a table in each Region with
``region``, ``asg`` and ``ips`` alone (NULL when empty), rules without marks, a placeholder that names the ports."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mesh_site import Endpoint, Key, Mesh, Region, by_hand, twinwall_as

from twinwall.emulator.server import EmbeddedAws

ACCOUNT = "280000000001"
OFFICE, STALE = "198.51.100.7/32", "203.0.113.99/32"


@pytest.fixture(scope="module")
def _server() -> Iterator[tuple[EmbeddedAws, Endpoint]]:
    with EmbeddedAws((ACCOUNT,)) as aws:
        key = aws.credentials(ACCOUNT)
        yield aws, Endpoint(aws.endpoint, {ACCOUNT: Key(key.id, key.secret)})


@pytest.fixture
def mesh(_server: tuple[EmbeddedAws, Endpoint]) -> Mesh:
    """Two clusters of two members each, as the published Lambda keeps them. ``STALE``: it has missed that this one
    left. ``OFFICE``: somebody's own rule."""
    aws, endpoint = _server
    aws.reset()
    regions = [
        Region(endpoint, ACCOUNT, region, number).build()
        for number, region in enumerate(("eu-west-1", "us-east-1"), 1)
    ]
    mesh = Mesh(endpoint, "web", regions)
    for at in regions:
        at.scale(2)
        mesh.make_table(at)
    leave_published(mesh)
    return mesh


def leave_published(mesh: Mesh) -> None:
    here, there = mesh.regions
    rows = {here.region: here.addresses() | {STALE}, there.region: there.addresses()}
    for at in mesh.regions:
        for of, addresses in rows.items():
            put_row(mesh, at, of, addresses)
        at.open_to(*sorted(set.union(*rows.values())), OFFICE)


def put_row(mesh: Mesh, at: Region, region: str, ips: set[str], asg: str = "web") -> None:
    listed: dict[str, Any] = {"SS": sorted(ips)} if ips else {"NULL": True}
    item = {"region": {"S": region}, "asg": {"S": asg}, "ips": listed}
    at.client("dynamodb").put_item(TableName=mesh.table_name, Item=item)


def marked(at: Region) -> dict[str, str]:
    """Address → the site of its mark."""
    answer = at.client("ec2").describe_security_group_rules(
        Filters=[{"Name": "group-id", "Values": [at.group]}]
    )
    found = {}
    for rule in answer["SecurityGroupRules"]:
        tags = {tag["Key"]: tag["Value"] for tag in rule.get("Tags") or ()}
        if tags.get("twinwall:mesh") == "web":
            found[rule["CidrIpv4"]] = tags["twinwall:site"]
    return found


def group_tags(at: Region) -> dict[str, str]:
    (group,) = at.client("ec2").describe_security_groups(GroupIds=[at.group])["SecurityGroups"]
    return {tag["Key"]: tag["Value"] for tag in group.get("Tags") or ()}


def test_what_the_published_lambda_left_is_read_rightly_and_marked(mesh: Mesh, tmp_path: Path) -> None:
    here, there = mesh.regions
    before = here.rules()
    assert there.rules() == before
    shown = by_hand(mesh, ACCOUNT, tmp_path, "status", "--output", "json")
    sites = json.loads(shown.stdout)["sites"]
    assert [set(site["members"]) for site in sites] == [here.addresses() | {STALE}, there.addresses()]
    assert [site["why"].partition(": ")[2] for site in sites] == ["its row has no moment"] * 2
    assert [(site["missing"], site["extra"]) for site in sites] == [([], [])] * 2

    tried = by_hand(mesh, ACCOUNT, tmp_path, "adopt", "--dry-run")
    assert "5 rules would be marked, 1 other hosts stay" in tried.output
    assert marked(here) == {}
    assert group_tags(here) == {}

    told = json.loads(by_hand(mesh, ACCOUNT, tmp_path, "adopt", "--yes", "--output", "json").stdout)
    assert told["done"]
    wanted = dict.fromkeys(here.addresses() | {STALE}, here.site) | dict.fromkeys(
        there.addresses(), there.site
    )
    for at, site in zip(mesh.regions, told["sites"], strict=True):
        assert at.rules() == before, "nothing is cut"
        assert marked(at) == wanted
        assert group_tags(at) == {"twinwall:mesh": "web"}
        assert [OFFICE in rule["text"] for rule in site["stays"]] == [True]
    assert [set(row) for at in mesh.regions for row in mesh.rows(at).values()] == [
        {"region", "asg", "ips"}
    ] * 4
    assert by_hand(mesh, ACCOUNT, tmp_path, "adopt").output.strip() == "nothing to do"


def test_the_first_true_ups_after_it_cut_nothing(mesh: Mesh, tmp_path: Path) -> None:
    """Not even the address that nobody has any more: it goes at the second reading, a minute later."""
    here, there = mesh.regions
    before = here.rules()
    by_hand(mesh, ACCOUNT, tmp_path, "adopt", "--yes")
    for _ in range(2):
        assert by_hand(mesh, ACCOUNT, tmp_path, "true-up", "--yes").return_value == 0
    assert [at.rules() for at in mesh.regions] == [before] * 2
    assert STALE in mesh.listed(here)[here.site]
    assert all("generation" in row for at in mesh.regions for row in mesh.rows(at).values())
    shown = json.loads(by_hand(mesh, ACCOUNT, tmp_path, "status", "--output", "json").stdout)
    assert shown["right"]
    here.scale(1)
    for node in (here.node, here.node, there.node):
        by_hand(mesh, ACCOUNT, tmp_path, "true-up", "--yes", "--node", node)
    left = here.addresses() | there.addresses() | {STALE, OFFICE}
    assert [at.rules() for at in mesh.regions] == [left] * 2, "what it adopted, it takes away as its own"


def test_a_blank_row_is_unknown_and_not_empty(mesh: Mesh, tmp_path: Path) -> None:
    """The published NULL, of a Region that cannot be reached now, say."""
    here, there = mesh.regions
    by_hand(mesh, ACCOUNT, tmp_path, "adopt", "--yes")
    before = here.rules()
    put_row(mesh, here, there.region, set())
    there.client("dynamodb").delete_table(TableName=mesh.table_name)
    by_hand(mesh, ACCOUNT, tmp_path, "true-up", "--yes", "--node", here.node)
    assert here.rules() == before


# --- refused


def refused(mesh: Mesh, folder: Path, *arguments: str) -> tuple[int, str]:
    """The exit code and the one line."""
    answer = by_hand(mesh, ACCOUNT, folder, *arguments)
    error: Any = answer.exception
    assert "\n" not in str(error)
    assert [marked(at) for at in mesh.regions] == [{}, {}], "nothing was written"
    return error.exit_code, str(error)


def tag_group(at: Region, key: str, value: str) -> None:
    at.client("ec2").create_tags(Resources=[at.group], Tags=[{"Key": key, "Value": value}])


@pytest.mark.parametrize("command", ["adopt", "true-up"])
def test_a_copy_is_no_mesh_s_group(mesh: Mesh, tmp_path: Path, command: str) -> None:
    tag_group(mesh.regions[1], "twinwall:source", "1/eu-west-1/vpc-1/sg-1")
    code, said = refused(mesh, tmp_path, command, "--yes")
    assert code == 3
    assert "is Twinwall's copy of 1/eu-west-1/vpc-1/sg-1; a replica and a mesh would undo each other" in said


@pytest.mark.parametrize("command", ["adopt", "true-up"])
def test_another_mesh_s_group_is_not_ours(mesh: Mesh, tmp_path: Path, command: str) -> None:
    tag_group(mesh.regions[1], "twinwall:mesh", "api")
    code, said = refused(mesh, tmp_path, command, "--yes")
    assert code == 3
    assert "belongs to the mesh api, not to web" in said


def test_a_replica_does_not_write_to_a_group_that_was_adopted(mesh: Mesh, tmp_path: Path) -> None:
    here, there = mesh.regions
    by_hand(mesh, ACCOUNT, tmp_path, "adopt", "--yes")
    vpcs = [
        at.client("ec2").describe_security_groups(GroupIds=[at.group])["SecurityGroups"][0]["VpcId"]
        for at in (here, there)
    ]
    sides = [
        "--source",
        vpcs[0],
        "--source-region",
        here.region,
        "--target",
        vpcs[1],
        "--target-region",
        there.region,
    ]
    answer = twinwall_as(mesh.endpoint, ACCOUNT, "plan", *sides, "--group", "guard-web", "--adopt", "*")
    error: Any = answer.exception
    assert (error.exit_code, "it belongs to the mesh web" in str(error)) == (3, True)


def test_a_row_of_a_stranger_would_be_buried(mesh: Mesh, tmp_path: Path) -> None:
    put_row(mesh, mesh.regions[0], "eu-west-3", {"203.0.113.1/32"}, asg="old")
    code, said = refused(mesh, tmp_path, "adopt", "--yes")
    assert (code, "has a row of eu-west-3/old, which is no site of it" in said) == (3, True)


def test_a_row_that_is_not_to_be_believed(mesh: Mesh, tmp_path: Path) -> None:
    put_row(mesh, mesh.regions[0], "us-east-1", {"0.0.0.0/0"})
    code, said = refused(mesh, tmp_path, "adopt", "--yes")
    assert (code, "0.0.0.0/0, which is no single host" in said) == (3, True)


def test_no_placeholder_and_no_ports(mesh: Mesh, tmp_path: Path) -> None:
    here = mesh.regions[0]
    own = {
        "IpProtocol": "tcp",
        "FromPort": 7000,
        "ToPort": 7001,
        "UserIdGroupPairs": [{"GroupId": here.group}],
    }
    here.client("ec2").revoke_security_group_ingress(GroupId=here.group, IpPermissions=[own])
    code, said = refused(mesh, tmp_path, "adopt", "--yes")
    assert (code, "has no placeholder rule" in said) == (1, True)


def test_a_table_that_is_not_there(mesh: Mesh, tmp_path: Path) -> None:
    mesh.regions[1].client("dynamodb").delete_table(TableName=mesh.table_name)
    code, said = refused(mesh, tmp_path, "adopt", "--yes")
    assert (code, "reading the table twinwall-web" in said) == (1, True)


def test_a_group_that_is_not_there(mesh: Mesh, tmp_path: Path) -> None:
    gone, mesh.regions[1].group = mesh.regions[1].group, "sg-0123456789abcdef0"
    answer = by_hand(mesh, ACCOUNT, tmp_path, "adopt", "--yes")
    mesh.regions[1].group = gone
    error: Any = answer.exception
    assert error.exit_code == 1
    assert "sg-0123456789abcdef0 of us-east-1/web is not in" in str(error)


def test_nobody_says_yes(mesh: Mesh, tmp_path: Path) -> None:
    code, said = refused(mesh, tmp_path, "adopt")
    assert (code, "marking 10 rules in 2 groups as the mesh web's: not confirmed" in said) == (3, True)
