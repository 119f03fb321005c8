"""How far the calls are: bars on a terminal, lines with --verbose, always the words for Ctrl-C."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from twinwall import boundary
from twinwall.cli import output
from twinwall.cli.invocation import Invocation


class RateColumn(ProgressColumn):
    """Calls a second, of late."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f}/s" if task.speed else "")


class Board:
    """One line of progress for each target. Told from several threads."""

    def __init__(self, invocation: Invocation, bars: Progress | None) -> None:
        self._invocation = invocation
        self._bars = bars
        self._lock = threading.Lock()
        self._done: dict[str, tuple[int, int]] = {}
        self._journals: list[str] = []

    def line(self, label: str, calls: int, journal: str) -> boundary.Progress:
        """The callback that ``apply`` tells each call to. ``journal`` is empty for a plan without calls."""
        self._journals += [journal] if journal else []
        task = self._bars.add_task(label, total=calls) if self._bars and calls else None
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
            self._invocation.done = f"{words}; {ways}" if ways else words


@contextmanager
def board(invocation: Invocation) -> Iterator[Board]:
    with _bars(invocation) as bars:
        yield Board(invocation, bars)


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
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        yield bars
