"""The promise: in any order that a route allows, after every single call, no packet's verdict changes twice.

What the AWS in memory holds is followed packet by packet, by an oracle that shares no code with the guard
(``promised``). Then the mutants: orders that other tools take, and a guard that looks less closely; each is caught.
"""

import contextlib
import itertools
import random
from dataclasses import replace
from functools import partial

import estate_pairs as pairs
import firewalls as fw
import promised
import pytest
import watched
from hypothesis import given, settings
from hypothesis import strategies as st

from twinwall import errors
from twinwall.emulator.switches import Switches
from twinwall.model.firewall import Resource
from twinwall.model.net import ANY_IPV4, ANY_IPV6
from twinwall.planning import changes as c
from twinwall.planning.acl_entries import packets_of
from twinwall.planning.order import Barrier, Step
from twinwall.planning.pairing import Pair, universe_of
from twinwall.planning.promise.gapless import excess, lost
from twinwall.planning.promise.prove import breaches
from twinwall.planning.routing import acl_paths
from twinwall.planning.routing.creation import creation_order
from twinwall.planning.routing.full_paths import crowd_path
from twinwall.planning.routing.standing import Ends, Standing, Views
from twinwall.planning.semantics import GroupRules

SEEDS = st.integers(0, 2**32)
SWITCHES = tuple(
    Switches(modify_all_or_nothing=whole, modify_refuses_passing_twins=twins, slow_states=slow)
    for whole, twins, slow in itertools.product((True, False), repeat=3)
)


def walked(seed: int, **kinds: bool) -> bool:
    """Whether there was a plan; what it does is followed."""
    source = random.Random(seed)
    case = pairs.pair(source, **kinds)
    aws, side = case.stage(source.choice(SWITCHES))
    try:
        plan = case.plan(side, strict=source.random() < 0.2)
    except errors.UnsafePlan:
        return False
    states = promised.walk(plan.route, aws, fw.TARGET, pairs.REGION, source)
    interfaces = frozenset(map(frozenset, case.interfaces))
    watched.hold(states, interfaces, promised.PRIVATE)
    promised.check(states, interfaces)
    assert case.plan(side).empty
    return True


@given(SEEDS)
@settings(max_examples=12)
def test_every_order_of_a_route_keeps_the_promise(seed):
    walked(seed)


@given(SEEDS)
@settings(max_examples=6)
def test_so_does_one_with_full_groups_and_lists(seed):
    walked(seed, acls=False)


@given(SEEDS)
@settings(max_examples=6)
def test_so_does_one_of_acls(seed):
    walked(seed, symbols=False, lists=False)


def test_most_pairs_have_a_plan():
    """Else the laws above would speak of little."""
    assert sum(walked(seed, full=False) for seed in range(4)) >= 3
    assert sum(walked(seed, lists=False) for seed in range(4)) >= 3


@pytest.mark.parametrize("seed", [571, 616])
def test_what_was_wrong_once(seed):
    """571: a list grew while a full group on no interface still held what was to go. 616: of calls one after the other
    the guard forgot the state before a gain, and let a rule go that only the gain makes up for."""
    walked(seed)


@pytest.mark.soak
@pytest.mark.parametrize("block", range(20))
def test_a_thousand_pairs(block):
    made = [walked(seed) for seed in range(block * 50, block * 50 + 50)]
    assert sum(made) > 25


# --- mutants


def caught(route, aws, case, seeds=range(6)):
    """Whether a walk of the route breaks the promise before our eyes."""
    for seed in seeds:
        other, _ = case.stage()
        try:
            states = promised.walk(route, other, fw.TARGET, pairs.REGION, random.Random(seed))
            promised.check(states, map(frozenset, case.interfaces))
        except promised.Broken:
            return True
    return False


def estate(before, after, *, interfaces=(("sg-0a", "sg-0b"),), **quotas):
    """A case of two groups, a and b, with these rules; more ACLs by the keys ``acls``, ``target_acls``."""
    acls, target_acls = quotas.pop("acls", ()), quotas.pop("target_acls", ())
    held = {"rules": 60, "entries": 20, "acls": 200} | quotas
    return pairs.Case(
        fw.source(
            *(fw.group(f"sg-{name}", name, *rules, fw.DEFAULT_EGRESS) for name, rules in after.items()),
            acls=acls,
            subnets=[fw.subnet(s, f"10.0.{n}.0/24", name=s) for n, s in enumerate(pairs.SUBNETS)],
        ),
        fw.target(
            *(
                fw.there(f"sg-0{name}", name, *rules, fw.DEFAULT_EGRESS, marked=f"sg-{name}")
                for name, rules in before.items()
            ),
            acls=target_acls,
            subnets=[
                fw.subnet(s, f"10.20.{n}.0/24", name=s, vpc=fw.TARGET_VPC)
                for n, s in enumerate(pairs.SUBNETS)
            ],
        ),
        held["rules"],
        held["entries"],
        held["acls"],
        list(interfaces),
    )


