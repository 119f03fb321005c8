"""What a person should know: findings, and what was not compared."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from twinwall.planning.findings import Finding, NotCompared
from twinwall.report.blocks import STYLES, Hung, block, folded, hung, thing_words

_ORDER = ("error", "warning", "note")
MOST = 20
"""Rows of one block; the JSON has them all."""


def findings_text(findings: Sequence[Finding]) -> RenderableType:
    """The severest first."""
    ordered = sorted(findings, key=lambda finding: _ORDER.index(finding.severity))
    return block(f"Findings ({len(findings)})", first_of([_finding(one) for one in ordered]))


def _finding(finding: Finding) -> RenderableType:
    head = Text.assemble(
        (finding.severity, STYLES[finding.severity]),
        f"  {thing_words(finding.resource)}: {finding.message}",
        overflow="fold",
    )
    more = [finding.rule] if finding.rule else []
    more += [f"way out: {finding.way_out}"] if finding.way_out else []
    return Group(Hung(head, 2), *(Padding(hung(line), (0, 0, 0, 4)) for line in more))


def not_compared_text(items: Sequence[NotCompared]) -> RenderableType:
    return block(f"Not compared ({len(items)})", first_of([_not_compared(item) for item in items]))


def _not_compared(item: NotCompared) -> RenderableType:
    rule = f", {item.rule}" if item.rule else ""
    return hung(f"{thing_words(item.resource)}{rule}: {item.why}", indent=2)


def first_of(rows: list[RenderableType]) -> list[RenderableType]:
    if len(rows) <= MOST:
        return rows
    return [*rows[:MOST], folded(f"… and {len(rows) - MOST} more; --output json has all")]
