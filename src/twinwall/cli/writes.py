"""Plans carried out: who we are is shown, yes is asked for, each target is written and proven.

Each target is written in a thread of its own, a single one too: Ctrl-C lets every one end the call it is
at, and no more.
"""

import shlex
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Group

from twinwall.boundary import LATE_SECONDS, Clock, Ended, Progress
from twinwall.cli import output, reporting
from twinwall.cli.asking import confirm
from twinwall.cli.clock import StoppableClock, SystemClock
from twinwall.cli.crew import ThreadCrew
from twinwall.cli.failures import one_line
from twinwall.cli.invocation import Invocation
from twinwall.cli.locks import locked
from twinwall.cli.progress import Board, board
from twinwall.cli.replicas import world_of
from twinwall.cli.results import Result, failed
from twinwall.cli.sides import described
from twinwall.documents.journal import FileJournal, paths_for, read_journal
from twinwall.documents.plans import finding_document, plan_document
from twinwall.engine.ground import FRESH_SECONDS
from twinwall.engine.lock import Lock
from twinwall.engine.means import SETTLE_SECONDS, WORKERS, Applied, Means
from twinwall.engine.planned import Planned
from twinwall.engine.sides import LiveSide, Side
from twinwall.errors import Refused, TwinwallError
from twinwall.model.firewall import Resource
from twinwall.planning.changes import CreateManagedPrefixList, ModifyManagedPrefixList
from twinwall.planning.findings import Finding
from twinwall.planning.plan import Plan
from twinwall.planning.proof import VerifyReport, verify_document
from twinwall.report.applied import applied_text
from twinwall.report.blocks import counted, place_words
from twinwall.report.html.of_plan import Run
from twinwall.report.html.page import Part
from twinwall.report.verify import verify_text

NOTHING = Applied({}, 0.0, 0)


@dataclass(frozen=True)
class How:
    """What the user said of the writing itself. ``journal`` names a file, or a folder for several targets; ``settle``
    and ``late`` are seconds. ``ways``: the options that lead to the target, for the commands that go on or back."""

    yes: bool = False
    journal: str | None = None
    settle: float = SETTLE_SECONDS
    late: float = LATE_SECONDS
    no_lock: bool = False
    ways: str = ""


def how_of(options: Mapping[str, Any]) -> How:
    said = {field.name: options[field.name] for field in fields(How) if field.name != "ways"}
    return How(**said, ways=_ways(options))


_TO_TARGET = ("target_profile", "target_region", "target_role_arn", "target_external_id", "endpoint_url")


def _ways(options: Mapping[str, Any]) -> str:
    """An external id is not shown to whoever reads a log."""
    said = {name: shlex.quote(str(options[name])) for name in _TO_TARGET if options.get(name)}
    said |= {"target_external_id": "…"} if "target_external_id" in said else {}
    return " ".join(f"--{name.replace('_', '-')} {value}" for name, value in said.items())


@dataclass(frozen=True)
class Write:
    """One plan with the target as it was read for it (``read_at``: monotonic), and where it goes."""

    planned: Planned
    target: LiveSide
    read_at: float

    @property
    def plan(self) -> Plan:
        return self.planned.plan

    @property
    def own_lock(self) -> str:
        """What the journal's last run may have left behind."""
        return self.planned.history.lock_id if self.planned.history else ""


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


def write_all(writes: Sequence[Write], how: How, invocation: Invocation) -> list[Result]:
    """Carries all out and proves them. Journals are open, and their paths on stderr, before any call."""
    stop = threading.Event()
    clock = StoppableClock(stop, world_of(invocation).clock)
    journals = _journals(writes, how.journal, clock)
    for index, journal in journals.items():
        world_of(invocation).engine.begin(writes[index].planned, journal)
    writes = [_rated(write, invocation) for write in writes]
    with (
        locked(writes, journals, world_of(invocation), no_lock=how.no_lock) as locks,
        board(invocation, how.ways) as lines,
    ):
        writes = [_fresh(write, clock, invocation) for write in writes]
        runs = [
            _run(w, journals.get(index), clock, how, lines, invocation, locks.get(index))
            for index, w in enumerate(writes)
        ]
        try:
            if len(runs) == 1:
                return _finished([partial(_alone, runs[0])], stop)
            done = _finished([partial(_one_after_the_other, queue) for queue in _queues(runs)], stop)
        except (TwinwallError, KeyboardInterrupt) as failure:
            reporting.write_if_possible([run.stopped_part(failure) for run in runs], invocation)
            raise
    results = {result.label: result for result in done}
    return [results[run.label] for run in runs]


