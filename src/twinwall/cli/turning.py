"""``twinwall resume`` and ``twinwall undo``: from a journal, onward or back."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from twinwall.cli import options as o
from twinwall.cli import output
from twinwall.cli.invocation import Invocation
from twinwall.cli.replicas import configuration_of, world_of
from twinwall.cli.results import finish
from twinwall.cli.sides import must_be_live, open_sides, wanted_of_plan
from twinwall.cli.writes import How, Write, announce, ask, how_of, write_all
from twinwall.documents.history import load_history
from twinwall.engine.planned import Planned
from twinwall.engine.sides import LiveSide
from twinwall.planning.history import History
from twinwall.report.plan import plan_text


@o.command("resume")
@click.argument("journal_file", metavar="JOURNAL")
@o.endpoint_url
@o.throttle_share
@o.side_options("target")
@o.allow_gap
@o.resuming
@o.report
@o.general
@click.pass_obj
def resume(invocation: Invocation, /, journal_file: str, **options: Any) -> int:
    """Finish a run that was cut off.

    Reads what is, and does only what is left of what JOURNAL began. What somebody else has changed meanwhile is
    left alone and told. A call of that run without an answer may still be on its way: it is waited for first.
    """
    how = how_of({**options, "journal": journal_file})
    history, target = _opened(journal_file, options, invocation)
    _tell_wait(history, how, invocation)
    world, tell = world_of(invocation), partial(output.remark, invocation=invocation)
    at = world.clock.monotonic()
    return _carried_out(
        Write(world.engine.resume(history, target, world.clock, how.late, tell), target, at), how, invocation
    )


@o.command("undo")
@click.argument("journal_file", metavar="JOURNAL")
@o.endpoint_url
@o.throttle_share
@o.side_options("target")
@o.allow_gap
@o.writing
@o.report
@o.general
@click.pass_obj
def undo(invocation: Invocation, /, journal_file: str, **options: Any) -> int:
    """Go back to how it was before a run.

    Takes back what JOURNAL's own calls did, also halfway, in the same gap-free order. If somebody else has changed
    what they touched, or uses what they made, that is named and nothing is written. It writes a journal of its own,
    so that an undo can be undone.
    """
    how = how_of(options)
    history, target = _opened(journal_file, options, invocation)
    _tell_wait(history, how, invocation)
    world, tell = world_of(invocation), partial(output.remark, invocation=invocation)
    at = world.clock.monotonic()
    planned = world.engine.undo(history, target, world.clock, how.late, Path(journal_file).name, tell)
    return _carried_out(Write(planned, target, at), how, invocation)


def _opened(
    journal_file: str, options: Mapping[str, Any], invocation: Invocation
) -> tuple[History, LiveSide]:
    history = load_history(Path(journal_file))
    side = wanted_of_plan(history.plan.target, options, configuration_of(invocation))
    (target,) = open_sides([side], world_of(invocation))
    live = must_be_live(target, "resume or undo")
    announce(None, [live])
    world_of(invocation).engine.check_account(history, live)
    return replace(history, allow_gap=options["allow_gap"]), live


def _tell_wait(history: History, how: How, invocation: Invocation) -> None:
    world = world_of(invocation)
    seconds = world.engine.arrival(history, how.late, world.clock.now())
    if seconds > 0:
        output.remark(
            f"waiting {seconds:.0f} s: a call of that run had no answer and may still arrive (--late)",
            invocation,
        )


def _carried_out(write: Write, how: How, invocation: Invocation) -> int:
    planned: Planned = write.planned
    if not (invocation.json and how.yes):
        output.show_beside(plan_text(planned.plan), invocation)
    ask([planned.plan], yes=how.yes)
    return finish(write_all([write], how, invocation), invocation)
