"""EC2's throttle: one token bucket per action, account and Region.

Source: AWS, "Request throttling for the Amazon EC2 API" (aws-facts 3.1). Each action has a bucket of its
own; whether it refills continuously or once a second is not settled, here it is continuous.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from twinwall.boundary import Clock
from twinwall.model.throttle import Bucket, bucket_of


@dataclass
class Pace:
    """Waits before each call until EC2 would take it. One for each account and Region."""

    clock: Clock
    _levels: dict[str, tuple[float, float]] = field(default_factory=dict)

    def wait(self, action: str) -> None:
        bucket = bucket_of(action)
        level = self._level(action, bucket)
        if level < 1:
            self.clock.sleep((1 - level) / bucket.refill)
            level = self._level(action, bucket)
        self._levels[action] = (max(0.0, level - 1), self.clock.monotonic())

    def refused(self, action: str) -> None:
        """EC2 saw fewer tokens than we did: somebody else takes from the same bucket."""
        self._levels[action] = (0.0, self.clock.monotonic())

    def _level(self, action: str, bucket: Bucket) -> float:
        level, at = self._levels.get(action, (float(bucket.capacity), self.clock.monotonic()))
        return min(float(bucket.capacity), level + (self.clock.monotonic() - at) * bucket.refill)


@dataclass
class VirtualClock:
    """Time that passes only by sleeping."""

    seconds: float = 0.0

    def now(self) -> float:
        return self.seconds

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def estimated_seconds(actions: Sequence[str]) -> float:
    """How long EC2's throttle makes these calls take, one after another, from full buckets."""
    clock = VirtualClock()
    pace = Pace(clock)
    for action in actions:
        pace.wait(action)
    return round(clock.seconds, 1)
