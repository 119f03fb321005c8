"""What ``lint`` found, as text: thing by thing, the worst first."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from twinwall.planning.findings import Finding
from twinwall.planning.lint import LintReport
from twinwall.planning.lint.run import SEVERITIES
from twinwall.report.blocks import (
    STYLES,
    TYPE_WORDS,
    Hung,
    block,
    counted,
    folded,
    heading,
    hung,
    thing_words,
)

MOST = 200
"""Findings of one text; the JSON has them all."""


def lint_text(report: LintReport) -> RenderableType:
    shown = report.findings[:MOST]
    more = len(report.findings) - len(shown)
    not_checked = [folded(f"{', '.join(one.checks)}: {one.why}") for one in report.not_checked]
    return Group(
        heading("Lint"),
        *_head(report),
        *map(_finding, shown),
        *([Text(), folded(f"… and {more} more; --output json has all")] if more else []),
        block("Not checked", not_checked),
    )


def _head(report: LintReport) -> Iterator[RenderableType]:
    place = report.vpc_id if report.label == report.vpc_id else f"{report.label}, {report.vpc_id}"
    yield folded(f"  {place}: {counted(report.groups, 'group')}, {counted(report.acls, 'ACL')}")
    if not report.findings:
        yield Text("  nothing found", style="green")
        return
    found = [
        counted(report.counted(severity), severity) for severity in SEVERITIES if report.counted(severity)
    ]
    yield Text(f"  {', '.join(found)}")


def _finding(finding: Finding) -> RenderableType:
    head = Text.assemble(
        (finding.severity, STYLES[finding.severity]),
        f"  {TYPE_WORDS[finding.resource.type]} {thing_words(finding.resource)}: {finding.message}",
        f"  [{finding.id}]",
        overflow="fold",
    )
    more = [finding.rule] if finding.rule else []
    more.append(f"fix: {finding.way_out}")
    return Group(Text(), Hung(head, 2), *(Padding(hung(line), (0, 0, 0, 4)) for line in more))
