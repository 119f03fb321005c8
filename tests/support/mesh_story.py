"""A mesh on the simulated AWS without any trouble, for single stories: what happens is said step by step."""

from dataclasses import replace
from typing import Any

from twinwall.emulator.mesh.fleet import Fleet
from twinwall.emulator.mesh.habits import Habits
from twinwall.emulator.mesh.weather import Weather
from twinwall.emulator.mesh.wire import Environment
from twinwall.emulator.mesh.world import World
from twinwall.emulator.simulation import Process
from twinwall.engine.mesh.handler import handle
from twinwall.engine.mesh.record import Recording, record
from twinwall.engine.mesh.run import Around
from twinwall.mesh.status import status
from twinwall.model.members import Site
from twinwall.model.rules import SecurityGroupRule


class Story:
    def __init__(
        self,
        sites: int = 2,
        *,
        tight: bool = False,
        seed: int = 3,
        habits: Habits | None = None,
        **settings: Any,
    ) -> None:
        self.lines: list[dict[str, Any]] = []
        weather = Weather(seed, quiet=True)
        weather.hiccups = 0.0
        self.world = World(seed, sites, weather, handle, self.surround, tight=tight, habits=habits)
        self.settings(**settings)

    def surround(self, *parts: Any) -> Around:
        *others, _ = parts
        return Around(*others, self.lines.append)

    def settings(self, **settings: Any) -> None:
        self.world.mesh = replace(self.world.mesh, **settings)
        self.world.all_sites = self.world.mesh.sites
        for node in self.world.tables:
            self.world.configure(node, self.world.mesh.sites)

    def quota(self, rules: int) -> None:
        """Of a group, as EC2 has it and as the configuration says it."""
        self.world.aws.world.quotas["*", "*", "L-0EA8095F"] = rules
        self.settings(rules_per_group=rules)

    def found(self, *nodes: str) -> None:
        for _ in range(2):
            for node in nodes or self.world.functions:
                self.world.functions[node].true_up()
            self.world.sim.run()

    def wait(self, seconds: float) -> None:
        """What is due until then happens."""
        until = self.world.sim.monotonic() + seconds
        self.world.sim.run(until=until)
        self.world.sim.sleep(until - self.world.sim.monotonic())

    def site(self, number: int = 0) -> Site:
        return self.world.mesh.sites[number]

    def fleet(self, number: int = 0) -> Fleet:
        return self.world.fleets[self.site(number).place]

    def launch(self, number: int = 0) -> str:
        self.fleet(number).launch(self.site(number).key.asg)
        self.world.sim.run()
        return next(reversed(self.fleet(number).machines))

    def rules(self, number: int, group: int = 0) -> list[SecurityGroupRule]:
        """Inbound ones of the site's first group, or of a further one, placeholders apart."""
        site = self.site(number)
        there = self.world.aws.world.at(site.account, site.key.region).groups[site.groups[group]]
        found = [rule for rule in there.rules if rule.direction.value == "ingress"]
        return [rule for rule in found if str(rule.peer) not in site.groups]

    def admitted(self, number: int, group: int = 0) -> set[str]:
        return {str(rule.peer) for rule in self.rules(number, group)}

    def recording(self) -> Recording:
        kept: list[Recording] = []
        env = Environment(self.site().node, Process("somebody"))
        self.world.sim.spawn(lambda: kept.append(record(self.world.around(env))))
        self.world.sim.run()
        return kept[0]

    def status(self) -> dict[str, Any]:
        return status(self.world.mesh, self.recording())

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line.get("event") == kind]
