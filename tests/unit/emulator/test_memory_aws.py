"""What the AWS in memory adds to the rulebook: time, throttle, lag, delay of effect, and trouble at any call."""

import subprocess
import sys
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinwall.emulator.faults import Denial, Fault, Kind
from twinwall.emulator.memory import Doors, MemoryAws
from twinwall.emulator.memory_doors import MemoryJournal
from twinwall.emulator.refusal import Refusal
from twinwall.emulator.simulation import Simulation
from twinwall.emulator.switches import Switches
from twinwall.errors import AwsError, NotFound, OutcomeUnknown, Throttled, Unavailable
from twinwall.model.firewall import Resource, new_id
from twinwall.model.net import parse_cidr
from twinwall.model.rules import CidrPeer, Direction, NetworkAclEntry, RuleAction, SecurityGroupRule, Traffic
from twinwall.planning import changes as c

ACCOUNT, OTHER, REGION, FAR = "111122223333", "444455556666", "eu-west-1", "us-east-1"
IN = Direction.INGRESS
SUBNET = [("10.0.1.0/24", "a", "app")]


class Scene:
    """One VPC with a subnet and one group."""

    def __init__(self, **how: Any) -> None:
        self.aws = MemoryAws((ACCOUNT, OTHER), **how)
        self.clock = self.aws.clock
        self.vpc = self.aws.make_vpc(ACCOUNT, REGION, subnets=SUBNET)
        self.doors: Doors = self.aws.doors(ACCOUNT, REGION)
        self.group = self.make("web")

    def make(self, name: str) -> Resource:
        ref = Resource("security-group", new_id("security-group", name), name)
        made = c.CreateSecurityGroup(resource=ref, group_name=name, description="d", vpc_id=self.vpc)
        return Resource("security-group", self.doors.writer.carry_out(made).id, name)

    def authorize(self, *ports: int) -> None:
        change = c.AuthorizeRules(resource=self.group, direction=IN, rules=rules(*ports))
        self.doors.writer.carry_out(change)

    def revoke(self, *ports: int) -> None:
        change = c.RevokeRules(resource=self.group, direction=IN, rules=rules(*ports))
        self.doors.writer.carry_out(change)

    def ports(self) -> list[int]:
        """As a read shows them."""
        document = self.doors.reader.read(self.vpc, ["SecurityGroups"])
        (found,) = [g for g in document["SecurityGroups"] if g["GroupId"] == self.group.id] or [{}]
        return [permission["FromPort"] for permission in found.get("IpPermissions", ())]

    def standing(self) -> list[int]:
        """As they stand, whatever a read shows."""
        held = self.aws.world.at(ACCOUNT, REGION).groups[self.group.id]
        return [rule.traffic.first or 0 for rule in held.rules_of(IN)]

    def befall(self, action: str, kind: Kind, code: str = "", **how: Any) -> None:
        refusal = Refusal(code, code, how.pop("status", 400)) if code else None
        self.aws.trouble.add(Fault(action, kind, refusal, **how))


def rules(*ports: int) -> tuple[SecurityGroupRule, ...]:
    block = CidrPeer(parse_cidr("10.0.0.0/8"))
    return tuple(SecurityGroupRule(IN, Traffic(6, port, port), block) for port in ports)


AUTHORIZE = "AuthorizeSecurityGroupIngress"


# --- throttle (aws-facts 3.1)


def tries(scene: Scene, call: Callable[[int], object], count: int) -> int:
    """How many of them went through."""
    done = 0
    for number in range(count):
        try:
            call(number)
        except (Refusal, Throttled):
            continue
        done += 1
    return done


@pytest.mark.parametrize(
    ("action", "params", "burst", "refill"),
    [
        (AUTHORIZE, {"GroupId": "sg-0"}, 50, 5),
        ("AuthorizeSecurityGroupEgress", {"GroupId": "sg-0"}, 50, 5),
        ("CreateNetworkAclEntry", {"NetworkAclId": "acl-0"}, 50, 5),
        ("DescribeSecurityGroups", {}, 50, 10),
        ("DescribeSecurityGroups", {"MaxResults": 1000}, 100, 20),
        ("DescribeSecurityGroups", {"Filters": [{"Name": "vpc-id", "Values": ["vpc-0"]}]}, 100, 20),
        ("DescribeNetworkAcls", {}, 100, 20),
        ("CreateTags", {"Resources": ["sg-0"]}, 100, 10),
        ("DescribeStaleSecurityGroups", {"VpcId": "vpc-0"}, 20, 5),
    ],
)
def test_each_action_has_its_own_bucket(action: str, params: dict[str, Any], burst: int, refill: int) -> None:
    """A call that EC2 takes and then refuses for another reason costs a token as well."""
    scene = Scene(throttle=True)

    def through() -> int:
        codes = []
        for _ in range(burst + 30):
            try:
                scene.aws.request(ACCOUNT, REGION, action, params)
                codes.append("")
            except Refusal as refusal:
                codes.append(refusal.code)
        return sum(code != "RequestLimitExceeded" for code in codes)

    assert through() == burst
    scene.clock.sleep(2.0)
    assert through() == 2 * refill
    scene.clock.sleep(10_000)
    assert through() == burst
    assert scene.aws.throttle.refused[ACCOUNT, REGION, action] > 0


