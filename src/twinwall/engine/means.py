"""What a run works with, and what it gives."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from twinwall.boundary import LATE_SECONDS, Clock, Crew, Journal, Progress
from twinwall.engine.pace import Pace
from twinwall.engine.settling import Look, Settled
from twinwall.planning import changes as c
from twinwall.planning.findings import Finding
from twinwall.planning.history import Sent

WORKERS = 32
SETTLE_SECONDS = 5.0


class Settle(Protocol):
    """``settling.settle``, or a test's."""

    def __call__(
        self, change: c.Change, look: Look, acl_before: str = "", *, told: bool = True
    ) -> Settled: ...


@dataclass(frozen=True)
class Means:
    """What a run works with. ``settle``: seconds between what was written and what relies on it. ``late``: for how
    long a call without an answer may still arrive. ``made``: prefix lists that another target of this run has made in
    the same account and Region, by mark; filled and used."""

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
    until then (monotonic). ``sent``: each call with real ids."""

    calls: dict[str, int]
    seconds: float
    throttled: int
    ids: dict[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    doubt_until: float = 0.0
    sent: tuple[Sent, ...] = ()
