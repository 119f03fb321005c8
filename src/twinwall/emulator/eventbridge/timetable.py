"""Rules with a schedule and EventBridge Scheduler's schedules, fired when they are due.

Both are kept by moto, whoever made them; ``refresh`` looks at what there is and arms what is new or changed. Time is
the agenda's: at a time scale of 60, ``rate(1 minute)`` fires every second. Rates and one-time schedules count on a
clock that starts at the real time and runs at the agenda's pace.
"""

import json
import logging
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Any

from moto.events.models import events_backends
from moto.scheduler.models import Schedule as MotoSchedule
from moto.scheduler.models import scheduler_backends

from twinwall.emulator.agenda import Entry
from twinwall.emulator.eventbridge.buses import Buses
from twinwall.emulator.eventbridge.courier import Courier, Parcel
from twinwall.emulator.eventbridge.schedule import Schedule
from twinwall.emulator.pace import Pace
from twinwall.emulator.roles import Roles

LOG = logging.getLogger("twinwall.emulator")


@dataclass(frozen=True)
class Timer:
    """``key``: the ARN. ``said``: all that, if it changes, sets the timer anew. ``fire``: with the moment it
    was due. ``window``: seconds within which it fires."""

    key: str
    said: str
    schedule: Schedule
    fire: Callable[[datetime], object]
    start: datetime | None = None
    end: datetime | None = None
    window: int = 0


@dataclass
class Armed:
    said: str
    since: datetime
    entry: Entry | None = None


class Timetable:
    def __init__(
        self,
        accounts: Iterable[str],
        buses: Buses,
        courier: Courier,
        roles: Roles,
        pace: Pace,
        lock: threading.RLock,
        now: Callable[[], datetime],
        random: Random,
        strict: Callable[[], bool],
    ) -> None:
        self._accounts = tuple(accounts)
        self._buses = buses
        self._courier = courier
        self._roles = roles
        self._pace = pace
        self._lock = lock
        self._base = now() - timedelta(seconds=pace.time.monotonic())
        self._random = random
        self._strict = strict
        self._armed: dict[str, Armed] = {}

    def clock(self) -> datetime:
        return self._base + timedelta(seconds=self._pace.time.monotonic())

    def refresh(self) -> None:
        with self._lock:
            timers = {timer.key: timer for timer in self._timers()}
            for key in [
                k for k, armed in self._armed.items() if k not in timers or armed.said != timers[k].said
            ]:
                entry = self._armed.pop(key).entry
                if entry is not None:
                    entry.cancel()
            for key, timer in timers.items():
                if key not in self._armed:
                    self._armed[key] = Armed(timer.said, self.clock())
                    self._arm(timer, self.clock())

    def _arm(self, timer: Timer, after: datetime) -> None:
        armed = self._armed[timer.key]
        start = max(filter(None, (timer.start, armed.since)))
        due = timer.schedule.after(max(after, timer.start or after), start)
        if due is None or (timer.end is not None and due > timer.end):
            return
        late = self._random.uniform(0, timer.window) if timer.window else 0.0
        seconds = max((due - self.clock()).total_seconds(), 0.0) + late
        armed.entry = self._pace.later(seconds, lambda: self._due(timer, due))

    def _due(self, timer: Timer, due: datetime) -> None:
        with self._lock:
            armed = self._armed.get(timer.key)
            if armed is None or armed.said != timer.said:
                return
            self._arm(timer, due)
            timer.fire(due)

    # --- what there is

    def _timers(self) -> Iterator[Timer]:
        for account in self._accounts:
            if account in events_backends:
                for events in list(dict.values(events_backends[account])):
                    yield from self._rules(events)
            if account in scheduler_backends:
                for scheduler in list(dict.values(scheduler_backends[account])):
                    yield from self._schedules(scheduler)

    def _rules(self, events: Any) -> Iterator[Timer]:
        for bus in events.event_buses.values():
            for rule in bus.rules.values():
                if rule.scheduled_expression and rule.state != "DISABLED":
                    yield Timer(
                        rule.arn,
                        rule.scheduled_expression,
                        Schedule(rule.scheduled_expression),
                        partial(self._fire_rule, rule),
                    )

    def _schedules(self, scheduler: Any) -> Iterator[Timer]:
        for group in scheduler.schedule_groups.values():
            for made in group.schedules.values():
                if made.state != "DISABLED":
                    yield Timer(
                        made.arn,
                        json.dumps(
                            [
                                made.schedule_expression,
                                made.schedule_expression_timezone,
                                made.start_date,
                                made.end_date,
                                made.flexible_time_window,
                                str(made.creation_date),
                            ],
                            default=str,
                        ),
                        Schedule(made.schedule_expression, made.schedule_expression_timezone),
                        partial(self._fire_schedule, group, made),
                        _moment(made.start_date),
                        _moment(made.end_date),
                        60 * (made.flexible_time_window.get("MaximumWindowInMinutes") or 0),
                    )

    # --- fired

    def _fire_rule(self, rule: Any, due: datetime) -> None:
        """The rule as it is by now: targets may have come since."""
        event = _scheduled_event("aws.events", rule.account_id, rule.region_name, rule.arn, due)
        known = events_backends[rule.account_id][rule.region_name].event_buses[rule.event_bus_name].rules
        self._buses.fire(known.get(rule.name, rule), {**event, "detail": {}})

    def _fire_schedule(self, group: Any, made: MotoSchedule, due: datetime) -> None:
        _, _, _, region, account, _ = made.arn.split(":", 5)
        target, execution = made.target, str(uuid.uuid4())
        event = {**_scheduled_event("aws.scheduler", account, region, made.arn, due), "detail": "{}"}
        payload = _with_context(str(target.get("Input") or json.dumps(event)), made.arn, due, execution)
        labels = {
            "SCHEDULE_ARN": made.arn,
            "SCHEDULED_TIME": _stamp(due),
            "EXECUTION_ID": execution,
            "IS_PAYLOAD_TRUNCATED": "false",
        }
        check = partial(self._check_role, target, account)
        self._courier.send(Parcel.to(target, payload.encode(), made.arn, labels=labels, check=check))
        if made.action_after_completion == "DELETE" and Schedule(made.schedule_expression).is_once:
            group.schedules.pop(made.name, None)

    def _check_role(self, target: Mapping[str, Any], account: str) -> None:
        if self._strict():
            self._roles.check(target["RoleArn"], "scheduler.amazonaws.com", account)
            self._roles.check_handing_over(target["RoleArn"], target["Arn"])


def _scheduled_event(source: str, account: str, region: str, arn: str, due: datetime) -> dict[str, Any]:
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": source,
        "account": account,
        "time": _stamp(due),
        "region": region,
        "resources": [arn],
    }


def _with_context(text: str, arn: str, due: datetime, execution: str) -> str:
    """Scheduler's own variables (user guide: "Context attributes")."""
    for name, value in (
        ("schedule-arn", arn),
        ("scheduled-time", _stamp(due)),
        ("execution-id", execution),
        ("attempt-number", "1"),
    ):
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return text


def _moment(given: Any) -> datetime | None:
    """moto keeps what the client sent: seconds since the epoch, or a date."""
    if given is None:
        return None
    if isinstance(given, datetime):
        return given if given.tzinfo else given.replace(tzinfo=UTC)
    return datetime.fromtimestamp(float(given), UTC)


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
