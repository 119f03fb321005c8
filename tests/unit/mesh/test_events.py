"""Events told apart by shape; what is not ours is left alone, with the reason."""

import json
from typing import Any

import pytest

from twinwall.mesh.events import (
    DETACHED,
    LAUNCH,
    TERMINATE,
    TERMINATED,
    Ignored,
    Launching,
    Leaving,
    Returned,
    Terminated,
    TrueUp,
    Warming,
    Woken,
    happened,
    messages,
)
from twinwall.mesh.settings import Mesh
from twinwall.model.members import Node, Place, Site, SiteKey

PLACE = Place("111122223333", "eu-west-1")
MESH = Mesh(
    "web",
    (Node("n", PLACE),),
    (Site(SiteKey("eu-west-1", "web"), PLACE.account, "sg-0123456789abcdef0", "n"),),
)


def event(kind: str, **detail: str) -> dict[str, Any]:
    hook = "twinwall-launch" if kind == LAUNCH else "twinwall-terminate"
    full = {
        "LifecycleActionToken": "token",
        "AutoScalingGroupName": "web",
        "LifecycleHookName": hook,
        "EC2InstanceId": "i-1",
        **detail,
    }
    given = {key: value for key, value in full.items() if value}
    return {
        "id": "e-1",
        "detail-type": kind,
        "region": "eu-west-1",
        "time": "2026-01-01T00:00:10Z",
        "detail": given,
    }


def told(document: object) -> Any:
    return happened(document, MESH, "eu-west-1")


def test_launches_and_terminations() -> None:
    launch = told(event(LAUNCH))
    assert isinstance(launch, Launching)
    assert (launch.hook.instance, launch.hook.token, launch.at) == ("i-1", "token", 1767225610.0)
    assert isinstance(told(event(TERMINATE)), Leaving)
    assert isinstance(told(event(TERMINATED)), Terminated)
    assert isinstance(told(event(DETACHED)), Terminated)


def test_the_warm_pool() -> None:
    assert isinstance(told(event(LAUNCH, Origin="EC2", Destination="WarmPool")), Warming)
    back = told(event(LAUNCH, Origin="WarmPool", Destination="AutoScalingGroup"))
    assert isinstance(back, Launching)
    assert back.from_warm_pool
    assert isinstance(told(event(TERMINATE, Origin="AutoScalingGroup", Destination="WarmPool")), Leaving)
    rests = told(event(TERMINATED, Origin="AutoScalingGroup", Destination="WarmPool"))
    assert isinstance(rests, Returned), "told although the instance lives on"


@pytest.mark.parametrize(
    "document",
    [
        {"detail": {"AutoScalingGroupName": "web"}},
        {"detail": {"AutoScalingGroupName": "web"}, "trueup": True},
        {"detail-type": "Scheduled Event"},
    ],
)
def test_true_ups(document: dict[str, Any]) -> None:
    assert isinstance(told(document), TrueUp)


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ("text", "no object"),
        ([], "no object"),
        ({}, "names no Auto Scaling group"),
        ({"detail": {"AutoScalingGroupName": "other"}}, "no site"),
        (event(LAUNCH, AutoScalingGroupName="other"), "no site of 'web'"),
        (event(LAUNCH, LifecycleHookName="other"), "not ours"),
        (event(LAUNCH, LifecycleHookName="twinwall-terminate"), "not ours"),
        (event(LAUNCH, EC2InstanceId=""), "without EC2InstanceId"),
        (event(TERMINATE, LifecycleActionToken=""), "without LifecycleActionToken"),
        ({**event(LAUNCH), "time": "today"}, "whose time is"),
        ({**event(LAUNCH), "region": "us-east-1"}, "no site"),
        ({"detail-type": "EC2 Instance Refresh Started"}, "of the type"),
        ({"Event": "autoscaling:TEST_NOTIFICATION"}, "test notification"),
    ],
)
def test_what_is_not_ours_is_left_alone(document: object, why: str) -> None:
    found = told(document)
    assert isinstance(found, Ignored)
    assert why in found.why


def test_batches_of_a_queue_and_of_a_stream() -> None:
    queued = {
        "eventSource": "aws:sqs",
        "messageId": "m-1",
        "receiptHandle": "r-1",
        "body": json.dumps(event(LAUNCH)),
    }
    broken = {"eventSource": "aws:sqs", "messageId": "m-2", "receiptHandle": "r-2", "body": "{"}
    streamed = {"eventSource": "aws:dynamodb", "eventID": "x", "dynamodb": {"SequenceNumber": "7"}}
    found = list(messages({"Records": [queued, broken, streamed, 5]}, MESH, "eu-west-1"))
    assert [type(message.happening) for message in found] == [Launching, Ignored, Woken, Ignored]
    assert [(message.id, message.receipt, message.event_id) for message in found[:3]] == [
        ("m-1", "r-1", "e-1"),
        ("m-2", "r-2", "m-2"),
        ("7", "", "x"),
    ]
