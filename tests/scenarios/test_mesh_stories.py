"""Single stories of a mesh, on the simulated AWS without any trouble."""

from dataclasses import replace
from typing import Any

from twinwall.emulator.mesh.fleet import Fleet
from twinwall.emulator.mesh.weather import Weather
from twinwall.emulator.mesh.world import World
from twinwall.engine.mesh.handler import handle
from twinwall.engine.mesh.run import Around
from twinwall.model.members import Site


class Story:
    def __init__(self, sites: int = 2, *, tight: bool = False, seed: int = 3, **settings: Any) -> None:
        self.lines: list[dict[str, Any]] = []
        weather = Weather(seed, quiet=True)
        weather.hiccups = 0.0
        self.world = World(seed, sites, weather, handle, self.surround, tight=tight)
        self.settings(**settings)

    def surround(self, *parts: Any) -> Around:
        *others, _ = parts
        return Around(*others, self.lines.append)

    def settings(self, **settings: Any) -> None:
        self.world.mesh = replace(self.world.mesh, **settings)
        self.world.all_sites = self.world.mesh.sites
        for node in self.world.tables:
            self.world.configure(node, self.world.mesh.sites)

    def found(self, *nodes: str) -> None:
        for _ in range(2):
            for node in nodes or self.world.functions:
                self.world.functions[node].true_up()
            self.world.sim.run()

    def site(self, number: int = 0) -> Site:
        return self.world.mesh.sites[number]

    def fleet(self, number: int = 0) -> Fleet:
        return self.world.fleets[self.site(number).place]

    def launch(self, number: int = 0) -> str:
        self.fleet(number).launch(self.site(number).key.asg)
        self.world.sim.run()
        return next(reversed(self.fleet(number).machines))

    def admitted(self, number: int) -> set[str]:
        site = self.site(number)
        group = self.world.aws.world.at(site.account, site.key.region).groups[site.group_id]
        return {str(rule.peer) for rule in group.rules if rule.direction.value == "ingress"} - {site.group_id}

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line.get("event") == kind]


def test_the_first_region_alone_acts_for_the_second() -> None:
    story = Story()
    home = story.site(0).node
    story.settings(sites=(story.site(0), replace(story.site(1), node=home)))
    story.found(home)
    instance = story.launch()
    address = f"{story.fleet().machines[instance].address}/32"
    assert [story.admitted(0), story.admitted(1)] == [{address}, {address}]
    story.fleet().terminate(instance)
    story.world.sim.run()
    assert [story.admitted(0), story.admitted(1)] == [set(), set()]


def test_the_second_region_takes_its_site_over() -> None:
    story = Story()
    apart = story.world.mesh.sites
    story.settings(sites=(apart[0], replace(apart[1], node=apart[0].node)))
    story.found(apart[0].node)
    address = f"{story.fleet().machines[story.launch()].address}/32"
    story.settings(sites=apart)
    story.found()
    story.launch(1)
    assert address in story.admitted(1)
    assert story.admitted(0) == story.admitted(1)
    assert len(story.admitted(0)) == 2


def test_the_first_launch_anywhere_founds_the_whole_mesh() -> None:
    story = Story(3)
    for function in story.world.functions.values():
        function.soon = lambda: 5.0  # the others are woken when their groups are right already
    instance = story.launch()
    assert [story.admitted(number) for number in range(3)] == [
        {f"{story.fleet().machines[instance].address}/32"}
    ] * 3
    assert all(len(table.rows) == 3 for table in story.world.tables.values()), "woken, each wrote its row"
    story.fleet().terminate(instance)
    story.world.sim.run()
    assert [story.admitted(number) for number in range(3)] == [set()] * 3


