"""``twinwall plan``: what would change, shown and maybe saved; nothing is written to AWS."""

import shlex
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import click

from twinwall.cli import options as o
from twinwall.cli import output, reporting
from twinwall.cli.invocation import Invocation
from twinwall.cli.planned import plan_all
from twinwall.cli.replicas import open_ends
from twinwall.cli.results import Result, finish
from twinwall.documents import plans as files
from twinwall.documents.files import check_writable, is_folder
from twinwall.engine.planned import Planned
from twinwall.planning.plan import Plan
from twinwall.report.plan import plan_text


@o.command("plan")
@o.pair
@o.option("-o", "--out", metavar="FILE", help="Save the plan for apply; a folder with several targets.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 if there is something to change.")
@o.selection
@o.translation
@o.limits
@o.pair_ways
@o.report
@o.general
@click.pass_obj
def plan(invocation: Invocation, /, out: str | None, detailed_exitcode: bool, **options: Any) -> int:
    """Show what would change in the target, call by call.

    Reads both sides and writes nothing. Both sides may be snapshots.
    """
    ends = open_ends(options, invocation)
    if out is not None and len(ends.targets) == 1 and not is_folder(out):
        check_writable(Path(out), "the plan")
    outcome = plan_all(ends, invocation)
    if outcome.refusals:
        return finish(outcome.refusals, invocation)
    if out is not None:
        _save(outcome.plans, out, _way(options), invocation)
    return finish([_result(one, detailed_exitcode, invocation) for one in outcome.planned], invocation)


def _result(planned: Planned, detailed: bool, invocation: Invocation) -> Result:
    plan = planned.plan
    code = 2 if detailed and not plan.empty else 0
    part = partial(reporting.of_plan, planned)
    if invocation.json:
        return Result(plan.target.label, code, files.plan_document(plan), part=part)
    return Result(plan.target.label, code, text=plan_text(plan), part=part)


_WAY = ("target_profile", "target_region", "target_role_arn", "target_external_id", "endpoint_url")
"""What apply must be told again to find the target by the same way."""


def _way(options: Mapping[str, Any]) -> str:
    """As the user gave it, to be pasted behind ``apply FILE``."""
    given = [(f"--{name.replace('_', '-')}", options.get(name)) for name in _WAY]
    return "".join(f" {name} {shlex.quote(value)}" for name, value in given if value)


def _save(plans: list[Plan], out: str, way: str, invocation: Invocation) -> None:
    if len(plans) == 1 and not is_folder(out):
        files.save(plans[0], Path(out))
        saved = [Path(out)]
    else:
        saved = files.save_all(plans, Path(out))
    for path in saved:
        command = f"twinwall apply {shlex.quote(str(path))}{way}"
        output.remark(f"plan saved: {path}; carry it out with: {command}", invocation)
