"""A world of doubles for the command line: an engine that answers what it is told to, doors that open on
nothing, a clock that stands still. Nothing of ours is patched: the world is passed in."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sample_plans as sample

from twinwall.boundary import Clock, Identity
from twinwall.cli import main
from twinwall.cli.world import Doors, Located, Way, World
from twinwall.engine import comparing
from twinwall.engine.means import Applied, Means
from twinwall.engine.pace import Pace
from twinwall.engine.planned import Planned, Proof
from twinwall.engine.sides import Side
from twinwall.errors import TwinwallError
from twinwall.model.firewall import Endpoint, Snapshot
from twinwall.planning.desired import Desired
from twinwall.planning.findings import Finding
from twinwall.planning.plan import Plan
from twinwall.planning.proof import Compared, VerifyReport
from twinwall.planning.quotas import Quotas
from twinwall.replica.settings import Settings

EQUAL = VerifyReport("equal", Compared(1, 0, 0))
DIFFERENT = VerifyReport("different", Compared(1, 0, 0))
EXISTING = Snapshot("us-east-1", "222222222222")


class StillClock:
    def now(self) -> float:
        return 1_700_000_000.0

    def monotonic(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        return None


@dataclass
class StubAccount:
    way: Way
    one: bool = False

    def identity(self) -> Identity:
        account = "222222222222" if self.way.side == "target" or self.one else "111111111111"
        return Identity(
            account, f"arn:aws:iam::{account}:user/x", self.way.region or "eu-west-1", "http://aws"
        )

    def quotas(self) -> Quotas:
        return Quotas()

    def expires_at(self) -> datetime | None:
        return None


@dataclass
class StubReader:
    groups: list[dict[str, Any]] = field(default_factory=list)

    def find_groups(self, key: str, value: str) -> dict[str, Any]:
        return {"SecurityGroups": self.groups}


@dataclass
class StubEngine:
    """Answers by the target's label. A plan may be an error to raise; ``unproven`` are those of verify."""

    plans: dict[str, Plan | TwinwallError] = field(default_factory=dict)
    report: VerifyReport = EQUAL
    unproven: dict[str, TwinwallError] = field(default_factory=dict)
    proof: VerifyReport = EQUAL
    meanwhile: tuple[Finding, ...] = ()
    on_apply: Callable[[Plan, Any], None] = lambda plan, progress: None
    stale: TwinwallError | None = None
    calls: list[str] = field(default_factory=list)
    seen: list[Any] = field(default_factory=list)
    made: list[Any] = field(default_factory=list)

    def snapshot(self, side: Side, settings: Settings) -> dict[str, Any]:
        self.seen = [side, settings]
        return {"SecurityGroups": [], "Größe": "1"}

    def opened(self, source: Side) -> Side:
        return source

    def plan(self, source: Side, target: Side, settings: Settings) -> Planned:
        self.calls.append(f"plan {target.label}")
        self.seen = [source, target, settings]
        plan = self.plans.get(target.label, sample.small(target.label))
        if isinstance(plan, TwinwallError):
            raise plan
        return Planned(plan, EXISTING)

    def check_lists_agree(self, plans: Sequence[Plan]) -> None:
        self.calls.append("lists")

    def verify(self, source: Side, target: Side, settings: Settings) -> comparing.Compared:
        self.seen = [source, target, settings]
        if target.label in self.unproven:
            raise self.unproven[target.label]
        ends = (Endpoint(side.label) for side in (source, target))
        return comparing.Compared(self.report, *ends, Desired(), EXISTING)

    def check_fresh(self, plan: Plan, target: Side, now: float | None = None) -> Snapshot:
        self.calls.append(f"fresh {plan.target.label}")
        self.seen = [plan, target]
        if self.stale:
            raise self.stale
        return EXISTING

    def begin(self, planned: Planned, journal: Any) -> None:
        return None

    def rated(self, planned: Planned, target: Side) -> Planned:
        return planned

    def acquire(self, target: Side, holder: Any, journal: Any, clock: Clock, own: str = "") -> Any:
        self.calls.append(f"lock {target.label}")
        return self

    id = "sg-lock"

    def keep(self) -> None:
        return None

    def release(self) -> None:
        self.calls.append("unlock")

    def leave(self, target: Side, own: str, clock: Clock) -> None:
        return None

    def apply(self, planned: Planned, target: Side, means: Means) -> Applied:
        plan = planned.plan
        self.made.append((plan.target.label, dict(means.made)))
        means.made["list"] = plan.target.label
        self.calls.append(f"apply {plan.target.label}")
        means.progress("CreateSecurityGroup web", 1, len(plan.changes))
        self.on_apply(plan, means)
        return Applied({"CreateSecurityGroup": 1}, 0.5, 0, {})

    def prove(self, planned: Planned, applied: Applied, target: Side, means: Means) -> Proof:
        self.calls.append(f"prove {planned.plan.target.label}")
        return Proof(self.proof, self.meanwhile)

    def prove_unchanged(self, planned: Planned) -> Proof:
        self.calls.append(f"unchanged {planned.plan.target.label}")
        return Proof(self.proof)


@dataclass
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def line(self) -> str:
        """The one line of an error."""
        lines = [line for line in self.err.splitlines() if line.startswith("twinwall: ")]
        assert len(lines) == 1, self.err
        return lines[0]


@dataclass
class Stage:
    engine: StubEngine
    reader: StubReader
    ways: list[Way]
    located: dict[str, Located]
    capture: Any
    one_account: bool = False

    @property
    def world(self) -> World:
        return World(clock=StillClock(), connect=self.connect, engine=self.engine)

    def connect(self, ways: Sequence[Way], clock: Clock) -> Sequence[Doors]:
        self.ways[:] = ways
        return [
            Doors(
                self.reader,
                None,
                StubAccount(way, self.one_account),
                self.located.__getitem__,
                Pace(clock),
            )
            for way in ways
        ]

    def run(self, *arguments: str) -> Ran:
        self.capture.readouterr()
        code = main.run(arguments, self.world)
        out, err = self.capture.readouterr()
        return Ran(code, out, err)
