"""Lifecycle hooks hold instances (aws-facts 5.2, 5.3; Auto Scaling guide: "Lifecycle hooks")."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from scaling_scene import LAUNCHING, TERMINATING, Scene

Refuses = Callable[[str], Any]


@pytest.mark.parametrize("by", ["token", "instance"])
def test_a_launch_hook_holds_until_it_is_answered(scene: Scene, by: str) -> None:
    scene.make_group()
    scene.hook()
    url = scene.listen()
    scene.scale(2)
    assert scene.counts() == {"Pending:Wait": 2}
    first, second = scene.heard(url)
    for event in (first["detail"], second["detail"]):
        named = (
            {"LifecycleActionToken": event["LifecycleActionToken"]}
            if by == "token"
            else {"InstanceId": event["EC2InstanceId"]}
        )
        scene.answer("", **named)
        assert scene.states()[event["EC2InstanceId"]] == "InService"
    assert scene.counts() == {"InService": 2}


def test_without_a_hook_it_is_in_service_at_once(scene: Scene) -> None:
    scene.make_group(desired=2)
    assert scene.counts() == {"InService": 2}


def test_a_terminate_hook_holds_on_scale_in(scene: Scene) -> None:
    scene.make_group(desired=1)
    scene.hook(TERMINATING)
    (instance,) = scene.states()
    scene.scale(0)
    assert scene.states() == {instance: "Terminating:Wait"}
    assert ec2_state(scene, instance) == "running"
    scene.answer(instance, hook="down")
    assert scene.states() == {}
    assert ec2_state(scene, instance) == "terminated"


def ec2_state(scene: Scene, instance: str) -> str:
    (found,) = scene.ec2.describe_instances(InstanceIds=[instance])["Reservations"]
    return str(found["Instances"][0]["State"]["Name"])


@pytest.mark.parametrize("transition", [LAUNCHING, TERMINATING])
def test_the_passing_states(scene: Scene, transition: str) -> None:
    """Pending, Pending:Wait, Pending:Proceed, InService; and likewise out."""
    word = "Pending" if transition == LAUNCHING else "Terminating"
    scene.make_group(desired=int(transition == TERMINATING))
    hook = scene.hook(transition)
    scene.aws.set_switches(replace(scene.aws.world.switches, scaling_step_seconds=60))
    scene.scale(int(transition == LAUNCHING))
    (instance,) = scene.states()
    assert scene.states() == {instance: word}
    scene.pass_time(60)
    assert scene.states() == {instance: f"{word}:Wait"}
    scene.answer(instance, hook=hook)
    assert scene.states() == {instance: f"{word}:Proceed"}
    scene.pass_time(59)
    assert scene.states() == {instance: f"{word}:Proceed"}
    scene.pass_time(1)
    assert scene.states() == ({instance: "InService"} if transition == LAUNCHING else {})


def test_abandoned_launch_is_terminated_and_replaced(scene: Scene) -> None:
    scene.make_group()
    scene.hook()
    url = scene.listen()
    scene.scale(1)
    (instance,) = scene.states()
    scene.answer(instance, "ABANDON")
    assert scene.states() == {}
    assert ec2_state(scene, instance) == "terminated"
    scene.pass_time(10)
    (replacement,) = scene.states()
    assert scene.states() == {replacement: "Pending:Wait"}
    kinds = [event["detail-type"] for event in scene.heard(url)]
    assert "EC2 Instance Launch Unsuccessful" in kinds
    cancelled = [activity for activity in scene.activities() if activity["StatusCode"] == "Cancelled"]
    assert re.fullmatch(
        r"Instance failed to complete user's Lifecycle Action: Lifecycle Action with token [0-9a-f-]{36} was "
        r"abandoned: Lifecycle Action Completed with ABANDON Result",
        cancelled[0]["StatusMessage"],
    )


@pytest.mark.parametrize("result", ["CONTINUE", "ABANDON"])
def test_both_results_of_a_terminate_hook_end_in_termination(scene: Scene, result: str) -> None:
    """ABANDON skips the remaining hooks, CONTINUE comes to them."""
    scene.make_group(desired=1)
    scene.hook(TERMINATING, "one")
    scene.hook(TERMINATING, "two")
    (instance,) = scene.states()
    scene.scale(0)
    scene.answer(instance, result, "one")
    if result == "CONTINUE":
        assert scene.states() == {instance: "Terminating:Wait"}
        scene.answer(instance, result, "two")
    assert scene.states() == {}


def test_hooks_all_at_once(scene: Scene) -> None:
    """The switch for what is not settled: both hold at the same time, and both must answer."""
    scene.aws.set_switches(replace(scene.aws.world.switches, hooks_one_after_another=False))
    scene.make_group()
    scene.hook(name="one")
    scene.hook(name="two")
    url = scene.listen()
    scene.scale(1)
    (instance,) = scene.states()
    assert {event["detail"]["LifecycleHookName"] for event in scene.heard(url)} == {"one", "two"}
    scene.answer(instance, hook="two")
    assert scene.states() == {instance: "Pending:Wait"}
    scene.answer(instance, hook="one")
    assert scene.states() == {instance: "InService"}


@pytest.mark.parametrize(("default", "stays"), [("CONTINUE", True), ("ABANDON", False)])
def test_the_default_result_after_the_heartbeat(scene: Scene, default: str, stays: bool) -> None:
    """ABANDON is the default of the default (API: PutLifecycleHook)."""
    scene.make_group()
    scene.hook(HeartbeatTimeout=30, **({} if default == "ABANDON" else {"DefaultResult": default}))
    scene.scale(1)
    (instance,) = scene.states()
    scene.pass_time(29)
    assert scene.states() == {instance: "Pending:Wait"}
    scene.pass_time(1)
    assert (scene.states().get(instance) == "InService") is stays
    if not stays:
        assert "Heartbeat Timeout" in scene.activities()[-1]["StatusMessage"]


def test_a_heartbeat_gives_more_time(scene: Scene) -> None:
    scene.make_group()
    scene.hook(HeartbeatTimeout=30, DefaultResult="CONTINUE")
    scene.scale(1)
    (instance,) = scene.states()
    scene.pass_time(20)
    beat(scene, instance)
    scene.pass_time(29)
    assert scene.states() == {instance: "Pending:Wait"}
    scene.pass_time(1)
    assert scene.states() == {instance: "InService"}


def beat(scene: Scene, instance: str) -> None:
    scene.asg.record_lifecycle_action_heartbeat(
        AutoScalingGroupName="web", LifecycleHookName="up", InstanceId=instance
    )


def test_no_heartbeat_outlives_the_global_timeout(scene: Scene) -> None:
    """100 heartbeats, 48 hours at most."""
    scene.make_group()
    scene.hook(HeartbeatTimeout=30, DefaultResult="CONTINUE")
    (shown,) = scene.asg.describe_lifecycle_hooks(AutoScalingGroupName="web")["LifecycleHooks"]
    assert shown["GlobalTimeout"] == 3000
    scene.hook(HeartbeatTimeout=7200)
    (shown,) = scene.asg.describe_lifecycle_hooks(AutoScalingGroupName="web")["LifecycleHooks"]
    assert shown["GlobalTimeout"] == 172_800
    scene.hook(HeartbeatTimeout=30)
    scene.scale(1)
    (instance,) = scene.states()
    for _ in range(149):
        scene.pass_time(20)
        beat(scene, instance)
    scene.pass_time(19)
    assert scene.states() == {instance: "Pending:Wait"}
    scene.pass_time(1)
    assert scene.states() == {instance: "InService"}


@pytest.mark.parametrize("call", ["complete_lifecycle_action", "record_lifecycle_action_heartbeat"])
def test_no_active_action(scene: Scene, call: str) -> None:
    """aws-facts 5.3: ValidationError, in these words, by token and by instance."""
    scene.make_group()
    scene.hook()
    scene.scale(1)
    (instance,) = scene.states()
    scene.answer(instance)
    result = {"LifecycleActionResult": "CONTINUE"} if call.startswith("complete") else {}
    token = "0befcbdb-6ecd-498a-9ff7-ae9b54447cd6"
    for named, words in (
        ({"InstanceId": instance}, f"No active Lifecycle Action found with instance ID {instance}"),
        ({"LifecycleActionToken": token}, f"No active Lifecycle Action found with token {token}"),
    ):
        with pytest.raises(ClientError) as caught:
            getattr(scene.asg, call)(AutoScalingGroupName="web", LifecycleHookName="up", **named, **result)
        assert caught.value.response["Error"]["Code"] == "ValidationError"
        assert caught.value.response["Error"]["Message"] == words


def test_a_token_answers_its_own_action_alone(scene: Scene, refuses: Refuses) -> None:
    """Not another hook's, and not a later one of the same instance."""
    scene.make_group()
    scene.hook()
    scene.hook(TERMINATING)
    url = scene.listen()
    scene.scale(1)
    (event,) = scene.heard(url)
    token = event["detail"]["LifecycleActionToken"]
    with refuses("ValidationError"):
        scene.answer("", hook="down", LifecycleActionToken=token)
    scene.answer("", LifecycleActionToken=token)
    scene.scale(0)
    with refuses("ValidationError"):
        scene.answer("", hook="down", LifecycleActionToken=token)
    with refuses("ValidationError"):
        scene.answer(event["detail"]["EC2InstanceId"], hook="down", LifecycleActionToken=token)


