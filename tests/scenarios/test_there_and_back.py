"""What leads there leads back: runs against small quotas, with ACLs that take each other's place, and the undo of each.

An account with three rules a group is a small model of one with sixty: what is full is full.
"""

import random
from typing import Any

import firewalls as f
import pytest
from worlds import B, Run, Stage, flat_acl, flat_rules

from twinwall.emulator.switches import ACLS_PER_VPC, ENTRIES_PER_ACL, RULES_PER_GROUP, Switches

TARGET_AT = (B, f.TARGET_REGION)
SUBNETS = ("subnet-1", "subnet-2")
Json = dict[str, Any]


@pytest.fixture
def small(world: Stage) -> Stage:
    """Three rules a group."""
    world.aws.set_quota(RULES_PER_GROUP, 3)
    return world


def source(*groups: Json, acls: tuple[Json, ...] = (), **more: Any) -> Json:
    subnets = [f.subnet(id_, f"10.0.{n}.0/24", name=id_) for n, id_ in enumerate(SUBNETS)]
    return f.source(*groups, acls=acls, subnets=subnets, **more)


def stand(
    world: Stage, *groups: Json, acls: tuple[Json, ...] = (), attached: bool = True, **more: Any
) -> None:
    """The target, each of its groups on an interface of its own."""
    behind = {a["SubnetId"] for acl in acls for a in acl["Associations"]}
    document = f.target(
        *groups,
        acls=acls,
        subnets=[
            f.subnet(id_, f"10.20.{n}.0/24", name=id_, vpc=f.TARGET_VPC) for n, id_ in enumerate(SUBNETS)
        ],
        default_subnets=[id_ for id_ in SUBNETS if id_ not in behind],
        **more,
    )
    document["NetworkInterfaces"] = [
        {
            "NetworkInterfaceId": f"eni-{n}",
            "SubnetId": SUBNETS[0],
            "VpcId": f.TARGET_VPC,
            "Groups": [{"GroupId": group["GroupId"]}],
            "PrivateIpAddresses": [{"PrivateIpAddress": f"10.20.0.{10 + n}"}],
        }
        for n, group in enumerate(groups if attached else ())
    ]
    world.load(document, *TARGET_AT)


def migrate(world: Stage, document: Json, *options: str) -> Run:
    path = world.save(document)
    some = ("--associate", "auto", "--force", *options)
    return world.migrate(path, f.TARGET_VPC, options=some, target_at=TARGET_AT)


def undo(world: Stage, run: Run) -> Run:
    ways = world.ways(None, TARGET_AT)
    return world.run("undo", run.json["journal"], *ways, "--yes", "--output", "json", "--quiet")


def standing(world: Stage) -> tuple[Any, ...]:
    """Rules with their words, ACLs by subnet, lists: without ids."""
    held = world.everything(*TARGET_AT)
    names = {group["GroupId"]: group["GroupName"] for group in held["groups"]}
    rules = {
        (group["GroupName"], *rule[:4], names.get(rule[4][1], rule[4][1]), item.get("Description", ""))
        for group in held["groups"]
        for rule, item in flat_rules(group)
    }
    acls = {a["SubnetId"]: flat_acl(acl) for acl in held["acls"] for a in acl["Associations"]}
    return rules, acls, sorted(map(str, (item["Entries"] for item in held["lists"])))


def there_and_back(world: Stage, document: Json, *options: str) -> Run:
    before = standing(world)
    run = migrate(world, document, *options).ended(0)
    back = undo(world, run).ended(0)
    assert standing(world) == before
    assert not [line for line in back.stderr.splitlines() if "somebody else" in line]
    return run


MARKED = {"Name": "y", "twinwall:source": f.mark("acl-y")}
BROAD = (
    "in 100 allow tcp 1-4 192.0.2.0/24",
    "in 110 deny tcp 1-9 198.51.100.0/24",
    "in 120 allow -1 - 10.20.0.0/16",
)
OTHER = (
    "in 10 deny udp 53 192.0.2.0/24",
    "in 20 allow tcp 7-9 203.0.113.0/24",
    "in 30 deny tcp 1-2 10.20.0.0/16",
)


SWAPPED = (
    ("in 100 allow tcp 1-4 192.0.2.0/24", "in 200 allow udp 53 192.0.2.0/24"),
    (
        "in 100 allow udp 53 192.0.2.0/24",
        "in 200 allow tcp 1-4 192.0.2.0/24",
    ),
)
"""With room for two entries no edit in place keeps both open (promise.md, 6)."""


