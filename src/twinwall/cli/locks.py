"""The locks of a run's targets: all are taken before the first call, and let go at the end, whatever it was."""

import getpass
import os
import secrets
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from twinwall.boundary import Ended
from twinwall.cli import output
from twinwall.cli.clock import StoppableClock
from twinwall.cli.crew import ThreadCrew
from twinwall.cli.failures import Stopped
from twinwall.cli.world import World
from twinwall.documents.journal import FileJournal
from twinwall.engine.lock import Holder, Lock
from twinwall.engine.sides import LiveSide
from twinwall.errors import ConfigError, TwinwallError

if TYPE_CHECKING:
    from twinwall.cli.writes import Write


@contextmanager
def locked(
    writes: "Sequence[Write]", journals: Mapping[int, FileJournal], world: World, *, no_lock: bool
) -> Iterator[dict[int, Lock]]:
    """By the write's place. One that is held by somebody else stops all. A plan without calls takes none."""
    held: dict[int, Lock] = {}
    try:
        for index, write in enumerate(writes):
            target = replace(write.target, vpc_id=write.plan.target.vpc_id)
            if index not in journals:
                world.engine.leave(target, write.own_lock, world.clock)
            elif not no_lock:
                held[index] = _taken(target, write.own_lock, journals[index], world)
        yield held
    finally:
        for index, lock in held.items():
            _release(lock, journals[index])


def _taken(target: LiveSide, own: str, journal: FileJournal, world: World) -> Lock:
    """In a thread, so that Ctrl-C waits for the call in flight: a lock that was made meanwhile is let go."""
    holder = Holder(_who(), str(Path(journal.path).absolute()), secrets.token_hex(8))
    stop = threading.Event()
    clock = StoppableClock(stop, world.clock)
    with ThreadCrew(1) as crew:
        crew.start(0, partial(world.engine.acquire, target, holder, journal, clock, own))
        try:
            return _lock_of(crew.awaited())
        except KeyboardInterrupt:
            stop.set()
            with suppress(TwinwallError, Stopped):
                _release(_lock_of(crew.awaited()), journal)
            raise


def _lock_of(ended: Ended) -> Lock:
    if ended.error is not None:
        raise ended.error
    return cast("Lock", ended.value)


def _who() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user that the machine does not know
        user = "somebody"
    return f"{user}@{socket.gethostname()}, process {os.getpid()}"


def _release(lock: Lock, journal: FileJournal) -> None:
    try:
        lock.release()
    except TwinwallError as error:
        output.tell(f"the lock {lock.id} of {lock.target.vpc_id} stays until it expires: {error}")
        return
    with suppress(ConfigError):  # a full disk has been told; a lock that is gone is found gone
        journal.record("unlocked", {"id": lock.id})