def pair_of(plan, side):
    from twinwall.engine.reading import SideReader

    reader = SideReader(side, "target")
    reader.read("Vpcs", "Subnets", "SecurityGroups", "NetworkAcls", "NetworkInterfaces")
    existing = reader.snapshot()
    return Pair(plan.desired, existing, universe_of(plan.desired, existing))


MOVED = ({"a": ("in tcp 22 10.0.0.0/8",), "b": ()}, {"a": (), "b": ("in tcp 22 10.0.0.0/8",)})
REPLACED = ({"a": ("in tcp 1-5 10.0.0.0/8",)}, {"a": ("in tcp 3-9 10.0.0.0/8",)})


def serial(changes):
    return tuple(Step(change, (n - 1,) if n else ()) for n, change in enumerate(changes))


def mutant(case, order):
    """The plan's calls in another order: told by the guard, and seen to break the promise."""
    aws, side = case.stage()
    plan = case.plan(side)
    assert not breaches(plan.route, pair_of(plan, side))
    assert not caught(plan.route, aws, case)
    route = order(plan)
    assert [breach.kind for breach in breaches(route, pair_of(plan, side))].count("gap")
    assert caught(route, aws, case)


def revoke_first(plan):
    return serial(sorted(plan.changes, key=lambda change: "Authorize" in change.action))


def test_a_route_that_revokes_first_is_caught():
    mutant(estate(*REPLACED, interfaces=[("sg-0a",)]), revoke_first)


def test_phases_of_each_group_without_a_barrier_are_caught():
    """Each group adds before it removes; what moves from one to the other is lost between."""

    def order(plan):
        mine = [[n for n, ch in enumerate(plan.changes) if ch.resource.name == name] for name in "ab"]
        chain = {later: first for positions in mine for first, later in itertools.pairwise(positions)}
        return tuple(Step(ch, (chain[n],) if n in chain else ()) for n, ch in enumerate(plan.changes))

    mutant(estate(*MOVED), order)


def test_a_route_without_its_barriers_is_caught():
    def order(plan):
        kept = [n for n, item in enumerate(plan.route) if isinstance(item, Step)]
        place = {old: new for new, old in enumerate(kept)}
        items = [plan.route[n] for n in kept]
        return tuple(replace(i, after=tuple(place[a] for a in i.after if a in place)) for i in items)

    mutant(estate(*MOVED), order)


def test_the_naive_check_of_symbols_is_caught():
    """{a rule of addresses} → {one of a group}, both on the port; between them a state that admits neither an
    address nor the group, but another group: axis by axis nothing is lost that both ends admit."""
    old = GroupRules((fw.rule("in tcp 22 10.20.0.0/16"),)).packets
    new = GroupRules((fw.rule("in tcp 22 sg-a"),)).packets
    between = GroupRules(()).packets

    def universe(symbol):
        return promised.PRIVATE

    assert not (old & new) - between  # the naive check: as if symbols and addresses were apart
    found = lost(old, new, between, universe)
    assert found is not None
    assert found.members == ("sg-a",)
    case = estate({"a": ("in tcp 22 10.20.0.0/16",)}, {"a": ("in tcp 22 sg-a",)}, interfaces=[("sg-0a",)])
    mutant(case, revoke_first)


def entries(*texts):
    from twinwall.model.wire import parse_entry

    return tuple(sorted(parse_entry(fw.entry(text)) for text in texts))


def test_a_new_list_of_entries_inserted_bottom_first_is_caught():
    """An early deny would be live before the allow that shadows it."""
    old = entries("in 100 allow tcp 22 10.0.0.0/8")
    new = entries("in 200 allow tcp 22 10.1.0.0/16", "in 210 deny tcp 22 10.0.0.0/8")
    right = acl_paths.in_front(old, new, 20)
    copy = [entry for entry in right[len(new) - 1] if entry not in old]
    now, goal = packets_of(old), packets_of(new)
    bottom_first = packets_of(tuple(sorted((copy[1], *old))))
    assert not acl_paths.keeps_promise(now, goal, bottom_first)
    assert acl_paths.keeps_promise(now, goal, packets_of(right[0]))


