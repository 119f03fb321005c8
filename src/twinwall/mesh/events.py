"""An AWS event → what happened. Told apart by shape; what is not ours is ``Ignored`` with the reason.

Sources: aws-facts 5.1 (Auto Scaling's events), contract chapter 6. In: one event document, never a batch.
"""

import json
import re
from calendar import timegm
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from twinwall.errors import EventError
from twinwall.mesh.settings import Mesh
from twinwall.model.members import Site

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Hook:
    """What an answer needs."""

    site: Site
    name: str
    instance: str
    token: str


@dataclass(frozen=True)
class Launching:
    hook: Hook
    at: float
    from_warm_pool: bool = False


@dataclass(frozen=True)
class Warming:
    """A launch into the warm pool: it serves nobody yet, and only waits for an answer."""

    hook: Hook


@dataclass(frozen=True)
class Leaving:
    """A terminate hook: of an instance that ends, or returns to the warm pool."""

    hook: Hook
    at: float


@dataclass(frozen=True)
class Terminated:
    """Or detached: it is gone from the group, whatever becomes of it."""

    site: Site
    instance: str
    at: float


@dataclass(frozen=True)
class Returned:
    """It came to rest in the warm pool again."""

    site: Site
    instance: str
    at: float


@dataclass(frozen=True)
class Woken:
    """Somebody else wrote into our table."""


@dataclass(frozen=True)
class TrueUp:
    """A schedule, or by hand."""


@dataclass(frozen=True)
class Ignored:
    why: str


Happening = Launching | Warming | Leaving | Terminated | Returned | Woken | TrueUp | Ignored

LAUNCH = "EC2 Instance-launch Lifecycle Action"
TERMINATE = "EC2 Instance-terminate Lifecycle Action"
TERMINATED = "EC2 Instance Terminate Successful"
DETACHED = "EC2 Instance Detach Successful"


@dataclass(frozen=True)
class Message:
    """One thing that happened, and by what the source knows it: ``id`` names it among the failures of a batch,
    ``receipt`` is what a queue's visibility is set by."""

    happening: Happening
    id: str = ""
    receipt: str = ""
    event_id: str = ""


def messages(event: object, mesh: Mesh, region: str) -> Iterator[Message]:
    """Whatever the function is invoked with: a batch of a queue or a stream, or one event."""
    if isinstance(event, Mapping) and isinstance(event.get("Records"), list):
        for record in event["Records"]:
            yield _record(record, mesh, region)
    else:
        yield Message(happened(event, mesh, region), event_id=_text(event, "id"))


def _record(record: Any, mesh: Mesh, region: str) -> Message:
    if not isinstance(record, Mapping):
        return Message(Ignored("a record that is no object"))
    if record.get("eventSource") == "aws:dynamodb":
        number = _text(record.get("dynamodb"), "SequenceNumber")
        return Message(Woken(), id=number, event_id=_text(record, "eventID"))
    try:
        body = json.loads(record.get("body") or "")
    except (TypeError, ValueError):
        body = None
    happening = happened(body, mesh, region)
    id_ = _text(record, "messageId")
    return Message(happening, id_, _text(record, "receiptHandle"), _text(body, "id") or id_)


def _text(document: object, key: str) -> str:
    value = document.get(key) if isinstance(document, Mapping) else None
    return value if isinstance(value, str) else ""


def happened(event: object, mesh: Mesh, region: str) -> Happening:
    if not isinstance(event, Mapping):
        return Ignored("an event that is no object")
    kind = _text(event, "detail-type")
    detail = event.get("detail")
    try:
        match kind:
            case "EC2 Instance-launch Lifecycle Action" | "EC2 Instance-terminate Lifecycle Action":
                return _hooked(event, detail, kind, mesh, region)
            case "EC2 Instance Terminate Successful" | "EC2 Instance Detach Successful":
                return _terminated(event, detail, mesh, region)
            case "Scheduled Event":
                return TrueUp()
            case "":
                return _by_hand(event, detail, mesh, region)
            case _:
                return Ignored(f"an event of the type {kind!r}")
    except EventError as wrong:
        return Ignored(str(wrong))


def _by_hand(event: Document, detail: Any, mesh: Mesh, region: str) -> Happening:
    """``{"detail": {"AutoScalingGroupName": NAME}}``, with or without ``trueup`` (contract, chapter 6)."""
    if event.get("Event") == "autoscaling:TEST_NOTIFICATION":
        return Ignored("Auto Scaling's test notification")
    if event.get("trueup") and not detail:
        return TrueUp()
    _site(detail, mesh, _text(event, "region") or region)
    return TrueUp()


def _site(detail: Any, mesh: Mesh, region: str) -> Site:
    name = _text(detail, "AutoScalingGroupName")
    if not name:
        raise EventError("an event that names no Auto Scaling group")
    for site in mesh.sites:
        if site.key.asg == name and site.key.region == region:
            return site
    raise EventError(
        f"an event of the Auto Scaling group {name!r} in {region}, which is no site of {mesh.name!r}"
    )


def _hooked(event: Document, detail: Any, kind: str, mesh: Mesh, region: str) -> Happening:
    site = _site(detail, mesh, _text(event, "region") or region)
    name = _text(detail, "LifecycleHookName")
    ours = mesh.launch_hook if kind == LAUNCH else mesh.terminate_hook
    if name != ours:
        return Ignored(f"the hook {name!r} is not ours ({ours!r})")
    hook = Hook(site, name, _needed(detail, "EC2InstanceId"), _needed(detail, "LifecycleActionToken"))
    at = _moment(event)
    if kind == LAUNCH:
        if _text(detail, "Destination") == "WarmPool":
            return Warming(hook)
        return Launching(hook, at, _text(detail, "Origin") == "WarmPool")
    return Leaving(hook, at)


def _terminated(event: Document, detail: Any, mesh: Mesh, region: str) -> Happening:
    """Told of an instance too that goes back to its warm pool, and lives on (aws-facts 5.1)."""
    site = _site(detail, mesh, _text(event, "region") or region)
    kind = Returned if _text(detail, "Destination") == "WarmPool" else Terminated
    return kind(site, _needed(detail, "EC2InstanceId"), _moment(event))


def _needed(detail: Any, key: str) -> str:
    value = _text(detail, key)
    if not value:
        raise EventError(f"an event of Auto Scaling without {key}")
    return value


def _moment(event: Document) -> float:
    """``time``: 2026-01-01T00:00:00Z, always UTC."""
    text = _text(event, "time")
    match = _TIME.match(text)
    if match is None:
        raise EventError(f"an event whose time is {text!r}")
    return float(timegm(tuple(map(int, match.groups()))))


_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d+)?Z\Z", re.ASCII)
