"""Calls on one object, in rounds: what is read back and settles between two rounds serves all lanes at once."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from twinwall.planning import changes as c


@dataclass(frozen=True, slots=True)
class Leg:
    """``after``: positions in the lane. ``round``: -1 before anything that guards packets is touched."""

    change: c.Change
    after: tuple[int, ...]
    round: int


@dataclass
class Lane:
    legs: list[Leg] = field(default_factory=list)

    def add(self, change: c.Change, after: tuple[int, ...] = (), round_: int = 0) -> int:
        self.legs.append(Leg(change, after, round_))
        return len(self.legs) - 1

    def join(self, legs: Iterable[Leg], after: tuple[int, ...], round_: int) -> tuple[int, ...]:
        """Another lane's calls, all of them behind ``after``."""
        base = len(self.legs)
        return tuple(
            self.add(leg.change, (*after, *(base + other for other in leg.after)), round_) for leg in legs
        )

    @property
    def rounds(self) -> int:
        return 1 + max((leg.round for leg in self.legs), default=-1)
