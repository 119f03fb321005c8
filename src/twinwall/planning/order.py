"""A route: a plan's calls and their partial order. ``routing`` makes it, ``promise`` proves it."""

from dataclasses import dataclass

from twinwall.planning import changes as c


@dataclass(frozen=True, slots=True)
class Step:
    """One call, and the positions in the route of what must be known to be done before it is sent."""

    change: c.Change
    after: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Barrier:
    """What stands before it (``after``) is read back, and settles, before anything that stands after it."""

    after: tuple[int, ...]


Route = tuple[Step | Barrier, ...]
"""A partial order of calls: each names earlier positions only, so that the route itself is one allowed order."""
