"""The real clock, and one that a stopped run does not sleep on."""

import threading
import time

from twinwall.boundary import Clock
from twinwall.cli.failures import Stopped


class SystemClock:
    """``boundary.Clock``."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            time.sleep(seconds)


class StoppableClock:
    """A clock that sleeps until ``stop`` is set, then raises ``Stopped``: for work in a thread that Ctrl-C
    must reach."""

    def __init__(self, stop: threading.Event, clock: Clock) -> None:
        self._stop = stop
        self._clock = clock

    def now(self) -> float:
        return self._clock.now()

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def sleep(self, seconds: float) -> None:
        if isinstance(self._clock, SystemClock):
            self._stop.wait(max(0.0, seconds))
        else:
            self._clock.sleep(seconds)
        if self._stop.is_set():
            raise Stopped
