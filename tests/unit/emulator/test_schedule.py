"""When schedules are due (EventBridge and Scheduler user guides: "Schedule types")."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinwall.emulator.eventbridge.schedule import Schedule

START = datetime(2026, 11, 22, 10, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "zone", "due"),
    [
        ("rate(1 minute)", "UTC", "2026-11-22T10:01:30"),
        ("rate(2 hours)", "UTC", "2026-11-22T12:00:30"),
        ("rate(7 days)", "UTC", "2026-11-29T10:00:30"),
        ("cron(0 12 * * ? *)", "UTC", "2026-11-22T12:00:00"),
        ("cron(15 10 ? * MON-FRI *)", "UTC", "2026-11-23T10:15:00"),
        ("cron(0 0 L * ? *)", "UTC", "2026-11-30T00:00:00"),
        ("cron(0 9 ? * 2#1 *)", "UTC", "2026-12-07T09:00:00"),
        ("cron(0 12 * * ? *)", "America/New_York", "2026-11-22T17:00:00"),
        ("at(2026-11-22T12:00:00)", "UTC", "2026-11-22T12:00:00"),
        ("at(2026-11-22T20:00:00)", "Asia/Tokyo", "2026-11-22T11:00:00"),
        ("at(2026-11-22T10:00:00)", "UTC", None),
        ("cron(0 0 1 1 ? 2020)", "UTC", None),
    ],
)
def test_next(expression: str, zone: str, due: str | None) -> None:
    found = Schedule(expression, zone).after(START, START)
    assert found == (datetime.fromisoformat(due).replace(tzinfo=UTC) if due else None)


@pytest.mark.parametrize(
    "expression",
    [
        "rate(0 minutes)",
        "rate(1 minutes)",
        "rate(5 minute)",
        "rate(5 seconds)",
        "cron(* * * * ? )",
        "cron(0 12 * * * *)",
        "cron(61 12 * * ? *)",
        "at(2026-11-22)",
        "at(2026-13-01T00:00:00)",
        "tomorrow",
    ],
)
def test_what_is_no_schedule(expression: str) -> None:
    with pytest.raises(ValueError, match=re.escape(expression[:5])):
        Schedule(expression)


def test_a_zone_that_is_none() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        Schedule("rate(1 hour)", "Mars/Olympus")


@given(st.integers(1, 1000), st.integers(0, 10_000_000))
def test_a_rate_never_misses_and_never_repeats(minutes: int, passed: int) -> None:
    """The next one is after now, by at most one period, and on the beat that began at the start."""
    period = timedelta(minutes=minutes)
    schedule = Schedule(f"rate({minutes} minute{'s' if minutes > 1 else ''})")
    now = START + timedelta(seconds=passed)
    due = schedule.after(now, START)
    assert due is not None
    assert now < due <= now + period
    assert (due - START) % period == timedelta()
