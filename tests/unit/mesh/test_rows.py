"""Rows: items both ways, whom to believe, and what a row claims at its age."""

from dataclasses import replace
from typing import Any

import pytest

from twinwall.mesh.rows import Roster, item_of, judge, read_row
from twinwall.mesh.settings import Mesh
from twinwall.model.members import Member, Membership, Node, Place, Release, Site, SiteKey
from twinwall.model.net import parse_cidr
from twinwall.model.rules import make_traffic

ONE, TWO = SiteKey("eu-west-1", "web"), SiteKey("us-east-1", "web")
NOW = 1_000_000.0
HOUR = 3600.0


def mesh(**settings: Any) -> Mesh:
    nodes = tuple(Node(key.region, Place("111122223333", key.region)) for key in (ONE, TWO))
    sites = tuple(Site(key, "111122223333", f"sg-{key.region}", key.region) for key in (ONE, TWO))
    return Mesh("web", nodes, sites, (make_traffic(6, 443, 443),), **settings)


def item(key: SiteKey, *addresses: str, observed: float | None = NOW, **fields: Any) -> dict[str, Any]:
    members = tuple(Member(parse_cidr(text), "i-1") for text in addresses)
    return {**item_of(Membership(key, members, 5, observed, writer="x")), **fields}


def judged(
    *items: dict[str, Any], unknown: dict[str, float] | None = None, now: float = NOW, **settings: Any
) -> Roster:
    return judge(items, mesh(**settings), now, unknown or {})


def claims(roster: Roster) -> list[str]:
    return sorted(map(str, roster.claims))


def test_an_item_and_back() -> None:
    member = Member(parse_cidr("2001:db8::1/128"), "i-1", NOW - 5, 1)
    row = Membership(ONE, (member,), 7, NOW + 0.25, (Release("i-2", "t", NOW),), writer="n", unheard=NOW)
    found = read_row(item_of(row))
    assert found.content == replace(row, listed=found.listed).content
    assert found.age_key == row.age_key
    assert found.listed == {member.address}


@pytest.mark.parametrize(
    ("age", "policy", "expected"),
    [
        (0.0, "drop", ["203.0.113.1/32"]),
        (HOUR, "drop", ["203.0.113.1/32"]),
        (HOUR + 1, "drop", []),
        (HOUR + 1, "keep", ["203.0.113.1/32"]),
        (-600.0, "drop", ["203.0.113.1/32"]),
    ],
)
def test_what_a_row_claims_at_its_age(age: float, policy: str, expected: list[str]) -> None:
    roster = judged(item(ONE, "203.0.113.1/32", observed=NOW - age), item(TWO), policy=policy)
    assert claims(roster) == expected
    assert roster.may_revoke
    assert bool(roster.alarms) is (age > HOUR or age < 0)


BLANK = {"region": "us-east-1", "asg": "web", "ips": None}
PUBLISHED = {"region": "us-east-1", "asg": "web", "ips": {"203.0.113.9/32"}}


@pytest.mark.parametrize(
    "bad",
    [
        None,
        BLANK,
        item(TWO, "203.0.113.0/24"),
        item(TWO, "10.0.0.1/32"),
        item(TWO, "0.0.0.0/0"),
        item(TWO, "2002::/128", ips6={"nonsense"}),
        item(TWO, members=[{"address": 7}]),
        item(TWO, tombstone=True),
        item(TWO, *(f"203.0.113.{number}/32" for number in range(5))),
    ],
)
def test_a_row_that_cannot_be_believed_is_unknown_never_empty(bad: dict[str, Any] | None) -> None:
    items = [item(ONE, "203.0.113.1/32"), *([bad] if bad else [])]
    young = {str(TWO): NOW - HOUR + 1}
    old = {str(TWO): NOW - HOUR - 1}
    assert not judged(*items, max_members=4).may_revoke
    assert not judged(*items, unknown=young, max_members=4).may_revoke
    assert judged(*items, unknown=old, max_members=4).may_revoke
    assert not judged(*items, unknown=old, policy="keep", max_members=4).may_revoke
    assert judged(*items, max_members=4).alarms
    assert judged(*items, unknown=young, max_members=4).unknown == young, "the moment is kept"


def test_a_row_of_the_published_solution_claims_its_list_until_t_after_it_was_found() -> None:
    items = item(ONE), PUBLISHED
    assert claims(judged(*items)) == ["203.0.113.9/32"]
    assert judged(*items).unknown == {str(TWO): NOW}
    old = {str(TWO): NOW - HOUR - 1}
    assert claims(judged(*items, unknown=old)) == []
    assert claims(judged(*items, unknown=old, policy="keep")) == ["203.0.113.9/32"]


def test_a_site_that_the_configuration_does_not_name_claims_nothing() -> None:
    stranger = item(SiteKey("ap-south-1", "web"), "203.0.113.7/32")
    roster = judged(item(ONE), item(TWO), stranger)
    assert claims(roster) == []
    assert [row.key.region for row in roster.strangers] == ["ap-south-1"]
    buried = judged(item(ONE), item(TWO), {**stranger, "tombstone": True})
    assert buried.strangers == ()


def test_a_known_site_forgets_its_moment() -> None:
    assert judged(item(ONE), item(TWO), unknown={str(TWO): 1.0}).unknown == {}
