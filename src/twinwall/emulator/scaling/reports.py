"""Scaling activities as they go on, and what is told of them."""

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from twinwall.emulator.scaling import events
from twinwall.emulator.scaling.state import EC2, GROUP, Activity, Group, Holdings, Hook, Instance, Member


class Announcer(Protocol):
    """Where Auto Scaling's events and notifications go."""

    def emit(
        self, account: str, region: str, source: str, kind: str, resources: list[str], detail: dict[str, Any]
    ) -> None:
        """Onto the default bus."""
        ...

    def notify(self, target_arn: str, body: dict[str, Any], source_arn: str) -> None:
        """Straight to a queue or function."""
        ...

    def reaches(self, target_arn: str) -> bool:
        """May it be notified?"""
        ...


class Reports:
    def __init__(self, announcer: Announcer, now: Callable[[], datetime]) -> None:
        self.now = now
        self._announcer = announcer

    def stamp(self) -> str:
        """The moment as an activity's Cause writes it."""
        return self.now().strftime("%Y-%m-%dT%H:%M:%SZ")

    def begin(self, group: Group, description: str, cause: str, zone: str, subnet_id: str) -> Activity:
        """The newest stands first, as DescribeScalingActivities shows them."""
        activity = Activity(str(uuid.uuid4()), description, cause, self.now(), zone, subnet_id)
        group.activities.insert(0, activity)
        return activity

    def finished(self, member: Member, kind: str) -> None:
        """``kind``: Launch or Terminate."""
        self._end(member.instance.activity, "Successful")
        self._outcome(member.held, member.group, member.instance.activity, kind, member)

    def launch_cancelled(self, member: Member, why: str) -> None:
        activity = member.instance.activity
        activity.message = f"Instance failed to complete user's Lifecycle Action: {why}"
        self._end(activity, "Cancelled")
        self._outcome(member.held, member.group, activity, "Launch", member)

    def launch_failed(self, held: Holdings, group: Group, activity: Activity, why: str) -> None:
        """There is no instance."""
        activity.message = f"{why}. Launching EC2 instance failed."
        self._end(activity, "Failed")
        self._outcome(held, group, activity, "Launch", None)

    def detached(self, held: Holdings, group: Group, instance: Instance) -> None:
        """It leaves with the group's newest activity."""
        journey = {"Origin": GROUP, "Destination": EC2}
        self._emit(held, events.outcome(held, group, instance, group.activities[0], "Detach", journey))

    def held(self, member: Member, hook: Hook, token: str) -> None:
        """A hook holds the instance from now on."""
        told = events.lifecycle(member.group, member.instance, hook, token)
        self._emit(member.held, told)
        if hook.target_arn:
            body = events.notification(member.held, told[2], str(uuid.uuid4()), self.now())
            self._announcer.notify(hook.target_arn, body, member.group.arn)

    def hook_made(self, held: Holdings, group: Group, hook: Hook) -> None:
        if hook.target_arn:
            body = events.test_notification(held, group, str(uuid.uuid4()), self.now())
            self._announcer.notify(hook.target_arn, body, group.arn)

    def reaches(self, target_arn: str) -> bool:
        return self._announcer.reaches(target_arn)

    def _end(self, activity: Activity, status: str) -> None:
        activity.status, activity.progress, activity.end = status, 100, self.now()

    def _outcome(
        self, held: Holdings, group: Group, activity: Activity, kind: str, member: Member | None
    ) -> None:
        instance = member.instance if member else None
        journey = {
            "Origin": instance.origin if instance else EC2,
            "Destination": instance.destination if instance else GROUP,
        }
        self._emit(held, events.outcome(held, group, instance, activity, kind, journey))

    def _emit(self, held: Holdings, told: tuple[str, list[str], dict[str, Any]]) -> None:
        self._announcer.emit(held.account, held.region, events.SOURCE, *told)
