"""Who is a member: states, releases, and the evidence on which an address leaves."""

import pytest

from twinwall.mesh.members import Instance, Seen, observe
from twinwall.model.members import Member, Membership, Release, Site, SiteKey
from twinwall.model.net import Cidr, parse_cidr

KEY = SiteKey("eu-west-1", "web")
SITE = Site(KEY, "111122223333", "sg-0123456789abcdef0", "node")
NOW = 1_000_000.0


def address(number: int) -> Cidr:
    return parse_cidr(f"203.0.113.{number}/32")


def machine(number: int, state: str = "running", *, addresses: int = 1, group: str = "web") -> Instance:
    found = tuple(address(number + 100 * extra) for extra in range(addresses))
    return Instance(f"i-{number}", state, group, found)


def row(*numbers: int, released: tuple[Release, ...] = ()) -> Membership:
    members = tuple(Member(address(number), f"i-{number}") for number in numbers)
    return Membership(KEY, members, 1, NOW, released)


def numbers(members: tuple[Member, ...]) -> list[int]:
    return [int(str(member.address).split("/")[0].rpartition(".")[2]) for member in members]


def seen(states: dict[int, str], *machines: Instance, **more: object) -> Seen:
    by_id = {one.id: one for one in machines or [machine(number) for number in states]}
    return Seen({f"i-{number}": state for number, state in states.items()}, by_id, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("state", "is_member"),
    [
        ("Pending", False),
        ("Pending:Wait", True),
        ("Pending:Proceed", True),
        ("InService", True),
        ("Standby", True),
        ("EnteringStandby", True),
        ("ReplacingRootVolume:Wait", True),
        ("Terminating", True),
        ("Terminating:Wait", True),
        ("Terminating:Proceed", False),
        ("Terminated", False),
        ("Detached", False),
        ("Warmed:Running", False),
        ("Warmed:Pending:Wait", False),
    ],
)
def test_states_of_members(state: str, is_member: bool) -> None:
    found = observe(None, SITE, seen({1: state}), (), NOW)
    assert numbers(found.members) == ([1] if is_member else [])


def test_a_released_one_stays_out_whatever_state_is_shown() -> None:
    release = Release("i-1", "token", NOW - 1)
    for state in ("InService", "Terminating:Wait"):
        found = observe(row(1), SITE, seen({1: state}), [release], NOW)
        assert found.members == ()
        later = observe(row(released=found.released), SITE, seen({1: state}, named=["i-1"]), (), NOW + 5)
        assert later.members == (), "a late launch handler does not admit it again"


def published(*numbers: int) -> Membership:
    return Membership(KEY, listed=frozenset(map(address, numbers)))


def test_an_address_of_a_published_row_goes_at_the_second_reading_and_not_before() -> None:
    first = observe(published(1, 2), SITE, seen({1: "InService"}), (), NOW)
    assert [(m.instance, m.readings) for m in first.members] == [("i-1", 0), ("", 1)]
    half = observe(Membership(KEY, first.members), SITE, seen({1: "InService"}), (), NOW + 30)
    assert numbers(half.members) == [1, 2]
    second = observe(Membership(KEY, first.members), SITE, seen({1: "InService"}), (), NOW + 60)
    assert numbers(second.members) == [1]


def test_an_address_of_a_published_row_goes_at_once_with_its_instance_s_end_and_stays_with_its_return() -> (
    None
):
    release = Release("i-1", "token", NOW - 1)
    assert observe(published(1), SITE, seen({1: "Terminating:Wait"}), [release], NOW).members == ()
    lost = observe(published(1), SITE, seen({}), (), NOW)
    back = observe(Membership(KEY, lost.members), SITE, seen({1: "InService"}), (), NOW + 90)
    assert [(m.instance, m.readings) for m in back.members if m.instance] == [("i-1", 0)]


