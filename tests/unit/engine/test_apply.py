"""Carrying out: the journal around each call, the throttle, what stops a run and what does not."""

import pytest

from twinwall import errors
from twinwall.boundary import Written
from twinwall.emulator.simulation import Simulation
from twinwall.engine.apply import carry_out
from twinwall.engine.means import Means
from twinwall.engine.pace import Pace
from twinwall.model.firewall import Resource, Snapshot, new_id
from twinwall.model.net import ANY_IPV4
from twinwall.model.rules import CidrPeer, Direction, GroupPeer, PrefixListPeer, SecurityGroupRule, Traffic
from twinwall.model.throttle import bucket_of
from twinwall.planning import changes as c
from twinwall.planning.makespan import makespan
from twinwall.planning.order import Barrier, Step

WEB = Resource("security-group", new_id("security-group", "web"), "web")


def rule(peer, direction=Direction.INGRESS):
    return SecurityGroupRule(direction, Traffic(6, 443, 443), peer)


def create(resource=WEB):
    return c.CreateSecurityGroup(resource=resource, group_name="web", description="web", vpc_id="vpc-1")


def authorize(*peers):
    return c.AuthorizeRules(resource=WEB, direction=Direction.INGRESS, rules=tuple(map(rule, peers)))


class Journal:
    path = "journal"

    def __init__(self):
        self.lines = []

    def record(self, event, fields):
        self.lines.append((event, fields))

    def record_all(self, events):
        self.lines.extend(events)

    @property
    def events(self):
        return [event for event, _ in self.lines]


class Writer:
    """Answers by turns: an error to raise, or an id. After that, ``sg-1``. Each call takes ``latency`` seconds."""

    def __init__(self, *answers, latency=0.0):
        self.answers = list(answers)
        self.sent = []
        self.at = []
        self.latency = latency
        self.clock = None

    def carry_out(self, change):
        self.sent.append(change)
        self.at.append(self.clock.monotonic())
        self.clock.sleep(self.latency)
        answer = self.answers.pop(0) if self.answers else "sg-1"
        if isinstance(answer, BaseException):
            raise answer
        return Written(answer)


class Reader:
    """A VPC as it is said to be: groups, and the rules of each."""

    def __init__(self, groups=(), rules=None):
        self.groups, self.rules = list(groups), rules or {}
        self.reads = []

    def read(self, vpc_id, sections):
        self.reads.append(tuple(sections))
        return {"SecurityGroups": self.groups, "NetworkAcls": []}

    def read_rules(self, group_ids):
        self.reads.append(tuple(group_ids))
        return {"SecurityGroupRules": [item for id_ in group_ids for item in self.rules.get(id_, ())]}


def chain(changes):
    return tuple(Step(change, (at - 1,) if at else ()) for at, change in enumerate(changes))


EXISTING = Snapshot("eu-west-1", "111111111111")


def run(route, writer, reader=None, *, existing=EXISTING, seed=1, **means):
    """(what it gave or raised, its journal, the simulation's clock)."""
    sim, journal, found = Simulation(seed), Journal(), []
    writer.clock = sim
    route = route if any(isinstance(item, Step | Barrier) for item in route) else chain(route)

    def go():
        with_ = Means(journal, sim, sim.crew(), Pace(sim), **means)
        try:
            found.append(carry_out(route, existing, "vpc-1", reader or Reader(), writer, with_))
        except (errors.TwinwallError, KeyboardInterrupt) as stopped:
            found.append(stopped)

    sim.spawn(go)
    sim.run()
    return found[0], journal, sim.monotonic()


def test_refs_become_ids_and_each_call_is_journalled_before_and_after():
    own = GroupPeer(WEB.id)
    applied, journal, _ = run([create(), authorize(own)], writer := Writer("sg-9"))
    assert applied.ids == {WEB.id: "sg-9"}
    assert applied.calls == {"AuthorizeSecurityGroupIngress": 1, "CreateSecurityGroup": 1}
    assert writer.sent[1].resource.id == "sg-9"
    assert writer.sent[1].rules[0].peer.group_id == "sg-9"
    assert journal.events == ["call", "done", "call", "done"]
    assert journal.lines[0][1]["request"]["GroupName"] == "web"
    assert journal.lines[1][1] == {"step": 0, "action": "CreateSecurityGroup", "id": "sg-9"}


def test_the_throttle_slows_and_never_fails():
    refusal = errors.Throttled("slow down", code="RequestLimitExceeded")
    applied, journal, seconds = run([create()], Writer(refusal, refusal, "sg-1"))
    assert applied.throttled == 2
    assert journal.events == ["call", "refused", "call", "refused", "call", "done"]
    assert seconds == pytest.approx(1.6, abs=0.02)  # a second and a token, then a token at half the rate


@pytest.mark.parametrize("error", [errors.AccessDenied("no"), errors.CredentialsError("x")])
def test_anything_else_stops_and_says_what_was_done(error):
    stopped, journal, _ = run([create(), authorize(CidrPeer(ANY_IPV4))], Writer("sg-1", error))
    assert type(stopped) is type(error)
    assert "1 of 2 calls were done" in str(stopped)
    assert journal.events[-2:] == ["failed", "stopped"]


