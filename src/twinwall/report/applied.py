"""What an apply did, as text."""

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from twinwall.planning.plan import Plan
from twinwall.report.blocks import counted, folded, heading, place_words, seconds_words, uncut


def applied_text(plan: Plan, applied: Mapping[str, Any], journal: str | None) -> RenderableType:
    """``applied`` is the contract's. ``journal`` None: there was nothing to write down."""
    lines = [folded(f"  target   {place_words(plan.target)}"), folded(f"  done     {_done(plan, applied)}")]
    if journal:
        lines.append(uncut(f"  journal  {journal}"))
    return Group(heading("Apply"), *lines, Text())


def _done(plan: Plan, applied: Mapping[str, Any]) -> str:
    if plan.empty:
        return "nothing to change, nothing was written"
    told = f"{counted(sum(applied['calls'].values()), 'call')} in {seconds_words(applied['seconds'])}"
    if applied["throttled"]:
        return f"{told}, EC2 asked for patience {counted(applied['throttled'], 'time')}"
    return told
