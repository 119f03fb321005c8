"""The proof at the end of a run: the target is read again, and held against what was desired and what the run did."""

from dataclasses import replace

from twinwall.engine.means import Applied, Means
from twinwall.engine.planned import Planned, Proof
from twinwall.engine.reading import SideReader
from twinwall.engine.sides import LiveSide
from twinwall.errors import Throttled
from twinwall.model.firewall import Snapshot, ref_name
from twinwall.planning.desired import Desired, resolve_desired
from twinwall.planning.findings import Finding
from twinwall.planning.history import History, foreign, own_work
from twinwall.planning.plan import Plan
from twinwall.planning.verify import verify as compare

PROOF_SECONDS = 30.0
"""How long a difference seen right after writing is read again (contract, chapter 3)."""


def prove(planned: Planned, applied: Applied, target: LiveSide, means: Means) -> Proof:
    """Reads the target again and compares it with what was desired; while they differ, again for up to 30 s
    (what was written may not be visible yet). Where a call without an answer may still arrive, once more when it
    cannot any more. What somebody else did to what the run touched is told besides, whether or not it changes a
    verdict."""
    clock, plan = means.clock, planned.proven
    desired = resolve_desired(plan.desired, {**planned.known_ids, **applied.ids})
    deadline = clock.monotonic() + PROOF_SECONDS
    pause = 1.0
    while True:
        began = clock.monotonic()
        try:
            now = read_back(plan, desired, planned.existing, target)
        except Throttled:
            clock.sleep(pause)
            deadline = clock.monotonic() + PROOF_SECONDS
            continue
        report = compare(desired, now)
        if report.equal and began >= applied.doubt_until:
            return Proof(report, _meanwhile(planned, applied, now))
        if report.equal:
            clock.sleep(max(0.0, applied.doubt_until - clock.monotonic()))
            continue
        if clock.monotonic() + pause > max(deadline, applied.doubt_until):
            return Proof(report, _meanwhile(planned, applied, now))
        clock.sleep(pause)
        pause = min(pause * 2, 8.0)


def prove_unchanged(planned: Planned) -> Proof:
    """A plan without changes is proven by its own reads."""
    return Proof(compare(resolve_desired(planned.proven.desired, planned.known_ids), planned.existing))


def _meanwhile(planned: Planned, applied: Applied, now: Snapshot) -> tuple[Finding, ...]:
    """What somebody else did, without what the run itself has told already."""
    if now.acls is None:  # nothing was desired of them
        now = replace(now, acls=planned.existing.acls)
    ran = History("apply", planned.plan, planned.existing, applied.sent, applied.ids)
    told = [(finding.resource.id, f"{finding.rule} {finding.message}") for finding in applied.findings]
    return tuple(
        one.finding()
        for one in foreign(ran, own_work(ran), now)
        if not any(id_ == one.resource.id and str(one.thing or "") in text for id_, text in told)
    )


def read_back(plan: Plan, desired: Desired, existing: Snapshot, target: LiveSide) -> Snapshot:
    """Groups and ACLs anew, and the plan's lists if it wrote to one; the network around is as it was. ``desired``: of
    the plan, with real ids."""
    reader = SideReader(replace(target, vpc_id=plan.target.vpc_id), "target")
    reader.read("SecurityGroups")
    if plan.desired.acls or plan.desired.associations or plan.desired.delete_acls:
        reader.read("NetworkAcls")
    lists_written = any(change.resource.type == "prefix-list" for change in plan.changes)
    concerned = {item.prefix_list_id for item in desired.lists}
    concerned |= {change.resource.id for change in plan.changes if change.resource.type == "prefix-list"}
    around = {id_: item for id_, item in existing.list_by_id.items() if id_ not in concerned}
    if lists_written:
        reader.read_own_lists([id_ for id_ in concerned if ref_name(id_) is None])
    now = reader.snapshot()
    return replace(
        now,
        vpcs=existing.vpcs,
        subnets=existing.subnets,
        interfaces=existing.interfaces,
        prefix_lists=(
            (*around.values(), *(now.prefix_lists or ())) if lists_written else existing.prefix_lists
        ),
    )
