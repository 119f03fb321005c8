"""Hooks hold instances: heartbeats, timeouts, results.

Every method is called with EC2's lock held; timers take it themselves.
"""

import threading
import uuid
from collections.abc import Callable
from typing import Protocol

from twinwall.emulator.pace import Pace
from twinwall.emulator.scaling.reports import Reports
from twinwall.emulator.scaling.state import LAUNCHING, Instance, LifecycleAction, Member
from twinwall.emulator.switches import Switches


class Released(Protocol):
    """What becomes of an instance whose hooks are through with it."""

    def proceed(self, member: Member, transition: str) -> None: ...

    def refuse_entry(self, member: Member, why: str) -> None: ...

    def retain(self, member: Member) -> None: ...


class Holding:
    def __init__(
        self,
        released: Released,
        reports: Reports,
        pace: Pace,
        lock: threading.RLock,
        switches: Callable[[], Switches],
    ) -> None:
        self._released = released
        self._reports = reports
        self._pace = pace
        self._lock = lock
        self._switches = switches

    def begin(self, member: Member, transition: str) -> bool:
        """False if no hook holds it."""
        hooks = member.group.hooks_of(transition)
        if not hooks:
            return False
        instance = member.instance
        instance.state += ":Wait"
        instance.activity.status, instance.activity.progress = "MidLifecycleAction", 60
        instance.hooks_left = hooks
        self._next(member)
        return True

    def _next(self, member: Member) -> None:
        instance = member.instance
        count = 1 if self._switches().hooks_one_after_another else len(instance.hooks_left)
        hooks, instance.hooks_left = instance.hooks_left[:count], instance.hooks_left[count:]
        for hook in hooks:
            token = str(uuid.uuid4())
            action = LifecycleAction(token, hook, self._pace.time.monotonic() + hook.global_timeout)
            instance.actions[token] = action
            self.heartbeat(member, action)
            self._reports.held(member, hook, token)

    def heartbeat(self, member: Member, action: LifecycleAction) -> None:
        """From now on one heartbeat more, but never beyond the global timeout."""
        left = action.until - self._pace.time.monotonic()
        seconds = min(float(action.hook.heartbeat), left)
        why = "Heartbeat Timeout" if seconds < left else "Global Timeout"
        _disarm(action)
        action.timer = self._pace.later(max(seconds, 0.0), lambda: self._timed_out(member, action, why))

    def _timed_out(self, member: Member, action: LifecycleAction, why: str) -> None:
        with self._lock:
            if action.token in member.instance.actions:
                self._end(member, action, action.hook.default_result, why, timed_out=True)

    def complete(self, member: Member, action: LifecycleAction, result: str) -> None:
        """``result``: CONTINUE or ABANDON."""
        why = f"Lifecycle Action Completed with {result} Result"
        self._end(member, action, result, why, timed_out=False)

    def _end(
        self, member: Member, action: LifecycleAction, result: str, why: str, *, timed_out: bool
    ) -> None:
        instance = member.instance
        _disarm(action)
        del instance.actions[action.token]
        if result == "ABANDON":
            drop(instance)
        if action.hook.transition == LAUNCHING and result == "ABANDON":
            why = f"Lifecycle Action with token {action.token} was abandoned: {why}"
            self._released.refuse_entry(member, why)
        elif (
            action.hook.transition != LAUNCHING
            and member.group.retain_abandoned
            and (timed_out or result == "ABANDON")
        ):
            drop(instance)
            self._released.retain(member)
        elif instance.hooks_left and not instance.actions:
            self._next(member)
        elif not instance.actions:
            instance.state = instance.state.removesuffix(":Wait") + ":Proceed"
            instance.activity.status = "InProgress"
            self._released.proceed(member, action.hook.transition)


def drop(instance: Instance) -> None:
    """The instance goes another way: its hooks hold it no longer."""
    for action in instance.actions.values():
        _disarm(action)
    instance.actions.clear()
    instance.hooks_left = []


def _disarm(action: LifecycleAction) -> None:
    if action.timer is not None:
        action.timer.cancel()
