"""What a run's mesh is like: which addresses count, which ports are open, and how its groups keep their instances.
Drawn from the seed; left out, a mesh is as plain as can be."""

import random
from dataclasses import dataclass
from typing import Literal

from twinwall.mesh.settings import Addresses
from twinwall.model.rules import Traffic, make_traffic

PUBLIC: frozenset[Addresses] = frozenset({"public"})
KINDS: tuple[tuple[frozenset[Addresses], int], ...] = (
    (PUBLIC, 6),
    (frozenset({"private"}), 2),
    (frozenset({"ipv6"}), 2),
    (frozenset({"public", "ipv6"}), 2),
    (frozenset({"public", "private"}), 1),
)
PORTS = (make_traffic(6, 7000, 7001), make_traffic(17, 53, 53))
ECHO = (make_traffic(1, 8, -1), make_traffic(58, -1, -1))


@dataclass(frozen=True)
class Habits:
    """``several``: instances come with a second address of each kind. ``late``: with none, as where an Elastic IP is
    put on them while they start. ``echo``: ICMP too. ``placeholders``: the ports are those of the group's own rules.
    ``warm``: groups have warm pools. ``further``: groups beside the first that each site spreads its rules over."""

    addresses: frozenset[Addresses] = PUBLIC
    interfaces: Literal["primary", "all"] = "primary"
    several: bool = False
    late: bool = False
    echo: bool = False
    placeholders: bool = False
    remove: Literal["before", "after"] = "before"
    warm: bool = False
    further: int = 0

    def ports(self, count: int) -> tuple[Traffic, ...]:
        return (*PORTS[:count], *(ECHO if self.echo else ()))

    def __str__(self) -> str:
        words = [*sorted(self.addresses), f"{self.interfaces} interfaces", f"removed {self.remove}"]
        flags = ("several", "late", "echo", "placeholders", "warm")
        words += [name for name in flags if getattr(self, name)]
        return ", ".join([*words, *([f"{self.further} further groups"] if self.further else [])])


def habits_of(seed: int) -> Habits:
    """Half of all seeds are plain."""
    source = random.Random(f"habits {seed}")
    if source.random() < 0.5:
        return Habits()
    (kinds,) = source.choices([kind for kind, _ in KINDS], [weight for _, weight in KINDS])
    every = source.random() < 0.4
    return Habits(
        addresses=kinds,
        interfaces="all" if every else "primary",
        several=source.random() < 0.5,
        late=kinds == PUBLIC and source.random() < 0.3,
        echo=source.random() < 0.3,
        placeholders=source.random() < 0.3,
        remove="after" if source.random() < 0.25 else "before",
        warm=source.random() < 0.4,
        further=source.choice((0, 0, 2)),
    )
