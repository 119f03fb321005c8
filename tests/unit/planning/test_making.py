"""Policies, quotas, pruning, digests: what a plan may hold and what refuses it."""

import firewalls as fw
import pytest

from twinwall import errors
from twinwall.engine import replica
from twinwall.engine.sides import FileSide
from twinwall.planning.digest import digest


def many(count, way="in", network="10.{}.{}.0/24"):
    return [f"{way} tcp 443 {network.format(i // 256, i % 256)}" for i in range(count)]


WEB = ("in tcp 443 0.0.0.0/0 new", "in tcp 80 0.0.0.0/0")
OLD = ("in tcp 443 0.0.0.0/0 old", "in tcp 22 0.0.0.0/0")


def actions(**options):
    before = fw.source(fw.group("sg-a", "a", *WEB), fw.group("sg-b", "b"))
    after = fw.target(fw.there("sg-1", "a", *OLD, marked="sg-a"))
    return fw.planned(before, after, **options)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (
            "sync",
            ["AuthorizeSecurityGroupIngress", "CreateSecurityGroup", "RevokeSecurityGroupEgress",
             "RevokeSecurityGroupIngress", "UpdateSecurityGroupRuleDescriptionsIngress"],
        ),
        (
            "upsert-only",
            ["AuthorizeSecurityGroupIngress", "CreateSecurityGroup", "RevokeSecurityGroupEgress",
             "UpdateSecurityGroupRuleDescriptionsIngress"],
        ),
        ("create-only", ["CreateSecurityGroup", "RevokeSecurityGroupEgress"]),
    ],
)  # fmt: skip
def test_what_each_policy_allows(policy, expected):
    plan = actions(policy=policy)
    assert sorted(plan.api_calls) == expected
    assert ("extra-stays" in fw.finding_ids(plan)) is (policy == "upsert-only")


def test_summary_counts_resources():
    summary = actions().summary
    assert (summary.create, summary.update, summary.delete, summary.unchanged) == (1, 1, 0, 0)


def test_too_many_removals_are_refused_unless_forced():
    before = fw.source(fw.group("sg-a", "a", *many(6)))
    after = fw.target(fw.there("sg-1", "a", *many(10), marked="sg-a"))
    with pytest.raises(errors.TooMuchChange, match=r"4 of 10 existing rules.*40 %.*30 %"):
        fw.planned(before, after)
    assert fw.planned(before, after, force=True).api_calls == {"RevokeSecurityGroupIngress": 1}
    assert fw.planned(before, after, max_change=40.0)


def test_replaced_rules_and_small_groups_do_not_count():
    replaced = fw.target(fw.there("sg-1", "a", *many(12, network="172.16.{}.{}/32"), marked="sg-a"))
    assert fw.planned(fw.source(fw.group("sg-a", "a", *many(12))), replaced)
    small = fw.target(fw.there("sg-1", "a", *many(5), marked="sg-a"))
    assert fw.planned(fw.source(fw.group("sg-a", "a")), small)


@pytest.mark.parametrize("way", ["in", "out"])
def test_a_group_over_quota_is_refused_before_any_call(way):
    assert fw.planned(fw.source(fw.group("sg-a", "a", *many(60, way))), fw.target())
    with pytest.raises(errors.QuotaExceeded, match=r"61 IPv4 \w+gress rules, the quota is 60"):
        fw.planned(fw.source(fw.group("sg-a", "a", *many(61, way))), fw.target())


def test_families_count_apart_and_groups_in_both():
    both = [*many(59), *(f"in tcp 1 2001:db8:{i:x}::/48" for i in range(59)), "in -1 - sg-a"]
    assert fw.planned(fw.source(fw.group("sg-a", "a", *both)), fw.target())
    with pytest.raises(errors.QuotaExceeded):
        fw.planned(fw.source(fw.group("sg-a", "a", *both, "in -1 - sg-default")), fw.target())


