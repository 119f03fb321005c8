"""``resume`` and ``undo``: from a journal to a plan, through the same order, guard and apply as any other.

what may still arrive is waited for ─▶ the target is read ─▶ onward or back (``planning.turning``) ─▶ make_plan
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from twinwall.boundary import LATE_SECONDS, Clock, Section
from twinwall.engine.lock import find_own
from twinwall.engine.means import SETTLE_SECONDS
from twinwall.engine.planned import Planned
from twinwall.engine.readback import FIRST_PAUSE, LONGEST_PAUSE, VISIBLE_SECONDS
from twinwall.engine.reading import SideReader, quotas_of
from twinwall.engine.sides import LiveSide
from twinwall.errors import AccessDenied, UnsafePlan, WrongAccount
from twinwall.model.firewall import Endpoint, Snapshot
from twinwall.model.rules import PrefixListPeer
from twinwall.planning.desired import Desired
from twinwall.planning.found import with_found, with_tokens
from twinwall.planning.history import History, lists_of
from twinwall.planning.makespan import makespan
from twinwall.planning.making import Allowed, lists_needed, make_plan, sections_needed
from twinwall.planning.plan import Plan
from twinwall.planning.quotas import Quotas
from twinwall.planning.shown import last_unseen, last_unshown
from twinwall.planning.turning import back, onward
from twinwall.planning.unanswered import with_asked, with_unasked

AS_IT_MUST = Allowed(policy="sync", prune=True, max_change=None)
"""What a journal began was allowed when it began; going back is no change of anybody's mind."""
Tell = Callable[[str], None]
LAG_SECONDS = 10.0
"""For how long a change that was answered may be missing in a reading (aws-facts 3.2: seconds)."""


def arrival(history: History, late: float, now: float) -> float:
    """Seconds until no call of the journal can arrive any more."""
    if history.unanswered_at is None:
        return 0.0
    return min(late, max(0.0, history.unanswered_at + late - now))


def _unsettled(history: History, late: float, now: float) -> bool:
    """May there be what no reading shows yet? What a client waits for at most is counted in full, whatever the user
    says of it."""
    sent = history.unanswered_at
    return sent is not None and now - sent < max(late, LATE_SECONDS) + VISIBLE_SECONDS


def resume(
    history: History, target: LiveSide, clock: Clock, late: float, tell: Tell = lambda _: None
) -> Planned:
    """What is left to do. ``tell``: hears what is waited for. A gap that the run was allowed is allowed still. Raises
    ``WrongAccount``, ``Refused``'s and ``AwsError``'s children."""
    begun = any(finding.id == "gap-allowed" for finding in history.plan.findings)
    history = replace(history, allow_gap=history.allow_gap or begun)
    planned = _plan(history, target, clock, late, onward, history.plan.source, tell)
    return replace(planned, purpose="resume")


def undo(
    history: History, target: LiveSide, clock: Clock, late: float, label: str, tell: Tell = lambda _: None
) -> Planned:
    """The way back. ``label``: the journal's name. Raises ``ForeignOwner`` besides: what somebody else has changed
    since is named, and stays."""
    planned = _plan(history, target, clock, late, back, Endpoint(f"before {label}"), tell)
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
    tell: Tell,
) -> Planned:
    check_account(history, target)
    clock.sleep(arrival(history, late, clock.now()))
    if turn is onward:
        history = with_unasked(history)
    reader, now, at = _visible(history, replace(target, vpc_id=history.plan.target.vpc_id), clock, turn, tell)
    history = with_found(history, now)
    if history.lock_nonce:
        history = replace(history, lock_id=find_own(reader.document, history.lock_nonce))
    desired = turn(history, now)
    plan = _made(history, desired, _weighed(history, now, reader, desired), reader, source)
    plan = with_tokens(plan, history)
    if _unsettled(history, late, clock.now()):
        plan = with_asked(plan, history, now)
    plan = replace(plan, estimated_seconds=makespan(plan.route, SETTLE_SECONDS))
    return Planned(plan, now, history=history, read_at=at)


def _visible(
    history: History, target: LiveSide, clock: Clock, turn: object, tell: Tell
) -> tuple[SideReader, Snapshot, float]:
    """A reading that shows what the run is known to have done, and when it began. Somebody else's is what does not show
    ``LAG_SECONDS`` after its answer, and gone what was made and does not show a minute after its answer. What is waited
    for is told, once each."""
    pause, told, epoch = FIRST_PAUSE, "", clock.now() - clock.monotonic()
    while True:
        reader, at = SideReader(target, "target"), clock.monotonic()
        now = _read(history, reader, turn)
        what, seconds = _missed(history, now, epoch + clock.monotonic())
        if pause > seconds:
            return reader, now, at
        if what != told:
            tell(
                f"waiting up to {seconds:.0f} s: {what} was answered, and does not show; what does not show then was "
                "taken back by somebody else"
            )
        told = what
        clock.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)