def _journals(writes: Sequence[Write], wanted: str | None, clock: Clock) -> dict[int, FileJournal]:
    """A journal for each plan that writes, by its place."""
    paths = paths_for([w.plan.target.label for w in writes], Path(wanted) if wanted else None, clock)
    journals = {}
    for index, write in enumerate(writes):
        if not write.plan.empty:
            journals[index] = FileJournal(paths[index], clock)
            output.tell(f"journal: {journals[index].path}")
    return journals


def _rated(write: Write, invocation: Invocation) -> Write:
    """Told where the account's own request buckets make it longer or shorter than the plan says."""
    planned = world_of(invocation).engine.rated(write.planned, write.target)
    before, now = write.plan.estimated_seconds, planned.plan.estimated_seconds
    if round(before) != round(now):
        output.tell(
            f"{write.plan.target.label}: about {now:.0f} s by what is ours of this account's request rates, "
            f"{before:.0f} s by EC2's documented ones"
        )
    return replace(write, planned=planned)


def _fresh(write: Write, clock: Clock, invocation: Invocation) -> Write:
    """Somebody thought about the plan for a while: the target is read again before the first call."""
    if write.plan.empty or write.planned.history or clock.monotonic() - write.read_at <= FRESH_SECONDS:
        return write
    now = world_of(invocation).engine.check_fresh(write.plan, write.target, clock.now())
    return replace(write, planned=replace(write.planned, existing=now))


@dataclass(frozen=True)
class _Run:
    write: Write
    journal: FileJournal | None
    clock: Clock
    how: How
    told: Progress
    invocation: Invocation
    lock: Lock | None = None

    @property
    def label(self) -> str:
        return self.write.plan.target.label

    def result(self, made: dict[str, str]) -> Result:
        """``made``: prefix lists that this run made in the target's account and Region."""
        plan = self.write.plan
        applied, report = self._done(made)
        told = {"calls": applied.calls, "seconds": applied.seconds, "throttled": applied.throttled}
        path = self.journal.path if self.journal else None
        code = 0 if report.equal else 2
        part = self._part(applied, report)
        if not self.invocation.json:
            found = self._besides(applied.findings)
            text = Group(applied_text(plan, told, path, found), verify_text(report))
            return Result(self.label, code, text=text, part=part)
        proof = {"applied": told, "journal": path, "verify": verify_document(report)}
        return Result(self.label, code, {**self._document(applied.findings), **proof}, part=part)

    def _part(self, applied: Applied, report: VerifyReport | None, stopped: str = "") -> reporting.Make:
        """What the HTML report has of it: the journal is read when that is written."""

        def make(id_: str) -> Part:
            path = self.journal.path if self.journal else ""
            records = read_journal(Path(path)) if path else []
            done = (applied.calls, applied.seconds, applied.throttled)
            run = Run(*done, report, path, records, stopped, self._besides(applied.findings))
            return reporting.of_run(self.write.planned, run, id_)

        return make

    def stopped_part(self, failure: BaseException) -> reporting.Make:
        return self._part(NOTHING, None, one_line(str(failure)) or "Stopped by hand.")

    def _document(self, meanwhile: Sequence[Finding] = ()) -> dict[str, Any]:
        """The plan's, with what became known besides."""
        document = plan_document(self.write.plan)
        found = map(finding_document, self._besides(meanwhile))
        return {**document, "findings": [*document["findings"], *found]}

    def _besides(self, meanwhile: Sequence[Finding]) -> list[Finding]:
        """What somebody else did meanwhile, and what the user did without."""
        return [*meanwhile, *([_without_lock(self.write)] if self.how.no_lock and self.journal else [])]

    def result_or_failure(self, made: dict[str, str]) -> Result:
        try:
            return self.result(made)
        except TwinwallError as failure:
            output.tell(f"twinwall: {self.label}: {failure}")
            path = self.journal.path if self.journal else None
            if path and not isinstance(failure, Refused):
                output.tell(way_on(path, self.how))
            told = failed(self.label, failure, {**self._document(), "journal": path})
            return replace(told, part=self.stopped_part(failure))

    def _done(self, made: dict[str, str]) -> tuple[Applied, VerifyReport]:
        """A plan without changes writes nothing, and is proven by what was read for it."""
        target = self.write.target
        engine = world_of(self.invocation).engine
        if self.journal is None:
            return NOTHING, engine.prove_unchanged(self.write.planned).report
        timed = isinstance(world_of(self.invocation).clock, SystemClock)
        with ThreadCrew(WORKERS, timed=timed) as crew:
            means = Means(
                self.journal,
                self.clock,
                crew,
                target.pace,
                self.told,
                settle=self.how.settle,
                late=self.how.late,
                made=made,
                alive=self.lock.keep if self.lock else lambda: None,
            )
            applied = engine.apply(self.write.planned, target, means)
            proof = engine.prove(self.write.planned, applied, target, means)
            return replace(applied, findings=(*applied.findings, *proof.meanwhile)), proof.report


