"""What a page holds, in words; the templates lay it out and decide nothing.

A page has a part for each target; a part has its verdict, its facts, and sections in the order in which they are
read. A section's ``kind`` names the template ``section-KIND.html`` that knows its ``data``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

Tone = Literal["good", "calm", "warn", "bad"]
"""How a verdict looks; it is always said in words too."""
WORST_LAST: tuple[Tone, ...] = ("good", "calm", "warn", "bad")


@dataclass(frozen=True)
class Verdict:
    tone: Tone
    word: str
    sentence: str = ""


@dataclass(frozen=True)
class Figure:
    """A count that stands in large type. ``tone`` colours it if it is not zero."""

    number: str
    what: str
    tone: Tone | None = None


@dataclass(frozen=True)
class Section:
    """``count`` stands beside the title; ``intro`` says how to read it."""

    kind: str
    id: str
    title: str
    data: Any
    count: int | None = None
    intro: str = ""


@dataclass(frozen=True)
class Part:
    """One target. ``id`` begins every id of the page that is this part's."""

    id: str
    title: str
    verdict: Verdict
    facts: Sequence[tuple[str, str]] = ()
    figures: Sequence[Figure] = ()
    sections: Sequence[Section] = ()


@dataclass(frozen=True)
class Page:
    """``command`` made it, at ``made_at`` (seconds since the epoch)."""

    command: str
    version: str
    made_at: float
    parts: Sequence[Part] = field(default_factory=tuple)

    @property
    def when(self) -> str:
        return datetime.fromtimestamp(self.made_at, UTC).strftime("%d %B %Y, %H:%M UTC").lstrip("0")

    @property
    def has_graph(self) -> bool:
        return any(section.kind == "graph" for part in self.parts for section in part.sections)

    @property
    def worst(self) -> Verdict:
        return max((part.verdict for part in self.parts), key=lambda verdict: WORST_LAST.index(verdict.tone))


def sections(*all_: Section | None) -> tuple[Section, ...]:
    """Those that there are."""
    return tuple(section for section in all_ if section is not None)
