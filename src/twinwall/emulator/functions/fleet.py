"""All sandboxes of a server: lent out warm where one waits, started where none does, ended when they are old.

A function has as many at once as its reserved concurrency allows, all functions together as many as this machine is
meant to bear; who finds no place is throttled, as on AWS.
"""

import shutil
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from twinwall.emulator.functions.function import Function, Key
from twinwall.emulator.functions.sandbox import Sandbox
from twinwall.emulator.refusal import Refusal

MOST_PROCESSES = 16
"""At once, of all functions of a server. AWS: 1,000 in a Region unless raised, 10 in a new account."""

Prepare = Callable[[Function, str], dict[str, str]]
"""The environment of a new process, which logs to the stream given."""


@dataclass
class Place:
    """A sandbox and what it was started for; ``stream``: of its log."""

    sandbox: Sandbox
    function: Function
    stream: str
    busy: bool = True


class Fleet:
    """``root``: a private directory; ``reserved``: the concurrency of functions that have one of their own."""

    def __init__(self, root: Path, prepare: Prepare, reserved: Mapping[Key, int]) -> None:
        self._root, self._prepare, self._reserved = root, prepare, reserved
        self._places: list[Place] = []
        self._lock = threading.Lock()
        self._starter = ThreadPoolExecutor(1, "twinwall-lambda-starter")
        self._stopped = False

    @contextmanager
    def place(self, function: Function) -> Iterator[Place]:
        """Raises ``Refusal``: throttled."""
        taken = self._take(function)
        try:
            yield taken
        finally:
            self._give_back(taken)

    def _take(self, function: Function) -> Place:
        with self._lock:
            self._check_room(function.key)
            waiting = [place for place in self._places if not place.busy]
            for place in reversed(waiting):
                if place.function == function and place.sandbox.is_alive:
                    place.busy = True
                    return place
            if len(self._places) >= MOST_PROCESSES:
                self._end(waiting[0])
            return self._start(function)

    def _check_room(self, key: Key) -> None:
        if self._stopped:
            raise Refusal("ServiceException", "the embedded AWS is stopping", 500)
        busy = [place for place in self._places if place.busy]
        mine = sum(place.function.key == key for place in busy)
        if mine >= self._reserved.get(key, MOST_PROCESSES):
            raise _throttled("ReservedFunctionConcurrentInvocationLimitExceeded")
        if len(busy) >= MOST_PROCESSES:
            raise _throttled("ConcurrentInvocationLimitExceeded")

    def _start(self, function: Function) -> Place:
        id_ = uuid.uuid4().hex
        variables = self._prepare(function, id_)
        home = self._root / id_
        sandbox = Sandbox(function.handler, function.code.directory, variables, home, self._starter)
        place = Place(sandbox, function, id_)
        self._places.append(place)
        return place

    def _give_back(self, place: Place) -> None:
        with self._lock:
            place.busy = False
            if not place.sandbox.is_alive and place in self._places:
                self._end(place)
            elif place in self._places:  # the one used last is the first to be used again
                self._places.remove(place)
                self._places.append(place)

    def retire(self, key: Key, kept: Function | None = None) -> None:
        """Ends what waits for work of a function that has changed or is gone."""
        with self._lock:
            for place in list(self._places):
                if place.function.key == key and place.function != kept and not place.busy:
                    self._end(place)

    def _end(self, place: Place) -> None:
        place.sandbox.close()
        shutil.rmtree(place.sandbox.home, ignore_errors=True)
        if place in self._places:
            self._places.remove(place)

    def kill(self) -> None:
        """Ends every process; those in use are seen as killed by whoever uses them."""
        with self._lock:
            self._stopped = True
            for place in self._places:
                place.sandbox.end()

    def close(self) -> None:
        """After ``kill``, once nobody invokes any more."""
        with self._lock:
            for place in list(self._places):
                self._end(place)
        self._starter.shutdown()

    def document(self) -> list[dict[str, object]]:
        """Its processes, for the control path."""
        with self._lock:
            return [
                {
                    "function": place.function.key.arn,
                    "pid": place.sandbox.pid,
                    "busy": place.busy,
                    "stream": place.stream,
                }
                for place in self._places
            ]


def _throttled(reason: str) -> Refusal:
    refusal = Refusal("TooManyRequestsException", "Rate Exceeded.", 429)
    refusal.more = {"Reason": reason, "Type": "User"}
    return refusal
