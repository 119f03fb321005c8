"""``sg_nacl_migration.py`` (contract, chapter 5): the flags that the first tool's users know, on the same engine."""

import contextlib
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from firewalls import DEFAULT_EGRESS, SOURCE_VPC, acl, group, source, subnet
from worlds import HERE, THERE, A, B, Run, Stage, source_of

from twinwall.cli import first_tool
from twinwall.cli.world import World

SCRIPT = Path(__file__).resolve().parents[2] / "sg_nacl_migration.py"


def document() -> dict[str, Any]:
    return source(
        group(
            "sg-web", "web", "in tcp 443 0.0.0.0/0", "in tcp 1 sg-web", DEFAULT_EGRESS, tags={"app": "shop"}
        ),
        group("sg-db", "db", "in tcp 5432 sg-web", DEFAULT_EGRESS, tags={"app": "shop"}),
        group("sg-etc", "etc", "in tcp 22 10.0.0.0/8", DEFAULT_EGRESS),
        acls=[
            acl(
                "acl-dmz",
                "in 100 allow tcp 443 0.0.0.0/0",
                "out 100 allow -1 - 0.0.0.0/0",
                subnets=["subnet-1"],
                tags={"Name": "dmz"},
            ),
            acl("acl-app", "in 100 deny tcp 443 0.0.0.0/0", subnets=["subnet-2"], tags={"Name": "app"}),
        ],
        subnets=[
            subnet("subnet-1", "10.0.1.0/24", "a", "one"),
            subnet("subnet-2", "10.0.2.0/24", "b", "two"),
        ],
        region=HERE,
    )


@pytest.fixture
def target(world: Stage) -> str:
    world.load(document())
    return world.empty(subnets=[("10.20.1.0/24", "a", "one"), ("10.20.2.0/24", "b", "two")])


PLACES = ("--aws_src_profile", "src", "--aws_dst_profile", "dst", "--region", HERE, "--dstregion", THERE)


def run(world: Stage, *arguments: str, places: tuple[str, ...] = PLACES, yes: bool = True) -> Run:
    out, err = io.StringIO(), io.StringIO()
    before = world.aws.counts.by_action()
    said = [*arguments, *places, *(["--yes"] if yes else [])]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = first_tool.run(said, World(clock=world.clock))
    return Run(tuple(said), code, out.getvalue(), err.getvalue(), world.aws.counts.by_action() - before)


def copied(world: Stage, target: str) -> set[str]:
    return {source_of(item) for item in (*world.groups(target), *world.acls(target))} - {""}


def test_one_group(world: Stage, target: str) -> None:
    done = run(world, "--sg_migration", "--sg_id", "sg-web", "--aws_dst_vpc", target).ended(0)
    assert copied(world, target) == {"sg-web"}
    assert "web" in done.stdout
    assert not run(world, "--sg_migration", "--sg_id", "sg-web", "--aws_dst_vpc", target).ended(0).written


def test_every_group_with_a_tag(world: Stage, target: str) -> None:
    run(world, "--sg_migration", "--sg_tag", "app=shop", "--aws_dst_vpc", target).ended(0)
    assert copied(world, target) == {"sg-web", "sg-db"}


def test_the_dash_of_the_published_text(world: Stage, target: str) -> None:
    """*A leading en dash, as the published text prints it, is read as ``--``.*"""
    places = ("–aws_src_profile", "src", "–aws_dst_profile", "dst", "–region", HERE, "–dstregion", THERE)
    run(world, "–sg_migration", "–sg_id", "sg-web", "–aws_dst_vpc", target, places=places).ended(0)
    assert copied(world, target) == {"sg-web"}


def test_groups_with_the_tag_in_several_vpcs(world: Stage, target: str) -> None:
    """*If they lie in several VPCs, ``--aws_src_vpc`` names one, else refused with their names.*"""
    other = source(
        group("sg-other", "web", DEFAULT_EGRESS, vpc="vpc-other", tags={"app": "shop"}), region=HERE
    )
    other["Vpcs"] = [{"VpcId": "vpc-other", "CidrBlock": "10.9.0.0/16", "OwnerId": A}]
    world.load({**other, "SecurityGroups": other["SecurityGroups"][1:], "NetworkAcls": []})
    run(world, "--sg_migration", "--sg_tag", "app=shop", "--aws_dst_vpc", target).refused(
        3, "vpc-other", SOURCE_VPC, "--aws_src_vpc"
    )
    run(
        world, "--sg_migration", "--sg_tag", "app=shop", "--aws_src_vpc", "vpc-other", "--aws_dst_vpc", target
    ).ended(0)
    assert copied(world, target) == {"sg-other"}


