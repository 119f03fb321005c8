"""What was not read is unknown, never empty; what is not ours or not asked for stays as it is."""

import firewalls as fw
import pytest

from twinwall import errors
from twinwall.planning import changes as c
from twinwall.replica.settings import GroupMap, Rename


def without(document, section):
    return {key: value for key, value in document.items() if key != section}


def test_a_narrowed_snapshot_finds_copies_by_their_mark_and_calls_nothing_stale():
    whole = fw.source(fw.group("sg-a", "a", "in tcp 80 sg-b"), fw.group("sg-b", "b"))
    narrowed = whole | {"SecurityGroups": whole["SecurityGroups"][1:2], "Selection": "narrowed"}
    after = fw.target(
        fw.there("sg-1", "a", "in tcp 80 sg-2", marked="sg-a"), fw.there("sg-2", "b", marked="sg-b")
    )
    for outside in ("fail", "skip", "follow"):
        assert fw.planned(narrowed, after, outside=outside).empty
    with pytest.raises(errors.UnmappedGroup, match="was not read whole"):
        fw.planned(narrowed, fw.target())


def default_case(default_entries, now_marked):
    """A source subnet on the source's default ACL; the target's stands on an ACL with this mark."""
    before = fw.source(
        acls=[fw.acl("acl-1", "in 10 allow tcp 443 0.0.0.0/0", subnets=["subnet-1"])],
        subnets=[
            fw.subnet("subnet-1", "10.0.1.0/24", name="one"),
            fw.subnet("subnet-2", "10.0.2.0/24", name="two"),
        ],
    )
    before["NetworkAcls"][0] = fw.acl("acl-default", *default_entries, default=True, subnets=["subnet-2"])
    strict = fw.acl("acl-db", "in 10 allow tcp 5432 10.0.0.0/8", vpc=fw.TARGET_VPC, subnets=["subnet-y"],
                    tags={"twinwall:source": now_marked})  # fmt: skip
    subnets = [
        fw.subnet("subnet-x", "10.20.1.0/24", name="one", vpc=fw.TARGET_VPC),
        fw.subnet("subnet-y", "10.20.2.0/24", name="two", vpc=fw.TARGET_VPC),
    ]
    return before, fw.target(acls=[strict], subnets=subnets, default_subnets=["subnet-x"])


OPEN = ("in 100 allow -1 - 0.0.0.0/0", "out 100 allow -1 - 0.0.0.0/0")
OURS, ANOTHERS = fw.mark("acl-old"), fw.mark("acl-7", vpc="vpc-other")


@pytest.mark.parametrize(
    ("entries", "marked", "options", "moved"),
    [
        (OPEN, OURS, {}, True),
        (OPEN, ANOTHERS, {}, False),
        (OPEN, OURS, {"acls": ("acl-1",)}, False),
        (("in 100 allow tcp 22 10.0.0.0/8",), OURS, {}, False),
        (("in 100 allow tcp 22 10.0.0.0/8",), OURS, {"adopt": ("default",)}, True),
    ],
)
def test_a_subnet_goes_back_to_the_default_acl_only_where_that_says_the_same(entries, marked, options, moved):
    plan = fw.planned(*default_case(entries, marked), associate="auto", **options)
    onto_default = {
        change.resource.id
        for change in plan.changes
        if isinstance(change, c.ReplaceNetworkAclAssociation) and change.network_acl_id == "acl-target"
    }
    assert onto_default == ({"subnet-y"} if moved else set())
    told = {item.resource.id for item in plan.not_compared}
    assert ("subnet-y" in told) is (not moved)


def test_one_acl_cannot_be_the_copy_of_two():
    before = fw.source(
        acls=[fw.acl(f"acl-{n}", "in 1 deny -1 - 0.0.0.0/0", tags={"Name": "priv"}) for n in (1, 2)]
    )
    after = fw.target(acls=[fw.acl("acl-9", vpc=fw.TARGET_VPC, tags={"Name": "priv"})])
    with pytest.raises(errors.AmbiguousName, match="both find priv"):
        fw.planned(before, after, adopt=("priv",))


@pytest.mark.parametrize("outside", ["fail", "skip"])
def test_a_default_group_with_a_rule_that_cannot_be_carried_over_differs(outside):
    before = fw.source()
    before["SecurityGroups"][0]["IpPermissions"].append(
        fw.permission("in tcp 22 333333333333/sg-x@vpc-peer@active")[1]
    )
    report = fw.proof(before, fw.target(), outside=outside)
    assert report.equal
    assert not report.complete
    assert [item.resource.id for item in report.not_compared] == ["sg-target"]


@pytest.mark.parametrize("section", ["NetworkAcls", "SecurityGroups"])
def test_a_section_that_the_source_lacks_is_not_compared(section):
    report = fw.proof(without(fw.source(), section), fw.target())
    assert not report.complete
    assert [item.resource.type for item in report.not_compared] == ["vpc"]


def test_a_target_that_says_nothing_of_groups_is_no_empty_one():
    with pytest.raises(errors.ConfigError, match="says nothing of security groups"):
        fw.planned(fw.source(fw.group("sg-a", "a")), without(fw.target(), "SecurityGroups"))


