"""Whatever is asked of an Auto Scaling group, in whatever order, after each step:

- as many instances count as are desired, unless a launch that failed is paused;
- an instance waits if and only if a hook holds it, and only a hook of its transition does;
- EC2 runs what the group has and nothing else of it, and what rests stopped is stopped; only on standby and while
  a hook holds it a member may be dead;
- a refused request changes nothing;
- no token is given out twice.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto.ec2.models import ec2_backends
from scaling_scene import LAUNCHING, TERMINATING

from twinwall.emulator.pace import Pace
from twinwall.emulator.refusal import Refusal
from twinwall.emulator.scaling.state import Group
from twinwall.emulator.seed import empty_vpc
from twinwall.emulator.server import EmbeddedAws

ACCOUNT, REGION = "270000000001", "eu-west-1"
TAG = "aws:autoscaling:groupName"

NTH = st.integers(0, 5)
STEPS = st.one_of(
    st.tuples(st.just("scale"), st.integers(0, 6)),
    st.tuples(st.just("bounds"), st.integers(0, 4), st.integers(0, 6)),
    st.tuples(st.just("answer"), NTH, st.sampled_from(["CONTINUE", "CONTINUE", "ABANDON"])),
    st.tuples(st.just("terminate"), NTH, st.booleans()),
    st.tuples(st.just("detach"), NTH, st.booleans()),
    st.tuples(st.just("standby"), NTH, st.booleans()),
    st.tuples(st.just("back"), NTH),
    st.tuples(st.just("protect"), NTH, st.booleans()),
    st.tuples(st.just("lose"), NTH),
    st.tuples(st.just("hook"), st.sampled_from([LAUNCHING, TERMINATING]), st.sampled_from(["a", "b"])),
    st.tuples(st.just("unhook"), st.sampled_from(["a", "b"])),
    st.tuples(st.just("pool"), st.integers(0, 3), st.sampled_from(["Stopped", "Running"]), st.booleans()),
    st.tuples(st.just("drain"), st.booleans()),
    st.tuples(st.just("wait"), st.sampled_from([1, 29, 31, 4000])),
)

OPENING = (("hook", LAUNCHING, "a"), ("hook", TERMINATING, "b"), ("scale", 3), ("answer", 0, "CONTINUE"))
"""Where there is something to hold and to lose."""


class World:
    def __init__(self, aws: EmbeddedAws) -> None:
        self.aws = aws
        zones = [("10.0.1.0/24", "a", "a"), ("10.0.2.0/24", "b", "b")]
        empty_vpc(aws, ACCOUNT, REGION, subnets=zones)
        self.ec2 = ec2_backends[ACCOUNT][REGION]
        subnets = [s.id for zone in self.ec2.subnets.values() for s in zone.values() if not s.default_for_az]
        self.ec2.create_launch_template("web", "", {"ImageId": "ami-1", "InstanceType": "t3.micro"}, {})
        self.call(
            "CreateAutoScalingGroup",
            MinSize=0,
            MaxSize=4,
            LaunchTemplate={"LaunchTemplateName": "web"},
            VPCZoneIdentifier=",".join(subnets),
        )

    def call(self, action: str, **params: Any) -> None:
        asked = {"AutoScalingGroupName": "web", **params}
        self.aws.services.scaling.call(ACCOUNT, REGION, action, asked)

    @property
    def group(self) -> Group:
        return self.aws.services.scaling._at(ACCOUNT, REGION).groups["web"]

    def nth(self, number: int) -> str:
        """One of the instances; an unknown one if there is none."""
        members = list(self.group.instances)
        return members[number % len(members)] if members else "i-0123456789abcdef0"

    # --- what can be asked

    def scale(self, desired: int) -> None:
        self.call("SetDesiredCapacity", DesiredCapacity=desired)

    def bounds(self, least: int, most: int) -> None:
        self.call("UpdateAutoScalingGroup", MinSize=least, MaxSize=most)

    def terminate(self, number: int, fewer: bool) -> None:
        asked = {"InstanceId": self.nth(number), "ShouldDecrementDesiredCapacity": fewer}
        self.aws.services.scaling.call(ACCOUNT, REGION, "TerminateInstanceInAutoScalingGroup", asked)

    def detach(self, number: int, fewer: bool) -> None:
        self.call("DetachInstances", InstanceIds=[self.nth(number)], ShouldDecrementDesiredCapacity=fewer)

    def standby(self, number: int, fewer: bool) -> None:
        self.call("EnterStandby", InstanceIds=[self.nth(number)], ShouldDecrementDesiredCapacity=fewer)

    def back(self, number: int) -> None:
        self.call("ExitStandby", InstanceIds=[self.nth(number)])

    def protect(self, number: int, on: bool) -> None:
        self.call("SetInstanceProtection", InstanceIds=[self.nth(number)], ProtectedFromScaleIn=on)

    def hook(self, transition: str, name: str) -> None:
        given = {"LifecycleHookName": name, "LifecycleTransition": transition, "HeartbeatTimeout": 30}
        self.call("PutLifecycleHook", **given)

    def unhook(self, name: str) -> None:
        self.call("DeleteLifecycleHook", LifecycleHookName=name)

    def pool(self, least: int, state: str, reuse: bool) -> None:
        policy = {"ReuseOnScaleIn": reuse}
        self.call("PutWarmPool", MinSize=least, PoolState=state, InstanceReusePolicy=policy)

    def drain(self, force: bool) -> None:
        self.call("DeleteWarmPool", ForceDelete=force)

    def wait(self, seconds: float) -> None:
        self.aws.pace.advance(seconds)
        assert self.aws.pace.agenda.settled()

    def answer(self, number: int, result: str) -> None:
        waiting = [a for i in self.group.instances.values() for a in i.actions.values()]
        action = waiting[number % len(waiting)] if waiting else None
        self.call(
            "CompleteLifecycleAction",
            LifecycleHookName=action.hook.name if action else "a",
            LifecycleActionToken=action.token if action else "0" * 36,
            LifecycleActionResult=result,
        )

    def lose(self, number: int) -> None:
        """Terminated in EC2, behind the group's back."""
        instance_id = self.nth(number)
        if instance_id in self.group.instances:
            self.ec2.get_instance(instance_id).terminate()
            self.aws.services.scaling.look(ACCOUNT, REGION)

    # --- what must hold

    def snapshot(self) -> Any:
        group = self.group
        return (
            group.desired,
            group.min_size,
            group.max_size,
            dict(group.hooks),
            group.pool,
            [(i.id, i.state, i.protected, sorted(i.actions)) for i in group.instances.values()],
            len(group.activities),
        )

    def tokens(self) -> set[str]:
        return {token for instance in self.group.instances.values() for token in instance.actions}

    def check(self) -> None:
        group = self.group
        assert group.min_size <= group.desired <= group.max_size
        counted = [i for i in group.instances.values() if i.counts]
        protected = sum(i.protected for i in counted)
        if group.retry is None:
            assert len(counted) == max(group.desired, protected)
        for instance in group.instances.values():
            assert bool(instance.actions) is instance.state.endswith(":Wait"), instance.state
            returning = instance.destination == "WarmPool" and instance.origin == "AutoScalingGroup"
            leaving = "Terminating" in instance.state or returning
            for action in instance.actions.values():
                assert action.hook.transition == (TERMINATING if leaving else LAUNCHING)
        self.check_ec2()

    def check_ec2(self) -> None:
        tagged = {i.id: i.state for i in self.ec2.all_instances() if self.ec2.tags[i.id].get(TAG) == "web"}
        alive = {id_ for id_, state in tagged.items() if state != "terminated"}
        members = self.group.instances
        held = {
            id_ for id_, i in members.items() if i.state == "Standby" or (i.actions and i.health != "Healthy")
        }
        assert alive <= members.keys() <= alive | held
        for id_ in alive:
            resting = members[id_].state in ("Warmed:Stopped", "Warmed:Hibernated")
            returning = members[id_].state.startswith("Warmed:Terminating")
            assert returning or tagged[id_] == ("stopped" if resting else "running"), members[id_].state


@pytest.fixture(scope="module")
def running() -> Iterator[EmbeddedAws]:
    with EmbeddedAws((ACCOUNT,), pace=Pace(time_scale=1e-6), seed=11) as aws:
        yield aws


def walk(aws: EmbeddedAws, steps: list[tuple[Any, ...]]) -> None:
    aws.reset()
    world = World(aws)
    tokens: set[str] = set()
    waiting: set[str] = set()
    for step in [*OPENING, *steps]:
        before = world.snapshot()
        try:
            getattr(world, step[0])(*step[1:])
        except Refusal:
            assert world.snapshot() == before, f"{step} was refused and changed something"
        world.check()
        now = world.tokens()
        assert not (now - waiting) & tokens
        waiting, tokens = now, tokens | now


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEPS, min_size=8, max_size=30))
def test_whatever_is_asked(running: EmbeddedAws, steps: list[tuple[Any, ...]]) -> None:
    walk(running, steps)


@pytest.mark.soak
@settings(max_examples=1500, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEPS, min_size=5, max_size=40))
def test_whatever_is_asked_at_length(running: EmbeddedAws, steps: list[tuple[Any, ...]]) -> None:
    walk(running, steps)