def test_a_list_counts_its_max_entries_and_an_unknown_weight_is_a_warning():
    def case(size):
        lists = [fw.prefix_list("pl-1", "office", "203.0.113.0/24", size=size)]
        return fw.source(fw.group("sg-a", "a", *many(20), "in tcp 1 pl-1"), lists=lists)

    assert fw.planned(case(40), fw.target())
    with pytest.raises(errors.QuotaExceeded, match="MaxEntries"):
        fw.planned(case(41), fw.target())
    unknown = fw.source(
        fw.group("sg-a", "a", "out tcp 443 pl-1"),
        lists=[fw.prefix_list("pl-1", "com.amazonaws.eu-west-1.unheard-of", owner="AWS", size=None)],
    )
    after = fw.target(
        lists=[fw.prefix_list("pl-2", "com.amazonaws.us-east-1.unheard-of", owner="AWS", size=None)]
    )
    assert "list-weight-unknown" in fw.finding_ids(fw.planned(unknown, after))


def test_an_acl_at_its_quota_is_a_warning_over_it_refused():
    def case(count):
        return fw.source(
            acls=[fw.acl("acl-1", *(f"in {i + 1} allow tcp {i + 1} 0.0.0.0/0" for i in range(count)))]
        )

    assert "acl-at-quota" not in fw.finding_ids(fw.planned(case(19), fw.target()))
    assert "acl-at-quota" in fw.finding_ids(fw.planned(case(20), fw.target()))
    with pytest.raises(errors.QuotaExceeded, match="21 ingress entries"):
        fw.planned(case(21), fw.target())


def gone(**more):
    interface = {"NetworkInterfaceId": "eni-1", "VpcId": fw.TARGET_VPC, "Groups": [{"GroupId": "sg-1"}]}
    return fw.target(
        fw.there("sg-1", "gone", "in tcp 1 sg-2", marked="sg-gone"),
        fw.there("sg-2", "gone too", "in tcp 1 sg-1", marked="sg-gone-too"),
        NetworkInterfaces=[interface] if more.get("used") else [],
    )


def test_copies_are_deleted_only_with_prune_and_only_if_unused():
    plan = fw.planned(fw.source(), gone())
    assert plan.empty
    assert fw.finding_ids(plan) == ["copy-without-source"] * 2
    pruned = fw.planned(fw.source(), gone(), prune=True)
    assert pruned.api_calls == {"DeleteSecurityGroup": 2, "RevokeSecurityGroupIngress": 2}
    assert [change.action for change in pruned.changes][-2:] == ["DeleteSecurityGroup"] * 2
    used = fw.planned(fw.source(), gone(used=True), prune=True)
    assert "prune-in-use" in fw.finding_ids(used)
    assert "sg-1" not in {change.resource.id for change in used.changes if change.action.startswith("Delete")}


def test_an_incomplete_source_or_a_selection_never_prunes():
    narrowed = fw.source(Selection="narrowed")
    assert fw.planned(narrowed, gone(), prune=True).empty
    before = fw.source(fw.group("sg-a", "a"), fw.group("sg-b", "b"))
    after = fw.target(fw.there("sg-1", "b", marked="sg-b"))
    plan = fw.planned(before, after, groups=("a",), prune=True)
    assert not any(change.action.startswith("Delete") for change in plan.changes)


def digest_after(change):
    before = fw.source(fw.group("sg-a", "a", "in tcp 1 sg-default"), fw.group("sg-b", "b"))
    after = fw.target(fw.there("sg-1", "a", marked="sg-a"), fw.there("sg-9", "bystander"))
    made = replica.plan(FileSide("s", before), FileSide("t", after), fw.settings())
    change(after)
    moved = replica.SideReader(FileSide("t", after), "target").snapshot()
    return digest(moved, made.plan.touched) == made.plan.digest


def test_a_digest_covers_what_the_plan_touches_and_relies_on():
    groups = "SecurityGroups"
    assert digest_after(lambda after: None)
    assert digest_after(
        lambda after: after[groups].append(fw.there("sg-8", "newcomer", "in tcp 1 10.0.0.0/8"))
    )
    assert digest_after(
        lambda after: after[groups][2]["IpPermissions"].append(fw.permission("in tcp 9 10.0.0.0/8")[1])
    )
    assert not digest_after(
        lambda after: after[groups][1]["IpPermissions"].append(fw.permission("in tcp 9 1.0.0.0/8")[1])
    )
    assert not digest_after(lambda after: after[groups].pop(0))  # the default group that a rule names
    assert not digest_after(lambda after: after[groups].append(fw.there("sg-8", "B")))  # the name it wants
