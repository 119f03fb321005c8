"""Auto Scaling's door: a call is read, checked against the API model, carried out, written."""

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from random import Random
from typing import Any

from twinwall.emulator import wire
from twinwall.emulator.http import Response
from twinwall.emulator.iam.asked import Asked
from twinwall.emulator.pace import Pace
from twinwall.emulator.refusal import Refusal
from twinwall.emulator.scaling import groups, hooks, instances, pools, tags
from twinwall.emulator.scaling.ask import Ask, Operation
from twinwall.emulator.scaling.capacity import Capacity
from twinwall.emulator.scaling.fleet import Fleet
from twinwall.emulator.scaling.lifecycle import Lifecycle
from twinwall.emulator.scaling.reports import Announcer, Reports
from twinwall.emulator.scaling.state import Holdings
from twinwall.emulator.switches import Switches
from twinwall.emulator.visit import Room, Visit

LOG = logging.getLogger("twinwall.emulator")
SERVICE = "autoscaling"

OPERATIONS: Mapping[str, Operation] = {
    "AttachInstances": instances.attach,
    "CompleteLifecycleAction": hooks.complete,
    "CreateAutoScalingGroup": groups.create,
    "CreateOrUpdateTags": tags.create_or_update,
    "DeleteAutoScalingGroup": groups.delete,
    "DeleteLifecycleHook": hooks.delete,
    "DeleteTags": tags.delete,
    "DeleteWarmPool": pools.delete,
    "DescribeAutoScalingGroups": groups.describe,
    "DescribeAutoScalingInstances": groups.describe_instances,
    "DescribeLifecycleHookTypes": hooks.describe_types,
    "DescribeLifecycleHooks": hooks.describe,
    "DescribeScalingActivities": groups.describe_activities,
    "DescribeScalingProcessTypes": instances.describe_processes,
    "DescribeTags": tags.describe,
    "DescribeWarmPool": pools.describe,
    "DetachInstances": instances.detach,
    "EnterStandby": instances.enter_standby,
    "ExitStandby": instances.exit_standby,
    "PutLifecycleHook": hooks.put,
    "PutWarmPool": pools.put,
    "RecordLifecycleActionHeartbeat": hooks.heartbeat,
    "ResumeProcesses": instances.resume,
    "SetDesiredCapacity": groups.set_desired,
    "SetInstanceHealth": instances.set_health,
    "SetInstanceProtection": instances.set_protection,
    "SuspendProcesses": instances.suspend,
    "TerminateInstanceInAutoScalingGroup": instances.terminate,
    "UpdateAutoScalingGroup": groups.update,
}

NOTHING: Mapping[str, str] = {
    "DescribeInstanceRefreshes": "InstanceRefreshes",
    "DescribeLoadBalancerTargetGroups": "LoadBalancerTargetGroups",
    "DescribeLoadBalancers": "LoadBalancers",
    "DescribeNotificationConfigurations": "NotificationConfigurations",
    "DescribePolicies": "ScalingPolicies",
    "DescribeScheduledActions": "ScheduledUpdateGroupActions",
    "DescribeTrafficSources": "TrafficSources",
}
"""Reads of what cannot be made here, and of which there is therefore none."""

MOTOS = ("CreateLaunchConfiguration", "DescribeLaunchConfigurations", "DeleteLaunchConfiguration")


class Scaling:
    """``lock``: EC2's, held during each call. ``moto``: answers for launch configurations."""

    def __init__(
        self,
        announcer: Announcer,
        moto: Room,
        pace: Pace,
        lock: threading.RLock,
        now: Callable[[], datetime],
        switches: Callable[[], Switches],
        random: Random,
    ) -> None:
        self._moto = moto
        self._lock = lock
        self._life = Lifecycle(Fleet(random), Reports(announcer, now), pace, lock, switches)
        self._capacity = Capacity(self._life)
        self._holdings: dict[tuple[str, str], Holdings] = {}

    def __call__(self, visit: Visit) -> Response:
        if visit.action in MOTOS:
            with self._lock:
                return self._moto(visit)
        params = wire.parse(SERVICE, visit.action, visit.request, "query")
        output = self.call(visit.account, visit.region, visit.action, params)
        return wire.write(SERVICE, visit.action, output, visit.id, "query")

    def call(self, account: str, region: str, action: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """From within the process: the API model's names in, its names out. Raises ``Refusal``."""
        wire.check(SERVICE, action, params, "ValidationError")
        if action in NOTHING:
            return {NOTHING[action]: []}
        if action not in OPERATIONS:
            LOG.warning("%s: no such operation in the embedded AWS", action)
            raise Refusal("InvalidAction", f"The action {action} is not implemented by the embedded AWS.")
        with self._lock:
            return OPERATIONS[action](Ask(self._at(account, region), params, self._life, self._capacity))

    def asked_about(self, asked: Asked) -> tuple[str, dict[str, str]] | None:
        """The ARN and the tags of the group that a request names, or of the one that holds its instance."""
        groups = self._at(asked.account, asked.region).groups
        name, instance_id = asked.params.get("AutoScalingGroupName"), asked.params.get("InstanceId")
        for group in groups.values():
            if group.name == name or (name is None and instance_id in group.instances):
                return group.arn, {key: str(tag.get("Value") or "") for key, tag in group.tags.items()}
        return None

    def look(self, account: str, region: str) -> None:
        """After EC2 calls: what has become of the instances?"""
        with self._lock:
            if (account, region) in self._holdings:
                instances.look(self._life, self._capacity, self._at(account, region))

    def _at(self, account: str, region: str) -> Holdings:
        return self._holdings.setdefault((account, region), Holdings(account, region))
