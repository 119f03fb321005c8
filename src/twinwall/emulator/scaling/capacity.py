"""As many instances as are desired: what to launch, what to take from the warm pool, what to terminate.

Every function is called with EC2's lock held.
"""

from collections import Counter

from twinwall.emulator.refusal import Refusal
from twinwall.emulator.scaling.lifecycle import Lifecycle
from twinwall.emulator.scaling.state import (
    EC2,
    GROUP,
    POOL,
    WARMED,
    Group,
    Holdings,
    Instance,
    Member,
)

LONGEST_PAUSE = 300.0
"""Seconds between two tries to launch that keep failing; AWS slows down too and gives no figures."""


class Capacity:
    def __init__(self, life: Lifecycle) -> None:
        self._life = life
        life.settle = self.settle
        life.failed = self._pause

    def settle(self, held: Holdings, group: Group) -> None:
        """Brings the group to its desired capacity. What instances set off meanwhile is seen to in turn."""
        group.unsettled = True
        if group.settling:
            return
        group.settling = True
        try:
            while group.unsettled:
                group.unsettled = False
                self._step(held, group)
        finally:
            group.settling = False

    def _step(self, held: Holdings, group: Group) -> None:
        have = sum(instance.counts for instance in group.instances.values())
        if have < group.desired:
            self._grow(held, group, have)
        elif have > group.desired:
            self._shrink(held, group, have)
        self._settle_pool(held, group)

    # --- more

    def _grow(self, held: Holdings, group: Group, have: int) -> None:
        if "Launch" in group.suspended or held.groups.get(group.name) is not group:
            return
        cause = self._cause(group, "started", "increasing", have, group.desired)
        for _ in range(group.desired - have):
            rested = [i for i in group.warm() if i.state.removeprefix(WARMED) in _RESTS]
            if rested:
                self._from_pool(held, group, rested[0], cause)
            elif not self._launch(held, group, GROUP, cause):
                return

    def _from_pool(self, held: Holdings, group: Group, instance: Instance, cause: str) -> None:
        """Oldest first."""
        what = f"Launching a new EC2 instance from warm pool: {instance.id}"
        instance.activity = self._life.reports.begin(group, what, cause, instance.zone, instance.subnet_id)
        if self._life.fleet.state(held, instance.id) != "running":
            self._life.fleet.start(held, instance.id)
        instance.origin = POOL
        self._life.enter(Member(held, group, instance), GROUP)

    def _launch(self, held: Holdings, group: Group, destination: str, cause: str) -> bool:
        """False if EC2 refused, or the pause after a failure is not over; then it is tried again later."""
        if group.retry is not None:
            return False
        subnet_id, zone = self._place(held, group)
        activity = self._life.reports.begin(
            group, "Launching a new EC2 instance", cause, zone, subnet_id or ""
        )
        try:
            made = self._life.fleet.launch(held, group, subnet_id, zone)
        except Refusal as refusal:
            activity.description += f".  Status Reason: {refusal.message}. Launching EC2 instance failed."
            self._life.reports.launch_failed(held, group, activity, refusal.message.removesuffix("."))
            self._pause(held, group)
            return False
        activity.description += f": {made.id}"
        plan = self._life.fleet.blueprint(held, group.launch)
        instance = Instance(
            made.id,
            made.instance_type,
            zone,
            subnet_id or "",
            "Pending",
            plan.template,
            plan.configuration,
            activity,
            protected=group.protect_new,
        )
        group.instances[made.id] = instance
        self._life.enter(Member(held, group, instance), destination)
        return True

    def _pause(self, held: Holdings, group: Group) -> None:
        """After a launch that failed, longer each time."""

        def again() -> None:
            group.retry = None
            self.settle(held, group)

        group.failures += 1
        if group.retry is None:
            seconds = min(2.0 ** (group.failures - 1), LONGEST_PAUSE)
            group.retry = self._life.later(seconds, again)

    def _place(self, held: Holdings, group: Group) -> tuple[str | None, str]:
        """(subnet, zone): where there are fewest."""
        if not group.subnets:
            used = Counter(instance.zone for instance in group.instances.values())
            zone = min(group.zones, key=lambda z: used[z])
            return self._life.fleet.default_subnet(held, zone), zone
        used = Counter(instance.subnet_id for instance in group.instances.values())
        subnet_id = min(group.subnets, key=lambda s: used[s])
        return subnet_id, self._life.fleet.subnet_zone(held, subnet_id) or group.zones[0]

    # --- fewer

    def _shrink(self, held: Holdings, group: Group, have: int) -> None:
        if "Terminate" in group.suspended:
            return
        cause = self._cause(group, "taken out of service", "shrinking", have, group.desired)
        for _ in range(have - group.desired):
            chosen = _choose(group)
            if chosen is None:
                return
            reuse = group.pool is not None and group.pool.reuse and chosen.state == "InService"
            destination = POOL if reuse and not group.pool_leaves else EC2
            self._life.leave(Member(held, group, chosen), cause, destination=destination)

    # --- the pool

    def _settle_pool(self, held: Holdings, group: Group) -> None:
        if group.pool is None:
            return
        want = 0 if group.pool_leaves else group.pool.size(group.max_size, group.desired)
        have = [instance for instance in group.warm() if not instance.is_leaving]
        cause = (
            f"At {self._life.reports.stamp()} a difference between the warm pool's size and its "
            f"instances: {len(have)} of {want}."
        )
        for instance in have[want:]:
            self._life.leave(Member(held, group, instance), cause)
        for _ in range(want - len(have)):
            if not self._launch(held, group, POOL, cause):
                return
        if group.pool_leaves and not group.warm():
            group.pool, group.pool_leaves = None, False

    def _cause(self, group: Group, what: str, how: str, have: int, want: int) -> str:
        return (
            f"{group.reason}  At {self._life.reports.stamp()} an instance was {what} in response to a "
            f"difference between desired and actual capacity, {how} the capacity from {have} to {want}."
        )


_RESTS = ("Stopped", "Running", "Hibernated")


def _choose(group: Group) -> Instance | None:
    """Out of the fullest zone, by the termination policy: the oldest, or the newest (user guide, "Default
    termination policy"; what it says of launch templates and billing hours comes to the oldest here)."""
    free = [i for i in group.instances.values() if i.counts and not i.protected]
    if not free:
        return None
    zones = Counter(i.zone for i in group.instances.values() if i.counts)
    fullest = max(zones[i.zone] for i in free)
    there = [i for i in free if zones[i.zone] == fullest]
    return there[-1] if group.policies[:1] == ["NewestInstance"] else there[0]
