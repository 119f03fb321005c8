"""One run of a whole mesh by a seed, and a failing one made as short as it gets.

found ─▶ true-ups until the rows are known ─▶ deeds and weather, until enough calls ─▶ calm ─▶ the last checks
"""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from twinwall.emulator.mesh.habits import habits_of
from twinwall.emulator.mesh.notes import Violation
from twinwall.emulator.mesh.script import Deed, Deeds, deeds
from twinwall.emulator.mesh.shapes import listed
from twinwall.emulator.mesh.weather import Trouble, Weather
from twinwall.emulator.mesh.world import Handler, Surround, World
from twinwall.model.firewall import tag
from twinwall.model.members import Site
from twinwall.model.ownership import MESH_TAG

BETWEEN_TRUE_UPS = 65.0
SETTLING = 900.0
"""So long the queues may need to become empty once the weather is calm."""


@dataclass(frozen=True)
class Script:
    """Everything that happened in a run and that can be left out of it."""

    deeds: tuple[Deed, ...] = ()
    calls: Mapping[int, Trouble] = field(default_factory=dict)
    events: Mapping[int, Trouble] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return len(self.deeds) + len(self.calls) + len(self.events)


@dataclass(frozen=True)
class Result:
    """``failure``: the invariant and its story, or an error of the program; "" if all held."""

    seed: int
    quiet: bool
    calls: int
    answers: int
    seconds: float
    failure: str
    script: Script
    by_action: Mapping[str, int] = field(default_factory=dict)


