"""Carries a route out: each call as soon as what stands before it is done and EC2's throttle lets it, each call in the
journal before and after.

    agenda ─ ready ─▶ pace ─ token ─▶ journal "call" ─▶ crew ─ sent, answered ─▶ ``answers`` ─▶ agenda
    a barrier         ``settle`` s, then one reading
    trouble           no call is started any more, those in flight are waited for, journal "stopped"

All decisions are made in the calling thread; the crew only sends and reads.
"""

from dataclasses import dataclass, field

from twinwall.boundary import Ended, FirewallReader, FirewallWriter
from twinwall.engine import answers
from twinwall.engine.agenda import Agenda
from twinwall.engine.ground import Arrived, Ground, Skipped
from twinwall.engine.means import WORKERS, Applied, Means, Settle
from twinwall.engine.readback import Reading
from twinwall.engine.run import READING, Run
from twinwall.engine.settling import Look, settle
from twinwall.errors import TwinwallError
from twinwall.model.firewall import Snapshot
from twinwall.planning.order import Route
from twinwall.planning.replay import Replay


def carry_out(
    route: Route,
    existing: Snapshot,
    vpc_id: str,
    reader: FirewallReader,
    writer: FirewallWriter,
    means: Means,
    settle: Settle = settle,
    read_at: float | None = None,
) -> Applied:
    """``existing``: the target as the plan saw it, at ``read_at`` (monotonic; None: some time ago). Raises
    ``AwsError``'s children and ``Interfered`` with what was done in the message, and ``KeyboardInterrupt``
    likewise."""
    replay = Replay.of(existing)
    ground = Ground(replay, frozenset(replay.acls))
    if read_at is not None and existing.acls is not None:
        ground.acls, ground.acls_at = dict(replay.acls), read_at
    run = Run(Agenda(route), Look(reader, vpc_id), writer, means, ground, settle)
    try:
        _Loop(run).work()
    except TwinwallError as error:
        _stop(run, "stopped")
        raise _told(error, run.done, run.of) from error
    except KeyboardInterrupt:
        _stop(run, "interrupted")
        raise KeyboardInterrupt(_left(run.done, run.of)) from None
    run.flush()
    return run.applied()


@dataclass
class _Loop:
    """``resting``: barriers, and until when they wait before they read; ``settling``: those whose reading had to wait
    for something to show, and until when they wait after it."""

    run: Run
    resting: dict[int, float] = field(default_factory=dict)
    settling: dict[int, float] = field(default_factory=dict)

    def work(self) -> None:
        clock = self.run.means.clock
        while self.run.agenda.left:
            clock.sleep(0)  # a run that was stopped gets no further
            self.run.means.alive()
            pause = self._start(clock.monotonic())
            self.run.flush()
            if self.run.flights:
                self._await(pause)
            elif pause is not None:
                clock.sleep(pause)

    def _await(self, pause: float | None) -> None:
        """One end, and all others that are there already."""
        ended = self.run.means.crew.next(pause)
        while ended is not None:
            self._ended(ended)
            ended = self.run.means.crew.next(0) if self.run.flights else None

    def _ended(self, ended: Ended) -> None:
        flight = self.run.flights.pop(ended.key)
        if flight is None:
            self._read_back(ended)
        else:
            answers.take(self.run, ended, flight)

    # --- what may go

    def _start(self, now: float) -> float | None:
        """Everything that may go now. How long until something else may, None where only an end can tell."""
        agenda, wait = self.run.agenda, self.run.means.settle
        for position in _due(self.settling, now):
            agenda.done(position)
        woken = agenda.wake(now)
        self.resting.update(dict.fromkeys(agenda.take_barriers(), now + wait))
        for position in _due(self.resting, now):
            self.run.read(position, acls_too=self._concerns_acls(position))
        moments = [woken, *self.resting.values(), *self.settling.values()]
        pauses = [max(0.0, moment - now) for moment in moments if moment is not None]
        for action in agenda.actions():
            pause = self._start_action(action, now)
            if pause is not None:
                pauses.append(pause)
        return min(pauses, default=None)

    def _start_action(self, action: str, now: float) -> float | None:
        run = self.run
        while (position := run.agenda.first(action)) is not None:
            change = run.next_change(position)
            if run.already_made(position, change):
                run.agenda.take(action)
                continue
            if run.is_void(change):
                run.skip(run.agenda.take(action), change, "nothing of that is known to be there")
                continue
            if (safe := run.doubts.safe_at(position, change)) > now:
                run.agenda.again(run.agenda.take(action), safe)
                return safe - now
            if run.ground.relies(change) and not run.ground.is_fresh(change, now):
                run.read(READING)
                return None
            if len(run.flights) >= WORKERS:
                return None
            checked = run.ground.checked(change)
            if isinstance(checked, Arrived):
                run.arrived(run.agenda.take(action), change)
                continue
            if isinstance(checked, Skipped):
                run.skip(run.agenda.take(action), change, checked.why)
                continue
            pause = run.means.pace.take(action)
            if pause:
                return pause
            run.send(run.agenda.take(action), checked, now)
        return None

    # --- readings

    def _read_back(self, ended: Ended) -> None:
        if ended.error is not None:
            raise ended.error
        assert isinstance(ended.value, Reading)
        self.run.ground.take(ended.value)
        if ended.key == READING:
            return
        if ended.value.looks > 1:
            self.settling[ended.key] = self.run.means.clock.monotonic() + self.run.means.settle
        else:
            self.run.agenda.done(ended.key)

    def _concerns_acls(self, position: int) -> bool:
        around = (*self.run.agenda.route[position].after, *self.run.agenda.followers(position))
        changes = [change for at in around if (change := self.run.step_at(at))]
        return any(change.resource.type in ("network-acl", "subnet") for change in changes)


def _due(moments: dict[int, float], now: float) -> list[int]:
    """Taken out."""
    found = [position for position, moment in moments.items() if moment <= now]
    for position in found:
        del moments[position]
    return found


# --- the end


def _stop(run: Run, event: str) -> None:
    """Waits for what is in flight, and starts nothing."""
    for key, _ in run.outbox:
        flight = run.flights.pop(key)
        if flight and not flight.asking:
            run.record("failed", key, error="not sent")
    run.outbox = []
    while run.flights:
        ended = run.means.crew.next()
        flight = run.flights.pop(ended.key) if ended else None
        if ended is not None and flight is not None:
            answers.take_last(run, ended, flight)
    run.tell(event, done=run.done, of=run.of)
    run.flush()


def _left(done: int, of: int) -> str:
    return f"{done} of {of} calls were done"


def _told(error: TwinwallError, done: int, of: int) -> TwinwallError:
    """The same error with what was done in its line."""
    told = type(error).__new__(type(error))
    told.__dict__.update(error.__dict__)
    Exception.__init__(told, f"{error}; {_left(done, of)}")
    return told
