"""Rules that were met before are not made again; how many are remembered is bounded, whatever the traffic."""

import gc

import pytest

from twinwall.model.rules import Direction, SecurityGroupRule
from twinwall.model.wire import groups


def parsed(port: int, block: str):
    permission = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": block}]}
    (rule,) = groups.parse_permission(permission, Direction.INGRESS, "1")
    return rule


def remembered() -> int:
    """Rules that are alive: nobody but the reader keeps those that a test lets go."""
    return sum(isinstance(thing, SecurityGroupRule) for thing in gc.get_objects())


def test_what_was_met_is_the_same_object() -> None:
    assert parsed(443, "192.0.2.0/24") is parsed(443, "192.0.2.0/24")


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    groups._rules_met.cache_clear()
    monkeypatch.setitem(groups._MET, "rules", 0)
    monkeypatch.setattr(groups, "_MOST_RULES", 20)
    before = remembered()
    for number in range(100):
        assert str(parsed(number % 7 + 1, f"10.0.{number}.0/24").peer) == f"10.0.{number}.0/24"
        assert remembered() - before <= 21
