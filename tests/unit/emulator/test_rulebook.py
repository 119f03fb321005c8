"""The rulebook without any server: a request and a state in, an answer and effects out, nothing touched."""

import copy
import random
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinwall.emulator.index import Index
from twinwall.emulator.network import Peering, VpcFacts
from twinwall.emulator.refusal import Refusal
from twinwall.emulator.rulebook.actions import ACTIONS
from twinwall.emulator.rulebook.filters import matcher
from twinwall.emulator.rulebook.groups import default_group
from twinwall.emulator.state import Answer, Call, Put, World, apply, make_ids, with_rule_ids
from twinwall.emulator.switches import Switches

ACCOUNT, REGION, VPC = "111122223333", "eu-west-1", "vpc-1"


class OneVpc:
    """``Network`` with one VPC and nothing in it."""

    def vpc(self, account: str, region: str, vpc_id: str) -> VpcFacts | None:
        return VpcFacts(VPC, ACCOUNT, False, False) if vpc_id == VPC else None

    def default_vpc(self, account: str, region: str) -> VpcFacts | None:
        return None

    def subnet_vpc(self, account: str, region: str, subnet_id: str) -> str | None:
        return None

    def interfaces_with(self, account: str, region: str, group_id: str) -> list[tuple[str, str]]:
        return []

    def peerings(self, account: str, region: str) -> list[Peering]:
        return []

    def tags(self, account: str, region: str) -> Mapping[str, Mapping[str, str]]:
        return {}


@pytest.fixture
def world() -> World:
    world = World(OneVpc(), frozenset({ACCOUNT}), ids=make_ids(random.Random(1)))
    group = default_group(ACCOUNT, VpcFacts(VPC, ACCOUNT, False, False), "sg-0000000d")
    apply(world.at(ACCOUNT, REGION), [Put(with_rule_ids(group, world.ids))])
    return world


def ask(world: World, action: str, **params: Any) -> Answer:
    return ACTIONS[action](Call(world, ACCOUNT, REGION, params))


def do(world: World, action: str, **params: Any) -> Mapping[str, Any]:
    answer = ask(world, action, **params)
    apply(world.at(ACCOUNT, REGION), answer.effects)
    return answer.output


def refusal_of(world: World, action: str, **params: Any) -> str:
    """The code it was refused with, empty where it was done."""
    try:
        do(world, action, **params)
    except Refusal as refusal:
        return refusal.code
    return ""


def make(world: World, name: str = "web") -> str:
    output = do(world, "CreateSecurityGroup", GroupName=name, Description="d", VpcId=VPC)
    return str(output["GroupId"])


def test_asking_changes_nothing(world: World) -> None:
    """The effects are returned, not carried out."""
    before = copy.deepcopy(world.at(ACCOUNT, REGION))
    ask(world, "CreateSecurityGroup", GroupName="web", Description="d", VpcId=VPC)
    ask(world, "CreateNetworkAcl", VpcId=VPC, ClientToken="t")
    ask(world, "CreateManagedPrefixList", PrefixListName="l", MaxEntries=1, AddressFamily="IPv4")
    assert world.at(ACCOUNT, REGION) == before


def test_a_refusal_says_code_and_words(world: World) -> None:
    with pytest.raises(Refusal) as caught:
        ask(world, "DeleteSecurityGroup", GroupId="sg-0aaaaaaaaaaaaaaaa")
    assert caught.value.code == "InvalidGroup.NotFound"
    assert caught.value.message == "The security group 'sg-0aaaaaaaaaaaaaaaa' does not exist"


def test_the_same_seed_gives_the_same_ids() -> None:
    ids, again = make_ids(random.Random(5)), make_ids(random.Random(5))
    assert [ids("sg"), ids("acl")] == [again("sg"), again("acl")]
    assert len(ids("sg")) == len("sg-") + 17


permissions = st.lists(
    st.builds(
        lambda port, octet, length: {
            "IpProtocol": "tcp",
            "FromPort": port,
            "ToPort": port,
            "IpRanges": [{"CidrIp": f"10.{octet}.0.7/{length}"}],
        },
        st.integers(1, 3),
        st.integers(0, 3),
        st.sampled_from([8, 16, 32]),
    ),
    min_size=1,
    max_size=6,
)


