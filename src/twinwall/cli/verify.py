"""``twinwall verify``: do both sides admit the same packets, after translation?"""

from functools import partial
from typing import Any

import click

from twinwall.cli import collector, output, reporting
from twinwall.cli import options as o
from twinwall.cli.invocation import Invocation
from twinwall.cli.progress import counted
from twinwall.cli.replicas import Ends, Options, open_ends, world_of
from twinwall.cli.results import Result, failed, finish
from twinwall.cli.sides import refuse_same
from twinwall.cli.world import Engine
from twinwall.engine.comparing import Compared
from twinwall.engine.reading import SideReader
from twinwall.engine.sides import FileSide, Side
from twinwall.errors import TwinwallError
from twinwall.planning.proof import VerifyReport, verify_document
from twinwall.report.verify import verify_text


@o.command("verify")
@o.pair
@click.option("--complete", is_flag=True, help="Exit with 2 also if anything was left out or not compared.")
@o.selection
@o.translation
@o.adoption
@o.pair_ways
@o.report
@o.general
@click.pass_obj
def verify(invocation: Invocation, /, complete: bool, **options: Any) -> int:
    """Do source and target admit the same packets?

    Compares what the source admits, in the target's terms, with what the target admits, and shows a packet
    for each difference. Writes nothing; both sides may be snapshots.
    """
    with collector.paused():
        results = _verified(options, invocation, complete)
    return finish(results, invocation)


def _verified(options: Options, invocation: Invocation, complete: bool) -> list[Result]:
    ends = open_ends(options, invocation)
    engine = world_of(invocation).engine
    source = engine.opened(ends.source)
    results = []
    with counted(invocation, len(ends.targets)) as tell:
        for target in ends.targets:
            tell(f"comparing {target.label}")
            try:
                found = compared(ends, source, target, engine)
                results.append(_result(target.label, found, complete))
            except TwinwallError as failure:
                if len(ends.targets) == 1:
                    raise
                output.tell(f"twinwall: {target.label}: {failure}")
                results.append(failed(target.label, failure))
    return results


def compared(ends: Ends, source: SideReader, target: Side, engine: Engine) -> Compared:
    """``source``: that of the ends, read once for all targets."""
    _refuse_same_live(ends.source, target)
    return engine.verify(source, target, ends.settings)


def exit_code(report: VerifyReport, complete: bool) -> int:
    return 0 if report.equal and (report.complete or not complete) else 2


def _refuse_same_live(source: Side, target: Side) -> None:
    """A VPC against a snapshot of itself is a fair question; against itself it is none."""
    if not isinstance(source, FileSide) and not isinstance(target, FileSide):
        refuse_same(source, target)


def _result(label: str, found: Compared, complete: bool) -> Result:
    report = found.report
    return Result(
        label,
        exit_code(report, complete),
        verify_document(report),
        verify_text(report),
        partial(reporting.of_comparison, found),
    )
