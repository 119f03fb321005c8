"""Two of everything, taking turns by a seed on a clock of their own: each run the same again.

    sim = Simulation(seed=7)
    aws = MemoryAws(accounts, clock=sim, latency=lambda: sim.random.expovariate(10))
    site = Process("eu-west-1")
    sim.spawn(lambda: handler(event, clock=sim, crew=sim.crew(site)), site)
    sim.run()

One task runs at a time, in one thread, and gives way only where it sleeps or waits: so what calls take decides how
tasks interleave. Nothing may hold a lock while it sleeps. A ``Process`` is a set of tasks that can be killed (they
end where they stand: their next step raises ``Killed``, and so does every door they still knock at) or frozen and
thawed, as a Lambda is between two invocations.
"""

import heapq
import random
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import greenlet

from twinwall.boundary import Ended

START = 1_767_225_600.0
"""2026-01-01 UTC, in seconds since the epoch."""


class Killed(BaseException):
    """The process of this task was killed; nothing that it does counts any more."""


class Stuck(RuntimeError):
    """Every task waits for another one."""


@dataclass(eq=False)
class Process:
    name: str
    killed: bool = False
    frozen: bool = False
    held: "list[Task]" = field(default_factory=list)


@dataclass(eq=False)
class Task:
    job: Callable[[], object]
    process: Process
    fiber: greenlet.greenlet | None = None
    turn: int = 0
    """The number of the one entry of the queue that counts; earlier ones are past."""


class Simulation:
    """``boundary.Clock``; ``crew`` gives ``boundary.Crew``s. Without tasks it is a clock whose time passes only where
    somebody sleeps, and at once; safe to use so from several threads, whose sleeps then follow one another."""

    def __init__(self, seed: int = 0, start: float = START) -> None:
        self.random = random.Random(seed)
        self._start = start
        self._time = 0.0
        self._queue: list[tuple[float, float, int, Task]] = []
        self._turns = 0
        self._parked: dict[Task, None] = {}
        self._running: Task | None = None
        self._hub: greenlet.greenlet | None = None
        self._main = Process("main")
        self._outside = threading.Lock()

    # --- the clock

    def now(self) -> float:
        return self._start + self._time

    def monotonic(self) -> float:
        return self._time

    def sleep(self, seconds: float) -> None:
        """Outside of any task time just passes."""
        if self._running is None:
            with self._outside:
                self._time += max(0.0, seconds)
            return
        self.check()
        self._enqueue(self._running, seconds)
        self._give_way()

    # --- tasks

    def spawn(self, job: Callable[[], object], process: Process | None = None, delay: float = 0.0) -> None:
        """The job's first turn comes ``delay`` seconds from now. What it raises ends ``run``, ``Killed`` apart."""
        self._enqueue(Task(job, process or self._main), delay)

    def crew(self, process: Process | None = None) -> "SimulatedCrew":
        return SimulatedCrew(self, process or self._main)

    def run(self, until: float = float("inf")) -> None:
        """Until nobody has anything left to do, or what is next lies behind ``until`` (monotonic). Raises what a
        task raised, and ``Stuck``."""
        self._hub = greenlet.getcurrent()
        while self._queue and self._queue[0][0] <= until:
            moment, _, turn, task = heapq.heappop(self._queue)
            if turn != task.turn:
                continue
            self._time = max(self._time, moment)
            if task.process.frozen:
                task.process.held.append(task)
            else:
                self._resume(task)
        if self._parked and not self._queue:
            raise Stuck(f"{len(self._parked)} tasks wait for each other")

    def _resume(self, task: Task) -> None:
        if task.fiber is None:
            if task.process.killed:
                return
            task.fiber = greenlet.greenlet(task.job)
        self._running = task
        try:
            task.fiber.throw(Killed) if task.process.killed else task.fiber.switch()
        except Killed:
            pass
        finally:
            self._running = None

    def _enqueue(self, task: Task, delay: float) -> None:
        self._turns += 1
        task.turn = self._turns
        heapq.heappush(self._queue, (self._time + max(0.0, delay), self.random.random(), task.turn, task))

    def _give_way(self) -> None:
        assert self._hub is not None
        self._hub.switch()

    # --- processes

    def check(self) -> None:
        """Doors call it: a killed task goes no further."""
        if self._running is not None and self._running.process.killed:
            raise Killed

    def kill(self, process: Process) -> None:
        """Its tasks end at their next turn; one that kills itself, at its next step."""
        process.killed = True
        for task in [task for task in self._parked if task.process is process]:
            self.wake(task)
        self.thaw(process)

    def freeze(self, process: Process) -> None:
        process.frozen = True

    def thaw(self, process: Process) -> None:
        process.frozen = False
        held, process.held = process.held, []
        for task in held:
            self._enqueue(task, 0.0)

    # --- waiting for each other

    def running(self) -> Task:
        if self._running is None:
            raise RuntimeError("only a task of the simulation can wait")
        return self._running

    def park(self, timeout: float | None = None) -> None:
        """The running task waits until ``wake``, or until ``timeout`` seconds are over."""
        self.check()
        task = self.running()
        if timeout is not None:
            self._enqueue(task, timeout)
        else:
            self._parked[task] = None
        self._give_way()

    def wake(self, task: Task) -> None:
        self._parked.pop(task, None)
        self._enqueue(task, 0.0)


class SimulatedCrew:
    """``boundary.Crew``."""

    def __init__(self, simulation: Simulation, process: Process) -> None:
        self._simulation = simulation
        self._process = process
        self._ended: deque[Ended] = deque()
        self._waiter: Task | None = None

    def start(self, key: int, job: Callable[[], object]) -> None:
        self._simulation.check()
        self._simulation.spawn(lambda: self._run(key, job), self._process)

    def _run(self, key: int, job: Callable[[], object]) -> None:
        try:
            ended = Ended(key, job())
        except Exception as error:  # noqa: BLE001 - told to whoever waits for it
            ended = Ended(key, error=error)
        self._ended.append(ended)
        if self._waiter is not None:
            self._simulation.wake(self._waiter)
            self._waiter = None

    def next(self, timeout: float | None = None) -> Ended | None:
        if not self._ended:
            self._waiter = self._simulation.running()
            self._simulation.park(timeout)
            self._waiter = None
        return self._ended.popleft() if self._ended else None
