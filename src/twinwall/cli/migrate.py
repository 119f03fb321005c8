"""``twinwall migrate``: snapshot, plan, apply, verify in one go."""

from typing import Any

import click

from twinwall.cli import options as o
from twinwall.cli import output
from twinwall.cli.invocation import Invocation
from twinwall.cli.planned import plan_all
from twinwall.cli.replicas import Ends, open_ends, world_of
from twinwall.cli.results import finish
from twinwall.cli.sides import must_be_live
from twinwall.cli.writes import How, Write, announce, ask, how_of, write_all
from twinwall.report.plan import plan_text


@o.command("migrate")
@o.pair
@o.selection
@o.translation
@o.limits
@o.pair_ways
@o.writing
@o.report
@o.general
@click.pass_obj
def migrate(invocation: Invocation, /, **options: Any) -> int:
    """Plan, apply and verify in one go.

    The source may be a snapshot, the targets are VPCs. Asks before it writes.
    """
    return carry_over(open_ends(options, invocation), how_of(options), invocation)


def carry_over(ends: Ends, how: How, invocation: Invocation) -> int:
    """All targets are planned and guarded before the first is written to."""
    targets = [must_be_live(target, "migrate") for target in ends.targets]
    announce(ends.source, targets)
    read_at = world_of(invocation).clock.monotonic()
    outcome = plan_all(ends, invocation)
    if outcome.refusals:
        return finish(outcome.refusals, invocation)
    if not (invocation.json and how.yes):
        for plan in outcome.plans:
            output.show_beside(plan_text(plan), invocation)
    ask(outcome.plans, yes=how.yes)
    writes = [
        Write(planned, target, read_at) for planned, target in zip(outcome.planned, targets, strict=True)
    ]
    return finish(write_all(writes, how, invocation), invocation)
