"""``resume`` and ``undo``: from a journal to a plan, through the same order, guard and apply as any other.

what may still arrive is waited for ─▶ the target is read ─▶ onward or back (``planning.turning``) ─▶ make_plan
"""

from collections.abc import Callable
from dataclasses import replace

from twinwall.boundary import Clock, Section
from twinwall.engine.lock import find_own
from twinwall.engine.means import SETTLE_SECONDS
from twinwall.engine.planned import Planned
from twinwall.engine.reading import SideReader, quotas_of
from twinwall.engine.sides import LiveSide
from twinwall.errors import QuotaExceeded, WrongAccount
from twinwall.model.firewall import Endpoint, Snapshot
from twinwall.planning.desired import Desired
from twinwall.planning.history import History
from twinwall.planning.makespan import makespan
from twinwall.planning.making import Allowed, make_plan
from twinwall.planning.plan import Plan
from twinwall.planning.quotas import Quotas
from twinwall.planning.turning import back, onward, with_found

AS_IT_MUST = Allowed(policy="sync", prune=True, max_change=None)
"""What a journal began was allowed when it began; going back is no change of anybody's mind."""


def arrival(history: History, late: float, now: float) -> float:
    """Seconds until no call of the journal can arrive any more."""
    if history.unanswered_at is None:
        return 0.0
    return min(late, max(0.0, history.unanswered_at + late - now))


def resume(history: History, target: LiveSide, clock: Clock, late: float) -> Planned:
    """What is left to do. Raises ``WrongAccount``, ``Refused``'s and ``AwsError``'s children."""
    planned = _plan(history, target, clock, late, onward, history.plan.source)
    return replace(planned, purpose="resume")


def undo(history: History, target: LiveSide, clock: Clock, late: float, label: str) -> Planned:
    """The way back. ``label``: the journal's name. Raises ``ForeignOwner`` besides: what somebody else has changed
    since is named, and stays."""
    planned = _plan(history, target, clock, late, back, Endpoint(f"before {label}"))
    return replace(planned, purpose="undo")


def check_account(history: History, target: LiveSide) -> None:
    identity, wanted = target.account.identity(), history.plan.target
    if (identity.account, identity.region) != (wanted.account, wanted.region):
        raise WrongAccount(
            f"the journal is of {wanted.account}/{wanted.region}: the credentials lead to "
            f"{identity.account}/{identity.region}; give --target-profile and --target-region of the journal's"
        )


def _plan(
    history: History,
    target: LiveSide,
    clock: Clock,
    late: float,
    turn: Callable[[History, Snapshot], Desired],
    source: Endpoint,
) -> Planned:
    check_account(history, target)
    clock.sleep(arrival(history, late, clock.now()))
    reader = SideReader(replace(target, vpc_id=history.plan.target.vpc_id), "target")
    now = _read(history, reader, turn)
    history = with_found(history, now)
    if history.lock_nonce:
        history = replace(history, lock_id=find_own(reader.document, history.lock_nonce))
    desired = turn(history, now)
    plan = _made(desired, now, reader, source, history.plan.target)
    plan = replace(plan, estimated_seconds=makespan(plan.route, SETTLE_SECONDS), findings=plan.findings)
    return Planned(plan, now, history=history)


def _read(history: History, reader: SideReader, turn: object) -> Snapshot:
    """Groups, and what else the journal's plan concerns; the VPC's own blocks are as they were."""
    touched = {change.resource.type for change in history.plan.changes}
    sections: list[Section] = ["SecurityGroups"]
    if touched & {"network-acl", "subnet"}:
        sections.append("NetworkAcls")
    deletes = any(change.action == "DeleteSecurityGroup" for change in history.plan.changes)
    makes = any(sent.change.action == "CreateSecurityGroup" for sent in history.sent)
    if deletes or (turn is back and makes):
        sections.append("NetworkInterfaces")
    reader.read(*sections)
    if "prefix-list" in touched:
        reader.read_lists(())
        reader.read_list_users(_doomed_lists(with_found(history, reader.snapshot()), turn))
    return replace(reader.snapshot(), vpcs=history.before.vpcs)


def _doomed_lists(history: History, turn: object) -> set[str]:
    """Lists that the way may delete: those of the plan, or those that the run made."""
    if turn is back:
        return {id_ for id_ in history.ids.values() if id_.startswith("pl-")}
    deletions = [change for change in history.plan.changes if change.action == "DeleteManagedPrefixList"]
    return {change.resource.id for change in deletions}


def _made(desired: Desired, now: Snapshot, reader: SideReader, source: Endpoint, target: Endpoint) -> Plan:
    """The account's own quotas are asked for only where the documented ones are not enough."""
    try:
        return make_plan(desired, now, AS_IT_MUST, Quotas(), source, target)
    except QuotaExceeded:
        return make_plan(desired, now, AS_IT_MUST, quotas_of(reader), source, target)
