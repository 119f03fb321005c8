"""Lifecycle hooks: their parameters, what they hold, how they are answered (aws-facts 5.2, 5.3)."""

from probes.registry import probe
from probes.scene import LAUNCHING, TERMINATING, Scene
from probes.trial import Trial

PUT = "B PutLifecycleHook"
HOOKS = "ASG lifecycle-hooks"
COMPLETE = "B CompleteLifecycleAction; ASG completing-lifecycle-hooks"


# --- parameters


@probe("table", "hooks are put, described and deleted", PUT)
def hook_kept(t: Trial) -> None:
    scene = Scene(t)
    scene.hook(HeartbeatTimeout=300, DefaultResult="CONTINUE", NotificationMetadata="about it")
    (found,) = scene.hooks()
    wanted = {
        "LifecycleHookName": "up",
        "AutoScalingGroupName": scene.name,
        "LifecycleTransition": LAUNCHING,
        "HeartbeatTimeout": 300,
        "DefaultResult": "CONTINUE",
        "NotificationMetadata": "about it",
    }
    t.same({key: found.get(key) for key in wanted}, wanted)
    scene.asg.delete_lifecycle_hook(AutoScalingGroupName=scene.name, LifecycleHookName="up")
    t.same(scene.hooks(), [])


@probe("5.2", "a hook's heartbeat is 3,600 s and its default result ABANDON unless said", PUT)
def hook_defaults(t: Trial) -> None:
    scene = Scene(t)
    scene.hook()
    (found,) = scene.hooks()
    t.same((found["HeartbeatTimeout"], found["DefaultResult"]), (3600, "ABANDON"))


@probe("5.2", "its global timeout is 100 heartbeats, at most 48 hours", "B LifecycleHook.GlobalTimeout")
def hook_global_timeout(t: Trial) -> None:
    scene = Scene(t)
    scene.hook(name="short", HeartbeatTimeout=60)
    scene.hook(name="long", HeartbeatTimeout=7200)
    found = {hook["LifecycleHookName"]: hook["GlobalTimeout"] for hook in scene.hooks()}
    t.same(found, {"short": 6000, "long": 172800})


@probe("5.2", "a heartbeat lasts 30 to 7,200 s", PUT)
def hook_heartbeat(t: Trial) -> None:
    scene = Scene(t)
    for right in (30, 7200):
        scene.hook(HeartbeatTimeout=right)
    for wrong in (29, 7201):
        t.refused("ValidationError", scene.hook, HeartbeatTimeout=wrong)


@probe("5.2", "a default result is CONTINUE or ABANDON", PUT)
def hook_result(t: Trial) -> None:
    t.refused("ValidationError", Scene(t).hook, DefaultResult="RETRY")


@probe("5.2", "a transition is a launch or a termination", PUT)
def hook_transition(t: Trial) -> None:
    t.refused("ValidationError", Scene(t).hook, "autoscaling:EC2_INSTANCE_REBOOTING", "x")


@probe("5.2", "a new hook names its transition", PUT)
def hook_without_transition(t: Trial) -> None:
    scene = Scene(t)
    call = scene.asg.put_lifecycle_hook
    t.refused("ValidationError", call, AutoScalingGroupName=scene.name, LifecycleHookName="x")


@probe("5.2", "a hook's name holds letters, digits, - _ and /, up to 255", PUT)
def hook_name(t: Trial) -> None:
    scene = Scene(t)
    scene.hook(name="aZ9-_/" + "x" * 249)
    for wrong in ("a b", "a.b", "x" * 256):
        t.refused("ValidationError", scene.hook, LAUNCHING, wrong)


@probe("5.2", "its metadata has 1 to 4,000 characters", PUT)
def hook_metadata(t: Trial) -> None:
    scene = Scene(t)
    scene.hook(NotificationMetadata="m" * 4000)
    t.refused("ValidationError", scene.hook, NotificationMetadata="m" * 4001)


@probe("5.2", "a group has up to 50 hooks: LimitExceeded", f"{PUT}; ASG")
def hook_limit(t: Trial) -> None:
    scene = Scene(t)
    for number in range(50):
        scene.hook(name=f"hook-{number}")
    t.refused("LimitExceeded", scene.hook, LAUNCHING, "one-more")


@probe("5.2", "a hook for no group is refused", PUT)
def hook_of_no_group(t: Trial) -> None:
    call = t.client("autoscaling").put_lifecycle_hook
    asked = {"LifecycleHookName": "x", "LifecycleTransition": LAUNCHING}
    t.refused("ValidationError", call, AutoScalingGroupName="no-such-group", **asked)


# --- launches


@probe("table", "a launch hook holds an instance in Pending:Wait until it is answered", HOOKS)
def launch_held(t: Trial) -> None:
    scene = Scene(t)
    scene.hook(HeartbeatTimeout=7200)
    scene.scale(1)
    (id_,) = scene.reaches("Pending:Wait")
    scene.complete("up", InstanceId=id_)
    t.same(scene.reaches("InService"), [id_])


