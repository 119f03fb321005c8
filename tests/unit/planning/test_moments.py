"""``briefly_open``, ``may_cut_live``, ``lingers``, ``--strict``: what happens on the way besides."""

import firewalls as fw
import pytest

from twinwall import errors
from twinwall.planning.order import Barrier, Step

ALL_OUT = "out -1 - 0.0.0.0/0"
OTHERS = ("out tcp 1 10.0.0.0/8",)


def plan(before, after, *, acls=((), ()), **options):
    """From ``before``'s to ``after``'s rules, group by group; ``acls``: entries of the one subnet's ACL."""
    subnets = {"x": "subnet-1"}
    source = fw.source(
        *(fw.group(f"sg-{name}", name, *rules) for name, rules in after.items()),
        acls=[fw.acl("acl-x", *acls[1], subnets=["subnet-1"], tags={"Name": "x"})] if acls[1] else (),
        subnets=[fw.subnet("subnet-1", "10.0.1.0/24", name="x")],
    )
    target = fw.target(
        *(fw.there(f"sg-0{name}", name, *rules, marked=f"sg-{name}") for name, rules in before.items()),
        acls=[
            fw.acl(
                "acl-0x",
                *acls[0],
                subnets=subnets.values(),
                vpc=fw.TARGET_VPC,
                tags={"Name": "x", "twinwall:source": fw.mark("acl-x")},
            )
        ]
        if acls[0]
        else (),
        subnets=[fw.subnet("subnet-1", "10.20.1.0/24", name="x", vpc=fw.TARGET_VPC)],
    )
    return fw.planned(source, target, force=True, associate="auto", **options)


def said(flows):
    return [str(flow) for flow in flows]


# --- tracked and untracked


@pytest.mark.parametrize(
    ("before", "after", "cut", "lingers"),
    [
        (["in tcp 80 0.0.0.0/0", ALL_OUT], ["in tcp 80 10.0.0.0/8", ALL_OUT], ["tcp/80 from 10.0.0.0/8"], []),
        (["in tcp 80 0.0.0.0/0", ALL_OUT], [ALL_OUT], [], []),
        (["in tcp 80 10.0.0.0/8", ALL_OUT], [ALL_OUT], [], ["tcp/80 from 10.0.0.0/8"]),
        (["in tcp 80 0.0.0.0/0", *OTHERS], [*OTHERS], [], ["tcp/80 from 0.0.0.0/0"]),
        (["in icmp 8:0 0.0.0.0/0", ALL_OUT], [ALL_OUT], [], ["icmp/8:0 from 0.0.0.0/0"]),
        (["in tcp 80 sg-{}a", ALL_OUT], [ALL_OUT], [], ["tcp/80 from a (sg-0a)"]),
    ],
)
def test_what_lives_on_and_what_may_be_cut(before, after, cut, lingers):
    made = plan({"a": [text.format("0") for text in before]}, {"a": after})
    assert [text.removesuffix(" to a (sg-0a)") for text in said(made.may_cut_live) if " to a" in text] == cut
    assert [text.removesuffix(" to a (sg-0a)") for text in said(made.lingers)] == lingers


# --- briefly open


def test_what_one_group_opens_and_the_other_closes_is_named():
    before = {"a": ["out tcp 1 10.0.0.0/8"], "b": ["in tcp 5432 10.20.0.0/16"]}
    after = {"a": ["out tcp 5432 sg-b"], "b": ["in tcp 9 10.20.0.0/16"]}
    made = plan(before, after)
    assert "tcp/5432 from a (sg-0a) to b (sg-0b)" in said(made.briefly_open)
    assert plan(before, before).briefly_open == ()


MIXED = (
    ["in 100 allow tcp 22 0.0.0.0/0", "out 100 allow -1 - 0.0.0.0/0"],
    ["in 100 allow tcp 80 0.0.0.0/0", "out 100 allow -1 - 0.0.0.0/0"],
)
OPENED = ({"a": ["in tcp 9 10.0.0.0/8"]}, {"a": ["in tcp 22 10.0.0.0/8"]})


def test_what_a_group_opens_and_a_mixed_acl_closes_is_named_unless_strict():
    assert "tcp/22 from 10.0.0.0/8 to a (sg-0a)" in said(plan(*OPENED, acls=MIXED).briefly_open)
    strict = plan(*OPENED, acls=MIXED, strict=True)
    assert strict.briefly_open == ()
    assert strict.api_calls["CreateNetworkAclEntry"] > plan(*OPENED, acls=MIXED).api_calls.get(
        "CreateNetworkAclEntry", 0
    )


def positions(made, resource_type, *actions):
    return [
        n
        for n, item in enumerate(made.route)
        if isinstance(item, Step)
        and item.change.resource.type == resource_type
        and item.change.action in actions
    ]


def test_closing_acls_go_before_the_groups_and_opening_ones_after():
    wide = ["in 100 allow tcp 22 0.0.0.0/0", "in 110 allow tcp 80 0.0.0.0/0", "out 100 allow -1 - 0.0.0.0/0"]
    narrow = [wide[0], wide[2]]
    closing, opening = plan(*OPENED, acls=(wide, narrow)), plan(*OPENED, acls=(narrow, wide))
    (shut,) = positions(closing, "network-acl", "DeleteNetworkAclEntry")
    (added,) = positions(closing, "security-group", "AuthorizeSecurityGroupIngress")
    assert shut in closing.route[added].after
    (opened,) = positions(opening, "network-acl", "CreateNetworkAclEntry")
    (gone,) = positions(opening, "security-group", "RevokeSecurityGroupIngress")
    assert gone in opening.route[opened].after
    assert closing.briefly_open == opening.briefly_open == ()


def test_what_strict_cannot_do_is_refused():
    low = [[text.replace("100", "1") for text in side] for side in MIXED]
    with pytest.raises(errors.UnsafePlan, match=r"--strict: .* no number before 1; ways out"):
        plan(*OPENED, acls=low, strict=True)


# --- another ACL takes its place


def test_an_acl_whose_edits_cost_more_is_replaced_and_the_desired_state_speaks_of_the_new_one():
    before = [f"in {n} allow tcp {n} 10.0.0.0/8" for n in range(100, 110)]
    after = [f"in {n} deny tcp {n} 10.0.0.0/8" for n in range(200, 203)]
    made = plan({}, {}, acls=(before, after))
    actions = [item.change.action for item in made.route if isinstance(item, Step)]
    assert actions == [
        "CreateNetworkAcl",
        *["CreateNetworkAclEntry"] * 3,
        "ReplaceNetworkAclAssociation",
        "DeleteNetworkAcl",
    ]
    (barrier,) = [n for n, item in enumerate(made.route) if isinstance(item, Barrier)]
    assert made.route[-1].after[-1] == barrier
    assert [acl.network_acl_id for acl in made.desired.acls] == ["new:network-acl:x"]
    assert dict(made.changes[0].tags)["twinwall:source"] == fw.mark("acl-x")
    assert made.summary.update == 1
