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
from twinwall.cli.sides import Wanted, must_be_live, open_sides, wanted
from twinwall.cli.writes import Write, announce, ask, write_all
from twinwall.documents import plans as files
from twinwall.documents.configuration import Configuration
from twinwall.engine.replica import Planned
from twinwall.engine.sides import LiveSide
from twinwall.errors import ConfigError
from twinwall.planning.plan import Plan
from twinwall.report.blocks import place_words


@o.command("apply")
@click.argument("plan_files", metavar="PLAN…", nargs=-1, required=True, shell_complete=completing.files)
@o.endpoint_url
@o.side_options("target")
@o.writing
@o.general
@click.pass_obj
def apply(
    invocation: Invocation, /, plan_files: Sequence[str], yes: bool, journal: str | None, **options: Any
) -> int:
    """Carry out a saved plan.

    PLAN is a file that plan -o wrote, or the folder of several. What the plan touches is read again first: if
    it moved, or if the file was edited, nothing is written.
    """
    plans = files.load_all([Path(name) for name in plan_files])
    targets = _targets(plans, options, invocation)
    for plan in plans:
        output.tell(f"source: {place_words(plan.source)}, as the plan was made")
    announce(None, targets)
    world = world_of(invocation)
    now = world.clock.now()
    writes = [
        Write(Planned(plan, world.engine.check_fresh(plan, target, now)), target)
        for plan, target in zip(plans, targets, strict=True)
    ]
    ask(plans, yes=yes)
    return finish(write_all(writes, journal, invocation), invocation)


def _targets(plans: Sequence[Plan], options: Mapping[str, Any], invocation: Invocation) -> list[LiveSide]:
    file = configuration_of(invocation)
    sides = [_target(plan, options, file) for plan in plans]
    vpcs = [side.vpc_id for side in sides]
    if len(set(vpcs)) != len(vpcs):
        raise ConfigError(
            "two of the plans are for the same VPC; apply them one after the other, each made anew"
        )
    return [must_be_live(side, "apply") for side in open_sides(sides, world_of(invocation))]


def _target(plan: Plan, options: Mapping[str, Any], file: Configuration) -> Wanted:
    """By the plan's own name for it where the configuration knows that; else by its VPC id, in its Region
    unless the command line names another (which is then refused as not the plan's)."""
    said = plan.target
    if said.label in file.locations:
        return wanted(said.label, "target", options, file)
    region = options.get("target_region") or said.region or None
    return wanted(said.vpc_id, "target", {**options, "target_region": region}, file)