@dataclass
class Simulator:
    """``handler`` and ``surround`` are the engine's."""

    handler: Handler
    surround: Surround
    calls: int = 500
    sites: int | None = None

    def run(
        self, seed: int, script: Script | None = None, trace: Callable[[str], None] | None = None
    ) -> Result:
        source = random.Random(f"run {seed}")
        quiet = seed % 3 == 0
        sites = self.sites or source.choice((2, 3, 3, 4))
        weather = Weather(seed, quiet, None if script is None else (script.calls, script.events))
        expiry, policy = source.choice((3600.0, 3600.0, 400.0)), source.choice(("drop", "drop", "keep"))
        tight = not quiet and source.random() < 0.1
        world = World(
            seed,
            sites,
            weather,
            self.handler,
            self.surround,
            expiry=expiry,
            policy=policy,
            tight=tight,
            habits=habits_of(seed),
            trace=trace,
        )
        world.log(f"seed {seed}: {sites} sites, {world.habits}")
        one = _Run(
            world,
            self.calls,
            deeds(seed, quiet=quiet, warm=world.habits.warm) if script is None else script.deeds,
            script is None,
        )
        failure = ""
        world.sim.spawn(one.live)
        try:
            world.sim.run()
        except Violation as violation:
            failure = str(violation)
        except Exception as error:  # noqa: BLE001 - a handler that fails otherwise is a failing run too
            failure = f"Error: {type(error).__name__}: {error}"
        done = Script(
            tuple(one.done),
            dict(script.calls if script else weather.calls),
            dict(script.events if script else weather.events),
        )
        return Result(
            seed,
            quiet,
            world.wire.count,
            world.answers,
            world.sim.monotonic(),
            failure,
            done,
            world.wire.by_action,
        )

    def shrink(self, result: Result, most: int = 300) -> Result:
        """The shortest script found that fails by the same invariant."""
        kind, best = result.failure.partition(":")[0], result
        size = max(1, best.script.size // 2)
        while size and most > 0:
            for start in range(0, best.script.size, size):
                most -= 1
                tried = self.run(result.seed, _without(best.script, start, size))
                if tried.failure.partition(":")[0] == kind and tried.script.size < best.script.size:
                    best = tried
                    break
                if most <= 0:
                    break
            else:
                size //= 2
        return best


def _without(script: Script, start: int, size: int) -> Script:
    keys: list[tuple[int, int]] = [(0, number) for number in range(len(script.deeds))]
    keys += [(1, number) for number in script.calls] + [(2, number) for number in script.events]
    kept = set(keys) - set(keys[start : start + size])
    return Script(
        tuple(deed for number, deed in enumerate(script.deeds) if (0, number) in kept),
        {number: trouble for number, trouble in script.calls.items() if (1, number) in kept},
        {number: trouble for number, trouble in script.events.items() if (2, number) in kept},
    )


@dataclass
class _Run:
    """The task that makes things happen, in the order of time."""

    world: World
    calls: int
    given: Iterable[Deed]
    endless: bool
    done: list[Deed] = field(default_factory=list)

    def live(self) -> None:
        self._found()
        doing, began = Deeds(self.world), self.world.wire.count
        for deed in self.given:
            if self.endless and self.world.wire.count - began >= self.calls:
                break
            self.world.sim.sleep(deed.after)
            self.done.append(deed)
            doing.do(deed)
        if self.world.quiet:
            self._settle("Quiet")
            self._check_groups("Quiet")
        else:
            self._calm_down()
            self._check_groups("Liveness")
            self._check_rows()

    def _found(self) -> None:
        """The founding is not what is tried: nothing befalls it."""
        weather, self.world.weather.over = self.world.weather, True
        for _ in range(2):
            self._true_ups()
        weather.over = False

    def _true_ups(self) -> None:
        for function in self.world.functions.values():
            function.true_up()
        self.world.sim.sleep(BETWEEN_TRUE_UPS)

    def _settle(self, invariant: str) -> None:
        world, until, calm = self.world, self.world.sim.monotonic() + SETTLING, 0
        while calm < 2:  # events are on their way for a moment
            busy = any(function.is_busy for function in world.functions.values())
            calm = 0 if busy or not all(fleet.settled() for fleet in world.fleets.values()) else calm + 1
            if world.sim.monotonic() > until:
                raise Violation(invariant, f"not settled after {SETTLING:.0f} s: {self._busy()}")
            world.sim.sleep(5.0)

    def _busy(self) -> str:
        states = [
            f"{m.id} {m.state}" for f in self.world.fleets.values() for m in f.machines.values() if m.action
        ]
        return ", ".join([*states, *(name for name, f in self.world.functions.items() if f.is_busy)])

    def _calm_down(self) -> None:
        world = self.world
        world.weather.over = True
        world.wire.cuts.clear()
        world.aws.throttle.on = False
        for node in world.mesh.nodes:
            world.configure(node.name, world.all_sites)
        world.sim.sleep(70.0)
        world.calm_since = world.sim.monotonic()
        for _ in range(2):
            self._true_ups()
            self._settle("Liveness")

    def _check_groups(self, invariant: str) -> None:
        world = self.world
        wanted = {
            cidr
            for site in world.mesh.sites
            for m in world.fleets[site.place].members(site.key.asg)
            for cidr in m.counted(world.mesh)
        }
        for site in world.mesh.sites:
            lacking, marked = self._shown(site, wanted)
            if lacking and not world.tight:
                raise Violation(invariant, f"{site.key} lacks {sorted(lacking)}")
            if marked - wanted:
                raise Violation(invariant, f"{site.key} still admits {sorted(marked - wanted)}")

    def _shown(self, site: Site, wanted: Iterable[str]) -> tuple[set[str], set[str]]:
        """Addresses that a port of their family is closed for, and those of rules of ours."""
        there = self.world.aws.world.at(site.account, site.key.region).groups
        rules = [r for id_ in site.groups for r in there[id_].rules if r.direction.value == "ingress"]
        stands = {(str(r.peer), r.traffic) for r in rules}
        lacking = {
            cidr
            for cidr in wanted
            for port in self.world.ports
            if port.protocol != (1 if ":" in cidr else 58) and (cidr, port) not in stands
        }
        marked = {str(r.peer) for r in rules if tag(r.tags, MESH_TAG) == self.world.mesh.name}
        return lacking, marked

    def _check_rows(self) -> None:
        for site in self.world.mesh.sites:
            key = (site.key.region, site.key.asg)
            own = self.world.tables[site.node].rows.get(key)
            for name, table in self.world.tables.items():
                copy = table.rows.get(key)
                if own is None or copy is None or _said(copy) != _said(own):
                    raise Violation("Liveness", f"{name} has another copy of {site.key} than its owner")


def _said(row: Mapping[str, object]) -> tuple[object, ...]:
    return row["generation"], row["observed_at"], listed(row)
