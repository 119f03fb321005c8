"""Events that wait for their function: asynchronous invocations (aws-facts 6.2, LAM invocation-async-error-handling).

in line ─ function ─┬─ done ───────────────────────────── on-success destination
                    ├─ failed ─ again after 1 min, 2 min ─┬─ dead-letter queue, on-failure destination
                    └─ no place ─ again after 1 s … 5 min ┘   (tries used up, or too old)
"""

import json
import logging
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from twinwall.emulator.functions.function import LATEST, Function, InvokeConfig, Key
from twinwall.emulator.functions.invoking import Outcome
from twinwall.emulator.pace import Pace
from twinwall.emulator.refusal import Refusal

LOG = logging.getLogger("twinwall.emulator")
WORKERS = 16
_FAILED_WAITS = (60.0, 120.0)
"""Seconds before the first and the second new try of an event whose function failed."""
_MOST_WAIT = 300.0


@dataclass(frozen=True)
class Event:
    """``tries``: that the function failed; ``put_off``: that it had no place. ``since``: of the pace's clock."""

    key: Key
    payload: bytes
    id: str
    since: float
    tries: int = 0
    put_off: int = 0


@dataclass(frozen=True)
class Doors:
    """What the line needs of Lambda: the function (None: gone) with its configuration, an invocation, and a message
    (target, body, attributes) in the name of the function's role."""

    find: Callable[[Key], tuple[Function, InvokeConfig] | None]
    invoke: Callable[[Function, bytes, str], Outcome]
    send: Callable[[Function, str, str, Mapping[str, str]], None]


class Line:
    def __init__(self, doors: Doors, pace: Pace) -> None:
        self._doors, self._pace = doors, pace
        self._workers = ThreadPoolExecutor(WORKERS, "twinwall-lambda-event")
        self._stopped = threading.Event()

    def add(self, key: Key, payload: bytes, id_: str = "") -> str:
        """Returns the request's id at once."""
        event = Event(key, payload, id_ or str(uuid.uuid4()), self._pace.time.monotonic())
        self._queue(event)
        return event.id

    def _queue(self, event: Event) -> None:
        if not self._stopped.is_set():
            self._workers.submit(self._try, event)

    def stop(self) -> None:
        """What has not begun never will; waits for what has."""
        self._stopped.set()
        self._workers.shutdown(cancel_futures=True)

    def _try(self, event: Event) -> None:
        try:
            self._attempt(event)
        except Exception:
            LOG.exception("%s: an event could not be handed over", event.key.arn)

    def _attempt(self, event: Event) -> None:
        found = self._doors.find(event.key)
        if found is None or self._stopped.is_set():
            return
        function, config = found
        if self._pace.time.monotonic() - event.since > config.event_age:
            self._give_up(function, config, event, None, "EventAgeExceeded")
            return
        try:
            outcome = self._doors.invoke(function, event.payload, event.id)
        except Refusal:
            self._again(replace(event, put_off=event.put_off + 1), min(2.0**event.put_off, _MOST_WAIT))
            return
        self._after(function, config, event, outcome)

    def _after(self, function: Function, config: InvokeConfig, event: Event, outcome: Outcome) -> None:
        if self._stopped.is_set():
            return
        if not outcome.error:
            if config.on_success:
                self._report(function, config.on_success, event, outcome, "Success")
        elif event.tries >= config.retries:
            self._give_up(function, config, event, outcome, "RetriesExhausted")
        else:
            self._again(replace(event, tries=event.tries + 1), _FAILED_WAITS[event.tries])

    def _again(self, event: Event, seconds: float) -> None:
        if not self._stopped.is_set():
            self._pace.later(seconds, lambda: self._queue(event))

    def _give_up(
        self, function: Function, config: InvokeConfig, event: Event, outcome: Outcome | None, why: str
    ) -> None:
        if function.dead_letter:
            told = {"RequestID": event.id, "ErrorCode": "200", "ErrorMessage": _message(outcome)[:1024]}
            self._doors.send(function, function.dead_letter, event.payload.decode(), told)
        if config.on_failure:
            self._report(function, config.on_failure, event, outcome, why)

    def _report(
        self, function: Function, target: str, event: Event, outcome: Outcome | None, condition: str
    ) -> None:
        record = _record(event, outcome, condition)
        self._doors.send(function, target, json.dumps(record), {})


def _record(event: Event, outcome: Outcome | None, condition: str) -> dict[str, Any]:
    """An invocation record (LAM invocation-async-retain-records)."""
    record: dict[str, Any] = {
        "version": "1.0",
        "timestamp": datetime.fromtimestamp(time.time(), UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
        "requestContext": {
            "requestId": event.id,
            "functionArn": f"{event.key.arn}:{LATEST}",
            "condition": condition,
            "approximateInvokeCount": event.tries + (outcome is not None),
        },
        "requestPayload": _read(event.payload),
    }
    if outcome is not None:
        context: dict[str, Any] = {"statusCode": 200, "executedVersion": LATEST}
        if outcome.error:
            context["functionError"] = outcome.error
        record |= {"responseContext": context, "responsePayload": _read(outcome.payload)}
    return record


def _read(payload: bytes) -> Any:
    try:
        return json.loads(payload or b"null")
    except ValueError:
        return payload.decode("utf-8", "replace")


def _message(outcome: Outcome | None) -> str:
    said = _read(outcome.payload) if outcome else None
    return str(said.get("errorMessage", "")) if isinstance(said, dict) else ""
