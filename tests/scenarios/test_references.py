"""References that lead out of the VPC, rule tags, VPCs shared with us, lists of others; and that the least policy is
enough for all of it.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from firewalls import DEFAULT_EGRESS, SOURCE_VPC, acl, group, prefix_list, source
from worlds import HERE, THERE, A, B, C, Run, Stage, flat_rules, source_of, tags_of

Json = dict[str, Any]
PEER = "vpc-peer"


def peers(item: Json, way: str = "in") -> set[str]:
    return {rule[4][1] for rule, _ in flat_rules(item) if rule[0] == way and rule[4][0] == "group"}


def peering(
    world: Stage, one: str, other: str, account: str = A, region: str = HERE, owner: str = ""
) -> None:
    """``owner``: of the other VPC, if that is another account."""
    made = world.client(account, region).create_vpc_peering_connection(
        VpcId=one, PeerVpcId=other, PeerOwnerId=owner or account
    )
    id_ = made["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    world.client(owner or account, region).accept_vpc_peering_connection(VpcPeeringConnectionId=id_)


def with_peer(world: Stage, *, status: str = "active") -> None:
    _with_peer(world, status=status)
    if status == "active":
        peering(world, SOURCE_VPC, PEER)


def _with_peer(world: Stage, *, status: str) -> None:
    """A source VPC whose group names one of a peered VPC of the same account and Region."""
    world.load(
        {
            "Region": HERE,
            "OwnerId": A,
            "Vpcs": [{"VpcId": PEER, "CidrBlock": "10.8.0.0/16", "OwnerId": A}],
            "SecurityGroups": [group("sg-peer", "peer", DEFAULT_EGRESS, vpc=PEER)],
        }
    )
    world.load(
        source(group("sg-web", "web", f"in tcp 443 {A}/sg-peer@{PEER}@{status}", DEFAULT_EGRESS), region=HERE)
    )


# --- keep


def test_keep_needs_an_active_peering(world: Stage) -> None:
    """*``keep`` …: keep the id (only in the same Region with an active peering to that VPC).*"""
    with_peer(world)
    target = world.empty(account=A, region=HERE)
    options = ("--outside", "keep")
    world.migrate(SOURCE_VPC, target, options=options, target_at=(A, HERE)).refused(
        3, "sg-peer", f"no active peering to {PEER}"
    )
    peering(world, target, PEER)
    world.migrate(SOURCE_VPC, target, options=options, target_at=(A, HERE)).ended(0)
    assert peers(world.group("web", target, A, HERE)) == {"sg-peer"}
    assert not world.migrate(SOURCE_VPC, target, options=options, target_at=(A, HERE)).ended(0).written


def test_keep_never_crosses_a_region(world: Stage) -> None:
    """*References across Regions cannot exist.*"""
    with_peer(world)
    world.migrate(SOURCE_VPC, world.empty(), options=("--outside", "keep")).refused(
        3, "sg-peer", "another Region"
    )


def test_stale_references_cannot_be_kept(world: Stage) -> None:
    """*``amazon-elb`` pairs and stale references cannot be carried over: fail or skip.*"""
    with_peer(world, status="deleted")
    target = world.empty(account=A, region=HERE)
    peering(world, target, PEER)
    for outside in ("keep", "fail", "follow"):
        world.migrate(SOURCE_VPC, target, options=("--outside", outside), target_at=(A, HERE)).refused(
            3, "sg-peer", "stale"
        )
    run = world.migrate(SOURCE_VPC, target, options=("--outside", "skip"), target_at=(A, HERE)).ended(0)
    assert peers(world.group("web", target, A, HERE)) == set()
    assert len(run.json["verify"]["not_compared"]) == 1


# --- counterparts in other accounts


def test_map_account_says_where_the_counterpart_is(world: Stage) -> None:
    """*``--map-account A=B`` says in which account to look for the counterpart.*"""
    world.load(
        {
            "Region": HERE,
            "OwnerId": C,
            "Vpcs": [{"VpcId": PEER, "CidrBlock": "10.8.0.0/16", "OwnerId": C}],
            "SecurityGroups": [group("sg-peer", "peer", DEFAULT_EGRESS, vpc=PEER, owner=C)],
        },
        C,
    )
    world.load(
        source(group("sg-web", "web", f"in tcp 443 {C}/sg-peer@{PEER}@active", DEFAULT_EGRESS), region=HERE)
    )
    peering(world, SOURCE_VPC, PEER, A, HERE, C)
    hub, target = world.empty("10.28.0.0/16"), world.empty("10.20.0.0/16")
    peering(world, hub, target, B, THERE)
    world.migrate(PEER, hub, source_at=(C, HERE)).ended(0)
    world.migrate(SOURCE_VPC, target).refused(3, "sg-peer")
    world.migrate(SOURCE_VPC, target, options=("--map-account", f"{C}={B}")).ended(0)
    assert peers(world.group("web", target)) == {world.group("peer", hub)["GroupId"]}
    assert not world.migrate(SOURCE_VPC, target, options=("--map-account", f"{C}={B}")).ended(0).written


# --- two groups named default


def test_a_second_group_named_default(world: Stage) -> None:
    """*Of two groups named ``default`` in one VPC the one that EC2 describes as the default is it; the other is left
    out with a finding unless ``--rename`` names it by id, and references to it are outside references.*"""
    second = group("sg-second", "default", "in tcp 1 0.0.0.0/0", description="RDS VPC security group")
    document = source(
        second, group("sg-web", "web", "in tcp 1 sg-second", "in tcp 2 sg-default", DEFAULT_EGRESS)
    )
    path = world.save(document)
    world.migrate(path, world.empty()).refused(3, "sg-second", "default")
    target = world.empty()
    run = world.migrate(path, target, options=("--outside", "skip")).ended(0)
    assert {source_of(item) for item in world.groups(target)} == {"", "sg-web"}
    assert {"second-default", "dropped-allow"} <= run.finding_ids()
    assert peers(world.group("web", target)) == {world.group("default", target)["GroupId"]}
    other = world.empty()
    world.migrate(path, other, options=("--rename", "sg-second=rds", "--adopt", "default")).ended(0)
    assert peers(world.group("web", other)) == {
        world.group("rds", other)["GroupId"],
        world.group("default", other)["GroupId"],
    }


# --- rule tags


def test_rule_tags_only_when_asked(world: Stage) -> None:
    """*Rule tags only with ``--rule-tags``.*"""
    world.load(
        source(
            group("sg-web", "web", "in tcp 443 0.0.0.0/0", "in tcp 80 0.0.0.0/0", DEFAULT_EGRESS), region=HERE
        )
    )
    rules = world.client(A, HERE).describe_security_group_rules(
        Filters=[{"Name": "group-id", "Values": ["sg-web"]}]
    )["SecurityGroupRules"]
    (https,) = [rule["SecurityGroupRuleId"] for rule in rules if rule["FromPort"] == 443]
    world.client(A, HERE).create_tags(Resources=[https], Tags=[{"Key": "ticket", "Value": "42"}])
    target = world.empty()
    world.migrate(SOURCE_VPC, target).ended(0)
    assert rule_tags(world, target) == {443: {}, 80: {}, -1: {}}
    world.migrate(SOURCE_VPC, target, options=("--rule-tags",)).ended(0)
    assert rule_tags(world, target) == {443: {"ticket": "42"}, 80: {}, -1: {}}
    assert not world.migrate(SOURCE_VPC, target, options=("--rule-tags",)).ended(0).written


def test_rule_tags_from_the_start(world: Stage) -> None:
    world.load(
        source(
            group("sg-web", "web", "in tcp 443 0.0.0.0/0", "in tcp 80 0.0.0.0/0", DEFAULT_EGRESS), region=HERE
        )
    )
    rules = world.client(A, HERE).describe_security_group_rules(
        Filters=[{"Name": "group-id", "Values": ["sg-web"]}]
    )["SecurityGroupRules"]
    for rule in rules:
        world.client(A, HERE).create_tags(
            Resources=[rule["SecurityGroupRuleId"]], Tags=[{"Key": "port", "Value": str(rule["FromPort"])}]
        )
    target = world.empty()
    world.migrate(SOURCE_VPC, target, options=("--rule-tags",)).ended(0)
    assert rule_tags(world, target) == {443: {"port": "443"}, 80: {"port": "80"}, -1: {"port": "-1"}}
    assert not world.migrate(SOURCE_VPC, target, options=("--rule-tags",)).ended(0).written


def rule_tags(world: Stage, target: str) -> dict[int, dict[str, str]]:
    id_ = world.group("web", target)["GroupId"]
    rules = world.client().describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [id_]}])[
        "SecurityGroupRules"
    ]
    return {rule["FromPort"]: tags_of(rule) for rule in rules}


# --- a VPC that is shared with us


def test_into_a_vpc_that_is_shared_with_us(world: Stage) -> None:
    """*In a VPC that is shared with us: groups only, ``default`` cannot be resolved.* As a plan between files: the
    embedded AWS shares no VPCs."""
    document = source(
        group("sg-web", "web", "in tcp 443 0.0.0.0/0", "in tcp 1 sg-default", DEFAULT_EGRESS),
        acls=[acl("acl-1", "in 100 allow tcp 1 0.0.0.0/0")],
    )
    shared = {
        "Region": THERE,
        "OwnerId": B,
        "Vpcs": [{"VpcId": "vpc-shared", "CidrBlock": "10.20.0.0/16", "OwnerId": C}],
        "SecurityGroups": [],
        "NetworkAcls": [],
    }
    files = ("--source", world.save(document, "a.json"), "--target", world.save(shared, "b.json"))
    world.run("plan", *files, "--output", "json").refused(3, "default")
    run = world.run("plan", *files, "--outside", "skip", "--output", "json").ended(0)
    assert {change["action"] for change in run.json["changes"]} == {
        "CreateSecurityGroup",
        "AuthorizeSecurityGroupIngress",
    }
    assert "shared-vpc" in run.finding_ids()


# --- lists of others


def test_lists_of_others_are_never_edited(world: Stage) -> None:
    """*IPAM-managed or foreign-owned lists are never edited*; *``--map-prefix-list``*."""
    world.load(
        source(
            group("sg-web", "web", "in tcp 443 pl-0aaaaaaaaaaaaaaaa", DEFAULT_EGRESS),
            lists=[prefix_list("pl-0aaaaaaaaaaaaaaaa", "office", "192.0.2.0/24")],
            region=HERE,
        )
    )
    target = world.empty()
    own = world.client().create_managed_prefix_list(
        PrefixListName="offices", MaxEntries=5, AddressFamily="IPv4", Entries=[{"Cidr": "198.51.100.0/24"}]
    )
    own_id = own["PrefixList"]["PrefixListId"]
    before = world.lists()
    for wanted in (own_id, "offices", "com.amazonaws.eu-central-1.s3"):
        world.migrate(
            SOURCE_VPC, target, options=("--map-prefix-list", f"pl-0aaaaaaaaaaaaaaaa={wanted}")
        ).ended(0)
        assert world.lists() == before
    world.migrate(SOURCE_VPC, target, options=("--map-prefix-list", "office=nowhere")).refused(1, "nowhere")


def test_a_list_of_the_same_account_and_region_is_used_as_it_is(world: Stage) -> None:
    """*Same Region and account, no map: used as they are.*"""
    world.load(
        source(
            group("sg-web", "web", "in tcp 443 pl-0aaaaaaaaaaaaaaaa", DEFAULT_EGRESS),
            lists=[prefix_list("pl-0aaaaaaaaaaaaaaaa", "office", "10.0.9.0/24")],
            region=HERE,
        )
    )
    plain, mapped = world.empty(account=A, region=HERE), world.empty(account=A, region=HERE)
    world.migrate(SOURCE_VPC, plain, target_at=(A, HERE)).ended(0)
    assert len(world.lists(A, HERE)) == 1
    world.migrate(SOURCE_VPC, mapped, options=("--map-vpc-cidr",), target_at=(A, HERE)).ended(0)
    assert len(world.lists(A, HERE)) == 2


def test_an_entry_that_differs_only_in_its_description_stays(world: Stage) -> None:
    """*An entry that differs only in its description stays and is a finding.*"""
    world.load(
        source(
            group("sg-web", "web", "in tcp 443 pl-0aaaaaaaaaaaaaaaa", DEFAULT_EGRESS),
            lists=[prefix_list("pl-0aaaaaaaaaaaaaaaa", "office", "192.0.2.0/24")],
            region=HERE,
        )
    )
    target = world.empty()
    world.migrate(SOURCE_VPC, target).ended(0)
    client = world.client(A, HERE)
    client.modify_managed_prefix_list(
        PrefixListId="pl-0aaaaaaaaaaaaaaaa", CurrentVersion=1, RemoveEntries=[{"Cidr": "192.0.2.0/24"}]
    )
    client.modify_managed_prefix_list(
        PrefixListId="pl-0aaaaaaaaaaaaaaaa",
        CurrentVersion=2,
        AddEntries=[{"Cidr": "192.0.2.0/24", "Description": "hq"}],
    )
    run = world.migrate(SOURCE_VPC, target).ended(0)
    assert not run.written
    assert "entry-description" in run.finding_ids()


def test_allow_gap_takes_an_entry_away_and_puts_it_back_described(world: Stage) -> None:
    """*EC2 can only remove and add it: ``--allow-gap`` does*, in two calls: EC2 refuses one block in both halves of
    one (aws-facts)."""
    document = source(
        group("sg-web", "web", "in tcp 443 pl-0aaaaaaaaaaaaaaaa", DEFAULT_EGRESS),
        lists=[prefix_list("pl-0aaaaaaaaaaaaaaaa", "office", "192.0.2.0/24", "198.51.100.0/24")],
    )
    path, target = world.save(document), world.empty()
    world.migrate(path, target).ended(0)
    document["PrefixLists"][0]["Entries"][0]["Description"] = "hq"
    world.save(document)
    assert (
        not world.migrate(path, target, options=("--allow-gap", "--policy", "upsert-only")).ended(0).written
    )
    run = world.migrate(path, target, options=("--allow-gap",)).ended(0)
    assert run.written == {"ModifyManagedPrefixList": 2}
    assert "entry-description" not in run.finding_ids()
    (held,) = world.lists()
    assert {entry["Cidr"]: entry.get("Description", "") for entry in held["Entries"]} == {
        "192.0.2.0/24": "hq",
        "198.51.100.0/24": "",
    }
    assert not world.migrate(path, target, options=("--allow-gap",)).ended(0).written


def test_a_long_list_is_made_in_parts(world: Stage) -> None:
    """At most 100 entries a call (performance.md, chapter 1)."""
    cidrs = [f"192.0.{n // 250}.{n % 250}/32" for n in range(260)]
    document = source(
        group("sg-web", "web", "in tcp 443 pl-0aaaaaaaaaaaaaaaa", DEFAULT_EGRESS),
        lists=[prefix_list("pl-0aaaaaaaaaaaaaaaa", "office", *cidrs, size=300)],
    )
    world.aws.set_quota("L-0EA8095F", 600, B, THERE)
    target = world.empty()
    path = world.save(document)
    run = world.migrate(path, target).ended(0)
    assert run.written["CreateManagedPrefixList"] + run.written["ModifyManagedPrefixList"] == 3
    (held,) = world.lists()
    assert sorted(entry["Cidr"] for entry in held["Entries"]) == sorted(cidrs)
    document["PrefixLists"][0]["Entries"] = [{"Cidr": f"198.51.100.{n}/32"} for n in range(250)]
    world.save(document)
    world.migrate(path, target).ended(0)
    (held,) = world.lists()
    assert len(held["Entries"]) == 250
    assert not world.migrate(path, target).ended(0).written


@pytest.mark.parametrize("size", [70, 40], ids=["larger for good", "larger for a while"])
def test_a_list_that_outgrows_its_groups(world: Stage, size: int) -> None:
    """*A group over quota before any call (… customer-managed lists by MaxEntries).*"""
    document = source(
        group("sg-web", "web", "in tcp 443 pl-0aaaaaaaaaaaaaaaa", DEFAULT_EGRESS),
        lists=[
            prefix_list("pl-0aaaaaaaaaaaaaaaa", "office", *(f"192.0.2.{n}/32" for n in range(40)), size=40)
        ],
    )
    target, path = world.empty(), world.save(document)
    world.migrate(path, target).ended(0)
    document["PrefixLists"][0] |= {
        "MaxEntries": size,
        "Entries": [{"Cidr": f"198.51.100.{n}/32"} for n in range(40)],
    }
    world.save(document)
    world.migrate(path, target).refused(3, "web", "quota is 60")


# --- the least policy


def allowed(world: Stage, command: str, side: str) -> set[str]:
    document = world.run("permissions", command, "--output", "json").ended(0).json[side]
    actions = [statement["Action"] for statement in document["Statement"]]
    return {
        name.partition(":")[2] for item in actions for name in ([item] if isinstance(item, str) else item)
    }


def sent(world: Stage, account: str) -> set[str]:
    return set(world.aws.counts.by_action(account)) - {"GetCallerIdentity"}


def of_every_kind() -> dict[str, Any]:
    return source(
        group(
            "sg-web",
            "web",
            "in tcp 443 pl-0aaaaaaaaaaaaaaaa",
            "in tcp 1 999999999999/sg-x@vpc-x@active",
            "in tcp 2 0.0.0.0/0 d",
        ),
        group("sg-db", "db", "in tcp 1 sg-web", DEFAULT_EGRESS),
        acls=[acl("acl-1", "in 100 allow tcp 443 0.0.0.0/0", "in 101 allow tcp 80 0.0.0.0/0")],
        lists=[prefix_list("pl-0aaaaaaaaaaaaaaaa", "office", "192.0.2.0/24")],
        region=HERE,
    )


def change_every_kind(client: Any) -> None:
    client.delete_security_group(GroupId="sg-db")
    described = {"CidrIp": "0.0.0.0/0", "Description": "e"}
    client.update_security_group_rule_descriptions_ingress(
        GroupId="sg-web",
        IpPermissions=[{"IpProtocol": "tcp", "FromPort": 2, "ToPort": 2, "IpRanges": [described]}],
    )
    client.delete_network_acl_entry(NetworkAclId="acl-1", RuleNumber=100, Egress=False)
    client.modify_managed_prefix_list(
        PrefixListId="pl-0aaaaaaaaaaaaaaaa", CurrentVersion=1, AddEntries=[{"Cidr": "198.51.100.0/24"}]
    )


def check_sent(world: Stage, command: str) -> None:
    assert sent(world, A) <= allowed(world, command, "source")
    assert sent(world, B) <= allowed(world, command, "target")
    world.aws.counts.reset()


def test_the_least_policy_is_enough(world: Stage) -> None:
    """*The least IAM policy that command needs, for each side*: everything that a run of every kind sends is in it."""
    world.load(of_every_kind())
    target = world.empty()
    adopting = ("--outside", "skip", "--adopt", "default")
    options = (*adopting, "--rule-tags", "--associate", "auto", "--prune", "--force")
    world.migrate(SOURCE_VPC, target, options=options).ended(0)
    change_every_kind(world.client(A, HERE))
    world.aws.counts.reset()
    later = world.migrate(SOURCE_VPC, target, options=options).ended(0)
    assert {"DeleteSecurityGroup", "DeleteNetworkAclEntry", "ModifyManagedPrefixList"} <= set(later.written)
    check_sent(world, "migrate")
    world.verify(SOURCE_VPC, target, options=adopting)
    check_sent(world, "verify")


def test_the_journal_holds_the_whole_before_image(world: Stage) -> None:
    """*The journal with the full before-image*; *flushed before the first call and around each.*"""
    world.load(
        source(
            group("sg-web", "web", "in tcp 443 0.0.0.0/0"),
            acls=[acl("acl-1", "in 100 allow tcp 443 0.0.0.0/0")],
            region=HERE,
        )
    )
    target = world.empty()
    before = world.groups(target)
    run: Run = world.migrate(SOURCE_VPC, target).ended(0)
    records = [json.loads(line) for line in Path(run.json["journal"]).read_text().splitlines()]
    (begin,) = [record for record in records if record["event"] == "begin"]
    image = begin["before"]
    assert {item["GroupId"] for item in image["SecurityGroups"]} == {item["GroupId"] for item in before}
    assert len(image["NetworkAcls"]) == 1
    calls = [(record["event"], record["step"]) for record in records if record["event"] in ("call", "done")]
    steps = sorted({step for _, step in calls})
    assert len(steps) == sum(run.written.values())
    assert all(calls.index(("call", step)) < calls.index(("done", step)) for step in steps)
    assert len(calls) == 2 * len(steps)
    assert [record["event"] for record in records[-2:]] == ["end", "unlocked"]


@pytest.mark.parametrize("command", ["migrate", "plan", "apply", "verify", "snapshot"])
def test_permissions_of_each_command(world: Stage, command: str) -> None:
    run = world.run("permissions", command).ended(0)
    policies = json.loads(run.stdout)
    for policy in policies.values():
        assert policy["Version"] == "2012-10-17"
        assert policy["Statement"]
    assert not run.calls
