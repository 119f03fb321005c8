"""Single instances of a group: terminated, detached, attached, on standby, protected, found ill."""

from typing import Any, NoReturn

from twinwall.emulator.scaling.ask import Answer, Ask, invalid
from twinwall.emulator.scaling.capacity import Capacity
from twinwall.emulator.scaling.lifecycle import Lifecycle
from twinwall.emulator.scaling.show import show_activity
from twinwall.emulator.scaling.state import Group, Holdings, Instance, Member


def terminate(ask: Ask) -> Answer:
    """TerminateInstanceInAutoScalingGroup: hooks hold it as they do on scale-in; a retained one goes at once."""
    member = ask.member(ask.params["InstanceId"])
    group, instance = member.group, member.instance
    fewer = ask.params["ShouldDecrementDesiredCapacity"] and instance.counts
    if fewer and group.desired <= group.min_size:
        invalid(
            f"Currently, desiredSize equals minSize ({group.min_size}). Terminating instance without replacement "
            "will violate group's min size constraint. Either set shouldDecrementDesiredCapacity flag to false "
            "or lower group's min size."
        )
    if instance.is_leaving and not instance.state.endswith(":Retained"):
        return {"Activity": show_activity(group, instance.activity)}
    retained = instance.state.endswith(":Retained")
    group.desired -= fewer
    how = (
        f"a user request, shrinking the capacity from {group.desired + 1} to {group.desired}"
        if fewer
        else "a user request"
    )
    cause = (
        f"At {ask.life.reports.stamp()} instance {instance.id} was taken out of service in response to {how}."
    )
    ask.life.leave(member, cause, hooks=not retained)
    activity = instance.activity
    ask.capacity.settle(ask.here, group)
    return {"Activity": show_activity(group, activity)}


def detach(ask: Ask) -> Answer:
    """No hook (aws-facts 5.1); without decrement it is replaced."""
    group, fewer = ask.group(), ask.params["ShouldDecrementDesiredCapacity"]
    leaving = [ask.instance_of(group, id_) for id_ in ask.params.get("InstanceIds") or ()]
    for instance in leaving:
        if instance.state not in ("InService", "Standby"):
            invalid(f"The instance {instance.id} is not in InService or Standby.")
    counted = sum(instance.counts for instance in leaving)
    if fewer and group.desired - counted < group.min_size:
        _update_sizes(group, "detach", len(leaving))
    activities = []
    group.desired -= counted if fewer else 0
    for instance in leaving:
        del group.instances[instance.id]
        ask.life.fleet.tag(ask.here, instance.id, None)
        activities.append(_done(ask, group, instance, "Detaching EC2 instance", "detached"))
        ask.life.reports.detached(ask.here, group, instance)
    ask.capacity.settle(ask.here, group)
    return {"Activities": activities}


def attach(ask: Ask) -> Answer:
    """No hook and no event; the desired capacity grows (API: AttachInstances)."""
    group, ids = ask.group(), ask.params.get("InstanceIds") or []
    if group.desired + len(ids) > group.max_size:
        _update_sizes(group, "attach", len(ids))
    found = [_attachable(ask, id_) for id_ in ids]
    plan = ask.life.fleet.blueprint(ask.here, group.launch)
    for made in found:
        zone, subnet_id = made.availability_zone or "", made.subnet_id or ""
        cause = f"At {ask.life.reports.stamp()} an instance was attached in response to a user request."
        activity = ask.life.reports.begin(
            group, f"Attaching an existing EC2 instance: {made.id}", cause, zone, subnet_id
        )
        activity.status, activity.progress, activity.end = "Successful", 100, ask.life.reports.now()
        group.instances[made.id] = Instance(
            made.id,
            made.instance_type,
            zone,
            subnet_id,
            "InService",
            plan.template,
            plan.configuration,
            activity,
            protected=group.protect_new,
        )
        ask.life.fleet.tag(ask.here, made.id, group)
    group.desired += len(found)
    ask.capacity.settle(ask.here, group)
    return {}


def _attachable(ask: Ask, instance_id: str) -> Any:
    found = ask.life.fleet.find(ask.here, instance_id)
    if found is None or found.state != "running":
        invalid(f"Invalid Instance ID(s): [{instance_id}]. Instances must be running to be attached.")
    if ask.here.find(instance_id) is not None:
        invalid(f"Instance {instance_id} is already part of an AutoScalingGroup")
    return found


def enter_standby(ask: Ask) -> Answer:
    """No hook and no event; without decrement another is launched."""
    group, fewer = ask.group(), ask.params["ShouldDecrementDesiredCapacity"]
    chosen = [ask.instance_of(group, id_) for id_ in ask.params.get("InstanceIds") or ()]
    for instance in chosen:
        if instance.state != "InService":
            invalid(f"The instance {instance.id} is not in InService.")
    if fewer and group.desired - len(chosen) < group.min_size:
        _update_sizes(group, "place into standby", len(chosen))
    group.desired -= len(chosen) if fewer else 0
    for instance in chosen:
        instance.state = "Standby"
    activities = [_done(ask, group, i, "Moving EC2 instance to Standby", "moved to standby") for i in chosen]
    ask.capacity.settle(ask.here, group)
    return {"Activities": activities}


