"""When a schedule is due: ``rate(5 minutes)``, ``cron(0 12 * * ? *)``, ``at(2026-11-22T12:00:00)``."""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aws_croniter import AwsCroniter

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)(s?)\)")
_AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")
_CRON = re.compile(r"cron\((.+)\)")
_make_cron: Any = AwsCroniter  # ships no types
_SECONDS = {"minute": 60, "hour": 3600, "day": 86_400}


class Schedule:
    """One expression, read once. Raises ``ValueError`` for what is none."""

    def __init__(self, expression: str, zone: str = "UTC") -> None:
        self._period: timedelta | None = None
        self._once: datetime | None = None
        self._cron: Any = None
        try:
            self._zone: tzinfo = UTC if zone == "UTC" else ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{zone} is no time zone") from error
        self._read(expression)

    def _read(self, expression: str) -> None:
        if rate := _RATE.fullmatch(expression):
            count = int(rate[1])
            if count < 1 or (count == 1) == bool(rate[3]):
                raise ValueError(f"{expression}: one minute, hour or day is singular, more are plural")
            self._period = timedelta(seconds=count * _SECONDS[rate[2]])
            return
        at, cron = _AT.fullmatch(expression), _CRON.fullmatch(expression)
        try:
            if at:
                self._once = datetime.fromisoformat(at[1]).replace(tzinfo=self._zone)
            elif cron:
                self._cron = _make_cron(cron[1])
        except ValueError as error:
            raise ValueError(f"{expression}: {error}") from error
        if not at and not cron:
            raise ValueError(f"{expression} is neither rate(…) nor cron(…) nor at(…)")

    @property
    def is_once(self) -> bool:
        return self._once is not None

    def after(self, moment: datetime, start: datetime) -> datetime | None:
        """The next time it is due after ``moment``; a rate counts from ``start``, and is first due one period
        after it. None if there is none any more."""
        if self._once is not None:
            return self._once.astimezone(UTC) if self._once > moment else None
        if self._period is not None:
            passed = max((moment - start) // self._period, 0)
            return start + (passed + 1) * self._period
        local = moment.astimezone(self._zone).replace(tzinfo=UTC)  # the library reads clocks, not zones
        found: datetime | None = self._cron.occurrence(local).next()
        return found.replace(tzinfo=self._zone).astimezone(UTC) if found else None
