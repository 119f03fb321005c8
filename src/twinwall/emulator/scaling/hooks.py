"""Lifecycle hooks, and answers to them (aws-facts 5.2, 5.3)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from twinwall.emulator.refusal import Refusal
from twinwall.emulator.scaling.ask import Answer, Ask, invalid
from twinwall.emulator.scaling.show import show_hook
from twinwall.emulator.scaling.state import LAUNCHING, TERMINATING, Group, Hook, LifecycleAction, Member

MOST = 50
RESULTS = ("CONTINUE", "ABANDON")


def put(ask: Ask) -> Answer:
    put_into(ask, ask.group(), ask.params)
    return {}


def put_into(ask: Ask, group: Group, given: Mapping[str, Any]) -> None:
    """A hook that is there keeps what is not given (API: PutLifecycleHook)."""
    name = given["LifecycleHookName"]
    standing = group.hooks.get(name)
    if standing is None and len(group.hooks) >= MOST:
        raise Refusal("LimitExceeded", f"Only {MOST} lifecycle hooks are allowed for an Auto Scaling group.")
    transition = given.get("LifecycleTransition") or (standing.transition if standing else None)
    if transition not in (LAUNCHING, TERMINATING):
        invalid(
            f"Invalid lifecycle transition {transition}; valid are {LAUNCHING} and {TERMINATING}"
            if transition
            else "LifecycleTransition is required to create a lifecycle hook"
        )
    hook = _with(standing or Hook(name, transition), transition, given)
    _check(ask, hook)
    group.hooks[name] = hook
    if hook.target_arn and hook.target_arn != (standing.target_arn if standing else None):
        ask.life.reports.hook_made(ask.here, group, hook)


def _with(hook: Hook, transition: str, given: Mapping[str, Any]) -> Hook:
    names = {
        "HeartbeatTimeout": "heartbeat",
        "DefaultResult": "default_result",
        "NotificationMetadata": "metadata",
        "NotificationTargetARN": "target_arn",
        "RoleARN": "role_arn",
    }
    changed = {ours: given[theirs] for theirs, ours in names.items() if given.get(theirs) is not None}
    return replace(hook, transition=transition, **changed)


def _check(ask: Ask, hook: Hook) -> None:
    if not 30 <= hook.heartbeat <= 7200:
        invalid(f"HeartbeatTimeout must be between 30 and 7200 seconds; it is {hook.heartbeat}")
    if hook.default_result not in RESULTS:
        invalid(f"Invalid default result {hook.default_result}; valid are CONTINUE and ABANDON")
    if hook.target_arn and not ask.life.reports.reaches(hook.target_arn):
        invalid(
            f"Unable to publish test message to notification target {hook.target_arn} using IAM role "
            f"{hook.role_arn}. Please check your target and role configuration and try to put lifecycle hook again."
        )


def describe(ask: Ask) -> Answer:
    group, names = ask.group(), ask.params.get("LifecycleHookNames")
    found = [show_hook(group, hook) for hook in group.hooks.values() if not names or hook.name in names]
    return {"LifecycleHooks": found}


def delete(ask: Ask) -> Answer:
    """Outstanding actions are completed first: ABANDON for launching, CONTINUE for terminating instances
    (API: DeleteLifecycleHook)."""
    group, name = ask.group(), ask.params["LifecycleHookName"]
    if name not in group.hooks:
        invalid(f"No Lifecycle Hook found: {name}")
    del group.hooks[name]
    for instance in list(group.instances.values()):
        instance.hooks_left = [hook for hook in instance.hooks_left if hook.name != name]
        for action in [a for a in instance.actions.values() if a.hook.name == name]:
            result = "ABANDON" if action.hook.transition == LAUNCHING else "CONTINUE"
            ask.life.holding.complete(Member(ask.here, group, instance), action, result)
    return {}


def complete(ask: Ask) -> Answer:
    result = ask.params["LifecycleActionResult"]
    if result not in RESULTS:
        invalid(f"Invalid lifecycle action result {result}; valid are CONTINUE and ABANDON")
    member, action = _active(ask)
    ask.life.holding.complete(member, action, result)
    return {}


def heartbeat(ask: Ask) -> Answer:
    ask.life.holding.heartbeat(*_active(ask))
    return {}


def _active(ask: Ask) -> tuple[Member, LifecycleAction]:
    """The action of this hook, by its token, or else by its instance; a token alone says which."""
    group = ask.group()
    name, token = ask.params["LifecycleHookName"], ask.params.get("LifecycleActionToken")
    instance_id = ask.params.get("InstanceId")
    if not token and not instance_id:
        invalid("Either InstanceId or LifecycleActionToken must be specified")
    for instance in group.instances.values():
        for action in instance.actions.values():
            by_token = action.token == token
            if action.hook.name == name and (by_token if token else instance.id == instance_id):
                return Member(ask.here, group, instance), action
    named = f"token {token}" if token else f"instance ID {instance_id}"
    return invalid(f"No active Lifecycle Action found with {named}")


def describe_types(_: Ask) -> Answer:
    return {"LifecycleHookTypes": [LAUNCHING, TERMINATING]}
