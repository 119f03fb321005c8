"""Calls that nobody waits for any more and that still arrive."""

import heapq
import threading
from collections.abc import Iterator

from twinwall.emulator.state import Params

Sent = tuple[str, str, str, Params]
"""(account, Region, action, request)"""


class Late:
    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Sent]] = []
        self._count = 0
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        return bool(self._heap)

    def add(self, moment: float, call: Sent) -> None:
        with self._lock:
            self._count += 1
            heapq.heappush(self._heap, (moment, self._count, call))

    def due(self, moment: float) -> Iterator[tuple[float, Sent]]:
        """Those that arrive until then, each with its moment, in order; each once."""
        while True:
            with self._lock:
                if not self._heap or self._heap[0][0] > moment:
                    return
                arrives, _, call = heapq.heappop(self._heap)
            yield arrives, call
