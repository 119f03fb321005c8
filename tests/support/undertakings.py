"""A target VPC in memory, and runs of apply, resume and undo on it: tasks of a simulation that can be killed at any
call, on a journal in a real file."""

import itertools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Any

from watched import Watch

from twinwall.boundary import Crew
from twinwall.documents.history import load_history
from twinwall.documents.journal import FileJournal
from twinwall.emulator.faults import Fault, Kind
from twinwall.emulator.memory import MemoryAws
from twinwall.emulator.refusal import Refusal
from twinwall.emulator.simulation import Process, Simulation
from twinwall.emulator.state import Effect, World
from twinwall.engine import proving, replica, turning
from twinwall.engine.lock import Holder, acquire, leave
from twinwall.engine.means import Applied, Means
from twinwall.engine.pace import Paces
from twinwall.engine.planned import Planned
from twinwall.engine.sides import FileSide, LiveSide
from twinwall.errors import TwinwallError
from twinwall.model.throttle import is_read
from twinwall.planning.findings import Finding
from twinwall.planning.order import Route
from twinwall.planning.proof import VerifyReport
from twinwall.replica.settings import Settings

OWNER, REGION = "222222222222", "us-east-1"
Json = dict[str, Any]


class End(Enum):
    """How a process ends at its nth write."""

    BEFORE = "before the call"
    AFTER = "after its answer"
    LOST = "before its answer"
    LATE = "with the call on its way"