def test_a_retained_instance(scene: Scene) -> None:
    """InstanceLifecyclePolicy: ABANDON leaves it, terminated only when somebody says so."""
    policy = {"RetentionTriggers": {"TerminateHookAbandon": "retain"}}
    scene.make_group(desired=1, InstanceLifecyclePolicy=policy)
    scene.hook(TERMINATING)
    (instance,) = scene.states()
    scene.scale(0)
    scene.answer(instance, "ABANDON", "down")
    assert scene.states() == {instance: "Terminating:Retained"}
    scene.asg.terminate_instance_in_auto_scaling_group(
        InstanceId=instance, ShouldDecrementDesiredCapacity=False
    )
    assert scene.states() == {}


def test_scale_in_takes_a_waiting_instance(scene: Scene) -> None:
    scene.make_group()
    scene.hook()
    scene.scale(1)
    scene.scale(0)
    assert scene.states() == {}


# --- hooks themselves


def test_a_hook_is_shown_with_its_defaults_and_keeps_what_is_not_given(scene: Scene) -> None:
    scene.make_group()
    scene.hook(NotificationMetadata="m")
    scene.asg.put_lifecycle_hook(AutoScalingGroupName="web", LifecycleHookName="up", HeartbeatTimeout=60)
    (shown,) = scene.asg.describe_lifecycle_hooks(AutoScalingGroupName="web")["LifecycleHooks"]
    assert shown == {
        "LifecycleHookName": "up",
        "AutoScalingGroupName": "web",
        "LifecycleTransition": LAUNCHING,
        "NotificationMetadata": "m",
        "HeartbeatTimeout": 60,
        "GlobalTimeout": 6000,
        "DefaultResult": "ABANDON",
    }