@probe("5.2", "a launch that is abandoned is terminated and replaced", HOOKS)
def launch_abandoned(t: Trial) -> None:
    scene = Scene(t)
    scene.hook(HeartbeatTimeout=7200)
    scene.scale(1)
    (first,) = scene.reaches("Pending:Wait")
    scene.complete("up", "ABANDON", InstanceId=first)

    def replaced() -> bool:
        states = scene.states()
        return first not in states and list(states.values()) == ["Pending:Wait"]

    t.eventually(replaced, "another instance waits in its place")


@probe("5.2", "after the heartbeat the default result takes effect: CONTINUE", HOOKS)
def launch_timed_out(t: Trial) -> None:
    scene = Scene(t)
    scene.hook(HeartbeatTimeout=30, DefaultResult="CONTINUE")
    scene.scale(1)
    (id_,) = scene.reaches("Pending:Wait")
    t.same(scene.reaches("InService"), [id_])


@probe("5.2", "… or ABANDON", HOOKS)
def launch_timed_out_abandoned(t: Trial) -> None:
    scene = Scene(t)
    scene.hook(HeartbeatTimeout=30, DefaultResult="ABANDON")
    scene.scale(1)
    (id_,) = scene.reaches("Pending:Wait")
    t.eventually(lambda: id_ not in scene.states(), "the instance is given up")


@probe("5.2", "two launch hooks hold an instance until both are answered", HOOKS)
def two_hooks(t: Trial) -> None:
    scene = Scene(t)
    scene.hook(name="one", HeartbeatTimeout=7200)
    scene.hook(name="two", HeartbeatTimeout=7200)
    scene.scale(1)
    (id_,) = scene.reaches("Pending:Wait")
    scene.complete("one", InstanceId=id_)
    scene.reaches("Pending:Wait")
    scene.complete("two", InstanceId=id_)
    scene.reaches("InService")


# --- terminations


@probe("5.2", "a terminate hook holds an instance in Terminating:Wait; it lives until answered", HOOKS)
def terminate_held(t: Trial) -> None:
    scene = Scene(t, 1)
    (id_,) = scene.reaches("InService")
    scene.hook(TERMINATING, HeartbeatTimeout=7200)
    scene.scale(0)
    scene.reaches("Terminating:Wait")
    found = t.ec2.describe_instances(InstanceIds=[id_])["Reservations"][0]["Instances"][0]
    t.same(found["State"]["Name"], "running")
    scene.complete("down", InstanceId=id_)
    scene.reaches()


@probe("5.2", "an abandoned termination goes on, without the hooks that are left", HOOKS)
def terminate_abandoned(t: Trial) -> None:
    scene = Scene(t, 1)
    (id_,) = scene.reaches("InService")
    for name in ("down", "after"):
        scene.hook(TERMINATING, name, HeartbeatTimeout=7200)
    scene.scale(0)
    scene.reaches("Terminating:Wait")
    found = scene.states()
    t.same(list(found), [id_])
    for name in ("down", "after"):
        try:
            scene.complete(name, "ABANDON", InstanceId=id_)
        except scene.asg.exceptions.ClientError as over:
            t.same(over.response["Error"]["Code"], "ValidationError")
    scene.reaches()


@probe("5.2", "a manual termination meets the hook as well", HOOKS)
def terminate_by_hand(t: Trial) -> None:
    scene = Scene(t, 1)
    (id_,) = scene.reaches("InService")
    scene.hook(TERMINATING, HeartbeatTimeout=7200)
    scene.asg.terminate_instance_in_auto_scaling_group(InstanceId=id_, ShouldDecrementDesiredCapacity=True)
    scene.reaches("Terminating:Wait")


@probe(
    "5.2",
    "a termination that is abandoned may retain its instance: Terminating:Retained",
    "B RetentionTriggers; ASG instance-lifecycle-policy",
)
def terminate_retained(t: Trial) -> None:
    policy = {"RetentionTriggers": {"TerminateHookAbandon": "retain"}}
    scene = Scene(t, 1, InstanceLifecyclePolicy=policy)
    (id_,) = scene.reaches("InService")
    scene.hook(TERMINATING, HeartbeatTimeout=7200)
    scene.scale(0)
    scene.reaches("Terminating:Wait")
    scene.complete("down", "ABANDON", InstanceId=id_)
    scene.reaches("Terminating:Retained")
    scene.asg.terminate_instance_in_auto_scaling_group(InstanceId=id_, ShouldDecrementDesiredCapacity=False)
    t.eventually(lambda: id_ not in scene.states(), "the retained instance is gone")


# --- answered


