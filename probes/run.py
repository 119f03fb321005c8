"""All probes against one emulator."""

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from probes.registry import Probe, all_probes
from probes.trial import Trial, outcome
from probes.worlds import WORLDS, Emulator


@dataclass(frozen=True)
class Result:
    """``outcome``: right, wrong or missing."""

    outcome: str
    why: str
    seconds: float


Results = dict[str, Result]
"""Probe id → result."""


def run(emulator: Emulator, probes: Iterable[Probe]) -> Results:
    return {probe.id: _one(emulator, probe) for probe in probes}


def _one(emulator: Emulator, probe: Probe) -> Result:
    started = time.monotonic()
    how, why = outcome(probe.check, Trial(emulator))
    return Result(how, why, round(time.monotonic() - started, 3))


def run_all(names: Iterable[str], probes: Iterable[Probe] | None = None) -> dict[str, Any]:
    """The emulators named, at the same time: name → {"version", "results"}."""
    wanted = tuple(probes or all_probes())

    def one(name: str) -> dict[str, Any]:
        with WORLDS[name]() as emulator, closing(emulator):
            return {"version": emulator.version, "results": run(emulator, wanted)}

    names = list(names)
    with ThreadPoolExecutor(len(names)) as pool:
        return dict(zip(names, pool.map(one, names), strict=True))
