"""Carrying out: the journal around each call, the throttle, what stops a run and what does not."""

import pytest

from twinwall import errors
from twinwall.boundary import Written
from twinwall.engine.apply import carry_out
from twinwall.engine.pace import VirtualClock, bucket_of, estimated_seconds
from twinwall.model.firewall import Resource
from twinwall.model.net import ANY_IPV4, ANY_IPV6
from twinwall.model.rules import CidrPeer, Direction, GroupPeer, PrefixListPeer, SecurityGroupRule, Traffic
from twinwall.planning import changes as c

WEB = Resource("security-group", c.new_id("security-group", "web"), "web")


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

    @property
    def events(self):
        return [event for event, _ in self.lines]


class Writer:
    """Answers by turns: an error to raise, or an id. After that, ``sg-1``."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.sent = []

    def carry_out(self, change):
        self.sent.append(change)
        answer = self.answers.pop(0) if self.answers else "sg-1"
        if isinstance(answer, BaseException):
            raise answer
        return Written(answer)


def run(changes, writer, clock=None, progress=lambda *_: None, made=None):
    journal = Journal()
    try:
        applied = carry_out(changes, writer, journal, clock or VirtualClock(), progress, made)
    except (errors.TwinwallError, KeyboardInterrupt) as stopped:
        return stopped, journal
    return applied, journal


def test_refs_become_ids_and_each_call_is_journalled_before_and_after():
    own = GroupPeer(WEB.id)
    applied, journal = run([create(), authorize(own)], writer := Writer("sg-9"))
    assert applied.ids == {WEB.id: "sg-9"}
    assert applied.calls == {"AuthorizeSecurityGroupIngress": 1, "CreateSecurityGroup": 1}
    assert writer.sent[1].resource.id == "sg-9"
    assert writer.sent[1].rules[0].peer.group_id == "sg-9"
    assert journal.events == ["call", "done", "call", "done"]
    assert journal.lines[0][1]["request"]["GroupName"] == "web"
    assert journal.lines[1][1]["id"] == "sg-9"


def test_the_throttle_slows_and_never_fails():
    clock = VirtualClock()
    refusal = errors.Throttled("slow down", code="RequestLimitExceeded")
    applied, journal = run([create()], Writer(refusal, refusal, "sg-1"), clock)
    assert applied.throttled == 2
    assert journal.events == ["call", "refused", "call", "refused", "call", "done"]
    assert clock.seconds == pytest.approx(0.4)  # two tokens at five a second


@pytest.mark.parametrize(
    "error", [errors.AccessDenied("no"), errors.OutcomeUnknown("lost"), errors.CredentialsError("x")]
)
def test_anything_else_stops_and_says_what_was_done(error):
    stopped, journal = run([create(), authorize(CidrPeer(ANY_IPV4))], Writer("sg-1", error))
    assert type(stopped) is type(error)
    assert "1 of 2 calls were done; running the same command again goes on" in str(stopped)
    assert journal.events[-2:] == ["failed", "stopped"]


def test_ctrl_c_stops_and_says_what_was_done():
    stopped, journal = run([create(), create()], Writer("sg-1", KeyboardInterrupt()))
    assert "1 of 2 calls were done" in str(stopped)
    assert journal.lines[-1] == ("interrupted", {"done": 1, "of": 2})


def test_a_stop_that_comes_through_the_progress_is_one_too():
    def progress(*_):
        raise KeyboardInterrupt

    stopped, journal = run([create(), create()], Writer(), progress=progress)
    assert isinstance(stopped, KeyboardInterrupt)
    assert journal.lines[-1] == ("interrupted", {"done": 1, "of": 2})


def test_a_known_egress_rule_that_is_not_there_is_success_and_hides_no_other():
    missing = errors.NotFound("no such rule", code="InvalidPermission.NotFound")
    rules = (rule(CidrPeer(ANY_IPV4), Direction.EGRESS), rule(CidrPeer(ANY_IPV6), Direction.EGRESS))
    change = c.RevokeRules(resource=WEB, direction=Direction.EGRESS, rules=rules, missing_ok=True)
    applied, _ = run([change], writer := Writer(missing, "", missing))
    assert [len(sent.rules) for sent in writer.sent] == [2, 1, 1]
    assert applied.calls == {"RevokeSecurityGroupEgress": 1}
    stopped, _ = run([c.RevokeRules(resource=WEB, direction=Direction.EGRESS, rules=rules)], Writer(missing))
    assert isinstance(stopped, errors.NotFound)


def test_two_targets_of_one_account_make_a_list_once():
    office = Resource("prefix-list", c.new_id("prefix-list", "office"), "office")
    make = c.CreateManagedPrefixList(resource=office, name="office", family=4, max_entries=1, entries=())
    by_list = authorize(PrefixListPeer(office.id))
    made = {}
    first, _ = run([make], Writer("pl-1"), made=made)
    second, _ = run([make, create(), by_list], writer := Writer("sg-2"), made=made)
    assert first.ids[office.id] == second.ids[office.id] == "pl-1"
    assert [sent.action for sent in writer.sent] == ["CreateSecurityGroup", "AuthorizeSecurityGroupIngress"]
    assert str(writer.sent[1].rules[0].peer) == "pl-1"


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
    assert estimated_seconds([]) == 0
    assert estimated_seconds(["CreateSecurityGroup"] * 50) == 0
    assert estimated_seconds(["CreateSecurityGroup"] * 100) == 10
    assert estimated_seconds(["CreateSecurityGroup", "CreateNetworkAclEntry"] * 60) == pytest.approx(
        2, abs=0.2
    )