def test_upsert_only_leaves_a_lists_size():
    before = fw.source(
        fw.group("sg-a", "a", "in tcp 1 pl-1"), lists=[fw.prefix_list("pl-1", "office", "1.0.0.0/8", size=1)]
    )
    marked = {"twinwall:source": fw.mark("pl-1", vpc="-")}
    copy = fw.prefix_list("pl-2", "office", "1.0.0.0/8", "2.0.0.0/8", owner=fw.TARGET, size=5, tags=marked)
    plan = fw.planned(before, fw.target(lists=[copy]), policy="upsert-only")
    assert "ModifyManagedPrefixList" not in plan.api_calls
    assert any("2.0.0.0/8" in finding.message for finding in plan.findings)


@pytest.mark.parametrize(
    "lists", [[], [{"PrefixListId": "pl-1", "PrefixListName": "office", "OwnerId": fw.SOURCE}]]
)
def test_an_unreadable_list_with_a_map_in_the_way_is_outside(lists):
    before = fw.source(fw.group("sg-a", "a", "in tcp 1 pl-1"), lists=lists)
    near = fw.target(region=fw.SOURCE_REGION, account=fw.SOURCE)
    assert fw.planned(before, near)
    with pytest.raises(errors.UnmappedPrefixList, match="cannot be read"):
        fw.planned(before, near, map_vpc_cidr=True)


def test_a_mesh_group_is_refused_even_with_our_mark():
    after = fw.target(fw.there("sg-1", "a", marked="sg-a", tags={"twinwall:mesh": "prod"}))
    with pytest.raises(errors.ForeignOwner, match="mesh prod"):
        fw.planned(fw.source(fw.group("sg-a", "a", "in tcp 1 10.0.0.0/8")), after)


def test_what_is_excluded_does_not_follow():
    before = fw.source(fw.group("sg-a", "a", "in tcp 80 sg-b"), fw.group("sg-b", "b"))
    with pytest.raises(errors.UnmappedGroup):
        fw.planned(before, fw.target(), exclude=("b",), outside="follow")
    with pytest.raises(errors.ConfigError, match="--exclude bb"):
        fw.planned(before, fw.target(), exclude=("bb",))


def test_a_list_name_that_two_lists_have_is_ambiguous():
    before = fw.source(fw.group("sg-a", "a", "in tcp 1 pl-1"))
    twins = [fw.prefix_list(f"pl-{n}", "corp", owner=fw.TARGET) for n in (8, 9)]
    with pytest.raises(errors.AmbiguousName, match=r"corp \(pl-8\), corp \(pl-9\)"):
        fw.planned(before, fw.target(lists=twins), map_prefix_list=(("pl-1", "corp"),))


def test_no_copy_can_be_called_default():
    before = fw.source(fw.group("sg-a", "a"))
    with pytest.raises(errors.ForeignOwner, match="EC2 refuses that name"):
        fw.planned(before, fw.target(), rename=(Rename("a", "Default"),), adopt=("default",))


def test_emptying_a_shared_list_counts_as_removing():
    cidrs = [f"1.{n}.0.0/16" for n in range(20)]
    before = fw.source(
        fw.group("sg-a", "a", "in tcp 1 pl-1"), lists=[fw.prefix_list("pl-1", "office", cidrs[0], size=20)]
    )
    marked = {"twinwall:source": fw.mark("pl-1", vpc="-")}
    copy = fw.prefix_list("pl-2", "office", *cidrs, owner=fw.TARGET, size=20, tags=marked)
    with pytest.raises(errors.TooMuchChange, match="19 of 20"):
        fw.planned(before, fw.target(lists=[copy]))


def test_a_list_that_grows_over_a_bystanders_quota_is_refused():
    cidrs = [f"1.{n}.0.0/16" for n in range(50)]
    before = fw.source(
        fw.group("sg-a", "a", "in tcp 1 pl-1"), lists=[fw.prefix_list("pl-1", "office", *cidrs, size=50)]
    )
    marked = {"twinwall:source": fw.mark("pl-1", vpc="-")}
    copy = fw.prefix_list("pl-2", "office", *cidrs[:5], owner=fw.TARGET, size=5, tags=marked)
    bystander = fw.there(
        "sg-9", "bystander", "in tcp 1 pl-2", *(f"in tcp {n} 10.0.0.0/8" for n in range(2, 42))
    )
    with pytest.raises(errors.QuotaExceeded, match="bystander"):
        fw.planned(before, fw.target(bystander, lists=[copy]))


@pytest.mark.parametrize(
    ("option", "wrong", "right"),
    [
        ("map_group", (GroupMap("wbe", "sg-target"),), (GroupMap("web", "sg-target"),)),
        ("map_group", (GroupMap("sg-typo", "sg-target"),), (GroupMap("sg-gone", "sg-target"),)),
        ("map_prefix_list", (("pl-2", "pl-9"),), (("pl-1", "pl-9"),)),
        ("rename", (Rename("wbe*", "x-*"),), (Rename("w*", "x-*"),)),
        ("adopt", ("wbe",), ("default",)),
    ],
)
def test_an_option_that_names_nothing_is_told(option, wrong, right):
    before = fw.source(fw.group("sg-a", "web", "in tcp 1 sg-gone", "in tcp 2 pl-1"))
    after = fw.target(lists=[fw.prefix_list("pl-9", "ours", owner=fw.TARGET)])
    plan = fw.planned(before, after, outside="skip", **{option: wrong})
    assert "option-unused" in fw.finding_ids(plan)
    plan = fw.planned(before, after, outside="skip", **{option: right})
    assert "option-unused" not in fw.finding_ids(plan)
