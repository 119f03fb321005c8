"""The lease: who may write rows and groups of a node. Its end is checked in the table's condition.

take ───────────── until (others' clocks may be ahead by the skew) ──
│ before each mutating call: what is left > the call's time + margin │
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from twinwall.boundary import Table
from twinwall.engine.mesh.run import NotDone, Run, at_once
from twinwall.errors import AwsError, OutcomeUnknown

MARGIN = 1.0
PATIENCE, TRIES = 1.0, 3
"""A lease that somebody has is mostly given back within a second or two."""


@dataclass
class Lease:
    """``unsure``: a call of ours may still land here; then the lease is left to run out."""

    token: str
    ends: float
    unsure: bool = False

    def check(self, run: Run) -> float:
        """The seconds that a mutating call may take now."""
        within = run.within()
        if self.ends - run.around.clock.monotonic() <= within + MARGIN:
            raise NotDone("the lease is nearly over")
        return within


def take(run: Run) -> tuple[Lease, Table]:
    """The lease, and the table as it was read before any Describe call. Raises ``NotDone`` when another has it."""
    around = run.around
    token = around.token()
    taken_until: float | None = None
    for attempt in range(TRIES):
        if attempt:
            around.clock.sleep(PATIENCE)
        began = around.clock.monotonic()
        now = run.now()
        until = now + around.mesh.lease

        def ask(now: float = now, until: float = until) -> float | None:
            return around.table.take(token, now, until, run.within())

        jobs: list[Callable[[], object]] = [ask, lambda: around.table.read(run.within())]
        taken_until, table = at_once(around.crew(), jobs)  # type: ignore[assignment]
        if taken_until is None:
            assert isinstance(table, Table)
            return Lease(token, began + around.mesh.lease - around.mesh.skew), table
    raise NotDone("another handler has the lease", after=max(1.0, (taken_until or 0.0) - run.now()))


def give_back(run: Run, lease: Lease, unknown: Mapping[str, float] | None) -> None:
    """A lease that is not given back runs out."""
    if lease.unsure:
        return
    try:
        run.around.table.release(lease.token, unknown, run.around.mesh.call_timeout)
    except AwsError as error:
        run.log("lease-not-released", error=str(error))


def mutating(run: Run, lease: Lease, call: Callable[[float], None]) -> None:
    """Sends one mutating call here, if the lease outlasts it."""
    within = lease.check(run)
    try:
        call(within)
    except OutcomeUnknown:
        lease.unsure = True
        raise
