"""Single stories of a mesh, on the simulated AWS without any trouble."""

from dataclasses import replace
from typing import Literal

import pytest
from mesh_story import Story

from twinwall.emulator.mesh.fleet import POOL
from twinwall.emulator.mesh.habits import Habits
from twinwall.mesh.settings import Addresses


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


def test_who_is_detached_goes_at_once_by_the_event_and_without_it_by_two_readings() -> None:
    story = Story()
    story.found()
    told, untold = story.launch(), story.launch()
    fleet = story.fleet()
    addresses = {id_: f"{fleet.machines[id_].address}/32" for id_ in (told, untold)}
    fleet.detach(told)
    story.world.sim.run()
    assert story.admitted(0) == story.admitted(1) == {addresses[untold]}
    fleet.machines[untold] = replace(fleet.machines[untold], asg="", state="Detached")
    clock, function = story.world.sim, story.world.functions[story.site().node]
    began = clock.monotonic()
    seen = []
    for after in (0.0, 50.0, 110.0):
        clock.sleep(began + after - clock.monotonic())
        function.true_up()
        clock.run(until=began + after + 10)
        seen.append(story.admitted(0))
    assert seen == [{addresses[untold]}, {addresses[untold]}, set()], "the third is a minute after the first"


@pytest.mark.parametrize("remove", ["before", "after"])
def test_an_instance_goes_to_its_warm_pool_and_comes_back(remove: Literal["before", "after"]) -> None:
    """Its private address is the same all the time, and only its stay in the group makes it a member."""
    story = Story(habits=Habits(addresses=frozenset({"private"}), remove=remove))
    story.found()
    fleet, asg = story.fleet(), story.site().key.asg
    fleet.launch(asg, to=POOL)
    story.world.sim.run()
    (instance,) = fleet.machines
    assert (fleet.machines[instance].state, story.admitted(0)) == ("Warmed:Stopped", set())
    (address,) = fleet.machines[instance].counted(story.world.mesh)
    for _ in range(2):
        fleet.wake(instance)
        story.world.sim.run()
        assert fleet.machines[instance].state == "InService"
        assert story.admitted(0) == story.admitted(1) == {address}
        fleet.terminate(instance, to=POOL)
        story.world.sim.run()
        assert (fleet.machines[instance].state, story.admitted(0)) == ("Warmed:Stopped", set())
    fleet.terminate(instance)
    story.world.sim.run()
    assert fleet.machines[instance].state == "Terminated"
    assert [line["result"] for line in story.events("answered")] == ["CONTINUE"] * 6


def test_an_instance_whose_address_comes_late_is_admitted_once_it_has_one() -> None:
    story = Story(habits=Habits(late=True))
    story.found()
    instance = story.launch()
    machine = story.fleet().machines[instance]
    assert machine.state == "InService"
    assert story.admitted(0) == story.admitted(1) == {f"{machine.address}/32"}


def test_every_address_of_every_interface_where_the_configuration_says_so() -> None:
    kinds: frozenset[Addresses] = frozenset({"public", "ipv6"})
    habits = Habits(addresses=kinds, interfaces="all", several=True, echo=True)
    story = Story(habits=habits)
    story.found()
    machine = story.fleet().machines[story.launch()]
    assert len(machine.held) == 4
    assert story.admitted(0) == story.admitted(1) == {one.cidr for one in machine.held}
    assert {rule.traffic.protocol for rule in story.rules(0) if ":" in str(rule.peer)} >= {6, 58}
    assert not {rule.traffic.protocol for rule in story.rules(0) if ":" in str(rule.peer)} & {1}


def test_a_node_whose_row_comes_of_age_while_it_works_writes_it_anew() -> None:
    story = Story(expiry=3600.0)
    story.found()
    story.launch()
    story.world.sim.sleep(4000.0)
    second = story.launch()
    assert story.fleet().machines[second].state == "InService"
    assert len(story.admitted(0)) == 2


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


def authorized(story: Story, number: int, cidr: str) -> None:
    """By somebody's hand, on a port of the mesh."""
    site, traffic = story.site(number), story.world.ports[0]
    ports = {"IpProtocol": "tcp", "FromPort": traffic.first, "ToPort": traffic.last}
    request = {"GroupId": site.group_id, "IpPermissions": [{**ports, "IpRanges": [{"CidrIp": cidr}]}]}
    story.world.aws.request(site.account, site.key.region, "AuthorizeSecurityGroupIngress", request)


def test_a_member_s_own_rule_is_written_under_a_broader_one_and_not_beside_an_identical_one() -> None:
    story = Story()
    story.settings(ports=story.world.ports[:1])
    story.found()
    authorized(story, 0, "0.0.0.0/0")
    for number in range(1, 21):
        authorized(story, 1, f"203.0.113.{number}/32")
    instance = story.launch()
    address = f"{story.fleet().machines[instance].address}/32"
    assert story.admitted(0) == {"0.0.0.0/0", address}
    assert [rule.tags for rule in story.rules(1) if str(rule.peer) == address] == [()], "no mark on another's"
    story.fleet().terminate(instance)
    story.world.sim.run()
    assert (story.admitted(0), address in story.admitted(1)) == ({"0.0.0.0/0"}, True), "nor is it revoked"


