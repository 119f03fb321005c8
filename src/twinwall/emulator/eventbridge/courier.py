"""Hands a payload to its target: tried again while that makes sense, then to the dead-letter queue.

Faults that were asked for befall deliveries as they befall calls; a delivery's action is ``DeliverToSqs``,
``DeliverToLambda``, ``DeliverToEvents`` (the service of the target), its account and Region are the target's.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from twinwall.emulator.delivery import Deliveries, parse_arn
from twinwall.emulator.faults import Fault, Kind, Trouble
from twinwall.emulator.pace import Pace
from twinwall.emulator.refusal import Refusal

LOG = logging.getLogger("twinwall.emulator")

ATTEMPTS, AGE = 185, 86_400
"""A retry policy that says nothing (aws-facts 6.1)."""
LONGEST_PAUSE = 600.0
"""Seconds between two tries; AWS backs off exponentially with jitter and gives no figures."""


@dataclass(frozen=True)
class Parcel:
    """``original``: what a dead-letter queue gets. ``labels``: its message attributes besides the error's.
    ``age``: seconds after which nothing is tried any more."""

    target_arn: str
    payload: bytes
    source_arn: str
    original: bytes = b""
    message_group: str = ""
    retries: int = ATTEMPTS
    age: int = AGE
    dead_letter_arn: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    check: Callable[[], object] = lambda: None
    """Before each try; raises ``Refusal``."""

    @classmethod
    def to(cls, target: Mapping[str, Any], payload: bytes, source_arn: str, **rest: Any) -> "Parcel":
        """``target``: of a rule or a schedule, whose RetryPolicy, DeadLetterConfig and SqsParameters are alike."""
        policy = target.get("RetryPolicy") or {}
        return cls(
            target["Arn"],
            payload,
            source_arn,
            message_group=(target.get("SqsParameters") or {}).get("MessageGroupId", ""),
            retries=policy.get("MaximumRetryAttempts", ATTEMPTS),
            age=policy.get("MaximumEventAgeInSeconds", AGE),
            dead_letter_arn=(target.get("DeadLetterConfig") or {}).get("Arn", ""),
            **rest,
        )


class Queue(Protocol):
    """What only queues take: a message group, attributes."""

    def send(
        self, arn: str, body: str, source_arn: str, *, group: str = "", attributes: Mapping[str, str] = ...
    ) -> None: ...


class Courier:
    def __init__(self, deliveries: Deliveries, queues: Queue, pace: Pace, trouble: Trouble) -> None:
        self._deliveries = deliveries
        self._queues = queues
        self._pace = pace
        self._trouble = trouble

    def send(self, parcel: Parcel) -> None:
        """At once, after what was sent before."""
        born = self._pace.time.monotonic()
        self._pace.later(0, lambda: self._try(parcel, 0, born))

    def _try(self, parcel: Parcel, retried: int, born: float) -> None:
        try:
            self._attempt(parcel)
        except Refusal as refusal:
            self._failed(parcel, refusal, retried, born)

    def _attempt(self, parcel: Parcel) -> None:
        fault = self._fault(parcel)
        if fault is None:
            self._hand_over(parcel)
            return
        match fault.kind:
            case Kind.REFUSED:
                raise fault.refusal or Refusal("InternalError", "as asked for", 500)
            case Kind.UNSENT | Kind.CUT:
                raise Refusal("ConnectionFailure", "no answer from the target, as asked for", 503)
            case Kind.LOST:
                self._hand_over(parcel)
                raise Refusal("ConnectionFailure", "the target's answer was lost, as asked for", 503)
            case Kind.LATE | Kind.SLOW:
                self._pace.later(fault.seconds, lambda: self._hand_over(parcel))
            case Kind.TWICE:
                self._hand_over(parcel)
                self._pace.later(fault.seconds, lambda: self._hand_over(parcel))
            case Kind.NEVER:
                LOG.info(
                    "a delivery from %s to %s is lost, as asked for", parcel.source_arn, parcel.target_arn
                )

    def _fault(self, parcel: Parcel) -> Fault | None:
        arn = parse_arn(parcel.target_arn)
        if arn is None:
            return None
        action = f"DeliverTo{arn.service.capitalize()}"
        text = parcel.payload.decode("utf-8", "replace")
        return self._trouble.next(arn.account, arn.region, action, lambda: text)

    def _hand_over(self, parcel: Parcel) -> None:
        parcel.check()
        if parcel.message_group:
            body = parcel.payload.decode()
            self._queues.send(parcel.target_arn, body, parcel.source_arn, group=parcel.message_group)
        else:
            self._deliveries.deliver(parcel.target_arn, parcel.payload, parcel.source_arn)

    # --- when it fails

    def _failed(self, parcel: Parcel, refusal: Refusal, retried: int, born: float) -> None:
        pause = min(2.0**retried, LONGEST_PAUSE)
        left = parcel.age - (self._pace.time.monotonic() - born)
        exhausted = ""
        if retried >= parcel.retries:
            exhausted = "MaximumRetryAttempts"
        elif left < pause:
            exhausted = "MaximumEventAgeInSeconds"
        if _is_worth_another_try(refusal) and not exhausted:
            self._pace.later(pause, lambda: self._try(parcel, retried + 1, born))
            return
        if not _is_worth_another_try(refusal):
            exhausted = ""
        LOG.warning("%s to %s was not delivered: %s", parcel.source_arn, parcel.target_arn, refusal)
        self._bury(parcel, refusal, retried, exhausted)

    def _bury(self, parcel: Parcel, refusal: Refusal, retried: int, exhausted: str) -> None:
        """Into the dead-letter queue, if there is one that takes it; else it is dropped."""
        if not parcel.dead_letter_arn:
            return
        attributes = {
            **parcel.labels,
            "TARGET_ARN": parcel.target_arn,
            "ERROR_CODE": error_code(refusal),
            "ERROR_MESSAGE": refusal.message,
            "RETRY_ATTEMPTS": str(retried),
            **({"EXHAUSTED_RETRY_CONDITION": exhausted} if exhausted else {}),
        }
        body = (parcel.original or parcel.payload).decode()
        try:
            self._queues.send(parcel.dead_letter_arn, body, parcel.source_arn, attributes=attributes)
        except Refusal as refused:
            LOG.warning("the dead-letter queue %s takes nothing: %s", parcel.dead_letter_arn, refused)


def _is_worth_another_try(refusal: Refusal) -> bool:
    return refusal.status >= 500 or refusal.status == 429


def error_code(refusal: Refusal) -> str:
    """As EventBridge names it to a dead-letter queue (user guide: "Using dead-letter queues")."""
    if refusal.code.endswith("HOP_DETECTED"):
        return refusal.code
    for word, code in _CODES:
        if word in refusal.code:
            return code
    return "ERROR_FROM_TARGET"


_CODES = (
    ("AccessDenied", "NO_PERMISSIONS"),
    ("AssumeRole", "FAILED_TO_ASSUME_ROLE"),
    ("NotFound", "NO_RESOURCE"),
    ("NonExistent", "NO_RESOURCE"),
    ("DoesNotExist", "NO_RESOURCE"),
    ("TooManyRequests", "THROTTLING"),
    ("Throttl", "THROTTLING"),
    ("LimitExceeded", "THROTTLING"),
    ("ConnectionFailure", "CONNECTION_FAILURE"),
    ("InvalidParameter", "INVALID_PARAMETER"),
    ("Internal", "INTERNAL_ERROR"),
)