def test_a_release_is_forgotten_after_a_day_and_void_after_a_return_from_the_warm_pool() -> None:
    old = Release("i-1", "token", NOW - 25 * 3600)
    assert observe(row(released=(old,)), SITE, seen({}), (), NOW).released == ()
    release = Release("i-1", "token", NOW - 10)
    back = seen({1: "Pending:Wait"}, returned={"i-1": NOW - 5})
    assert numbers(observe(row(released=(release,)), SITE, back, (), NOW).members) == [1]
    since = observe(row(), SITE, back, (), NOW)
    assert since.returned == (("i-1", NOW - 5),)
    again = Membership(KEY, since.members, 2, NOW, since.released, returned=since.returned)
    told_late = observe(again, SITE, seen({1: "InService"}), (release,), NOW + 20)
    assert numbers(told_late.members) == [1], "its end was told after its return"
    assert observe(again, SITE, seen({}), (), NOW + 25 * 3600).returned == ()
    late = seen({1: "Terminating:Wait"}, returned={"i-1": NOW - 15})
    assert observe(row(released=(release,)), SITE, late, (), NOW).members == (), "it came back before it left"


def test_a_member_s_state_seen_long_after_a_release_ends_it() -> None:
    release = Release("i-1", "token", NOW)
    for after, is_member in ((30.0, False), (90.0, True)):
        found = observe(row(released=(release,)), SITE, seen({1: "InService"}), (), NOW + after)
        assert bool(found.members) is is_member


def test_an_address_that_is_absent_leaves_at_the_second_reading_a_minute_later() -> None:
    first = observe(row(1, 2), SITE, seen({2: "InService"}), (), NOW)
    assert numbers(first.members) == [1, 2]
    standing = Membership(KEY, first.members, 2, NOW)
    assert numbers(observe(standing, SITE, seen({2: "InService"}), (), NOW + 59).members) == [1, 2]
    assert numbers(observe(standing, SITE, seen({2: "InService"}), (), NOW + 61).members) == [2]
    again = observe(standing, SITE, seen({1: "InService", 2: "InService"}), (), NOW + 61)
    assert again.members == row(1, 2).members, "it is there again, and nothing is held against it"


@pytest.mark.parametrize("gone", ["Terminated", "Detached", "Terminating:Proceed"])
def test_a_state_is_evidence_at_once(gone: str) -> None:
    assert observe(row(1), SITE, seen({1: gone}), (), NOW).members == ()


def test_an_instance_that_ended_is_evidence_at_once() -> None:
    ended = machine(1, "terminated", addresses=0)
    assert observe(row(1), SITE, seen({1: "InService"}, ended), (), NOW).members == ()


def test_a_mass_absence_is_an_alarm_and_waits_for_a_third_reading() -> None:
    standing = row(*range(1, 11))
    for reading, (after, left) in enumerate([(0, 10), (61, 10), (122, 0)]):
        found = observe(standing, SITE, seen({}), (), NOW + after)
        assert len(found.members) == left, reading
        assert bool(found.alarms) is (reading >= 1)
        standing = Membership(KEY, found.members, 2, NOW)


def test_evidence_is_never_braked() -> None:
    gone = seen(dict.fromkeys(range(1, 11), "Terminated"))
    assert observe(row(*range(1, 11)), SITE, gone, (), NOW).members == ()


def test_a_named_instance_is_a_member_before_its_group_lists_it() -> None:
    found = observe(None, SITE, seen({}, machine(1), named=["i-1"]), (), NOW)
    assert numbers(found.members) == [1]
    stranger = seen({}, machine(1, group="other"), named=["i-1"])
    assert observe(None, SITE, stranger, (), NOW).members == ()


def test_an_address_that_is_not_there_yet_is_not_ready() -> None:
    found = observe(None, SITE, seen({1: "Pending:Wait"}, machine(1, addresses=0)), (), NOW)
    assert (found.members, found.not_ready) == ((), frozenset({"i-1"}))


def test_an_address_that_moved_is_held_by_both_until_the_first_is_gone() -> None:
    twin = Instance("i-2", "running", "web", (address(1),))
    found = observe(row(1), SITE, seen({2: "InService"}, twin), (), NOW)
    assert [member.instance for member in found.members] == ["i-1", "i-2"]
