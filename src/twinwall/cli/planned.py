"""Plans for all targets, before anything is written to one of them."""

from dataclasses import dataclass
from functools import partial

from twinwall.cli import output, reporting
from twinwall.cli.invocation import Invocation
from twinwall.cli.progress import counted
from twinwall.cli.replicas import Ends, world_of
from twinwall.cli.results import Result, failed
from twinwall.cli.sides import refuse_same
from twinwall.documents.plans import plan_document
from twinwall.engine.planned import Planned
from twinwall.errors import TwinwallError
from twinwall.planning.plan import Plan


@dataclass(frozen=True)
class Outcome:
    """Either all plans, or ``refusals``, which say for each target why nothing is done."""

    planned: list[Planned]
    refusals: list[Result]

    @property
    def plans(self) -> list[Plan]:
        return [one.plan for one in self.planned]


def plan_all(ends: Ends, invocation: Invocation) -> Outcome:
    """A refusal of one target stops all. With one target it is raised as it is."""
    engine = world_of(invocation).engine
    outcomes: list[Planned | TwinwallError] = []
    source = engine.opened(ends.source)
    with counted(invocation, len(ends.targets)) as tell:
        for target in ends.targets:
            tell(f"planning {target.label}")
            try:
                refuse_same(ends.source, target)
                outcomes.append(engine.plan(source, target, ends.settings))
            except TwinwallError as refusal:
                if len(ends.targets) == 1:
                    raise
                outcomes.append(refusal)
    planned = [outcome for outcome in outcomes if isinstance(outcome, Planned)]
    if len(planned) < len(outcomes):
        return Outcome([], _refusals(ends, outcomes))
    engine.check_lists_agree([one.plan for one in planned])
    return Outcome(planned, [])


def _refusals(ends: Ends, outcomes: list[Planned | TwinwallError]) -> list[Result]:
    labels = [target.label for target in ends.targets]
    wrong = [
        label for label, outcome in zip(labels, outcomes, strict=True) if isinstance(outcome, TwinwallError)
    ]
    results = []
    for label, outcome in zip(labels, outcomes, strict=True):
        if isinstance(outcome, TwinwallError):
            output.tell(f"twinwall: {label}: {outcome}")
            results.append(failed(label, outcome))
        else:
            stopped = f"nothing was done here, because {', '.join(wrong)} could not be planned"
            document = {**plan_document(outcome.plan), "error": stopped}
            results.append(
                Result(label, 3, document, part=partial(reporting.ended, label, "Refused", stopped))
            )
    return results