@probe("5.3", "an action is answered by its token, of 36 characters", COMPLETE)
def complete_by_token(t: Trial) -> None:
    scene = Scene(t)
    scene.hook(HeartbeatTimeout=7200)
    ear = scene.listen()
    scene.scale(1)
    token = ear.hears("EC2 Instance-launch Lifecycle Action")["detail"]["LifecycleActionToken"]
    t.same(len(token), 36)
    scene.complete("up", LifecycleActionToken=token)
    scene.reaches("InService")


@probe(
    "5.3",
    "an answer to an action that is over is ValidationError: No active Lifecycle Action found",
    "aws-node-termination-handler tests",
)
def complete_twice(t: Trial) -> None:
    scene = Scene(t)
    scene.hook(HeartbeatTimeout=7200)
    scene.scale(1)
    (id_,) = scene.reaches("Pending:Wait")
    scene.complete("up", InstanceId=id_)
    said = t.refused("ValidationError", scene.complete, "up", InstanceId=id_)
    t.true(f"No active Lifecycle Action found with instance ID {id_}" in said, said)


@probe("5.3", "… and with a token", "aws-node-termination-handler tests")
def complete_unknown_token(t: Trial) -> None:
    scene, token = Scene(t), "01234567-89ab-cdef-0123-456789abcdef"
    scene.hook()
    said = t.refused("ValidationError", scene.complete, "up", LifecycleActionToken=token)
    t.true(f"No active Lifecycle Action found with token {token}" in said, said)


@probe("5.3", "an answer is CONTINUE or ABANDON, and names token or instance", COMPLETE)
def complete_wrongly(t: Trial) -> None:
    scene = Scene(t)
    scene.hook(HeartbeatTimeout=7200)
    scene.scale(1)
    (id_,) = scene.reaches("Pending:Wait")
    t.refused("ValidationError", scene.complete, "up", "MAYBE", InstanceId=id_)
    t.refused("ValidationError", scene.complete, "up")
    scene.reaches("Pending:Wait")


@probe("5.3", "an answer to a hook that nobody put is refused", COMPLETE)
def complete_unknown_hook(t: Trial) -> None:
    scene = Scene(t)
    t.refused("ValidationError", scene.complete, "no-such-hook", InstanceId="i-0aaaaaaaaaaaaaaaa")


@probe("5.2", "a heartbeat extends the wait by one period", "B RecordLifecycleActionHeartbeat")
def heartbeat(t: Trial) -> None:
    scene = Scene(t)
    scene.hook(HeartbeatTimeout=30, DefaultResult="CONTINUE")
    scene.scale(1)
    (id_,) = scene.reaches("Pending:Wait")
    beat = scene.asg.record_lifecycle_action_heartbeat
    beat(AutoScalingGroupName=scene.name, LifecycleHookName="up", InstanceId=id_)
    scene.reaches("Pending:Wait")
    scene.complete("up", InstanceId=id_)
    scene.reaches("InService")


@probe("5.3", "a heartbeat for an action that is over is refused", "B RecordLifecycleActionHeartbeat")
def heartbeat_too_late(t: Trial) -> None:
    scene = Scene(t)
    scene.hook()
    beat = scene.asg.record_lifecycle_action_heartbeat
    asked = {
        "AutoScalingGroupName": scene.name,
        "LifecycleHookName": "up",
        "InstanceId": "i-0aaaaaaaaaaaaaaaa",
    }
    t.refused("ValidationError", beat, **asked)


@probe("5.1", "hooks do not hold instances that are attached", HOOKS)
def attach_without_hooks(t: Trial) -> None:
    scene = Scene(t)
    scene.hook(HeartbeatTimeout=7200)
    made = t.ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, SubnetId=scene.subnet)
    id_ = made["Instances"][0]["InstanceId"]
    scene.asg.attach_instances(InstanceIds=[id_], AutoScalingGroupName=scene.name)
    t.same(scene.reaches("InService"), [id_])


@probe("5.1", "… nor those that are detached, or go into standby", HOOKS)
def detach_without_hooks(t: Trial) -> None:
    scene = Scene(t, 2)
    one, two = scene.reaches("InService", "InService")
    scene.hook(TERMINATING, HeartbeatTimeout=7200)
    asked = {"AutoScalingGroupName": scene.name, "ShouldDecrementDesiredCapacity": True}
    scene.asg.enter_standby(InstanceIds=[one], **asked)
    scene.reaches("InService", "Standby")
    scene.asg.detach_instances(InstanceIds=[two], **asked)
    t.same(scene.reaches("Standby"), [one])


@probe("5.1", "a group deleted by force meets no hook", HOOKS)
def force_delete_without_hooks(t: Trial) -> None:
    scene = Scene(t, 1)
    scene.reaches("InService")
    scene.hook(TERMINATING, HeartbeatTimeout=7200)
    scene.asg.delete_auto_scaling_group(AutoScalingGroupName=scene.name, ForceDelete=True)

    def gone() -> bool:
        found = scene.asg.describe_auto_scaling_groups(AutoScalingGroupNames=[scene.name])
        return not found["AutoScalingGroups"]

    t.eventually(gone, "the group is gone")
