"""The nouns of a mesh: who its members are, where its sites stand, and what a site says of its own members.

Moments are seconds since the epoch, kept to the millisecond; a generation is a whole number that only grows.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from twinwall.model.net import Cidr


@dataclass(frozen=True, slots=True, order=True)
class SiteKey:
    """The key of a row, as the published table has it: ``region`` (hash) and ``asg`` (range)."""

    region: str
    asg: str

    def __str__(self) -> str:
        return f"{self.region}/{self.asg}"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """One account's Region."""

    account: str
    region: str

    def __str__(self) -> str:
        return f"{self.account}/{self.region}"


@dataclass(frozen=True, slots=True)
class Site:
    """One Auto Scaling group and the security group that guards it. ``node``: who is its owner (the node of its own
    place, or the neighbour that acts for it while it has no function and table)."""

    key: SiteKey
    account: str
    group_id: str
    node: str
    ranges: tuple[Cidr, ...] = ()
    """Where addresses of its members may lie; empty: anywhere in global unicast."""
    further: tuple[str, ...] = ()
    """Groups that its instances carry too: they take the rules that the first has no room for."""

    @property
    def groups(self) -> tuple[str, ...]:
        return self.group_id, *self.further

    @property
    def place(self) -> Place:
        return Place(self.account, self.key.region)


@dataclass(frozen=True, slots=True)
class Node:
    """One Region and account: one function, one table, one queue, one lease."""

    name: str
    place: Place


class Member(NamedTuple):
    """One address and the instance behind it; a tuple, for a row has a thousand of them. ``missing_since``: the first
    reading that did not show it; ``readings``: how many did not since, each at least 60 s after the one before."""

    address: Cidr
    instance: str
    missing_since: float = 0.0
    readings: int = 0

    @property
    def pair(self) -> tuple[Cidr, str]:
        return self.address, self.instance


@dataclass(frozen=True, slots=True, order=True)
class Release:
    """An instance that was let go: by the lifecycle action of this ``token``, at ``at``. Kept a day."""

    instance: str
    token: str
    at: float


@dataclass(frozen=True, slots=True)
class Membership:
    """A site's row. ``generation`` and ``observed_at`` are None in a row as the published solution writes it."""

    key: SiteKey
    members: tuple[Member, ...] = ()
    generation: int | None = None
    observed_at: float | None = None
    released: tuple[Release, ...] = ()
    tombstone: bool = False
    writer: str = ""
    unheard: float = 0.0
    """Since when the owner, whose table was lost or restored, has not heard every other node."""
    returned: tuple[tuple[str, float], ...] = ()
    """Instances that came back from the warm pool, and when: what let them go before is void, however late it is told.
    Kept a day."""
    listed: frozenset[Cidr] = field(default=frozenset())
    """The addresses of the row's lists; in a row of ours those of ``members``."""

    @property
    def content(self) -> tuple[object, ...]:
        """What a new generation is for."""
        return self.members, self.released, self.returned, self.tombstone, self.unheard, self.listed

    @property
    def age_key(self) -> tuple[int, float]:
        """Later rows have greater keys."""
        return self.generation or 0, self.observed_at or 0.0


def addresses_of(members: Iterable[Member]) -> frozenset[Cidr]:
    return frozenset(member.address for member in members)
