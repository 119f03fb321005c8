"""Rules that were met before are not made again; how many are remembered is bounded, whatever the traffic."""

import pytest

from twinwall.model.rules import Direction
from twinwall.model.wire import groups


def parsed(port: int, block: str):
    permission = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": block}]}
    (rule,) = groups.parse_permission(permission, Direction.INGRESS, "1")
    return rule


def remembered() -> int:
    return len(groups._PLAIN) + sum(map(len, groups._PLAIN.values()))


def test_what_was_met_is_the_same_object() -> None:
    assert parsed(443, "192.0.2.0/24") is parsed(443, "192.0.2.0/24")


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "_PLAIN", groups._Plain())
    monkeypatch.setattr(groups, "_MOST_RULES", 20)
    for number in range(100):
        assert str(parsed(number % 7 + 1, f"10.0.{number}.0/24").peer) == f"10.0.{number}.0/24"
        assert remembered() <= 21