def peers(shown: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    for group in shown["SecurityGroups"]:
        for permission in group["IpPermissions"]:
            for item in permission["IpRanges"]:
                yield permission["FromPort"], item["CidrIp"]


@given(st.lists(permissions, max_size=6))
def test_authorize_is_all_or_nothing_and_never_doubles(batches: list[list[dict[str, Any]]]) -> None:
    """Whatever the batches: each is taken whole or not at all, and no rule stands twice."""
    world = World(OneVpc(), frozenset({ACCOUNT}), ids=make_ids(random.Random(1)))
    group = make(world)
    for batch in batches:
        before = world.at(ACCOUNT, REGION).groups[group].rules
        code = refusal_of(world, "AuthorizeSecurityGroupIngress", GroupId=group, IpPermissions=batch)
        assert code in ("", "InvalidPermission.Duplicate", "InvalidParameterValue")
        gained = 0 if code else len(batch)
        rules = world.at(ACCOUNT, REGION).groups[group].rules
        assert len(rules) == len(before) + gained
        assert len(set(rules)) == len(rules)
    shown = list(peers(do(world, "DescribeSecurityGroups", GroupIds=[group])))
    assert len(set(shown)) == len(shown)


@given(permissions)
def test_what_was_authorized_can_be_revoked(batch: list[dict[str, Any]]) -> None:
    world = World(OneVpc(), frozenset({ACCOUNT}), ids=make_ids(random.Random(1)))
    group = make(world)
    before = world.at(ACCOUNT, REGION).groups[group].rules
    if refusal_of(world, "AuthorizeSecurityGroupIngress", GroupId=group, IpPermissions=batch):
        return
    do(world, "RevokeSecurityGroupIngress", GroupId=group, IpPermissions=batch)
    assert world.at(ACCOUNT, REGION).groups[group].rules == before


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("web", "web", True),
        ("web", "Web", False),
        ("w*", "web", True),
        ("w?b", "web", True),
        ("w?b", "weeb", False),
        (r"w\*", "w*", True),
        (r"w\*", "web", False),
        ("a.c", "abc", False),
        ("[x]*", "[x]y", True),
    ],
)
def test_filter_values(pattern: str, text: str, fits: bool) -> None:
    """EC2 guide, filtering: * and ?, and a backslash that takes their meaning away."""
    assert matcher([pattern])(text) is fits


# --- what is not settled, and what can be set


def rule_at(port: int) -> dict[str, Any]:
    block = [{"CidrIp": "10.0.0.0/8"}]
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": block}


def attempt(world: World, action: str, **params: Any) -> str:
    """As ``refusal_of``, and what a refusal leaves done stays done."""
    try:
        do(world, action, **params)
    except Refusal as refusal:
        apply(world.at(ACCOUNT, REGION), refusal.done)
        return refusal.code
    return ""


def ports_of(world: World, group: str) -> list[int]:
    return [rule.traffic.first or 0 for rule in world.at(ACCOUNT, REGION).groups[group].rules[1:]]


@pytest.mark.parametrize(
    ("whole", "quota", "batch", "code", "left"),
    [
        (True, 60, [1, 2, 3, 4], "InvalidPermission.Duplicate", [3]),
        (False, 60, [1, 2, 3, 4], "InvalidPermission.Duplicate", [3, 1, 2]),
        (True, 2, [1, 2], "RulesPerSecurityGroupLimitExceeded", [3]),
        (False, 2, [1, 2], "RulesPerSecurityGroupLimitExceeded", [3, 1]),
        (False, 60, [3, 1], "InvalidPermission.Duplicate", [3]),
        (False, 60, [1, 2], "", [3, 1, 2]),
    ],
)
def test_an_authorize_that_is_refused_midway(
    world: World, whole: bool, quota: int, batch: list[int], code: str, left: list[int]
) -> None:
    """aws-facts 1.6 and 11: whether it is all or nothing is not documented."""
    world.switches = Switches(authorize_all_or_nothing=whole)
    world.quotas["*", "*", "L-0EA8095F"] = quota
    group = make(world)
    do(world, "AuthorizeSecurityGroupIngress", GroupId=group, IpPermissions=[rule_at(3)])
    permissions = [rule_at(port) for port in batch]
    assert attempt(world, "AuthorizeSecurityGroupIngress", GroupId=group, IpPermissions=permissions) == code
    assert ports_of(world, group) == left


