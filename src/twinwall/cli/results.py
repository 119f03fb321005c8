"""One target's result, and how one or several of them end a run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType

from twinwall.cli import output, reporting
from twinwall.cli.failures import one_line
from twinwall.cli.invocation import Invocation
from twinwall.errors import TwinwallError
from twinwall.report.blocks import heading

if TYPE_CHECKING:
    from twinwall.report.html.page import Part

WORST_FIRST = (130, 1, 3, 2, 0)


@dataclass(frozen=True)
class Result:
    """``document`` is the JSON of one target, ``text`` the same for people, and ``part`` what the HTML report has of
    it, by the id that the part gets."""

    label: str
    exit_code: int
    document: dict[str, Any] = field(default_factory=dict)
    text: RenderableType = ""
    part: "Callable[[str], Part] | None" = None


def failed(label: str, failure: TwinwallError, document: dict[str, Any] | None = None) -> Result:
    """A target that could not be done, among several."""
    message = one_line(str(failure))
    document = {**(document or {}), "error": message}
    return Result(
        label,
        failure.exit_code,
        document,
        part=partial(reporting.ended, label, reporting.word_of(failure), message),
    )


def worst(codes: Sequence[int]) -> int:
    return next((code for code in WORST_FIRST if code in codes), 0)


def finish(results: Sequence[Result], invocation: Invocation) -> int:
    """Shows the results; the exit code of the run."""
    if invocation.json:
        output.document(_document(results))
    else:
        output.result(Group(*_texts(results)))
    reporting.write([result.part for result in results if result.part], invocation)
    return worst([result.exit_code for result in results])


def _texts(results: Sequence[Result]) -> list[RenderableType]:
    """Which target is meant is said where there are several."""
    told = [result for result in results if result.text]
    if len(results) == 1:
        return [result.text for result in told]
    return [Group(heading(f"Target {result.label}"), result.text) for result in told]


def _document(results: Sequence[Result]) -> dict[str, Any]:
    if len(results) == 1:
        return results[0].document
    return {
        "targets": [
            {"name": result.label, **result.document, "exit_code": result.exit_code} for result in results
        ]
    }
