"""EC2's throttle: one token bucket per action, account and Region.

Source: AWS, "Request throttling for the Amazon EC2 API" (aws-facts 3.1). Each action has a bucket of its
own; whether it refills continuously or once a second is not settled, here it is continuous.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from twinwall.boundary import Clock


@dataclass(frozen=True, slots=True)
class Bucket:
    """``capacity`` tokens, ``refill`` tokens a second; a call costs one."""

    capacity: int
    refill: float


NON_MUTATING = Bucket(100, 20)
MUTATING = Bucket(50, 5)
BUCKETS: dict[str, Bucket] = {
    "CreateTags": Bucket(100, 10),
    "DeleteTags": Bucket(100, 10),
    "DescribeSecurityGroupReferences": Bucket(20, 5),
    "DescribeStaleSecurityGroups": Bucket(20, 5),
    "ModifyNetworkInterfaceAttribute": Bucket(100, 5),
    "CreateNetworkInterface": Bucket(100, 5),
    "DeleteNetworkInterface": Bucket(100, 5),
}
"""Actions with figures of their own. AuthorizeSecurityGroupIngress and RevokeSecurityGroupIngress are called
resource-intensive there, with the same figures as the mutating ones."""


def bucket_of(action: str) -> Bucket:
    if action in BUCKETS:
        return BUCKETS[action]
    return NON_MUTATING if action.startswith(("Describe", "Get", "List", "Search")) else MUTATING


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
