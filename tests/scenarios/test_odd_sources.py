"""*More rule sets are kept back: what they hold and these don't … must work as well.* Imitations of them, each
a small document with one oddity, carried into an empty VPC of another account and Region from a file and,
where EC2 itself could hold it, live.

As in ``test_cases``, what the copy must hold is reckoned here and held against what EC2 describes.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from firewalls import DEFAULT_EGRESS, SOURCE, SOURCE_VPC, acl, group, prefix_list, source, subnet
from worlds import (
    HERE,
    A,
    Run,
    Stage,
    check_copy,
    check_told,
    flat_acl,
    flat_rules,
    reckon,
    source_of,
    tags_of,
)

OPTIONS = ("--outside", "skip", "--map-vpc-cidr", "--adopt", "default", "--associate", "none")
MAPS = {"10.0.0.0/16": "10.20.0.0/16"}
Json = dict[str, Any]
BOTH = pytest.mark.parametrize("live", [True, False], ids=["live", "file"])


def carried(
    world: Stage,
    document: Json,
    *,
    live: bool = False,
    vpc: str = SOURCE_VPC,
    options: Sequence[str] = OPTIONS,
    ipv6: str | None = None,
    exact: bool = True,
) -> tuple[Run, str]:
    """Migrated, proven, and quiet the second time. ``exact``: names, descriptions and tags as in the source."""
    target = world.empty("10.20.0.0/16", ipv6)
    if live:
        world.load(document)
        where: str | Path = vpc
    else:
        where = world.save(document)
        options = (*options, "--source-vpc", vpc)
    run = world.migrate(where, target, options=options).ended(0)
    assert run.json["verify"]["equal"] is True
    check_told(run)
    if exact:
        lists = {item["PrefixListId"]: _copy_of(world, item) for item in document.get("PrefixLists") or ()}
        wanted = reckon(document, vpc, MAPS, {key: value for key, value in lists.items() if value})
        check_copy(wanted, run, world.groups(target), world.acls(target), MAPS)
    again = world.migrate(where, target, options=options).ended(0)
    assert not again.written, again.written
    return run, target


def _copy_of(world: Stage, item: Json) -> str:
    copies = [one for one in world.lists() if source_of(one) == item["PrefixListId"]]
    return copies[0]["PrefixListId"] if copies else ""


def copies(world: Stage, target: str) -> dict[str, Json]:
    """Copies by the id of their source."""
    return {source_of(item): item for item in world.groups(target) if source_of(item)}


def permissions(*items: Json) -> list[Json]:
    return [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, **item} for item in items]


# --- prefix lists


@pytest.mark.parametrize("section", [None, [], [{"PrefixListId": "pl-0aaaaaaaaaaaaaaaa", "OwnerId": SOURCE}]])
def test_rules_of_lists_that_are_not_known(world: Stage, section: list[Json] | None) -> None:
    """*Prefix-list rules whose lists are unknown*: no section, an empty one, a list without its entries."""
    document = source(group("sg-1", "web", "in tcp 443 pl-0aaaaaaaaaaaaaaaa", "in tcp 80 0.0.0.0/0"))
    document["PrefixLists"] = section
    run, target = carried(world, document, exact=False)
    assert [item["rule"] for item in run.json["verify"]["not_compared"]] == [
        "ingress tcp/443 from pl-0aaaaaaaaaaaaaaaa"
    ]
    assert "dropped-allow" in run.finding_ids()
    assert [rule for rule, _ in flat_rules(copies(world, target)["sg-1"])] == [
        ("in", "6", 80, 80, ("cidr", "0.0.0.0/0"))
    ]


def test_a_list_that_is_not_known_is_refused_unless_told(world: Stage) -> None:
    """*A list that cannot be read is an outside reference*: ``fail`` is the default."""
    document = source(group("sg-1", "web", "in tcp 443 pl-0aaaaaaaaaaaaaaaa"))
    world.migrate(world.save(document), world.empty()).refused(
        3, "pl-0aaaaaaaaaaaaaaaa", "--outside skip", "--map-prefix-list"
    )


@BOTH
def test_lists_of_ours_and_of_aws(world: Stage, live: bool) -> None:
    """*AWS-managed by name with the Region replaced; customer-managed ones recreated once, entries CIDR-mapped.*"""
    region = HERE if live else "eu-west-1"
    aws = f"com.amazonaws.{region}.s3"
    document = source(
        group("sg-1", "web", "in tcp 443 pl-0bbbbbbbbbbbbbbbb office", "out tcp 443 pl-63a5400a"),
        group("sg-2", "app", "in tcp 22 pl-0bbbbbbbbbbbbbbbb"),
        lists=[
            prefix_list(
                "pl-0bbbbbbbbbbbbbbbb", "office", "10.0.3.0/24", "203.0.113.0/24", tags={"team": "net"}
            ),
            prefix_list("pl-63a5400a", aws, "52.92.0.0/17", owner="AWS", size=None),
        ],
        region=region,
    )
    run, target = carried(world, document, live=live, exact=False)
    assert run.json["verify"]["complete"] is True
    (copy,) = world.lists()
    assert copy["PrefixListName"] == "office"
    assert copy["MaxEntries"] == 10
    assert tags_of(copy) == {
        "team": "net",
        "twinwall:source": f"{SOURCE}/{region}/-/pl-0bbbbbbbbbbbbbbbb",
        "twinwall:target": f"{target} 10.0.0.0/16=10.20.0.0/16",
    }
    assert sorted(entry["Cidr"] for entry in copy["Entries"]) == ["10.20.3.0/24", "203.0.113.0/24"]
    theirs = {
        item["PrefixListId"]: item["PrefixListName"]
        for item in world.client().describe_managed_prefix_lists()["PrefixLists"]
    }
    held = copies(world, target)
    assert {
        (rule[:4], theirs[rule[4][1]]) for rule, _ in flat_rules(held["sg-1"]) if rule[4][0] == "list"
    } == {
        (("in", "6", 443, 443), "office"),
        (("out", "6", 443, 443), "com.amazonaws.eu-central-1.s3"),
    }
    assert {theirs[rule[4][1]] for rule, _ in flat_rules(held["sg-2"]) if rule[4][0] == "list"} == {"office"}


def test_lists_as_describe_prefix_lists_answers_them(world: Stage) -> None:
    """AWS-managed lists with ``Cidrs`` in place of entries, no owner, no Region anywhere in the file."""
    document = source(group("sg-1", "web", "out tcp 443 pl-63a5400a"))
    document["PrefixLists"] = [
        {
            "PrefixListId": "pl-63a5400a",
            "PrefixListName": "com.amazonaws.us-east-1.s3",
            "Cidrs": ["54.231.0.0/17"],
        }
    ]
    del document["Region"]
    run, target = carried(world, document, exact=False)
    assert run.json["verify"]["complete"] is True
    assert any(rule[4][0] == "list" for rule, _ in flat_rules(copies(world, target)["sg-1"]))


# --- protocols and ports


@BOTH
@pytest.mark.parametrize("ports", [{}, {"FromPort": -1, "ToPort": -1}, {"FromPort": 0, "ToPort": 0}])
def test_protocols_by_number(world: Stage, ports: Json, live: bool) -> None:
    """*Any protocol by number, with or without ports in the answer.*"""
    made = group("sg-1", "vpn", DEFAULT_EGRESS)
    numbers = ("50", "51", "47", "4", "89", "112", "115", "2", "132", "0", "255")
    made["IpPermissions"] = [
        {"IpProtocol": number, **ports, "IpRanges": [{"CidrIp": "192.0.2.0/24"}]} for number in numbers
    ]
    _, target = carried(world, source(made), live=live)
    held = {rule[1] for rule, _ in flat_rules(copies(world, target)["sg-1"]) if rule[0] == "in"}
    assert held == set(numbers)


@pytest.mark.parametrize(
    ("protocol", "ports"),
    [
        ("tcp", {}),
        ("6", {}),
        ("17", {"FromPort": 53, "ToPort": 53}),
        ("udp", {}),
        ("TCP", {"FromPort": 0, "ToPort": 65535}),
        ("tcp", {"FromPort": -1, "ToPort": -1}),
        ("icmp", {}),
        ("1", {"FromPort": 8, "ToPort": 0}),
        ("-1", {"FromPort": 0, "ToPort": 0}),
        ("-1", {"FromPort": -1, "ToPort": -1}),
        ("-1", {"FromPort": 0, "ToPort": 65535}),
        ("icmp", {"FromPort": 3, "ToPort": -1}),
    ],
)
def test_ports_as_other_tools_write_them(world: Stage, protocol: str, ports: Json) -> None:
    """tcp without ports, protocols of names as numbers, ``-1`` with ports: what EC2 ignores or fills in."""
    made = group("sg-1", "web")
    made["IpPermissions"] = [{"IpProtocol": protocol, **ports, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    carried(world, source(made))


def test_icmpv6_of_every_kind(world: Stage) -> None:
    document = source(
        group(
            "sg-1",
            "web",
            "in icmpv6 -1 ::/0",
            "in icmpv6 128:0 2001:db8::/32",
            "in icmp 8:0 10.0.0.0/8",
            "out -1 - ::/0",
        ),
    )
    document["Vpcs"][0]["Ipv6CidrBlockAssociationSet"] = [
        {"Ipv6CidrBlock": "2001:db8:1::/56", "Ipv6CidrBlockState": {"State": "associated"}}
    ]
    made = document["SecurityGroups"][1]["IpPermissions"]
    made.append({"IpProtocol": "icmpv6", "Ipv6Ranges": [{"CidrIpv6": "fd00::/8"}]})
    made.append(
        {"IpProtocol": "58", "FromPort": 129, "ToPort": -1, "Ipv6Ranges": [{"CidrIpv6": "fe80::/10"}]}
    )
    carried(world, document, ipv6="2001:db8:2::/56")


# --- references


@BOTH
def test_amazon_elb_pairs(world: Stage, live: bool) -> None:
    """*``amazon-elb`` pairs … cannot be carried over: fail or skip*: by id, and by name alone."""
    made = group("sg-1", "web", DEFAULT_EGRESS)
    made["IpPermissions"] = permissions(
        {
            "UserIdGroupPairs": [
                {"GroupId": "sg-843f59ed", "GroupName": "amazon-elb-sg", "UserId": "amazon-elb"}
            ]
        },
        {
            "FromPort": 80,
            "ToPort": 80,
            "IpRanges": [{"CidrIp": "10.0.1.0/24"}],
            "UserIdGroupPairs": [{"GroupName": "amazon-elb-sg", "UserId": "amazon-elb"}],
        },
    )
    run, _ = carried(world, source(made), live=live, exact=not live)
    why = [item["why"] for item in run.json["verify"]["not_compared"]]
    assert len(why) == 2
    assert all("amazon-elb" in text for text in why)


def test_an_amazon_elb_pair_is_refused_unless_told(world: Stage) -> None:
    made = group("sg-1", "web")
    made["IpPermissions"] = permissions(
        {
            "UserIdGroupPairs": [
                {"GroupId": "sg-843f59ed", "GroupName": "amazon-elb-sg", "UserId": "amazon-elb"}
            ]
        }
    )
    for outside in ("fail", "follow"):
        world.migrate(world.save(source(made)), world.empty(), options=("--outside", outside)).refused(
            3, "amazon-elb"
        )


def test_pairs_that_name_a_group_only(world: Stage) -> None:
    """EC2-Classic's shape: ``GroupName`` without ``GroupId``, for a group of the same VPC."""
    made = group("sg-1", "web")
    made["IpPermissions"] = permissions({"UserIdGroupPairs": [{"GroupName": "app", "UserId": SOURCE}]})
    document = source(made, group("sg-2", "app"))
    run, target = carried(world, document, exact=False)
    held = copies(world, target)
    assert run.json["verify"]["not_compared"] == []
    ((rule, _),) = flat_rules(held["sg-1"])
    assert rule[4] == ("group", held["sg-2"]["GroupId"])