@pytest.mark.parametrize(
    "given",
    [
        {"HeartbeatTimeout": 29},
        {"HeartbeatTimeout": 7201},
        {"DefaultResult": "MAYBE"},
        {"LifecycleHookName": "no spaces"},
        {"LifecycleHookName": "x" * 256},
        {"LifecycleTransition": "autoscaling:EC2_INSTANCE_RESTING"},
        {"NotificationMetadata": "umlaut: ü"},
        {"NotificationMetadata": "x" * 4001},
        {"AutoScalingGroupName": "unknown"},
    ],
)
def test_hooks_that_are_none(scene: Scene, refuses: Refuses, given: dict[str, Any]) -> None:
    scene.make_group()
    asked = {
        "AutoScalingGroupName": "web",
        "LifecycleHookName": "up",
        "LifecycleTransition": LAUNCHING,
        **given,
    }
    with refuses("ValidationError"):
        scene.asg.put_lifecycle_hook(**asked)
    assert scene.asg.describe_lifecycle_hooks(AutoScalingGroupName="web")["LifecycleHooks"] == []


def test_a_new_hook_needs_a_transition(scene: Scene, refuses: Refuses) -> None:
    scene.make_group()
    with refuses("ValidationError"):
        scene.asg.put_lifecycle_hook(AutoScalingGroupName="web", LifecycleHookName="up")


def test_a_result_that_is_none(scene: Scene, refuses: Refuses) -> None:
    scene.make_group()
    scene.hook()
    scene.scale(1)
    (instance,) = scene.states()
    with refuses("ValidationError"):
        scene.answer(instance, "SURE")
    assert scene.states() == {instance: "Pending:Wait"}


def test_fifty_hooks_and_no_more(scene: Scene, refuses: Refuses) -> None:
    scene.make_group()
    for number in range(50):
        scene.hook(name=f"h{number}")
    with refuses("LimitExceeded"):
        scene.hook(name="h50")


def test_a_deleted_hook_lets_go(scene: Scene) -> None:
    """ABANDON for launching, CONTINUE for terminating instances (API: DeleteLifecycleHook)."""
    scene.make_group(desired=1)
    scene.hook(TERMINATING)
    scene.hook()
    scene.scale(0)
    scene.asg.delete_lifecycle_hook(AutoScalingGroupName="web", LifecycleHookName="down")
    assert scene.states() == {}
    scene.scale(1)
    (waiting,) = scene.states()
    scene.asg.delete_lifecycle_hook(AutoScalingGroupName="web", LifecycleHookName="up")
    assert waiting not in scene.states()


def test_hooks_made_with_the_group(scene: Scene) -> None:
    hook = {"LifecycleHookName": "up", "LifecycleTransition": LAUNCHING, "HeartbeatTimeout": 30}
    scene.make_group(desired=1, LifecycleHookSpecificationList=[hook])
    assert scene.counts() == {"Pending:Wait": 1}


def test_a_hook_notifies_a_queue(scene: Scene) -> None:
    """A test notification first, then the action's, with four fields more than the event."""
    scene.make_group()
    url, arn = scene.queue("told")
    role = f"arn:aws:iam::{scene.account}:role/notify"
    scene.hook(NotificationTargetARN=arn, RoleARN=role, NotificationMetadata="m")
    (test,) = scene.heard(url)
    assert test["Event"] == "autoscaling:TEST_NOTIFICATION"
    assert test["AutoScalingGroupName"] == "web"
    heard = scene.listen()
    scene.scale(1)
    (told,) = scene.heard(url)
    (event,) = scene.heard(heard)
    assert told.keys() - event["detail"].keys() == {"Service", "Time", "RequestId", "AccountId"}
    assert {key: told[key] for key in event["detail"]} == event["detail"]


def test_a_hook_cannot_notify_what_is_not_there(scene: Scene, refuses: Refuses) -> None:
    scene.make_group()
    with refuses("ValidationError"):
        scene.hook(NotificationTargetARN=f"arn:aws:sns:eu-west-1:{scene.account}:topic")
