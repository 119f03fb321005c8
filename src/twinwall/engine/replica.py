"""The replica half, from reading to proof."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from twinwall.boundary import Journal
from twinwall.documents.history import begin_fields
from twinwall.engine.apply import carry_out
from twinwall.engine.comparing import opened
from twinwall.engine.means import SETTLE_SECONDS, Applied, Means
from twinwall.engine.planned import Planned
from twinwall.engine.reading import SideReader, quotas_of, read_scene
from twinwall.engine.sides import LiveSide, Side
from twinwall.errors import AccessDenied, CredentialsError, Refused, StalePlan, UnsafePlan, WrongAccount
from twinwall.model.firewall import PrefixList, Resource, Snapshot, tag
from twinwall.model.ownership import SOURCE_TAG
from twinwall.planning.desired import Desired
from twinwall.planning.digest import digest, moved, parts
from twinwall.planning.findings import Finding
from twinwall.planning.makespan import makespan
from twinwall.planning.making import Allowed, lists_needed, make_plan, sections_needed
from twinwall.planning.plan import Plan
from twinwall.replica.scene import Scene
from twinwall.replica.settings import Limits, Settings
from twinwall.replica.translate import translate


def plan(source: Side | SideReader, target: Side, settings: Settings) -> Planned:
    """What would bring the target's firewall in line with the source's. Raises ``Refused``'s children."""
    here = source if isinstance(source, SideReader) else opened(source)
    there = SideReader(target, "target")
    check_different(here, there)
    scene = read_scene(here, there, settings, writing=True)
    desired = translate(scene)
    if settings.limits.prune and (desired.delete_groups or desired.delete_acls):
        there.read("NetworkInterfaces")
    there.read_list_users(desired.delete_lists)
    if settings.limits.protect:
        there.read("Subnets", "NetworkInterfaces")
    allowed, quotas = _allowed(settings.limits), quotas_of(there)
    with suppress(AccessDenied):  # then EC2 has the word on what they weigh
        there.read_more_lists(lists_needed(desired, there.snapshot(), allowed))
    there.read_if_known(*sections_needed(desired, there.snapshot(), allowed, quotas))
    existing = there.snapshot()
    made = make_plan(
        desired,
        existing,
        allowed,
        quotas,
        here.endpoint,
        there.endpoint,
        _hints(scene, desired),
    )
    reads = here.besides() + there.besides()
    seconds = makespan(made.route, SETTLE_SECONDS)
    return Planned(replace(made, reads=dict(sorted(reads.items())), estimated_seconds=seconds), existing)


def check_different(source: SideReader, target: SideReader) -> None:
    if source.at == target.at and source.live == target.live:
        raise Refused(f"source and target are the same VPC, {source.at}; name another target")


def _allowed(limits: Limits) -> Allowed:
    max_change = None if limits.force else limits.max_change
    return Allowed(
        limits.policy,
        limits.prune,
        max_change,
        limits.protect,
        limits.client_ports,
        limits.strict,
        limits.allow_gap,
    )


def _hints(scene: Scene, desired: Desired) -> tuple[Finding, ...]:
    """Within one Region and account a group can be associated with the other VPC instead of copied."""
    copied = [group for group in desired.groups if not group.is_default]
    if not scene.same_account_and_region or not copied:
        return ()
    message = (
        f"source and target are in one Region and account: associating {len(copied)} groups with the target VPC "
        "(AssociateSecurityGroupVpc) would share them instead of copying"
    )
    resource = Resource("vpc", scene.target_at.vpc_id)
    return (
        Finding("association-would-serve", "note", resource, message, "aws ec2 associate-security-group-vpc"),
    )


def check_lists_agree(plans: Sequence[Plan]) -> None:
    """A prefix list is copied once per account and Region, so targets there must want the same entries.
    Raises ``UnsafePlan``, both named."""
    seen: dict[tuple[str, str, str], tuple[Plan, PrefixList]] = {}
    for one in plans:
        for item in one.desired.lists:
            key = (one.target.account, one.target.region, tag(item.tags, SOURCE_TAG) or "")
            other, twin = seen.setdefault(key, (one, item))
            if twin.entries != item.entries:
                raise UnsafePlan(
                    f"planning {item.resource}: the targets {other.target} and {one.target} share the one copy of it "
                    "but map its entries differently; give them the same maps, or --map-prefix-list"
                )


def check_fresh(plan: Plan, target: LiveSide, now: float | None = None) -> Snapshot:
    """The target as it stands, if it is still what the plan was made for and the credentials last long
    enough. Raises ``WrongAccount``, ``StalePlan``, ``CredentialsError``; writes nothing."""
    identity = target.account.identity()
    wanted = plan.target
    if (identity.account, identity.region) != (wanted.account, wanted.region):
        raise WrongAccount(
            f"applying the plan for {wanted.account}/{wanted.region}: the credentials lead to "
            f"{identity.account}/{identity.region}; give --target-profile and --target-region of the plan's"
        )
    reader = SideReader(replace(target, vpc_id=wanted.vpc_id), "target")
    reader.read("Vpcs", "SecurityGroups", "NetworkAcls")
    named = [id_ for id_ in plan.touched.referenced if id_.startswith("pl-")]
    if plan.desired.lists or plan.touched.lists or named:
        reader.read_lists(())
        reader.read_more_lists(named)
    existing = reader.snapshot()
    if digest(existing, plan.touched) != plan.digest:
        told = moved(plan.parts, parts(existing, plan.touched))
        words = ", ".join(told[:3]) + (f", and {len(told) - 3} more" if len(told) > 3 else "")
        raise StalePlan(
            f"applying the plan for {wanted}: it is stale: what it touches has changed since it was made ({words}); "
            "make it again with twinwall plan"
        )
    if now is not None:
        check_expiry(plan, target, now)
    return existing


def check_expiry(plan: Plan, target: LiveSide, now: float) -> None:
    """Refuses to begin what the credentials do not outlast."""
    ends = target.account.expires_at()
    if ends is not None and ends.timestamp() < now + plan.estimated_seconds:
        left = max(0, int(ends.timestamp() - now))
        raise CredentialsError(
            f"applying the plan for {plan.target}: it takes about {plan.estimated_seconds:.0f} s, the credentials "
            f"end in {left} s; renew them first"
        )


def begin(planned: Planned, journal: Journal) -> None:
    """What a journal opens with, before the lock is taken: the plan, and the target's firewall as it was."""
    if planned.purpose == "resume":
        journal.record("resume", {"calls": planned.plan.api_calls})
    else:
        journal.record("begin", begin_fields(planned.purpose, planned.plan, planned.existing))


def apply(planned: Planned, target: LiveSide, means: Means) -> Applied:
    """Carries the plan out. Raises ``AwsError``'s children and ``Interfered``; what was done stands in the journal."""
    plan = planned.plan
    check_expiry(plan, target, means.clock.now())
    vpc_id = plan.target.vpc_id
    applied = carry_out(
        plan.route, planned.existing, vpc_id, target.reader, target.writer, means, read_at=planned.read_at
    )
    means.journal.record("end", {"calls": applied.calls, "throttled": applied.throttled})
    return applied
