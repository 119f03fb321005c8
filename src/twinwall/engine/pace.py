"""EC2's throttle, seen from here: one token bucket per action, account and Region.

Source: AWS, "Request throttling for the Amazon EC2 API" (aws-facts 3.1). Each action has a bucket of its own;
whether it refills continuously or once a second is not settled, here it is continuous. A long run asks Service Quotas
for the account's own figures (``engine.rates``), and every run learns:

    RequestLimitExceeded   the bucket is empty: a second's pause, which also sets right a bucket that is refilled once
                           a second; again within 15 s: somebody else takes from it, so half the rate, then a fifth
                           less each time
    a second without       1 % of the documented rate comes back

What is in flight at once follows from latency x rate (Little's law): enough to use the rate, few enough that an
empty bucket refuses few of them.
"""

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from math import ceil

from twinwall.boundary import Clock
from twinwall.model.throttle import Bucket, bucket_of

WHOLE = 1.0
_FIRST_LATENCY = 0.2
_HEADROOM = 1.5
_FEWEST, _MOST = 2, 8
_SLOWEST = 0.05
_RECOVERY = 0.01
_SOON = 15.0
_SPARE = 1
"""Tokens that are left: of two calls the later may travel faster, and find the bucket not filled again yet."""


@dataclass
class _Level:
    """``rate``: tokens a second, as far as is known. ``cut``: when a refusal last told something new."""

    bucket: Bucket
    tokens: float
    at: float
    rate: float
    cut: float | None = None
    in_flight: int = 0

    def refill(self, now: float) -> None:
        passed = now - self.at
        if self.cut is not None:
            self.rate = min(self.bucket.refill, self.rate + passed * _RECOVERY * self.bucket.refill)
        self.tokens = min(self.bucket.capacity, self.tokens + passed * self.rate)
        self.at = now


@dataclass
class Pace:
    """One account's Region. ``share``: how much of each bucket is ours, the rest is left to others. Shared by all
    threads; nobody sleeps under its lock."""

    clock: Clock
    share: float = WHOLE
    _own: dict[str, Bucket] = field(default_factory=dict)
    _asked: frozenset[str] = frozenset()
    _levels: dict[str, _Level] = field(default_factory=dict)
    _latency: float = _FIRST_LATENCY
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def unasked(self, actions: Collection[str]) -> frozenset[str]:
        """Those that nobody has asked for yet; from now on they are."""
        with self._lock:
            new = frozenset(actions) - self._asked
            self._asked |= new
            return new

    def told(self, buckets: Mapping[str, Bucket]) -> None:
        """What the account's buckets are, of all who use them; a bucket that is in use goes on with its tokens."""
        with self._lock:
            self._own.update(buckets)
            for action in buckets.keys() & self._levels.keys():
                level, mine = self._level(action), self._mine(action)
                level.tokens += mine.capacity - level.bucket.capacity
                level.bucket, level.rate = mine, mine.refill if level.cut is None else level.rate

    @property
    def has_own(self) -> bool:
        return bool(self._own)

    def bucket(self, action: str) -> Bucket:
        """Our part of it."""
        with self._lock:
            return self._mine(action)

    def take(self, action: str) -> float:
        """Takes a token for a call that is sent now, and answers 0; or the seconds until there may be one."""
        with self._lock:
            level = self._level(action)
            if level.in_flight >= self._at_once(level):
                return 1 / level.rate
            if level.tokens < 1 - 1e-9:
                return (1 - level.tokens) / level.rate
            level.tokens -= 1
            level.in_flight += 1
            return 0.0

    def ended(self, action: str, seconds: float) -> None:
        """A call for which ``take`` gave a token was answered, or will not be."""
        with self._lock:
            self._level(action).in_flight -= 1
            self._latency += (min(seconds, 5.0) - self._latency) / 8

    def wait(self, action: str) -> None:
        """Sleeps until a token is there, and takes it: for reads."""
        with self._lock:
            level = self._level(action)
            level.tokens -= 1
            debt = max(0.0, -level.tokens) / level.rate
        if debt:
            self.clock.sleep(debt)

    def refused(self, action: str, sent: float) -> None:
        """EC2 saw fewer tokens than we did: somebody else takes from the same bucket. Calls that were ``sent`` before
        the last cut tell nothing new."""
        with self._lock:
            level = self._level(action)
            level.tokens = min(level.tokens, 0.0)
            if level.cut is not None and sent <= level.cut:
                return
            if level.cut is None or level.at - level.cut > _SOON:
                level.tokens -= level.rate
            else:
                lower = 0.5 if level.rate == level.bucket.refill else 0.8
                level.rate = max(level.rate * lower, level.bucket.refill * _SLOWEST)
            level.cut = level.at

    def _at_once(self, level: _Level) -> int:
        """A bucket that is more than half full can take many at once."""
        if level.cut is None and level.tokens > level.bucket.capacity * 0.6:
            return _MOST
        return max(_FEWEST, ceil(level.rate * self._latency * _HEADROOM))

    def _level(self, action: str) -> _Level:
        now = self.clock.monotonic()
        level = self._levels.get(action)
        if level is None:
            mine = self._mine(action)
            level = self._levels[action] = _Level(mine, float(mine.capacity), now, mine.refill)
        level.refill(now)
        return level

    def _mine(self, action: str) -> Bucket:
        whole = self._own.get(action) or bucket_of(action)
        return Bucket(max(1, int(whole.capacity * self.share) - _SPARE), whole.refill * self.share)


@dataclass
class Paces:
    """One for each account and Region, shared by all that a run does there."""

    clock: Clock
    _paces: dict[tuple[str, str], Pace] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, account: str, region: str, share: float = WHOLE) -> Pace:
        """Of several shares the smallest counts."""
        with self._lock:
            pace = self._paces.setdefault((account, region), Pace(self.clock, share))
            pace.share = min(pace.share, share)
            return pace
