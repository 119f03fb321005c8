"""Carries a route out: each call as soon as what stands before it is done and EC2's throttle lets it, each call in the
journal before and after.

    agenda ─ ready ─▶ pace ─ token ─▶ journal "call" ─▶ crew ─ sent, answered ─▶ journal "done" ─▶ agenda
                                                          │
    Throttled            slower, again                    ├─ never answered, duplicate, unknown ─▶ settled by reading
    not visible yet      again, for a minute              └─ anything else: no call is started any more, those in
    a barrier            one reading, then ``settle`` s       flight are waited for, journal "stopped"

All decisions are made in the calling thread; the crew only sends and reads.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from typing import Any, Protocol

from twinwall.boundary import (
    LATE_SECONDS,
    Clock,
    Crew,
    Ended,
    FirewallReader,
    FirewallWriter,
    Journal,
    Progress,
    Written,
)
from twinwall.engine.agenda import Agenda
from twinwall.engine.doubts import Doubts
from twinwall.engine.ground import VISIBLE_SECONDS, Ground, Reading, Skipped
from twinwall.engine.pace import Pace
from twinwall.engine.settling import Done, Foreign, Left, Look, Settled, settle
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
from twinwall.model.firewall import Snapshot, tag
from twinwall.model.ownership import SOURCE_TAG
from twinwall.planning import changes as c
from twinwall.planning.findings import Finding
from twinwall.planning.order import Route
from twinwall.planning.replay import Replay
from twinwall.planning.requests import change_document

WORKERS = 32
SETTLE_SECONDS = 5.0
_READING = -1
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 8.0


class Settle(Protocol):
    """``settling.settle``, or a test's."""

    def __call__(
        self, change: c.Change, look: Look, acl_before: str = "", *, told: bool = True
    ) -> Settled: ...


@dataclass(frozen=True)
class Means:
    """What a run works with. ``settle``: seconds between a reading and what relies on it. ``late``: for how long a
    call without an answer may still arrive. ``made``: prefix lists that another target of this run has made in the same
    account and Region, by mark; filled and used."""

    journal: Journal
    clock: Clock
    crew: Crew
    pace: Pace
    progress: Progress = lambda *_: None
    settle: float = SETTLE_SECONDS
    late: float = LATE_SECONDS
    made: dict[str, str] = field(default_factory=dict)
    alive: Callable[[], None] = lambda: None
    """Told often; raises where the run may not go on (its lock is lost)."""


