"""Several targets in one run: all are planned and guarded before the first write, any refusal stops all; then they
run at the same time. And ``twinwall.toml``, whose replicas name them.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from firewalls import DEFAULT_EGRESS, SOURCE_VPC, acl, group, prefix_list, source
from worlds import HERE, THERE, A, B, C, Stage, flat_rules, source_of

Json = dict[str, Any]


def estate() -> Json:
    return source(
        group("sg-web", "web", "in tcp 443 0.0.0.0/0", "in tcp 22 pl-0aaaaaaaaaaaaaaaa", DEFAULT_EGRESS),
        acls=[acl("acl-1", "in 100 allow tcp 443 10.0.1.0/24")],
        lists=[prefix_list("pl-0aaaaaaaaaaaaaaaa", "office", "10.0.9.0/24", "192.0.2.0/24")],
        region=HERE,
    )


@pytest.fixture
def two(world: Stage) -> tuple[str, str]:
    """Two empty VPCs of one account and Region."""
    world.load(estate())
    return world.empty("10.20.0.0/16"), world.empty("10.30.0.0/16")


def config(world: Stage, targets: dict[str, tuple[str, str, str]], options: str = "") -> Path:
    """A configuration with the replica ``all``. ``targets``: name → (VPC, profile, Region)."""
    text = f'[locations.home]\nvpc = "{SOURCE_VPC}"\nprofile = "src"\nregion = "{HERE}"\n'
    for name, (vpc, profile, region) in targets.items():
        text += f'[locations."{name}"]\nvpc = "{vpc}"\nprofile = "{profile}"\nregion = "{region}"\n'
    text += f'[replicas.all]\nsource = "home"\ntargets = {json.dumps(list(targets))}\n{options}'
    path = world.folder / "twinwall.toml"
    path.write_text(text)
    return path


def test_two_vpcs_of_one_account_share_one_list(world: Stage, two: tuple[str, str]) -> None:
    """*Prefix lists … recreated once per target account and Region.*"""
    run = world.migrate(SOURCE_VPC, *two).ended(0)
    assert [target["exit_code"] for target in run.json["targets"]] == [0, 0]
    assert all(target["verify"]["equal"] for target in run.json["targets"])
    (copy,) = world.lists()
    for vpc in two:
        held = world.group("web", vpc)
        assert {rule[4][1] for rule, _ in flat_rules(held) if rule[4][0] == "list"} == {copy["PrefixListId"]}
    assert run.written["CreateManagedPrefixList"] == 1
    assert len({target["journal"] for target in run.json["targets"]}) == 2
    again = world.migrate(SOURCE_VPC, *two).ended(0)
    assert not again.written
    assert not world.migrate(SOURCE_VPC, two[0]).ended(0).written


def test_lists_that_would_differ_are_refused_both_named(world: Stage, two: tuple[str, str]) -> None:
    """*Where another target's maps would give the one copy other entries, that is refused, both named.*"""
    before = world.everything()
    world.migrate(SOURCE_VPC, *two, options=("--map-vpc-cidr",)).refused(3, *two, "office")
    assert world.everything() == before


def test_a_list_that_another_run_mapped_otherwise_is_not_taken_away(
    world: Stage, two: tuple[str, str]
) -> None:
    """The same, one target after the other: the second run must not change what the first one's groups admit."""
    world.migrate(SOURCE_VPC, two[0], options=("--map-vpc-cidr",)).ended(0)
    before = world.lists()
    world.migrate(SOURCE_VPC, two[1], options=("--map-vpc-cidr",)).refused(3, "office", two[0])
    assert world.lists() == before


def test_a_list_changed_for_both_at_once(world: Stage, two: tuple[str, str]) -> None:
    world.migrate(SOURCE_VPC, *two).ended(0)
    world.client(A, HERE).modify_managed_prefix_list(
        PrefixListId="pl-0aaaaaaaaaaaaaaaa",
        CurrentVersion=1,
        AddEntries=[{"Cidr": "198.51.100.0/24"}],
        RemoveEntries=[{"Cidr": "192.0.2.0/24"}],
    )
    run = world.migrate(SOURCE_VPC, *two).ended(0)
    assert [target["verify"]["equal"] for target in run.json["targets"]] == [True, True]
    (copy,) = world.lists()
    assert sorted(entry["Cidr"] for entry in copy["Entries"]) == ["10.0.9.0/24", "198.51.100.0/24"]


