"""What a mesh's handlers may cost, counted on the wire; and that nothing elsewhere holds up the local answer."""

import re
from collections import Counter

import pytest

from twinwall.emulator.mesh.function import AT_ONCE
from twinwall.emulator.mesh.weather import Weather
from twinwall.emulator.mesh.world import World
from twinwall.engine.mesh.handler import handle
from twinwall.engine.mesh.run import Around

CALM = 1


class Counted:
    """A founded mesh, and what goes over its wire from then on."""

    def __init__(self, sites: int, seed: int = CALM, *, together: int = 1) -> None:
        self.lines: list[str] = []
        weather = Weather(seed, quiet=True)
        weather.hiccups = 0.0
        self.world = World(seed, sites, weather, handle, Around, together=together, trace=self.lines.append)
        self.world.pool.free[:] = [f"198.51.{high}.{low}" for high in range(4) for low in range(1, 250)]
        for _ in range(2):
            for function in self.world.functions.values():
                function.true_up()
            self.world.sim.run()
        self.lines.clear()

    def calls(self, node: str) -> Counter[str]:
        """By action, of this node's handlers."""
        found = [re.match(rf"\s*[\d.]+  {node}#\d+ ([A-Z][A-Za-z]+) @", line) for line in self.lines]
        return Counter(match.group(1) for match in found if match)

    @property
    def node(self) -> str:
        return self.world.mesh.sites[0].node

    @property
    def asg(self) -> str:
        return self.world.mesh.sites[0].key.asg

    def launch(self, count: int = 1) -> None:
        fleet = self.world.fleets[self.world.mesh.sites[0].place]
        for _ in range(count):
            fleet.launch(self.asg)


@pytest.mark.parametrize("sites", [2, 3, 4])
def test_one_event_costs_at_most_3_r_and_11_calls(sites: int) -> None:
    mesh = Counted(sites, seed=CALM)
    nodes = len(mesh.world.mesh.nodes)
    mesh.launch()
    mesh.world.sim.run()
    calls = mesh.calls(mesh.node)
    assert calls["CompleteLifecycleAction"] == 1
    assert calls["PushRows"] == nodes - 1
    assert sum(calls.values()) <= 3 * nodes + 11, calls


def test_a_termination_costs_one_call_more() -> None:
    mesh = Counted(3)
    mesh.launch(2)
    mesh.world.sim.run()
    mesh.lines.clear()
    fleet = mesh.world.fleets[mesh.world.mesh.sites[0].place]
    ended = re.compile(r"Terminate Successful")
    fleet.terminate(next(iter(fleet.machines)))
    mesh.world.sim.run()
    before = next(number for number, line in enumerate(mesh.lines) if ended.search(line))
    del mesh.lines[before:]
    calls = mesh.calls(mesh.node)
    assert calls["RevokeSecurityGroupIngress"] == 1
    assert sum(calls.values()) <= 3 * len(mesh.world.mesh.nodes) + 12, calls


def test_a_burst_of_200_launches_is_one_pass_and_200_answers() -> None:
    mesh = Counted(4, seed=2)
    assert len(mesh.world.mesh.nodes) == 4
    queue = mesh.world.functions[mesh.node].queue
    queue.running = AT_ONCE  # until all are there, nobody takes any
    mesh.launch(200)
    mesh.world.sim.run(until=mesh.world.sim.monotonic() + 5)
    assert len(queue.messages) == 200
    queue.running = 0
    queue.poll()
    mesh.world.sim.run()
    calls = mesh.calls(mesh.node)
    answers = calls.pop("CompleteLifecycleAction")
    assert answers == 200
    assert sum(calls.values()) <= 24, calls


@pytest.mark.parametrize(("others", "launching", "most"), [(0, 8, 95), (3, 1, 95), (3, 8, 95 + 3 * 7)])
def test_a_burst_at_eight_sites_of_one_node(others: int, launching: int, most: int) -> None:
    """200 launches in one batch, of one site or of all eight. Every group here gets every site's members, and a call
    carries the marks of one site: the protocol's 95 are 3R + 11 for R = 4 nodes, 8 × 8 adds and 8 revokes here. They
    count one push and one add at each other node. Eight rows go there in one push too; but the members of seven more
    sites are up to seven adds more at each."""
    mesh = Counted(8 + others, seed=2, together=8)
    world = mesh.world
    queue = world.functions[mesh.node].queue
    queue.running = AT_ONCE
    here = [site for site in world.mesh.sites if site.node == mesh.node]
    assert len(here) == 8
    for site in here[:launching]:
        for _ in range(200 // launching):
            world.fleets[site.place].launch(site.key.asg)
    world.sim.run(until=world.sim.monotonic() + 5)
    queue.running = 0
    queue.poll()
    world.sim.run()
    calls = mesh.calls(mesh.node)
    assert calls.pop("CompleteLifecycleAction") == 200
    assert calls["PushRows"] == others
    assert sum(calls.values()) <= most, calls


def test_a_true_up_with_nothing_to_do_is_four_reads_and_one_of_each_other_table() -> None:
    mesh = Counted(4)
    mesh.world.functions[mesh.node].true_up()
    mesh.world.sim.run()
    calls = mesh.calls(mesh.node)
    assert sum(calls.values()) == 4 + len(mesh.world.mesh.nodes) - 1, calls
    assert not [action for action in calls if not action.startswith(("Describe", "Scan"))]


def test_an_owner_that_is_woken_for_nothing_reads_twice() -> None:
    mesh = Counted(3)
    mesh.world.functions[mesh.node].stream.put()
    mesh.world.sim.run()
    assert mesh.calls(mesh.node) == {"DescribeSecurityGroupRules": 1, "Scan": 1}


def test_a_region_that_hangs_does_not_hold_up_the_local_answer() -> None:
    mesh = Counted(3)
    other = next(node.name for node in mesh.world.mesh.nodes if node.name != mesh.node)
    mesh.world.wire.cuts.add((mesh.node, other))
    mesh.launch()
    mesh.world.sim.run()
    began = _moment(mesh.lines, "TakeLease")
    answered = _moment(mesh.lines, "answer CONTINUE")
    assert answered - began < 5.0
    assert _moment(mesh.lines, "node-failed") > 0
    group = mesh.world.aws.world.at(*_place(mesh)).groups[mesh.world.mesh.sites[0].group_id]
    assert any("198.51." in str(rule.peer) for rule in group.rules)


def _place(mesh: Counted) -> tuple[str, str]:
    place = mesh.world.mesh.sites[0].place
    return place.account, place.region


def _moment(lines: list[str], text: str) -> float:
    return float(next(line for line in lines if text in line).split()[0])
