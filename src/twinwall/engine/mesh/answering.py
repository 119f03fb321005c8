"""Step 6 of a pass: the lease is given back and the hooks are answered, at once, by a small pool."""

from collections.abc import Callable, Collection, Iterable, Sequence

from twinwall.engine.mesh.lease import Lease, give_back
from twinwall.engine.mesh.look import rules_of
from twinwall.engine.mesh.passing import Passed
from twinwall.engine.mesh.run import Run, at_once
from twinwall.errors import AwsError
from twinwall.mesh.answers import Answer, of_launch
from twinwall.mesh.events import Happening, Hook, Launching, Leaving, Message, Warming
from twinwall.mesh.roster import shown
from twinwall.model.members import Release
from twinwall.model.net import Cidr
from twinwall.model.rules import CidrPeer, SecurityGroupRule

POOL = 8


def abandon(run: Run, passed: Passed, messages: Iterable[Message], told: Collection[Hook]) -> list[Answer]:
    """Launches whose own addresses this site's group definitely refuses; they are let go, so that the next pass
    writes the row without them."""
    if run.around.mesh.on_refusal != "ABANDON":
        return []
    found = []
    for message in messages:
        if not isinstance(message.happening, Launching):
            continue
        hook = message.happening.hook
        if hook not in told and _is_refused(run, passed, hook):
            run.let_go.setdefault(hook.site.key, []).append(
                Release(hook.instance, hook.token, max(message.happening.at, round(run.now(), 3)))
            )
            found.append(Answer(hook, "ABANDON"))
    return found


def _is_refused(run: Run, passed: Passed, hook: Hook) -> bool:
    row = passed.roster.row(hook.site.key)
    own = {member.address for member in row.members if member.instance == hook.instance} if row else set()
    return bool(own & _refused(run.refused.get(hook.site.group_id, ())))


def _refused(rules: Iterable[SecurityGroupRule]) -> set[Cidr]:
    return {rule.peer.cidr for rule in rules if isinstance(rule.peer, CidrPeer)}


def answer_of(run: Run, passed: Passed, happening: Happening) -> Answer | str | None:
    """``later``: the message comes again."""
    match happening:
        case Launching(hook=hook):
            key = hook.site.key
            refused = _refused(run.refused.get(hook.site.group_id, ()))
            return of_launch(
                hook,
                passed.roster.row(key),
                passed.seen.get(key),
                shown(rules_of(passed.proof, hook.site)),
                refused,
            )
        case Leaving(hook=hook):
            return "later" if run.unheard else Answer(hook, "CONTINUE")
        case Warming(hook=hook):
            return Answer(hook, "CONTINUE")
        case _:
            return None


def give(run: Run, answers: Sequence[Answer], lease: Lease, unknown: dict[str, float] | None) -> None:
    """Raises what the first answer that failed raised, when all have been given."""
    failures: list[AwsError] = []
    size = min(POOL, len(answers))

    def job(lane: int) -> Callable[[], None]:
        return lambda: _lane(run, answers[lane::size], failures)

    jobs: list[Callable[[], None]] = [lambda: give_back(run, lease, unknown)]
    at_once(run.around.crew(), [*jobs, *map(job, range(size))])
    if failures:
        raise failures[0]


def _lane(run: Run, answers: Iterable[Answer], failures: list[AwsError]) -> None:
    for one in answers:
        try:
            _say(run, one)
        except AwsError as error:
            failures.append(error)


def _say(run: Run, one: Answer) -> None:
    hook = one.hook
    scaling = run.around.doors.scaling(hook.site.place)
    by = {"token": hook.token} if hook.token else {"instance": hook.instance}
    effective = scaling.answer(hook.site.key.asg, hook.name, one.result, within=run.within(), **by)
    run.log(
        "answered", site=str(hook.site.key), instance=hook.instance, result=one.result, effective=effective
    )
