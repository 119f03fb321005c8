"""What the function does with whatever it is invoked with: an event → the messages that come again.

hooks in the batch            lease, passes, answers
woken, or a true-up           look first; the lease only if something differs
"""

from collections.abc import Sequence

from twinwall.boundary import Table
from twinwall.engine.mesh import answering
from twinwall.engine.mesh import lease as leases
from twinwall.engine.mesh.anti_entropy import Elsewhere, compare_tables, take_over
from twinwall.engine.mesh.own import Batch
from twinwall.engine.mesh.passing import Passed, passes
from twinwall.engine.mesh.run import Around, NotDone, Run
from twinwall.engine.mesh.survey import is_awake, survey
from twinwall.engine.mesh.telling import tell, tell_failure, tell_survey
from twinwall.errors import AwsError
from twinwall.mesh.answers import Answer
from twinwall.mesh.events import (
    Ignored,
    Launching,
    Leaving,
    Message,
    Returned,
    Terminated,
    TrueUp,
    Woken,
    messages,
)
from twinwall.mesh.rows import judge
from twinwall.model.members import Release, Site

Failures = dict[str, list[dict[str, str]]]
"""API: Lambda's partial batch response."""


def handle(event: object, around: Around) -> Failures:
    """Raises ``NotDone`` or ``AwsError`` where an event that is no batch could not be dealt with."""
    region = around.mesh.node(around.node).place.region
    given = list(messages(event, around.mesh, region))
    run = Run(around, around.clock.monotonic())
    run.event_id = next((message.event_id for message in given if message.event_id), "")
    run.cause = ", ".join(sorted({type(message.happening).__name__ for message in given}))
    for message in given:
        if isinstance(message.happening, Ignored):
            run.log("ignored", why=message.happening.why)
    relevant = [message for message in given if not isinstance(message.happening, Ignored)]
    try:
        later = _deal_with(run, relevant) if relevant else []
    except (AwsError, NotDone) as error:
        run.log("failed", error=str(error))
        tell_failure(run)
        if not all(message.id for message in relevant):
            raise
        _hide(run, relevant, error)
        later = relevant
    return {"batchItemFailures": [{"itemIdentifier": message.id} for message in later]}


def _hide(run: Run, given: Sequence[Message], error: Exception) -> None:
    """What could not be done now is shown again when it can."""
    receipts = [message.receipt for message in given if message.receipt]
    if not receipts or not isinstance(error, NotDone) or not error.after:
        return
    try:
        run.around.doors.hide(receipts, error.after, run.around.mesh.call_timeout)
    except AwsError as failure:
        run.log("not-hidden", error=str(failure))


def _deal_with(run: Run, given: list[Message]) -> list[Message]:
    """The messages that come again."""
    batch, found = Batch(), Elsewhere()
    if any(isinstance(message.happening, TrueUp) for message in given):
        surveyed = survey(run, batch)
        found, given = surveyed.elsewhere, [*given, *surveyed.hooks]
        batch.push |= found.push
        if not surveyed.differs and all(isinstance(message.happening, TrueUp) for message in given):
            tell_survey(run, surveyed)
            return []
    elif all(isinstance(message.happening, Woken) for message in given) and not is_awake(run):
        return []
    _gather(run, given, batch)
    return _under_lease(run, given, batch, found)


def _gather(run: Run, given: list[Message], batch: Batch) -> None:
    for message in given:
        match message.happening:
            case Launching(hook=hook, at=at, from_warm_pool=back):
                batch.named.setdefault(hook.site.key, set()).add(hook.instance)
                batch.push.add(hook.site.key)
                if back:
                    batch.returned.setdefault(hook.site.key, {})[hook.instance] = at
            case Leaving(hook=hook, at=at) if run.around.mesh.remove == "before":
                _let_go(run, batch, hook.site, Release(hook.instance, hook.token, at))
            case Returned(site=site, instance=instance, at=at) if run.around.mesh.remove == "after":
                _let_go(run, batch, site, Release(instance, "", at))
            case Terminated(site=site, instance=instance, at=at):
                _let_go(run, batch, site, Release(instance, "", at))
            case _:
                pass


def _let_go(run: Run, batch: Batch, site: Site, release: Release) -> None:
    run.let_go.setdefault(site.key, []).append(release)
    batch.push.add(site.key)


def _under_lease(run: Run, given: list[Message], batch: Batch, found: Elsewhere) -> list[Message]:
    lease, table = leases.take(run)
    answers: list[Answer] = []
    try:
        table = _catch_up(run, table, batch, found)

        def settle(passed: Passed) -> bool:
            told = {answer.hook for answer in answers}
            abandoned = answering.abandon(run, passed, given, told)
            answers.extend(abandoned)
            return not abandoned

        passed = passes(run, lease, table, batch, settle)
    except (AwsError, NotDone):
        leases.give_back(run, lease, None)
        raise
    later = _answers(run, passed, given, answers)
    answering.give(run, answers, lease, dict(passed.roster.unknown))
    moments = [
        m.happening.at for m in given if isinstance(m.happening, Launching | Leaving | Terminated) and m.id
    ]
    tell(run, passed, moments)
    return [message for message in given if message.id] if run.unsent else later


def _answers(run: Run, passed: Passed, given: list[Message], answers: list[Answer]) -> list[Message]:
    """Fills ``answers``."""
    later, told = [], {answer.hook for answer in answers}
    for message in given:
        answer = answering.answer_of(run, passed, message.happening)
        if isinstance(answer, str):
            later.append(message)
        elif answer is not None and answer.hook not in told:
            told.add(answer.hook)
            answers.append(answer)
    return [message for message in later if message.id]


def _catch_up(run: Run, table: Table, batch: Batch, found: Elsewhere) -> Table:
    """A node whose own row is older than T, or gone, may have been restored: it hears the others before it revokes
    anything, and only adds until it has (under ``drop``, for T: what they last said counts no longer then)."""
    since = _restored(run, table)
    if since:
        found = compare_tables(run, table)
        batch.push |= found.push
        lasts = run.around.mesh.policy == "keep" or run.now() - since < run.around.mesh.expiry
        run.unheard = since if run.failed and lasts else 0.0
    if not found.pull:
        return table
    take_over(run, found.pull)
    return run.around.table.read(run.within())


def _restored(run: Run, table: Table) -> float:
    """Since when; 0 if it was not, or has heard the others."""
    now, expiry = round(run.now(), 3), run.around.mesh.expiry
    roster = judge(table.rows, run.around.mesh, now, table.unknown)
    found = []
    for site in run.around.sites:
        row = roster.row(site.key)
        if row is None or row.observed_at is None or now - row.observed_at > expiry:
            found.append(now)
        elif row.unheard:
            found.append(row.unheard)
    return min(found, default=0.0)
