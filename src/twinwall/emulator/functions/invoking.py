"""One invocation: a place in the fleet, its outcome in the API's words, its lines in the log.

START RequestId: … Version: $LATEST        REPORT RequestId: … Duration: … Max Memory Used: … Init Duration: …
END RequestId: …
"""

import json
import math
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from twinwall.emulator.functions.fleet import Fleet, Place
from twinwall.emulator.functions.function import LATEST, Function
from twinwall.emulator.functions.runtime_api import Invocation
from twinwall.emulator.functions.sandbox import OUT_OF_MEMORY, TIMED_OUT, Ending

MOST_ANSWER = 6 * 1024 * 1024
MiB = 1024 * 1024

Keep = Callable[[Function, str, list[str]], None]
"""Stores the lines of an invocation: function, log stream, lines."""


@dataclass(frozen=True)
class Outcome:
    """``error``: empty, ``Unhandled`` where the function failed; ``log``: text of this invocation."""

    id: str
    payload: bytes
    error: str
    log: str


def invoke(
    fleet: Fleet, keep: Keep, function: Function, payload: bytes, id_: str = "", trace: str = ""
) -> Outcome:
    """Raises ``Refusal`` where there is no place."""
    invocation = Invocation(id_ or str(uuid.uuid4()), function.key.arn, payload, trace=trace)
    with fleet.place(function) as place:
        ending = place.sandbox.invoke(invocation, function.timeout, function.memory * MiB)
        return _told(keep, place, invocation.id, ending)


def _told(keep: Keep, place: Place, id_: str, ending: Ending) -> Outcome:
    body, error = _answer(place.function, id_, ending)
    lines = _lines(place.function, id_, ending)
    keep(place.function, place.stream, lines)
    return Outcome(id_, body, error, "\n".join(lines) + "\n")


def _answer(function: Function, id_: str, ending: Ending) -> tuple[bytes, str]:
    if ending.said is not None:
        size = len(ending.said.body)
        if size > MOST_ANSWER:
            most = f"exceeded maximum allowed payload size ({MOST_ANSWER} bytes)."
            why = f"Response payload size ({size} bytes) {most}"
            return _failure("Function.ResponseSizeTooLarge", why), "Unhandled"
        return ending.said.body, "Unhandled" if ending.said.error else ""
    if ending.why == TIMED_OUT:
        why = f"Task timed out after {function.timeout:.2f} seconds"
        return _failure("Sandbox.Timedout", f"RequestId: {id_} Error: {why}"), "Unhandled"
    if ending.why == OUT_OF_MEMORY:
        why = "Runtime exited with error: signal: killed"
        return _failure("Runtime.OutOfMemory", f"RequestId: {id_} Error: {why}"), "Unhandled"
    return _failure("Runtime.ExitError", f"RequestId: {id_} Error: {ending.why}"), "Unhandled"


def _failure(kind: str, message: str) -> bytes:
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()


def _lines(function: Function, id_: str, ending: Ending) -> list[str]:
    lines = [f"START RequestId: {id_} Version: {LATEST}"]
    lines += ending.log.decode("utf-8", "replace").splitlines()
    if ending.why == TIMED_OUT:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
        lines.append(f"{now}Z {id_} Task timed out after {function.timeout:.2f} seconds")
    elif ending.why:
        why = "Runtime exited with error: signal: killed" if ending.why == OUT_OF_MEMORY else ending.why
        lines.append(f"RequestId: {id_} Error: {why}")
    lines.append(f"END RequestId: {id_}")
    lines.append(_report(function, id_, ending))
    return lines


def _report(function: Function, id_: str, ending: Ending) -> str:
    took = ending.seconds * 1000
    used = min(math.ceil(ending.peak / MiB), function.memory)
    parts = [
        f"REPORT RequestId: {id_}",
        f"Duration: {took:.2f} ms",
        f"Billed Duration: {math.ceil(took)} ms",
        f"Memory Size: {function.memory} MB",
        f"Max Memory Used: {used} MB",
    ]
    if ending.init_seconds is not None:
        parts.append(f"Init Duration: {ending.init_seconds * 1000:.2f} ms")
    return "\t".join(parts)