def test_accounts_regions_and_actions_do_not_share() -> None:
    scene = Scene(throttle=True)
    empty = {"GroupId": "sg-00000000000000000"}
    for _ in range(60):
        with pytest.raises(Refusal):
            scene.aws.request(ACCOUNT, REGION, AUTHORIZE, empty)
    for account, region, action in (
        (OTHER, REGION, AUTHORIZE),
        (ACCOUNT, FAR, AUTHORIZE),
        (ACCOUNT, REGION, "RevokeSecurityGroupIngress"),
    ):
        with pytest.raises(Refusal, match=r"MissingParameter|InvalidGroup"):
            scene.aws.request(account, region, action, empty)


def test_a_throttled_write_is_ours_to_repeat_and_a_read_repeats_itself() -> None:
    scene = Scene(throttle=True)
    assert tries(scene, lambda n: scene.authorize(n + 1), 55) == 50
    assert len(scene.ports()) == 50
    for _ in range(120):
        scene.ports()
    assert scene.aws.throttle.refused.total("DescribeSecurityGroups") > 0


@pytest.mark.parametrize(
    ("switches", "after_half_a_second", "after_refusals"),
    [
        (Switches(), 2, 5),
        (Switches(refill_once_a_second=True), 0, 5),
        (Switches(refused_calls_cost_tokens=True), 2, 0),
    ],
)
def test_what_the_page_leaves_open_can_be_switched(
    switches: Switches, after_half_a_second: int, after_refusals: int
) -> None:
    scene = Scene(throttle=True, switches=switches, quotas={"L-0EA8095F": 1000})
    assert tries(scene, lambda n: scene.authorize(n + 1), 50) == 50
    scene.clock.sleep(0.5)
    refused_then = tries(scene, lambda n: scene.authorize(n + 100), 3)
    assert refused_then == after_half_a_second
    scene.clock.sleep(10_000)
    assert tries(scene, lambda n: scene.authorize(n + 200), 90) == 50
    scene.clock.sleep(1.0)
    assert tries(scene, lambda n: scene.authorize(n + 300), 20) == after_refusals


# --- lag of reads (aws-facts 3.2)


@given(st.integers(0, 2**32), st.lists(st.tuples(st.integers(1, 9), st.floats(0, 4)), max_size=12))
def test_a_read_sees_some_moment_of_the_last_seconds(seed: int, steps: list[tuple[int, float]]) -> None:
    """Each step adds or takes away a port, then time passes, then a read sees what stood no longer than 3 s ago."""
    scene = Scene(seed=seed, read_lag=3.0)
    scene.clock.sleep(10)
    stood = [(scene.clock.monotonic(), frozenset(scene.standing()))]
    for port, seconds in steps:
        (scene.revoke if port in scene.standing() else scene.authorize)(port)
        stood.append((scene.clock.monotonic(), frozenset(scene.standing())))
        scene.clock.sleep(seconds)
        since = scene.clock.monotonic() - 3.0
        later = [ports for moment, ports in stood if moment > since]
        before = [ports for moment, ports in stood if moment <= since][-1:]
        assert frozenset(scene.ports()) in [*before, *later]
    scene.clock.sleep(3.1)
    assert frozenset(scene.ports()) == stood[-1][1]


def test_a_new_group_is_not_seen_at_once_though_writes_to_it_go_through() -> None:
    scene = Scene(seed=1, read_lag=30.0)
    names = {g["GroupName"] for _ in range(20) for g in _groups(scene)}
    counts = {len(_groups(scene)) for _ in range(20)}
    assert (names, counts) == ({"default", "web"}, {1, 2})
    scene.authorize(22)
    assert {tuple(scene.ports()) for _ in range(60)} == {(), (22,)}
    scene.clock.sleep(31)
    assert {tuple(scene.ports()) for _ in range(20)} == {(22,)}


def _groups(scene: Scene) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = scene.doors.reader.read(scene.vpc, ["SecurityGroups"])["SecurityGroups"]
    return found


