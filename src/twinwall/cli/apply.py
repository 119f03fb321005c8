"""``twinwall apply``: carries out saved plans, if what they touch is as it was."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from twinwall.cli import completing, output
from twinwall.cli import options as o
from twinwall.cli.invocation import Invocation
from twinwall.cli.replicas import configuration_of, world_of
from twinwall.cli.results import finish
from twinwall.cli.sides import must_be_live, open_sides, wanted_of_plan
from twinwall.cli.writes import Write, announce, ask, how_of, write_all
from twinwall.documents import plans as files
from twinwall.engine.planned import Planned
from twinwall.engine.sides import LiveSide
from twinwall.errors import ConfigError
from twinwall.planning.plan import Plan
from twinwall.report.blocks import place_words


@o.command("apply")
@click.argument("plan_files", metavar="PLAN…", nargs=-1, required=True, shell_complete=completing.files)
@o.endpoint_url
@o.throttle_share
@o.side_options("target")
@o.writing
@o.report
@o.general
@click.pass_obj
def apply(invocation: Invocation, /, plan_files: Sequence[str], **options: Any) -> int:
    """Carry out a saved plan.

    PLAN is a file that plan -o wrote, or the folder of several. What the plan touches is read again first: if
    it moved, or if the file was edited, nothing is written.
    """
    plans = files.load_all([Path(name) for name in plan_files])
    targets = _targets(plans, options, invocation)
    for source in dict.fromkeys(place_words(plan.source) for plan in plans):
        output.tell(f"source: {source}, as the plan was made")
    announce(None, targets)
    world = world_of(invocation)
    now = world.clock.now()
    writes = [
        Write(Planned(plan, world.engine.check_fresh(plan, target, now)), target, world.clock.monotonic())
        for plan, target in zip(plans, targets, strict=True)
    ]
    how = how_of(options)
    ask(plans, yes=how.yes)
    return finish(write_all(writes, how, invocation), invocation)


def _targets(plans: Sequence[Plan], options: Mapping[str, Any], invocation: Invocation) -> list[LiveSide]:
    file = configuration_of(invocation)
    sides = [wanted_of_plan(plan.target, options, file) for plan in plans]
    vpcs = [side.vpc_id for side in sides]
    if len(set(vpcs)) != len(vpcs):
        raise ConfigError(
            "two of the plans are for the same VPC; apply them one after the other, each made anew"
        )
    return [must_be_live(side, "apply") for side in open_sides(sides, world_of(invocation))]