@pytest.mark.parametrize("mutant", [False, True])
def test_so_it_is_where_ec2_holds_the_acl(mutant):
    """The same edits, one call after the other, on an ACL that guards a subnet."""
    old = ["in 100 allow tcp 22 10.0.0.0/8"]
    new = ["in 200 allow tcp 22 10.1.0.0/16", "in 210 deny tcp 22 10.0.0.0/8"]
    acl = fw.acl("acl-0x", *old, subnets=["subnet-1"], vpc=fw.TARGET_VPC)
    aws, _ = estate({}, {}, interfaces=[], target_acls=[acl]).stage()
    states = [entries(*old), *acl_paths.in_front(entries(*old), entries(*new), 20)]
    edits = [edit for before, after in itertools.pairwise(states) for edit in edits_between(before, after)]
    if mutant:
        edits[0], edits[1] = edits[1], edits[0]
    walk = promised.walk(serial(edits), aws, fw.TARGET, pairs.REGION, random.Random(1))
    for judge in (promised.check, partial(watched.hold, private=promised.PRIVATE)):
        with pytest.raises(promised.Broken) if mutant else contextlib.nullcontext():
            judge(walk, frozenset())


def edits_between(before, after):
    resource = Resource("network-acl", "acl-0x")
    yield from (c.DeleteNetworkAclEntry(resource=resource, entry=one) for one in set(before) - set(after))
    yield from (c.CreateNetworkAclEntry(resource=resource, entry=one) for one in set(after) - set(before))


def test_a_swap_by_an_association_id_that_is_stale_is_refused_by_ec2():
    """And so never takes another subnet's ACL away: the id in the plan is the one that was read for it."""
    case = estate(
        {},
        {},
        interfaces=[],
        acls=[fw.acl("acl-x", "in 100 allow tcp 22 10.0.0.0/8", subnets=["subnet-1"], tags={"Name": "x"})],
    )
    aws, side = case.stage()
    plan = case.plan(side)
    (swap,) = [change for change in plan.changes if isinstance(change, c.ReplaceNetworkAclAssociation)]
    run = promised.Walk(aws, fw.TARGET, pairs.REGION)
    for change in plan.changes:
        run.send(change)
    with pytest.raises(errors.NotFound):
        run.send(replace(swap, network_acl_id=next(iter(aws.world.at(fw.TARGET, pairs.REGION).acls))))


# --- ACLs


def random_entries(source, most, *, low):
    numbers = source.sample(range(low, low + 3 * most), source.randint(0, most))
    return entries(
        *(
            f"in {number} {source.choice(('allow', 'allow', 'deny'))} {source.choice(pairs.TRAFFIC[:6])} "
            f"{source.choice(pairs.CIDRS)}"
            for number in numbers
        )
    )


@given(SEEDS)
def test_a_path_of_acl_entries_is_made_of_single_edits_without_a_gap(seed):
    source = random.Random(seed)
    room, low = source.choice((3, 5, 8)), source.choice((1, 50))
    old, new = (random_entries(source, min(4, room), low=low) for _ in range(2))
    for path in (acl_paths.best_path(old, new, room), *built(old, new, room)):
        if path is not None:
            follow_path(old, new, path, room)


def built(old, new, room):
    return (acl_paths.in_front(old, new, room), acl_paths.behind(old, new, room)) if old != new else ()


def follow_path(old, new, path, room):
    assert (path[-1] if path else old) == new
    steps = (old, *path)
    for before, after in itertools.pairwise(steps):
        assert len({entry.rule_number for entry in set(before) ^ set(after)}) == 1
        assert len(after) <= room
    every = {entry for step in steps for entry in step}
    for packet in promised.packets_at({entry.traffic for entry in every}):
        for address in promised.addresses_at({entry.cidr for entry in every}):
            verdicts = [
                promised.acl_admits(sorted(step), entry.direction, packet, address)
                for step in steps
                for entry in list(every)[:1]
            ]
            assert sum(one != other for one, other in itertools.pairwise(verdicts)) <= 1


def test_the_figures_of_insert_in_front():
    old = entries(*(f"in {n} allow tcp {n} 10.0.0.0/8" for n in (100, 110, 120)))
    new = entries(*(f"in {n} deny tcp {n} 10.0.0.0/8" for n in (105, 115)))
    path = acl_paths.in_front(old, new, 20)
    assert len(path) == len(old) + 3 * len(new)
    assert max(map(len, path)) == max(len(old) + len(new), 2 * len(new))
    assert acl_paths.in_front(old, new, 4) is None
    assert acl_paths.in_front(entries("in 1 allow tcp 1 10.0.0.0/8"), new, 20) is None