@dataclass(frozen=True)
class Applied:
    """``calls``: writes by operation, as sent. ``throttled``: how often EC2 asked for fewer. ``ids``: what the plan's
    refs became. ``findings``: what somebody else did meanwhile. ``doubt_until``: a call without an answer may arrive
    until then (monotonic)."""

    calls: dict[str, int]
    seconds: float
    throttled: int
    ids: dict[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    doubt_until: float = 0.0


def carry_out(
    route: Route,
    existing: Snapshot,
    vpc_id: str,
    reader: FirewallReader,
    writer: FirewallWriter,
    means: Means,
    settle: Settle = settle,
) -> Applied:
    """``existing``: the target as the plan saw it. Raises ``AwsError``'s children and ``Interfered`` with what was done
    in the message, and ``KeyboardInterrupt`` likewise."""
    replay = Replay.of(existing)
    ground = Ground(replay, frozenset(replay.acls))
    run = _Run(Agenda(route), Look(reader, vpc_id), writer, means, ground, settle)
    try:
        run.work()
    except TwinwallError as error:
        run.drain()
        run.tell("stopped", done=run.done, of=run.of)
        run.flush()
        raise _told(error, run.done, run.of) from error
    except KeyboardInterrupt:
        run.drain()
        run.tell("interrupted", done=run.done, of=run.of)
        run.flush()
        raise KeyboardInterrupt(_left(run.done, run.of)) from None
    run.flush()
    return run.applied()


@dataclass
class _Flight:
    """What the crew is at: a call, or the question what became of one."""

    change: c.Change
    sent: float
    asking: bool = False


@dataclass
class _Trouble:
    """A step that did not go at once: since when, and what is left of it."""

    since: float
    pause: float = _FIRST_PAUSE
    change: c.Change | None = None
    unknown: bool = False


@dataclass
class _Run:
    agenda: Agenda
    look: Look
    writer: FirewallWriter
    means: Means
    ground: Ground
    settle: Settle
    calls: Counter[str] = field(default_factory=Counter)
    ids: dict[str, str] = field(default_factory=dict)
    throttled: int = 0
    done: int = 0
    flights: dict[int, _Flight | None] = field(default_factory=dict)
    troubles: dict[int, _Trouble] = field(default_factory=dict)
    settling: dict[int, float] = field(default_factory=dict)
    doubts: Doubts = field(default_factory=Doubts)
    first: float | None = None
    last: float = 0.0
    lines: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    outbox: list[tuple[int, Callable[[], object]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        steps = [step for step in map(self._step_at, range(len(self.agenda.route))) if step]
        self.of = len(steps)
        self.relying = {
            position
            for position in range(len(self.agenda.route))
            if (change := self._step_at(position)) and self.ground.relies(change)
        }
        seed = f"{self.means.journal.path} {self.means.clock.now()}"
        self.nonce = sha256(seed.encode()).hexdigest()[:24]

    def _step_at(self, position: int) -> c.Change | None:
        return getattr(self.agenda.route[position], "change", None)

    def applied(self) -> Applied:
        seconds = self.last - self.first if self.first is not None else 0.0
        return Applied(
            dict(sorted(self.calls.items())),
            seconds,
            self.throttled,
            self.ids,
            tuple(self.ground.findings.values()),
            self.doubts.until,
        )

    # --- the loop

    def work(self) -> None:
        clock = self.means.clock
        while self.agenda.left:
            clock.sleep(0)  # a run that was stopped gets no further
            self.means.alive()
            pause = self._start(clock.monotonic())
            self.flush()
            if self.flights:
                self._await(pause)
            elif pause is not None:
                clock.sleep(pause)

    def _await(self, pause: float | None) -> None:
        """One end, and all others that are there already."""
        ended = self.means.crew.next(pause)
        while ended is not None:
            self._ended(ended)
            ended = self.means.crew.next(0) if self.flights else None

    def tell(self, event: str, **fields: Any) -> None:
        """Into the journal, with the next ``flush``."""
        self.lines.append((event, fields))

    def flush(self) -> None:
        """What was told goes to disk, then what is ready goes out: no call is sent that the journal does not hold."""
        lines, self.lines = self.lines, []
        if lines:
            self.means.journal.record_all(lines)
        outbox, self.outbox = self.outbox, []
        for key, job in outbox:
            self.means.crew.start(key, job)

    def drain(self) -> None:
        """Waits for what is in flight, and starts nothing."""
        for key, _ in self.outbox:
            flight = self.flights.pop(key)
            if flight and not flight.asking:
                self._record("failed", key, error="not sent")
        self.outbox = []
        while self.flights:
            ended = self.means.crew.next()
            flight = self.flights.pop(ended.key) if ended else None
            if ended is None or flight is None:
                continue
            if not flight.asking:
                self.means.pace.ended(flight.change.action, self.means.clock.monotonic() - flight.sent)
            if isinstance(ended.value, Written):
                self._carried_out(ended.key, flight.change, ended.value)
            elif isinstance(ended.error, TwinwallError) and not flight.asking:
                lost = isinstance(ended.error, OutcomeUnknown)
                self._record("unknown" if lost else "failed", ended.key, error=str(ended.error))

    def _start(self, now: float) -> float | None:
        """Everything that may go now. How long until something else may, None where only an end can tell."""
        for position, moment in list(self.settling.items()):
            if moment <= now:
                del self.settling[position]
                self.agenda.done(position)
        moments = [self.agenda.wake(now), *self.settling.values()]
        for position in self.agenda.take_barriers():
            self._read(position, acls_too=self._concerns_acls(position))
        pauses = [max(0.0, moment - now) for moment in moments if moment is not None]
        for action in self.agenda.actions():
            pause = self._start_action(action, now)
            if pause is not None:
                pauses.append(pause)
        return min(pauses, default=None)

    def _start_action(self, action: str, now: float) -> float | None:
        while (position := self.agenda.first(action)) is not None:
            change = self._next_change(position)
            if self._already_made(position, change):
                self.agenda.take(action)
                continue
            if (safe := self.doubts.safe_at(position, change)) > now:
                self.agenda.again(self.agenda.take(action), safe)
                return safe - now
            if self.ground.relies(change) and not self.ground.is_fresh(change, now):
                self._read(_READING)
                return None
            if len(self.flights) >= WORKERS:
                return None
            checked = self.ground.checked(change)
            if isinstance(checked, Skipped):
                self._skip(self.agenda.take(action), change, checked.why)
                continue
            pause = self.means.pace.take(action)
            if pause:
                return pause
            self._send(self.agenda.take(action), checked, now)
        return None

    # --- calls

    def _next_change(self, position: int) -> c.Change:
        """The step as it is to be sent next: what is left of it, with real ids, in the association it is by now."""
        trouble = self.troubles.get(position)
        change = trouble.change if trouble and trouble.change else self.agenda.step(position).change
        change = c.resolve(change, self.ids)
        match change:
            case c.CreateNetworkAcl() | c.CreateManagedPrefixList():
                return replace(change, client_token=f"twinwall-{self.nonce}-{position}")
            case _:
                return change

    def _send(self, position: int, change: c.Change, now: float) -> None:
        self.tell("call", step=position, **change_document(change))
        self.first = now if self.first is None else self.first
        self.flights[position] = _Flight(change, now)
        self.outbox.append((position, partial(self.writer.carry_out, change)))

    def _ask(self, position: int, change: c.Change, sent: float, *, told: bool) -> None:
        """What became of it?"""
        before = self.ground.replay.acl_of_subnet.get(change.resource.id, "")
        self.flights[position] = _Flight(change, sent, asking=True)
        self.outbox.append((position, partial(self.settle, change, self.look, before, told=told)))

    def _carried_out(
        self, position: int, change: c.Change, written: Written, *, counted: bool = True
    ) -> None:
        if isinstance(change, c.CreateSecurityGroup | c.CreateNetworkAcl | c.CreateManagedPrefixList):
            ref = self.agenda.step(position).change.resource.id
            self.ids[ref] = written.id
            self._remember(position)
        if isinstance(change, c.ReplaceNetworkAclAssociation):
            self.ids[c.association_ref(change.resource.id)] = written.id
        elif isinstance(change, c.ModifyManagedPrefixList):
            self._remember(position)
        if counted:
            self.calls[change.action] += 1
            self.last = self.means.clock.monotonic()
            self._record("done", position, action=change.action, id=written.id)
        self.ground.done(c.resolve(self.agenda.step(position).change, self.ids))
        self.doubts.done(position, change)
        self._finish(position, change)

    def _finish(self, position: int, change: c.Change) -> None:
        self.done += 1
        self.relying.discard(position)
        self.troubles.pop(position, None)
        self.agenda.done(position)
        self.means.progress(change.action, self.done, self.of)

    def _skip(self, position: int, change: c.Change, why: str) -> None:
        self._record("skipped", position, action=change.action, why=why)
        self._finish(position, change)

    def _record(self, event: str, position: int, **fields: str | bool) -> None:
        self.tell(event, step=position, **fields)

    # --- ends

    def _ended(self, ended: Ended) -> None:
        flight = self.flights.pop(ended.key)
        if flight is None:
            self._read_back(ended)
        elif flight.asking:
            self._settled(ended, flight)
        else:
            self.means.pace.ended(flight.change.action, self.means.clock.monotonic() - flight.sent)
            self._answered(ended, flight)

    def _answered(self, ended: Ended, flight: _Flight) -> None:
        position, change = ended.key, flight.change
        match ended.error:
            case None:
                assert isinstance(ended.value, Written)
                self._carried_out(position, change, ended.value)
            case Throttled(code=code):
                self.throttled += 1
                self._record("refused", position, action=change.action, code=code)
                self.means.pace.refused(change.action, flight.sent)
                self.agenda.again(position, self.means.clock.monotonic())
            case OutcomeUnknown() as error:
                self._record("unknown", position, action=change.action, error=str(error))
                self._trouble(position, error, change).unknown = True
                self.doubts.sent(position, change, flight.sent + self.means.late)
                self._ask(position, change, flight.sent, told=False)
            case NotFound() as error if self._not_visible_yet(error, change):
                self._later(position, error, change)
            case AlreadyExists() | NotFound() as error:
                self._record("unclear", position, action=change.action, error=str(error))
                self._trouble(position, error, change)
                self._ask(position, change, flight.sent, told=True)
            case Unavailable() as error:
                self._later(position, error, change)
            case DependencyViolation() as error:
                self._in_use(position, error, change)
            case TwinwallError() as error:
                self._record("failed", position, action=change.action, error=str(error))
                raise error
            case BaseException() as error:
                raise error

    def _settled(self, ended: Ended, flight: _Flight) -> None:
        """A read that failed is no answer: the call itself is tried again."""
        position, change = ended.key, flight.change
        found = Left(change) if isinstance(ended.error, Unavailable) else ended.value
        match found:
            case Done(written=written):
                ours = self.troubles[position].unknown or isinstance(change, c.CreateSecurityGroup)
                self._record("settled", position, action=change.action, id=written.id, ours=ours)
                self.doubts.cleared(position)
                self.calls[change.action] += ours
                self.last = self.means.clock.monotonic()
                self._carried_out(position, change, written, counted=False)
            case Left(change=rest):
                self._later(position, self._why(position), rest)
            case Foreign(why=why):
                self._foreign(position, change, why)
            case _:
                assert ended.error is not None
                raise ended.error

    def _why(self, position: int) -> AwsError:
        action = self.agenda.step(position).change
        return OutcomeUnknown(
            f"{action.action} for {action.resource}: what became of it cannot be told after "
            f"{VISIBLE_SECONDS:.0f} s of reading"
        )

    def _foreign(self, position: int, change: c.Change, why: str) -> None:
        self.ground.note(change.resource, "", f"{why}: left alone")
        if isinstance(change, c.DeleteNetworkAclEntry | c.ReplaceNetworkAclAssociation):
            self._skip(position, change, why)
            return
        self._record("failed", position, action=change.action, error=why)
        raise Interfered(f"{change.action} for {change.resource}: {why}; somebody else is at work there")

    def _in_use(self, position: int, error: DependencyViolation, change: c.Change) -> None:
        """What uses it may be gone and not yet known to be; what goes on using it keeps it."""
        trouble = self._trouble(position, None, change)
        if self.means.clock.monotonic() + trouble.pause - trouble.since > VISIBLE_SECONDS / 4:
            self.ground.note(
                change.resource, "", f"it was to be deleted, but is still used ({error.code}): it stays"
            )
            self._skip(position, change, str(error))
            return
        self._later(position, error, change)

    # --- again

    def _not_visible_yet(self, error: NotFound, change: c.Change) -> bool:
        """EC2 shows a new id to everybody only after a while (aws-facts 3.2); the call did nothing."""
        return error.code not in _CONTENT_MISSING and not set(self.ids.values()).isdisjoint(c.ids_in(change))

    def _trouble(self, position: int, error: AwsError | None, change: c.Change) -> _Trouble:
        """Raises the error where it has lasted too long."""
        now = self.means.clock.monotonic()
        trouble = self.troubles.setdefault(position, _Trouble(now))
        if error is not None and now - trouble.since > VISIBLE_SECONDS:
            self._record("failed", position, action=change.action, error=str(error))
            raise error
        return trouble

    def _later(self, position: int, error: AwsError, rest: c.Change) -> None:
        trouble = self._trouble(position, error, rest)
        trouble.change = rest
        self.agenda.again(position, self.means.clock.monotonic() + trouble.pause)
        trouble.pause = min(trouble.pause * 2, _LONGEST_PAUSE)

    # --- readings

    def _read(self, key: int, *, acls_too: bool = False) -> None:
        """Starts one, unless it is under way."""
        if key in self.flights:
            return
        relying = [c.resolve(self.agenda.step(at).change, self.ids) for at in sorted(self.relying)]
        coming = [change for change in relying if c.ref_name(change.resource.id) is None]
        wanted = self.ground.wanted(coming, acls_too=acls_too)
        self.flights[key] = None
        self.outbox.append((key, partial(wanted.read, self.look, self.means.clock)))

    def _read_back(self, ended: Ended) -> None:
        if ended.error is not None:
            raise ended.error
        assert isinstance(ended.value, Reading)
        self.ground.take(ended.value)
        if ended.key != _READING:
            self.settling[ended.key] = self.means.clock.monotonic() + self.means.settle

    def _concerns_acls(self, position: int) -> bool:
        around = (*self.agenda.route[position].after, *self.agenda.followers(position))
        changes = [change for at in around if (change := self._step_at(at))]
        return any(change.resource.type in ("network-acl", "subnet") for change in changes)

    # --- lists that another target of this run made

    def _already_made(self, position: int, change: c.Change) -> bool:
        """A prefix list is one per account and Region."""
        step = self.agenda.step(position).change
        if not isinstance(step, c.CreateManagedPrefixList | c.ModifyManagedPrefixList):
            return False
        known = self.means.made.get(_list_key(step))
        if known is None:
            return False
        if known:
            self.ids[step.resource.id] = known
        self.ground.done(c.resolve(step, self.ids))
        self._finish(position, change)
        return True

    def _remember(self, position: int) -> None:
        step = self.agenda.step(position).change
        if isinstance(step, c.CreateManagedPrefixList | c.ModifyManagedPrefixList):
            self.means.made.setdefault(_list_key(step), self.ids.get(step.resource.id, ""))


_CONTENT_MISSING = frozenset(
    {"InvalidPermission.NotFound", "InvalidNetworkAclEntry.NotFound", "InvalidAssociationID.NotFound"}
)
"""What a group, an ACL or a subnet holds is missing, not the thing itself."""


def _list_key(change: c.CreateManagedPrefixList | c.ModifyManagedPrefixList) -> str:
    if isinstance(change, c.CreateManagedPrefixList):
        return tag(change.tags, SOURCE_TAG) or change.name
    return str(change_document(change))


def _left(done: int, of: int) -> str:
    return f"{done} of {of} calls were done"


def _told(error: TwinwallError, done: int, of: int) -> TwinwallError:
    """The same error with what was done in its line."""
    told = type(error).__new__(type(error))
    told.__dict__.update(error.__dict__)
    Exception.__init__(told, f"{error}; {_left(done, of)}")
    return told
