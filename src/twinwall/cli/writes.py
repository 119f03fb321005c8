"""Plans carried out: who we are is shown, yes is asked for, each target is written and proven.

one target       in the calling thread
several          each in a thread of its own; Ctrl-C lets every one end the call it is at, and no more
"""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from rich.console import Group

from twinwall.boundary import Clock
from twinwall.cli import output
from twinwall.cli.asking import confirm
from twinwall.cli.clock import StoppableClock
from twinwall.cli.invocation import Invocation
from twinwall.cli.progress import Board, board
from twinwall.cli.replicas import world_of
from twinwall.cli.results import Result, failed
from twinwall.cli.sides import described
from twinwall.documents.journal import FileJournal, paths_for
from twinwall.documents.plans import plan_document
from twinwall.engine.apply import Applied
from twinwall.engine.replica import Planned
from twinwall.engine.sides import LiveSide, Side
from twinwall.errors import TwinwallError
from twinwall.planning.plan import Plan
from twinwall.planning.proof import VerifyReport, verify_document
from twinwall.report.applied import applied_text
from twinwall.report.blocks import counted, place_words
from twinwall.report.verify import verify_text

NOTHING = Applied({}, 0.0, 0)


@dataclass(frozen=True)
class Write:
    """One plan with the target as it was read for it, and where it goes."""

    planned: Planned
    target: LiveSide

    @property
    def plan(self) -> Plan:
        return self.planned.plan


def announce(source: Side | None, targets: Sequence[Side]) -> None:
    """Both sides, their accounts, Regions and endpoints, on stderr."""
    if source is not None:
        output.tell(described("source", source))
    for target in targets:
        output.tell(described("target", target))


def ask(plans: Sequence[Plan], *, yes: bool) -> None:
    """One question for all. Plans that change nothing need no yes."""
    calls = sum(len(plan.changes) for plan in plans)
    if calls:
        names = "; ".join(place_words(plan.target) for plan in plans if plan.changes)
        confirm(f"making {counted(calls, 'call')} that change {names}", yes=yes)


def write_all(writes: Sequence[Write], journal: str | None, invocation: Invocation) -> list[Result]:
    """Carries all out and proves them. Journals are open, and their paths on stderr, before any call."""
    stop = threading.Event()
    clock = world_of(invocation).clock
    if len(writes) > 1:
        clock = StoppableClock(stop, clock)
    journals = _journals(writes, journal, clock)
    with board(invocation, stop) as lines:
        for path in journals.values():
            lines.journal(path.path)
        runs = [
            _Run(write, journals.get(index), clock, lines, invocation) for index, write in enumerate(writes)
        ]
        if len(runs) == 1:
            return [runs[0].result()]
        return _at_the_same_time(runs, stop)


def _journals(writes: Sequence[Write], wanted: str | None, clock: Clock) -> dict[int, FileJournal]:
    """A journal for each plan that writes, by its place."""
    paths = paths_for([w.plan.target.label for w in writes], Path(wanted) if wanted else None, clock)
    journals = {}
    for index, write in enumerate(writes):
        if not write.plan.empty:
            journals[index] = FileJournal(paths[index], clock)
            output.tell(f"journal: {journals[index].path}")
    return journals


@dataclass(frozen=True)
class _Run:
    write: Write
    journal: FileJournal | None
    clock: Clock
    lines: Board
    invocation: Invocation

    def result(self) -> Result:
        plan = self.write.plan
        applied, report = self._done()
        told = {"calls": applied.calls, "seconds": applied.seconds, "throttled": applied.throttled}
        path = self.journal.path if self.journal else None
        document = {
            **plan_document(plan),
            "applied": told,
            "journal": path,
            "verify": verify_document(report),
        }
        text = Group(applied_text(plan, told, path), verify_text(report))
        return Result(plan.target.label, 0 if report.equal else 2, document, text)

    def result_or_failure(self) -> Result:
        try:
            return self.result()
        except TwinwallError as failure:
            label = self.write.plan.target.label
            output.tell(f"twinwall: {label}: {failure}")
            path = self.journal.path if self.journal else None
            return failed(label, failure, {**plan_document(self.write.plan), "journal": path})

    def _done(self) -> tuple[Applied, VerifyReport]:
        """A plan without changes writes nothing, and is proven by what was read for it."""
        plan, target = self.write.plan, self.write.target
        engine = world_of(self.invocation).engine
        if self.journal is None:
            return NOTHING, engine.prove_unchanged(self.write.planned)
        told = self.lines.line(plan.target.label, len(plan.changes))
        applied = engine.apply(plan, self.write.planned.existing, target, self.journal, self.clock, told)
        return applied, engine.prove(plan, applied, target, self.clock)


def _at_the_same_time(runs: Sequence[_Run], stop: threading.Event) -> list[Result]:
    """Ctrl-C reaches the main thread only: it is passed on as ``stop``, and waited for."""
    with ThreadPoolExecutor(len(runs), thread_name_prefix="target") as pool:
        futures = [pool.submit(run.result_or_failure) for run in runs]
        try:
            wait(futures)
        except KeyboardInterrupt:
            stop.set()
            raise
        return [future.result() for future in futures]
