"""Hidden and delayed messages on the server's clock, where moto counts real milliseconds."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

from moto.sqs.models import Message, Queue

from twinwall.emulator.clock import ScaledTime


class QueueClock:
    """Inside ``running`` moto sees the moments as the server's clock has them; what moto sets meanwhile is taken
    over to it."""

    def __init__(self, clock: ScaledTime) -> None:
        self._clock = clock
        self._hidden: WeakKeyDictionary[Message, float] = WeakKeyDictionary()
        self._delayed: WeakKeyDictionary[Message, float] = WeakKeyDictionary()

    @contextmanager
    def running(self, queues: Callable[[], Iterator[Queue]]) -> Iterator[None]:
        """``queues``: those that may be touched."""
        shown = {message: self._show(message) for queue in queues() for message in _all(queue)}
        yield
        now, clock = _now(), self._clock.monotonic()
        for message in [message for queue in queues() for message in _all(queue)]:
            visible_at, delayed_until = shown.get(message, (0.0, 0.0))
            if message.visible_at != visible_at:
                self._hidden[message] = clock + (message.visible_at - now) / 1000
            if message.delayed_until != delayed_until:
                self._delayed[message] = clock + (message.delayed_until - now) / 1000

    def _show(self, message: Message) -> tuple[float, float]:
        message.visible_at = self._in_real_time(self._hidden.get(message))
        message.delayed_until = self._in_real_time(self._delayed.get(message))
        return message.visible_at, message.delayed_until

    def _in_real_time(self, moment: float | None) -> float:
        """moto's milliseconds; 0 for none."""
        if moment is None:
            return 0.0
        return _now() + (moment - self._clock.monotonic()) * 1000

    def is_ready(self, queue: Queue) -> bool:
        """Is there a message to receive?"""
        clock = self._clock.monotonic()
        return any(
            self._hidden.get(message, 0.0) <= clock and self._delayed.get(message, 0.0) <= clock
            for message in _all(queue)
        )


def _all(queue: Queue) -> list[Message]:
    return list(queue._messages)  # noqa: SLF001 - moto has no door to hidden messages


def _now() -> float:
    return time.time() * 1000
