"""The first tool's flags lead to the same engine."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from command_line import Ran, Stage

from twinwall.cli import first_tool
from twinwall.cli.world import Located

SCRIPT = Path(__file__).resolve().parents[3] / "sg_nacl_migration.py"
GROUPS = ("--sg_migration", "--aws_dst_vpc", "vpc-2", "--yes")
ACL = ("--nacl_migration", "--aws_dst_vpc", "vpc-2", "--srcnacl_id", "acl-1", "--yes")


@pytest.fixture(autouse=True)
def places(stage: Stage) -> None:
    stage.located.update(
        {
            "sg-1": Located("vpc-1", "sg-1"),
            "acl-1": Located("vpc-1", "acl-1"),
            "acl-9": Located("vpc-1", "acl-9"),
            "aclassoc-1": Located("vpc-1", "acl-1"),
        }
    )


def run(stage: Stage, *arguments: str) -> Ran:
    stage.capture.readouterr()
    code = first_tool.run(arguments, stage.world)
    out, err = stage.capture.readouterr()
    return Ran(code, out, err)


def test_one_group(stage: Stage) -> None:
    ran = run(stage, *GROUPS, "--sg_id", "sg-1")
    assert ran.code == 0
    source, target, settings = stage.engine.seen
    assert (source.vpc_id, target.vpc_id) == ("vpc-1", "vpc-2")
    assert (settings.selection.groups, settings.selection.only) == (("sg-1",), "groups")
    assert "Apply" in ran.out


def test_groups_by_tag(stage: Stage) -> None:
    stage.reader.groups = [{"GroupId": "sg-1", "VpcId": "vpc-7"}]
    run(stage, *GROUPS, "--sg_tag", "team=a=b")
    source, _, settings = stage.engine.seen
    assert source.vpc_id == "vpc-7"
    assert settings.selection.tags == (("team", "a=b"),)


def test_groups_by_tag_in_several_vpcs(stage: Stage) -> None:
    stage.reader.groups = [{"GroupId": "sg-1", "VpcId": "vpc-7"}, {"GroupId": "sg-2", "VpcId": "vpc-5"}]
    ran = run(stage, *GROUPS, "--sg_tag", "team=shop")
    assert ran.code == 3
    assert "lie in 2 VPCs, vpc-5, vpc-7; name one with --aws_src_vpc" in ran.line
    assert run(stage, *GROUPS, "--sg_tag", "team=shop", "--aws_src_vpc", "vpc-5").code == 0
    assert stage.engine.seen[0].vpc_id == "vpc-5"
    assert run(stage, *GROUPS, "--sg_tag", "team=shop", "--aws_src_vpc", "vpc-1").code == 1


def test_no_group_has_the_tag(stage: Stage) -> None:
    ran = run(stage, *GROUPS, "--sg_tag", "team=shop")
    assert (ran.code, "no security group has this tag" in ran.line) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "associate"),
    [
        ((), "none"),
        (("--srcnacl_id_association",), "auto"),
        (("--srcnacl_id_association", "acl-1"), "auto"),
        (("--srcnacl_id_association", "aclassoc-1"), "auto"),
    ],
)
def test_an_acl(stage: Stage, arguments: tuple[str, ...], associate: str) -> None:
    run(stage, *ACL, *arguments)
    _, _, settings = stage.engine.seen
    assert (settings.selection.acls, settings.selection.only) == (("acl-1",), "nacls")
    assert settings.translation.associate == associate


def test_an_association_alone_names_its_acl(stage: Stage) -> None:
    arguments = (
        "--nacl_migration",
        "--aws_dst_vpc",
        "vpc-2",
        "--srcnacl_id_association",
        "aclassoc-1",
        "--yes",
    )
    assert run(stage, *arguments).code == 0
    assert stage.engine.seen[2].selection.acls == ("acl-1",)


def test_an_association_of_another_acl(stage: Stage) -> None:
    ran = run(stage, *ACL, "--srcnacl_id_association", "acl-9")
    assert (ran.code, "belongs to acl-9, --srcnacl_id says acl-1" in ran.line) == (1, True)


def ways(stage: Stage, *arguments: str) -> list[tuple[Any, ...]]:
    run(stage, *GROUPS, "--sg_id", "sg-1", *arguments)
    return [(way.profile, way.region, way.role_arn, way.endpoint_url) for way in stage.ways]


def test_the_ways_to_both_sides(stage: Stage) -> None:
    one = ("one", None, None, None)
    assert ways(stage, "--aws_src_profile", "one") == [one, one]
    assert ways(stage, "--aws_dst_profile", "one") == [one, one]
    assert ways(
        stage,
        *(
            "--aws_src_profile",
            "a",
            "--aws_dst_profile",
            "b",
            "--region",
            "eu-west-1",
            "--dstregion",
            "us-east-1",
        ),
        *("-sr", "arn:1", "-dr", "arn:2", "--endpoint-url", "http://x"),
    ) == [("a", "eu-west-1", "arn:1", "http://x"), ("b", "us-east-1", "arn:2", "http://x")]
    assert [region for _, region, _, _ in ways(stage, "--region", "eu-west-1")] == ["eu-west-1", "eu-west-1"]


@pytest.mark.parametrize("dash", ["–", "––", "–-", "-–"])
def test_a_leading_en_dash_is_read_as_two_hyphens(stage: Stage, dash: str) -> None:
    arguments = [argument.replace("--", dash) for argument in (*GROUPS, "--sg_id", "sg-1")]
    assert run(stage, *arguments, "–sr", "arn:1").code == 0
    assert stage.ways[0].role_arn == "arn:1"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--aws_dst_vpc", "vpc-2"), "one of the arguments --sg_migration --nacl_migration is required"),
        (("--sg_migration", "--nacl_migration"), "not allowed with"),
        (("--sg_migration", "--sg_id", "sg-1"), "--aws_dst_vpc"),
        (GROUPS, "which groups?"),
        ((*GROUPS, "--sg_id", "web"), "not the id of a security group"),
        ((*GROUPS, "--sg_id", "sg-1", "--sg_tag", "a=b"), "not allowed with"),
        ((*GROUPS, "--sg_id", "sg-1", "--srcnacl_id", "acl-1"), "go with --nacl_migration"),
        (("--nacl_migration", "--aws_dst_vpc", "vpc-2"), "which ACL?"),
        ((*ACL, "--sg_id", "sg-1"), "go with --sg_migration"),
        ((*GROUPS, "--sg_tag", "team"), "not of the form KEY=VALUE"),
        ((*GROUPS, "--sg_id", "sg-1", "--aws_src_vpc", "vpc-9"), "sg-1 is in vpc-1"),
        ((*GROUPS, "--sg_i", "sg-1"), "unrecognized arguments"),
    ],
)
def test_wrong_usage(stage: Stage, arguments: tuple[str, ...], words: str) -> None:
    ran = run(stage, *arguments)
    assert ran.code == 1
    assert words in ran.line


def test_no_yes_and_no_terminal(stage: Stage) -> None:
    assert run(stage, *GROUPS[:-1], "--sg_id", "sg-1").code == 3


def test_it_stands_at_the_root_and_runs_by_itself() -> None:
    done = subprocess.run([sys.executable, SCRIPT, "--help"], capture_output=True, text=True, check=True)
    for flag in (
        "--sg_migration",
        "--nacl_migration",
        "-sr",
        "-dr",
        "--dstregion",
        "--srcnacl_id_association",
    ):
        assert flag in done.stdout
