"""The real crew: a thread for each job."""

import queue
import threading
from collections.abc import Callable

from twinwall.boundary import Ended


class ThreadCrew:
    """``boundary.Crew``: a thread for each job; each ends, for each of its calls does."""

    def __init__(self) -> None:
        self._ended: queue.SimpleQueue[Ended] = queue.SimpleQueue()

    def start(self, key: int, job: Callable[[], object]) -> None:
        threading.Thread(target=self._run, args=(key, job), daemon=True).start()

    def _run(self, key: int, job: Callable[[], object]) -> None:
        try:
            ended = Ended(key, job())
        except BaseException as error:  # noqa: BLE001 - told to whoever waits for it
            ended = Ended(key, error=error)
        self._ended.put(ended)

    def next(self, timeout: float | None = None) -> Ended | None:
        try:
            return self._ended.get(timeout=timeout)
        except queue.Empty:
            return None
