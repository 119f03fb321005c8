"""The rulebook without any server: a request and a state in, an answer and effects out, nothing touched."""

import copy
import random
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinwall.emulator.refusal import Refusal
from twinwall.emulator.rulebook.actions import ACTIONS
from twinwall.emulator.rulebook.filters import matcher
from twinwall.emulator.rulebook.groups import default_group
from twinwall.emulator.state import (
    Answer,
    Call,
    Peering,
    Put,
    VpcFacts,
    World,
    apply,
    make_ids,
    with_rule_ids,
)

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