def test_pairs_without_an_account(world: Stage) -> None:
    """``UserId`` missing: the group's own account is meant."""
    made = group("sg-1", "web")
    made["IpPermissions"] = permissions({"UserIdGroupPairs": [{"GroupId": "sg-2"}, {"GroupId": "sg-1"}]})
    carried(world, source(made, group("sg-2", "app")))


@BOTH
def test_a_cycle_of_thirteen_groups(world: Stage, live: bool) -> None:
    """*Cycles of any length (through ingress and egress) work.*"""
    ring = [
        group(f"sg-{n}", f"ring-{n}", f"{'in' if n % 2 else 'out'} tcp {1000 + n} sg-{(n + 1) % 13}", owner=A)
        for n in range(13)
    ]
    document = source(*ring, account=A)
    _, target = carried(world, document, live=live)
    held = copies(world, target)
    for n in range(13):
        (rule,) = [rule for rule, _ in flat_rules(held[f"sg-{n}"]) if rule[4][0] == "group"]
        assert rule[4][1] == held[f"sg-{(n + 1) % 13}"]["GroupId"]
        assert rule[0] == ("in" if n % 2 else "out")


@BOTH
def test_stale_and_foreign_references(world: Stage, live: bool) -> None:
    made = group("sg-1", "web", DEFAULT_EGRESS)
    pairs = [
        {"GroupId": "sg-gone", "UserId": SOURCE},
        {
            "GroupId": "sg-peer",
            "UserId": "999999999999",
            "VpcId": "vpc-peer",
            "VpcPeeringConnectionId": "pcx-1",
            "PeeringStatus": "active",
        },
        {
            "GroupId": "sg-off",
            "UserId": SOURCE,
            "VpcId": "vpc-off",
            "VpcPeeringConnectionId": "pcx-2",
            "PeeringStatus": "deleted",
        },
    ]
    made["IpPermissions"] = permissions({"UserIdGroupPairs": pairs})
    run, _ = carried(world, source(made), live=live)
    assert len(run.json["verify"]["not_compared"]) == 3
    assert {finding["severity"] for finding in run.findings if finding["id"] == "dropped-allow"} == {
        "warning"
    }


