"""Auto Scaling's nouns as its API shows them (API: AutoScalingGroup, Instance, LifecycleHook, Activity)."""

import json
from typing import Any

from twinwall.emulator.scaling.state import Activity, Group, Holdings, Hook, Instance, WarmPool

Shape = dict[str, Any]


def show_group(held: Holdings, group: Group, *, with_instances: bool = True) -> Shape:
    """Without the instances of the warm pool, which DescribeWarmPool shows."""
    return {
        **group.settings,
        "AutoScalingGroupName": group.name,
        "AutoScalingGroupARN": group.arn,
        **group.launch,
        "MinSize": group.min_size,
        "MaxSize": group.max_size,
        "DesiredCapacity": group.desired,
        "AvailabilityZones": group.zones,
        "VPCZoneIdentifier": ",".join(group.subnets),
        "Instances": [show_instance(i) for i in group.members()] if with_instances else [],
        "CreatedTime": group.created,
        "SuspendedProcesses": [
            {"ProcessName": name, "SuspensionReason": why} for name, why in sorted(group.suspended.items())
        ],
        "EnabledMetrics": [],
        "Tags": [group.tags[key] for key in sorted(group.tags)],
        "TerminationPolicies": group.policies,
        "NewInstancesProtectedFromScaleIn": group.protect_new,
        "ServiceLinkedRoleARN": (
            f"arn:aws:iam::{held.account}:role/aws-service-role/autoscaling.amazonaws.com/"
            "AWSServiceRoleForAutoScaling"
        ),
        **_pool(group),
    }


def _pool(group: Group) -> Shape:
    if group.pool is None:
        return {}
    return {"WarmPoolConfiguration": show_pool(group), "WarmPoolSize": len(group.warm())}


def show_instance(instance: Instance) -> Shape:
    launched = {
        "LaunchTemplate": instance.template,
        "LaunchConfigurationName": instance.launch_configuration,
    }
    return {
        "InstanceId": instance.id,
        "InstanceType": instance.type,
        "AvailabilityZone": instance.zone,
        "LifecycleState": instance.state,
        "HealthStatus": instance.health,
        "ProtectedFromScaleIn": instance.protected,
        **{name: value for name, value in launched.items() if value is not None},
    }


def show_managed(group: Group, instance: Instance) -> Shape:
    """As DescribeAutoScalingInstances has it: with the group, and health in capitals."""
    return {
        **show_instance(instance),
        "AutoScalingGroupName": group.name,
        "HealthStatus": instance.health.upper(),
    }


def show_hook(group: Group, hook: Hook) -> Shape:
    optional = {
        "NotificationTargetARN": hook.target_arn,
        "RoleARN": hook.role_arn,
        "NotificationMetadata": hook.metadata,
    }
    return {
        "LifecycleHookName": hook.name,
        "AutoScalingGroupName": group.name,
        "LifecycleTransition": hook.transition,
        "HeartbeatTimeout": hook.heartbeat,
        "GlobalTimeout": hook.global_timeout,
        "DefaultResult": hook.default_result,
        **{name: value for name, value in optional.items() if value},
    }


def show_pool(group: Group) -> Shape:
    pool = group.pool or WarmPool()
    return {
        "MinSize": pool.min_size,
        "PoolState": pool.pool_state,
        **({} if pool.max_prepared is None else {"MaxGroupPreparedCapacity": pool.max_prepared}),
        **({"InstanceReusePolicy": {"ReuseOnScaleIn": True}} if pool.reuse else {}),
        **({"Status": "PendingDelete"} if group.pool_leaves else {}),
    }


def show_activity(group: Group, activity: Activity) -> Shape:
    details = {"Subnet ID": activity.subnet_id, "Availability Zone": activity.zone}
    return {
        "ActivityId": activity.id,
        "AutoScalingGroupName": group.name,
        "AutoScalingGroupARN": group.arn,
        "Description": activity.description,
        "Cause": activity.cause,
        "StartTime": activity.start,
        "StatusCode": activity.status,
        "Progress": activity.progress,
        "Details": json.dumps({name: value for name, value in details.items() if value}),
        **({"StatusMessage": activity.message} if activity.message else {}),
        **({"EndTime": activity.end} if activity.end else {}),
    }
