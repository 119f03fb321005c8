"""The way of one call from a function to a service and back: it takes time, and trouble may befall it.

The service does its work in one step, when the call arrives. ``watch`` hears of it in the same step.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

from twinwall.emulator.mesh.weather import Trouble, Weather
from twinwall.emulator.refusal import Refusal
from twinwall.emulator.simulation import Process, Simulation
from twinwall.errors import OutcomeUnknown, Throttled, Unavailable

T = TypeVar("T")


@dataclass(eq=False)
class Environment:
    """One of a function's, used for one invocation after the other. ``clock``: by how much its clock is ahead."""

    node: str
    process: Process
    clock: float = 0.0
    notes: dict[str, object] = field(default_factory=dict)
    """What ``watch`` keeps of the invocation that runs."""


@dataclass
class Wire:
    sim: Simulation
    weather: Weather
    killed: Callable[[Environment], None]
    trace: Callable[[str], None]
    count: int = 0
    by_action: dict[str, int] = field(default_factory=dict)
    on_their_way: dict[Environment, int] = field(default_factory=dict)
    cuts: set[tuple[str, str]] = field(default_factory=set)
    """(from, to): nothing gets through that way. Nodes by name."""

    def __post_init__(self) -> None:
        self._beyond = Process("beyond")

    def call(
        self, env: Environment, to: str, action: str, within: float, mutation: bool, serve: Callable[[], T]
    ) -> T:
        self.sim.check()
        self.on_their_way[env] = self.on_their_way.get(env, 0) + 1
        try:
            return self._carry(env, to, action, within, mutation, serve)
        finally:
            self.on_their_way[env] -= 1

    def _carry(
        self, env: Environment, to: str, action: str, within: float, mutation: bool, serve: Callable[[], T]
    ) -> T:
        sim = self.sim
        self.count += 1
        self.by_action[action] = self.by_action.get(action, 0) + 1
        trouble = self.weather.call(self.count)
        self.trace(f"{env.process.name} {action} @{to}" + (f"  !{trouble.kind}" if trouble else ""))
        if (env.node, to) in self.cuts:
            sim.sleep(within)
            raise Unavailable(f"{action}: {to} cannot be reached")
        one_way = sim.random.uniform(0.002, 0.03) + (0.03 if env.node != to else 0.0)
        if self.weather.hiccups and not self.weather.over and sim.random.random() < self.weather.hiccups:
            one_way += sim.random.uniform(0.1, 1.2)
        if trouble is not None:
            self._befall(env, trouble, action, within, mutation, one_way, serve)
        sim.sleep(one_way)
        answer = serve()
        if (to, env.node) in self.cuts or (trouble and trouble.kind == "lost"):
            self._silence(action, within - one_way, mutation)
        if trouble and trouble.kind == "slow" and trouble.seconds + 2 * one_way > within:
            self._silence(action, within - one_way, mutation)
        if trouble and trouble.kind == "crash-after":
            self.killed(env)
        sim.sleep(one_way + (trouble.seconds if trouble and trouble.kind == "slow" else 0.0))
        return answer

    def _befall(
        self,
        env: Environment,
        trouble: Trouble,
        action: str,
        within: float,
        mutation: bool,
        one_way: float,
        serve: Callable[[], object],
    ) -> None:
        """What befalls a call before it arrives."""
        match trouble.kind:
            case "unsent":
                self.sim.sleep(min(1.0, within))
                raise Unavailable(f"{action}: no connection")
            case "cut":
                self._silence(action, within, mutation)
            case "late":
                self.sim.spawn(lambda: self._arrive(serve), self._beyond, one_way + trouble.seconds)
                self._silence(action, within, mutation)
            case "throttled":
                self.sim.sleep(2 * one_way)
                raise Throttled(f"{action}: fewer calls, please", code="RequestLimitExceeded")
            case "crash-before":
                self.killed(env)
            case "freeze":
                self.sim.freeze(env.process)
                self.sim.spawn(lambda: self.sim.thaw(env.process), self._beyond, trouble.seconds)
            case _:
                pass

    def _arrive(self, serve: Callable[[], object]) -> None:
        with suppress(Refusal, Throttled, Unavailable):  # nobody is there any more to hear it
            serve()

    def _silence(self, action: str, within: float, mutation: bool) -> None:
        self.sim.sleep(max(0.0, within))
        if mutation:
            raise OutcomeUnknown(f"{action}: no answer")
        raise Unavailable(f"{action}: no answer")