# --- names, descriptions, tags


ODD_NAMES = [
    "  leading",
    "trailing   ",
    "a" * 255,
    "[old] (legacy)",
    "a/b:c=1",
    "x & y; z",
    "$*!{}#@,+",
    "Web",
    "sg - not an id",
    "x" * 200 + " " * 20,
]


@BOTH
def test_odd_names(world: Stage, live: bool) -> None:
    """*Names compared as EC2 does (without case, trailing spaces cut)*; what EC2 takes comes along as it is."""
    made = [
        group(f"sg-{n}", name, f"in tcp {n + 1} sg-{(n + 1) % len(ODD_NAMES)}")
        for n, name in enumerate(ODD_NAMES)
    ]
    for item in made:
        item["Description"] = "odd"
    carried(world, source(*made), live=live)


def test_what_ec2_refuses_in_names_and_descriptions(world: Stage) -> None:
    """Names and descriptions that only another tool's file can hold: told, and the copy made all the same."""
    made = group(
        "sg-1", 'größe_1 "prod"', "in tcp 22 10.0.0.0/8 büro <admin>", description="Zugriff für 'alle' – ok?"
    )
    empty = group("sg-2", "quiet", "in tcp 22 sg-1")
    empty["Description"] = ""
    long = group("sg-3", "n" * 300, description="d" * 300)
    run, target = carried(world, source(made, empty, long), exact=False)
    held = copies(world, target)
    assert set(held) == {"sg-default", "sg-1", "sg-2", "sg-3"}
    assert {"name-changed", "description-changed"} <= run.finding_ids()
    assert held["sg-3"]["GroupName"] == "n" * 255
    assert held["sg-2"]["Description"]


