"""Room: further groups of a site, ports that are no longer configured, and what ``mesh status`` tells of both."""

from hypothesis import given
from hypothesis import strategies as st
from mesh_story import Story

from twinwall.emulator.mesh.habits import Habits
from twinwall.mesh.room import fitting, room_left, used
from twinwall.mesh.status import status
from twinwall.model.net import parse_cidr
from twinwall.model.rules import CidrPeer, Direction, SecurityGroupRule, make_traffic

TCP = make_traffic(6, 443, 443)


def story(further: int = 1, quota: int = 3) -> Story:
    found = Story(habits=Habits(further=further))
    found.settings(ports=found.world.mesh.ports[:1])
    found.quota(quota)
    found.found()
    return found


def test_what_the_first_group_has_no_room_for_goes_to_the_next() -> None:
    it = story()
    members = {f"{it.fleet().machines[it.launch()].address}/32" for _ in range(5)}
    assert len(members) == 5
    for number in range(2):
        assert len(it.rules(number, 0)) == 3
        assert len(it.rules(number, 1)) == 2
        assert it.admitted(number, 0) | it.admitted(number, 1) == members
    told = it.status()
    assert told["right"]
    assert [(site["rules"], site["room"], site["room_of_interface"]) for site in told["sites"]] == [
        (5, 1, 995)
    ] * 2
    assert told["sites"][0]["further_groups"] == list(it.site().further)
    added = {line["group"] for line in it.events("added") if line["site"] == str(it.site().key)}
    assert added == set(it.site().groups), "each line names the group that got the rules"


def test_a_leaver_goes_from_whichever_group_and_its_room_is_used_again() -> None:
    it = story()
    instances = [it.launch() for _ in range(5)]
    first = it.admitted(0, 0)
    leaver = next(id_ for id_ in instances if f"{it.fleet().machines[id_].address}/32" in first)
    it.fleet().terminate(leaver)
    it.world.sim.run()
    assert [len(it.rules(number, 0)) for number in range(2)] == [2, 2]
    newcomer = it.fleet().machines[it.launch()].address
    assert [f"{newcomer}/32" in it.admitted(number, 0) for number in range(2)] == [True, True]
    for id_ in [id_ for id_, machine in it.fleet().machines.items() if machine.state == "InService"]:
        it.fleet().terminate(id_)
    it.world.sim.run()
    assert [it.rules(number, group) for number in range(2) for group in range(2)] == [[]] * 4


def test_only_where_no_group_of_the_set_has_room_a_launch_is_abandoned() -> None:
    it = Story(tight=True, habits=Habits(further=1))
    it.settings(ports=it.world.mesh.ports[:1])
    it.quota(2)
    it.found()
    kept = [it.launch() for _ in range(4)]
    refused = it.launch()
    states = {id_: it.fleet().machines[id_].state for id_ in (*kept, refused)}
    assert states == dict.fromkeys(kept, "InService") | {refused: "Terminated"}
    assert [len(it.rules(0, group)) for group in range(2)] == [2, 2]


def test_a_quota_lower_than_the_configuration_says_is_met_by_the_next_group() -> None:
    it = story()
    it.settings(rules_per_group=60)
    for _ in range(5):
        it.launch()
    assert [len(it.rules(number, group)) for number in range(2) for group in range(2)] == [3, 2, 3, 2]


def test_a_rule_on_a_port_that_is_no_longer_configured_is_shown_until_its_member_leaves() -> None:
    it = Story()
    old, new = make_traffic(6, 7999, 7999), make_traffic(6, 7000, 7001)
    it.settings(ports=(old, new))
    it.found()
    instance = it.launch()
    it.settings(ports=(new,))
    it.found()
    address = it.fleet().machines[instance].address
    told = it.status()
    assert told["right"], "nothing is missing and nothing too much: what is claimed is never revoked"
    assert [site["other_ports"] for site in told["sites"]] == [[f"ingress tcp/7999 from {address}/32"]] * 2
    it.fleet().terminate(instance)
    it.world.sim.run()
    assert [it.rules(number) for number in range(2)] == [[], []]
    assert [site["other_ports"] for site in it.status()["sites"]] == [[], []]


def test_a_recording_with_a_group_that_could_not_be_read_tells_neither_room_nor_rules() -> None:
    it = story()
    it.launch()
    found = it.recording()
    found = {**found, "groups": {**found["groups"], it.site().further[0]: None}}
    first, other = status(it.world.mesh, found)["sites"]
    assert (first["rules"], first["room"], first["missing"], first["right"]) == (None, None, [], False)
    assert other["right"]


@given(
    hosts=st.lists(st.sampled_from(["10.0.0.1/32", "10.0.0.2/32", "2001:db8::1/128", "2001:db8::2/128"])),
    standing=st.integers(0, 4),
    quota=st.integers(1, 5),
)
def test_what_fits_never_exceeds_the_quota_of_a_family_and_nothing_gets_lost(
    hosts: list[str], standing: int, quota: int
) -> None:
    def rule(text: str, port: int) -> SecurityGroupRule:
        return SecurityGroupRule(Direction.INGRESS, make_traffic(6, port, port), CidrPeer(parse_cidr(text)))

    there = [rule("198.51.100.1/32", number) for number in range(min(standing, quota))]
    rules = [rule(text, number) for number, text in enumerate(hosts)]
    fits, rest = fitting(rules, there, quota)
    assert max(used([*there, *fits])) <= quota
    assert sorted([*fits, *rest]) == sorted(rules)
    for one in rest:
        assert room_left([[*there, *fits, one]], quota) < 0, "it is left out only where it does not fit"


def test_of_a_set_ports_are_the_first_group_s_placeholders() -> None:
    it = Story(habits=Habits(further=1, placeholders=True))
    it.found()
    it.launch()
    assert {rule.traffic for rule in it.rules(1) if rule.tags} == set(it.world.ports)
