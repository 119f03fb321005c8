"""The client's side of the throttle, against buckets that are kept by somebody else (the embedded AWS's)."""

import contextlib

import pytest

from twinwall import errors
from twinwall.boundary import Written
from twinwall.emulator.memory_network import MemoryNetwork
from twinwall.emulator.refusal import Refusal
from twinwall.emulator.simulation import Simulation
from twinwall.emulator.state import World
from twinwall.emulator.switches import Switches
from twinwall.emulator.throttle import Throttle
from twinwall.engine.apply import carry_out
from twinwall.engine.means import Means
from twinwall.engine.pace import Pace, Paces
from twinwall.model.firewall import Resource, Snapshot, new_id
from twinwall.model.throttle import Bucket
from twinwall.planning import changes as c
from twinwall.planning.order import Step

ACTION = "CreateSecurityGroup"


class Ec2:
    """Answers creations, as far as the throttle lets them through."""

    path = "journal"

    def __init__(self, sim, switches=None):
        self.sim = sim
        self.throttle = Throttle(
            sim.monotonic, World(MemoryNetwork(), switches=switches or Switches()), on=True
        )

    def carry_out(self, change):
        self.sim.sleep(0.02 + 0.03 * self.sim.random.random())
        try:
            self.throttle.check("1", "r", change.action, {})
        except Refusal as refusal:
            raise errors.Throttled("slow down", code=refusal.code) from refusal
        finally:
            self.sim.sleep(0.02 + 0.03 * self.sim.random.random())
        return Written(change.resource.id)

    def record_all(self, events):
        pass


def creations(count):
    names = [f"web-{number}" for number in range(count)]
    return tuple(
        Step(
            c.CreateSecurityGroup(
                resource=Resource("security-group", new_id("security-group", name), name),
                group_name=name,
                description="d",
                vpc_id="vpc-1",
            )
        )
        for name in names
    )


def run(count, *, share=1.0, others=False, switches=None, seed=1):
    """(seconds, refused)"""
    sim, found = Simulation(seed), []
    ec2 = Ec2(sim, switches)

    def go():
        means = Means(ec2, sim, sim.crew(), Pace(sim, share))
        found.append(carry_out(creations(count), Snapshot("r", "1"), "vpc-1", None, ec2, means))

    def somebody_else():
        for number in range(10_000):
            if found:
                return
            with contextlib.suppress(Refusal):
                ec2.throttle.check("1", "r", ACTION, {})
            sim.sleep(0.4 if number > 23 else 0)

    sim.spawn(go)
    if others:
        sim.spawn(somebody_else)
    sim.run()
    return found[0].seconds, found[0].throttled


@pytest.mark.parametrize("seed", range(5))
def test_alone_nothing_is_refused_and_little_time_is_lost(seed):
    seconds, refused = run(100, seed=seed)
    assert refused == 0
    assert seconds <= 10 * 1.08


def test_a_refill_once_a_second_is_no_trouble():
    seconds, refused = run(100, switches=Switches(refill_once_a_second=True))
    assert refused <= 5
    assert seconds <= 10 * 1.35


@pytest.mark.parametrize("seed", range(5))
def test_a_configured_share_leaves_the_rest_to_others(seed):
    """(100 - 25) / 2.5 a second = 30 s."""
    seconds, refused = run(100, share=0.5, others=True, seed=seed)
    assert refused == 0
    assert seconds <= 30 * 1.15


@pytest.mark.parametrize("seed", range(5))
def test_a_share_that_nobody_told_is_learnt(seed):
    seconds, refused = run(100, others=True, seed=seed)
    assert refused <= 5
    assert seconds <= 30 * 1.35


def test_one_account_and_region_has_one_pace_and_the_smallest_share_counts():
    sim = Simulation()
    paces = Paces(sim)
    assert paces.of("1", "r") is paces.of("1", "r", 0.5)
    assert paces.of("1", "r").share == 0.5
    assert paces.of("1", "other").share == 1


def test_reads_take_from_their_buckets_too():
    sim = Simulation()
    pace = Pace(sim)
    for _ in range(119):
        pace.wait("DescribeSecurityGroups")
    assert sim.monotonic() == pytest.approx(1, abs=0.1)


def test_told_buckets_are_gone_by_and_the_share_is_of_them():
    sim = Simulation()
    pace = Pace(sim, 0.5)
    assert (pace.bucket(ACTION).capacity, pace.bucket(ACTION).refill) == (24, 2.5)
    pace.told({ACTION: Bucket(200, 20)})
    assert (pace.bucket(ACTION).capacity, pace.bucket(ACTION).refill) == (99, 10)
    assert (pace.bucket("CreateTags").capacity, pace.bucket("CreateTags").refill) == (49, 5)


def test_a_bucket_in_use_keeps_what_was_taken_when_it_is_told():
    sim = Simulation()
    pace = Pace(sim)
    for _ in range(5):
        assert pace.take(ACTION) == 0
        pace.ended(ACTION, 0.1)
    pace.told({ACTION: Bucket(10, 1)})
    taken = 0
    while not pace.take(ACTION):
        pace.ended(ACTION, 0.1)
        taken += 1
    assert taken == 10 - 1 - 5
    assert pace.take(ACTION) == pytest.approx(1)


def test_an_action_is_asked_about_once():
    pace = Pace(Simulation())
    assert pace.unasked({ACTION, "CreateTags"}) == {ACTION, "CreateTags"}
    assert pace.unasked({ACTION, "CreateNetworkAcl"}) == {"CreateNetworkAcl"}
    assert not pace.unasked({ACTION})