@BOTH
def test_descriptions_of_rules(world: Stage, live: bool) -> None:
    long = "d" * 255
    made = group(
        "sg-1",
        "web",
        "in tcp 22 10.0.0.0/8 ticket #12 [2021]; a=b {x}",
        f"in tcp 23 10.0.0.0/8 {long}",
        "in tcp 24 10.0.0.0/8",
    )
    carried(world, source(made), live=live)


def test_tags_of_every_kind(world: Stage) -> None:
    """*Tags come along, except ``aws:*``, ``twinwall:*`` and those that controllers act on*; empty values too."""
    tags = {
        "empty": "",
        "Name": "web",
        "aws:cloudformation:stack-name": "s",
        "twinwall:mesh": "m",
        "kubernetes.io/cluster/prod": "owned",
        "elbv2.k8s.aws/cluster": "c",
        "data class": "a=b;c",
        "Équipe": "größe",
    }
    made = group("sg-1", "web", tags=tags)
    bare = group("sg-2", "app")
    del bare["Tags"]
    null = group("sg-3", "db")
    null["Tags"] = None
    _, target = carried(world, source(made, bare, null), exact=False)
    held = tags_of(copies(world, target)["sg-1"])
    assert {key for key in held if key != "twinwall:source"} == {"empty", "Name", "data class", "Équipe"}
    assert held["empty"] == ""


# --- VPCs


def test_forty_three_vpcs_in_one_file_with_equal_names(world: Stage) -> None:
    """*43 VPCs in one file, equal names in five VPCs*: each of them by ``--source-vpc``; all into one account."""
    document = source()
    document |= {"Vpcs": [], "SecurityGroups": [], "NetworkAcls": []}
    for n in range(43):
        vpc = f"vpc-{n:02}"
        document["Vpcs"].append({"VpcId": vpc, "CidrBlock": f"10.{n}.0.0/16", "OwnerId": SOURCE})
        names = ("web", "WEB2" if n % 2 else "web2") if n < 5 else (f"only-{n}",)
        for m, name in enumerate(names):
            document["SecurityGroups"].append(
                group(
                    f"sg-{n}x{m}",
                    name,
                    f"in tcp 443 10.{n}.1.0/24",
                    f"in tcp 22 sg-{n}x0",
                    DEFAULT_EGRESS,
                    vpc=vpc,
                )
            )
        document["SecurityGroups"].append(
            group(f"sg-{n}d", "default", f"in -1 - sg-{n}d", DEFAULT_EGRESS, vpc=vpc)
        )
        document["NetworkAcls"].append(
            acl(
                f"acl-{n}",
                "in 100 allow -1 - 0.0.0.0/0",
                "out 100 allow -1 - 0.0.0.0/0",
                default=True,
                vpc=vpc,
            )
        )
    path = world.save(document)
    world.plan(path, world.empty()).refused(1, "43 VPCs", "vpc-00", "vpc-42", "--source-vpc")
    for n in (0, 1, 2, 3, 4, 42):
        target = world.empty(f"10.{100 + n}.0.0/16")
        options = (*OPTIONS, "--source-vpc", f"vpc-{n:02}")
        run = world.migrate(path, target, options=options).ended(0)
        maps = {f"10.{n}.0.0/16": f"10.{100 + n}.0.0/16"}
        check_copy(
            reckon(document, f"vpc-{n:02}", maps, {}), run, world.groups(target), world.acls(target), maps
        )


def test_equal_names_in_five_vpcs_do_not_confuse_live(world: Stage) -> None:
    """*Equal names in other VPCs do not confuse*: source and target accounts are full of them."""
    for account, region in ((A, HERE), ("222222222222", "eu-central-1")):
        for n in range(5):
            vpc = f"vpc-{account[0]}{n}"
            document = source(
                group(f"sg-{account[0]}{n}", "web", f"in tcp {n + 1} 0.0.0.0/0", vpc=vpc, owner=account),
                account=account,
            )
            document["Vpcs"] = [{"VpcId": vpc, "CidrBlock": f"10.{n}.0.0/16", "OwnerId": account}]
            document["SecurityGroups"] = document["SecurityGroups"][1:]
            document["NetworkAcls"] = []
            world.load(document, account, region)
    before = world.everything()
    target = world.empty("10.20.0.0/16")
    world.migrate("vpc-13", target).ended(0)
    (copy,) = copies(world, target).values()
    assert [rule[2] for rule, _ in flat_rules(copy) if rule[0] == "in"] == [4]
    others = [item for item in world.everything()["groups"] if item["VpcId"] != target]
    assert others == before["groups"]


