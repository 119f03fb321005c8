"""What Auto Scaling tells: events on the default bus, and notifications straight to a hook's target.

The documents are those of the Auto Scaling event reference and of "Prepare to receive notifications".
"""

from datetime import datetime
from typing import Any

from twinwall.emulator.scaling.state import LAUNCHING, Activity, Group, Holdings, Hook, Instance

SOURCE = "aws.autoscaling"
Detail = dict[str, Any]


def moment(at: datetime) -> str:
    """``2021-01-13T00:12:37.214Z``"""
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def lifecycle(group: Group, instance: Instance, hook: Hook, token: str) -> tuple[str, list[str], Detail]:
    """Detail type, resources, detail. ``NotificationMetadata`` is there only if the hook has it (aws-facts
    5.1)."""
    kind = "launch" if hook.transition == LAUNCHING else "terminate"
    detail = {
        "LifecycleActionToken": token,
        "AutoScalingGroupName": group.name,
        "LifecycleHookName": hook.name,
        "EC2InstanceId": instance.id,
        "LifecycleTransition": hook.transition,
        **({"NotificationMetadata": hook.metadata} if hook.metadata else {}),
        "Origin": instance.origin,
        "Destination": instance.destination,
    }
    return f"EC2 Instance-{kind} Lifecycle Action", [group.arn], detail


def outcome(
    held: Holdings, group: Group, instance: Instance | None, activity: Activity, kind: str, journey: Detail
) -> tuple[str, list[str], Detail]:
    """``kind``: Launch, Terminate or Detach; ``journey``: Origin and Destination. A successful one still says
    ``InProgress``, as the reference shows it; a failed one has no Description."""
    failed = activity.status in ("Failed", "Cancelled")
    instance_id = instance.id if instance else ""
    arn = f"arn:aws:ec2:{held.region}:{held.account}:instance/{instance_id}"
    detail = {
        "StatusCode": "Failed" if failed else "InProgress",
        **({} if failed else {"Description": activity.description}),
        "AutoScalingGroupName": group.name,
        "ActivityId": activity.id,
        "Details": {"Availability Zone": activity.zone, "Subnet ID": activity.subnet_id},
        "RequestId": activity.id,
        "StatusMessage": activity.message,
        "EndTime": moment(activity.end or activity.start),
        "EC2InstanceId": instance_id,
        "StartTime": moment(activity.start),
        "Cause": activity.cause,
        **journey,
    }
    how = "Unsuccessful" if failed else "Successful"
    return f"EC2 Instance {kind} {how}", [group.arn, *([arn] if instance else [])], detail


def notification(held: Holdings, detail: Detail, request_id: str, at: datetime) -> Detail:
    """The body of a hook's own notification: the event's detail and four fields more (aws-facts 5.1)."""
    return {
        **detail,
        "Service": "AWS Auto Scaling",
        "Time": moment(at),
        "RequestId": request_id,
        "AccountId": held.account,
    }


def test_notification(held: Holdings, group: Group, request_id: str, at: datetime) -> Detail:
    """Sent once, when a hook with a target is made."""
    return {
        "AccountId": held.account,
        "RequestId": request_id,
        "AutoScalingGroupARN": group.arn,
        "AutoScalingGroupName": group.name,
        "Service": "AWS Auto Scaling",
        "Event": "autoscaling:TEST_NOTIFICATION",
        "Time": moment(at),
    }