def test_an_instance_whose_event_was_lost_is_answered_by_the_true_up() -> None:
    story = Story()
    story.found()
    fleet, function = story.fleet(), story.world.functions[story.site().node]
    for expected, change in (("InService", fleet.launch), ("Terminated", fleet.terminate)):
        change(story.site().key.asg if expected == "InService" else next(iter(fleet.machines)))
        while not function.queue.messages:
            story.wait(0.1)
        function.queue.messages.clear()
        function.true_up()
        story.world.sim.run()
        assert [machine.state for machine in fleet.machines.values()] == [expected]
        assert len(story.admitted(0)) == (expected == "InService")
    assert {line["cause"] for line in story.events("answered")} == {"TrueUp"}


def test_a_row_is_refreshed_and_pushed_when_it_is_older_than_a_third_of_t() -> None:
    story = Story()
    story.found()
    site = story.site()
    moments = []
    for wait in (1100.0, 200.0):
        story.world.sim.sleep(wait)
        story.world.functions[site.node].true_up()
        story.world.sim.run()
        rows = [table.rows[site.key.region, site.key.asg] for table in story.world.tables.values()]
        assert len({(row["generation"], row["observed_at"]) for row in rows}) == 1
        moments.append(rows[0]["observed_at"])
    assert moments[1] - moments[0] > 1_000_000, "milliseconds: the first true-up left it, the second did not"


def test_a_row_observed_in_the_future_counts_as_now_with_an_alarm() -> None:
    story = Story()
    story.found()
    instance, site = story.launch(), story.site()
    table = story.world.tables[story.site(1).node]
    key = (site.key.region, site.key.asg)
    ahead = table.rows[key]["observed_at"] + 600_000
    table.rows[key] = {**table.rows[key], "observed_at": ahead}
    story.world.functions[story.site(1).node].true_up()
    story.world.sim.run()
    assert story.admitted(1) == {f"{story.fleet().machines[instance].address}/32"}
    assert any("observed in the future" in str(line.get("why")) for line in story.events("alarm"))


def test_a_node_that_lost_its_table_only_adds_until_it_has_heard_the_others() -> None:
    story = Story()
    story.found()
    instance = story.launch(1)
    address = f"{story.fleet(1).machines[instance].address}/32"
    here, there = story.site(0).node, story.site(1).node
    story.world.tables[here].restore(({}, {}))
    story.world.wire.cuts |= {(here, there), (there, here)}
    story.world.functions[here].true_up()
    story.world.sim.run()
    assert story.admitted(0) == {address}, "it knows of nobody, and revokes nobody"
    story.world.wire.cuts.clear()
    story.found()
    assert story.admitted(0) == {address}
    story.fleet(1).terminate(instance)
    story.world.sim.run()
    assert story.admitted(0) == set()


def test_a_group_that_is_gone_is_one_line_and_a_metric_and_nothing_is_answered() -> None:
    story = Story()
    story.found()
    site = story.site()
    request = {"GroupId": site.group_id}
    story.world.aws.request(site.account, site.key.region, "DeleteSecurityGroup", request)
    story.fleet().launch(site.key.asg)
    story.wait(20.0)
    assert [machine.state for machine in story.fleet().machines.values()] == ["Pending:Wait"]
    assert story.events("answered") == []
    failed = story.events("failed")
    assert failed
    assert site.group_id in failed[0]["error"]
    assert any(line.get("Failures") == 1 and line["_aws"] for line in story.lines)


def test_an_auto_scaling_group_that_is_gone_leaves_its_row_as_it_stands() -> None:
    story = Story()
    story.found()
    instance, site = story.launch(), story.site()
    before = dict(story.world.tables[site.node].rows[site.key.region, site.key.asg])
    story.fleet().groups.clear()
    story.found()
    after = story.world.tables[site.node].rows[site.key.region, site.key.asg]
    assert after["ips"] == before["ips"] == {f"{story.fleet().machines[instance].address}/32"}
    assert {line["site"] for line in story.events("no-group")} == {str(site.key)}
    assert story.admitted(0) == story.admitted(1) == after["ips"]


def test_every_line_of_the_audit_says_who_what_when_and_why() -> None:
    story = Story()
    story.found()
    story.lines.clear()
    instance = story.launch()
    story.fleet().terminate(instance)
    story.world.sim.run()
    decisions = [line for line in story.lines if "event" in line]
    assert {"row", "added", "answered", "revoked"} <= {line["event"] for line in decisions}
    for line in decisions:
        assert {"event", "at", "mesh", "node", "event_id", "cause"} <= set(line)
        if line["event"] in ("added", "revoked"):
            assert {"site", "group", "addresses", "rules", "call"} <= set(line)
        if line["event"] == "added":
            assert {"of", "generation"} <= set(line)
    measured = [line for line in story.lines if "_aws" in line]
    (told,) = measured[0]["_aws"]["CloudWatchMetrics"]
    assert {one["Name"] for one in told["Metrics"]} <= set(measured[0])
    assert any("Lag" in line for line in measured)
