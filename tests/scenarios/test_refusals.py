"""*What bad input gets: one clear line, exit code as the contract lists it, nothing written.*

``Run.refused`` asserts the exit code, the one line with these words, no traceback, and no write; each test
compares the target's whole describe besides where a write could hide.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from firewalls import DEFAULT_EGRESS, SOURCE_VPC, acl, group, prefix_list, source
from worlds import HERE, THERE, A, B, Stage

RULES_PER_GROUP, ENTRIES_PER_ACL, ACLS_PER_VPC = "L-0EA8095F", "L-2AEEBF1A", "L-B4A6D682"
Json = dict[str, Any]
SMALL = source(
    group("sg-web", "web", "in tcp 443 0.0.0.0/0", "out tcp 1 0.0.0.0/0"),
    acls=[acl("acl-1", "in 100 allow tcp 1 0.0.0.0/0")],
    region=HERE,
)


@pytest.fixture
def target(world: Stage) -> str:
    world.load(SMALL)
    return world.empty()


# --- what is named does not exist


def test_no_such_vpc(world: Stage, target: str) -> None:
    world.migrate("vpc-0123456789abcdef0", target).refused(1, "vpc-0123456789abcdef0", HERE)
    world.migrate(SOURCE_VPC, "vpc-0123456789abcdef0").refused(1, "vpc-0123456789abcdef0", THERE)
    world.verify("vpc-0123456789abcdef0", target).refused(1, "vpc-0123456789abcdef0")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--group", "sg-0123456789abcdef0"), ("--group", "sg-0123456789abcdef0")),
        (("--group", "nobody"), ("--group", "nobody")),
        (("--nacl", "acl-0123456789abcdef0"), ("--nacl", "acl-0123456789abcdef0")),
        (("--map-group", "web=sg-0123456789abcdef0"), ("--map-group", "sg-0123456789abcdef0")),
        (("--associate", "subnet-1=subnet-2"), ("--associate", "subnet-1")),
    ],
)
def test_no_such_group_acl_or_subnet(
    world: Stage, target: str, options: tuple[str, ...], words: tuple[str, ...]
) -> None:
    world.migrate(SOURCE_VPC, target, options=options).refused(1, *words)


def test_no_such_profile(world: Stage, target: str) -> None:
    run = world.run(
        "migrate",
        "--source",
        SOURCE_VPC,
        "--target",
        target,
        "--source-profile",
        "nobody",
        "--target-profile",
        "dst",
        "--yes",
    )
    run.refused(1, "nobody", "source")


@pytest.mark.parametrize("side", ["source", "target"])
def test_no_such_region(world: Stage, target: str, side: str) -> None:
    places = {"source_at": (A, HERE), "target_at": (B, THERE)}
    places[f"{side}_at"] = (places[f"{side}_at"][0], "eu-nowhere-9")
    world.migrate(SOURCE_VPC, target, **places).refused(1, "eu-nowhere-9", side)


def test_no_such_role(world: Stage, target: str) -> None:
    arn = f"arn:aws:iam::{B}:role/nobody"
    world.migrate(SOURCE_VPC, target, options=("--target-role-arn", arn)).refused(1, arn, "target")


def test_nothing_said(world: Stage, target: str) -> None:
    world.run("migrate", "--target", target, "--yes").refused(1, "--source")
    world.run("migrate", "--source", SOURCE_VPC, "--yes").refused(1, "--target")
    world.run("migrate", "--nonsense").refused(1, "--nonsense", "--help")
    world.run("nonsense").refused(1, "nonsense")


# --- allowed to do


@pytest.mark.parametrize(
    ("account", "action", "side"),
    [
        (A, "DescribeSecurityGroups", "source"),
        (B, "DescribeSecurityGroups", "target"),
        (B, "DescribeNetworkAcls", "target"),
        (B, "DescribeVpcs", "target"),
        (A, "DescribeVpcs", "source"),
    ],
)
def test_reading_is_not_allowed(world: Stage, target: str, account: str, action: str, side: str) -> None:
    """*Not allowed (which action on which side, and the policy line to add).*"""
    world.aws.deny(account, action)
    run = world.migrate(SOURCE_VPC, target).refused(1, f"ec2:{action}", side)
    assert '"Action"' in run.line or '"ec2:' in run.line or "Allow" in run.line, run.line


def test_the_first_write_is_not_allowed(world: Stage, target: str) -> None:
    before = world.everything()
    world.aws.deny(B, "CreateSecurityGroup")
    run = world.migrate(SOURCE_VPC, target).ended(1)
    assert "ec2:CreateSecurityGroup" in run.line
    assert "target" in run.line
    world.aws.no_trouble()
    assert world.everything() == before


def test_a_later_write_is_not_allowed(world: Stage, target: str) -> None:
    """Stopped midway: says what was done, and running again completes."""
    world.aws.deny(B, "CreateNetworkAclEntry")
    run = world.migrate(SOURCE_VPC, target).ended(1)
    assert "ec2:CreateNetworkAclEntry" in run.line
    assert " of " in run.line  # how many calls were done
    world.aws.no_trouble()
    assert world.migrate(SOURCE_VPC, target).ended(0).json["verify"]["equal"] is True


@pytest.mark.parametrize(
    "action",
    [
        "DescribeSecurityGroupVpcAssociations",
        "DescribeStaleSecurityGroups",
        "GetServiceQuota",
        "GetManagedPrefixListEntries",
    ],
)
def test_what_only_betters_a_finding_may_be_denied(world: Stage, action: str) -> None:
    """*Live values from Service Quotas where readable*; the least policy must be enough."""
    document = source(
        group("sg-web", "web", "in tcp 443 999999999999/sg-x@vpc-x@active", DEFAULT_EGRESS), region=HERE
    )
    world.load(document)
    vpc = world.empty()
    world.aws.deny("*", action)
    world.migrate(SOURCE_VPC, vpc, options=("--outside", "skip")).ended(0)


def test_expired_credentials(world: Stage, target: str) -> None:
    world.aws.fail_next("DescribeSecurityGroups", "RequestExpired", "Request has expired.", account=B)
    world.migrate(SOURCE_VPC, target).refused(1, "RequestExpired", "target", "renew")


def test_credentials_that_end_midway(world: Stage, target: str) -> None:
    """*Expired midway is a clean stop.*"""
    world.aws.fail_next("AuthorizeSecurityGroupIngress", "RequestExpired", "Request has expired.", account=B)
    run = world.migrate(SOURCE_VPC, target).ended(1)
    assert "RequestExpired" in run.line
    assert re.search(r"[1-5] of 6 calls were done", run.line)  # rules go as soon as their groups exist
    assert world.migrate(SOURCE_VPC, target).ended(0).json["verify"]["equal"] is True


# --- both sides


def test_source_is_target(world: Stage, target: str) -> None:
    """*Source = target*: exit 3; also where the source is a snapshot of the target."""
    world.migrate(SOURCE_VPC, SOURCE_VPC, target_at=(A, HERE)).refused(3, "same VPC", SOURCE_VPC)
    path = world.save(SMALL)
    world.migrate(path, SOURCE_VPC, target_at=(A, HERE)).refused(3, "same VPC", SOURCE_VPC)


def test_a_target_that_cannot_be_written_to(world: Stage, target: str) -> None:
    path = world.save(SMALL)
    run = world.run(
        "migrate",
        "--source",
        target,
        "--target",
        path,
        "--source-profile",
        "dst",
        "--source-region",
        THERE,
        "--yes",
    )
    run.refused(1, "cannot be written to")


def test_within_one_account_and_region_association_is_named(world: Stage, target: str) -> None:
    """*Within one Region and account the plan says when associating the group … would serve better.*"""
    other = world.empty(account=A, region=HERE)
    run = world.plan(SOURCE_VPC, other, target_at=(A, HERE)).ended(0)
    assert "association-would-serve" in run.finding_ids()


def test_an_empty_vpc_as_source(world: Stage, target: str) -> None:
    """Nothing but the default group and ACL: nothing to do, and that is equal."""
    source_vpc = world.empty("10.5.0.0/16", account=A, region=HERE)
    run = world.migrate(source_vpc, target).ended(0)
    assert run.json["changes"] == []
    assert run.json["verify"]["equal"] is True
    assert run.firewall_calls == 4


# --- yes


def test_yes_is_missing_without_a_terminal(world: Stage, target: str) -> None:
    arguments = ["migrate", "--source", SOURCE_VPC, "--target", target, *world.ways((A, HERE), (B, THERE))]
    world.run(*arguments).refused(3, "--yes", target)
    world.run(*arguments, "--output", "json").refused(3, "--yes")


def test_both_sides_are_shown_before_a_write(world: Stage, target: str) -> None:
    """*Before a write the endpoint, account and Region of both sides are shown*, JSON or quiet; *the journal's path
    stands on stderr before the first call*."""
    run = world.migrate(SOURCE_VPC, target).ended(0)
    for words in (A, HERE, B, THERE, world.aws.endpoint, SOURCE_VPC, target, run.json["journal"]):
        assert words in run.stderr, words


# --- quotas


def test_over_quota_before_any_call(world: Stage) -> None:
    """*A group over quota before any call (IPv4 and IPv6 apart …; live values from Service Quotas)*."""
    four = [f"in tcp {n} 0.0.0.0/0" for n in range(1, 61)]
    six = [f"in tcp {n} ::/0" for n in range(1, 61)]
    world.load(source(group("sg-web", "web", *four, *six, DEFAULT_EGRESS), region=HERE))
    target = world.empty()
    world.plan(SOURCE_VPC, target).ended(0)  # 60 and 60 fit
    world.aws.set_quota(RULES_PER_GROUP, 59, B, THERE)
    world.migrate(SOURCE_VPC, target).refused(3, "web", "60 IPv4", "59")
    world.aws.set_quota(RULES_PER_GROUP, 60, B, THERE)
    world.migrate(SOURCE_VPC, target).ended(0)


def test_lists_count_with_their_max_entries(world: Stage) -> None:
    document = source(
        group("sg-web", "web", "in tcp 1 pl-0aaaaaaaaaaaaaaaa", "in tcp 2 0.0.0.0/0", DEFAULT_EGRESS),
        lists=[prefix_list("pl-0aaaaaaaaaaaaaaaa", "office", "192.0.2.0/24", size=60)],
    )
    world.migrate(world.save(document), world.empty()).refused(3, "web", "61", "60", "MaxEntries")


def test_an_acl_at_and_over_its_quota(world: Stage) -> None:
    """*An ACL over its quota (at it: a warning, the default deny may count).*"""
    full = source(acls=[acl("acl-1", *(f"in {n} allow tcp {n} 0.0.0.0/0" for n in range(1, 21)))])
    target = world.empty()
    run = world.plan(world.save(full), target).ended(0)
    assert "acl-at-quota" in run.finding_ids()
    over = source(acls=[acl("acl-1", *(f"in {n} allow tcp {n} 0.0.0.0/0" for n in range(1, 22)))])
    world.migrate(world.save(over), target).refused(3, "acl-1", "21", "20")
    world.aws.set_quota(ENTRIES_PER_ACL, 40, B, THERE)
    world.migrate(world.save(over), target).ended(0)
    world.aws.set_quota(ACLS_PER_VPC, 2, B, THERE)
    two = source(acls=[acl("acl-2", "in 1 allow tcp 1 0.0.0.0/0")])
    world.migrate(world.save(two), target).refused(3, "ACL", "2")


def test_too_many_tags(world: Stage) -> None:
    """*More than 49 besides the mark are refused.*"""
    tags = {f"key-{n}": "v" for n in range(50)}
    document = source(group("sg-web", "web", tags=tags))
    target = world.empty()
    world.migrate(world.save(document), target).refused(3, "web", "50", "49")
    document["SecurityGroups"][1]["Tags"].pop()
    world.migrate(world.save(document), target).ended(0)


# --- what a file holds


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ("empty",)),
        ("{", ("JSON",)),
        ('{"SecurityGroups": [{"GroupId": "sg-1"', ("JSON",)),
        ("[]", ("a list",)),
        ("null", ("null",)),
        ("{}", ("no VPC",)),
        ('{"hello": "world"}', ("no VPC",)),
        ('{"SecurityGroups": {}}', ("SecurityGroups",)),
        ('{"Vpcs": [], "SecurityGroups": []}', ("no VPC",)),
        ("\x00\x01\x02", ("JSON",)),
        ('{"version": 4, "terraform_version": "1.9.0", "resources": []}', ("no VPC",)),
    ],
)
def test_a_snapshot_that_is_none(world: Stage, target: str, text: str, words: tuple[str, ...]) -> None:
    """*A snapshot that is not JSON, or in which no VPC can be found*; a file of another tool."""
    path = world.folder / "bad.json"
    path.write_text(text)
    world.migrate(path, target).refused(1, str(path), *words)


def test_a_file_that_is_not_there(world: Stage, target: str) -> None:
    world.migrate(world.folder / "nowhere.json", target).refused(1, "nowhere.json")
    world.run("migrate", "--source", "no-such-name", "--target", target, "--yes").refused(1, "no-such-name")
    binary = world.folder / "binary.json"
    binary.write_bytes(b"\xff\xfe\x00{}")
    world.migrate(binary, target).refused(1, "UTF-8")


BAD_RULES = [
    ({"IpProtocol": "tcp", "FromPort": 90, "ToPort": 80}, "10.0.0.0/8", ("90", "80")),
    ({"IpProtocol": "tcp", "FromPort": 0, "ToPort": 70000}, "10.0.0.0/8", ("70000",)),
    ({"IpProtocol": "tcp", "FromPort": 80}, "10.0.0.0/8", ("ports",)),
    ({"IpProtocol": "icmp", "FromPort": -1, "ToPort": 3}, "10.0.0.0/8", ("icmp",)),
    ({"IpProtocol": "256", "FromPort": 1, "ToPort": 1}, "10.0.0.0/8", ("256",)),
    ({"IpProtocol": "tpc", "FromPort": 1, "ToPort": 1}, "10.0.0.0/8", ("tpc",)),
    ({"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1}, "10.0.0.0/33", ("10.0.0.0/33",)),
    ({"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1}, "10.0.0.256/8", ("10.0.0.256/8",)),
    ({"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1}, "10.0.0.1", ("10.0.0.1", "/32")),
    ({"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1}, "2001:db8::/32", ("2001:db8::/32",)),
    ({"IpProtocol": "tcp", "FromPort": "x", "ToPort": 1}, "10.0.0.0/8", ("x",)),
    ({"FromPort": 1, "ToPort": 1}, "10.0.0.0/8", ("IpProtocol",)),
    ({"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1}, None, ("sg-web",)),
]


@pytest.mark.parametrize(("fields", "cidr", "words"), BAD_RULES)
def test_ports_upside_down_and_bad_blocks(
    world: Stage, target: str, fields: Json, cidr: Any, words: tuple[str, ...]
) -> None:
    """*Ports upside down, a bad CIDR.*"""
    made = group("sg-web", "web")
    made["IpPermissions"] = [{**fields, "IpRanges": [{"CidrIp": cidr}]}]
    world.migrate(world.save(source(made)), target).refused(1, *words)


@pytest.mark.parametrize(
    "change",
    [
        {"RuleAction": "maybe"},
        {"RuleNumber": "x"},
        {"CidrBlock": "nonsense"},
        {"Protocol": "tpc"},
        {"PortRange": {"From": 9, "To": 1}},
    ],
)
def test_bad_entries(world: Stage, target: str, change: Json) -> None:
    document = source(acls=[acl("acl-1", "in 100 allow tcp 443 0.0.0.0/0")])
    document["NetworkAcls"][1]["Entries"][0] |= change
    world.migrate(world.save(document), target).refused(1, "acl-1")


# --- maps


@pytest.mark.parametrize(
    ("maps", "words"),
    [
        (["10.0.0.0/16=10.1.0.0/20"], ("/16", "/20")),
        (["10.0.0.0/16=10.1.0.0/16", "10.0.0.0/16=10.2.0.0/16"], ("twice",)),
        (["10.0.0.0/16=10.1.0.0/16", "10.9.0.0/16=10.1.0.0/16"], ("overlap",)),
        (["10.0.0.0/16=10.1.0.0/16", "10.9.0.0/24=10.1.7.0/24"], ("overlap",)),
        (["10.0.0.0/16=2001:db8::/16"], ("family",)),
        (["10.0.0.0/16"], ("--map-cidr",)),
        (["10.0.0.0/16=x"], ("x",)),
    ],
)
def test_maps_that_cannot_be_meant(
    world: Stage, target: str, maps: list[str], words: tuple[str, ...]
) -> None:
    """*Unequal prefix lengths, equal FROM twice, two FROM onto overlapping TO are refused.*"""
    options = [part for text in maps for part in ("--map-cidr", text)]
    world.migrate(SOURCE_VPC, target, options=options).refused(1, *words)


def test_the_vpcs_blocks_differ_in_size(world: Stage, target: str) -> None:
    small = world.empty("10.30.0.0/20")
    world.migrate(SOURCE_VPC, small, options=("--map-vpc-cidr",)).refused(1, "/16", "/20")


@pytest.mark.parametrize(
    "options",
    [
        ("--outside", "maybe"),
        ("--policy", "never"),
        ("--max-change", "x"),
        ("--max-change", "-1"),
        ("--tag", "novalue"),
        ("--rename", "x"),
        ("--map-group", "x"),
        ("--associate", "x"),
        ("--map-account", "1=2"),
        ("--only", "x"),
    ],
)
def test_options_that_say_nothing(world: Stage, target: str, options: tuple[str, ...]) -> None:
    world.migrate(SOURCE_VPC, target, options=options).refused(1, options[0])


# --- marks


def test_one_mark_on_two_groups_is_refused_both_named(world: Stage, target: str) -> None:
    """*One mark on two groups of a VPC is refused, both named.*"""
    world.migrate(SOURCE_VPC, target).ended(0)
    copy = world.group("web", target)["GroupId"]
    mark = f"{A}/{HERE}/{SOURCE_VPC}/sg-web"
    twin = world.client().create_security_group(
        GroupName="twin",
        Description="d",
        VpcId=target,
        TagSpecifications=[
            {"ResourceType": "security-group", "Tags": [{"Key": "twinwall:source", "Value": mark}]}
        ],
    )["GroupId"]
    world.migrate(SOURCE_VPC, target).refused(3, copy, twin, "twinwall:source")


def test_nothing_of_the_error_shows_a_secret(world: Stage, target: str, tmp_path: Path) -> None:
    """*Journal … no secrets*; nor do messages."""
    secret = world.aws.credentials(B).secret
    world.aws.deny(B, "CreateNetworkAclEntry")
    run = world.run(
        "migrate",
        "--source",
        SOURCE_VPC,
        "--target",
        target,
        *world.ways((A, HERE), (B, THERE)),
        "--yes",
        "--debug",
        "--journal",
        tmp_path / "journal.jsonl",
    ).ended(1)
    assert secret not in run.stdout + run.stderr
    journal = (tmp_path / "journal.jsonl").read_text()
    assert secret not in journal
    assert (tmp_path / "journal.jsonl").stat().st_mode & 0o777 == 0o600
    events = [json.loads(line)["event"] for line in journal.splitlines()]
    assert events[:3] == ["journal", "locked", "begin"]
    assert events[-2:] == ["stopped", "unlocked"]
