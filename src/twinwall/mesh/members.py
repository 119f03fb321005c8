"""Who is a member of a site now: the states of its Auto Scaling group, the instances' addresses, and evidence.

An address comes as soon as it is seen. It goes only on evidence:

    its instance was released (the terminate event)                     at once
    its instance is past our hook, gone from the group or from EC2      at once
    it is absent from two readings at least 60 s apart                  at the second; at the third where more than
                                                                        half of the row, and more than five, would go
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from twinwall.mesh.rows import trusted
from twinwall.model.members import Member, Membership, Release, Site
from twinwall.model.net import Cidr

MEMBER_STATES = frozenset({"Pending:Wait", "Pending:Proceed", "InService", "Standby", "EnteringStandby"})
LEAVING_STATES = frozenset({"Terminating", "Terminating:Wait"})
"""Members as long as they are not released."""
GONE_STATES = frozenset(
    {"Terminating:Proceed", "Terminated", "Detaching", "Detached", "Terminating:Retained"}
)
GONE_INSTANCES = frozenset({"shutting-down", "terminated"})
"""API: InstanceStateName."""

BETWEEN_READINGS = 60.0
KEPT_FOR = 24 * 3600.0
BRAKE_SHARE, BRAKE_COUNT = 0.5, 5


@dataclass(frozen=True)
class Instance:
    """One of EC2's, with the addresses that the mesh counts. ``group``: the Auto Scaling group of its tag."""

    id: str
    state: str
    group: str
    addresses: tuple[Cidr, ...] = ()


@dataclass(frozen=True)
class Seen:
    """What the Describe calls showed of one site. ``named``: instances of launch events of this batch."""

    states: Mapping[str, str]
    instances: Mapping[str, Instance]
    named: Collection[str] = ()
    returned: Mapping[str, float] = field(default_factory=dict)
    """Instances that came back from the warm pool, and when."""


@dataclass(frozen=True)
class Observation:
    """``not_ready``: members without an address that others would believe; it may come yet."""

    members: tuple[Member, ...]
    released: tuple[Release, ...]
    returned: tuple[tuple[str, float], ...] = ()
    not_ready: frozenset[str] = frozenset()
    alarms: tuple[str, ...] = ()


def is_member_state(state: str) -> bool:
    return state in MEMBER_STATES or state.startswith("ReplacingRootVolume") or state == "RootVolumeReplaced"


def is_gone_state(state: str) -> bool:
    return state in GONE_STATES or state.startswith("Warmed")


def observe(
    old: Membership | None, site: Site, seen: Seen, new: Iterable[Release], now: float
) -> Observation:
    """``new``: releases of this batch."""
    was = old or Membership(site.key)
    returned = _returned(was.returned, seen, now)
    released = _released(was.released, new, returned, seen, now)
    let_go = {release.instance for release in released}
    present, not_ready = _present(site, seen, let_go)
    gone = let_go | _gone(seen)
    before = (*was.members, *_inherited(was, {address for address, _ in present} | _left(seen, gone)))
    kept = [
        _missed(member, now)
        for member in before
        if member.pair not in present and member.instance not in gone
    ]
    staying, alarms = _absent(kept, len(before), site)
    members = [Member(address, instance) for address, instance in present]
    return Observation(
        tuple(sorted((*members, *staying))),
        released,
        tuple(sorted(returned.items())),
        frozenset(not_ready),
        alarms,
    )


def _inherited(was: Membership, accounted: Collection[Cidr]) -> list[Member]:
    """The published solution's row knows no instances: an address of it that no instance accounts for goes as those
    do that are merely absent."""
    known = {member.address for member in was.members} | {*accounted}
    return [Member(address, "") for address in sorted(was.listed - known)]


def _left(seen: Seen, gone: Collection[str]) -> set[Cidr]:
    """Addresses of those that are on their way out by evidence."""
    return {address for id_ in gone if id_ in seen.instances for address in seen.instances[id_].addresses}


def _returned(old: Iterable[tuple[str, float]], seen: Seen, now: float) -> dict[str, float]:
    """The latest return of each: an event of an older end may come after it."""
    found = {instance: at for instance, at in old if now - at < KEPT_FOR}
    for instance, at in seen.returned.items():
        found[instance] = max(at, found.get(instance, 0.0))
    return found


def _released(
    old: Iterable[Release],
    new: Iterable[Release],
    returned: Mapping[str, float],
    seen: Seen,
    now: float,
) -> tuple[Release, ...]:
    """A return from the warm pool ends a release that is older; so does, where its event was lost, a state of a
    member seen a good while later: Describe calls lag, but not so long."""
    found = {release.instance: release for release in old if now - release.at < KEPT_FOR}
    for release in new:
        found.setdefault(release.instance, release)
    return tuple(sorted(release for release in found.values() if not _void(release, returned, seen, now)))


def _void(release: Release, returned: Mapping[str, float], seen: Seen, now: float) -> bool:
    if returned.get(release.instance, 0.0) > release.at:
        return True
    state = seen.states.get(release.instance, "")
    return is_member_state(state) and now - release.at > BETWEEN_READINGS


def _present(site: Site, seen: Seen, let_go: Collection[str]) -> tuple[set[tuple[Cidr, str]], set[str]]:
    present: set[tuple[Cidr, str]] = set()
    not_ready: set[str] = set()
    for id_ in {*seen.states, *seen.named}:
        if id_ in let_go or not _admitted(id_, site, seen):
            continue
        instance = seen.instances.get(id_)
        addresses = instance.addresses if instance else ()
        trusted_ones = [(address, id_) for address in addresses if trusted(address, site.ranges)]
        present.update(trusted_ones)
        if not trusted_ones:
            not_ready.add(id_)
    return present, not_ready


def _admitted(id_: str, site: Site, seen: Seen) -> bool:
    instance = seen.instances.get(id_)
    if instance is not None and instance.state in GONE_INSTANCES:
        return False
    state = seen.states.get(id_)
    if state is not None:
        return is_member_state(state) or state in LEAVING_STATES
    return instance is not None and instance.group == site.key.asg


def _gone(seen: Seen) -> set[str]:
    by_state = {id_ for id_, state in seen.states.items() if is_gone_state(state)}
    return by_state | {id_ for id_, one in seen.instances.items() if one.state in GONE_INSTANCES}


def _missed(member: Member, now: float) -> Member:
    """The member with this reading counted, if it counts."""
    if not member.readings:
        return member._replace(missing_since=round(now, 3), readings=1)
    if now - member.missing_since >= BETWEEN_READINGS * member.readings:
        return member._replace(readings=member.readings + 1)
    return member


def _absent(kept: list[Member], before: int, site: Site) -> tuple[list[Member], tuple[str, ...]]:
    """Those that stay for now."""
    leaving = [member for member in kept if member.readings >= 2]
    if len(leaving) <= max(BRAKE_COUNT, BRAKE_SHARE * before):
        return [member for member in kept if member.readings < 2], ()
    staying = [member for member in kept if member.readings < 3]
    alarm = f"{site.key}: {len(leaving)} of {before} addresses are absent without any event or state"
    return staying, (alarm,)
