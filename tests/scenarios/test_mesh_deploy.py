"""``twinwall mesh deploy`` and ``remove`` against three sites in two accounts: the real stacks, the real package, the
functions as processes."""

import json
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from deployed import OWN_RULE, PLACES, US, Land, Patient, package_in
from functions import until
from worlds import stage


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return package_in(tmp_path_factory.mktemp("package"))


@pytest.fixture
def land(tmp_path: Path, package: Path) -> Iterator[Land]:
    with stage(tmp_path, enforce_iam=True) as on:
        found = Land(on, package)
        for place in PLACES:
            found.build(*place)
        yield found


def test_from_nothing_to_a_mesh_and_back(land: Land) -> None:
    """Three sites in two accounts, with IAM enforced: the roles of the templates are enough."""
    config = land.write(PLACES)
    first = land.run("deploy", config, "--yes").ended(0)
    assert "+ AWS::Serverless::Function" in first.stderr or "+ AWS::Lambda::Function Function" in first.stderr
    order = [line.split(":")[0] for line in first.stderr.splitlines() if "CREATE_COMPLETE" in line]
    assert order == [f"{account}/{region}" for account, region in PLACES], "in the order of the sites"
    for place in PLACES:
        land.scale(place, 2)
    until(lambda: all(land.states(place) == ["InService"] * 2 for place in PLACES), 60)
    until(lambda: land.is_right(PLACES), 60)

    again = land.run("deploy", config, "--yes", "--output", "json").ended(0)
    assert [node["node"] for node in again.json["nodes"]] == order
    assert again.stderr.count("as it should be") == 2 * len(PLACES)
    told = land.run("status", config, "--output", "json").ended(0).json
    assert [len(site["members"]) for site in told["sites"]] == [2, 2, 2], (
        "by hand, past the roles of the functions"
    )
    land.run("true-up", config, "--yes").ended(0)

    land.scale(PLACES[0], 1)
    until(lambda: land.states(PLACES[0]) == ["InService"] and land.is_right(PLACES), 60)

    removed = land.run("remove", config, "--yes", "--output", "json").ended(0).json
    assert (len(removed["removed"]), removed["tables"]) == (len(PLACES), False)
    assert land.made() == []
    for place in PLACES:
        assert land.admitted(place) == set()
        assert (
            land.client("autoscaling", *place).describe_lifecycle_hooks(
                AutoScalingGroupName=land.sites[place]["AutoScalingGroup"]
            )["LifecycleHooks"]
            == []
        )
        [group] = land.client("ec2", *place).describe_security_groups(
            GroupIds=[land.sites[place]["LocalSG"]]
        )["SecurityGroups"]
        assert "twinwall:mesh" not in {tag["Key"] for tag in group.get("Tags", ())}
        assert OWN_RULE["IpRanges"] in [part["IpRanges"] for part in group["IpPermissions"]], (
            "a rule that is not ours"
        )
        assert land.client("dynamodb", *place).list_tables()["TableNames"] == ["twinwall-web"]

    land.run("deploy", config, "--yes").ended(0)
    until(lambda: land.is_right(PLACES), 60)
    land.run("remove", config, "--tables", "--yes").ended(0)
    assert [land.client("dynamodb", *place).list_tables()["TableNames"] for place in PLACES] == [[], [], []]
    assert "not there" in land.run("remove", config, "--tables", "--yes").ended(0).stderr


def test_a_run_that_is_cut_off_again_and_again_comes_to_its_end(land: Land) -> None:
    """Ctrl-C at the second wait of each run: while each stack is made, and while the one before is waited for."""
    config = land.write(PLACES)
    codes = []
    while not codes or codes[-1] == 130:
        codes.append(land.run("deploy", config, "--yes", clock=Patient(stops=2)).code)
        assert len(codes) < 60, codes
    assert codes[-1] == 0
    assert codes.count(130) >= len(PLACES)
    assert [land.stack("twinwall-web", *place) for place in PLACES] == ["CREATE_COMPLETE"] * 3
    assert land.run("deploy", config, "--yes").ended(0).stderr.count("as it should be") == 2 * len(PLACES)