def test_a_deleted_group_lingers_in_reads_with_its_rules() -> None:
    scene = Scene(seed=3, read_lag=10.0)
    scene.authorize(22)
    scene.clock.sleep(11)
    scene.doors.writer.carry_out(c.DeleteSecurityGroup(resource=scene.group))
    assert {tuple(scene.ports()) for _ in range(60)} == {(), (22,)}


def test_without_lag_nothing_of_the_past_is_kept() -> None:
    scene = Scene()
    scene.authorize(22)
    assert scene.aws.past.versions((ACCOUNT, REGION, "sg", scene.group.id)) == []


# --- delay of effect (aws-facts 1.10)


def open_ports(scene: Scene, interface: str) -> frozenset[int]:
    groups = scene.aws.in_force(ACCOUNT, REGION, interface).groups
    return frozenset(rule.traffic.first or 0 for group in groups for rule in group.rules_of(IN))


def interfaces(scene: Scene, count: int) -> list[str]:
    (subnet,) = scene.aws.network.at(ACCOUNT, REGION).subnets
    return [scene.aws.attach(ACCOUNT, REGION, subnet, [scene.group.id]) for _ in range(count)]


def test_interfaces_get_a_change_one_by_one_and_within_the_delay() -> None:
    scene = Scene(effect_delay=5.0)
    all_of_them = interfaces(scene, 40)
    scene.authorize(22)
    moments = []
    for _ in range(6):
        moments.append(sum(open_ports(scene, one) == {22} for one in all_of_them))
        scene.clock.sleep(1.0)
    assert moments[0] == 0
    assert moments == sorted(moments)
    assert 0 < moments[2] < 40
    assert moments[5] == 40
    assert scene.ports() == [22], "reads do not wait for it"


def test_an_interface_never_goes_back_to_an_older_version() -> None:
    scene = Scene(effect_delay=3.0, seed=5)
    (one,) = interfaces(scene, 1)
    seen = []
    for port in range(1, 30):
        scene.authorize(port)
        scene.clock.sleep(0.3)
        seen.append(len(open_ports(scene, one)))
    assert seen == sorted(seen)
    scene.clock.sleep(3.0)
    assert len(open_ports(scene, one)) == 29


def test_two_objects_keep_no_order() -> None:
    """An ACL edited before a group may be in force after it."""
    scene = Scene(effect_delay=5.0)
    all_of_them = interfaces(scene, 60)
    (acl,) = [a for a in scene.aws.world.at(ACCOUNT, REGION).acls.values() if a.is_default]
    entry = NetworkAclEntry(IN, 50, RuleAction.DENY, Traffic(-1), parse_cidr("192.0.2.0/24"))
    scene.doors.writer.carry_out(
        c.CreateNetworkAclEntry(resource=Resource("network-acl", acl.network_acl_id), entry=entry)
    )
    scene.authorize(22)
    scene.clock.sleep(2.5)
    found = set()
    for one in all_of_them:
        force = scene.aws.in_force(ACCOUNT, REGION, one)
        assert force.acl is not None
        found.add((entry in force.acl.entries, open_ports(scene, one) == {22}))
    assert found == {(False, False), (False, True), (True, False), (True, True)}


def test_a_swapped_acl_is_the_old_or_the_new_one() -> None:
    scene = Scene(effect_delay=5.0)
    all_of_them = interfaces(scene, 40)
    held = scene.aws.world.at(ACCOUNT, REGION)
    (old,) = [a for a in held.acls.values() if a.is_default]
    ref = Resource("network-acl", new_id("network-acl", "edge"), "edge")
    made = scene.doors.writer.carry_out(c.CreateNetworkAcl(resource=ref, vpc_id=scene.vpc)).id
    scene.clock.sleep(6)
    swap = c.ReplaceNetworkAclAssociation(
        resource=Resource("subnet", old.associations[0].subnet_id),
        association_id=old.associations[0].association_id,
        network_acl_id=made,
    )
    scene.doors.writer.carry_out(swap)
    scene.clock.sleep(2.5)
    in_force = [scene.aws.in_force(ACCOUNT, REGION, one).acl for one in all_of_them]
    assert {acl.network_acl_id for acl in in_force if acl} == {old.network_acl_id, made}
    scene.clock.sleep(2.5)
    in_force = [scene.aws.in_force(ACCOUNT, REGION, one).acl for one in all_of_them]
    assert {acl.network_acl_id for acl in in_force if acl} == {made}


# --- trouble at any call


@pytest.mark.parametrize(
    ("kind", "error", "done"),
    [
        (Kind.UNSENT, Unavailable, False),
        (Kind.CUT, OutcomeUnknown, False),
        (Kind.LOST, OutcomeUnknown, True),
        (Kind.LATE, OutcomeUnknown, False),
    ],
)
def test_a_write_that_gets_no_answer(kind: Kind, error: type[AwsError], done: bool) -> None:
    scene = Scene()
    scene.befall(AUTHORIZE, kind, skip=1, seconds=20)
    scene.authorize(21)
    with pytest.raises(error):
        scene.authorize(22)
    assert (22 in scene.standing()) is done
    scene.authorize(23)