def _missed(history: History, now: Snapshot, moment: float) -> tuple[str, float]:
    """What a reading does not show, in words, and for how many seconds more it may still come."""
    missed = [(last_unseen(history, now), VISIBLE_SECONDS), (last_unshown(history, now), LAG_SECONDS)]
    waits = [
        (min(patience, sent.at + patience - moment), f"{sent.change.action} for {sent.change.resource}")
        for sent, patience in missed
        if sent is not None
    ]
    seconds, what = max(waits, default=(0.0, ""))
    return what, seconds


def _read(history: History, reader: SideReader, turn: object) -> Snapshot:
    """Groups, and what else the journal's plan concerns; the VPC's own blocks are as they were."""
    touched = {change.resource.type for change in history.plan.changes}
    sections: list[Section] = ["SecurityGroups"]
    if touched & {"network-acl", "subnet"}:
        sections.append("NetworkAcls")
    reader.read(*sections)
    if "prefix-list" in touched:
        reader.read_own_lists(*lists_of(history))
    found = with_found(history, reader.snapshot())
    if _some_group_goes(found, reader.snapshot(), turn):
        reader.read("NetworkInterfaces")
    reader.read_list_users(_doomed_lists(found, turn))
    return replace(reader.snapshot(), vpcs=history.before.vpcs)


def _some_group_goes(history: History, now: Snapshot, turn: object) -> bool:
    if turn is back:
        return any(sent.change.action == "CreateSecurityGroup" for sent in history.sent)
    return not _deleted(history, "DeleteSecurityGroup").isdisjoint(now.group_by_id)


def _doomed_lists(history: History, turn: object) -> set[str]:
    """Lists that the way may delete: those of the plan, or those that the run made."""
    if turn is back:
        return {id_ for id_ in history.ids.values() if id_.startswith("pl-")}
    return _deleted(history, "DeleteManagedPrefixList")


def _deleted(history: History, action: str) -> set[str]:
    """By the plan, things among them that it makes for a while."""
    ids = (change.resource.id for change in history.plan.changes if change.action == action)
    return {history.ids.get(id_, id_) for id_ in ids}


def _weighed(history: History, now: Snapshot, reader: SideReader, desired: Desired) -> Snapshot:
    """With the lists that only weigh in the groups that gain rules: as the run knew them, else read now."""
    known, there = history.before.list_by_id, now.list_by_id
    peers = _named(desired)
    needed = set(lists_needed(desired, now, AS_IT_MUST))
    with suppress(AccessDenied):  # then EC2 has the word on what they weigh
        reader.read_more_lists(sorted(needed - known.keys()))
    read = reader.snapshot().prefix_lists or ()
    then = [
        replace(known[id_], entries=None) for id_ in sorted((needed | peers) & known.keys() - there.keys())
    ]
    return replace(now, prefix_lists=(*read, *then)) if read or then else now


def _named(desired: Desired) -> set[str]:
    """Lists that its groups' rules name."""
    peers = (rule.peer for group in desired.groups for rule in group.rules)
    return {peer.prefix_list_id for peer in peers if isinstance(peer, PrefixListPeer)}


def _made(history: History, desired: Desired, now: Snapshot, reader: SideReader, source: Endpoint) -> Plan:
    """Held to the quotas that the run knew. The account's own of today, and where the groups are, are asked for only
    where no order is found without; so are the entries of lists that are not changed."""
    target = history.plan.target
    try:
        return make_plan(desired, now, AS_IT_MUST, Quotas.of(history.plan.quotas), source, target)
    except UnsafePlan:
        quotas = quotas_of(reader)
        reader.read_if_known(*sections_needed(desired, now, AS_IT_MUST, quotas))
        with suppress(AccessDenied):
            reader.read_more_lists(sorted(_named(desired)))
        read = {**now.list_by_id, **reader.snapshot().list_by_id}
        now = replace(
            now,
            groups=reader.snapshot().groups,
            interfaces=reader.snapshot().interfaces,
            prefix_lists=tuple(read.values()) if read else now.prefix_lists,
        )
        allowed = replace(AS_IT_MUST, allow_gap=history.allow_gap)
        return make_plan(desired, now, allowed, quotas, source, target)