def test_an_acl_without_and_with_its_subnets(world: Stage, target: str) -> None:
    """*``--srcnacl_id_association [ID]`` (associate the target's corresponding subnets as the source ACL's are).*"""
    run(world, "--nacl_migration", "--srcnacl_id", "acl-dmz", "--aws_dst_vpc", target).ended(0)
    assert copied(world, target) == {"acl-dmz"}
    assert associated(world, target) == {}
    run(
        world,
        "--nacl_migration",
        "--srcnacl_id",
        "acl-dmz",
        "--srcnacl_id_association",
        "--aws_dst_vpc",
        target,
    ).ended(0)
    assert associated(world, target) == {"10.20.1.0/24": "acl-dmz"}


@pytest.mark.parametrize("said", [("acl-app",), ("aclassoc-subnet-2",)])
def test_the_association_says_which(world: Stage, target: str, said: tuple[str, ...]) -> None:
    """*The id, an ACL's or an association's of the source, defaults to the ACL given.*"""
    run(world, "--nacl_migration", "--srcnacl_id_association", *said, "--aws_dst_vpc", target).ended(0)
    assert associated(world, target) == {"10.20.2.0/24": "acl-app"}


def test_associations_that_disagree(world: Stage, target: str) -> None:
    arguments = (
        "--nacl_migration",
        "--srcnacl_id",
        "acl-dmz",
        "--srcnacl_id_association",
        "aclassoc-subnet-2",
        "--aws_dst_vpc",
        target,
    )
    run(world, *arguments).refused(1, "acl-app", "acl-dmz")


def associated(world: Stage, target: str) -> dict[str, str]:
    blocks = {item["SubnetId"]: item["CidrBlock"] for item in world.client().describe_subnets()["Subnets"]}
    return {
        blocks[a["SubnetId"]]: source_of(item)
        for item in world.acls(target)
        for a in item["Associations"]
        if source_of(item)
    }


def test_one_profile_alone_serves_both_sides(world: Stage, target: str) -> None:
    other = world.empty(account=A, region=THERE)
    for flag in ("--aws_src_profile", "--aws_dst_profile"):
        run(
            world,
            "--sg_migration",
            "--sg_id",
            "sg-web",
            "--aws_dst_vpc",
            other,
            places=(flag, "src", "--region", HERE, "--dstregion", THERE),
        ).ended(0)
    assert {source_of(item) for item in world.groups(other, A, THERE)} == {"", "sg-web"}


def test_roles_on_both_sides(world: Stage, target: str) -> None:
    reads, writes = world.aws.add_role(A, "reader", [A]), world.aws.add_role(B, "writer", [A])
    places = ("--aws_src_profile", "src", "-sr", reads, "-dr", writes, "--region", HERE, "--dstregion", THERE)
    done = run(world, "--sg_migration", "--sg_id", "sg-web", "--aws_dst_vpc", target, places=places).ended(0)
    assert "assumed-role/writer" in done.stderr
    assert copied(world, target) == {"sg-web"}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--sg_migration", "--sg_id", "sg-0123456789abcdef0"), 1, ("sg-0123456789abcdef0",)),
        (("--sg_migration", "--sg_tag", "app=none"), 1, ("app=none",)),
        (("--sg_migration", "--sg_tag", "app"), 1, ("app",)),
        (("--sg_migration",), 1, ("--sg_id", "--sg_tag")),
        (("--nacl_migration",), 1, ("--srcnacl_id",)),
        (("--nacl_migration", "--srcnacl_id", "acl-0123456789abcdef0"), 1, ("acl-0123456789abcdef0",)),
        (("--nacl_migration", "--sg_id", "sg-web", "--srcnacl_id", "acl-dmz"), 1, ("--sg_id",)),
        (("--sg_migration", "--nacl_migration"), 1, ("--nacl_migration",)),
        (("--sg_migration", "--sg_id", "sg-db"), 3, ("sg-web", "--outside")),
        (("--sg_id", "sg-web"), 1, ("--sg_migration",)),
    ],
)
def test_what_cannot_be_done(
    world: Stage, target: str, arguments: tuple[str, ...], code: int, words: tuple[str, ...]
) -> None:
    run(world, *arguments, "--aws_dst_vpc", target).refused(code, *words)


def test_it_asks_too(world: Stage, target: str) -> None:
    run(world, "--sg_migration", "--sg_id", "sg-web", "--aws_dst_vpc", target, yes=False).refused(3, "--yes")


def test_it_runs_as_a_script_from_anywhere(world: Stage, target: str, tmp_path: Path) -> None:
    arguments = [
        "--sg_migration",
        "--sg_id",
        "sg-web",
        "--aws_dst_vpc",
        target,
        *PLACES,
        "--endpoint-url",
        world.aws.endpoint,
        "--yes",
    ]
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert copied(world, target) == {"sg-web"}