def test_two_accounts_by_a_replica_of_the_configuration(world: Stage) -> None:
    """*``--target`` repeated …, or a replica of the configuration*; *credentials of all sides*."""
    world.load(estate())
    one, other = world.empty(), world.empty(account=C, region="us-east-1")
    path = config(
        world,
        {"dr": (one, "dst", THERE), "us": (other, "third", "us-east-1")},
        'map_vpc_cidr = true\nadopt = ["default"]\n',
    )
    arguments = ("--replica", "all", "--config", path, "--output", "json", "-q")
    run = world.run("migrate", *arguments, "--yes").ended(0)
    assert [(t["name"], t["target"]["account"], t["verify"]["equal"]) for t in run.json["targets"]] == [
        ("dr", B, True),
        ("us", C, True),
    ]
    assert len(world.lists()) == len(world.lists(C, "us-east-1")) == 1
    assert source_of(world.group("default", other, C, "us-east-1")) == "sg-default"
    assert not world.run("migrate", *arguments, "--yes").ended(0).written
    world.run("verify", *arguments).ended(0)
    plans = world.folder / "plans"
    world.run("plan", *arguments, "-o", plans).ended(0)
    assert sorted(item.name for item in plans.iterdir()) == ["dr.json", "us.json"]


def test_one_refused_stops_all(world: Stage) -> None:
    """*Any refusal stops all*: nothing is written anywhere, and each target says why nothing is done."""
    world.load(estate())
    good, bad = world.empty(), world.empty(account=C, region="us-east-1")
    world.client(C, "us-east-1").create_security_group(GroupName="web", Description="theirs", VpcId=bad)
    path = config(world, {"good": (good, "dst", THERE), "bad": (bad, "third", "us-east-1")})
    before = [world.everything(), world.everything(C, "us-east-1")]
    run = world.run("migrate", "--replica", "all", "--config", path, "--yes", "--output", "json", "-q").ended(
        3
    )
    assert not run.written
    assert [world.everything(), world.everything(C, "us-east-1")] == before
    told = {target["name"]: target for target in run.json["targets"]}
    assert told["bad"]["exit_code"] == 3
    assert "web" in told["bad"]["error"]
    assert "--adopt" in run.stderr


def test_the_worst_exit_code_counts(world: Stage, two: tuple[str, str]) -> None:
    """*The exit code is the worst, in the order 1, 3, 2, 0.*"""
    world.migrate(SOURCE_VPC, two[0]).ended(0)
    run = world.verify(SOURCE_VPC, *two).ended(2)
    assert [target["exit_code"] for target in run.json["targets"]] == [0, 2]
    run = world.verify(SOURCE_VPC, two[1], "vpc-0123456789abcdef0").ended(1)
    assert [target["exit_code"] for target in run.json["targets"]] == [2, 1]


def test_one_that_fails_midway_does_not_stop_the_other(world: Stage, two: tuple[str, str]) -> None:
    world.aws.fail_next(
        "CreateSecurityGroup",
        "InvalidParameterValue",
        "Not today",
        status=400,
        account=B,
        contains=two[0],
        skip=1,  # the lock
    )
    run = world.migrate(SOURCE_VPC, *two).ended(1)
    told = {target["name"]: target for target in run.json["targets"]}
    assert told[two[0]]["exit_code"] == 1
    assert told[two[1]]["exit_code"] == 0
    assert told[two[1]]["verify"]["equal"] is True
    world.migrate(SOURCE_VPC, *two).ended(0)


def test_the_same_target_twice(world: Stage, two: tuple[str, str]) -> None:
    world.migrate(SOURCE_VPC, two[0], two[0]).refused(1, two[0], "once")


def test_source_among_the_targets(world: Stage, two: tuple[str, str]) -> None:
    other = world.empty(account=A, region=HERE)
    run = world.migrate(SOURCE_VPC, other, SOURCE_VPC, target_at=(A, HERE)).ended(3)
    assert not run.written


def test_journals_of_several_go_into_a_folder(world: Stage, two: tuple[str, str], tmp_path: Path) -> None:
    """*``-o`` and ``--journal`` name a directory.*"""
    run = world.migrate(SOURCE_VPC, *two, options=("--journal", str(tmp_path / "journals"))).ended(0)
    assert {Path(target["journal"]).parent for target in run.json["targets"]} == {tmp_path / "journals"}
    for target in run.json["targets"]:
        assert target["journal"] in run.stderr
        assert Path(target["journal"]).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[locations.a]\nvpc = "vpc-1"\nprofil = "x"\n', ("line 3", "profil")),
        ("[locations.a]\nvpc = 3\n", ("line 2", "vpc")),
        ("[locations.a]\n", ("locations.a",)),
        ("[locations.a\n", ("line 1",)),
        ('[replicas.all]\nsource = "x"\ntargets = ["y"]\n', ("x",)),
        (
            '[locations.a]\nvpc = "vpc-1"\n[replicas.all]\nsource = "a"\ntargets = ["a"]\npolicy = "never"\n',
            ("line 6", "policy"),
        ),
        ("[nonsense]\na = 1\n", ("line 1", "nonsense")),
    ],
)
def test_wrong_keys_are_errors_with_line_and_key(world: Stage, text: str, words: tuple[str, ...]) -> None:
    """*Wrong keys are errors with line and key.*"""
    path = world.folder / "bad.toml"
    path.write_text(text)
    world.run("migrate", "--replica", "all", "--config", path, "--yes").refused(1, "bad.toml", *words)