@pytest.mark.parametrize(
    "fails", [pytest.param(0, marks=pytest.mark.soak), 1, pytest.param(2, marks=pytest.mark.soak)]
)
def test_what_fails_at_one_node_says_where_each_stands_and_is_gone_on_with(land: Land, fails: int) -> None:
    """A first site that was made works alone meanwhile; a table that outlived its stack is used again."""
    config = land.write(PLACES)
    account, region = PLACES[fails]
    refused = {
        "code": "AccessDeniedException",
        "message": "is not authorized to perform: lambda:CreateFunction",
    }
    land.on.aws.fail_next("CreateFunction", account=account, region=region, **refused)
    first = land.run("deploy", config, "--yes").ended(1)
    assert (
        f"deploying {account}/{region}: the stack twinwall-web stands at ROLLBACK_COMPLETE: Function"
        in first.line
    )
    assert "is not authorized to perform: lambda:CreateFunction" in first.line
    assert 'add "Action": "lambda:CreateFunction" to the policy of whoever deploys' in first.line
    for number, place in enumerate(PLACES):
        status = ("CREATE_COMPLETE", "ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS")[
            (number > fails) + (number >= fails)
        ]
        assert f"{'/'.join(place)} stands at {status}" in first.line
    assert "deploy again goes on" in first.line
    if fails:
        land.scale(PLACES[0], 1)
        until(lambda: land.states(PLACES[0]) == ["InService"] and land.is_right(PLACES[:1]), 30)
    second = land.run("deploy", config, "--yes").ended(0)
    assert second.stderr.count("a new stack") == len(PLACES) - fails
    for place in PLACES:
        land.scale(place, 1)
    until(lambda: all(land.states(place) == ["InService"] for place in PLACES) and land.is_right(PLACES), 60)


def test_an_upgrade_with_events_in_flight_loses_none(land: Land, package: Path, tmp_path: Path) -> None:
    """Members come and go while the function's code and settings are changed."""
    places = PLACES[:2]
    config = land.write(places)
    land.run("deploy", config, "--yes").ended(0)
    for place in places:
        land.scale(place, 2)
    until(lambda: land.is_right(places) and all(land.states(p) == ["InService"] * 2 for p in places), 60)

    upgraded = tmp_path / "new.zip"
    upgraded.write_bytes(package.read_bytes())
    with zipfile.ZipFile(upgraded, "a") as archive:
        archive.writestr("NEWS", "another package")

    def meanwhile() -> None:
        land.scale(places[0], 4)
        land.scale(places[1], 0)

    config = land.write(places, heartbeat=240)
    changed = land.run(
        "deploy", config, "--yes", "--package", str(upgraded), clock=Patient(meanwhile=meanwhile)
    ).ended(0)
    assert changed.stderr.count("~ AWS::Lambda::Function Function") == 2
    assert changed.stderr.count("~ AWS::AutoScaling::LifecycleHook") == 4
    until(lambda: land.states(places[0]) == ["InService"] * 4 and land.states(places[1]) == [], 60)
    until(lambda: land.is_right(places), 60)
    assert len(land.admitted(places[0])) == 4
    buckets = land.client("s3").list_objects_v2(Bucket="-".join(("twinwall-web", *PLACES[0])))["Contents"]
    assert len(buckets) == 2, "the package before stays, for whoever wants it back"


def test_the_published_walk_through_on_deployed_stacks(land: Land) -> None:
    """The first Region alone, up and down; the second joins; a Region is cut off, and catches up when it is back; what
    somebody changes by hand is repaired."""
    home, other = PLACES[0], PLACES[1]
    alone = land.write((home,))
    land.run("deploy", alone, "--yes").ended(0)
    land.scale(home, 1)
    until(lambda: land.states(home) == ["InService"] and land.is_right((home,)), 60)
    land.scale(home, 0)
    until(lambda: land.states(home) == [] and land.admitted(home) == set(), 60)

    both = land.write((home, other))
    land.run("deploy", both, "--yes").ended(0)
    for place in (home, other):
        land.scale(place, 1)
    until(
        lambda: all(land.states(p) == ["InService"] for p in (home, other)) and land.is_right((home, other)),
        60,
    )

    land.on.aws.fail_next("*", times=10**6, region=US)
    began = time.monotonic()
    land.scale(home, 2)
    until(lambda: land.states(home) == ["InService"] * 2, 60)
    assert time.monotonic() - began < 30
    assert len(land.admitted(home)) == 3, "the last known members of the Region that is cut off stay"
    land.on.aws.no_trouble()
    land.run("true-up", both, "--yes")
    until(lambda: land.is_right((home, other)), 60)

    ec2, group = land.client("ec2", *home), land.sites[home]["LocalSG"]
    gone = min(land.admitted(home))
    ports = {"IpProtocol": "tcp", "FromPort": 7000, "ToPort": 7001, "IpRanges": [{"CidrIp": gone}]}
    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[ports])
    assert not land.is_right((home, other))
    event = {"detail": {"AutoScalingGroupName": land.sites[home]["AutoScalingGroup"]}}
    land.client("lambda", *home).invoke(FunctionName="twinwall-web", Payload=json.dumps(event))
    until(lambda: land.is_right((home, other)), 60)
    land.run("remove", both, "--tables", "--yes").ended(0)
    assert land.made() == []