def test_a_launch_that_finds_no_room_is_abandoned_and_leaves_no_trace() -> None:
    story = Story(tight=True)
    story.settings(ports=story.world.mesh.ports[:1])
    story.world.aws.world.quotas["*", "*", "L-0EA8095F"] = 3
    story.found()
    kept = [story.launch() for _ in range(3)]
    refused = story.launch()
    states = {id_: story.fleet().machines[id_].state for id_ in (*kept, refused)}
    assert states == dict.fromkeys(kept, "InService") | {refused: "Terminated"}
    assert [line["result"] for line in story.events("answered")][-1] == "ABANDON"
    assert story.admitted(0) == story.admitted(1)
    assert len(story.admitted(0)) == 3
    rows = story.world.tables[story.site(1).node].rows.values()
    assert sum(len(row["ips"] or ()) for row in rows) == 3


def test_members_of_others_that_find_no_room_are_no_reason_to_abandon() -> None:
    story = Story(tight=True)
    story.settings(ports=story.world.mesh.ports[:1])
    story.found()
    for _ in range(3):
        story.launch(1)
    story.world.aws.world.quotas[story.site(0).account, "*", "L-0EA8095F"] = 3
    one = story.launch(1)
    assert story.fleet(1).machines[one].state == "InService"
    assert len(story.admitted(0)) == 3
    assert len(story.admitted(1)) == 4
    assert story.events("refused")


def test_removal_after_the_end() -> None:
    story = Story(remove="after")
    story.found()
    instance = story.launch()
    address = f"{story.fleet().machines[instance].address}/32"
    story.fleet().terminate(instance)
    fleet = story.fleet()
    until = story.world.sim.monotonic()
    while fleet.machines[instance].state != "Terminating:Proceed":
        until += 0.05
        story.world.sim.run(until=until)
    assert address in story.admitted(0), "the hook is answered, the rule still stands"
    story.world.sim.run()
    assert story.admitted(0) == story.admitted(1) == set()


def test_ports_from_the_group_s_placeholder_rules() -> None:
    story = Story(ports=())
    for site in story.world.mesh.sites:
        pair = {"UserIdGroupPairs": [{"GroupId": site.group_id}]}
        ports = [
            {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, **pair},
            {"IpProtocol": "icmp", **pair},
        ]
        request = {
            "GroupId": site.group_id,
            "IpPermissions": [{"FromPort": -1, "ToPort": -1, **one} for one in ports],
        }
        story.world.aws.request(site.account, site.key.region, "AuthorizeSecurityGroupIngress", request)
    story.found()
    story.world.watch.left.clear()
    story.launch()
    group = story.world.aws.world.at(story.site(1).account, story.site(1).key.region).groups[
        story.site(1).group_id
    ]
    traffics = [str(r.traffic) for r in group.rules if r.direction.value == "ingress" and r.tags]
    assert sorted(traffics) == ["icmp", "tcp/443"]


def test_what_is_not_ours_costs_no_call_and_gets_no_answer() -> None:
    story = Story()
    story.found()
    function, before = story.world.functions[story.site().node], story.world.wire.count
    detail = {"AutoScalingGroupName": "other", "EC2InstanceId": "i-1", "LifecycleHookName": "x"}
    for event in (
        {},
        {"detail-type": "EC2 Instance-launch Lifecycle Action", "detail": detail},
        {"detail": 7},
    ):
        function.queue.put(event)
    story.world.sim.run()
    assert story.world.wire.count == before
    assert len(story.events("ignored")) == 3
    assert not function.queue.messages


def test_a_row_that_lists_a_network_raises_an_alarm_and_stops_revokes() -> None:
    story = Story()
    story.found()
    instance = story.launch()
    table, site = story.world.tables[story.site(0).node], story.site(1)
    key = (site.key.region, site.key.asg)
    table.rows[key] = {**table.rows[key], "ips": {"203.0.113.0/24"}}
    story.fleet().terminate(instance)
    story.world.sim.run()
    assert len(story.admitted(0)) == 1, "no unclaimed rule is revoked while a site cannot be believed"
    assert any("no single host" in str(line.get("why")) for line in story.events("alarm"))
    story.found()
    assert story.admitted(0) == set()
