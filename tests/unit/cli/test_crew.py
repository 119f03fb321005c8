"""Threads and signals: one that another thread was handed is heard all the same."""

import signal
import threading
import time

import pytest

from twinwall.cli.crew import HEARING_SECONDS, ThreadCrew


def test_who_waits_hears_a_signal_that_another_thread_was_handed() -> None:
    over = threading.Event()

    def interrupted() -> None:
        time.sleep(0.1)
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)
        over.wait(20)

    with ThreadCrew(1) as crew:
        crew.start(0, interrupted)
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            crew.awaited()
        heard = time.monotonic() - began
        over.set()
    assert heard < 0.1 + HEARING_SECONDS * 10