def _run(
    write: Write,
    journal: FileJournal | None,
    clock: Clock,
    how: How,
    lines: Board,
    invocation: Invocation,
    lock: Lock | None,
) -> _Run:
    plan, path = write.plan, journal.path if journal else ""
    told = lines.line(plan.target.label, len(plan.changes), plan.estimated_seconds, path)
    return _Run(write, journal, clock, how, told, invocation, lock)


def _finished(tasks: Sequence[Callable[[], list[Result]]], stop: threading.Event) -> list[Result]:
    """All tasks at the same time. Ctrl-C reaches the main thread only: it is passed on as ``stop``, and the
    calls under way are waited for, so that what is told to be done is done."""
    ends: dict[int, Ended] = {}
    with ThreadCrew(len(tasks)) as crew:
        try:
            for number, task in enumerate(tasks):
                crew.start(number, task)
            while len(ends) < len(tasks):
                ended = crew.awaited()
                ends[ended.key] = ended
        except KeyboardInterrupt:
            stop.set()
            raise
    return [result for _, ended in sorted(ends.items()) for result in _results(ended)]


def _results(ended: Ended) -> list[Result]:
    if ended.error is not None:
        raise ended.error
    assert isinstance(ended.value, list)
    return ended.value


def _queues(runs: Sequence[_Run]) -> list[list[_Run]]:
    """Targets that would make the same copy of a prefix list (one per account and Region) go one after the
    other, so that the second uses what the first made."""
    queues: dict[object, list[_Run]] = {}
    for run in runs:
        place = (run.write.plan.target.account, run.write.plan.target.region)
        queues.setdefault(place if _has_lists(run.write.plan) else run.label, []).append(run)
    return list(queues.values())


def _has_lists(plan: Plan) -> bool:
    return any(
        isinstance(change, CreateManagedPrefixList | ModifyManagedPrefixList) for change in plan.changes
    )


def _alone(run: _Run) -> list[Result]:
    try:
        return [run.result({})]
    except TwinwallError as failure:
        if run.journal and not isinstance(failure, Refused):
            output.tell(way_on(run.journal.path, run.how))
        raise


def way_on(journal: str, how: How) -> str:
    """The two commands after a run that stopped midway."""
    ways = f" (with {how.ways})" if how.ways else ""
    return f"go on: twinwall resume {journal}; go back: twinwall undo {journal}{ways}"


def _without_lock(write: Write) -> Finding:
    resource = Resource("vpc", write.plan.target.vpc_id)
    message = "written without a lock: a second run at the same time would not have been noticed"
    return Finding("no-lock", "warning", resource, message, "leave --no-lock out")


def _one_after_the_other(runs: Sequence[_Run]) -> list[Result]:
    made: dict[str, str] = {}
    return [run.result_or_failure(made) for run in runs]
