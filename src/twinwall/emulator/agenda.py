"""What is to happen later, on a clock whose pace may change: one thread, one thing after the other."""

import heapq
import itertools
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from twinwall.emulator.clock import ScaledTime
from twinwall.emulator.refusal import Refusal

LOG = logging.getLogger("twinwall.emulator")

_LONGEST = 3600.0
"""Real seconds of one wait: a clock that all but stands must not overflow the system's."""


@dataclass(order=True)
class Entry:
    """``moment``: seconds of the agenda's clock."""

    moment: float
    number: int
    work: Callable[[], object] = field(compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        self.cancelled = True


class Agenda:
    """``later`` from any thread. Work must not wait: everything else that is due waits for it."""

    def __init__(self, time: ScaledTime) -> None:
        self._time = time
        self._heap: list[Entry] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._busy = False

    def later(self, seconds: float, work: Callable[[], object]) -> Entry:
        """``work`` in ``seconds``, unless cancelled; equal moments in the order of their coming."""
        with self._changed:
            entry = Entry(self._time.monotonic() + seconds, next(self._numbers), work)
            heapq.heappush(self._heap, entry)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="agenda", daemon=True)
                self._thread.start()
            self._changed.notify_all()
        return entry

    def wake(self) -> None:
        """The clock's pace has changed."""
        with self._changed:
            self._changed.notify_all()

    def clear(self) -> None:
        """What has not begun by now never will; what has begun is over."""
        with self._changed:
            self._heap.clear()
            if self._thread is not threading.current_thread():
                self._changed.wait_for(lambda: not self._busy)

    def stop(self) -> None:
        """``clear``, and the thread ends."""
        self.clear()
        with self._changed:
            thread, self._thread = self._thread, None
            self._changed.notify_all()
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def settled(self, seconds: float = 5.0) -> bool:
        """Waits, in real seconds, until nothing is under way or due; False if it never came to that."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._busy and self._due() is None, seconds)

    def _due(self) -> Entry | None:
        return self._heap[0] if self._heap and self._heap[0].moment <= self._time.monotonic() else None

    def _run(self) -> None:
        while (entry := self._next()) is not None:
            try:
                entry.work()
            except Refusal as refusal:
                LOG.info("later: %s", refusal)
            except Exception:
                LOG.exception("later: the embedded AWS failed")
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def _next(self) -> Entry | None:
        """The next entry when its moment has come; None when the agenda has been stopped."""
        with self._changed:
            while self._thread is threading.current_thread():
                while self._heap and self._heap[0].cancelled:
                    heapq.heappop(self._heap)
                if self._due() is not None:
                    self._busy = True
                    return heapq.heappop(self._heap)
                self._changed.notify_all()
                self._changed.wait(self._wait())
        return None

    def _wait(self) -> float:
        if not self._heap:
            return _LONGEST
        left = (self._heap[0].moment - self._time.monotonic()) / self._time.scale
        return min(max(left, 0.0), _LONGEST)
