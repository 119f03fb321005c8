"""What of a route may be done next: positions whose predecessors are done, by action, first come first served."""

import heapq
from dataclasses import dataclass, field

from twinwall.planning.order import Barrier, Route, Step


@dataclass
class Agenda:
    """``left``: positions that are not done yet. A position that was taken comes back by ``again``."""

    route: Route
    left: int = field(init=False)
    _open: list[int] = field(init=False)
    _followers: list[list[int]] = field(init=False)
    _ready: dict[str, list[int]] = field(default_factory=dict)
    _barriers: list[int] = field(default_factory=list)
    _later: list[tuple[float, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.left = len(self.route)
        self._open = [len(set(item.after)) for item in self.route]
        self._followers = [[] for _ in self.route]
        for position, item in enumerate(self.route):
            for before in set(item.after):
                self._followers[before].append(position)
        for position, count in enumerate(self._open):
            if not count:
                self._add(position)

    def step(self, position: int) -> Step:
        found = self.route[position]
        assert isinstance(found, Step)
        return found

    def actions(self) -> list[str]:
        """Those of which a call may be sent."""
        return [action for action, waiting in self._ready.items() if waiting]

    def first(self, action: str) -> int | None:
        waiting = self._ready.get(action)
        return waiting[0] if waiting else None

    def take(self, action: str) -> int:
        return heapq.heappop(self._ready[action])

    def take_barriers(self) -> list[int]:
        found, self._barriers = self._barriers, []
        return found

    def followers(self, position: int) -> list[int]:
        return self._followers[position]

    def done(self, position: int) -> None:
        self.left -= 1
        for follower in self._followers[position]:
            self._open[follower] -= 1
            if not self._open[follower]:
                self._add(follower)

    def again(self, position: int, moment: float) -> None:
        """Ready once more, at ``moment``."""
        heapq.heappush(self._later, (moment, position))

    def wake(self, now: float) -> float | None:
        """Makes ready what waited until now; the moment of what waits longest to come next."""
        while self._later and self._later[0][0] <= now:
            self._add(heapq.heappop(self._later)[1])
        return self._later[0][0] if self._later else None

    def _add(self, position: int) -> None:
        item = self.route[position]
        if isinstance(item, Barrier):
            self._barriers.append(position)
        else:
            heapq.heappush(self._ready.setdefault(item.change.action, []), position)
