"""What Auto Scaling tells, held against the event reference's own documents (aws-facts 5.1), word for word.

``REFERENCE`` has each document's keys in their order with the values that the reference fixes; ``...`` is any.
"""

import re
from typing import Any

import pytest
from scaling_scene import LAUNCHING, TERMINATING, Json, Scene

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
MILLISECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")

ENVELOPE = ["version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"]
ACTION = [
    "LifecycleActionToken",
    "AutoScalingGroupName",
    "LifecycleHookName",
    "EC2InstanceId",
    "LifecycleTransition",
    "NotificationMetadata",
    "Origin",
    "Destination",
]
OUTCOME = [
    "StatusCode",
    "Description",
    "AutoScalingGroupName",
    "ActivityId",
    "Details",
    "RequestId",
    "StatusMessage",
    "EndTime",
    "EC2InstanceId",
    "StartTime",
    "Cause",
    "Origin",
    "Destination",
]


def check_envelope(scene: Scene, event: Json, kind: str, instance: str | None = None) -> Json:
    group = scene.group()["AutoScalingGroupARN"]
    arn = f"arn:aws:ec2:{scene.region}:{scene.account}:instance/{instance}"
    assert list(event) == ENVELOPE
    assert event["version"] == "0"
    assert UUID.fullmatch(event["id"])
    assert event["detail-type"] == kind
    assert (event["source"], event["account"], event["region"]) == (
        "aws.autoscaling",
        scene.account,
        scene.region,
    )
    assert SECONDS.fullmatch(event["time"])
    assert event["resources"] == [group, *([arn] if instance else [])]
    assert re.fullmatch(
        rf"arn:aws:autoscaling:{scene.region}:{scene.account}:autoScalingGroup:[0-9a-f-]{{36}}:"
        "autoScalingGroupName/web",
        group,
    )
    return dict(event["detail"])


@pytest.mark.parametrize(
    ("transition", "kind", "origin", "destination"),
    [
        (LAUNCHING, "EC2 Instance-launch Lifecycle Action", "EC2", "AutoScalingGroup"),
        (TERMINATING, "EC2 Instance-terminate Lifecycle Action", "AutoScalingGroup", "EC2"),
    ],
)
def test_lifecycle_action(scene: Scene, transition: str, kind: str, origin: str, destination: str) -> None:
    scene.make_group(desired=int(transition == TERMINATING))
    name = scene.hook(transition, NotificationMetadata='{"cluster": "a"}')
    url = scene.listen({"detail-type": [kind]})
    scene.scale(int(transition == LAUNCHING))
    (instance,) = scene.states()
    (event,) = scene.heard(url)
    detail = check_envelope(scene, event, kind)
    assert list(detail) == ACTION
    assert UUID.fullmatch(detail.pop("LifecycleActionToken"))
    assert detail == {
        "AutoScalingGroupName": "web",
        "LifecycleHookName": name,
        "EC2InstanceId": instance,
        "LifecycleTransition": transition,
        "NotificationMetadata": '{"cluster": "a"}',
        "Origin": origin,
        "Destination": destination,
    }


def test_no_metadata_no_key(scene: Scene) -> None:
    scene.make_group()
    scene.hook()
    url = scene.listen()
    scene.scale(1)
    (event,) = scene.heard(url)
    assert "NotificationMetadata" not in event["detail"]


@pytest.mark.parametrize(
    ("kind", "words", "origin", "destination"),
    [
        ("Launch", "Launching a new EC2 instance", "EC2", "AutoScalingGroup"),
        ("Terminate", "Terminating EC2 instance", "AutoScalingGroup", "EC2"),
    ],
)
def test_successful(scene: Scene, kind: str, words: str, origin: str, destination: str) -> None:
    """``StatusCode`` says InProgress although it is over, as the reference shows it."""
    scene.make_group(desired=int(kind == "Terminate"))
    url = scene.listen()
    before = list(scene.states())
    scene.scale(int(kind == "Launch"))
    (instance,) = before or list(scene.states())
    (event,) = scene.heard(url)
    detail = check_envelope(scene, event, f"EC2 Instance {kind} Successful", instance)
    activity = scene.activities()[0]
    assert list(detail) == OUTCOME
    assert list(detail["Details"]) == ["Availability Zone", "Subnet ID"]
    assert detail["Details"]["Subnet ID"] in scene.subnets
    assert UUID.fullmatch(detail.pop("RequestId"))
    assert MILLISECONDS.fullmatch(detail.pop("StartTime"))
    assert MILLISECONDS.fullmatch(detail.pop("EndTime"))
    del detail["Details"]
    assert detail == {
        "StatusCode": "InProgress",
        "Description": f"{words}: {instance}",
        "AutoScalingGroupName": "web",
        "ActivityId": activity["ActivityId"],
        "StatusMessage": "",
        "EC2InstanceId": instance,
        "Cause": activity["Cause"],
        "Origin": origin,
        "Destination": destination,
    }


def test_unsuccessful_launch(scene: Scene) -> None:
    scene.make_group()
    scene.hook()
    url = scene.listen({"detail-type": ["EC2 Instance Launch Unsuccessful"]})
    scene.scale(1)
    (instance,) = scene.states()
    scene.answer(instance, "ABANDON")
    (event,) = scene.heard(url)
    detail = check_envelope(scene, event, "EC2 Instance Launch Unsuccessful", instance)
    assert list(detail) == [key for key in OUTCOME if key != "Description"]
    assert detail["StatusCode"] == "Failed"
    assert "was abandoned: Lifecycle Action Completed with ABANDON Result" in detail["StatusMessage"]


