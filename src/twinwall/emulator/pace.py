"""How fast the endpoint answers: its throttle, the latency of each call, the speed of its clock."""

from collections.abc import Callable

from twinwall.emulator.agenda import Agenda, Entry
from twinwall.emulator.clock import ScaledTime


class Pace:
    """``throttle``: EC2's token buckets are enforced. ``latency_ms``: added to each call. ``time_scale``: the
    buckets, the latency, the seconds of faults, and all that is to happen later (heartbeats, schedules,
    deliveries tried again) run so many times as fast."""

    def __init__(self, *, throttle: bool = False, latency_ms: float = 0.0, time_scale: float = 1.0) -> None:
        self.throttle = throttle
        self.latency_ms = latency_ms
        self.time = ScaledTime(time_scale)
        self.agenda = Agenda(self.time)

    def delay(self) -> None:
        self.time.sleep(self.latency_ms / 1000)

    def later(self, seconds: float, work: Callable[[], object]) -> Entry:
        """``work`` in ``seconds`` of this clock, unless ``stop`` comes first."""
        return self.agenda.later(seconds, work)

    def set_scale(self, scale: float) -> None:
        """From now on; what is waited for comes so much sooner or later."""
        self.time.set_scale(scale)
        self.agenda.wake()

    def advance(self, seconds: float) -> None:
        """The clock leaps ahead: what would have happened until then happens now."""
        self.time.advance(seconds)
        self.agenda.wake()

    def stop(self) -> None:
        """What has not begun by now never will."""
        self.agenda.stop()
