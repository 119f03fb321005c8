"""What the benchmarks share: processor time, tables, and the two places that their figures are written into: the page
for people, and beside it the figures for ``compare``, each with a yardstick of the same run."""

import gc
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

ROUNDS = 7
SHORT = 20.0
LEAST = 15
PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
FIGURES = PAGE.with_suffix(".json")


def milliseconds(work: Callable[[], bool]) -> float:
    """As ``timeit`` measures: without the collector, so that nobody pays for what rivals left behind, and what
    is short as often as it takes to fill ``SHORT``."""
    gc.collect()
    gc.disable()
    spent = [timed(work)]
    while sum(spent) < SHORT:
        spent.append(timed(work))
    gc.enable()
    _moments.append(timed(_plain_work))
    return statistics.median(spent)


def timed(work: Callable[[], bool]) -> float:
    start = time.process_time()
    answer = work()
    spent = time.process_time() - start
    if not answer:
        raise AssertionError("two equal sets of rules were told apart")
    return spent * 1e3


def interleaved(rounds: Iterator[Sequence[Callable[[], bool]]]) -> list[float]:
    """The median of each column."""
    return [
        statistics.median(column)
        for column in zip(*([milliseconds(w) for w in row] for row in rounds), strict=True)
    ]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return ["| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *rows)] + [""]


def shown(value: float) -> str:
    return f"{value:,.2f}" if value < 10 else f"{value:,.0f}"


# --- processes of their own


def child(script: str, *arguments: object) -> dict[str, float]:
    """What a benchmark answers to ``--child``."""
    command = [sys.executable, script, "--child", *map(str, arguments)]
    _moments.append(timed(_plain_work))
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    return dict(json.loads(done.stdout))


def peak() -> float:
    """MB. Linux counts ``ru_maxrss`` from the peak of the process that started this one."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 / 1024  # macOS, in bytes


# --- figures

_noted: dict[str, dict[str, Any]] = {}


def note(name: str, value: float, unit: str, *, beside: float = 1.0, more_is_better: bool = False) -> None:
    """A figure that may not get worse. ``beside``: what was measured in the same run to set it in proportion, so that
    two machines, or two moods of one, can be compared; 1 where the figure hangs on no machine."""
    _noted[name] = {
        "value": round(value, 4),
        "unit": unit,
        "beside": round(beside, 4),
        "more_is_better": more_is_better,
    }


_moments: list[float] = []
"""ms of the fixed piece of work, beside each thing that was measured since the last figure."""


def yardstick() -> float:
    """ms of processor time for a fixed piece of plain Python: what figures without a rival are held against. The least
    of the moments in which the figure itself was measured: what else goes on can only lengthen it, and a yardstick that
    is too long makes a figure that looks too good, beside which the next one is a loss."""
    while len(_moments) < LEAST:
        _moments.append(timed(_plain_work))
    found = min(_moments)
    _moments.clear()
    return found


def _plain_work() -> bool:
    found: dict[int, list[tuple[int, int]]] = {}
    for number in range(20_000):
        found.setdefault(number * 7919 % 997, []).append((number ^ 0x2A, number))
    return sum(len(sorted(held)) for held in found.values()) == 20_000


# --- the page


def write(script: str, lines: Sequence[str]) -> None:
    """Into the script's own part of the page, behind all others if it has none yet, with what was noted."""
    name = Path(script).name
    begin, end = (f"<!-- {what} benchmarks/{name} -->" for what in ("written by", "end of"))
    before = PAGE.read_text(encoding="utf-8") if PAGE.exists() else "# Performance\n\n"
    head, _, rest = before.partition(begin)
    tail = rest.partition(end)[2].lstrip("\n")
    page = "\n".join([head.rstrip("\n"), "", begin, *lines, end, "", tail])
    PAGE.write_text(page.rstrip("\n") + "\n", encoding="utf-8")
    if _noted:
        held = json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.exists() else {}
        held[Path(script).stem] = dict(_noted)
        FIGURES.write_text(json.dumps(held, indent=1, sort_keys=True) + "\n", encoding="utf-8")
