"""Warm pools (API: PutWarmPool; user guide: "Use lifecycle hooks with a warm pool")."""

from twinwall.emulator.scaling.ask import Answer, Ask, invalid, page
from twinwall.emulator.scaling.show import show_instance, show_pool
from twinwall.emulator.scaling.state import Member, WarmPool


def put(ask: Ask) -> Answer:
    group, given = ask.group(), ask.params
    standing = group.pool or WarmPool()
    prepared = given.get("MaxGroupPreparedCapacity", standing.max_prepared)
    if prepared is not None and prepared != -1 and prepared < group.min_size:
        invalid("MaxGroupPreparedCapacity cannot be less than the group's MinSize")
    group.pool = WarmPool(
        given.get("MinSize", standing.min_size),
        prepared,
        given.get("PoolState", standing.pool_state),
        (given.get("InstanceReusePolicy") or {}).get("ReuseOnScaleIn", standing.reuse),
    )
    group.pool_leaves = False
    ask.because(group, "a user request put a warm pool")
    ask.capacity.settle(ask.here, group)
    return {}


def delete(ask: Ask) -> Answer:
    """Its instances are terminated, with ForceDelete without hooks; then it is gone (API: DeleteWarmPool)."""
    group = ask.group()
    if group.pool is None:
        invalid(f"No warm pool found for Auto Scaling group {group.name}")
    group.pool_leaves = True
    if ask.params.get("ForceDelete"):
        cause = f"At {ask.life.reports.stamp()} a user request deleted the warm pool."
        for instance in group.warm():
            ask.life.leave(Member(ask.here, group, instance), cause, hooks=False)
    ask.capacity.settle(ask.here, group)
    return {}


def describe(ask: Ask) -> Answer:
    group = ask.group()
    shown = page([show_instance(i) for i in group.warm()], ask.params, "Instances", 50, 50)
    return {**shown, **({"WarmPoolConfiguration": show_pool(group)} if group.pool else {})}
