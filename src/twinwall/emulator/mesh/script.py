"""What people and AWS do to the mesh while it works: a seeded list of deeds, each small, each repeatable.

A deed holds what it needs to choose by (numbers from 0 to 1), not what it chose: so it means something also in a run
from which other deeds were taken away.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from twinwall.emulator.mesh import readdress
from twinwall.emulator.mesh.fleet import POOL, Fleet
from twinwall.emulator.mesh.instances import Machine
from twinwall.emulator.refusal import Refusal
from twinwall.model.firewall import tag
from twinwall.model.members import Site
from twinwall.model.ownership import MESH_TAG
from twinwall.model.rules import CidrPeer, SecurityGroupRule

if TYPE_CHECKING:
    from twinwall.emulator.mesh.world import World

T = TypeVar("T")

ANNOUNCED = {"launch": 10, "terminate": 8, "burst": 2}
WARM = {"warm": 2, "wake": 3, "rest": 3, "drain": 1}
"""Where groups have warm pools. Each waits on a hook."""
UNANNOUNCED = {
    "attach": 1,
    "detach": 1,
    "standby": 1,
    "back": 1,
    "stop-start": 1,
    "elastic": 1,
    "swap": 1,
    "assign": 1,
    "reclaim": 1,
    "remove-rule": 1,
    "foreign-rule": 1,
    "foreign-twin": 1,
    "remove-foreign": 1,
    "cut": 1,
    "cut-one-way": 1,
    "heal": 3,
    "back-up": 1,
    "restore": 1,
    "lose-table": 0.3,
    "true-up": 4,
    "reap": 1,
    "remove-site": 0.4,
    "add-site": 1,
    "long": 0.2,
}


@dataclass(frozen=True)
class Deed:
    after: float
    name: str
    which: float
    what: float


def deeds(seed: int, *, quiet: bool, warm: bool = False) -> Iterator[Deed]:
    """Without end. A seed has a pace of its own, and its own choice of rare deeds."""
    source = random.Random(f"deeds {seed}")
    pace = source.choice((0.8, 3.0, 12.0))
    table = ANNOUNCED | (WARM if warm else {})
    if not quiet:
        table |= {name: weight for name, weight in UNANNOUNCED.items() if source.random() < 0.6}  # type: ignore[misc]
    names, weights = list(table), list(table.values())
    while True:
        (name,) = source.choices(names, weights)
        yield Deed(source.expovariate(1 / pace), name, source.random(), source.random())


def _pick(items: list[T], by: float) -> T | None:
    return items[int(by * len(items))] if items else None


class Deeds:
    def __init__(self, world: "World") -> None:
        self.world = world
        self.backups: dict[str, Any] = {}

    def do(self, deed: Deed) -> None:
        self.world.log(f"deed {deed.name}")
        getattr(self, "_" + deed.name.replace("-", "_"))(deed)

    def _site(self, deed: Deed) -> tuple[Site, Fleet]:
        sites = self.world.mesh.sites
        site = sites[int(deed.which * len(sites))]
        return site, self.world.fleets[site.place]

    def _machine(self, deed: Deed, *states: str) -> tuple[Fleet, Machine] | None:
        site, fleet = self._site(deed)
        found = [m for m in fleet.machines.values() if m.asg == site.key.asg and m.state in states]
        machine = _pick(found, deed.what)
        return (fleet, machine) if machine else None

    def _launch(self, deed: Deed) -> None:
        site, fleet = self._site(deed)
        if self._has_addresses(fleet):
            fleet.launch(site.key.asg)

    def _has_addresses(self, fleet: Fleet) -> bool:
        return fleet.pool.has(fleet.habits, fleet.place)

    def _burst(self, deed: Deed) -> None:
        for _ in range(3):
            self._launch(deed)

    def _terminate(self, deed: Deed) -> None:
        found = self._machine(deed, "InService", "InService", "Standby", "Pending:Wait")
        if found:
            found[0].terminate(found[1].id)

    def _attach(self, deed: Deed) -> None:
        site, fleet = self._site(deed)
        if self._has_addresses(fleet):
            fleet.attach(site.key.asg)

    def _on_machine(self, deed: Deed, change: Callable[[Fleet, str], None], *states: str) -> None:
        found = self._machine(deed, *states)
        if found:
            change(found[0], found[1].id)

    def _detach(self, deed: Deed) -> None:
        self._on_machine(deed, lambda fleet, id_: fleet.detach(id_), "InService", "Standby")

    def _standby(self, deed: Deed) -> None:
        self._on_machine(deed, lambda fleet, id_: fleet.change_state(id_, "Standby"), "InService")

    def _back(self, deed: Deed) -> None:
        self._on_machine(deed, lambda fleet, id_: fleet.change_state(id_, "InService"), "Standby")

    def _stop_start(self, deed: Deed) -> None:
        found = self._machine(deed, "InService")
        if found and found[1].power == "running" and self._has_addresses(found[0]):
            found[0].stop_and_start(found[1].id)

    # --- the warm pool

    def _warm(self, deed: Deed) -> None:
        site, fleet = self._site(deed)
        if self._has_addresses(fleet):
            fleet.launch(site.key.asg, to=POOL)

    def _wake(self, deed: Deed) -> None:
        found = self._machine(deed, "Warmed:Stopped")
        if found and self._has_addresses(found[0]):
            found[0].wake(found[1].id)

    def _rest(self, deed: Deed) -> None:
        self._on_machine(deed, lambda fleet, id_: fleet.terminate(id_, to=POOL), "InService")

    def _drain(self, deed: Deed) -> None:
        self._on_machine(deed, lambda fleet, id_: fleet.terminate(id_), "Warmed:Stopped")

    # --- addresses that change under an instance

    def _elastic(self, deed: Deed) -> None:
        found = self._machine(deed, "InService", "Standby")
        if found and self._has_addresses(found[0]):
            readdress.take_elastic(found[0], found[1].id)

    def _swap(self, deed: Deed) -> None:
        found = self._machine(deed, "InService")
        other = self._machine(Deed(0, "", deed.what, deed.which), "InService", "Pending:Wait")
        if found and other and found[0] is other[0]:
            readdress.swap(found[0], found[1].id, other[1].id)

    def _assign(self, deed: Deed) -> None:
        found = self._machine(deed, "InService", "Standby", "Pending:Wait")
        if found and self._has_addresses(found[0]):
            readdress.assign(found[0], found[1].id)

    def _reclaim(self, deed: Deed) -> None:
        self._on_machine(deed, lambda fleet, id_: fleet.terminate_at_once(id_), "InService", "Pending:Wait")

    # --- groups, by hand

    def _rules(self, deed: Deed, *, marked: bool) -> tuple[Site, list[SecurityGroupRule]]:
        site, _ = self._site(deed)
        group = self.world.aws.world.at(site.account, site.key.region).groups[site.group_id]
        name = self.world.mesh.name
        rules = [
            r
            for r in group.rules
            if (tag(r.tags, MESH_TAG) == name) is marked
            and r.direction.value == "ingress"
            and isinstance(r.peer, CidrPeer)
        ]
        return site, rules

    def _revoke(self, deed: Deed, *, marked: bool) -> None:
        site, rules = self._rules(deed, marked=marked)
        rule = _pick(rules, deed.what)
        if rule is not None:
            request = {"GroupId": site.group_id, "SecurityGroupRuleIds": [rule.rule_id]}
            self.world.aws.request(site.account, site.key.region, "RevokeSecurityGroupIngress", request)

    def _remove_rule(self, deed: Deed) -> None:
        self._revoke(deed, marked=True)

    def _remove_foreign(self, deed: Deed) -> None:
        self._revoke(deed, marked=False)

    def _foreign_rule(self, deed: Deed) -> None:
        self._authorize(deed, f"198.18.0.{int(deed.what * 250)}/32")

    def _foreign_twin(self, deed: Deed) -> None:
        """Identical to one that the mesh wants, or will want."""
        self._authorize(deed, f"203.0.113.{1 + int(deed.what * 12)}/32")

    def _authorize(self, deed: Deed, cidr: str) -> None:
        site, _ = self._site(deed)
        traffic = self.world.ports[0]
        permission = {
            "IpProtocol": "tcp",
            "FromPort": traffic.first,
            "ToPort": traffic.last,
            "IpRanges": [{"CidrIp": cidr}],
        }
        request = {"GroupId": site.group_id, "IpPermissions": [permission]}
        with suppress(Refusal):  # it stands there already, or there is no room
            self.world.aws.request(site.account, site.key.region, "AuthorizeSecurityGroupIngress", request)

    # --- Regions and tables

    def _nodes(self, deed: Deed) -> tuple[str, str]:
        names = [node.name for node in self.world.mesh.nodes]
        one = names[int(deed.which * len(names))]
        others = [name for name in names if name != one] or names
        return one, others[int(deed.what * len(others))]

    def _cut(self, deed: Deed) -> None:
        one, other = self._nodes(deed)
        self.world.wire.cuts |= {(one, other), (other, one)}

    def _cut_one_way(self, deed: Deed) -> None:
        self.world.wire.cuts.add(self._nodes(deed))

    def _heal(self, _: Deed) -> None:
        self.world.wire.cuts.clear()

    def _back_up(self, deed: Deed) -> None:
        node, _ = self._nodes(deed)
        self.backups[node] = self.world.tables[node].backup()

    def _restore(self, deed: Deed) -> None:
        node, _ = self._nodes(deed)
        if node in self.backups:
            self._forget(node)
            self.world.tables[node].restore(self.backups[node])

    def _lose_table(self, deed: Deed) -> None:
        node, _ = self._nodes(deed)
        self._forget(node)
        self.world.tables[node].restore(({}, {}))

    def _forget(self, node: str) -> None:
        self.world.watch.lost_at[node] = self.world.sim.monotonic()
        self.world.watch.left = {pair for pair in self.world.watch.left if pair[0] != node}

    def _true_up(self, deed: Deed) -> None:
        self.world.functions[self._nodes(deed)[0]].true_up()

    def _reap(self, deed: Deed) -> None:
        self.world.functions[self._nodes(deed)[0]].reap()

    def _long(self, _: Deed) -> None:
        """A long quiet time, with true-ups: rows grow old where a Region is cut off."""
        for _time in range(6):
            for function in self.world.functions.values():
                function.true_up()
            self.world.sim.sleep(self.world.mesh.true_up_every)

    # --- the configuration

    def _remove_site(self, _: Deed) -> None:
        """The last site, from every node's configuration, one after the other."""
        sites = self.world.all_sites
        if len(sites) > 2:
            self._configure(sites[:-1])

    def _add_site(self, _: Deed) -> None:
        self._configure(self.world.all_sites)

    def _configure(self, sites: tuple[Site, ...]) -> None:
        for node in self.world.mesh.nodes:
            self.world.configure(node.name, sites)
            self.world.sim.sleep(self.world.sim.random.uniform(0.0, 3.0))
