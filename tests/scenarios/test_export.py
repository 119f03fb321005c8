"""What an export of a live VPC makes elsewhere is that VPC's firewall: the script is run by the AWS CLI."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from aws_cli import AwsCli, aws_cli
from firewalls import DEFAULT_EGRESS, SOURCE_VPC, acl, group, prefix_list, source, subnet
from worlds import HERE, PROFILES, THERE, A, B, Stage

from twinwall.documents.permissions import permissions

AT = ("--at-profile", PROFILES[A], "--at-region", HERE)
OFFICE = [f"198.51.{number // 256}.{number % 256}/32" for number in range(130)]


@pytest.fixture
def command(tmp_path: Path) -> Iterator[AwsCli]:
    with aws_cli(tmp_path) as running:
        yield running


@pytest.fixture
def vpc(world: Stage) -> str:
    document = source(
        group(
            "sg-web",
            "web",
            "in tcp 443 0.0.0.0/0 $HOME; $(ls) {x}!",
            "in tcp 80 ::/0",
            "in tcp 1 sg-db",
            "out tcp 5432 sg-db",
        ),
        group(
            "sg-db",
            "db",
            "in tcp 5432 sg-web",
            "in tcp 22 pl-0aaaaaaaaaaaaaaaa",
            "in icmp 8:0 10.0.0.0/16",
            DEFAULT_EGRESS,
        ),
        group(
            "sg-odd",
            "3 odd",
            "in 50 - 192.0.2.0/24",
            "in udp 53 sg-default",
            "in tcp 9 sg-odd",
            tags={"a b": "c"},
        ),
        lists=[prefix_list("pl-0aaaaaaaaaaaaaaaa", "office", *OFFICE, size=130)],
        acls=[
            acl(
                "acl-a",
                "in 100 allow tcp 443 0.0.0.0/0",
                "in 110 deny icmp 8:-1 10.0.0.0/8",
                "in 120 allow icmpv6 -1:-1 ::/0",
                "out 100 allow -1 - 0.0.0.0/0",
                subnets=["subnet-a"],
                tags={"Name": "edge"},
            )
        ],
        subnets=[subnet("subnet-a", "10.0.0.0/24", name="a")],
        region=HERE,
    )
    world.load(document)
    world.aws.set_quota("L-0EA8095F", 200, B, THERE)  # rules of a group, for so long a list
    return SOURCE_VPC


def run(world: Stage, command: AwsCli, script: str, vpc: str, **more: str) -> None:
    key = world.aws.credentials(B)
    environment = {
        "AWS_ACCESS_KEY_ID": key.id,
        "AWS_SECRET_ACCESS_KEY": key.secret,
        "AWS_REGION": THERE,
        "AWS_DEFAULT_REGION": THERE,
        "AWS_ENDPOINT_URL": world.aws.endpoint,
    }
    done = command.run(script, {**environment, "VPC_ID": vpc, **more})
    assert done.returncode == 0, done.stderr


def test_the_script_makes_the_firewall_again(world: Stage, vpc: str, command: AwsCli) -> None:
    subnets = [("10.20.0.0/24", "a", "a")]
    copy = world.empty(ipv6="2001:db8:20::/56", subnets=subnets)
    only = [{"Name": "vpc-id", "Values": [copy]}]
    (subnet_id,) = [s["SubnetId"] for s in world.client().describe_subnets(Filters=only)["Subnets"]]
    ran = world.run("export", "--at", vpc, *AT, "--format", "cli", "--with-associations").ended(0)
    assert not ran.written
    allowed = {one for statement in permissions("export")["at"]["Statement"] for one in statement["Action"]}
    assert {f"ec2:{name}" for name in ran.calls} <= allowed | {"ec2:GetCallerIdentity"}
    run(world, command, ran.stdout, copy, A_SUBNET_ID=subnet_id)
    (office,) = world.lists()
    assert {entry["Cidr"] for entry in office["Entries"]} == set(OFFICE)
    options = ["--match-by-name", "--adopt", "*", "--associate", f"subnet-a={subnet_id}"]
    options += ["--map-prefix-list", f"office={office['PrefixListId']}"]
    proof = world.verify(vpc, copy, options=options).ended(0).json
    assert proof["equal"], proof
    assert {item["resource"]["name"] for item in proof["not_compared"]} == {"default"}
    assert proof["compared"] == {"groups": 3, "acls": 1, "subnets": 1}
    web = world.group("web", copy)
    assert [r["Description"] for p in web["IpPermissions"] for r in p["IpRanges"]] == ["$HOME; $(ls) {x}!"]
    assert world.group("3 odd", copy)["Tags"] == [{"Key": "a b", "Value": "c"}]
    assert all(call[0] == "ec2" for call in command.calls)


def test_a_plans_target_is_made_elsewhere(world: Stage, vpc: str, command: AwsCli) -> None:
    target, elsewhere = world.empty(), world.empty(cidr="10.30.0.0/16")
    plan = world.folder / "plan.json"
    options = ["-o", str(plan), "--map-cidr", "10.0.0.0/16=10.20.0.0/16", "--exclude", "3 odd"]
    world.plan(vpc, target, options=options).ended(0)
    script = world.run("export", "--plan", plan, "--format", "cli").ended(0).stdout
    run(world, command, script, elsewhere)
    maps = ["--map-cidr", "10.0.0.0/16=10.20.0.0/16", "--exclude", "3 odd", "--adopt", "*"]
    lists = ["--map-prefix-list", f"office={world.lists()[0]['PrefixListId']}"]
    proof = world.verify(vpc, elsewhere, options=[*maps, *lists, "--match-by-name"]).ended(0).json
    assert (proof["equal"], proof["compared"]["groups"]) == (True, 2)


def test_a_script_that_is_told_no_vpc_asks_and_writes_nothing(
    world: Stage, vpc: str, command: AwsCli
) -> None:
    script = world.run("export", "--at", vpc, *AT, "--format", "cli").ended(0).stdout
    done = command.run(script, {})
    assert done.returncode != 0
    assert "VPC_ID: the VPC that gets the firewall" in done.stderr
    assert not command.calls


def test_the_installed_aws_command_takes_such_a_call(world: Stage, vpc: str) -> None:
    """Once as a program of its own, as everywhere else."""
    key = world.aws.credentials(A)
    program = Path(sys.executable).with_name("aws")
    done = subprocess.run(
        [
            program,
            "ec2",
            "describe-security-groups",
            "--group-ids",
            world.group("web", vpc, A, HERE)["GroupId"],
        ],
        capture_output=True,
        text=True,
        check=True,
        env={
            "AWS_ACCESS_KEY_ID": key.id,
            "AWS_SECRET_ACCESS_KEY": key.secret,
            "AWS_REGION": HERE,
            "AWS_DEFAULT_REGION": HERE,
            "AWS_ENDPOINT_URL": world.aws.endpoint,
        },
    )
    assert json.loads(done.stdout)["SecurityGroups"][0]["GroupName"] == "web"
