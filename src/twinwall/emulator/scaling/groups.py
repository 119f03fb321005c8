"""Auto Scaling groups: made, changed, scaled, deleted, shown."""

import uuid
from collections.abc import Mapping
from typing import Any

from twinwall.emulator.refusal import Refusal
from twinwall.emulator.scaling import hooks, tags
from twinwall.emulator.scaling.ask import Answer, Ask, invalid, page
from twinwall.emulator.scaling.show import show_activity, show_group, show_managed
from twinwall.emulator.scaling.state import Group, Holdings, Member

_LAUNCHES = ("LaunchTemplate", "LaunchConfigurationName", "MixedInstancesPolicy")
_SETTINGS = (
    "CapacityRebalance",
    "CapacityReservationSpecification",
    "Context",
    "DefaultCooldown",
    "DefaultInstanceWarmup",
    "DeletionProtection",
    "DesiredCapacityType",
    "HealthCheckGracePeriod",
    "HealthCheckType",
    "InstanceLifecyclePolicy",
    "InstanceMaintenancePolicy",
    "MaxInstanceLifetime",
    "PlacementGroup",
)
"""Kept and shown as given."""

_NOT_HERE = ("InstanceId", "LoadBalancerNames", "TargetGroupARNs", "TrafficSources")
"""Refused rather than forgotten."""


def create(ask: Ask) -> Answer:
    given, name = ask.params, ask.params["AutoScalingGroupName"]
    if name in ask.here.groups:
        raise Refusal(
            "AlreadyExists",
            f"AutoScalingGroup by this name already exists - A group with the name {name} already exists",
        )
    _only_what_is_here(given)
    launch = _launch_of(ask, given)
    if launch is None:
        invalid(
            "Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId or "
            "MixedInstancesPolicy parameter."
        )
    zones, subnets = _places(ask, given)
    group = Group(
        name,
        f"arn:aws:autoscaling:{ask.here.region}:{ask.here.account}:autoScalingGroup:{uuid.uuid4()}:"
        f"autoScalingGroupName/{name}",
        ask.life.reports.now(),
        given["MinSize"],
        given["MaxSize"],
        given.get("DesiredCapacity", given["MinSize"]),
        launch,
        zones,
        subnets,
        {"DefaultCooldown": 300, "HealthCheckType": "EC2", "HealthCheckGracePeriod": 0},
    )
    _set(group, given)
    _check_sizes(group)
    tags.put(group, given.get("Tags") or ())
    for specification in given.get("LifecycleHookSpecificationList") or ():
        hooks.put_into(ask, group, specification)
    ask.here.groups[name] = group
    ask.because(group, f"a user request created an AutoScalingGroup {_changing(group, 0)}")
    ask.capacity.settle(ask.here, group)
    return {}


def update(ask: Ask) -> Answer:
    group, given = ask.group(), ask.params
    _only_what_is_here(given)
    launch = _launch_of(ask, given)
    places = _places(ask, given) if given.get("VPCZoneIdentifier") or given.get("AvailabilityZones") else None
    least, most = given.get("MinSize", group.min_size), given.get("MaxSize", group.max_size)
    desired = given.get("DesiredCapacity")
    if desired is None:
        desired = max(least, min(most, group.desired))
    _check_range(least, most, desired)
    before = group.desired
    group.min_size, group.max_size, group.desired = least, most, desired
    if launch is not None:
        group.launch = launch
    if places is not None:
        group.zones, group.subnets = places
    _set(group, given)
    ask.because(group, f"a user request update of AutoScalingGroup constraints to {_changing(group, before)}")
    ask.capacity.settle(ask.here, group)
    return {}


def set_desired(ask: Ask) -> Answer:
    group, desired = ask.group(), ask.params["DesiredCapacity"]
    for bound, over, word in (
        (group.max_size, desired > group.max_size, "above max"),
        (group.min_size, desired < group.min_size, "below min"),
    ):
        if over:
            invalid(
                f"New SetDesiredCapacity value {desired} is {word} value {bound} for the AutoScalingGroup."
            )
    before, group.desired = group.desired, desired
    change = f"changing the desired capacity from {before} to {desired}"
    ask.because(group, f"a user request explicitly set group desired capacity {change}")
    ask.capacity.settle(ask.here, group)
    return {}


def delete(ask: Ask) -> Answer:
    """With ForceDelete without hooks (aws-facts 5.1)."""
    group = ask.group()
    if group.instances and not ask.params.get("ForceDelete"):
        raise Refusal(
            "ResourceInUse",
            "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance "
            "request(s) still in the group.",
        )
    group.desired = 0
    del ask.here.groups[group.name]
    ask.here.past.append(group)
    ask.because(group, "a user request deleted the AutoScalingGroup")
    group.pool = None
    group.settling = True
    for instance in list(group.instances.values()):
        ask.life.leave(Member(ask.here, group, instance), group.reason, hooks=False)
    return {}


# --- shown


