"""``--report FILE``: results as one HTML file. What it needs besides Twinwall is asked for before anything is done."""

from collections.abc import Callable, Sequence
from pathlib import Path

import click

from twinwall import __version__
from twinwall.cli import output
from twinwall.cli.invocation import Invocation
from twinwall.cli.replicas import world_of
from twinwall.documents.files import check_writable, write_private
from twinwall.engine.planned import Compared, Planned
from twinwall.errors import ConfigError
from twinwall.report.html.of_plan import Run, plan_part, refused_part
from twinwall.report.html.of_verify import verify_part
from twinwall.report.html.page import Page, Part
from twinwall.report.html.scene import scene_of_comparison

Make = Callable[[str], Part]
"""A part, by the id that it gets in its page."""

_OPENING = "<!doctype html>\n<!-- A report of twinwall -->\n"


def check(path: str) -> None:
    """Raises ``ConfigError`` for a place where no report can be written, and where the extra is missing."""
    _renderer()
    file = Path(path)
    check_writable(file, "the report")
    if file.exists() and not _is_ours(file):
        raise ConfigError(
            f"--report {path}: there is a file already that is no report of twinwall; name another"
        )


def _is_ours(file: Path) -> bool:
    """Or empty: a file that something made to be filled."""
    with file.open("rb") as stream:
        opening = stream.read(len(_OPENING.encode()))
    return opening in (b"", _OPENING.encode())


def _renderer() -> Callable[[Page], str]:
    try:
        from twinwall.report.html.render import render  # noqa: PLC0415 - an optional part
    except ModuleNotFoundError as missing:
        raise ConfigError(
            f"--report needs {missing.name}, which is not installed; pip install 'twinwall[report]'"
        ) from missing
    return render


def write(makers: Sequence[Make], invocation: Invocation) -> None:
    """The report, if one was asked for."""
    if invocation.report is None or not makers:
        return
    parts = [make(f"t{number}") for number, make in enumerate(makers, 1)]
    command = click.get_current_context().command_path
    page = Page(command, __version__, world_of(invocation).clock.now(), parts)
    path = Path(invocation.report)
    write_private(path, _renderer()(page), "the report")
    output.remark(f"report: {path}", invocation)


# --- parts


def of_plan(planned: Planned, id_: str) -> Part:
    return plan_part(id_, planned.plan, planned.existing)


def of_run(planned: Planned, run: Run, id_: str) -> Part:
    return plan_part(id_, planned.plan, planned.existing, run)


def of_comparison(found: Compared, id_: str) -> Part:
    scene = scene_of_comparison(found.desired, found.existing)
    return verify_part(id_, found.report, found.source, found.target, scene)


def refused(label: str, message: str, id_: str) -> Part:
    return refused_part(id_, label, message)
