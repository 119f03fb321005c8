"""Rules with a schedule and EventBridge Scheduler, fired on the server's clock (aws-facts 6.1)."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from scaling_scene import Json, Scene

Refuses = Callable[[str], Any]


def scheduled_rule(scene: Scene, expression: str, **target: Any) -> str:
    url, arn = scene.queue("ticks")
    scene.events.put_rule(Name="tick", ScheduleExpression=expression)
    scene.events.put_targets(Rule="tick", Targets=[{"Id": "1", "Arn": arn, **target}])
    return url


@pytest.mark.parametrize("expression", ["rate(5 minutes)", "cron(0/5 * * * ? *)"])
def test_a_rule_with_a_schedule(scene: Scene, expression: str) -> None:
    url = scheduled_rule(scene, expression)
    ticks = 0
    for _ in range(12):
        scene.pass_time(150)
        ticks += len(scene.heard(url))
    assert ticks == 6


def test_what_a_tick_is(scene: Scene) -> None:
    url = scheduled_rule(scene, "rate(1 minute)")
    scene.pass_time(59)
    assert scene.heard(url) == []
    scene.pass_time(1)
    (event,) = scene.heard(url)
    assert event.pop("id")
    assert event.pop("time")
    assert event == {
        "version": "0",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": scene.account,
        "region": scene.region,
        "resources": [f"arn:aws:events:{scene.region}:{scene.account}:rule/tick"],
        "detail": {},
    }


def test_a_schedule_that_changes_or_ends(scene: Scene) -> None:
    url = scheduled_rule(scene, "rate(1 hour)", Input='{"tick": 1}')
    scene.events.put_rule(Name="tick", ScheduleExpression="rate(1 minute)")
    scene.pass_time(60)
    assert scene.heard(url) == [{"tick": 1}]
    scene.events.disable_rule(Name="tick")
    scene.pass_time(600)
    assert scene.heard(url) == []
    scene.events.enable_rule(Name="tick")
    scene.pass_time(60)
    assert len(scene.heard(url)) == 1
    scene.events.remove_targets(Rule="tick", Ids=["1"])
    scene.events.delete_rule(Name="tick")
    scene.pass_time(600)
    assert scene.heard(url) == []


@pytest.mark.parametrize(
    "expression",
    ["rate(5 minute)", "rate(0 minutes)", "rate(1 second)", "cron(* * * * *)", "at(2026-01-01T00:00:00)"],
)
def test_schedules_that_are_none(scene: Scene, refuses: Refuses, expression: str) -> None:
    with refuses("ValidationException"):
        scene.events.put_rule(Name="tick", ScheduleExpression=expression)


# --- EventBridge Scheduler


@pytest.fixture
def scheduler(client: Any, scene: Scene) -> Any:
    return client("scheduler", scene.account, scene.region)


def schedule(scene: Scene, scheduler: Any, expression: str, **given: Any) -> str:
    """One named ``sweep``, to the queue ``swept``; returns the queue's URL."""
    url, arn = scene.queue("swept")
    target = {"Arn": arn, "RoleArn": role(scene), **given.pop("Target", {})}
    asked = {"FlexibleTimeWindow": {"Mode": "OFF"}, **given}
    scheduler.create_schedule(Name="sweep", ScheduleExpression=expression, Target=target, **asked)
    return url


def role(scene: Scene) -> str:
    return f"arn:aws:iam::{scene.account}:role/sweep"


def test_a_schedule(scene: Scene, scheduler: Any) -> None:
    url = schedule(scene, scheduler, "rate(5 minutes)", Target={"Input": '{"detail": {}}'})
    for _ in range(3):
        scene.pass_time(300)
        assert scene.heard(url) == [{"detail": {}}]
    scheduler.delete_schedule(Name="sweep")
    scene.pass_time(3000)
    assert scene.heard(url) == []


def test_a_schedule_without_input(scene: Scene, scheduler: Any) -> None:
    url = schedule(scene, scheduler, "rate(1 hour)")
    scene.pass_time(3600)
    (event,) = scene.heard(url)
    assert event["detail-type"] == "Scheduled Event"
    assert event["source"] == "aws.scheduler"
    assert event["resources"] == [f"arn:aws:scheduler:{scene.region}:{scene.account}:schedule/default/sweep"]


def test_a_templated_input(scene: Scene, scheduler: Any) -> None:
    """User guide: "Context attributes"."""
    text = '{"arn": "<aws.scheduler.schedule-arn>", "at": "<aws.scheduler.scheduled-time>"}'
    url = schedule(scene, scheduler, "rate(1 hour)", Target={"Input": text})
    scene.pass_time(3600)
    (sent,) = scene.heard(url)
    assert sent["arn"].endswith("schedule/default/sweep")
    assert datetime.fromisoformat(sent["at"]).tzinfo is not None


