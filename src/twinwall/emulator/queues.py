"""SQS: moto's queues, on the server's clock, each account's own, and as receivers of deliveries.

moto counts visibility and delay in real seconds and finds a queue by its name alone; here both run at the pace of
the server, a URL names its owner too, and nobody else comes in whom the queue's policy does not let in.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode, urlsplit

from moto.core.exceptions import ServiceException
from moto.sqs.models import Message, Queue, sqs_backends

from twinwall.emulator import wire
from twinwall.emulator.clock import ScaledTime
from twinwall.emulator.delivery import Arn, parse_arn
from twinwall.emulator.http import Request, Response
from twinwall.emulator.policies import Caller, admits, service_caller
from twinwall.emulator.queue_clock import QueueClock
from twinwall.emulator.refusal import Refusal
from twinwall.emulator.visit import Visit

SERVICE = "sqs"
_GLANCE = 0.05
"""Real seconds between two looks of a long poll: hidden messages come back without a sound."""

Answer = Callable[[Request, str], Response]


@dataclass(frozen=True)
class Received:
    """``attributes``: system attributes; ``message_attributes``: as the API has them."""

    id: str
    handle: str
    body: str
    md5: str
    attributes: Mapping[str, str]
    message_attributes: Mapping[str, Any]


class Queues:
    """``answer``: moto's, for a request on an account's behalf. ``strict``: a queue without any policy lets no
    service of AWS in (``Switches.deliveries_need_permission``)."""

    def __init__(self, answer: Answer, time: ScaledTime, strict: Callable[[], bool]) -> None:
        self._answer = answer
        self._time = time
        self._strict = strict
        self._lock = threading.RLock()
        self._arrived = threading.Condition(self._lock)
        self._clock = QueueClock(time)
        self._stopped = False

    def stop(self) -> None:
        """No poll waits any longer."""
        with self._arrived:
            self._stopped = True
            self._arrived.notify_all()

    # --- the room

    def __call__(self, visit: Visit) -> Response:
        params = wire.parse(SERVICE, visit.action, visit.request, visit.protocol)
        url = params.get("QueueUrl") or (visit.request.path if visit.protocol == "query" else "")
        owner = _owner_of(url) or visit.account
        if owner != visit.account:
            self._let_in(visit, owner, url)
        if visit.action == "ReceiveMessage":
            return self._receive(visit, owner, params)
        return self._once(visit.request, owner, visit.region)

    def _once(self, request: Request, owner: str, region: str) -> Response:
        with self._touching(owner, region):
            return self._answer(request, owner)

    def _receive(self, visit: Visit, owner: str, params: Mapping[str, Any]) -> Response:
        """A long poll waits here, not in moto, and holds nobody up."""
        wait = params.get("WaitTimeSeconds")
        queue = self._find(owner, visit.region, str(params["QueueUrl"]).rpartition("/")[2])
        if wait is None and queue is not None:
            wait = queue.receive_message_wait_time_seconds  # type: ignore[attr-defined]
        if queue is not None and 0 < (wait or 0) <= 20:
            self._wait(queue, float(wait or 0))
            return self._once(_without_wait(visit), owner, visit.region)
        return self._once(visit.request, owner, visit.region)

    def _let_in(self, visit: Visit, owner: str, url: str) -> None:
        name = url.rpartition("/")[2]
        queue = self._find(owner, visit.region, name)
        arn = f"arn:aws:sqs:{visit.region}:{owner}:{name}"
        if queue is None or not admits(queue.policy, Caller(visit.account), f"sqs:{visit.action}", arn):
            raise Refusal("AccessDenied", f"Access to the resource {url} is denied.", 403)

    # --- from within

    def deliver(self, arn: str, payload: bytes, source_arn: str) -> None:
        """``Receiver``."""
        self.send(arn, payload.decode(), source_arn)

    def send(
        self,
        arn: str,
        body: str,
        source_arn: str,
        *,
        group: str = "",
        attributes: Mapping[str, str] | None = None,
    ) -> None:
        """``attributes``: message attributes, all strings. Raises ``Refusal``."""
        queue, at = self._at(arn)
        self._admit(queue, at, source_arn)
        named = {
            name: {"DataType": "String", "StringValue": text} for name, text in (attributes or {}).items()
        }
        with self._touching(at.account, at.region):
            backend = sqs_backends[at.account][at.region]
            backend.send_message(queue.name, body, message_attributes=named, group_id=group or None)

    def receive(self, arn: str, count: int, visibility: int | None = None) -> list[Received]:
        """At most ``count``, hidden from others for ``visibility`` seconds (the queue's own unless given)."""
        queue, at = self._at(arn)
        with self._touching(at.account, at.region):
            hidden = queue.visibility_timeout if visibility is None else visibility  # type: ignore[attr-defined]
            found = sqs_backends[at.account][at.region].receive_message(queue.name, count, 0, hidden, ["All"])
            return [_received(message) for message in found]

    def delete(self, arn: str, handles: list[str]) -> None:
        queue, at = self._at(arn)
        with self._touching(at.account, at.region):
            for handle in handles:
                queue.delete_message(handle)

    def change_visibility(self, arn: str, handle: str, seconds: int) -> None:
        queue, at = self._at(arn)
        with self._touching(at.account, at.region):
            sqs_backends[at.account][at.region].change_message_visibility(queue.name, handle, seconds)

    def wait(self, arn: str, seconds: float) -> bool:
        """Until there is a message to receive, at most so long (of the server's seconds)."""
        return self._wait(self._at(arn)[0], seconds)

    # --- how

    def _wait(self, queue: Queue, seconds: float) -> bool:
        until = self._time.monotonic() + seconds
        with self._arrived:
            while not self._clock.is_ready(queue) and not self._stopped:
                left = until - self._time.monotonic()
                if left <= 0:
                    break
                self._arrived.wait(min(left / self._time.scale, _GLANCE))
            return self._clock.is_ready(queue)

    @contextmanager
    def _touching(self, account: str, region: str) -> Iterator[None]:
        """moto's queues here, one call at a time, on the server's clock."""
        queues = sqs_backends[account][region].queues
        with self._arrived:
            with self._clock.running(lambda: iter(list(queues.values()))):
                try:
                    yield
                except ServiceException as error:
                    raise Refusal(error.code, error.message) from error
            self._arrived.notify_all()

    def _at(self, arn: str) -> tuple[Queue, Arn]:
        at = parse_arn(arn)
        queue = self._find(at.account, at.region, at.resource) if at else None
        if at is None or queue is None:
            raise Refusal("AWS.SimpleQueueService.NonExistentQueue", f"The queue {arn} does not exist.")
        return queue, at

    def _find(self, account: str, region: str, name: str) -> Queue | None:
        return sqs_backends[account][region].queues.get(name)

    def _admit(self, queue: Queue, at: Arn, source_arn: str) -> None:
        """A schedule and a hook come with a role of their own; a rule needs the queue's policy."""
        source = parse_arn(source_arn)
        if source is None or source.service != "events":
            return
        if queue.policy is None and source.account == at.account and not self._strict():
            return
        caller = service_caller("events.amazonaws.com", source_arn)
        if not admits(queue.policy, caller, "sqs:SendMessage", queue.queue_arn):
            raise Refusal(
                "AccessDenied",
                f"{source_arn} may not send to {queue.queue_arn}: its policy lets it not in",
                403,
            )


def _owner_of(url: str) -> str:
    """The account in ``http://host/ACCOUNT/NAME``; empty if there is none."""
    parts = urlsplit(url).path.strip("/").split("/")
    return parts[0] if len(parts) == 2 and parts[0].isdecimal() else ""


def _without_wait(visit: Visit) -> Request:
    request = visit.request
    if visit.protocol == "query":
        return replace(request, body=urlencode({**request.form, "WaitTimeSeconds": "0"}).encode())
    return replace(request, body=json.dumps({**json.loads(request.body), "WaitTimeSeconds": 0}).encode())


def _received(message: Message) -> Received:
    attributes = {
        "ApproximateReceiveCount": message.approximate_receive_count,
        "ApproximateFirstReceiveTimestamp": message.approximate_first_receive_timestamp,
        "SentTimestamp": message.sent_timestamp,
        "SenderId": message.sender_id,
        "MessageGroupId": message.group_id,
        "MessageDeduplicationId": message.deduplication_id,
        "SequenceNumber": message.sequence_number,
    }
    return Received(
        message.id,
        message.receipt_handle or "",
        message.body,
        message.body_md5,
        {name: str(value) for name, value in attributes.items() if value is not None},
        message.message_attributes,
    )