@pytest.mark.parametrize(
    ("switches", "code", "left"),
    [
        (Switches(), "", [2, 1, 9]),
        (Switches(modify_refuses_passing_twins=True), "InvalidPermission.Duplicate", [1, 2, 3]),
        (Switches(modify_all_or_nothing=False), "InvalidPermission.Duplicate", [1, 2, 9]),
    ],
)
def test_rules_that_swap_places_in_one_call(
    world: World, switches: Switches, code: str, left: list[int]
) -> None:
    """promise.md 5: neither is verified on AWS. 3 → 9 first, then 1 → 2 while 2 → 1 is still to come."""
    world.switches = switches
    group = make(world)
    batch = [rule_at(port) for port in (1, 2, 3)]
    do(world, "AuthorizeSecurityGroupIngress", GroupId=group, IpPermissions=batch)
    ids = [rule.rule_id for rule in world.at(ACCOUNT, REGION).groups[group].rules[1:]]
    updates = [
        {
            "SecurityGroupRuleId": id_,
            "SecurityGroupRule": {"IpProtocol": "tcp", "FromPort": p, "ToPort": p, "CidrIpv4": "10.0.0.0/8"},
        }
        for id_, p in ((ids[2], 9), (ids[0], 2), (ids[1], 1))
    ]
    assert attempt(world, "ModifySecurityGroupRules", GroupId=group, SecurityGroupRules=updates) == code
    assert ports_of(world, group) == left


@pytest.mark.parametrize(
    ("limit", "action", "params", "code"),
    [
        (
            "tags-per-resource",
            "CreateSecurityGroup",
            {
                "GroupName": "web",
                "Description": "d",
                "VpcId": VPC,
                "TagSpecifications": [
                    {"ResourceType": "security-group", "Tags": [{"Key": "a"}, {"Key": "b"}]}
                ],
            },
            "TagLimitExceeded",
        ),
        (
            "entries-per-list",
            "CreateManagedPrefixList",
            {"PrefixListName": "l", "MaxEntries": 2, "AddressFamily": "IPv4"},
            "InvalidParameterValue",
        ),
        (
            "lists-per-region",
            "CreateManagedPrefixList",
            {"PrefixListName": "l", "MaxEntries": 1, "AddressFamily": "IPv4"},
            "PrefixListLimitExceeded",
        ),
    ],
)
def test_limits_without_a_quota_code_can_be_set(
    world: World, limit: str, action: str, params: dict[str, Any], code: str
) -> None:
    do(world, "CreateManagedPrefixList", PrefixListName="first", MaxEntries=1, AddressFamily="IPv4")
    assert refusal_of(copy.deepcopy(world), action, **params) == ""
    world.quotas[ACCOUNT, REGION, limit] = 1
    assert refusal_of(world, action, **params) == code


def test_a_list_that_could_not_grow_says_whom_it_would_crowd(world: World) -> None:
    """API: ModifyManagedPrefixList.MaxEntries."""
    group = make(world)
    made = do(world, "CreateManagedPrefixList", PrefixListName="l", MaxEntries=1, AddressFamily="IPv4")
    list_id = made["PrefixList"]["PrefixListId"]
    rule = {"IpProtocol": "-1", "PrefixListIds": [{"PrefixListId": list_id}]}
    do(world, "AuthorizeSecurityGroupIngress", GroupId=group, IpPermissions=[rule])
    do(world, "ModifyManagedPrefixList", PrefixListId=list_id, MaxEntries=61)
    (shown,) = do(world, "DescribeManagedPrefixLists")["PrefixLists"]
    assert (shown["State"], shown["MaxEntries"]) == ("modify-failed", 1)
    assert group in shown["StateMessage"]
    do(world, "ModifyManagedPrefixList", PrefixListId=list_id, MaxEntries=2)
    assert "StateMessage" not in do(world, "DescribeManagedPrefixLists")["PrefixLists"][0]


@given(st.lists(permissions, max_size=4), st.data())
def test_the_books_of_a_group_are_what_its_rules_say(
    batches: list[list[dict[str, Any]]], data: st.DataObject
) -> None:
    """Kept up rule by rule, they equal those made anew."""
    world = World(OneVpc(), frozenset({ACCOUNT}), ids=make_ids(random.Random(1)))
    group = make(world)
    for batch in batches:
        verb = data.draw(st.sampled_from(["Authorize", "Revoke"]))
        refusal_of(world, f"{verb}SecurityGroupIngress", GroupId=group, IpPermissions=batch)
    held = world.at(ACCOUNT, REGION)
    kept, anew = held.index(held.groups[group]), Index(held.groups[group])
    assert (kept.rules, kept.by_id, kept.tallies) == (anew.rules, anew.by_id, anew.tallies)
    assert held.rule_owner == {rule.rule_id: group for rule in held.groups[group].rules}