def describe(ask: Ask) -> Answer:
    names, given = ask.params.get("AutoScalingGroupNames"), ask.params
    found = [group for group in ask.here.groups.values() if not names or group.name in names]
    for wanted in given.get("Filters") or ():
        found = [group for group in found if _meets(group, wanted["Name"], wanted.get("Values") or ())]
    with_instances = given.get("IncludeInstances", True)
    shown = [show_group(ask.here, group, with_instances=with_instances) for group in found]
    return page(shown, given, "AutoScalingGroups", 50, 100)


def _meets(group: Group, name: str, values: Any) -> bool:
    if name == "tag-key":
        return any(key in values for key in group.tags)
    if name == "tag-value":
        return any(tag["Value"] in values for tag in group.tags.values())
    if name.startswith("tag:"):
        return group.tags.get(name.removeprefix("tag:"), {}).get("Value") in values
    return invalid(f"Invalid filter name {name}; valid are tag-key, tag-value and tag:KEY")


def describe_instances(ask: Ask) -> Answer:
    """Unknown ids are passed over in silence (aws-facts 5.4)."""
    ids = ask.params.get("InstanceIds") or []
    if len(ids) > 50:
        invalid(f"The number of instance ids that may be passed in is limited to 50; they are {len(ids)}")
    found = [show_managed(g, i) for g, i in ask.here.everyone() if not ids or i.id in ids]
    return page(found, ask.params, "AutoScalingInstances", 50, 50)


def describe_activities(ask: Ask) -> Answer:
    """Newest first; of a deleted group only if asked for."""
    name, ids = ask.params.get("AutoScalingGroupName"), ask.params.get("ActivityIds")
    groups = [ask.group()] if name and not ask.params.get("IncludeDeletedGroups") else _known(ask.here, name)
    found = [
        show_activity(group, activity)
        for group in groups
        for activity in group.activities
        if not ids or activity.id in ids
    ]
    found.sort(key=lambda shown: shown["StartTime"], reverse=True)
    return page(found, ask.params, "Activities", 100, 100)


def _known(held: Holdings, name: str | None) -> list[Group]:
    return [g for g in (*held.groups.values(), *held.past) if not name or g.name == name]


# --- what a request gives


def _only_what_is_here(given: Mapping[str, Any]) -> None:
    for name in _NOT_HERE:
        if given.get(name):
            invalid(
                f"{name} is not implemented by the embedded AWS; launch from a template, without balancers"
            )


def _launch_of(ask: Ask, given: Mapping[str, Any]) -> dict[str, Any] | None:
    """None if none is given."""
    launch = {name: given[name] for name in _LAUNCHES if given.get(name)}
    if not launch:
        return None
    if len(launch) > 1:
        invalid(
            "Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId or "
            "MixedInstancesPolicy parameter."
        )
    plan = ask.life.fleet.blueprint(ask.here, launch)
    if plan.template is not None and "LaunchTemplate" in launch:
        version = launch["LaunchTemplate"].get("Version")
        known = {name: plan.template[name] for name in ("LaunchTemplateId", "LaunchTemplateName")}
        launch = {"LaunchTemplate": {**known, **({"Version": version} if version else {})}}
    return launch


def _places(ask: Ask, given: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """(zones, subnets)"""
    subnets = [part.strip() for part in (given.get("VPCZoneIdentifier") or "").split(",") if part.strip()]
    zones = list(given.get("AvailabilityZones") or ())
    if not subnets and not zones:
        invalid("At least one Availability Zone or VPC Subnet is required.")
    found = {subnet: ask.life.fleet.subnet_zone(ask.here, subnet) for subnet in subnets}
    missing = [subnet for subnet, zone in found.items() if zone is None]
    if missing:
        invalid(f"The subnet ID '{missing[0]}' does not exist")
    theirs = list(dict.fromkeys(zone for zone in found.values() if zone))
    if subnets and zones and set(zones) != set(theirs):
        invalid("The availability zones of the specified subnets and the Auto Scaling group do not match")
    return zones or theirs, subnets


def _set(group: Group, given: Mapping[str, Any]) -> None:
    group.settings.update({name: given[name] for name in _SETTINGS if given.get(name) is not None})
    group.policies = list(given.get("TerminationPolicies") or group.policies)
    group.protect_new = bool(given.get("NewInstancesProtectedFromScaleIn", group.protect_new))
    triggers = group.settings.get("InstanceLifecyclePolicy", {}).get("RetentionTriggers", {})
    group.retain_abandoned = triggers.get("TerminateHookAbandon") == "retain"


def _check_sizes(group: Group) -> None:
    _check_range(group.min_size, group.max_size, group.desired)


def _check_range(least: int, most: int, desired: int) -> None:
    if least > most:
        invalid("Max bound must be greater than or equal to min bound")
    if not least <= desired <= most:
        invalid(
            f"Desired capacity:{desired} must be between the specified min size:{least} and max size:{most}"
        )


def _changing(group: Group, before: int) -> str:
    return (
        f"min: {group.min_size}, max: {group.max_size}, desired: {group.desired} changing the desired "
        f"capacity from {before} to {group.desired}"
    )
