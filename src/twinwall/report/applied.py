"""What an apply did, as text."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from twinwall.planning.findings import Finding
from twinwall.planning.plan import Plan
from twinwall.report.blocks import columns, counted, folded, heading, place_words, seconds_words, uncut
from twinwall.report.findings import findings_text


def applied_text(
    plan: Plan, applied: Mapping[str, Any], journal: str | None, findings: Sequence[Finding] = ()
) -> RenderableType:
    """``applied`` is the contract's. ``journal`` None: there was nothing to write down. ``findings``: what became known
    while it ran."""
    lines: list[RenderableType] = [
        folded(f"  target   {place_words(plan.target)}"),
        folded(f"  done     {_done(plan, applied)}"),
    ]
    if applied["calls"]:
        rows = [(f"{count:>13,}", action) for action, count in applied["calls"].items()]
        lines.append(columns(rows))
    if journal:
        lines.append(uncut(f"  journal  {journal}"))
    return Group(heading("Apply"), *lines, findings_text(findings), Text())


def _done(plan: Plan, applied: Mapping[str, Any]) -> str:
    if plan.empty:
        return "nothing to change, nothing was written"
    told = f"{counted(sum(applied['calls'].values()), 'call')} in {seconds_words(applied['seconds'])}"
    if applied["throttled"]:
        return f"{told}; {applied['throttled']:,} refused by EC2's throttle and sent again"
    return f"{told}, none refused by EC2's throttle"
