"""The promise where full groups share interfaces, and where their rules name lists that change: what the guard makes of
few rules is what it would make of all, an order is found where there is one, and every order of it keeps the promise.
"""

import random

import estate_pairs as pairs
import firewalls as fw
import promised
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinwall import errors
from twinwall.emulator.faults import Denial
from twinwall.engine.reading import SideReader
from twinwall.model.net import ANY_IPV4, ANY_IPV6
from twinwall.model.rules import Direction
from twinwall.planning import changes as c
from twinwall.planning.order import Step
from twinwall.planning.pairing import Pair, universe_of
from twinwall.planning.promise.closer import going, missed, strange
from twinwall.planning.promise.gapless import excess, lost
from twinwall.planning.promise.moves import State
from twinwall.planning.promise.prove import breaches

SEEDS = st.integers(0, 2**32)
SSH, DNS, HTTP, HTTPS = (f"in {traffic} 10.0.0.0/8" for traffic in ("tcp 22", "udp 53", "tcp 80", "tcp 443"))


def case(before, after, *, interfaces, rules, lists=(), lists_before=()):
    return pairs.Case(
        fw.source(*(fw.group(f"sg-{name}", name, *held) for name, held in after.items()), lists=lists),
        fw.target(
            *(
                fw.there(f"sg-0{name}", name, *held, marked=f"sg-{name}")
                for name, held in before.items()
            ),
            lists=lists_before,
            subnets=[
                fw.subnet(subnet, f"10.20.{number}.0/24", name=subnet, vpc=fw.TARGET_VPC)
                for number, subnet in enumerate(pairs.SUBNETS)
            ],
        ),
        rules,
        20,
        200,
        None if interfaces is None else list(interfaces),
    )  # fmt: skip


def followed(estate, seeds=range(4)):
    """The plan, walked in several of its orders, each packet followed."""
    plan = estate.plan(estate.stage()[1])
    for seed in seeds:
        aws, _ = estate.stage()
        states = promised.walk(plan.route, aws, fw.TARGET, pairs.REGION, random.Random(seed))
        promised.check(states, map(frozenset, estate.interfaces))
    return plan


# --- interfaces

TRADED = (
    {"a": (SSH, HTTP), "b": (DNS, HTTPS), "c": (SSH, DNS)},
    {"a": (DNS, HTTP), "b": (SSH, HTTPS), "c": (SSH, DNS)},
)
"""a and b, both full, give each other a rule: neither can be first, but c admits both all the while."""


def test_a_third_group_of_the_interface_may_hold_open_what_two_trade():
    plan = followed(case(*TRADED, interfaces=[("sg-0a", "sg-0b", "sg-0c")], rules=2))
    assert plan.changes


@pytest.mark.parametrize(
    "interfaces",
    [
        [("sg-0a", "sg-0b")],
        [("sg-0a", "sg-0b", "sg-0c"), ("sg-0b", "sg-0a")],
        [("sg-0a", "sg-0b"), ("sg-0a", "sg-0c"), ("sg-0b", "sg-0c")],
        None,
    ],
)
def test_but_not_on_an_interface_where_it_is_not(interfaces):
    """Beside each of the two is not beside both; and where interfaces are not known, any two may be alone on one."""
    estate = case(*TRADED, interfaces=interfaces, rules=2)
    aws, side = estate.stage()
    if interfaces is None:
        aws.trouble.deny(Denial("*", "ec2:DescribeNetworkInterfaces"))
    with pytest.raises(errors.UnsafePlan, match="would for a moment be closed"):
        estate.plan(side)


def test_a_full_group_waits_for_another_that_takes_over_its_rule():
    ends = {"a": (SSH, HTTP), "b": (DNS, HTTPS)}, {"a": (HTTPS, HTTP), "b": (SSH, HTTPS)}
    plan = followed(case(*ends, interfaces=[("sg-0a", "sg-0b")], rules=2))
    first, *_, last = [item.change.resource.name for item in plan.route if isinstance(item, Step)]
    assert (first, last) == ("b", "a")


def pair_of(plan, side):
    reader = SideReader(side, "target")
    reader.read("Vpcs", "Subnets", "SecurityGroups", "NetworkAcls", "NetworkInterfaces")
    existing = reader.snapshot()
    return Pair(plan.desired, existing, universe_of(plan.desired, existing))


def test_the_guard_sees_what_is_lost_between_calls_of_two_groups_and_who_holds_it():
    """The same calls, on two stages: with the third group on the interface nothing is lost, without it something is."""
    together = case(*TRADED, interfaces=[("sg-0a", "sg-0b", "sg-0c")], rules=2)
    _, side = together.stage()
    plan = together.plan(side)
    assert not breaches(plan.route, pair_of(plan, side))
    _, apart = case(*TRADED, interfaces=[("sg-0a", "sg-0b")], rules=2).stage()
    found = breaches(plan.route, pair_of(plan, apart))
    assert {breach.kind for breach in found} == {"gap"}


