"""EventBridge's and Scheduler's doors: checked here, kept by moto, delivered here."""

import json
import logging
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from random import Random
from typing import Any

from twinwall.emulator import wire
from twinwall.emulator.delivery import Deliveries, parse_arn
from twinwall.emulator.eventbridge import checks
from twinwall.emulator.eventbridge.buses import Buses
from twinwall.emulator.eventbridge.courier import Courier, Parcel
from twinwall.emulator.eventbridge.pattern import matches, parse_pattern
from twinwall.emulator.eventbridge.timetable import Timetable
from twinwall.emulator.http import Response
from twinwall.emulator.pace import Pace
from twinwall.emulator.refusal import Refusal
from twinwall.emulator.roles import Roles
from twinwall.emulator.visit import Room, Visit

LOG = logging.getLogger("twinwall.emulator")
EVENTS, SCHEDULER = "events", "scheduler"

NOT_HERE = frozenset(
    {"CreateArchive", "StartReplay", "CreateApiDestination", "CreateConnection", "CreateEndpoint"}
)
"""moto would keep them, and nothing would ever come of it."""


class EventBridge:
    """Also where Auto Scaling announces (``scaling.reports.Announcer``). ``strict``: roles are asked for as AWS
    asks (``Switches.deliveries_need_permission``)."""

    def __init__(
        self,
        accounts: Iterable[str],
        deliveries: Deliveries,
        courier: Courier,
        moto: Room,
        roles: Roles,
        pace: Pace,
        now: Callable[[], datetime],
        random: Random,
        strict: Callable[[], bool],
    ) -> None:
        self._lock = threading.RLock()
        self._deliveries = deliveries
        self._courier = courier
        self._moto = moto
        self._roles = roles
        self._strict = strict
        self.buses = Buses(courier, roles, self._lock, now)
        self.timetable = Timetable(
            accounts, self.buses, courier, roles, pace, self._lock, now, random, strict
        )

    # --- from within

    def emit(
        self, account: str, region: str, source: str, kind: str, resources: list[str], detail: dict[str, Any]
    ) -> None:
        """Onto the account's default bus, from one of AWS's services."""
        self.buses.emit(account, region, source, kind, resources, detail)

    def notify(self, target_arn: str, body: dict[str, Any], source_arn: str) -> None:
        self._courier.send(Parcel(target_arn, json.dumps(body).encode(), source_arn))

    def reaches(self, target_arn: str) -> bool:
        arn = parse_arn(target_arn)
        return arn is not None and arn.service != EVENTS and self._deliveries.reaches(target_arn)

    def refresh(self) -> None:
        """Rules or schedules may have come or gone."""
        self.timetable.refresh()

    # --- rooms

    def events(self, visit: Visit) -> Response:
        params = wire.parse(EVENTS, visit.action, visit.request, visit.protocol)
        wire.check(EVENTS, visit.action, params)
        match visit.action:
            case "PutEvents":
                output = self._put_events(visit, params["Entries"])
                return wire.write(EVENTS, visit.action, output, visit.id, visit.protocol)
            case "TestEventPattern":
                output = {"Result": _test_pattern(params["EventPattern"], params["Event"])}
                return wire.write(EVENTS, visit.action, output, visit.id, visit.protocol)
            case "PutRule":
                checks.check_rule(params)
            case "PutTargets":
                checks.check_targets(self._deliveries, visit.account, visit.region, params)
            case _ if visit.action in NOT_HERE:
                LOG.warning("%s: no such operation in the embedded AWS", visit.action)
                raise Refusal(
                    "InvalidAction", f"The action {visit.action} is not implemented by the embedded AWS."
                )
            case _:
                pass
        return self._kept(visit)

    def scheduler(self, visit: Visit) -> Response:
        params = wire.parse(SCHEDULER, visit.action, visit.request, visit.protocol)
        wire.check(SCHEDULER, visit.action, params)
        if visit.action in ("CreateSchedule", "UpdateSchedule"):
            strict = self._strict()
            checks.check_schedule(self._deliveries, self._roles, visit.region, params, strict=strict)
        return self._kept(visit)

    def _kept(self, visit: Visit) -> Response:
        with self._lock:
            response = self._moto(visit)
        if not visit.action.startswith(("Describe", "List", "Get")):
            self.refresh()
        return response

    def _put_events(self, visit: Visit, entries: list[dict[str, Any]]) -> dict[str, Any]:
        told: list[dict[str, str]] = []
        for entry in entries:
            wrong = checks.check_entry(entry)
            if wrong is not None:
                told.append({"ErrorCode": wrong[0], "ErrorMessage": wrong[1]})
                continue
            event_id = self.buses.put_in(visit.account, visit.region, entry)
            told.append({"EventId": event_id})
        return {"FailedEntryCount": sum("ErrorCode" in item for item in told), "Entries": told}


def _test_pattern(pattern: str, event: str) -> bool:
    try:
        found = json.loads(event)
    except ValueError:
        raise Refusal("ValidationException", "Parameter Event is not valid. Reason: Invalid JSON") from None
    missing = [name for name in _REQUIRED if name not in found]
    if missing:
        raise Refusal(
            "ValidationException", f"Parameter Event is not valid. Reason: {missing[0]} is a required field"
        )
    return matches(parse_pattern(pattern), found)


_REQUIRED = ("id", "account", "source", "time", "region", "resources", "detail-type")
"""API: TestEventPattern"""
