"""Time that a test or a demo sets the pace of."""

import threading
import time


class VirtualClock:
    """``boundary.Clock``: time passes only where somebody sleeps, and at once. Safe to use from several
    threads, whose sleeps then follow one another."""

    def __init__(self, start: float = 1_767_225_600.0) -> None:
        """``start``: seconds since the epoch; 2026-01-01 UTC unless set."""
        self._start = start
        self._passed = 0.0
        self._lock = threading.Lock()

    def now(self) -> float:
        return self._start + self._passed

    def monotonic(self) -> float:
        return self._passed

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            with self._lock:
                self._passed += seconds


class ScaledTime:
    """The real clock, ``scale`` times as fast."""

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale
        self._base, self._since = 0.0, time.monotonic()

    def monotonic(self) -> float:
        return self._base + (time.monotonic() - self._since) * self.scale

    def set_scale(self, scale: float) -> None:
        """From now on; what has passed stays."""
        self._base, self._since = self.monotonic(), time.monotonic()
        self.scale = scale

    def advance(self, seconds: float) -> None:
        """Leaps ahead."""
        self._base += seconds

    def sleep(self, seconds: float) -> None:
        """``seconds`` of this clock."""
        if seconds > 0:
            time.sleep(seconds / self.scale)
