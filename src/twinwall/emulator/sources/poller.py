"""What both kinds of pollers share: a thread that looks at its source until it is told to end."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from twinwall.emulator.functions.function import Function, Key
from twinwall.emulator.functions.invoking import Outcome
from twinwall.emulator.pace import Pace
from twinwall.emulator.refusal import Refusal
from twinwall.emulator.sources.mapping import SourceMapping

LOG = logging.getLogger("twinwall.emulator")
_LOOK = 0.05
"""Real seconds between two looks at a source where nothing is."""
_AFTER_TROUBLE = 1.0


@dataclass(frozen=True)
class Doors:
    """``find``: the function (None: gone); ``client``: of its role, for a service; ``invoke``: raises ``Refusal``
    where there is no place; ``send``: to a destination; ``has_news``: may the source hold something? Cheap."""

    find: Callable[[Key], Function | None]
    client: Callable[[Function, str], Any]
    invoke: Callable[[Function, bytes], Outcome]
    send: Callable[[Function, str, str], None]
    has_news: Callable[[str], bool]
    pace: Pace


class Poller:
    """Runs from ``start`` to ``stop``."""

    def __init__(self, mapping: SourceMapping, doors: Doors) -> None:
        self.mapping, self.doors = mapping, doors
        self.result = "No records processed"
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"source {mapping.source}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """At the next occasion."""
        self.ended.set()

    def stop(self) -> None:
        self.end()
        self._thread.join()

    def look(self) -> None:
        """One look at the source, and what follows from it."""
        raise NotImplementedError

    def wait(self, seconds: float) -> bool:
        """Of the endpoint's clock; True when the poller is to end."""
        return self.ended.wait(seconds / self.doors.pace.time.scale)

    def function(self) -> Function:
        """Raises ``Refusal``: it is gone."""
        found = self.doors.find(self.mapping.key)
        if found is None:
            raise Refusal("ResourceNotFoundException", f"Function not found: {self.mapping.key.arn}", 404)
        return found

    def _run(self) -> None:
        while not self.ended.is_set():
            try:
                self.look()
                idle = _LOOK
            except (BotoCoreError, ClientError, Refusal) as trouble:
                self.result = f"PROBLEM: {trouble}"
                LOG.info("%s: %s", self.mapping.source, trouble)
                idle = _AFTER_TROUBLE
            except Exception:
                LOG.exception("%s: the embedded AWS failed", self.mapping.source)
                idle = _AFTER_TROUBLE
            self.ended.wait(idle)
