"""How often a plan is refused although there is an order without a gap: tiny full groups and ACLs, against a search of
every state (``tiny_worlds``) that shares nothing with the planner.

And the other way round: where there is no order, there is no plan.
"""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import estate_pairs as pairs
import firewalls as fw
import pytest
import tiny_worlds as tiny

from twinwall import errors

BLOCKS, WITH_GROUP = list(tiny.PEERS)[:3], [*list(tiny.PEERS)[:3], tiny.GROUP]
HERE = [fw.subnet("subnet-9", "10.0.1.0/24", name="s")]
THERE = [fw.subnet("subnet-1", "10.20.1.0/24", name="s", vpc=fw.TARGET_VPC)]


def planned(case: pairs.Case) -> bool:
    try:
        case.plan(case.stage()[1])
    except errors.UnsafePlan:
        return False
    return True


def group_case(old: Iterable[tiny.Rule], new: Iterable[tiny.Rule], quota: int) -> pairs.Case:
    """The group is on an interface; the one that rules may name is not."""
    wanted, there = (rule.text() for rule in sorted(new)), (rule.text("0") for rule in sorted(old))
    return pairs.Case(
        fw.source(fw.group("sg-a", "a", *wanted), fw.group("sg-b", "b"), subnets=HERE),
        fw.target(
            fw.there("sg-0a", "a", *there, marked="sg-a"),
            fw.there("sg-0b", "b", marked="sg-b"),
            subnets=THERE,
        ),
        quota,
        20,
        200,
        [("sg-0a",)],
    )


def acl_case(old: Iterable[tiny.Entry], new: Iterable[tiny.Entry], quota: int) -> pairs.Case:
    """There is no room for a second ACL in its place."""
    tags = {"Name": "x"}
    marked = {**tags, "twinwall:source": fw.mark("acl-x")}
    wanted, there = (entry.text() for entry in sorted(new)), (entry.text() for entry in sorted(old))
    return pairs.Case(
        fw.source(acls=[fw.acl("acl-x", *wanted, subnets=["subnet-9"], tags=tags)], subnets=HERE),
        fw.target(
            acls=[fw.acl("acl-0x", *there, subnets=["subnet-1"], vpc=fw.TARGET_VPC, tags=marked)],
            subnets=THERE,
        ),
        60,
        quota,
        2,
        [],
    )


@dataclass
class Count:
    """Of so many ``pairs`` so many ``have`` an order; we find one for all but ``missed``."""

    pairs: int = 0
    have: int = 0
    missed: list[object] = field(default_factory=list)

    def take(self, pair: object, has: bool, found: bool) -> None:
        assert has or not found, pair
        self.pairs += 1
        self.have += has
        if has and not found:
            self.missed.append(pair)


def groups(count: int, seed: int, peers: list[str], quotas: tuple[int, ...] = (2, 3)) -> Count:
    source, rules, found = random.Random(seed), tiny.every_rule(3, peers), Count()
    for _ in range(count):
        quota = source.choice(quotas)
        old, new = (tiny.full_group(source, quota, rules) for _ in range(2))
        has = tiny.group_order(old, new, quota, rules)
        found.take((quota, old, new), has, planned(group_case(old, new, quota)))
    return found


def acls(count: int, seed: int, quota: int) -> Count:
    source, rules, found = random.Random(seed), tiny.every_rule(2, BLOCKS[:2]), Count()
    numbers = list(range(1, quota + 4))
    for _ in range(count):
        old, new = (tiny.full_acl(source, quota, rules, numbers) for _ in range(2))
        has = tiny.acl_order(old, new, quota, rules, numbers)
        found.take((quota, old, new), has, planned(acl_case(old, new, quota)))
    return found


# --- the oracle itself


def test_the_oracle_knows_what_has_no_order() -> None:
    """promise.md, rules 4 and 6: the kind of the peer changes in a group of one rule; entries swap their numbers."""
    block, members = tiny.Rule(2, 2, BLOCKS[2]), tiny.Rule(2, 2, tiny.GROUP)
    every = tiny.every_rule(3, WITH_GROUP)
    assert not tiny.group_order(frozenset({block}), frozenset({members}), 1, every)
    assert tiny.group_order(frozenset({block}), frozenset({members}), 2, every)
    entries = [
        tiny.Entry(number, allow, rule)
        for number, allow, rule in (
            (1, True, tiny.Rule(1, 1, BLOCKS[0])),
            (2, False, tiny.Rule(1, 2, BLOCKS[0])),
            (1, False, tiny.Rule(1, 2, BLOCKS[0])),
            (2, True, tiny.Rule(1, 1, BLOCKS[0])),
        )
    ]
    rules = tiny.every_rule(2, BLOCKS[:1])
    assert tiny.acl_order(frozenset(entries[:2]), frozenset(entries[2:]), 3, rules, [1, 2, 3])


def test_without_changes_in_place_many_full_groups_have_none() -> None:
    """promise.md, rule 4: 13,290 of 30,883 there."""
    source, rules = random.Random(4), tiny.every_rule(3, BLOCKS)
    none = 0
    for _ in range(100):
        old, new = (tiny.full_group(source, 2, rules) for _ in range(2))
        none += not tiny.group_order(old, new, 2, rules, in_place=False)
    assert 20 < none < 80


# --- the planner


def test_full_groups_of_blocks_are_refused_for_nothing() -> None:
    count = groups(60, 1, BLOCKS)
    assert count.have == count.pairs
    assert count.missed == []


def test_full_groups_whose_rules_name_a_group_are_hardly_ever_refused_for_nothing() -> None:
    count = groups(200, 2, WITH_GROUP)
    assert count.have < count.pairs
    assert len(count.missed) <= 1, count.missed


def test_full_acls_are_hardly_ever_refused_for_nothing() -> None:
    count = acls(80, 3, 2)
    assert len(count.missed) <= 1, count.missed


@pytest.mark.soak
@pytest.mark.parametrize(
    ("count", "figures"),
    [
        (lambda: groups(1000, 11, BLOCKS), (1000, 1000, 1000)),
        (lambda: groups(3000, 7, WITH_GROUP), (3000, 2857, 2845)),
        (lambda: acls(400, 12, 2), (400, 399, 399)),
        (lambda: acls(25, 13, 3), (25, 25, 25)),
    ],
    ids=("groups of blocks", "groups that name a group", "ACLs of two", "ACLs of three"),
)
def test_the_figures_that_the_docs_give(count: Callable[[], Count], figures: tuple[int, int, int]) -> None:
    """docs/promise.md, what is refused: pairs, those that have an order, those for which one is found."""
    found = count()
    assert (found.pairs, found.have, found.have - len(found.missed)) == figures
