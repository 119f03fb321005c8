"""AWS::AutoScaling and launch templates."""

from typing import Any

from twinwall.emulator.stacks.desk import Desk, Props, ResourceFailed
from twinwall.emulator.stacks.kind import Kind, words
from twinwall.emulator.stacks.resolver import Made

# --- launch template


def _create_template(desk: Desk, p: Props) -> Made:
    specifications = p.get("TagSpecifications")
    answer = desk.call(
        "ec2", "CreateLaunchTemplate", LaunchTemplateName=p.get("LaunchTemplateName") or desk.name(128),
        LaunchTemplateData=p["LaunchTemplateData"], VersionDescription=p.get("VersionDescription"),
        TagSpecifications=specifications,
    )["LaunchTemplate"]  # fmt: skip
    return _template(answer["LaunchTemplateId"], answer["LatestVersionNumber"])


def _template(id_: str, latest: int) -> Made:
    numbers = {"LatestVersionNumber": str(latest), "DefaultVersionNumber": "1"}
    return Made(id_, {"LaunchTemplateId": id_, **numbers})


def _update_template(desk: Desk, made: Made, _: Props, now: Props) -> Made:
    answer = desk.call(
        "ec2", "CreateLaunchTemplateVersion", LaunchTemplateId=made.id, LaunchTemplateData=now["LaunchTemplateData"],
        VersionDescription=now.get("VersionDescription"),
    )  # fmt: skip
    return _template(made.id, answer["LaunchTemplateVersion"]["VersionNumber"])


# --- group

_GROUP = words(
    "MinSize MaxSize DesiredCapacity LaunchTemplate VPCZoneIdentifier AvailabilityZones DefaultCooldown Cooldown "
    "HealthCheckGracePeriod HealthCheckType TerminationPolicies NewInstancesProtectedFromScaleIn MaxInstanceLifetime "
    "CapacityRebalance DefaultInstanceWarmup"
)


def _group(name: str, p: Props) -> dict[str, Any]:
    given = {key: p[key] for key in p.keys() & _GROUP if key != "Cooldown"}
    if "Cooldown" in p:
        given["DefaultCooldown"] = p["Cooldown"]
    if isinstance(given.get("VPCZoneIdentifier"), list):
        given["VPCZoneIdentifier"] = ",".join(given["VPCZoneIdentifier"])
    return {"AutoScalingGroupName": name, **given}


def _group_tags(desk: Desk, name: str, p: Props) -> list[dict[str, Any]]:
    own = {tag["Key"]: tag for tag in p.get("Tags") or ()}
    stack = {
        key: {"Key": key, "Value": value, "PropagateAtLaunch": True} for key, value in desk.stack_tags.items()
    }
    of = {"ResourceId": name, "ResourceType": "auto-scaling-group"}
    return [{**tag, **of} for tag in (stack | own).values()]


def _create_group(desk: Desk, p: Props) -> Made:
    name = p.get("AutoScalingGroupName") or desk.name()
    hooks = p.get("LifecycleHookSpecificationList")
    tags = _group_tags(desk, name, p)
    desk.call(
        "autoscaling",
        "CreateAutoScalingGroup",
        **_group(name, p),
        Tags=tags or None,
        LifecycleHookSpecificationList=hooks,
    )
    return _described_group(desk, name)


def _described_group(desk: Desk, name: str) -> Made:
    [found] = desk.call("autoscaling", "DescribeAutoScalingGroups", AutoScalingGroupNames=[name])[
        "AutoScalingGroups"
    ]
    return Made(name, {"AutoScalingGroupARN": found["AutoScalingGroupARN"]})


def _update_group(desk: Desk, made: Made, before: Props, now: Props) -> Made:
    if before.get("LifecycleHookSpecificationList") != now.get("LifecycleHookSpecificationList"):
        raise ResourceFailed(
            "LifecycleHookSpecificationList cannot change: use AWS::AutoScaling::LifecycleHook"
        )
    desk.call("autoscaling", "UpdateAutoScalingGroup", **_group(made.id, now))
    old = {tag["Key"] for tag in before.get("Tags") or ()}
    gone = old - {tag["Key"] for tag in now.get("Tags") or ()} - desk.stack_tags.keys()
    of = {"ResourceId": made.id, "ResourceType": "auto-scaling-group"}
    if gone:
        desk.call("autoscaling", "DeleteTags", Tags=[{"Key": key, **of} for key in sorted(gone)])
    if tags := _group_tags(desk, made.id, now):
        desk.call("autoscaling", "CreateOrUpdateTags", Tags=tags)
    return made


def _delete_group(desk: Desk, made: Made, _: Props) -> None:
    """CloudFormation takes the group down to nothing first and waits for its instances."""
    found = desk.call("autoscaling", "DescribeAutoScalingGroups", AutoScalingGroupNames=[made.id])[
        "AutoScalingGroups"
    ]
    if not found:
        return
    desk.call("autoscaling", "DeleteAutoScalingGroup", AutoScalingGroupName=made.id, ForceDelete=True)
    asked = {"AutoScalingGroupNames": [made.id]}
    desk.wait(
        lambda: not desk.call("autoscaling", "DescribeAutoScalingGroups", **asked)["AutoScalingGroups"],
        made.id,
    )


# --- hook


def _put_hook(desk: Desk, name: str, p: Props) -> Made:
    given = {key: value for key, value in p.items() if key != "LifecycleHookName"}
    desk.call("autoscaling", "PutLifecycleHook", LifecycleHookName=name, **given)
    return Made(name, {"LifecycleHookName": name})


def _create_hook(desk: Desk, p: Props) -> Made:
    return _put_hook(desk, p.get("LifecycleHookName") or desk.name(), p)


def _delete_hook(desk: Desk, made: Made, p: Props) -> None:
    group = p["AutoScalingGroupName"]
    if desk.call("autoscaling", "DescribeAutoScalingGroups", AutoScalingGroupNames=[group])[
        "AutoScalingGroups"
    ]:
        desk.gone("autoscaling", "DeleteLifecycleHook", LifecycleHookName=made.id, AutoScalingGroupName=group)


KINDS = (
    Kind(
        "AWS::EC2::LaunchTemplate", _create_template,
        lambda desk, made, _: desk.gone("ec2", "DeleteLaunchTemplate", LaunchTemplateId=made.id), _update_template,
        words("LaunchTemplateName TagSpecifications"), words("LaunchTemplateData VersionDescription"),
        words("LaunchTemplateData"),
    ),
    Kind(
        "AWS::AutoScaling::AutoScalingGroup", _create_group, _delete_group, _update_group,
        words("AutoScalingGroupName"), _GROUP | words("Tags LifecycleHookSpecificationList"),
        words("MinSize MaxSize"),
    ),
    Kind(
        "AWS::AutoScaling::LifecycleHook", _create_hook, _delete_hook,
        lambda desk, made, _, now: _put_hook(desk, made.id, now), words("AutoScalingGroupName LifecycleHookName"),
        words("DefaultResult HeartbeatTimeout LifecycleTransition NotificationMetadata NotificationTargetARN RoleARN"),
        words("AutoScalingGroupName LifecycleTransition"),
    ),
)  # fmt: skip
