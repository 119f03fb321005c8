"""What the end of a call means for its run.

answered            done
Throttled           slower, again
never answered      may still arrive; settled by reading
duplicate, unknown  settled by reading: done, left to do, or somebody else's
not visible yet     again, for a minute
still used          again, for a while; then it stays
anything else       raised: no call is started any more
"""

from twinwall.boundary import Ended, Written
from twinwall.engine.readback import MEETING_SECONDS, VISIBLE_SECONDS
from twinwall.engine.run import Flight, Run
from twinwall.engine.settling import Done, Foreign, Left
from twinwall.errors import (
    AlreadyExists,
    AwsError,
    DependencyViolation,
    Interfered,
    NotFound,
    OutcomeUnknown,
    Throttled,
    TwinwallError,
    Unavailable,
)
from twinwall.planning import changes as c
from twinwall.planning.findings import Finding
from twinwall.planning.unanswered import UNANSWERED

_CONTENT_MISSING = frozenset(
    {"InvalidPermission.NotFound", "InvalidNetworkAclEntry.NotFound", "InvalidAssociationID.NotFound"}
)
"""What a group, an ACL or a subnet holds is missing, not the thing itself."""


def take(run: Run, ended: Ended, flight: Flight) -> None:
    """Of a call, or of the question what became of one. Raises what stops the run."""
    if flight.asking:
        _settled(run, ended, flight)
        return
    run.means.pace.ended(flight.change.action, run.means.clock.monotonic() - flight.sent)
    _answered(run, ended, flight)


def take_last(run: Run, ended: Ended, flight: Flight) -> None:
    """Of a run that was stopped: only told."""
    if not flight.asking:
        run.means.pace.ended(flight.change.action, run.means.clock.monotonic() - flight.sent)
    if isinstance(ended.value, Written):
        run.carried_out(ended.key, flight.change, ended.value)
    elif isinstance(ended.error, TwinwallError) and not flight.asking:
        lost = isinstance(ended.error, OutcomeUnknown)
        run.record("unknown" if lost else "failed", ended.key, error=str(ended.error))


def _answered(run: Run, ended: Ended, flight: Flight) -> None:
    position, change = ended.key, flight.change
    match ended.error:
        case None:
            assert isinstance(ended.value, Written)
            run.carried_out(position, change, ended.value)
        case Throttled(code=code):
            run.unheard(position)
            run.record("refused", position, action=change.action, code=code)
            run.means.pace.refused(change.action, flight.sent)
            run.agenda.again(position, run.means.clock.monotonic())
        case OutcomeUnknown() as error:
            run.record("unknown", position, action=change.action, error=str(error))
            run.trouble(position, error, change).unknown = True
            run.doubts.sent(position, change, flight.sent + run.means.late)
            run.ask(position, change, flight.sent, told=False)
        case NotFound() as error if _not_visible_yet(run, position, error, change):
            run.later(position, error, change)
        case AlreadyExists() | NotFound() as error:
            run.record("unclear", position, action=change.action, error=str(error))
            run.trouble(position, error, change)
            run.ask(position, change, flight.sent, told=True)
        case Unavailable() as error:
            run.later(position, error, change)
        case DependencyViolation() as error:
            _in_use(run, position, error, change)
        case TwinwallError() as error:
            _refused(run, position, change, error)
        case BaseException() as error:
            raise error


def _settled(run: Run, ended: Ended, flight: Flight) -> None:
    """A read that failed is no answer: the call itself is tried again; one that EC2 did not let through, the read."""
    position, change = ended.key, flight.change
    if isinstance(ended.error, Throttled):
        run.unheard(position)
        run.ask(position, change, flight.sent, told=flight.told)
        return
    found = Left(change) if isinstance(ended.error, Unavailable) else ended.value
    match found:
        case Done(written=written):
            ours = run.troubles[position].unknown or isinstance(change, c.CreateSecurityGroup)
            run.record("settled", position, action=change.action, id=written.id, ours=ours)
            run.doubts.cleared(position)
            run.calls[change.action] += ours
            run.last = run.means.clock.monotonic()
            run.carried_out(position, change, written, counted=False)
        case Left(change=rest):
            run.later(position, _undecided(run, position), rest)
        case Foreign(why=why):
            _foreign(run, position, change, why)
        case _:
            assert ended.error is not None
            raise ended.error


def _undecided(run: Run, position: int) -> AwsError:
    change = run.agenda.step(position).change
    return OutcomeUnknown(
        f"{change.action} for {change.resource}: what became of it cannot be told after "
        f"{VISIBLE_SECONDS:.0f} s of reading"
    )


def _refused(run: Run, position: int, change: c.Change, error: TwinwallError) -> None:
    """Of a question: nobody may ask it, or EC2 takes no such call, and then the first one makes nothing either."""
    if not run.only_asks(position):
        run.record("failed", position, action=change.action, error=str(error))
        raise error
    why = str(error)
    message = f"what became of that run's {change.action} cannot be asked ({why})"
    way_out = "look for it later, and undo again if it is there"
    run.ground.tell(Finding(UNANSWERED, "warning", change.resource, message, way_out))
    run.skip(position, change, why)


def _foreign(run: Run, position: int, change: c.Change, why: str) -> None:
    if run.only_asks(position) and isinstance(change, c.CreateSecurityGroup):
        run.skip(position, change, why)
        return
    run.ground.note(change.resource, "", f"{why}: left alone")
    if isinstance(change, c.DeleteNetworkAclEntry | c.ReplaceNetworkAclAssociation):
        run.skip(position, change, why)
        return
    run.record("failed", position, action=change.action, error=why)
    raise Interfered(f"{change.action} for {change.resource}: {why}; somebody else is at work there")


def _in_use(run: Run, position: int, error: DependencyViolation, change: c.Change) -> None:
    """What uses it may be gone and not yet known to be; what goes on using it keeps it."""
    trouble = run.trouble(position, None, change)
    if run.means.clock.monotonic() + trouble.pause - trouble.since > MEETING_SECONDS:
        run.ground.note(
            change.resource, "", f"it was to be deleted, but is still used ({error.code}): it stays"
        )
        run.skip(position, change, str(error))
        return
    run.later(position, error, change)


def _not_visible_yet(run: Run, position: int, error: NotFound, change: c.Change) -> bool:
    """EC2 shows a new id to everybody only after a while (aws-facts 3.2); the call did nothing. What a token has made
    may be gone long since."""
    since = run.trouble(position, None, change).since
    if run.only_asks(position) and run.means.clock.monotonic() - since > MEETING_SECONDS:
        return False
    return error.code not in _CONTENT_MISSING and not set(run.ids.values()).isdisjoint(c.ids_in(change))