def test_events_in_the_order_of_the_journey(scene: Scene) -> None:
    scene.make_group()
    scene.hook()
    scene.hook(TERMINATING)
    url = scene.listen()
    scene.scale(1)
    (instance,) = scene.states()
    scene.answer(instance)
    scene.scale(0)
    scene.answer(instance, hook="down")
    assert [event["detail-type"] for event in scene.heard(url)] == [
        "EC2 Instance-launch Lifecycle Action",
        "EC2 Instance Launch Successful",
        "EC2 Instance-terminate Lifecycle Action",
        "EC2 Instance Terminate Successful",
    ]


# --- warm pools (user guide: "Use lifecycle hooks with a warm pool")


def pool(scene: Scene, **given: Any) -> None:
    scene.asg.put_warm_pool(AutoScalingGroupName="web", **given)


def told(scene: Scene, url: str) -> list[tuple[str, str, str]]:
    """(kind, from, to)"""
    return [
        (
            event["detail-type"].removeprefix("EC2 Instance").strip(" -"),
            event["detail"]["Origin"],
            event["detail"]["Destination"],
        )
        for event in scene.heard(url)
    ]


def test_through_the_warm_pool(scene: Scene) -> None:
    """Two pauses on the way in; the address of a stopped instance is not the one it comes back with."""
    scene.make_group(MaxSize=1)
    scene.hook()
    url = scene.listen()
    pool(scene)
    (instance,) = scene.states()
    assert scene.states() == {instance: "Warmed:Pending:Wait"}
    assert scene.group()["Instances"] == []
    first = public_address(scene, instance)
    scene.answer(instance)
    assert scene.states() == {instance: "Warmed:Stopped"}
    assert public_address(scene, instance) is None
    scene.scale(1)
    assert scene.states() == {instance: "Pending:Wait"}
    assert public_address(scene, instance) not in (None, first)
    scene.answer(instance)
    assert scene.states() == {instance: "InService"}
    assert told(scene, url) == [
        ("launch Lifecycle Action", "EC2", "WarmPool"),
        ("Launch Successful", "EC2", "WarmPool"),
        ("launch Lifecycle Action", "WarmPool", "AutoScalingGroup"),
        ("Launch Successful", "WarmPool", "AutoScalingGroup"),
    ]


def public_address(scene: Scene, instance: str) -> str | None:
    (found,) = scene.ec2.describe_instances(InstanceIds=[instance])["Reservations"]
    return found["Instances"][0].get("PublicIpAddress")


def test_back_into_the_warm_pool(scene: Scene) -> None:
    """With ReuseOnScaleIn: a *terminate* action and "Terminate Successful", although it lives on."""
    scene.make_group(MaxSize=1, desired=1)
    pool(scene, InstanceReusePolicy={"ReuseOnScaleIn": True})
    (instance,) = scene.states()
    scene.hook(TERMINATING)
    url = scene.listen()
    scene.scale(0)
    assert scene.states() == {instance: "Warmed:Pending:Wait"}
    scene.answer(instance, hook="down")
    assert scene.states() == {instance: "Warmed:Stopped"}
    assert told(scene, url) == [
        ("terminate Lifecycle Action", "AutoScalingGroup", "WarmPool"),
        ("Terminate Successful", "AutoScalingGroup", "WarmPool"),
    ]


def test_out_of_the_warm_pool(scene: Scene) -> None:
    scene.make_group(MaxSize=1)
    pool(scene)
    scene.hook(TERMINATING)
    url = scene.listen()
    scene.asg.delete_warm_pool(AutoScalingGroupName="web")
    (instance,) = scene.states()
    assert scene.states() == {instance: "Warmed:Terminating:Wait"}
    described = scene.asg.describe_warm_pool(AutoScalingGroupName="web")
    assert described["WarmPoolConfiguration"]["Status"] == "PendingDelete"
    scene.answer(instance, hook="down")
    assert scene.states() == {}
    assert "WarmPoolConfiguration" not in scene.asg.describe_warm_pool(AutoScalingGroupName="web")
    assert told(scene, url) == [
        ("terminate Lifecycle Action", "WarmPool", "EC2"),
        ("Terminate Successful", "WarmPool", "EC2"),
    ]


@pytest.mark.parametrize("state", ["Stopped", "Running", "Hibernated"])
def test_the_size_and_state_of_the_pool(scene: Scene, state: str) -> None:
    """Up to the group's maximum, or MaxGroupPreparedCapacity; at least MinSize."""
    scene.make_group(MaxSize=4, desired=1)
    pool(scene, PoolState=state)
    assert scene.counts() == {"InService": 1, f"Warmed:{state}": 3}
    assert scene.group()["WarmPoolSize"] == 3
    pool(scene, MaxGroupPreparedCapacity=2, PoolState=state)
    assert scene.counts() == {"InService": 1, f"Warmed:{state}": 1}
    pool(scene, MinSize=2, PoolState=state)
    assert scene.counts() == {"InService": 1, f"Warmed:{state}": 2}
    described = scene.asg.describe_warm_pool(AutoScalingGroupName="web")
    assert [i["LifecycleState"] for i in described["Instances"]] == [f"Warmed:{state}"] * 2
    scene.scale(3)
    assert scene.counts() == {"InService": 3, f"Warmed:{state}": 2}


def test_a_pool_that_runs_dry(scene: Scene) -> None:
    """Then instances are launched into the group directly, with one pause."""
    scene.make_group(MaxSize=3)
    pool(scene, MaxGroupPreparedCapacity=1)
    scene.hook()
    url = scene.listen()
    scene.scale(2)
    assert sorted(told(scene, url)) == [
        ("launch Lifecycle Action", "EC2", "AutoScalingGroup"),
        ("launch Lifecycle Action", "WarmPool", "AutoScalingGroup"),
    ]
