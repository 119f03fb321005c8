"""What is to happen later, at a pace that changes."""

import threading
import time

from twinwall.emulator.agenda import Agenda
from twinwall.emulator.clock import ScaledTime

STILL, FAST = 1e-6, 1e6


def test_in_the_order_of_their_moments() -> None:
    clock = ScaledTime(STILL)
    agenda, done = Agenda(clock), []
    for name, seconds in (("c", 30), ("a", 10), ("b", 20), ("a2", 10)):
        agenda.later(seconds, lambda name=name: done.append(name))  # type: ignore[misc]
    assert agenda.settled()
    assert done == []
    clock.advance(20)
    agenda.wake()
    assert agenda.settled()
    assert done == ["a", "a2", "b"]
    agenda.stop()


def test_the_pace_may_change_while_it_waits() -> None:
    clock = ScaledTime(STILL)
    agenda, done = Agenda(clock), threading.Event()
    agenda.later(3600, done.set)
    assert not done.wait(0.05)
    clock.set_scale(FAST)
    agenda.wake()
    assert done.wait(5)
    agenda.stop()


def test_cancelled_and_cleared() -> None:
    clock = ScaledTime(STILL)
    agenda, done = Agenda(clock), []
    agenda.later(1, lambda: done.append("cancelled")).cancel()
    agenda.later(2, lambda: done.append("cleared"))
    agenda.clear()
    agenda.later(3, lambda: done.append("kept"))
    clock.advance(5)
    agenda.wake()
    assert agenda.settled()
    assert done == ["kept"]
    agenda.stop()


def test_work_that_fails_stops_nothing() -> None:
    agenda, done = Agenda(ScaledTime()), threading.Event()
    agenda.later(0, lambda: 1 / 0)
    agenda.later(0, done.set)
    assert done.wait(5)
    agenda.stop()


def test_the_thread_ends_with_it() -> None:
    before = set(threading.enumerate())
    agenda = Agenda(ScaledTime())
    begun = threading.Event()

    def work() -> None:
        begun.set()
        time.sleep(0.1)

    agenda.later(0, work)
    begun.wait(5)
    agenda.later(0, lambda: 1 / 0)
    agenda.stop()
    assert set(threading.enumerate()) <= before


def test_work_may_line_up_more() -> None:
    agenda, done = Agenda(ScaledTime()), []

    def again() -> None:
        done.append(len(done))
        if len(done) < 5:
            agenda.later(0, again)

    agenda.later(0, again)
    assert agenda.settled()
    assert done == [0, 1, 2, 3, 4]
    agenda.stop()
