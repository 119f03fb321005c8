"""``boundary.Crew`` on threads."""

import queue
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType

from twinwall.boundary import Ended

HEARING_SECONDS = 0.2
"""How late the main thread may hear of a signal."""


class ThreadCrew:
    """A context: leaving it waits for the jobs that were started. ``timed`` False: ``next`` waits for an end however
    long that takes, because the clock of the run passes by sleeping alone."""

    def __init__(self, size: int, *, timed: bool = True) -> None:
        self._pool = ThreadPoolExecutor(size, thread_name_prefix="crew")
        self._ended: queue.SimpleQueue[Ended] = queue.SimpleQueue()
        self._timed = timed

    def __enter__(self) -> "ThreadCrew":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True)

    def start(self, key: int, job: Callable[[], object]) -> None:
        self._pool.submit(self._run, key, job)

    def _run(self, key: int, job: Callable[[], object]) -> None:
        try:
            ended = Ended(key, job())
        except BaseException as error:  # noqa: BLE001 - told to whoever waits for it
            ended = Ended(key, error=error)
        self._ended.put(ended)

    def awaited(self) -> Ended:
        """For the main thread, however long it takes. A signal may be handed to any thread, and one that waits for a
        lock without end hears nothing of it: so this one wakes now and then."""
        while True:
            if ended := self.next(HEARING_SECONDS):
                return ended

    def next(self, timeout: float | None = None) -> Ended | None:
        if not self._timed and timeout:
            timeout = None
        try:
            return self._ended.get(timeout=timeout) if timeout != 0 else self._ended.get_nowait()
        except queue.Empty:
            return None