@BOTH
def test_secondary_blocks(world: Stage, live: bool) -> None:
    """*Secondary blocks*: ``--map-vpc-cidr`` maps the primary; others stay unless ``--map-cidr`` says so."""
    document = source(
        group("sg-1", "web", "in tcp 1 10.0.4.0/24", "in tcp 2 100.64.1.0/24", "in tcp 3 10.0.0.0/8")
    )
    document["Vpcs"][0]["CidrBlockAssociationSet"] = [
        {
            "CidrBlock": block,
            "AssociationId": f"vpc-cidr-assoc-{n}",
            "CidrBlockState": {"State": "associated"},
        }
        for n, block in enumerate(("10.0.0.0/16", "100.64.0.0/16"))
    ]
    run, target = carried(world, document, live=live)
    assert "supernet-not-mapped" in run.finding_ids()
    options = (*OPTIONS, "--map-cidr", "100.64.0.0/16=100.65.0.0/16")
    where = (SOURCE_VPC, ()) if live else (str(world.folder / "snapshot.json"), ("--source-vpc", SOURCE_VPC))
    world.migrate(where[0], target, options=(*options, *where[1])).ended(0)
    held = {rule[4][1] for rule, _ in flat_rules(copies(world, target)["sg-1"]) if rule[0] == "in"}
    assert held == {"10.20.4.0/24", "100.65.1.0/24", "10.0.0.0/8"}


@pytest.mark.parametrize("value", ["absent", None, []])
def test_no_acl_section(world: Stage, value: Any) -> None:
    """*No ACL section*: unknown, not empty; the target's ACLs stay as they are, and it is said."""
    document = source(group("sg-1", "web", "in tcp 443 0.0.0.0/0"))
    if value == "absent":
        del document["NetworkAcls"]
    else:
        document["NetworkAcls"] = value
    run, target = carried(world, document, exact=False)
    assert set(copies(world, target)) == {"sg-default", "sg-1"}
    assert not any("Acl" in name for name in run.written)
    assert all("twinwall:source" not in tags_of(item) for item in world.acls(target))


def test_no_vpcs_section(world: Stage) -> None:
    """*Missing Vpcs are taken from the groups (then CIDR maps must be explicit).*"""
    document = source(group("sg-1", "web", "in tcp 443 10.0.5.0/24"))
    for key in ("Vpcs", "Subnets", "PrefixLists"):
        del document[key]
    target = world.empty()
    path = world.save(document)
    world.migrate(path, target, options=("--map-vpc-cidr",)).refused(1, "--map-vpc-cidr", "--map-cidr")
    world.migrate(
        path, target, options=("--map-cidr", "10.0.0.0/16=10.20.0.0/16", "--adopt", "default")
    ).ended(0)
    assert ("in", "6", 443, 443, ("cidr", "10.20.5.0/24")) in {
        rule for rule, _ in flat_rules(copies(world, target)["sg-1"])
    }


def test_null_sections(world: Stage) -> None:
    document = source(group("sg-1", "web", "in tcp 443 0.0.0.0/0"))
    document |= dict.fromkeys(("Subnets", "PrefixLists", "NetworkInterfaces", "Instances"), None)
    made = document["SecurityGroups"][1]
    made["IpPermissionsEgress"] = None
    made["IpPermissions"][0] |= {"Ipv6Ranges": None, "PrefixListIds": None, "UserIdGroupPairs": None}
    document["NetworkAcls"][0] |= {"Associations": None, "Tags": None}
    carried(world, document, exact=False)


def test_ipv6_only_subnets(world: Stage) -> None:
    document = source(
        group("sg-1", "web", "in tcp 443 ::/0"), subnets=[subnet("subnet-1", "10.0.1.0/24", name="one")]
    )
    document["Subnets"][0] |= {
        "CidrBlock": None,
        "Ipv6Native": True,
        "Ipv6CidrBlockAssociationSet": [
            {"Ipv6CidrBlock": "2001:db8:1::/64", "Ipv6CidrBlockState": {"State": "associated"}}
        ],
    }
    document["Subnets"].append(
        {"SubnetId": "subnet-2", "VpcId": SOURCE_VPC, "Ipv6Native": True, "AvailabilityZone": "eu-west-1b"}
    )
    document["NetworkAcls"].append(
        acl("acl-1", "in 100 allow tcp 443 ::/0", subnets=["subnet-1", "subnet-2"], tags={"Name": "six"})
    )
    target = world.empty("10.20.0.0/16", "2001:db8:2::/56", subnets=[("10.20.1.0/24", "a", "one")])
    run = world.migrate(world.save(document), target, options=("--associate", "auto")).ended(0)
    assert run.written["ReplaceNetworkAclAssociation"] == 1
    assert "subnet-unmatched" in run.finding_ids()


# --- rules


def test_three_thousand_rules(world: Stage) -> None:
    """*3,000 rules*, 50 groups of 60: one call a group and direction."""
    made = [
        group(f"sg-{n}", f"app-{n}", *(f"in tcp {m + 1} 192.0.{n}.{m}/32" for m in range(60)), DEFAULT_EGRESS)
        for n in range(50)
    ]
    run, _ = carried(world, source(*made), live=True)
    assert run.written == {"CreateSecurityGroup": 50, "AuthorizeSecurityGroupIngress": 50, "CreateTags": 2}


