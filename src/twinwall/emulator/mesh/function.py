"""One node's function: its environments, its queue with the event source mapping, its stream, its schedule.

message ─▶ window ─▶ at most two invocations of a batch each ─▶ what failed comes again when its time is over
stream  ─▶ one invocation after the other, in order, again until it succeeds
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from twinwall.emulator.mesh.wire import Environment
from twinwall.emulator.simulation import Process
from twinwall.errors import TwinwallError

if TYPE_CHECKING:
    from twinwall.emulator.mesh.world import World

WINDOW, BATCH, AT_ONCE = 1.0, 1000, 2
VISIBILITY, MOST_RECEIVES = 30.0, 40
TIME_LIMIT = 30.0
"""Of an invocation; then the environment is killed."""


@dataclass(eq=False)
class Message:
    id: str
    body: str
    visible_at: float = 0.0
    receives: int = 0


@dataclass
class Queue:
    function: "Function"
    messages: dict[str, Message] = field(default_factory=dict)
    running: int = 0
    dead: list[Message] = field(default_factory=list)

    def put(self, event: dict[str, Any]) -> None:
        self.function.count += 1
        message = Message(f"m-{self.function.node}-{self.function.count}", json.dumps(event))
        self.messages[message.id] = message
        self.function.later(WINDOW, self.poll)

    def hide(self, receipts: Sequence[str], seconds: float) -> None:
        for receipt in receipts:
            message = self.messages.get(receipt)
            if message is not None:
                message.visible_at = self.function.now() + seconds
                self.function.later(seconds, self.poll)

    def poll(self) -> None:
        now = self.function.now()
        ready = [m for m in self.messages.values() if m.visible_at <= now + 1e-6][:BATCH]
        if not ready or self.running >= AT_ONCE:
            return
        for message in ready:
            message.receives += 1
            message.visible_at = now + VISIBILITY
            if message.receives > MOST_RECEIVES:
                self.dead.append(self.messages.pop(message.id))
        self.function.later(VISIBILITY, self.poll)
        self.running += 1
        records = [
            {"eventSource": "aws:sqs", "messageId": m.id, "receiptHandle": m.id, "body": m.body}
            for m in ready
        ]
        self.function.invoke({"Records": records}, lambda answer: self._ended(ready, answer))

    def _ended(self, given: list[Message], answer: Any) -> None:
        self.running -= 1
        if isinstance(answer, dict):
            failed = {item["itemIdentifier"] for item in answer["batchItemFailures"]}
            for message in given:
                if message.id not in failed:
                    self.messages.pop(message.id, None)
        if self.messages:
            self.function.later(0.0, self.poll)


@dataclass
class Stream:
    function: "Function"
    records: list[dict[str, Any]] = field(default_factory=list)
    is_running: bool = False
    tries: int = 0

    def put(self) -> None:
        self.function.count += 1
        number = f"s-{self.function.count}"
        self.records.append(
            {"eventSource": "aws:dynamodb", "eventID": number, "dynamodb": {"SequenceNumber": number}}
        )
        self.function.later(self.function.soon(), self.poll)

    def poll(self) -> None:
        if self.is_running or not self.records:
            return
        self.is_running, given = True, self.records[:BATCH]
        self.function.invoke({"Records": given}, lambda answer: self._ended(given, answer))

    def _ended(self, given: list[dict[str, Any]], answer: Any) -> None:
        self.is_running = False
        if isinstance(answer, dict) and not answer["batchItemFailures"]:
            del self.records[: len(given)]
            self.tries = 0
        else:
            self.tries += 1
        if self.records:
            self.function.later(min(30.0, 0.5 * 2**self.tries) if self.tries else 0.0, self.poll)


def _unheeded(_answer: Any) -> None:
    """A schedule's invocation that failed comes again with the next one."""


class Function:
    def __init__(self, world: "World", node: str) -> None:
        self._world, self.node, self.count = world, node, 0
        self.queue, self.stream = Queue(self), Stream(self)
        self._idle: list[Environment] = []
        self._endings: dict[Environment, Callable[[Any], None]] = {}
        self._outside = Process(f"lambda {node}")

    def now(self) -> float:
        return self._world.sim.monotonic()

    def later(self, seconds: float, job: Callable[[], None]) -> None:
        self._world.sim.spawn(job, self._outside, seconds)

    def soon(self) -> float:
        return self._world.sim.random.uniform(0.02, 0.3)

    @property
    def is_busy(self) -> bool:
        return bool(self._endings or self.queue.messages or self.stream.records)

    def true_up(self) -> None:
        self.invoke({"detail-type": "Scheduled Event", "id": "schedule"}, _unheeded)

    def invoke(self, event: Any, done: Callable[[Any], None]) -> None:
        """``done`` gets the answer, the error, or None where the environment was killed."""
        sim, env = self._world.sim, self._environment()
        self._endings[env] = done
        env.notes.clear()
        ends = object()
        env.notes["invocation"] = ends

        def job() -> None:
            answer: Any
            try:
                answer = self._world.handler(event, self._world.around(env))
            except TwinwallError as error:
                answer = error
            self._world.watch.ended(env, answer)
            self._end(env, answer)
            self._idle.append(env)
            sim.freeze(env.process)

        def out_of_time() -> None:
            if env in self._endings and env.notes.get("invocation") is ends:
                self.kill(env)

        sim.thaw(env.process)
        sim.spawn(job, env.process)
        sim.spawn(out_of_time, self._outside, TIME_LIMIT)

    def _environment(self) -> Environment:
        if self._idle:
            return self._idle.pop()
        self.count += 1
        clock = self._world.sim.random.uniform(-1, 1) * self._world.weather.skew
        return Environment(
            self.node, Process(f"{self.node}#{self.count}"), 0.0 if self._world.quiet else clock
        )

    def _end(self, env: Environment, answer: Any) -> None:
        done = self._endings.pop(env, None)
        if done is not None:
            done(answer)

    def kill(self, env: Environment) -> None:
        self._world.trace(f"{env.process.name} is killed")
        self._world.sim.kill(env.process)
        self._end(env, None)

    def reap(self) -> None:
        """Idle environments go, as they do after a while."""
        for env in self._idle:
            self._world.sim.kill(env.process)
        self._idle.clear()
