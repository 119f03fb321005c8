"""What befalls calls and events. A season is drawn from the seed: which troubles there are, and how often. Each
trouble is bound to the number of a call or of an event, so that a run can be repeated without some of them."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

CALL_TROUBLES = (
    "unsent",  # no connection
    "cut",  # sent, never carried out, no answer
    "lost",  # carried out, no answer
    "late",  # no answer; carried out much later
    "slow",  # carried out, and answered after seconds
    "throttled",
    "crash-before",  # the function is killed; the call was never carried out
    "crash-after",
    "freeze",  # the function stands still for a while, then goes on
)
EVENT_TROUBLES = ("drop", "twice", "delay")


@dataclass(frozen=True)
class Trouble:
    kind: str
    seconds: float = 0.0


@dataclass
class Weather:
    """``calls`` and ``events``: what befell which. ``script`` given: just that, and nothing is drawn."""

    seed: int
    quiet: bool
    script: tuple[Mapping[int, Trouble], Mapping[int, Trouble]] | None = None
    calls: dict[int, Trouble] = field(default_factory=dict)
    events: dict[int, Trouble] = field(default_factory=dict)
    over: bool = False

    def __post_init__(self) -> None:
        source = random.Random(f"weather {self.seed}")
        self._calls, self._events = (random.Random(f"{what} {self.seed}") for what in ("calls", "events"))
        self.kinds = [kind for kind in CALL_TROUBLES if source.random() < 0.5]
        self.rate = source.choice((0.002, 0.01, 0.03)) if self.kinds else 0.0
        self.event_kinds = [kind for kind in EVENT_TROUBLES if source.random() < 0.6]
        self.event_rate = source.choice((0.05, 0.2)) if self.event_kinds else 0.0
        self.lag = source.choice((0.0, 0.0, 1.0, 5.0))
        self.skew = source.choice((0.0, 1.0, 2.0))
        self.throttle = source.random() < 0.3
        self.hiccups = source.choice((0.0, 0.04, 0.1))
        """The share of ways that take a second or so. That is no trouble, only slow."""

    def call(self, number: int) -> Trouble | None:
        return self._befall(number, self._calls, self.rate, self.kinds, self.calls, 0)

    def event(self, number: int) -> Trouble | None:
        return self._befall(number, self._events, self.event_rate, self.event_kinds, self.events, 1)

    def _befall(
        self,
        number: int,
        source: random.Random,
        rate: float,
        kinds: list[str],
        kept: dict[int, Trouble],
        part: int,
    ) -> Trouble | None:
        if self.quiet or self.over:
            return None
        if self.script is not None:
            return self.script[part].get(number)
        if source.random() >= rate:
            return None
        kept[number] = Trouble(source.choice(kinds), source.choice((1.0, 4.0, 12.0, 30.0, 60.0)))
        return kept[number]