def test_a_late_call_arrives_in_its_own_time_and_order() -> None:
    """An add that arrives after the removal that was to undo it."""
    scene = Scene()
    scene.befall(AUTHORIZE, Kind.LATE, seconds=20)
    with pytest.raises(OutcomeUnknown):
        scene.authorize(22)
    with pytest.raises(NotFound):
        scene.revoke(22)
    scene.clock.sleep(19)
    assert scene.ports() == []
    scene.clock.sleep(2)
    assert scene.ports() == [22]


def test_all_late_calls_can_be_made_to_arrive() -> None:
    scene = Scene()
    scene.befall(AUTHORIZE, Kind.LATE, seconds=1000, times=3)
    for port in (1, 2, 2):
        with pytest.raises(OutcomeUnknown):
            scene.authorize(port)
    scene.aws.arrive_all()
    assert scene.standing() == [1, 2], "the third was refused, and nobody heard it"


def test_a_slow_call_takes_its_time_and_every_call_its_latency() -> None:
    scene = Scene(latency=0.1)
    before = scene.clock.monotonic()
    scene.befall(AUTHORIZE, Kind.SLOW, seconds=7)
    scene.authorize(22)
    assert scene.clock.monotonic() - before == pytest.approx(7.1)


def test_a_region_that_cannot_be_reached_and_can_again() -> None:
    """Other Regions answer; reads give up after their attempts."""
    scene = Scene()
    scene.aws.trouble.unreachable(REGION, seconds=5)
    before = scene.clock.monotonic()
    with pytest.raises(Unavailable, match="cannot be reached"):
        scene.ports()
    assert 40 <= scene.clock.monotonic() - before <= 40 + 64
    with pytest.raises(Unavailable):
        scene.authorize(22)
    assert scene.aws.doors(ACCOUNT, FAR).reader.find_groups("a", "b") == {"SecurityGroups": []}
    scene.aws.trouble.reachable(REGION)
    scene.authorize(22)


def test_quotas_that_may_not_be_read_are_the_documented_ones() -> None:
    scene = Scene(quotas={"L-0EA8095F": 75, (ACCOUNT, REGION, "L-2AEEBF1A"): 40})
    live = scene.doors.account.quotas()
    assert (live.rules_per_group, live.entries_per_acl, live.acls_per_vpc) == (75, 40, 200)
    scene.aws.trouble.deny(Denial("*", "servicequotas:*"))
    denied = scene.aws.doors(ACCOUNT, REGION).account.quotas()
    assert (denied.rules_per_group, denied.live) == (60, frozenset())


# --- seeded, whole, light


def run(seed: int) -> tuple[Any, ...]:
    scene = Scene(seed=seed, read_lag=2.0, throttle=True)
    seen = []
    for port in range(1, 20):
        scene.authorize(port)
        scene.clock.sleep(0.3)
        seen.append(tuple(scene.ports()))
    return scene.group.id, tuple(seen), scene.clock.monotonic()


def test_the_same_seed_is_the_same_run() -> None:
    assert run(5) == run(5)
    assert run(5) != run(6)


def test_a_request_without_a_needed_field_is_refused() -> None:
    with pytest.raises(Refusal, match="vpcId"):
        Scene().aws.request(ACCOUNT, REGION, "CreateNetworkAcl", {})
    with pytest.raises(Refusal, match="InvalidAction"):
        Scene().aws.request(ACCOUNT, REGION, "RunInstances", {})
    with pytest.raises(Refusal, match="DryRunOperation"):
        Scene().aws.request(ACCOUNT, REGION, "CreateNetworkAcl", {"VpcId": "vpc-0", "DryRun": True})


def test_a_journal_in_memory_keeps_what_it_is_told() -> None:
    journal = MemoryJournal()
    journal.record("call", {"action": "CreateTags"})
    assert journal.records == [("call", {"action": "CreateTags"})]


def test_the_virtual_clock_passes_by_sleeping() -> None:
    clock = Simulation(start=100.0)
    clock.sleep(2.5)
    clock.sleep(-1)
    assert (clock.now(), clock.monotonic()) == (102.5, 2.5)


def loaded_by(module: str) -> Iterable[str]:
    code = f"import sys, {module}; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stdout.split()}


def test_memory_needs_neither_moto_nor_botocore() -> None:
    assert not {"moto", "botocore", "boto3", "werkzeug", "flask"} & set(loaded_by("twinwall.emulator.memory"))
