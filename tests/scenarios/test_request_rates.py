"""Issue 5: *a client-side bucket per action, account and Region at the documented size and rate (live values from
Service Quotas where readable, learnt from refusals where not)*.

On the HTTP endpoint seconds are those of the run's clock, on which no call takes any; whether EC2's own buckets would
have let the calls through is seen on the AWS in memory, which has its throttle on and the same clock.
"""

import pytest
from estates import w
from worlds import THERE, B, PureClock, Run, Stage

from twinwall.emulator.memory import MemoryAws
from twinwall.emulator.memory_doors import MemoryJournal
from twinwall.emulator.simulation import Simulation
from twinwall.engine.means import Applied, Means
from twinwall.engine.pace import Pace
from twinwall.engine.rates import rated
from twinwall.engine.replica import apply, plan
from twinwall.engine.sides import FileSide, LiveSide
from twinwall.model.throttle import Bucket
from twinwall.replica.settings import Limits, Selection, Settings, Translation

LONG = (170, 1, 1, 1)
"""170 creations and as many ingress calls: (170 - 50) / 5 = 24 s."""
SUBNET = ("10.90.0.0/24", "a", w(*LONG)["Subnets"][0]["Tags"][0]["Value"])
OPTIONS = ("--associate", "auto", "--map-vpc-cidr")


@pytest.fixture
def long(world: Stage) -> tuple[str, str]:
    (source,) = world.load(w(*LONG))
    return source, ready(world)


def ready(world: Stage) -> str:
    return world.empty("10.90.0.0/16", subnets=[SUBNET])


def carried_out(world: Stage, source: str, *targets: str) -> Run:
    return world.migrate(source, *targets, options=OPTIONS, clock=PureClock()).ended(0)


def raise_all(world: Stage, bucket: Bucket) -> None:
    for action in ("CreateSecurityGroup", "AuthorizeSecurityGroupIngress"):
        world.aws.set_bucket(action, bucket, B, THERE)


def test_a_raised_rate_is_used(world: Stage, long: tuple[str, str]) -> None:
    """170 calls at 100 and 10 a second: 7 s instead of 24."""
    raise_all(world, Bucket(100, 10))
    run = carried_out(world, *long)
    assert 6.5 <= run.json["applied"]["seconds"] <= 7.5
    assert run.json["estimated_seconds"] == pytest.approx(7.1, abs=0.2)
    assert (
        "about 7 s by what is ours of this account's request rates, 24 s by EC2's documented ones"
        in run.stderr
    )
    assert 1 <= run.calls["ListServiceQuotas"] <= 20


def test_a_lower_rate_is_kept_to_from_the_start(world: Stage, long: tuple[str, str]) -> None:
    """170 calls at 20 and 3 a second."""
    raise_all(world, Bucket(20, 3))
    run = carried_out(world, *long)
    assert run.json["applied"]["seconds"] == pytest.approx(50.4, abs=0.5)
    assert run.json["applied"]["throttled"] == 0


def test_the_documented_rates_are_told_alike(world: Stage, long: tuple[str, str]) -> None:
    run = carried_out(world, *long)
    assert run.json["applied"]["seconds"] == pytest.approx(24.2, abs=0.3)
    assert "request rates" not in run.stderr


def test_who_may_not_ask_goes_by_the_documented_ones(world: Stage, long: tuple[str, str]) -> None:
    raise_all(world, Bucket(100, 10))
    world.aws.deny(B, "servicequotas:*")
    run = carried_out(world, *long)
    assert run.json["applied"]["seconds"] == pytest.approx(24.2, abs=0.3)
    assert run.calls["ListServiceQuotas"] == 1


def test_a_short_run_asks_nothing(world: Stage) -> None:
    (source,) = world.load(w(20, 5, 1, 5))
    target = ready(world)
    assert "ListServiceQuotas" not in carried_out(world, source, target).calls


def test_targets_in_one_account_and_region_ask_once(world: Stage, long: tuple[str, str]) -> None:
    run = carried_out(world, *long, ready(world))
    assert 10 < run.calls["ListServiceQuotas"] <= 20


def test_a_share_makes_the_estimate_longer(world: Stage) -> None:
    """What the credentials are held against is the time that the run will take."""
    (source,) = world.load(w(20, 5, 1, 5))
    target = ready(world)
    options = (*OPTIONS, "--throttle-share", "10")
    run = world.migrate(source, target, options=options, clock=PureClock()).ended(0)
    assert run.json["estimated_seconds"] == pytest.approx(run.json["applied"]["seconds"], rel=0.08)
    assert "by what is ours" in run.stderr


@pytest.mark.parametrize(
    ("own", "seconds"), [(Bucket(100, 10), 7), (Bucket(20, 3), 50), (Bucket(5, 30), 5.5)]
)
def test_nothing_is_refused_at_the_account_s_own_rates(own: Bucket, seconds: float) -> None:
    """(170 - capacity) / refill, at most 1.08 times that and the round trips: the lock is not in it."""
    sim = Simulation(3)
    aws = MemoryAws((B,), clock=sim, throttle=True, latency=0.04)
    for action in ("CreateSecurityGroup", "AuthorizeSecurityGroupIngress"):
        aws.world.buckets[B, THERE, action] = own
    vpc = aws.make_vpc(B, THERE, "10.90.0.0/16", subnets=[SUBNET])
    doors = aws.doors(B, THERE)
    side = LiveSide(vpc, vpc, doors.reader, doors.account, doors.writer, Pace(sim))
    done: list[Applied] = []

    def go() -> None:
        source = FileSide("source", w(*LONG))
        planned = rated(
            plan(source, side, Settings(Selection(), Translation(associate="auto"), Limits())), side
        )
        done.append(apply(planned, side, Means(MemoryJournal(), sim, sim.crew(), side.pace)))

    sim.spawn(go)
    sim.run()
    assert done[0].throttled == 0
    assert seconds <= done[0].seconds <= seconds * 1.08 + 4 * 0.04
