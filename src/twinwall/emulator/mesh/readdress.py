"""Addresses of running instances that somebody changes by hand: AWS announces none of it (aws-facts 5.5)."""

from dataclasses import replace

from twinwall.emulator.mesh.fleet import Fleet
from twinwall.emulator.mesh.instances import Held


def take_elastic(fleet: Fleet, id_: str) -> None:
    """An Elastic IP instead of the public address that it has."""
    machine = fleet.machines[id_]
    for old in [one for one in machine.held if one.kind == "public" and one.first]:
        new = fleet.pool.take(fleet.sim, "public", fleet.place)
        fleet.put(replace(machine, held=tuple(new if one == old else one for one in machine.held)))
        fleet.pool.give_back(fleet.place, old)


def swap(fleet: Fleet, one: str, other: str) -> None:
    """Each gets the first addresses that the other has had."""
    here, there = fleet.machines[one], fleet.machines[other]
    if _firsts(here.held) and _firsts(there.held) and one != other:
        fleet.put(replace(here, held=(*_firsts(there.held), *_seconds(here.held))))
        fleet.put(replace(there, held=(*_firsts(here.held), *_seconds(there.held))))


def assign(fleet: Fleet, id_: str) -> None:
    """A second address of each kind that counts; where there are such, they go."""
    machine = fleet.machines[id_]
    second = _seconds(machine.held)
    for old in second:
        fleet.pool.give_back(fleet.place, old)
    kinds = () if second else sorted(fleet.habits.addresses)
    new = tuple(fleet.pool.take(fleet.sim, kind, fleet.place, first=False) for kind in kinds)
    fleet.put(replace(machine, held=(*_firsts(machine.held), *new)))


def _firsts(held: tuple[Held, ...]) -> tuple[Held, ...]:
    return tuple(one for one in held if one.first)


def _seconds(held: tuple[Held, ...]) -> tuple[Held, ...]:
    return tuple(one for one in held if not one.first)