@BOTH
def test_groups_without_egress(world: Stage, live: bool) -> None:
    """*A group with no egress stays without*; *the egress rules that EC2 adds … are revoked unless the source
    has them*, IPv4, and IPv6 where the VPC has it."""
    document = source(
        group("sg-1", "none"),
        group("sg-2", "four", "out -1 - 0.0.0.0/0"),
        group("sg-3", "six", "out -1 - ::/0"),
        group("sg-4", "both", "out -1 - 0.0.0.0/0", "out -1 - ::/0"),
    )
    document["Vpcs"][0]["Ipv6CidrBlockAssociationSet"] = [
        {"Ipv6CidrBlock": "2001:db8:1::/56", "Ipv6CidrBlockState": {"State": "associated"}}
    ]
    _, target = carried(world, document, live=live, ipv6="2001:db8:2::/56", exact=not live)
    held = copies(world, target)
    out = {
        key: {rule[4][1] for rule, _ in flat_rules(held[key]) if rule[0] == "out"}
        for key in ("sg-1", "sg-2", "sg-3", "sg-4")
    }
    assert out == {"sg-1": set(), "sg-2": {"0.0.0.0/0"}, "sg-3": {"::/0"}, "sg-4": {"0.0.0.0/0", "::/0"}}


def test_ipv6_source_into_a_vpc_without(world: Stage) -> None:
    """The target VPC has no IPv6: the IPv6 rules are written all the same, and nothing is revoked in vain."""
    document = source(group("sg-1", "web", "in tcp 443 ::/0", "out -1 - 0.0.0.0/0", "out -1 - ::/0"))
    _, target = carried(world, document, exact=False)
    assert ("out", "-1", None, None, ("cidr", "::/0")) in {
        rule for rule, _ in flat_rules(copies(world, target)["sg-1"])
    }


def test_blocks_that_are_not_canonical(world: Stage) -> None:
    """*Non-canonical CIDRs; duplicates after translation are merged, deterministically, and reported.*"""
    made = group(
        "sg-1",
        "web",
        "in tcp 1 10.0.5.7/24",
        "in tcp 2 2001:DB8:0:0::1/32",
        "in tcp 3 192.0.2.7/24 first",
        "in tcp 3 192.0.2.0/24 second",
    )
    document = source(made)
    document["NetworkAcls"].append(
        acl("acl-1", "in 100 allow tcp 1 10.0.5.7/24", "in 101 deny -1 - 2001:DB8::5/64")
    )
    run, target = carried(world, document, exact=False)
    held = {rule: item.get("Description") for rule, item in flat_rules(copies(world, target)["sg-1"])}
    assert set(held) == {
        ("in", "6", 1, 1, ("cidr", "10.20.5.0/24")),
        ("in", "6", 2, 2, ("cidr", "2001:db8::/32")),
        ("in", "6", 3, 3, ("cidr", "192.0.2.0/24")),
    }
    assert [finding["id"] for finding in run.findings].count("merged-rules") == 1


def test_duplicates_merge_the_same_way_whatever_the_order(world: Stage) -> None:
    texts = ["in tcp 3 10.0.2.7/24 first", "in tcp 3 10.0.2.0/24 second", "in tcp 3 10.0.2.9/24"]
    plans = []
    target = world.empty()
    for order in (texts, texts[::-1]):
        made = group("sg-1", "web", *order)
        plans.append(
            world.plan(world.save(source(made)), target, options=("--map-vpc-cidr",)).ended(0).json["changes"]
        )
    assert plans[0] == plans[1]


def test_the_same_rule_twice_through_a_map(world: Stage) -> None:
    made = group("sg-1", "web", "in tcp 3 10.0.2.0/24 first", "in tcp 3 10.20.2.0/24 second", DEFAULT_EGRESS)
    run, target = carried(world, source(made), exact=False)
    assert "merged-rules" in run.finding_ids()
    assert len([rule for rule, _ in flat_rules(copies(world, target)["sg-1"]) if rule[0] == "in"]) == 1


# --- ACLs


@BOTH
def test_entries_of_every_kind(world: Stage, live: bool) -> None:
    """*Numbers, order, allow and deny, ports, ICMP, IPv6, all protocols; 32767 and 32768 are never written.*"""
    document = source(
        acls=[
            acl(
                "acl-1",
                "in 1 deny tcp 22 10.0.9.0/24",
                "in 2 allow tcp 0-65535 10.0.0.0/8",
                "in 90 allow icmp 8:-1 0.0.0.0/0",
                "in 91 allow icmp -1:-1 0.0.0.0/0",
                "in 100 allow icmpv6 128:0 ::/0",
                "in 101 allow 50 - 0.0.0.0/0",
                "in 32766 deny -1 - 0.0.0.0/0",
                "out 1 allow udp 53-53 169.254.169.253/32",
                "out 2 allow -1 - ::/0",
                tags={"Name": "dmz"},
            )
        ]
    )
    document["Vpcs"][0]["Ipv6CidrBlockAssociationSet"] = [
        {"Ipv6CidrBlock": "2001:db8:1::/56", "Ipv6CidrBlockState": {"State": "associated"}}
    ]
    document["NetworkAcls"][1]["Entries"] += [
        {
            "RuleNumber": 32767,
            "Egress": False,
            "RuleAction": "deny",
            "Protocol": "-1",
            "CidrBlock": "0.0.0.0/0",
        },
        {
            "RuleNumber": 32768,
            "Egress": False,
            "RuleAction": "deny",
            "Protocol": "-1",
            "Ipv6CidrBlock": "::/0",
        },
    ]
    run, _ = carried(world, document, live=live, ipv6="2001:db8:2::/56", exact=not live)
    numbers = [
        c["request"]["RuleNumber"] for c in run.json["changes"] if c["action"] == "CreateNetworkAclEntry"
    ]
    assert max(numbers) == 32766


