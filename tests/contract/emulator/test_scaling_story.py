"""The story's first half on a server of its own, as AWS permits it and at a real clock's pace: a group from 0 to 3,
hook, event, queue, answer, InService, and back to 0; and the same events in another Region and account.

And that a server leaves nothing behind.
"""

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError
from scaling_scene import LAUNCHING, TERMINATING, Scene

from twinwall.emulator.pace import Pace
from twinwall.emulator.server import EmbeddedAws
from twinwall.emulator.switches import Switches

HERE, THERE = "260000000001", "260000000002"
REGION, FAR = "eu-west-1", "us-east-1"


class Clients:
    def __init__(self, aws: EmbeddedAws) -> None:
        self._aws = aws

    def __call__(self, service: str, account: str = HERE, region: str = REGION) -> Any:
        key = self._aws.credentials(account)
        return boto3.client(
            service,  # type: ignore[call-overload]
            region,
            endpoint_url=self._aws.endpoint,
            aws_access_key_id=key.id,
            aws_secret_access_key=key.secret,
            config=Config(retries={"total_max_attempts": 1}),
        )


@pytest.fixture
def aws() -> Iterator[EmbeddedAws]:
    """Where policies are enforced, a queue without one takes nothing from a rule."""
    switches = Switches(scaling_step_seconds=0.05)
    with EmbeddedAws((HERE, THERE), switches=switches, seed=5, enforce_iam=True) as aws:
        yield aws


def open_to(scene: Scene, url: str, arn: str, rule: str) -> None:
    """The queue's policy lets one rule in, as AWS asks for it."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    scene.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})


def worker(scene: Scene, url: str, done: threading.Event) -> None:
    """Answers every hook by its token, as a handler would."""
    while not done.is_set():
        found = scene.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        for message in found.get("Messages", []):
            detail = json.loads(message["Body"])["detail"]
            scene.asg.complete_lifecycle_action(
                AutoScalingGroupName=detail["AutoScalingGroupName"],
                LifecycleHookName=detail["LifecycleHookName"],
                LifecycleActionToken=detail["LifecycleActionToken"],
                LifecycleActionResult="CONTINUE",
            )
            scene.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def until(reached: Any) -> float:
    """Seconds that it took."""
    started = time.monotonic()
    while not reached():
        assert time.monotonic() - started < 20, "it never came to that"
        time.sleep(0.02)
    return time.monotonic() - started


def test_from_0_to_3_and_back(aws: EmbeddedAws) -> None:
    clients = Clients(aws)
    scene = Scene(aws, clients, HERE, REGION)
    far = Scene(aws, clients, THERE, FAR)
    scene.make_group()
    for transition in (LAUNCHING, TERMINATING):
        scene.hook(transition, HeartbeatTimeout=300)
    url, arn = scene.queue("actions")
    kinds = [{"suffix": "Lifecycle Action"}]
    pattern = {"source": ["aws.autoscaling"], "detail-type": kinds, "account": [HERE]}
    rule = scene.events.put_rule(Name="actions", EventPattern=json.dumps(pattern))["RuleArn"]
    open_to(scene, url, arn, rule)
    handing_over = {"Effect": "Allow", "Action": "events:PutEvents", "Resource": "*"}
    may = json.dumps({"Version": "2012-10-17", "Statement": [handing_over]})
    role = aws.add_role(HERE, "forward", [HERE], policies=[may])
    scene.events.put_targets(
        Rule="actions",
        Targets=[
            {"Id": "queue", "Arn": arn},
            {"Id": "far", "Arn": f"arn:aws:events:{FAR}:{THERE}:event-bus/default", "RoleArn": role},
        ],
    )
    far.events.put_permission(StatementId="here", Action="events:PutEvents", Principal=HERE)
    far_url, far_arn = far.queue("copies")
    far_rule = far.events.put_rule(Name="copies", EventPattern=json.dumps(pattern))["RuleArn"]
    far.events.put_targets(Rule="copies", Targets=[{"Id": "1", "Arn": far_arn}])
    open_to(far, far_url, far_arn, far_rule)

    done = threading.Event()
    answering = threading.Thread(target=worker, args=(scene, url, done))
    answering.start()
    try:
        scene.scale(3)
        until(lambda: scene.counts() == {"InService": 3})
        scene.scale(0)
        until(lambda: scene.states() == {})
    finally:
        done.set()
        answering.join()
    copies = far.heard(far_url)
    assert {(event["account"], event["region"]) for event in copies} == {(HERE, REGION)}
    assert sorted(event["detail"]["LifecycleTransition"] for event in copies) == (
        [LAUNCHING] * 3 + [TERMINATING] * 3
    )


def poll(scene: Scene, url: str) -> None:
    with contextlib.suppress(BotoCoreError):
        scene.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)


def test_nothing_is_left_behind() -> None:
    """Threads end with the server, a poll that waits is answered, a heartbeat that runs is forgotten; the next
    server of the process has neither groups nor queues nor rules."""
    before = set(threading.enumerate())
    for _ in range(2):
        with EmbeddedAws((HERE, THERE)) as aws:
            scene = Scene(aws, Clients(aws), HERE, REGION)
            assert scene.asg.describe_auto_scaling_groups()["AutoScalingGroups"] == []
            assert scene.sqs.list_queues().get("QueueUrls", []) == []
            assert scene.events.list_rules()["Rules"] == []
            scene.make_group()
            scene.hook()
            url = scene.listen()
            scene.scale(1)
            assert len(scene.heard(url)) == 1
            polls = threading.Thread(target=poll, args=(scene, url))
            polls.start()
            until(lambda: aws.counts.total("ReceiveMessage") == 3)
    polls.join(5)
    assert not polls.is_alive()
    assert until(lambda: set(threading.enumerate()) <= before) < 5


def test_two_servers_share_nothing() -> None:
    with EmbeddedAws((HERE,)) as one, EmbeddedAws((THERE,)) as two:
        first = Scene(one, Clients(one), HERE, REGION)
        second = Scene(two, Clients(two), THERE, REGION)
        for scene in (first, second):
            scene.make_group(desired=1)
            scene.hook()
        heard = [scene.listen() for scene in (first, second)]
        first.scale(2)
        assert [len(scene.heard(url)) for scene, url in zip((first, second), heard, strict=True)] == [1, 0]
        one.reset()
        assert first.asg.describe_auto_scaling_groups()["AutoScalingGroups"] == []
        assert second.counts() == {"InService": 1}


def test_a_reset_forgets_what_was_to_come() -> None:
    with EmbeddedAws((HERE,), pace=Pace(time_scale=1e-6)) as aws:
        scene = Scene(aws, Clients(aws), HERE, REGION)
        scene.make_group()
        scene.hook(HeartbeatTimeout=30)
        scene.scale(1)
        scene.events.put_rule(Name="tick", ScheduleExpression="rate(1 minute)")
        aws.reset()
        scene.pass_time(3600)
        assert scene.asg.describe_auto_scaling_instances()["AutoScalingInstances"] == []
        assert scene.ec2.describe_instances()["Reservations"] == []
