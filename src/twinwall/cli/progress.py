"""How far the calls are: bars on a terminal, lines with --verbose, always the words for Ctrl-C."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from math import ceil

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
)
from rich.text import Text

from twinwall import boundary
from twinwall.cli import output
from twinwall.cli.invocation import Invocation


class RateColumn(ProgressColumn):
    """Calls a second, of late."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f}/s" if task.speed else "")


class LeftColumn(ProgressColumn):
    """Time left: what the plan reckons, as the first calls go at once and say nothing of those that wait for EC2's
    throttle; more where the calls of late say so."""

    max_refresh = 0.5

    def render(self, task: Task) -> Text:
        if task.finished:
            return Text("0:00:00")
        reckoned = task.fields.get("seconds", 0.0) - (task.elapsed or 0.0)
        left = max(task.time_remaining or 0.0, reckoned)
        unknown = task.time_remaining is None and left <= 0
        return Text("-:--:--" if unknown else str(timedelta(seconds=ceil(left))))


class Board:
    """One line of progress for each target. Told from several threads."""

    def __init__(self, invocation: Invocation, bars: Progress | None, ways: str) -> None:
        """``ways``: the options that lead to the target, for the commands that go on or back."""
        self._invocation = invocation
        self._with = f", with {ways}" if ways else ""
        self._bars = bars
        self._lock = threading.Lock()
        self._done: dict[str, tuple[int, int]] = {}
        self._journals: list[str] = []

    def line(self, label: str, calls: int, seconds: float, journal: str) -> boundary.Progress:
        """The callback that ``apply`` tells each call to. ``seconds``: that the plan reckons with. ``journal`` is empty
        for a plan without calls."""
        self._journals += [journal] if journal else []
        task = self._bars.add_task(label, total=calls, seconds=seconds) if self._bars and calls else None
        if calls:
            self._note(label, 0, calls)

        def tell(what: str, done: int, of: int) -> None:
            self._note(label, done, of)
            if self._bars is not None and task is not None:
                self._bars.update(task, completed=done, total=of)
            if self._invocation.verbose:
                self._say(f"{label}: {what} ({done} of {of})")

        return tell

    def _say(self, text: str) -> None:
        if self._bars is None:
            output.tell(text)
        else:
            self._bars.console.print(text, markup=False, highlight=False)

    def _note(self, label: str, done: int, of: int) -> None:
        with self._lock:
            self._done[label] = (done, of)
            words = "; ".join(
                f"{name}: {made} of {all_} calls were made" for name, (made, all_) in self._done.items()
            )
            ways = "; ".join(f"twinwall resume {path}, or twinwall undo {path}" for path in self._journals)
            self._invocation.done = f"{words}; {ways}{self._with}" if ways else words


@contextmanager
def board(invocation: Invocation, ways: str) -> Iterator[Board]:
    with _bars(invocation) as bars:
        yield Board(invocation, bars, ways)


@contextmanager
def counted(invocation: Invocation, of: int) -> Iterator[Callable[[str], None]]:
    """For work that writes nothing: what is yielded is told what comes next, ``of`` times in all."""
    with _bars(invocation) as bars:
        task = bars.add_task("", total=of) if bars else None
        begun = 0

        def tell(what: str) -> None:
            nonlocal begun
            if bars is not None and task is not None:
                bars.update(task, description=what, completed=begun)
            elif invocation.verbose:
                output.tell(f"{what} ({begun + 1} of {of})")
            begun += 1

        yield tell


@contextmanager
def _bars(invocation: Invocation) -> Iterator[Progress | None]:
    """Bars only on a terminal, and not with --quiet."""
    if invocation.quiet or not sys.stderr.isatty():
        yield None
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        RateColumn(),
        LeftColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        yield bars