def test_icmpv6_on_an_ipv4_block(world: Stage) -> None:
    """Protocol 58 on IPv4, with and without types: EC2 ignores them there."""
    document = source(
        acls=[acl("acl-1", "in 100 allow icmpv6 -1:-1 0.0.0.0/0", "in 110 deny 58 -1:-1 10.0.0.0/8")]
    )
    document["NetworkAcls"][1]["Entries"][1].pop("IcmpTypeCode")
    _, target = carried(world, document, exact=False)
    (held,) = [item for item in world.acls(target) if source_of(item) == "acl-1"]
    assert {entry[:3] for entry in flat_acl(held)} == {(False, 100, "58"), (False, 110, "58")}


def test_entries_above_what_may_be_written(world: Stage) -> None:
    """Numbers above 32766 are EC2's own; a file may hold more of them than EC2 makes."""
    document = source(acls=[acl("acl-1", "in 100 allow tcp 443 0.0.0.0/0")])
    document["NetworkAcls"][1]["Entries"] += [
        {
            "RuleNumber": number,
            "Egress": way,
            "RuleAction": "deny",
            "Protocol": "-1",
            "CidrBlock": "0.0.0.0/0",
        }
        for number in (32767, 32768, 40000)
        for way in (True, False)
    ]
    run, _ = carried(world, document)
    assert run.written["CreateNetworkAclEntry"] == 1


@BOTH
def test_two_acls_with_one_name(world: Stage, live: bool) -> None:
    document = source(
        acls=[
            acl("acl-1", "in 100 allow tcp 443 0.0.0.0/0", tags={"Name": "private"}),
            acl("acl-2", "in 100 deny tcp 443 0.0.0.0/0", tags={"Name": "private"}),
        ]
    )
    carried(world, document, live=live)


def test_acl_protocols_without_ports(world: Stage) -> None:
    """Other tools leave ``PortRange`` out where all ports are meant."""
    document = source(
        acls=[acl("acl-1", "in 100 allow tcp 443 0.0.0.0/0", "in 110 allow icmp 8:0 0.0.0.0/0")]
    )
    entries = document["NetworkAcls"][1]["Entries"]
    entries[0].pop("PortRange")
    entries[1].pop("IcmpTypeCode")
    entries[0]["Protocol"] = "tcp"
    carried(world, document)


# --- plain answers


def answers(world: Stage) -> dict[str, Json]:
    """One file a call, as ``aws ec2 describe-*`` prints them: no Region, no account, no word of Twinwall."""
    made = source(
        group("sg-1", "web", "in tcp 443 10.0.1.0/24", "in tcp 22 pl-0bbbbbbbbbbbbbbbb", "in tcp 1 sg-2"),
        group("sg-2", "app", "out tcp 1 sg-1"),
        acls=[acl("acl-1", "in 100 allow tcp 443 0.0.0.0/0", subnets=["subnet-1"], tags={"Name": "dmz"})],
        lists=[prefix_list("pl-0bbbbbbbbbbbbbbbb", "office", "203.0.113.0/24")],
        subnets=[subnet("subnet-1", "10.0.1.0/24", name="one")],
    )
    entries = made["PrefixLists"][0].pop("Entries")
    return {
        "describe-vpcs.json": {"Vpcs": made["Vpcs"]},
        "describe-subnets.json": {"Subnets": made["Subnets"]},
        "describe-security-groups.json": {"SecurityGroups": made["SecurityGroups"]},
        "describe-network-acls.json": {"NetworkAcls": made["NetworkAcls"]},
        "describe-managed-prefix-lists.json": {"PrefixLists": made["PrefixLists"]},
        "get-managed-prefix-list-entries-pl-0bbbbbbbbbbbbbbbb.json": {"Entries": entries},
    }


@pytest.mark.parametrize("spelled", ["folder", "files"])
def test_plain_answers(world: Stage, tmp_path: Path, spelled: str) -> None:
    """*Plain ``aws ec2 describe-*`` answers, one file a call*: a directory, or files joined by commas."""
    paths = []
    for name, document in answers(world).items():
        paths.append(tmp_path / name)
        paths[-1].write_text(json.dumps(document))
    where = str(tmp_path) if spelled == "folder" else ",".join(map(str, paths))
    target = world.empty(subnets=[("10.20.1.0/24", "a", "one")])
    run = world.migrate(
        where, target, options=("--map-vpc-cidr", "--associate", "auto", "--adopt", "default")
    ).ended(0)
    assert run.json["verify"] | {"symbols": []} == run.json["verify"] | {
        "symbols": [],
        "equal": True,
        "complete": True,
    }
    assert run.json["source"]["region"] == "eu-west-1"
    assert set(copies(world, target)) == {"sg-default", "sg-1", "sg-2"}
    assert [entry["Cidr"] for entry in world.lists()[0]["Entries"]] == ["203.0.113.0/24"]
    assert (
        not world.migrate(
            where, target, options=("--map-vpc-cidr", "--associate", "auto", "--adopt", "default")
        )
        .ended(0)
        .written
    )