# --- lists


def office(*cidrs, there=False):
    if not there:
        return fw.prefix_list("pl-1", "office", *cidrs, size=2)
    tags = {"twinwall:source": fw.mark("pl-1", vpc="-")}
    return fw.prefix_list("pl-01", "office", *cidrs, size=2, owner=fw.TARGET, tags=tags)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (("in tcp 22 pl-01", HTTP, HTTPS), (DNS, HTTP, HTTPS)),  # the rule must be gone before the list gains
        ((DNS, HTTP, HTTPS), ("in tcp 22 pl-1", HTTP, HTTPS)),  # it must not come before the list has lost
        (("in tcp 22 pl-01", DNS, HTTPS), (HTTP, "in tcp 80-81 pl-1", HTTPS)),  # both, in one group
    ],
)
def test_a_full_group_whose_rules_name_a_list_that_gains_and_loses(before, after):
    estate = case(
        {"a": before, "b": ("in tcp 99 pl-01",)},
        {"a": after, "b": ("in tcp 99 pl-1",)},
        interfaces=[("sg-0a",), ("sg-0b",)],
        rules=4,
        lists=[office("192.0.2.0/24")],
        lists_before=[office("172.16.0.0/24", there=True)],
    )
    plan = followed(estate, range(8))
    assert [change for change in plan.changes if isinstance(change, c.ModifyManagedPrefixList)]


def test_a_list_that_the_source_does_not_name_is_read_for_what_it_weighs():
    """It takes two of the four: not one, so that EC2 would refuse halfway."""
    full, after = ("in tcp 22 pl-01", HTTP, HTTPS), (DNS, HTTP, HTTPS)
    estate = case({"a": full}, {"a": after}, interfaces=[("sg-0a",)], rules=4,
                  lists_before=[office("172.16.0.0/24", there=True)])  # fmt: skip
    assert [change.action for change in followed(estate).changes] == [
        "RevokeSecurityGroupIngress",
        "AuthorizeSecurityGroupIngress",
    ]


def test_hardly_any_pair_with_lists_is_refused_for_an_excess():
    """Many were, before full groups went in stages."""
    refused = 0
    for seed in range(60):
        drawn = pairs.pair(random.Random(seed), acls=False)
        try:
            drawn.plan(drawn.stage()[1])
        except errors.QuotaExceeded:
            pass
        except errors.UnsafePlan as unsafe:
            refused += "neither the old nor the new" in str(unsafe)
    assert refused <= 2


# --- in place


@pytest.mark.parametrize("seed", [1017, 1044, 1143])
def test_what_came_in_this_run_is_not_changed_in_place(seed):
    """Its id is not known before EC2 has answered."""
    drawn = pairs.pair(random.Random(seed), acls=False)
    made = drawn.plan(drawn.stage()[1], allow_gap=True)
    came = set()
    for item in made.route:
        match item:
            case Step(change=c.AuthorizeRules(resource=group, rules=rules)):
                came |= {(group.id, rule) for rule in rules}
            case Step(change=c.ModifySecurityGroupRules(resource=group, rule=rule, into=into)):
                assert (group.id, rule) not in came
                assert rule.rule_id == into.rule_id != ""


# --- few rules for all


def rules_of(drawn, count):
    peers = (*pairs.CIDRS, "sg-a", "sg-b", "pl-1")
    return frozenset(
        fw.rule(f"in {drawn.choice(pairs.TRAFFIC)} {drawn.choice(peers)}")
        for _ in range(drawn.randint(0, count))
    )


def universe(symbol):
    return promised.PRIVATE if symbol.startswith("sg-") else (ANY_IPV4, ANY_IPV6)


@given(SEEDS)
@settings(max_examples=300)
def test_rule_by_rule_the_verdict_is_that_on_whole_states(seed):
    drawn = random.Random(seed)
    lists = [
        {"pl-1": frozenset(one.peer.cidr for one in rules_of(drawn, 2) if hasattr(one.peer, "cidr"))}
        for _ in range(3)
    ]
    now, later, goal = (State(rules_of(drawn, 5), held) for held in lists)
    whole = [state.rules_of(Direction.INGRESS).packets for state in (now, goal, later)]
    gap = any(missed(rule, now, (goal,), ((later,),), universe) for rule in going(now, later))
    assert gap == (lost(*whole, universe) is not None)
    opened = any(strange(rule, later, (now, goal)) for rule in going(later, now))
    assert opened == (excess(*whole) is not None)
