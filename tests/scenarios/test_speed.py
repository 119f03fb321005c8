"""*Speed*: calls counted by the endpoint, and the time that EC2's throttle makes of them.

The throttle is reckoned here from performance.md, chapter 1, and shares nothing with ``engine.pace``.
"""

import math
from collections import Counter
from collections.abc import Sequence

import pytest
from estates import w
from worlds import FIREWALL_READS, WRITES, A, B, PureClock, Stage

WORKS = [((20, 10, 2, 10), 84), ((100, 20, 5, 20), 384)]


def ready(world: Stage, groups: int, rules: int, acls: int, entries: int) -> tuple[str, str]:
    document = w(groups, rules, acls, entries)
    (source,) = world.load(document)
    subnets = [
        (f"10.90.{number}.0/24", "ab"[number % 2], subnet["Tags"][0]["Value"])
        for number, subnet in enumerate(document["Subnets"])
    ]
    return source, world.empty("10.90.0.0/16", subnets=subnets)


def bound(groups: int, acls: int, entries: int) -> int:
    """performance.md, chapter 2: reads, writes, verify."""
    restricted = math.ceil(groups / 3)
    pages = math.ceil(groups / 1000) + math.ceil(acls / 1000)
    return 2 * pages + groups + groups + restricted * 2 + acls + acls * entries + acls + pages


BUCKETS = {"Describe": (100, 20.0), "CreateTags": (100, 10.0)}
"""Prefix of the action → (capacity, refill a second); the others are (50, 5)."""


def bucket_bound(actions: Sequence[str]) -> float:
    """Seconds that the fullest bucket takes, whatever the order (performance.md, chapter 1)."""
    return max(0.0, *(throttled([name] * count) for name, count in Counter(actions).items()))


def throttled(actions: Sequence[str]) -> float:
    """When the last of these calls goes out, one after another, none taking any time itself. Each action has
    a bucket of its own, full at the start."""
    now = 0.0
    sent: dict[str, list[float]] = {}
    for action in actions:
        capacity, refill = next((b for prefix, b in BUCKETS.items() if action.startswith(prefix)), (50, 5.0))
        tokens, last = float(capacity), 0.0
        for at in sent.setdefault(action, []):
            tokens, last = min(capacity, tokens + (at - last) * refill) - 1, at
        level = min(capacity, tokens + (now - last) * refill)
        if level < 1:
            now += (1 - level) / refill
        sent[action].append(now)
    return now


@pytest.mark.parametrize(("work", "calls"), WORKS)
def test_a_migration_makes_as_few_calls_as_there_can_be(
    world: Stage, work: tuple[int, int, int, int], calls: int
) -> None:
    """*Group and ACL calls of a live-to-live migrate --associate auto equal the bound of performance.md,
    chapter 2, to the call*; *running again writes nothing and makes exactly 4 group and ACL reads*."""
    groups, rules, acls, entries = work
    source, target = ready(world, *work)
    options = ("--associate", "auto", "--map-vpc-cidr")
    first = world.migrate(source, target, options=options).ended(0)
    assert first.firewall_calls == calls == bound(groups, acls, entries)
    assert first.json["verify"]["equal"] is True
    assert first.json["verify"]["compared"] == {"groups": groups, "acls": acls, "subnets": acls}
    held = sum(
        len(permission["IpRanges"]) + len(permission["UserIdGroupPairs"])
        for group in world.groups(target)
        for permission in (*group["IpPermissions"], *group["IpPermissionsEgress"])
        if group["GroupName"] != "default"
    )
    assert held == groups * rules + (
        groups - math.ceil(groups / 3)
    )  # those with EC2's egress have it besides

    again = world.migrate(source, target, options=options).ended(0)
    assert again.firewall_calls == 4
    assert not again.written
    assert {name: again.calls[name] for name in FIREWALL_READS} == dict.fromkeys(FIREWALL_READS, 2)


def test_the_plan_names_what_is_sent(world: Stage) -> None:
    """*The exact API calls by name*; *counted … come on top, named in the plan, each read at most once per
    side or list*."""
    source, target = ready(world, 20, 10, 2, 10)
    first = world.migrate(source, target, options=("--associate", "auto", "--map-vpc-cidr")).ended(0)
    assert Counter(first.json["api_calls"]) == first.written == Counter(first.json["applied"]["calls"])
    assert Counter(first.json["api_calls"]) == Counter(first.actions())
    sent = {name: count for name, count in first.calls.items() if name not in FIREWALL_READS | WRITES}
    assert sent == first.json["reads"]
    assert all(count <= 2 for name, count in sent.items() if name != "GetServiceQuota")
    assert sent["GetServiceQuota"] == 4  # one for each quota, of the target alone


@pytest.mark.parametrize("work", [work for work, _ in WORKS])
def test_the_estimate_is_the_throttle(world: Stage, work: tuple[int, int, int, int]) -> None:
    """*estimated_seconds equals the simulated throttle within 5 %*; what apply took is at most 8 % more, with the
    token that is spared and the lock's."""
    source, target = ready(world, *work)
    run = world.migrate(
        source, target, options=("--associate", "auto", "--map-vpc-cidr"), clock=PureClock()
    ).ended(0)
    reckoned = bucket_bound(run.actions())
    assert run.json["estimated_seconds"] == pytest.approx(reckoned, rel=0.05, abs=0.06)
    assert reckoned - 0.1 <= run.json["applied"]["seconds"] <= reckoned * 1.08 + 0.1
    assert run.json["applied"]["throttled"] == 0


def test_the_throttle_reckoned_by_hand() -> None:
    """performance.md, chapter 1: 50 at once, then 5 a second, each action by itself."""
    assert throttled(["CreateSecurityGroup"] * 100) == pytest.approx(10.0)
    both = ["CreateSecurityGroup", "AuthorizeSecurityGroupIngress"] * 100
    assert throttled(both) == pytest.approx(10.0)
    assert throttled(
        ["CreateSecurityGroup"] * 100 + ["AuthorizeSecurityGroupIngress"] * 100
    ) == pytest.approx(20.0)
    assert throttled(["DescribeSecurityGroups"] * 120) == pytest.approx(1.0)


def test_a_throttled_call_is_made_again(world: Stage) -> None:
    """*The time they take under EC2's throttle*: somebody else draws from the same bucket; the run goes on
    and says how often it was asked to wait."""
    source, target = ready(world, 20, 10, 2, 10)
    world.aws.fail_next(
        "AuthorizeSecurityGroupIngress",
        "RequestLimitExceeded",
        "Request limit exceeded.",
        status=503,
        times=3,
        account=B,
    )
    run = world.migrate(source, target, options=("--associate", "auto", "--map-vpc-cidr")).ended(0)
    assert run.json["applied"]["throttled"] == 3
    assert run.json["verify"]["equal"] is True
    assert Counter(run.json["applied"]["calls"]) == Counter(run.json["api_calls"])


def test_a_snapshot_as_source_costs_the_source_nothing(world: Stage) -> None:
    source, target = ready(world, 20, 10, 2, 10)
    path = world.folder / "w.json"
    taken = world.run("snapshot", "--source", source, "-o", path, *world.ways((A, "us-west-1"), None)).ended(
        0
    )
    assert taken.calls["DescribeSecurityGroups"] == taken.calls["DescribeNetworkAcls"] == 1
    run = world.migrate(path, target, options=("--associate", "auto", "--map-vpc-cidr")).ended(0)
    assert run.firewall_calls == 84 - 2
    assert (
        world.migrate(source, target, options=("--associate", "auto", "--map-vpc-cidr"))
        .ended(0)
        .firewall_calls
        == 4
    )
