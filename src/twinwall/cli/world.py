"""What the commands reach outside themselves: a clock, AWS, the workflows. Tests pass their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

from twinwall.boundary import Account, Clock, FirewallReader, FirewallWriter
from twinwall.cli.clock import SystemClock

if TYPE_CHECKING:
    from twinwall.boundary import Document, Journal
    from twinwall.engine.comparing import Compared
    from twinwall.engine.lock import Holder, Lock
    from twinwall.engine.means import Applied, Means
    from twinwall.engine.pace import Pace
    from twinwall.engine.planned import Planned
    from twinwall.engine.reading import SideReader
    from twinwall.engine.sides import LiveSide, Side
    from twinwall.model.firewall import SecurityGroup, Snapshot
    from twinwall.planning.history import History
    from twinwall.planning.plan import Plan
    from twinwall.planning.proof import VerifyReport
    from twinwall.replica.settings import Settings


@dataclass(frozen=True)
class Way:
    """What the user said of one side: the way to an account and Region. ``side``: source, target or at.
    ``throttle_share``: how much of EC2's throttle there is ours, in percent."""

    side: str
    profile: str | None = None
    region: str | None = None
    role_arn: str | None = None
    external_id: str | None = None
    endpoint_url: str | None = None
    throttle_share: float | None = None


class Located(NamedTuple):
    vpc_id: str
    id: str


class Doors(NamedTuple):
    """One side's doors. ``locate`` finds a group, an ACL, or the ACL of an association, by id."""

    reader: FirewallReader
    writer: FirewallWriter
    account: Account
    locate: Callable[[str], Located]
    pace: Pace


class Engine(Protocol):
    """``engine.workflows``."""

    def snapshot(self, side: Side, settings: Settings) -> Document: ...

    def opened(self, source: Side) -> SideReader: ...

    def plan(self, source: Side | SideReader, target: Side, settings: Settings) -> Planned: ...

    def check_lists_agree(self, plans: Sequence[Plan]) -> None: ...

    def verify(self, source: Side | SideReader, target: Side, settings: Settings) -> Compared: ...

    def check_fresh(self, plan: Plan, target: LiveSide, now: float | None = None) -> Snapshot: ...

    def begin(self, planned: Planned, journal: Journal) -> None: ...

    def apply(self, planned: Planned, target: LiveSide, means: Means) -> Applied: ...

    def prove(self, planned: Planned, applied: Applied, target: LiveSide, means: Means) -> VerifyReport: ...

    def prove_unchanged(self, planned: Planned) -> VerifyReport: ...

    def check_account(self, history: History, target: LiveSide) -> None: ...

    def arrival(self, history: History, late: float, now: float) -> float: ...

    def resume(self, history: History, target: LiveSide, clock: Clock, late: float) -> Planned: ...

    def undo(self, history: History, target: LiveSide, clock: Clock, late: float, label: str) -> Planned: ...

    def acquire(
        self, target: LiveSide, holder: Holder, journal: Journal, clock: Clock, own: str = ""
    ) -> Lock: ...

    def leave(self, target: LiveSide, own: str, clock: Clock) -> None: ...

    def find(self, target: LiveSide) -> SecurityGroup | None: ...

    def is_dead(self, group: SecurityGroup, now: float) -> bool: ...

    def remove(self, target: LiveSide, group: SecurityGroup, clock: Clock) -> None: ...


Connect = Callable[[Sequence[Way], Clock], Sequence[Doors]]
"""Resolves the credentials of all sides, one after the other, in the calling thread."""


def _connect(ways: Sequence[Way], clock: Clock) -> Sequence[Doors]:
    from twinwall.cli import live  # noqa: PLC0415 - boto3 is loaded only where a side is live

    return live.connect(ways, clock)


def _engine() -> Engine:
    from twinwall.engine import workflows  # noqa: PLC0415 - not needed by a command that only prints

    module: ModuleType = workflows
    return cast("Engine", module)


@dataclass(frozen=True)
class World:
    clock: Clock = field(default_factory=SystemClock)
    connect: Connect = _connect
    engine: Any = field(default_factory=_engine)
