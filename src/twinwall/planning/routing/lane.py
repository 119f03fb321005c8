"""Calls on one object, in rounds: what is read back and settles between two rounds serves all lanes at once."""

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

    def chain(self, change: c.Change, round_: int = 0) -> int:
        """Behind all that is in the lane's round, or in the last one before it."""
        last = (len(self.legs) - 1,) if self.legs else ()
        return self.add(change, last, round_)

    @property
    def rounds(self) -> int:
        return 1 + max((leg.round for leg in self.legs), default=-1)
