"""How long EC2's throttle makes a route take, reckoned: no clock, no call.

Every call goes out as soon as all that stands before it is done and its action's bucket has a token, first come
first served; answers take no time. A barrier takes ``settle`` seconds.
"""

import heapq
from collections.abc import Callable

from twinwall.model.throttle import Bucket, bucket_of
from twinwall.planning.order import Barrier, Route


class _Bucket:
    def __init__(self, bucket: Bucket) -> None:
        self._refill = bucket.refill
        self._capacity = float(bucket.capacity)
        self._tokens, self._at = self._capacity, 0.0

    def take(self, moment: float) -> float:
        """When a call that is ready at ``moment`` goes out. Moments never go back."""
        moment = max(moment, self._at)
        self._tokens = min(self._capacity, self._tokens + (moment - self._at) * self._refill)
        wait = max(0.0, 1 - self._tokens) / self._refill
        self._tokens, self._at = max(0.0, self._tokens - 1), moment + wait
        return self._at


def makespan(route: Route, settle: float = 0.0, bucket: Callable[[str], Bucket] = bucket_of) -> float:
    """Seconds from the first call to the last. ``bucket``: of an action, AWS's documented one unless given."""
    followers: list[list[int]] = [[] for _ in route]
    open_: list[int] = []
    for position, step in enumerate(route):
        open_.append(len(set(step.after)))
        for before in set(step.after):
            followers[before].append(position)
    ready = [(0.0, position) for position, count in enumerate(open_) if not count]
    heapq.heapify(ready)
    buckets: dict[str, _Bucket] = {}
    last = 0.0
    while ready:
        moment, position = heapq.heappop(ready)
        step = route[position]
        if isinstance(step, Barrier):
            moment += settle
        else:
            action = step.change.action
            if action not in buckets:
                buckets[action] = _Bucket(bucket(action))
            moment = buckets[action].take(moment)
            last = max(last, moment)
        for follower in followers[position]:
            open_[follower] -= 1
            if not open_[follower]:
                heapq.heappush(ready, (moment, follower))
    return round(last, 1)