def exit_standby(ask: Ask) -> Answer:
    group = ask.group()
    chosen = [ask.instance_of(group, id_) for id_ in ask.params.get("InstanceIds") or ()]
    for instance in chosen:
        if instance.state != "Standby":
            invalid(f"The instance {instance.id} is not in Standby.")
    if group.desired + len(chosen) > group.max_size:
        _update_sizes(group, "bring back", len(chosen))
    group.desired += len(chosen)
    for instance in chosen:
        instance.state = "InService"
    activities = [
        _done(ask, group, i, "Moving EC2 instance out of Standby", "moved out of standby") for i in chosen
    ]
    ask.capacity.settle(ask.here, group)
    look(ask.life, ask.capacity, ask.here)
    return {"Activities": activities}


def _update_sizes(group: Group, what: str, count: int) -> NoReturn:
    invalid(
        f"AutoScalingGroup {group.name} has min-size={group.min_size}, max-size={group.max_size}, and "
        f"desired-size={group.desired}. To {what} {count} instance(s), please update the AutoScalingGroup sizes "
        "appropriately."
    )


def _done(ask: Ask, group: Group, instance: Instance, what: str, how: str) -> dict[str, Any]:
    reports = ask.life.reports
    cause = f"At {reports.stamp()} instance {instance.id} was {how} in response to a user request."
    activity = reports.begin(group, f"{what}: {instance.id}", cause, instance.zone, instance.subnet_id)
    shown = show_activity(group, activity)
    activity.status, activity.progress, activity.end = "Successful", 100, reports.now()
    return {**shown, "Progress": 50}


# --- protected, ill


def set_protection(ask: Ask) -> Answer:
    group = ask.group()
    for instance in [ask.instance_of(group, id_) for id_ in ask.params["InstanceIds"]]:
        instance.protected = ask.params["ProtectedFromScaleIn"]
    return {}


def set_health(ask: Ask) -> Answer:
    member, status = ask.member(ask.params["InstanceId"]), ask.params["HealthStatus"]
    if status not in ("Healthy", "Unhealthy"):
        invalid(f"Valid instance health states are: [Healthy, Unhealthy]; it is {status}")
    member.instance.health = status
    replace_ill(ask.life, ask.capacity, ask.here)
    return {}


def look(life: Lifecycle, capacity: Capacity, held: Holdings) -> None:
    """The EC2 health check: what was stopped or terminated behind the group's back is ill. On standby nobody
    looks (user guide: "Temporarily remove instances")."""
    for group, instance in list(held.everyone()):
        if instance.state == "Standby" or "HealthCheck" in group.suspended:
            continue
        at_rest = instance.is_warm and not instance.state.endswith("Running")
        gone = ("terminated",) if at_rest else ("terminated", "stopped", "stopping", "shutting-down")
        if life.fleet.state(held, instance.id) in gone:
            instance.health = "Unhealthy"
    replace_ill(life, capacity, held)


def replace_ill(life: Lifecycle, capacity: Capacity, held: Holdings) -> None:
    """Through the hooks, as on scale-in; not those on standby."""
    for group, instance in list(held.everyone()):
        stays = instance.is_leaving or instance.state == "Standby" or "ReplaceUnhealthy" in group.suspended
        if instance.health == "Healthy" or stays:
            continue
        why = "an EC2 health check indicating it has been terminated or stopped"
        if life.fleet.state(held, instance.id) == "running":
            why = "a user health-check"
        cause = f"At {life.reports.stamp()} an instance was taken out of service in response to {why}."
        life.leave(Member(held, group, instance), cause)
        capacity.settle(held, group)


# --- processes

PROCESSES = (
    "AZRebalance",
    "AddToLoadBalancer",
    "AlarmNotification",
    "HealthCheck",
    "InstanceRefresh",
    "Launch",
    "ReplaceUnhealthy",
    "ScheduledActions",
    "Terminate",
)


def suspend(ask: Ask) -> Answer:
    group = ask.group()
    at = ask.life.reports.stamp()
    group.suspended.update(dict.fromkeys(_processes(ask), f"User suspended at {at}"))
    return {}


def resume(ask: Ask) -> Answer:
    group = ask.group()
    for name in _processes(ask):
        group.suspended.pop(name, None)
    look(ask.life, ask.capacity, ask.here)
    ask.capacity.settle(ask.here, group)
    return {}


def _processes(ask: Ask) -> list[str]:
    given = ask.params.get("ScalingProcesses") or list(PROCESSES)
    for name in given:
        if name not in PROCESSES:
            invalid(f"{name} is not a valid scaling process; valid are {', '.join(PROCESSES)}")
    return list(given)


def describe_processes(_: Ask) -> Answer:
    return {"Processes": [{"ProcessName": name} for name in PROCESSES]}
