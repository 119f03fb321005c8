"""An instance's way through its states.

Each step follows the one before at once, or, where ``scaling_step_seconds`` says so, later. Every method is
called with EC2's lock held.
"""

import threading
from collections.abc import Callable

from twinwall.emulator.agenda import Entry
from twinwall.emulator.pace import Pace
from twinwall.emulator.scaling.fleet import Fleet
from twinwall.emulator.scaling.holding import Holding, drop
from twinwall.emulator.scaling.reports import Reports
from twinwall.emulator.scaling.state import (
    EC2,
    GROUP,
    LAUNCHING,
    POOL,
    TERMINATING,
    WARMED,
    Group,
    Holdings,
    Member,
)
from twinwall.emulator.switches import Switches


class Lifecycle:
    """``settle(held, group)`` is called whenever an instance has come to rest or has left, ``failed`` whenever
    a launch came to nothing."""

    def __init__(
        self,
        fleet: Fleet,
        reports: Reports,
        pace: Pace,
        lock: threading.RLock,
        switches: Callable[[], Switches],
    ) -> None:
        self.fleet = fleet
        self.reports = reports
        self.switches = switches
        self.holding = Holding(self, reports, pace, lock, switches)
        self.settle: Callable[[Holdings, Group], None] = lambda _held, _group: None
        self.failed: Callable[[Holdings, Group], None] = lambda _held, _group: None
        self._pace = pace
        self._lock = lock

    # --- in

    def enter(self, member: Member, destination: str) -> None:
        """A launched or started instance comes into the group, or into its warm pool."""
        instance = member.instance
        instance.destination = destination
        instance.state = f"{WARMED if destination == POOL else ''}Pending"
        self._then(member, lambda: self._hooked(member, LAUNCHING))

    def refuse_entry(self, member: Member, why: str) -> None:
        """ABANDON of a launch: terminated, and replaced (aws-facts 5.2)."""
        self.reports.launch_cancelled(member, why)
        self.failed(member.held, member.group)
        stamp = self.reports.stamp()
        cause = f"At {stamp} an instance was taken out of service in response to a launch failure."
        self.leave(member, cause, hooks=self.switches().abandoned_launch_meets_terminate_hooks)

    # --- out

    def leave(self, member: Member, cause: str, *, destination: str = EC2, hooks: bool = True) -> None:
        """Out of the group: terminated, or, with ``destination`` WarmPool, back into the pool."""
        instance = member.instance
        drop(instance)
        instance.origin = POOL if instance.is_warm else GROUP
        instance.destination = destination
        prefix = WARMED if instance.is_warm or destination == POOL else ""
        instance.state = f"{prefix}{'Pending' if destination == POOL else 'Terminating'}"
        where = " to the warm pool" if destination == POOL else ""
        what = f"{'Returning' if where else 'Terminating'} EC2 instance{where}: {instance.id}"
        instance.activity = self.reports.begin(member.group, what, cause, instance.zone, instance.subnet_id)
        self._then(member, lambda: self._hooked(member, TERMINATING) if hooks else self._left(member))

    def retain(self, member: Member) -> None:
        """InstanceLifecyclePolicy: kept, and billed, until somebody terminates it (aws-facts 5.2)."""
        instance = member.instance
        instance.state = instance.state.removesuffix(":Wait") + ":Retained"
        self.settle(member.held, member.group)

    # --- between

    def _hooked(self, member: Member, transition: str) -> None:
        if not self.holding.begin(member, transition):
            self._arrive(member, transition)

    def proceed(self, member: Member, transition: str) -> None:
        self._then(member, lambda: self._arrive(member, transition))

    def _arrive(self, member: Member, transition: str) -> None:
        if transition == LAUNCHING:
            self._entered(member)
        else:
            self._left(member)

    def _entered(self, member: Member) -> None:
        if member.instance.destination == POOL:
            self._rest(member)
        else:
            member.instance.state = "InService"
        member.group.failures = 0
        self.reports.finished(member, "Launch")
        self.settle(member.held, member.group)

    def _left(self, member: Member) -> None:
        if member.instance.destination == POOL:
            self._rest(member)
        else:
            self.fleet.terminate(member.held, member.instance.id)
            member.group.instances.pop(member.instance.id, None)
        self.reports.finished(member, "Terminate")
        self.settle(member.held, member.group)

    def _rest(self, member: Member) -> None:
        rest = member.group.pool.pool_state if member.group.pool else "Stopped"
        if rest != "Running":
            self.fleet.stop(member.held, member.instance.id)
        member.instance.state = f"{WARMED}{rest}"

    # --- time

    def later(self, seconds: float, work: Callable[[], object]) -> Entry:
        """With EC2's lock."""

        def locked() -> None:
            with self._lock:
                work()

        return self._pace.later(seconds, locked)

    def _then(self, member: Member, work: Callable[[], object]) -> None:
        """The next step, if the instance is still where it is now by then."""
        seconds, instance, state = (
            self.switches().scaling_step_seconds,
            member.instance,
            member.instance.state,
        )
        if seconds <= 0:
            work()
        else:
            self.later(seconds, lambda: work() if instance.state == state else None)
