"""``twinwall lint``: rules that cannot do what their author meant."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from twinwall import __version__
from twinwall.cli import options as o
from twinwall.cli import output, reporting
from twinwall.cli.invocation import Invocation
from twinwall.cli.replicas import configuration_of, world_of
from twinwall.cli.sides import Wanted, open_sides, wanted
from twinwall.documents.files import exists
from twinwall.engine import inspecting
from twinwall.planning.asking import parse_client_ports
from twinwall.planning.findings import Severity
from twinwall.planning.lint import LintReport, lint_document, reaches
from twinwall.report.lint import lint_text
from twinwall.report.sarif import sarif_document


@o.command("lint")
@o.required_at
@o.endpoint_url
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "note"]),
    help="Exit with 2 if there is a finding of this severity or worse.",
)
@click.option("--client-ports", metavar="FIRST-LAST", help=o.CLIENT_PORTS)
@o.side_options("at")
@o.report
@o.general_with_sarif
@click.pass_obj
def lint(
    invocation: Invocation, /, at: str, fail_on: Severity | None, client_ports: str | None, **options: Any
) -> int:
    """Find rules that cannot do what their author meant.

    Entries that never match, answers that cannot get back, rules that others cover, references to nobody,
    quotas nearly used up, groups nobody has, and what is open to the world. Reads only; --at may be a snapshot.
    """
    ports = parse_client_ports(client_ports)
    place = wanted(at, "at", options, configuration_of(invocation))
    (side,) = open_sides([place], world_of(invocation))
    report, firewall = inspecting.lint(side, ports)
    _show(report, place, invocation)
    reporting.write([partial(reporting.of_lint, report, firewall)], invocation)
    return 2 if fail_on is not None and reaches(report, fail_on) else 0


def _show(report: LintReport, place: Wanted, invocation: Invocation) -> None:
    match invocation.output:
        case "json":
            output.document(lint_document(report))
        case "sarif":
            files = _files(place)
            output.document(
                sarif_document(report.findings, vpc_id=report.vpc_id, version=__version__, files=files)
            )
        case _:
            output.result(lint_text(report))


def _files(place: Wanted) -> list[str]:
    """The snapshot's files, as the user named them."""
    if place.snapshot is None:
        return []
    whole = exists(Path(place.snapshot))
    return [Path(part).as_posix() for part in ([place.snapshot] if whole else place.snapshot.split(","))]
