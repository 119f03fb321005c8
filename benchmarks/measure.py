"""What the benchmarks share: processor time, tables, and the page that the figures are written into."""

import gc
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

ROUNDS = 7
SHORT = 20.0
PAGE = Path(__file__).parents[1] / "docs" / "performance.md"


def milliseconds(work: Callable[[], bool]) -> float:
    """As ``timeit`` measures: without the collector, so that nobody pays for what rivals left behind, and what
    is short as often as it takes to fill ``SHORT``."""
    gc.collect()
    gc.disable()
    spent = [timed(work)]
    while sum(spent) < SHORT:
        spent.append(timed(work))
    gc.enable()
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
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    return dict(json.loads(done.stdout))


def peak() -> float:
    """MB. Linux counts ``ru_maxrss`` from the peak of the process that started this one."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 / 1024  # macOS, in bytes


# --- the page


def write(script: str, lines: Sequence[str]) -> None:
    """Into the script's own part of the page, behind all others if it has none yet."""
    begin, end = (f"<!-- {what} benchmarks/{Path(script).name} -->" for what in ("written by", "end of"))
    before = PAGE.read_text(encoding="utf-8") if PAGE.exists() else "# Performance\n\n"
    head, _, rest = before.partition(begin)
    tail = rest.partition(end)[2].lstrip("\n")
    page = "\n".join([head.rstrip("\n"), "", begin, *lines, end, "", tail])
    PAGE.write_text(page.rstrip("\n") + "\n", encoding="utf-8")