def test_once(scene: Scene, scheduler: Any) -> None:
    """``at``, in a time zone; gone afterwards if it was asked to be."""
    there = datetime.now(UTC) + timedelta(hours=2)
    tokyo = (there + timedelta(hours=9)).strftime("%Y-%m-%dT%H:%M:%S")
    url = schedule(
        scene,
        scheduler,
        f"at({tokyo})",
        ScheduleExpressionTimezone="Asia/Tokyo",
        ActionAfterCompletion="DELETE",
    )
    scene.pass_time(7100)
    assert scene.heard(url) == []
    scene.pass_time(200)  # the server's clock stands while the test's own goes on
    assert len(scene.heard(url)) == 1
    assert scheduler.list_schedules()["Schedules"] == []


def test_from_start_to_end(scene: Scene, scheduler: Any) -> None:
    now = datetime.now(UTC)
    url = schedule(
        scene,
        scheduler,
        "rate(1 minute)",
        StartDate=now + timedelta(minutes=10),
        EndDate=now + timedelta(minutes=15, seconds=30),
    )
    scene.pass_time(600)
    assert scene.heard(url) == []
    found = 0
    for _ in range(20):
        scene.pass_time(60)
        found += len(scene.heard(url))
    assert found == 5


def test_a_flexible_window(scene: Scene, scheduler: Any) -> None:
    window = {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 30}
    url = schedule(scene, scheduler, "rate(1 hour)", FlexibleTimeWindow=window)
    scene.pass_time(3599)
    assert scene.heard(url) == []
    scene.pass_time(1801)
    assert len(scene.heard(url)) == 1


def test_disabled_and_updated(scene: Scene, scheduler: Any) -> None:
    url = schedule(scene, scheduler, "rate(1 minute)", State="DISABLED")
    scene.pass_time(600)
    assert scene.heard(url) == []
    target = {"Arn": scene.queue("swept")[1], "RoleArn": role(scene)}
    scheduler.update_schedule(
        Name="sweep",
        ScheduleExpression="rate(2 minutes)",
        Target=target,
        FlexibleTimeWindow={"Mode": "OFF"},
        State="ENABLED",
    )
    scene.pass_time(119)
    assert scene.heard(url) == []
    scene.pass_time(1)
    assert len(scene.heard(url)) == 1


def test_its_dead_letters(scene: Scene, scheduler: Any) -> None:
    dead, dead_arn = scene.queue("dead")
    policy = {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}
    target = {"Input": "{}", "RetryPolicy": policy, "DeadLetterConfig": {"Arn": dead_arn}}
    url = schedule(scene, scheduler, "rate(1 hour)", Target=target)
    scene.sqs.delete_queue(QueueUrl=url)
    scene.pass_time(3600)
    (message,) = scene.messages(dead)
    found = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert found["SCHEDULE_ARN"].endswith("schedule/default/sweep")
    assert found["ERROR_CODE"] == "NO_RESOURCE"
    assert {"EXECUTION_ID", "SCHEDULED_TIME", "IS_PAYLOAD_TRUNCATED", "RETRY_ATTEMPTS"} <= found.keys()


def trusting(account: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "scheduler.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": account}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_a_role_that_trusts_scheduler(scene: Scene, scheduler: Any, client: Any, refuses: Refuses) -> None:
    """The switch: as AWS does it. Scheduler says for which account it comes (user guide, "Cross-service confused deputy
    prevention")."""
    scene.aws.set_switches(replace(scene.aws.world.switches, deliveries_need_permission=True))
    with refuses("ValidationException"):
        schedule(scene, scheduler, "rate(1 hour)")
    iam = client("iam", scene.account)
    iam.create_role(RoleName="sweep", AssumeRolePolicyDocument=trusting("000000000000"))
    with refuses("ValidationException"):
        schedule(scene, scheduler, "rate(1 hour)")
    iam.update_assume_role_policy(RoleName="sweep", PolicyDocument=trusting(scene.account))
    url = schedule(scene, scheduler, "rate(1 hour)")
    scene.pass_time(3600)
    assert len(scene.heard(url)) == 1


@pytest.mark.parametrize(
    "given",
    [
        {"ScheduleExpression": "rate(5 minute)"},
        {"ScheduleExpression": "every day"},
        {"ScheduleExpressionTimezone": "Mars/Olympus"},
        {"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}},
        {"FlexibleTimeWindow": {"Mode": "OFF", "MaximumWindowInMinutes": 5}},
        {"Name": "no spaces"},
        {
            "Target": {
                "Arn": "arn:aws:sns:eu-west-1:210000000001:t",
                "RoleArn": "arn:aws:iam::210000000001:role/r",
            }
        },
    ],
)
def test_schedules_that_scheduler_refuses(
    scene: Scene, scheduler: Any, refuses: Refuses, given: Json
) -> None:
    asked = {
        "Name": "sweep",
        "ScheduleExpression": "rate(5 minutes)",
        "Target": {"Arn": scene.queue("swept")[1], "RoleArn": role(scene)},
        "FlexibleTimeWindow": {"Mode": "OFF"},
        **given,
    }
    with refuses("ValidationException"):
        scheduler.create_schedule(**asked)
    assert scheduler.list_schedules()["Schedules"] == []