class Fatal(MemoryAws):
    """Kills the process that makes the nth write. ``errors`` and ``lost``: how many of a hundred writes fail with an
    error of AWS's own, and how many lose their answer."""

    errors = 0.0
    lost = 0.0
    doomed = ""
    """Of which operation only the writes count that ``doom`` numbers."""
    stale: tuple[float, float] | None = None
    """Until the second moment, reads see what stood at the first (``read_lag`` must reach back to it)."""
    hidden: tuple[frozenset[str], float] = frozenset(), 0.0
    """Ids that no read shows until then."""
    made: frozenset[str] = frozenset()
    """What the doomed write made."""
    silent: tuple[int, Kind] | None = None
    """What befalls the nth write, once."""

    def __init__(self, sim: Simulation, **how: Any) -> None:
        super().__init__((OWNER,), clock=sim, **how)
        self.sim = sim
        self.log: list[str] = []
        self.doom: tuple[int, End, Process] | None = None
        self.written = 0
        self.watch: Watch | None = None
        self.read_at = self.wrote_at = 0.0
        self._call = ""
        self.trouble.add(Fault("NoSuchAction", Kind.LOST))  # so that _trouble is asked

    def _trouble(self, account: str, region: str, action: str, params: Mapping[str, Any]) -> Fault | None:
        if is_read(action):
            return super()._trouble(account, region, action, params)
        if self.silent and params.get("GroupName") != "twinwall-lock":
            self.written += 1
            number, kind = self.silent
            if self.written == number:
                self.silent = None
                return Fault(action, kind, seconds=20)
        drawn = self.sim.random.random() * 100
        if drawn < self.errors:
            return Fault(action, Kind.REFUSED, Refusal("InternalError", "as drawn", 500))
        if drawn < self.errors + self.lost:
            return Fault(action, Kind.LOST)
        return super()._trouble(account, region, action, params)

    def _carry_out(
        self, account: str, region: str, action: str, params: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        self._call = action
        if action == "DescribeSecurityGroups":
            self.read_at = self.sim.monotonic()
        elif not is_read(action):
            self.wrote_at = self.sim.monotonic()
        return super()._carry_out(account, region, action, params)

    def _as_seen(self, region: str) -> World:
        if self.sim.monotonic() < self.hidden[1]:
            return self._without(self.hidden[0])
        if self.stale is None:
            return super()._as_seen(region)
        moment, until = self.stale
        return self.world if self.sim.monotonic() >= until else self.past.world_at(self.world, region, moment)

    def _ids(self) -> frozenset[str]:
        held = self.world.at(OWNER, REGION)
        return frozenset((*held.groups, *held.acls, *held.lists))

    def _without(self, ids: frozenset[str]) -> World:
        held = copy(self.world.at(OWNER, REGION))
        for kind in ("groups", "acls", "lists"):
            shown = {id_: thing for id_, thing in getattr(held, kind).items() if id_ not in ids}
            setattr(held, kind, shown)
        return replace(self.world, holdings=self.world.holdings | {(OWNER, REGION): held})

    def _keep(self, account: str, region: str, effects: Sequence[Effect]) -> None:
        super()._keep(account, region, effects)
        if self.watch is not None and effects:
            self.watch.told(self._call, self.world.at(account, region))

    def request(self, account: str, region: str, action: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        self.sim.check()
        self.log.append(action)
        if self.watch is not None and not is_read(action) and params.get("GroupName") != "twinwall-lock":
            self.watch.writing()
        if is_read(action) or params.get("GroupName") == "twinwall-lock" or not self.doom:
            return super().request(account, region, action, params)
        if self.doomed not in ("", action):
            return super().request(account, region, action, params)
        self.written += 1
        number, end, process = self.doom
        if self.written != number:
            return super().request(account, region, action, params)
        if end is End.BEFORE:
            self.sim.kill(process)
            self.sim.check()
        if end is End.LATE:
            self.late.add(self.sim.monotonic() + 20, (account, region, action, params))
            self.sim.kill(process)
            self.sim.check()
        before = self._ids()
        answer = super().request(account, region, action, params)
        self.made = frozenset(id_ for id_ in self._ids() - before if id_ in str(answer))
        if end is End.LOST:
            self.sim.kill(process)
            self.sim.check()
        self.sim.spawn(lambda: self.sim.kill(process))
        return answer


@dataclass
class Ran:
    """How a run ended: what it gave, or the error. Neither where it was killed. ``calls``: by operation. ``told``: what
    it said that it waits for."""

    planned: Planned | None = None
    applied: Applied | None = None
    report: VerifyReport | None = None
    meanwhile: tuple[Finding, ...] = ()
    error: TwinwallError | None = None
    calls: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    told: list[str] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        return self.report is not None or self.error is not None

    @property
    def reads(self) -> int:
        return sum(count for action, count in self.calls.items() if is_read(action))

    @property
    def writes(self) -> int:
        return sum(count for action, count in self.calls.items() if not is_read(action))


@dataclass
class Scene:
    """``settle``, ``late``: as of the command line. ``lock``: whether runs take it. ``mutant``: what becomes of a
    plan's route before it is carried out. ``made``: lists that other targets of the run have made."""

    sim: Simulation
    aws: Fatal
    vpc: str
    folder: Path
    settle: float = 5.0
    late: float = 35.0
    lock: bool = True
    mutant: Callable[[Route], Route] = lambda route: route
    made: dict[str, str] = field(default_factory=dict)
    names: Any = field(default_factory=itertools.count)

    @classmethod
    def make(cls, folder: Path, target: Json, seed: int = 0, **how: Any) -> "Scene":
        sim = Simulation(seed)
        how.setdefault("latency", lambda: 0.01 + 0.05 * sim.random.random())
        how.setdefault("patience", 30.0)
        aws = Fatal(sim, seed=seed, **how)
        (vpc,) = aws.load(OWNER, REGION, target)
        return cls(sim, aws, vpc, folder)

    def side(self, role: str = "target") -> LiveSide:
        doors = self.aws.doors(OWNER, REGION, role)
        pace = Paces(self.sim).of(OWNER, REGION)
        return LiveSide(self.vpc, self.vpc, doors.reader, doors.account, doors.writer, pace)

    def everything(self) -> Json:
        """The firewall as it stands, read past all lag and trouble."""
        held = self.aws.world.holdings[OWNER, REGION]
        return {
            "groups": {group.group_name: group for group in held.groups.values() if group.vpc_id == self.vpc},
            "acls": {acl.network_acl_id: acl for acl in held.acls.values() if acl.vpc_id == self.vpc},
            "lists": {id_: (item.becomes or item.value) for id_, item in held.lists.items()},
        }

    # --- runs

    def run(
        self, job: Callable[[Ran, Crew], None], process: Process | None = None, *, until_quiet: bool = True
    ) -> Ran:
        """One run alone, to its end."""
        ran = self.start(job, process)
        if until_quiet:
            self.sim.run()
        return ran

    def start(
        self, job: Callable[[Ran, Crew], None], process: Process | None = None, delay: float = 0.0
    ) -> Ran:
        process = process or Process(f"run-{next(self.names)}")
        ran = Ran()

        def go() -> None:
            began, calls = self.sim.monotonic(), Counter(self.aws.log)
            try:
                job(ran, self.sim.crew(process))
            except TwinwallError as error:
                ran.error = error
            ran.calls = Counter(self.aws.log) - calls
            ran.seconds = self.sim.monotonic() - began

        self.sim.spawn(go, process, delay)
        return ran

    def applying(
        self, source: Json, settings: Settings, journal: Path, vpc: str | None = None
    ) -> Callable[[Ran, Crew], None]:
        def job(ran: Ran, crew: Crew) -> None:
            side = self.side()
            planned = replica.plan(FileSide("source", source, vpc), side, settings)
            self.carry(ran, planned, side, journal, crew)

        return job

    def resuming(self, journal: Path) -> Callable[[Ran, Crew], None]:
        def job(ran: Ran, crew: Crew) -> None:
            side, history = self.side(), load_history(journal)
            planned = turning.resume(history, side, self.sim, self.late, ran.told.append)
            self.carry(ran, planned, side, journal, crew, own=planned.history.lock_id)

        return job

    def undoing(self, journal: Path, new: Path) -> Callable[[Ran, Crew], None]:
        def job(ran: Ran, crew: Crew) -> None:
            side, history = self.side(), load_history(journal)
            planned = turning.undo(history, side, self.sim, self.late, journal.name, ran.told.append)
            self.carry(ran, planned, side, new, crew, own=planned.history.lock_id)

        return job

    def carry(
        self, ran: Ran, planned: Planned, side: LiveSide, path: Path, crew: Crew, own: str = ""
    ) -> None:
        planned = replace(planned, plan=replace(planned.plan, route=self.mutant(planned.plan.route)))
        ran.planned = planned
        if planned.plan.empty:
            leave(side, own, self.sim)
            ran.applied, ran.report = Applied({}, 0.0, 0), proving.prove_unchanged(planned).report
            return
        journal = FileJournal(path, self.sim)
        try:
            held = None
            replica.begin(planned, journal)
            if self.lock:
                holder = Holder("test", str(path), f"{path}-{next(self.names)}")
                held = acquire(side, holder, journal, self.sim, own)
            means = Means(
                journal,
                self.sim,
                crew,
                side.pace,
                settle=self.settle,
                late=self.late,
                made=self.made,
                alive=held.keep if held else lambda: None,
            )
            try:
                ran.applied = replica.apply(planned, side, means)
                proof = proving.prove(planned, ran.applied, side, means)
                ran.report, ran.meanwhile = proof.report, proof.meanwhile
            finally:
                if held and not self.dead(crew):
                    held.release()
                    journal.record("unlocked", {"id": held.id})
        finally:
            journal.close()

    def dead(self, crew: Any) -> bool:
        return crew._process.killed


def equal_but_for_ids(one: Json, other: Json) -> list[str]:
    """What differs between two firewalls of a VPC, ids and rule ids aside."""
    left, right = told(one), told(other)
    return [
        f"{key}: {left.get(key)} | {right.get(key)}"
        for key in sorted({*left, *right})
        if left.get(key) != right.get(key)
    ]


def told(state: Json) -> dict[str, Any]:
    names = {group.group_id: name for name, group in state["groups"].items()}
    names |= {id_: item.name for id_, item in state["lists"].items()}
    found: dict[str, Any] = {}
    for name, group in state["groups"].items():
        rules = sorted(
            (
                rule.direction.value,
                str(rule.traffic),
                names.get(str(rule.peer), str(rule.peer)),
                rule.description,
            )
            for rule in group.rules
        )
        found[f"group {name}"] = (rules, group.tags, group.description)
    for acl in state["acls"].values():
        subnets = sorted(a.subnet_id for a in acl.associations)
        entries = sorted(map(str, acl.entries))
        found[f"acl {acl.name} {acl.is_default} {subnets}"] = (entries, acl.tags)
    for item in state["lists"].values():
        found[f"list {item.name}"] = (sorted(map(str, item.entries or ())), item.max_entries, item.tags)
    return found
