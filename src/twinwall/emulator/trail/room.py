"""LookupEvents: the management calls of the last while, newest first; everything else of CloudTrail is moto's."""

import json
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from twinwall.emulator import wire
from twinwall.emulator.http import Response
from twinwall.emulator.refusal import Refusal
from twinwall.emulator.trail.record import Kept, document
from twinwall.emulator.visit import Room, Visit

SERVICE = "cloudtrail"
KEPT = 5000
"""Of each account and Region, and so many reads besides; AWS keeps 90 days."""
MOST = 50
_DATA = frozenset({"sqs", "s3", "logs", "monitoring"})
"""Services whose calls are data events, or told elsewhere; they are not looked up here."""
_DATA_CALLS = frozenset(
    {"PutItem", "GetItem", "UpdateItem", "DeleteItem", "Query", "Scan", "BatchGetItem", "BatchWriteItem"}
    | {"TransactWriteItems", "TransactGetItems", "GetRecords", "GetShardIterator", "PutEvents", "Invoke"}
)


class Trail:
    """``record`` is told of each call; ``answer`` is the room."""

    def __init__(self, now: Callable[[], datetime], by_moto: Room) -> None:
        self._now, self._by_moto = now, by_moto
        self._kept: dict[tuple[str, str, bool], deque[Kept]] = {}

    def record(self, visit: Visit, how: Response | Refusal) -> None:
        if visit.service in _DATA or visit.action in _DATA_CALLS:
            return
        kept = Kept(str(uuid.uuid4()), self._now(), visit, how)
        if kept.is_read and isinstance(how, Response):  # what a read answered is not recorded
            kept = Kept(kept.id, kept.at, visit, Response(how.status, b""))
        where = (visit.account, visit.region, kept.is_read)
        self._kept.setdefault(where, deque(maxlen=KEPT)).append(kept)

    def answer(self, visit: Visit) -> Response:
        if visit.action != "LookupEvents":
            return self._by_moto(visit)
        params = wire.parse(SERVICE, visit.action, visit.request, visit.protocol)
        wire.check(SERVICE, visit.action, params, "InvalidParameterCombinationException")
        found = [kept for kept in self._newest(visit) if _fits(kept, params)]
        start = int(params.get("NextToken") or 0)
        end = start + min(params.get("MaxResults") or MOST, MOST)
        output: dict[str, Any] = {"Events": [_event(kept) for kept in found[start:end]]}
        if end < len(found):
            output["NextToken"] = str(end)
        return wire.write(SERVICE, visit.action, output, visit.id, visit.protocol)

    def _newest(self, visit: Visit) -> Iterator[Kept]:
        held = [self._kept.get((visit.account, visit.region, read), ()) for read in (True, False)]
        return iter(sorted((kept for each in held for kept in each), key=lambda kept: kept.at, reverse=True))


def _fits(kept: Kept, params: Mapping[str, Any]) -> bool:
    start, end = (params.get(name) for name in ("StartTime", "EndTime"))
    if (start and kept.at < start.replace(tzinfo=UTC)) or (end and kept.at > end.replace(tzinfo=UTC)):
        return False
    wanted = params.get("LookupAttributes") or ()
    return all(_attribute(kept, item["AttributeKey"]) == item["AttributeValue"] for item in wanted)


def _attribute(kept: Kept, key: str) -> str | None:
    """Resources are not told apart here."""
    return {
        "EventId": kept.id,
        "EventName": kept.visit.action,
        "EventSource": kept.source,
        "ReadOnly": str(kept.is_read).lower(),
        "Username": kept.user,
        "AccessKeyId": kept.visit.caller.key.id,
    }.get(key)


def _event(kept: Kept) -> dict[str, Any]:
    return {
        "EventId": kept.id,
        "EventName": kept.visit.action,
        "ReadOnly": str(kept.is_read).lower(),
        "AccessKeyId": kept.visit.caller.key.id,
        "EventTime": kept.at,
        "EventSource": kept.source,
        "Username": kept.user,
        "Resources": [],
        "CloudTrailEvent": json.dumps(document(kept)),
    }