def test_a_full_list_that_swaps_its_numbers_has_no_path():
    """promise.md, rule 6."""
    some = "allow tcp 22 10.0.0.0/8", "deny tcp 1-30 10.0.0.0/8"
    old = entries(f"in 100 {some[0]}", f"in 200 {some[1]}")
    new = entries(f"in 100 {some[1]}", f"in 200 {some[0]}")
    assert acl_paths.best_path(old, new, 3) is not None
    keeps = acl_paths.best_path(old, new, 2)
    assert keeps is None or len(keeps) == 2


# --- full groups


def full_pair(source, quota, peers):
    def one():
        first, last = sorted(source.sample(range(1, 8), 2))
        return fw.rule(f"in tcp {first}-{last} {source.choice(peers)}")

    return frozenset(one() for _ in range(quota)), frozenset(one() for _ in range(quota))


def full_turns(old, new, quota, *, in_place=True):
    ends = Ends(old, new, Views(), lambda _: (ANY_IPV4, ANY_IPV6), lambda rules: len(rules) <= quota)
    turns = [turn for _, turn in crowd_path(Standing({"g": ends}, lambda *_: iter(())))]
    return ends, turns


def closed(ends, now, later):
    """Whether the step is no gap-free one; by the guard's own formula, on whole sets."""
    before, goal, after = (GroupRules(tuple(rules)).packets for rules in (now, ends.new, later))
    return lost(before, goal, after, ends.universe) is not None or excess(before, goal, after) is not None


@given(SEEDS)
def test_full_groups_of_one_kind_have_a_gap_free_order(seed):
    source = random.Random(seed)
    quota = source.choice((2, 3, 4))
    old, new = full_pair(source, quota, pairs.CIDRS[:5])
    ends, turns = full_turns(old, new, quota)
    rules = old
    for turn in turns:
        later = turn.of(rules)
        assert len(later) <= quota or len(old | new) <= quota
        before, after = (GroupRules(tuple(one)).packets for one in (rules, later))
        assert excess(before, GroupRules(tuple(ends.new)).packets, after) is None
        rules = later
    assert rules == new


@pytest.mark.soak
def test_with_modify_hardly_any_full_pair_has_a_gap():
    """promise.md, rule 4: 1 of 2,650 pairs; here the pairs are of one kind."""
    gaps = 0
    source = random.Random(4)
    for _ in range(5000):
        quota = source.choice((2, 3, 4))
        old, new = full_pair(source, quota, pairs.CIDRS[:5])
        ends, turns = full_turns(old, new, quota)
        rules = old
        for turn in turns:
            gaps += closed(ends, rules, turn.of(rules))
            rules = turn.of(rules)
    assert gaps <= 2


def test_what_cannot_be_kept_is_refused_with_rule_flow_moment_and_ways_out():
    """One slot, and the kind of the peer changes."""
    case = estate(
        {"a": ("in tcp 22 10.20.0.0/16",)},
        {"a": ("in tcp 22 sg-a",)},
        interfaces=[("sg-0a",)],
        rules=1,
    )
    _, side = case.stage()
    with pytest.raises(errors.UnsafePlan) as refused:
        case.plan(side)
    text = str(refused.value)
    for words in ("RevokeSecurityGroupIngress", "tcp/22 from 10.20", "ways out", "quota", "--allow-gap"):
        assert words in text
    assert refused.value.exit_code == 3
    plan = case.plan(side, allow_gap=True)
    (finding,) = [finding for finding in plan.findings if finding.id == "gap-allowed"]
    assert "tcp/22" in finding.message


# --- lists that grow in full groups


def with_list(before, after, entries, *, rules, interfaces=(("sg-0a",),)):
    """Group a names the list, whose entries are to be others; ``rules``: the quota."""
    marked = {"twinwall:source": fw.mark("pl-1", vpc="-")}
    held, wanted = entries
    return pairs.Case(
        fw.source(
            fw.group("sg-a", "a", *after),
            lists=[fw.prefix_list("pl-1", "office", *wanted, size=2)],
            subnets=[fw.subnet(s, f"10.0.{n}.0/24", name=s) for n, s in enumerate(pairs.SUBNETS)],
        ),
        fw.target(
            fw.there("sg-0a", "a", *before, marked="sg-a"),
            lists=[fw.prefix_list("pl-01", "office", *held, size=2, owner=fw.TARGET, tags=marked)],
            subnets=[
                fw.subnet(s, f"10.20.{n}.0/24", name=s, vpc=fw.TARGET_VPC)
                for n, s in enumerate(pairs.SUBNETS)
            ],
        ),
        rules,
        20,
        200,
        list(interfaces),
    )