def test_ctrl_c_waits_for_what_is_in_flight():
    class Stopping(Simulation):
        def sleep(self, seconds):
            super().sleep(seconds)
            if seconds == 0 and self.monotonic() >= 1:
                raise KeyboardInterrupt

    sim, journal, writer, found = Stopping(1), Journal(), Writer(latency=1.0), []
    writer.clock = sim
    route = tuple(Step(create(Resource("security-group", f"new:security-group:{n}", ""))) for n in range(60))

    def go():
        with pytest.raises(KeyboardInterrupt) as stopped:
            carry_out(route, EXISTING, "vpc-1", Reader(), writer, Means(journal, sim, sim.crew(), Pace(sim)))
        found.append(str(stopped.value))

    sim.spawn(go)
    sim.run()
    done = journal.events.count("done")
    assert 0 < done == journal.events.count("call") == len(writer.sent) < 60
    assert journal.lines[-1] == ("interrupted", {"done": done, "of": 60})
    assert found == [f"{done} of 60 calls were done"]


def test_calls_overlap_wherever_the_route_allows():
    """Two chains of three calls, a second each: three seconds, not six."""
    first = tuple(Step(create(), (at - 2,) if at > 1 else ()) for at in range(6))
    _, _, seconds = run(first, Writer(latency=1.0))
    assert seconds == 3


def test_no_more_are_in_flight_than_latency_and_rate_ask_for():
    """At one second a call and 5 a second: eight while the bucket is well filled, then what the rate needs."""
    route = tuple(Step(create()) for _ in range(100))
    _, journal, seconds = run(route, Writer(latency=1.0))
    flying = [0]
    for event in journal.events:
        flying.append(flying[-1] + (1 if event == "call" else -1))
    assert max(flying) == 8
    assert seconds == pytest.approx(13, abs=1)


def test_two_targets_of_one_account_make_a_list_once():
    office = Resource("prefix-list", new_id("prefix-list", "office"), "office")
    make = c.CreateManagedPrefixList(resource=office, name="office", family=4, max_entries=1, entries=())
    by_list = authorize(PrefixListPeer(office.id))
    made = {}
    first, _, _ = run([make], Writer("pl-1"), made=made)
    second, _, _ = run([make, create(), by_list], writer := Writer("sg-2"), made=made)
    assert first.ids[office.id] == second.ids[office.id] == "pl-1"
    assert [sent.action for sent in writer.sent] == ["CreateSecurityGroup", "AuthorizeSecurityGroupIngress"]
    assert str(writer.sent[1].rules[0].peer) == "pl-1"


# --- ids that are not visible yet

UNSEEN = errors.NotFound("no", code="InvalidGroup.NotFound")


@pytest.mark.parametrize("peer", [GroupPeer(WEB.id), CidrPeer(ANY_IPV4)], ids=["referenced", "itself"])
def test_a_new_id_that_is_not_visible_yet_is_waited_for(peer):
    applied, _, seconds = run([create(), authorize(peer)], Writer("sg-1", UNSEEN, UNSEEN))
    assert applied.calls["AuthorizeSecurityGroupIngress"] == 1
    assert seconds == pytest.approx(1.5)


def test_the_wait_for_a_new_id_ends_within_a_minute():
    stopped, _, seconds = run([create(), authorize(CidrPeer(ANY_IPV4))], Writer("sg-1", *[UNSEEN] * 20))
    assert isinstance(stopped, errors.NotFound)
    assert 50 < seconds <= 70


def test_an_old_id_that_is_gone_ends_the_run():
    old = Resource("security-group", "sg-7", "web")
    gone = c.UpdateRuleDescriptions(
        resource=old, direction=Direction.INGRESS, rules=(rule(CidrPeer(ANY_IPV4)),)
    )
    stopped, _, _ = run([gone], Writer(*[UNSEEN] * 20))
    assert isinstance(stopped, errors.TwinwallError)


# --- estimates


@pytest.mark.parametrize(
    ("action", "capacity", "refill"),
    [
        ("DescribeSecurityGroups", 100, 20),
        ("GetManagedPrefixListEntries", 100, 20),
        ("CreateSecurityGroup", 50, 5),
        ("AuthorizeSecurityGroupIngress", 50, 5),
        ("CreateNetworkAclEntry", 50, 5),
        ("CreateTags", 100, 10),
        ("DescribeStaleSecurityGroups", 20, 5),
    ],
)
def test_the_documented_buckets(action, capacity, refill):
    bucket = bucket_of(action)
    assert (bucket.capacity, bucket.refill) == (capacity, refill)


def test_estimates():
    one = authorize(CidrPeer(ANY_IPV4))
    assert makespan(()) == 0
    assert makespan(chain([create()] * 50)) == 0
    assert makespan(chain([create()] * 100)) == 10
    assert makespan(chain([create(), one] * 60)) == pytest.approx(2, abs=0.2)
    assert makespan((*(Step(create()) for _ in range(100)), *(Step(one) for _ in range(100)))) == 10
    assert makespan((*(Step(create()) for _ in range(100)), *(Step(one, (99,)) for _ in range(100)))) == 20
    assert makespan((Step(one), Barrier((0,)), Step(one, (1,))), settle=5) == 5
