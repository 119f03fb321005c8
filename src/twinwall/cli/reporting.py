"""``--report FILE``: results as one HTML file. What it needs besides Twinwall is asked for before anything is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinwall import __version__
from twinwall.cli import output
from twinwall.cli.failures import one_line
from twinwall.cli.invocation import Invocation
from twinwall.cli.replicas import world_of
from twinwall.documents.files import check_writable, saying, write_private
from twinwall.errors import ConfigError, TwinwallError

if TYPE_CHECKING:
    from twinwall.engine.comparing import Compared
    from twinwall.engine.planned import Planned
    from twinwall.model.firewall import Endpoint
    from twinwall.planning.answer import Answer
    from twinwall.planning.inspected import Firewall
    from twinwall.planning.lint import LintReport
    from twinwall.planning.proof import VerifyReport
    from twinwall.report.html.of_plan import Run
    from twinwall.report.html.page import Page, Part

Make = Callable[[str], "Part"]
"""A part, by the id that it gets in its page."""

_is_report = saying("<!-- A report of twinwall -->")


def check(path: str) -> None:
    """Raises ``ConfigError`` for a place where no report can be written, and where the extra is missing."""
    _renderer()
    check_writable(Path(path), "the report", _is_report)


def _renderer() -> Callable[[Page], str]:
    try:
        from twinwall.report.html.render import render
    except ModuleNotFoundError as missing:
        raise ConfigError(
            f"--report needs {missing.name}, which is not installed; pip install 'twinwall[report]'"
        ) from missing
    return render


def write(makers: Sequence[Make], invocation: Invocation) -> None:
    """The report, if one was asked for."""
    if invocation.report is None or not makers:
        return
    from twinwall.report.html.page import Page

    parts = [make(f"t{number}") for number, make in enumerate(makers, 1)]
    page = Page(invocation.command, __version__, world_of(invocation).clock.now(), parts)
    path = Path(invocation.report)
    write_private(path, _renderer()(page), "the report", _is_report)
    invocation.reported = True
    output.remark(f"report: {path}", invocation)


def write_if_possible(makers: Sequence[Make], invocation: Invocation) -> None:
    """Where something worse is to be told already."""
    try:
        write(makers, invocation)
    except TwinwallError as failure:
        output.tell(f"twinwall: {failure}")


def of_failure(failure: TwinwallError | KeyboardInterrupt, invocation: Invocation) -> None:
    """What ended the run before there was a result: an older report must not stand for it."""
    if invocation.report is not None and not invocation.reported:
        made = partial(
            ended, invocation.command, word_of(failure), one_line(str(failure)) or "Stopped by hand."
        )
        write_if_possible([made], invocation)


def word_of(failure: BaseException) -> str:
    match failure:
        case TwinwallError(exit_code=3):
            return "Refused"
        case TwinwallError():
            return "Failed"
        case _:
            return "Stopped"


# --- parts: what makes them is imported where a report is asked for, and nowhere else


def of_plan(planned: Planned, id_: str) -> Part:
    from twinwall.report.html.of_plan import plan_part

    return plan_part(id_, planned.plan, planned.existing)


def of_run(planned: Planned, run: Run, id_: str) -> Part:
    from twinwall.report.html.of_plan import plan_part

    return plan_part(id_, planned.plan, planned.existing, run)


def of_comparison(found: Compared, id_: str) -> Part:
    from twinwall.report.html.of_verify import verify_part
    from twinwall.report.html.scene import scene_of_comparison

    scene = scene_of_comparison(found.desired, found.existing)
    return verify_part(id_, found.report, found.source, found.target, scene)


def of_drift(replica: str, found: Compared, id_: str) -> Part:
    part = of_comparison(found, id_)
    return replace(part, title=f"{replica}: {part.title}")


def of_replica_in_step(
    replica: str, report: VerifyReport, source: Endpoint, target: Endpoint, id_: str
) -> Part:
    """The verdict and the counts: a page of all its rules would bury what drifted."""
    from twinwall.report.html.of_verify import verify_part

    part = verify_part(id_, report, source, target, None)
    return replace(part, title=f"{replica}: {part.title}")


def of_lint(report: LintReport, firewall: Firewall, id_: str) -> Part:
    from twinwall.report.html.of_lint import lint_part

    return lint_part(id_, report, firewall)


def of_explanation(answer: Answer, firewall: Firewall, id_: str) -> Part:
    from twinwall.report.html.of_explain import explain_part

    return explain_part(id_, answer, firewall)


def of_mesh(told: Mapping[str, Any], id_: str) -> Part:
    from twinwall.report.html.of_mesh import mesh_part

    return mesh_part(id_, told)


def ended(label: str, word: str, message: str, id_: str) -> Part:
    from twinwall.report.html.of_plan import ended_part

    return ended_part(id_, label, word, message)
