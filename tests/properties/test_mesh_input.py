"""Whatever comes in, one clear line goes out: configurations, events, rows and recordings that somebody broke."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinwall.errors import ConfigError, DocumentError
from twinwall.mesh.configure import MESH_KEYS, SITE_KEYS, configure
from twinwall.mesh.events import LAUNCH, TERMINATE, TERMINATED, Ignored, Message, messages
from twinwall.mesh.rows import Unreadable, judge, read_row
from twinwall.mesh.settings import Mesh
from twinwall.mesh.status import status

HERE = {"region": "eu-west-1", "asg": "web", "account": "111122223333", "group": "sg-0123456789abcdef0"}
THERE = {**HERE, "region": "us-east-1", "group": "sg-0fedcba9876543210"}
MESH: Mesh = configure("web", {"sites": [HERE, THERE], "ports": ["tcp/443"]}).mesh

simple = st.none() | st.booleans() | st.integers(-5, 9000) | st.floats() | st.text(max_size=6)
anything = st.recursive(
    simple, lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=4), part, max_size=3)
)


@given(key=st.sampled_from(sorted(MESH_KEYS)), value=anything)
def test_a_value_of_the_configuration_is_taken_or_refused_in_one_line(key: str, value: Any) -> None:
    told({"sites": [HERE, THERE], key: value})


@given(key=st.sampled_from(sorted(SITE_KEYS)), value=anything)
def test_a_value_of_a_site_is_taken_or_refused_in_one_line(key: str, value: Any) -> None:
    told({"sites": [{**HERE, key: value}, THERE]})


def told(table: dict[str, Any]) -> None:
    assert "\n" not in said(lambda: configure("web", table), ConfigError)


def said(doing: Callable[[], object], wrong: type[Exception]) -> str:
    """What it is refused with; "" where it is taken. Anything else is a failure."""
    try:
        doing()
    except wrong as refusal:
        return str(refusal)
    return ""


def event(kind: str) -> dict[str, Any]:
    detail = {
        "LifecycleActionToken": "token",
        "AutoScalingGroupName": "web",
        "LifecycleHookName": "twinwall-launch" if kind == LAUNCH else "twinwall-terminate",
        "EC2InstanceId": "i-1",
    }
    told = {"detail-type": kind, "region": "eu-west-1", "time": "2026-01-01T00:00:10Z"}
    return {"id": "e-1", **told, "detail": detail}


@given(document=anything)
def test_any_event_is_something_or_ignored_with_a_reason(document: Any) -> None:
    for message in messages(document, MESH, "eu-west-1"):
        assert isinstance(message, Message)
        assert not isinstance(message.happening, Ignored) or message.happening.why


@given(
    kind=st.sampled_from([LAUNCH, TERMINATE, TERMINATED]),
    key=st.sampled_from(["AutoScalingGroupName", "EC2InstanceId"]),
    value=anything.filter(lambda value: value != "web" and not (isinstance(value, str) and value)),
)
def test_an_event_with_a_broken_field_is_ignored(kind: str, key: str, value: Any) -> None:
    document = event(kind)
    document["detail"][key] = value
    (message,) = messages(
        {"Records": [{"eventSource": "aws:sqs", "body": json.dumps(document)}]}, MESH, "eu-west-1"
    )
    assert isinstance(message.happening, Ignored)


ROW: dict[str, Any] = {
    "region": "eu-west-1",
    "asg": "web",
    "ips": ["203.0.113.1/32"],
    "members": [{"address": "203.0.113.1/32", "instance": "i-1", "since": 0, "readings": 0}],
    "released": [{"instance": "i-0", "token": "t", "at": 1}],
    "generation": 7,
    "observed_at": 1000,
}


@given(key=st.sampled_from([key for key in ROW if key not in ("region", "asg")]), value=anything)
def test_a_row_is_read_or_unknown(key: str, value: Any) -> None:
    broken = {**ROW, key: value}
    refusal = said(lambda: read_row(broken), Unreadable)
    assert not refusal or "eu-west-1/web" in refusal
    roster = judge([broken], MESH, 1.0, {})
    assert len(roster.standings) == 2


RULE = {
    "SecurityGroupRuleId": "sgr-1",
    "IsEgress": False,
    "IpProtocol": "tcp",
    "FromPort": 443,
    "ToPort": 443,
    "CidrIpv4": "203.0.113.1/32",
    "Tags": [],
}
RECORDING: dict[str, Any] = {
    "at": 1.0,
    "tables": {node.name: {"rows": [ROW], "unknown": {"us-east-1/web": 0.5}} for node in MESH.nodes},
    "groups": {site.group_id: [RULE] for site in MESH.sites},
}


def places(part: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to everything in it."""
    inside = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    return [path, *(way for key, value in inside for way in places(value, (*path, key)))]


WAYS = [way for way in places(RECORDING) if way]


@given(way=st.sampled_from(WAYS), value=anything)
def test_a_recording_is_shown_or_refused_in_one_line(way: tuple[Any, ...], value: Any) -> None:
    broken = copy.deepcopy(RECORDING)
    at: Any = broken
    for key in way[:-1]:
        at = at[key]
    at[way[-1]] = value
    assert "\n" not in said(lambda: status(MESH, broken), DocumentError)


def test_what_a_refused_recording_is_told() -> None:
    wrong = {**RECORDING, "groups": {MESH.sites[0].group_id: [{}]}}
    with pytest.raises(DocumentError, match=r"groups.sg-0123456789abcdef0\[0\] is not a rule as Describe"):
        status(MESH, wrong)