def test_groups_alone_as_a_plain_answer(world: Stage) -> None:
    """The one file that everybody has: ``aws ec2 describe-security-groups``."""
    document = {
        "SecurityGroups": source(group("sg-1", "web", "in tcp 443 0.0.0.0/0", "in tcp 1 sg-1"))[
            "SecurityGroups"
        ]
    }
    target = world.empty()
    run = world.migrate(world.save(document, "groups.json"), target, options=("--adopt", "default")).ended(0)
    assert set(copies(world, target)) == {"sg-default", "sg-1"}
    assert run.json["verify"]["equal"] is True


def test_a_bare_list_of_one_group(world: Stage) -> None:
    """Groups of no VPC's own default: the target's default stands for nothing and stays."""
    document = source(group("sg-1", "web", "in tcp 443 0.0.0.0/0"))
    document["SecurityGroups"] = document["SecurityGroups"][1:]
    carried(world, document, exact=False)


def test_a_snapshot_of_one_vpc_out_of_several_holds_that_one_alone(world: Stage) -> None:
    """*In a snapshot of several VPCs ``--source-vpc ID`` names the one*: what is saved needs no naming again."""
    document = source(group("sg-web", "web", DEFAULT_EGRESS), subnets=[subnet("a", "10.0.1.0/24", "a")])
    other = {**document["Vpcs"][0], "VpcId": "vpc-0fedcba9876543210"}
    stray = {**document["Subnets"][0], "SubnetId": "subnet-0fedcba9876543210", "VpcId": other["VpcId"]}
    document = {**document, "Vpcs": [*document["Vpcs"], other], "Subnets": [*document["Subnets"], stray]}
    several, one = world.save(document), world.folder / "one.json"
    world.run("snapshot", "--source", several, "--source-vpc", SOURCE_VPC, "-o", one).ended(0)
    saved = json.loads(one.read_text())
    assert {item["VpcId"] for section in ("Vpcs", "Subnets") for item in saved[section]} == {SOURCE_VPC}
    world.run("lint", "--at", one).ended(0)


def test_what_a_snapshot_does_not_say_its_copy_does_not_say_either(world: Stage) -> None:
    """*Missing sections are unknown, not empty.*"""
    document = source(group("sg-web", "web", DEFAULT_EGRESS), acls=[acl("acl-p", tags={"Name": "p"})])
    only = world.save({"NetworkAcls": document["NetworkAcls"]})
    saved = world.run("snapshot", "--source", only).ended(0).json
    assert "SecurityGroups" not in saved


def test_a_list_that_gives_a_block_twice_is_the_same_in_any_order(world: Stage) -> None:
    """*Byte-stable for the same input*, in whatever order a dump's entries stand; an export gives the block once."""
    document = source(
        group("sg-web", "web", "in tcp 443 pl-0aaaaaaaaaaaaaaaa", DEFAULT_EGRESS),
        lists=[prefix_list("pl-0aaaaaaaaaaaaaaaa", "office", size=5)],
    )
    twice = [{"Cidr": "192.0.2.0/24", "Description": words} for words in ("hq", "lab")]
    told = []
    for entries in (twice, twice[::-1]):
        document["PrefixLists"][0]["Entries"] = entries
        path = world.save(document)
        plan = world.command("plan", path, world.empty("10.20.0.0/16")).ended(0).json
        script = world.run("export", "--at", path, "--format", "cli").ended(0).stdout
        told.append((plan["desired"]["PrefixLists"][0]["Entries"], script.count("192.0.2.0/24"), script))
    assert told[0] == told[1]
    assert told[0][:2] == ([{"Cidr": "192.0.2.0/24", "Description": "hq"}], 1)


def test_a_vpc_is_equal_to_itself_and_to_what_it_was_but_for_what_changed(world: Stage) -> None:
    """A proof of one VPC at two moments: each group and ACL is its own counterpart, without any mark."""
    document = source(
        group("sg-web", "web", "in tcp 443 0.0.0.0/0", DEFAULT_EGRESS),
        group("sg-db", "db", "in tcp 5432 sg-web", DEFAULT_EGRESS),
        acls=[acl("acl-p", "in 100 allow 6 443 0.0.0.0/0", tags={"Name": "p"})],
    )
    before = world.save(document, "before.json")
    same = world.run("verify", "--source", before, "--target", before, "--output", "json").ended(0).json
    assert same["compared"] == {"groups": 2, "acls": 1, "subnets": 0}
    (web,) = (one for one in document["SecurityGroups"] if one["GroupName"] == "web")
    web["IpPermissions"] = []
    now = world.save(document, "now.json")
    moved = world.run("verify", "--source", before, "--target", now, "--output", "json").ended(2).json
    assert [(one["resource"]["name"], one["only_in"]) for one in moved["differences"]] == [("web", "source")]