OTHERS = (("172.16.0.0/24", "192.0.2.0/24"), ("10.20.1.0/24",))
"""Two entries go, one comes: for a while it has three."""


@pytest.mark.parametrize("interfaces", [(), (("sg-0a",),)])
def test_room_is_made_before_a_list_grows(interfaces):
    """4 of 4, and the list weighs one more for a while: what goes for good goes first, and what closes a flow in
    going becomes, in place, what makes up for it."""
    case = with_list(
        ("in tcp 1-8 pl-01", "in tcp 1-4 10.0.0.0/8", "in tcp 5 10.1.0.0/16"),
        ("in tcp 1-8 pl-1", "in tcp 1-5 10.0.0.0/8"),
        OTHERS,
        rules=4,
        interfaces=interfaces,
    )
    aws, side = case.stage()
    route = case.plan(side).route
    states = promised.walk(route, aws, fw.TARGET, pairs.REGION, random.Random(1))
    watched.hold(states, frozenset(map(frozenset, interfaces)), promised.PRIVATE)
    assert case.plan(side).empty


def test_a_list_for_whose_growth_there_is_no_room_is_refused_before_any_call():
    """Both others are needed until the one comes that takes their place, and that is of another kind."""
    case = with_list(
        ("in tcp 1-8 pl-01", "in tcp 1-4 10.20.0.0/16", "in udp 5 10.20.0.0/16"),
        ("in tcp 1-8 pl-1", "in -1 - sg-a"),
        OTHERS,
        rules=4,
        interfaces=[("sg-0a",)],
    )
    _, side = case.stage()
    for gap in (False, True):
        with pytest.raises(errors.QuotaExceeded) as refused:
            case.plan(side, allow_gap=gap)
        said = "while it holds both its old and its new entries, a (sg-0a) would have 5 IPv4 ingress rules"
        assert said in str(refused.value)


# --- order


def test_a_plan_that_only_adds_has_no_barrier_and_one_that_removes_has_one():
    ends = {"a": ()}, {"a": ("in tcp 22 10.0.0.0/8",), "b": ()}
    added = estate(*ends, interfaces=[("sg-0a",)])
    assert not [item for item in added.plan(added.stage()[1]).route if isinstance(item, Barrier)]
    plan = estate(*MOVED).plan(estate(*MOVED).stage()[1])
    assert len([item for item in plan.route if isinstance(item, Barrier)]) == 1


def test_rules_wait_only_for_the_groups_that_they_name():
    case = estate({}, {"a": ("in tcp 22 sg-b",), "b": ("in tcp 22 10.0.0.0/8",)}, interfaces=[])
    plan = case.plan(case.stage()[1])
    actions = {n: item.change for n, item in enumerate(plan.route)}
    for item in plan.route:
        if isinstance(item.change, c.AuthorizeRules):
            named = {item.change.resource.id, *(str(rule.peer) for rule in item.change.rules)}
            waits = {actions[n].resource.id for n in item.after}
            assert waits == {id_ for id_ in named if id_.startswith("new:")}


@pytest.mark.parametrize(
    ("shape", "most"), [("hub", 1.05), ("clusters", 1.05), ("ring", 1.05), ("random", 1.3)]
)
def test_groups_are_made_so_that_few_references_wait(shape, most):
    """performance.md, chapter 3: the time of creating and authorizing against that of creating alone."""
    assert makespan(graph(shape, 500)) / ((500 - 50) / 5) <= most


def graph(shape, size):
    source = random.Random(1)
    names = list(range(size))
    edges = {
        "hub": lambda n: {0},
        "clusters": lambda n: {n - n % 10 + k for k in range(10)},
        "ring": lambda n: {(n + 1) % size},
        "random": lambda n: set(source.sample(names, 3)),
    }[shape]
    return {str(n): {str(other) for other in edges(n)} for n in names}


def makespan(names):
    made = {id_: max(0.0, (n - 49) / 5) for n, id_ in enumerate(creation_order(names))}
    ready = sorted(max(made[one] for one in (id_, *named)) for id_, named in names.items())
    tokens, end = [], 0.0
    for n, at in enumerate(ready):
        tokens.append(at)
        earliest = tokens[n - 50] + 0.2 if n >= 50 else 0.0
        tokens[n] = end = max(at, earliest, (tokens[n - 1] if n else 0.0))
    return end
