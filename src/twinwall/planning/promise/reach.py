"""Who waits for whom in a route, all the way back, and how far calls are in line.

A set of positions is an integer with a bit for each, so that "all of these are done before that one" is one
comparison of a route's length in bits.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from twinwall.planning.order import Route


def bits(positions: Iterable[int]) -> int:
    mask = 0
    for position in positions:
        mask |= 1 << position
    return mask


@dataclass(frozen=True)
class Reach:
    """``before[n]``: all that is surely done when item ``n`` is sent."""

    before: tuple[int, ...]

    @staticmethod
    def of(route: Route) -> "Reach":
        before: list[int] = []
        for item in route:
            mask = 0
            for position in item.after:
                mask |= before[position] | 1 << position
            before.append(mask)
        return Reach(tuple(before))

    def follows(self, later: int, mask: int) -> bool:
        """All of ``mask`` is done before ``later`` is sent."""
        return not mask & ~self.before[later]

    def levels(self, positions: Sequence[int]) -> list[list[int]]:
        """Rising positions, cut wherever all before the cut are done before any behind it is sent. Within a level
        nothing is known of the order."""
        common: list[int] = []
        shared = -1
        for position in reversed(positions):
            shared &= self.before[position]
            common.append(shared)
        common.reverse()
        found: list[list[int]] = []
        done = 0
        for index, position in enumerate(positions):
            if index == 0 or not done & ~common[index]:
                found.append([])
            found[-1].append(position)
            done |= 1 << position
        return found
