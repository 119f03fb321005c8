"""The real clock at another pace; time that nobody waits for is ``simulation``'s."""

import time


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
