"""Laws of planning: what a plan's calls make of the existing firewall is what was desired; the plan of
equals is empty; every change survives a plan file."""

import firewalls as fw
import interpreter
from hypothesis import given
from hypothesis import strategies as st

from twinwall.engine.planned import Planned
from twinwall.engine.reading import SideReader, read_scene
from twinwall.engine.sides import FileSide
from twinwall.model.firewall import Endpoint
from twinwall.planning.making import Allowed, make_plan
from twinwall.planning.quotas import Quotas
from twinwall.planning.requests import change_document, change_from_document
from twinwall.replica.translate import translate

PEERS = ["10.0.0.0/8", "10.1.0.0/16", "203.0.113.9/32", "0.0.0.0/0", "2001:db8::/56", "pl-1", "pl-2"]
ENTRY = (
    ["allow", "deny"],
    ["tcp 22", "-1 -", "icmp 8:-1"],
    ["10.0.0.0/8", "0.0.0.0/0", "2001:db8::/56"],
)
TRAFFIC = ["tcp 443", "tcp 80-90", "udp 53", "-1 -", "icmp 8:0", "icmp -1", "50 -", "icmpv6 -1"]


@st.composite
def firewalls(draw, source=True, names=("a", "b", "c", "d")):
    """A source, or a target that holds marked copies of some of its groups in any state."""
    made = [name for name in names if draw(st.booleans())]
    groups = [draw(groups_of(name, made, source)) for name in made]
    acls = [draw(acls_of(name, source)) for name in ("x", "y") if draw(st.booleans())]
    lists = [draw(lists_of(number, source)) for number in (1, 2)]
    if source:
        return fw.source(
            *groups, acls=acls, lists=lists, subnets=[fw.subnet("subnet-1", "10.0.1.0/24", name="n")]
        )
    return fw.target(*groups, acls=acls, lists=[item for item in lists if item["Entries"]],
                     subnets=[fw.subnet("subnet-t", "10.20.1.0/24", name="n", vpc=fw.TARGET_VPC)],
                     default_subnets=["subnet-t"])  # fmt: skip


@st.composite
def groups_of(draw, name, names, source):
    prefix = "sg-" if source else "sg-copy-"
    peers = PEERS[: None if source else -2] + [f"{prefix}{other}" for other in names]
    texts = draw(
        st.lists(
            st.tuples(st.sampled_from(["in", "out"]), st.sampled_from(TRAFFIC), st.sampled_from(peers)),
            max_size=8, unique=True,
        )
    )  # fmt: skip
    rules = [f"{' '.join(text)} {draw(st.sampled_from(['one', 'two']))}" for text in texts]
    if source:
        return fw.group(f"sg-{name}", name, *rules, tags={"team": draw(st.sampled_from("pq"))})
    return fw.there(f"sg-copy-{name}", name, *rules, marked=f"sg-{name}")


@st.composite
def acls_of(draw, name, source):
    numbers = draw(st.lists(st.sampled_from([1, 10, 20, 100]), unique=True, max_size=4))
    entries = [
        " ".join([way, str(number), *map(draw, (st.sampled_from(choice) for choice in ENTRY))])
        for way in ("in", "out")
        for number in numbers
    ]
    if source:
        subnets = ["subnet-1"] if name == "x" else []
        return fw.acl(f"acl-{name}", *entries, tags={"Name": name}, subnets=subnets)
    return fw.acl(
        f"acl-copy-{name}", *entries, vpc=fw.TARGET_VPC, tags={"twinwall:source": fw.mark(f"acl-{name}")}
    )


@st.composite
def lists_of(draw, number, source):
    size = draw(st.sampled_from([1, 3, 150]))
    cidrs = [f"172.{16 + number}.{i}.0/24" for i in range(draw(st.integers(1, size)))]
    if source:
        return fw.prefix_list(f"pl-{number}", f"office-{number}", *cidrs, size=size)
    tags = {"twinwall:source": fw.mark(f"pl-{number}", vpc="-")}
    return fw.prefix_list(
        f"pl-copy-{number}", f"office-{number}", *cidrs, size=size, owner=fw.TARGET, tags=tags
    )


ROOMY = Quotas(rules_per_group=10_000)


def planned(before, after):
    settings = fw.settings(associate="auto")
    here, there = SideReader(FileSide("s", before), "source"), SideReader(FileSide("t", after), "target")
    desired = translate(read_scene(here, there, settings, writing=True))
    return replan(desired, there.snapshot())


def replan(desired, existing):
    allowed = Allowed(max_change=None)
    plan = make_plan(desired, existing, allowed, ROOMY, Endpoint("s"), Endpoint("t"))
    return Planned(plan, existing)


@given(firewalls(), firewalls(source=False))
def test_applying_the_difference_gives_what_was_desired(before, after):
    made = planned(before, after)
    result = interpreter.interpret(made.plan.changes, made.existing)
    groups = {group.group_id: group for group in result.groups}
    for group in made.plan.desired.groups:
        found = groups[group.group_id]
        assert {(rule, rule.description) for rule in found.rules} == {
            (rule, rule.description) for rule in group.rules
        }
        assert set(group.tags) <= set(found.tags)
    acls = {acl.network_acl_id: acl for acl in result.acls}
    for acl in made.plan.desired.acls:
        assert acls[acl.network_acl_id].entries == acl.entries
    lists = {item.prefix_list_id: item for item in result.prefix_lists}
    for item in made.plan.desired.lists:
        assert {entry.cidr for entry in lists[item.prefix_list_id].entries} == {
            entry.cidr for entry in item.entries
        }
        assert lists[item.prefix_list_id].max_entries == item.max_entries
    for wanted in made.plan.desired.associations:
        assert wanted.subnet.id in {a.subnet_id for a in acls[wanted.network_acl_id].associations}


@given(firewalls(), firewalls(source=False))
def test_nothing_is_removed_before_everything_is_added(before, after):
    """Of what existed: new groups are nobody's yet."""
    changes = [
        change for change in planned(before, after).plan.changes if change.resource.id.startswith("sg-")
    ]
    kinds = [change.action.startswith("Revoke") for change in changes]
    assert kinds == sorted(kinds)


@given(firewalls(), firewalls(source=False))
def test_changes_survive_a_plan_file(before, after):
    for change in planned(before, after).plan.changes:
        assert change_from_document(change_document(change)) == change


@given(firewalls())
def test_the_plan_of_equals_is_empty(before):
    """The source itself, as it would look in the target: every rule names the copies."""
    first = planned(before, fw.target(subnets=[fw.subnet("subnet-t", "10.20.1.0/24", vpc=fw.TARGET_VPC)]))
    result = interpreter.interpret(first.plan.changes, first.existing)
    assert replan(first.plan.desired, result).plan.changes == ()
