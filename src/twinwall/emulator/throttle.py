"""The throttle as EC2 enforces it: a token bucket for each account, Region and action (``model.throttle``)."""

import math
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from twinwall.emulator.faults import Counts
from twinwall.emulator.refusal import Refusal
from twinwall.emulator.state import World
from twinwall.model.throttle import UNFILTERED_ACTIONS, Bucket

_IDS = ("GroupIds", "GroupNames", "InstanceIds", "NetworkInterfaceIds", "SnapshotIds", "VolumeIds")


@dataclass
class _Level:
    bucket: Bucket
    tokens: float
    at: float


class Throttle:
    """``check`` takes a token or refuses. ``now``: monotonic seconds of the clock by which buckets refill.

    What the page leaves open (is refill continuous, do refused calls cost, are ids a filter) are the world's
    switches.
    """

    def __init__(self, now: Callable[[], float], world: World, *, on: bool) -> None:
        self.on = on
        self.refused = Counts()
        self._now = now
        self._world = world
        self._levels: dict[tuple[str, str, str], _Level] = {}
        self._lock = threading.Lock()

    def check(self, account: str, region: str, action: str, params: Mapping[str, Any]) -> None:
        if not self.on:
            return
        with self._lock:
            taken = self._take(self._level(account, region, action, params))
        if not taken:
            self.refused.add(account, region, action)
            raise Refusal("RequestLimitExceeded", "Request limit exceeded.", 503)

    def reset(self) -> None:
        """Every bucket is full again, nothing was refused."""
        with self._lock:
            self._levels.clear()
        self.refused.reset()

    def renew(self, own: Collection[tuple[str, str, str]]) -> None:
        """The buckets of these (account, Region, action; ``*`` for any) are others now, and full."""
        with self._lock:
            for key in list(self._levels):
                if any(all(a in ("*", b) for a, b in zip(one, key, strict=True)) for one in own):
                    del self._levels[key]

    def document(self) -> list[dict[str, Any]]:
        """Every bucket that was taken from, with its tokens now."""
        with self._lock:
            for level in self._levels.values():
                self._refill(level)
            return [
                {
                    "account": account,
                    "region": region,
                    "bucket": name,
                    "capacity": level.bucket.capacity,
                    "refill": level.bucket.refill,
                    "tokens": round(level.tokens, 3),
                }
                for (account, region, name), level in sorted(self._levels.items())
            ]

    def _level(self, account: str, region: str, action: str, params: Mapping[str, Any]) -> _Level:
        unfiltered = action in UNFILTERED_ACTIONS and self._is_unfiltered(params)
        key = (account, region, f"{action} (unfiltered)" if unfiltered else action)
        found = self._levels.get(key)
        if found is None:
            bucket = self._world.bucket(account, region, action, unfiltered=unfiltered)
            found = self._levels[key] = _Level(bucket, float(bucket.capacity), self._now())
        return found

    def _is_unfiltered(self, params: Mapping[str, Any]) -> bool:
        if params.get("Filters") or params.get("MaxResults") or params.get("NextToken"):
            return False
        return not (self._world.switches.ids_count_as_filter and any(params.get(name) for name in _IDS))

    def _take(self, level: _Level) -> bool:
        self._refill(level)
        if level.tokens >= 1 - 1e-9:
            level.tokens -= 1
            return True
        if self._world.switches.refused_calls_cost_tokens:
            level.tokens = max(-float(level.bucket.capacity), level.tokens - 1)
        return False

    def _refill(self, level: _Level) -> None:
        passed = self._now() - level.at
        if self._world.switches.refill_once_a_second:
            passed = float(math.floor(passed))
        level.tokens = min(float(level.bucket.capacity), level.tokens + passed * level.bucket.refill)
        level.at += passed