def test_an_acl_that_another_took_the_place_of_comes_back(world: Stage) -> None:
    """The new one has the old one's name and tags: it is not the old one that an earlier undo has made again."""
    world.aws.set_quota(ENTRIES_PER_ACL, 2)
    old, new = SWAPPED
    stand(world, acls=(f.acl("acl-0y", *old, subnets=SUBNETS[:1], vpc=f.TARGET_VPC, tags=MARKED),))
    document = source(acls=(f.acl("acl-y", *new, subnets=SUBNETS[:1], tags={"Name": "y"}),))
    run = there_and_back(world, document)
    assert run.written["CreateNetworkAcl"] == run.written["DeleteNetworkAcl"] == 1, run.written


def test_the_undo_of_acls_that_no_subnet_got_is_proven(world: Stage) -> None:
    """The run ended before it came to the subnets: that the ACLs are gone is read all the same."""
    stand(world)
    journal = str(world.folder / "acls.jsonl")
    world.aws.fail_next("ReplaceNetworkAclAssociation", "UnauthorizedOperation", "no", status=403, times=9)
    document = source(acls=(f.acl("acl-y", *OTHER, subnets=SUBNETS[:1], tags={"Name": "y"}),))
    migrate(world, document, "--journal", journal).ended(1)
    world.aws.no_trouble()
    ways = world.ways(None, TARGET_AT)
    back = world.run("undo", journal, *ways, "--yes", "--output", "json", "--quiet").ended(0)
    assert back.written["DeleteNetworkAcl"] == 1
    assert back.json["verify"]["not_compared"] == []
    assert back.calls["DescribeNetworkAcls"] == 2


# --- quotas


def many(count: int, way: str = "in", first: int = 1) -> list[str]:
    return [f"{way} tcp {80 + n} 192.0.2.{n}/32" for n in range(first, first + count)]


@pytest.mark.parametrize("policy", ["upsert-only", "sync"])
def test_what_a_policy_keeps_counts_against_the_quota(small: Stage, policy: str) -> None:
    """*Refused before any write: quota*: two of the three old rules stay under ``upsert-only``."""
    stand(small, f.there("sg-01", "a", *many(3), marked="sg-a"))
    run = migrate(small, source(f.group("sg-a", "a", *many(3, first=3))), "--policy", policy)
    if policy == "sync":
        run.ended(0)
    else:
        run.refused(3, "it would have 5 IPv4 ingress rules, the quota is 3")


def test_so_do_entries_of_an_acl(world: Stage) -> None:
    world.aws.set_quota(ENTRIES_PER_ACL, 3)
    stand(world, acls=(f.acl("acl-0y", *BROAD, subnets=SUBNETS[:1], vpc=f.TARGET_VPC, tags=MARKED),))
    document = source(acls=(f.acl("acl-y", *OTHER, subnets=SUBNETS[:1], tags={"Name": "y"}),))
    migrate(world, document, "--policy", "upsert-only").refused(
        3, "it would have 6 ingress entries, the quota is 3"
    )


def test_a_group_that_only_loses_may_be_over_the_quota(small: Stage) -> None:
    """Its quota was lowered since."""
    stand(small, f.there("sg-01", "a", *many(6), marked="sg-a"))
    migrate(small, source(f.group("sg-a", "a", *many(5)))).ended(0)


def test_the_way_back_is_held_to_the_accounts_quotas(small: Stage) -> None:
    """*Undoable at any moment*: the way there fits into three rules, so the way back must not take four."""
    stand(small, f.there("sg-01", "a", *many(3), marked="sg-a"))
    document = source(f.group("sg-a", "a", *many(3, first=11)))
    run = there_and_back(small, document)
    assert run.json["quotas"] == {"rules_per_group": 3}
    assert not undo(small, run).calls["GetServiceQuota"]


def test_so_is_that_of_a_run_which_was_cut_off(small: Stage) -> None:
    stand(small, f.there("sg-01", "a", *many(3), marked="sg-a"))
    journal = str(small.folder / "cut.jsonl")
    before = standing(small)
    small.aws.fail_next("AuthorizeSecurityGroupIngress", "UnauthorizedOperation", "no more", status=403)
    document = source(f.group("sg-a", "a", *many(3, first=11)))
    migrate(small, document, "--journal", journal).ended(1)
    small.aws.no_trouble()
    ways = small.ways(None, TARGET_AT)
    small.run("resume", journal, *ways, "--yes", "--quiet").ended(0)
    small.run("undo", journal, *ways, "--yes", "--quiet").ended(0)
    assert standing(small) == before


