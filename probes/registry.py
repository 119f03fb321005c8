"""The list of all probes."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules

from probes.trial import Trial

Check = Callable[[Trial], None]


@dataclass(frozen=True)
class Probe:
    """``area``: its module. ``chapter``: of the fact sheet, or the emulators' table. ``source``: where AWS says so."""

    id: str
    area: str
    chapter: str
    behaviour: str
    source: str
    check: Check


_PROBES: list[Probe] = []


def probe(chapter: str, behaviour: str, source: str) -> Callable[[Check], Check]:
    """Registers a function of a ``Trial`` that returns if the emulator does as AWS, and raises if it does not."""

    def register(check: Check) -> Check:
        area = check.__module__.rpartition(".")[2]
        _PROBES.append(Probe(check.__name__, area, chapter, behaviour, source, check))
        return check

    return register


def all_probes() -> tuple[Probe, ...]:
    """In the order of the modules' names and of their lines."""
    package = import_module("probes.behaviours")
    for module in sorted(iter_modules(package.__path__), key=lambda found: found.name):
        import_module(f"probes.behaviours.{module.name}")
    names = [found.id for found in _PROBES]
    assert len(set(names)) == len(names), "two probes have one name"
    return tuple(_PROBES)
