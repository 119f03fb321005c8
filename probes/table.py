"""The published table, in Markdown."""

from collections.abc import Iterable, Mapping
from typing import Any

from probes.registry import Probe

SIGNS = {"right": "✓", "wrong": "✗", "missing": "–"}


def table(probes: Iterable[Probe], found: Mapping[str, Any]) -> str:
    """``found``: as ``run_all`` answers."""
    return ""