def test_the_quota_of_acls_counts_on_the_way_back(world: Stage) -> None:
    """There is room for one more ACL, not for two."""
    world.aws.set_quota(ACLS_PER_VPC, 3)
    world.aws.set_quota(ENTRIES_PER_ACL, 2)
    old, new = SWAPPED
    stand(world, acls=(f.acl("acl-0y", *old, subnets=SUBNETS[:1], vpc=f.TARGET_VPC, tags=MARKED),))
    there_and_back(world, source(acls=(f.acl("acl-y", *new, subnets=SUBNETS[:1], tags={"Name": "y"}),)))


# --- full groups


def test_a_rule_that_grows_into_a_wanted_one_says_what_that_says(world: Stage) -> None:
    """And the next plan is empty."""
    world.aws.set_quota(RULES_PER_GROUP, 2)
    stand(world, f.there("sg-01", "a", "in tcp 22 10.20.1.0/25 old", "in tcp 80 sg-01", marked="sg-a"))
    document = source(f.group("sg-a", "a", "in tcp 22 10.20.0.0/16 wanted", "in tcp 81 sg-a"))
    there_and_back(world, document)
    migrate(world, document).ended(0)
    assert ("a", "in", "6", 22, 22, "10.20.0.0/16", "wanted") in standing(world)[0]
    assert migrate(world, document).ended(0).json["changes"] == []


NARROW, PEERS = ("10.20.1.0/24", "10.20.1.0/25", "10.20.1.128/25", "10.20.0.0/16"), ("sg-0a", "sg-0b")
TRAFFIC = ("tcp 1-4", "tcp 3-6", "tcp 5-8", "tcp 1-8", "udp 53")


def drawn(chance: random.Random, held: list[str] | None = None) -> list[str]:
    """Three rules; some of those that were held, with other words."""
    rules = {rule.rsplit(" ", 1)[0] for rule in (held or ()) if chance.random() < 0.5}
    while len(rules) < 3:
        rules.add(f"in {chance.choice(TRAFFIC)} {chance.choice((*NARROW, *PEERS))}")
    return [f"{rule} {chance.choice(('one', 'two', 'three'))}" for rule in sorted(rules)]


@pytest.mark.parametrize("seed", range(6))
def test_where_a_full_group_found_a_way_it_finds_it_back(small: Stage, seed: int) -> None:
    """Descriptions of rules that are another for a while included; nothing is taken for somebody else's."""
    chance = random.Random(seed)
    small.aws.set_switches(
        Switches(modify_all_or_nothing=seed % 2 == 0, modify_refuses_passing_twins=seed % 3 == 0)
    )
    held = {name: drawn(chance) for name in "ab"}
    stand(small, *(f.there(f"sg-0{n}", n, *rules, marked=f"sg-{n}") for n, rules in held.items()))
    wanted = {n: [text.replace("sg-0", "sg-") for text in drawn(chance, rules)] for n, rules in held.items()}
    before = standing(small)
    run = migrate(small, source(*(f.group(f"sg-{n}", n, *rules) for n, rules in wanted.items())))
    if run.code == 3:
        assert "would for a moment be closed" in run.line
        return
    run.ended(0)
    undo(small, run).ended(0)
    assert standing(small) == before


# --- deletions


def test_what_a_group_in_use_names_is_in_use(world: Stage) -> None:
    """``a`` stays because an interface has it; so ``b``, which its rule names, stays too."""
    stand(world, f.there("sg-01", "a", "in tcp 80 sg-02", marked="sg-a"), attached=True)
    held = f.there("sg-02", "b", "in tcp 80 10.20.0.0/16", marked="sg-b")
    world.load(f.target(held) | {"Subnets": [], "NetworkAcls": [], "Vpcs": []}, *TARGET_AT)
    run = migrate(world, source(f.group("sg-c", "c")), "--prune").ended(0)
    assert not run.calls["DeleteSecurityGroup"] - run.locks
    told = {(one["resource"]["name"], one["message"]) for one in run.findings if one["id"] == "prune-in-use"}
    assert ("b", "its source is gone, but a rule of a (sg-01) still uses it, so it stays") in told


def test_tags_of_a_list_in_progress_stay(world: Stage) -> None:
    """Of the embedded AWS: a list whose change is under way keeps the tags that it gets meanwhile."""
    world.aws.set_switches(Switches(slow_states=True))
    client = world.client()
    made = client.create_managed_prefix_list(PrefixListName="l", MaxEntries=2, AddressFamily="IPv4")
    id_ = made["PrefixList"]["PrefixListId"]
    client.create_tags(Resources=[id_], Tags=[{"Key": "tier", "Value": "a"}])
    for _ in range(3):
        (found,) = client.describe_managed_prefix_lists(PrefixListIds=[id_])["PrefixLists"]
    assert found["State"] == "create-complete"
    assert found["Tags"] == [{"Key": "tier", "Value": "a"}]
