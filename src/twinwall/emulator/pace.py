"""How fast the endpoint answers: its throttle, the latency of each call, the speed of its clock."""

import threading
from collections.abc import Callable

from twinwall.emulator.clock import ScaledTime


class Pace:
    """``throttle``: EC2's token buckets are enforced. ``latency_ms``: added to each call. ``time_scale``: the
    buckets, the latency and the seconds of faults run so many times as fast."""

    def __init__(self, *, throttle: bool = False, latency_ms: float = 0.0, time_scale: float = 1.0) -> None:
        self.throttle = throttle
        self.latency_ms = latency_ms
        self.time = ScaledTime(time_scale)
        self._timers: set[threading.Timer] = set()

    def delay(self) -> None:
        self.time.sleep(self.latency_ms / 1000)

    def later(self, seconds: float, work: Callable[[], object]) -> None:
        """``work`` in ``seconds`` of this clock, unless ``stop`` comes first."""
        timer = threading.Timer(seconds / self.time.scale, work)
        timer.daemon = True
        self._timers.add(timer)
        timer.start()

    def stop(self) -> None:
        """What has not begun by now never will."""
        while self._timers:
            self._timers.pop().cancel()
