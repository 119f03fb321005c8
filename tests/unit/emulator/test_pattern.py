"""EventBridge's patterns, row by row of the user guide's "Comparison operators for use in event patterns"."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinwall.emulator.eventbridge.pattern import matches, parse_pattern
from twinwall.emulator.refusal import Refusal

Json = dict[str, Any]
NO = object()


@pytest.mark.parametrize(
    ("wanted", "fits", "not_fits"),
    [
        (["a", "b"], ["a", "b", ["x", "b"]], ["c", "A", [], {"a": 1}, None]),
        ([""], [""], ["x", NO]),
        ([None], [None], ["", 0, False, NO]),
        ([1], [1], [True, "1", 1.5, NO]),
        ([True], [True], [1, "true", False]),
        ([{"prefix": "us-"}], ["us-east-1", ["eu", "us-west-2"]], ["eu-west-1", "US-EAST-1", 1, NO]),
        ([{"prefix": {"equals-ignore-case": "EventB"}}], ["eventbridge", "EVENTB"], ["event"]),
        ([{"suffix": ".png"}], ["a.png"], ["a.PNG", "a.jpg", NO]),
        ([{"suffix": {"equals-ignore-case": ".PNG"}}], ["a.png"], ["a.jpg"]),
        ([{"equals-ignore-case": "alice"}], ["Alice", "ALICE"], ["Bob", NO]),
        ([{"wildcard": "dir/*.png"}], ["dir/a.png", "dir/.png", "dir/a/b.png"], ["dira.png", "dir/a.pn"]),
        ([{"wildcard": r"a\*b"}], ["a*b"], ["axb"]),
        ([{"wildcard": r"a\\*"}], ["a\\", "a\\x"], ["a*", "ab"]),
        ([{"wildcard": "a.c"}], ["a.c"], ["abc"]),
        ([{"exists": True}], ["", 0, None, ["x"]], [NO, [], {"leaf": 1}]),
        ([{"exists": False}], [NO, []], ["", None]),
        ([{"numeric": ["=", 100]}], [100, 100.0], [101, "100", True, NO]),
        ([{"numeric": [">", 10, "<=", 20]}], [11, 20], [10, 21]),
        ([{"cidr": "10.0.0.0/24"}], ["10.0.0.255"], ["10.0.1.0", "nowhere", 1]),
        ([{"cidr": "2001:db8::/32"}], ["2001:db8::1"], ["10.0.0.1"]),
        ([{"anything-but": "init"}], ["ready", 1, None], ["init", NO]),
        ([{"anything-but": ["a", "b"]}], ["c", ["a", "c"]], ["a", "b", ["a", "b"]]),
        ([{"anything-but": [100, 200]}], [300, "100"], [100]),
        ([{"anything-but": {"prefix": "us-"}}], ["eu-west-1"], ["us-east-1"]),
        ([{"anything-but": {"prefix": ["us-", "eu-"]}}], ["ap-east-1"], ["us-east-1", "eu-west-1"]),
        ([{"anything-but": {"suffix": ".png"}}], ["a.jpg"], ["a.png"]),
        ([{"anything-but": {"equals-ignore-case": ["init", "stop"]}}], ["ready"], ["INIT", "Stop"]),
        ([{"anything-but": {"wildcard": "*/lib/*"}}], ["/usr/bin/x"], ["/usr/lib/x"]),
        (["a", {"prefix": "b"}, {"numeric": ["<", 0]}], ["a", "bc", -1], ["c", 1]),
    ],
)
def test_one_field(wanted: list[Any], fits: list[Any], not_fits: list[Any]) -> None:
    pattern = parse_pattern_of({"detail": {"field": wanted}})
    for value in (*fits, *not_fits):
        event: Json = {"detail": {} if value is NO else {"field": value}}
        assert matches(pattern, event) is any(value is one for one in fits), value


def parse_pattern_of(pattern: Json) -> Any:
    return parse_pattern(json.dumps(pattern))


@pytest.mark.parametrize(
    ("pattern", "event", "result"),
    [
        ({"a": ["1"], "b": ["2"]}, {"a": "1", "b": "2", "c": "3"}, True),
        ({"a": ["1"], "b": ["2"]}, {"a": "1"}, False),
        ({"$or": [{"a": ["1"]}, {"b": ["2"]}]}, {"b": "2"}, True),
        ({"$or": [{"a": ["1"]}, {"b": ["2"]}], "c": ["3"]}, {"b": "2"}, False),
        ({"a": {"$or": [{"x": ["1"]}, {"y": [{"exists": False}]}]}}, {"a": {"x": "2"}}, True),
        ({"$or": ["plain"]}, {"$or": "plain"}, True),
        ({"a": {"b": [{"exists": False}]}}, {}, True),
        ({"a": {"b": ["1"]}}, {"a": [{"b": "2"}, {"b": "1"}]}, True),
        ({"a": {"b": ["1"], "c": ["2"]}}, {"a": [{"b": "1", "c": "9"}, {"b": "9", "c": "2"}]}, False),
        ({"resources": [{"suffix": "/web"}]}, {"resources": ["arn:x/db", "arn:x/web"]}, True),
    ],
)
def test_several_fields(pattern: Json, event: Json, result: bool) -> None:
    assert matches(parse_pattern_of(pattern), event) is result


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Invalid JSON"),
        ("[]", "Filter is not an object"),
        ("{}", "Filter is empty"),
        ('{"a": "b"}', '"a" must be an object or an array'),
        ('{"a": []}', "Empty arrays are not allowed"),
        ('{"a": {}}', "Empty objects are not allowed"),
        ('{"a": [[1]]}', "Match value must be String"),
        ('{"a": [{"prefx": "b"}]}', "Unrecognized match type prefx"),
        ('{"a": [{"prefix": "b", "suffix": "c"}]}', "Only one key allowed"),
        ('{"a": [{"prefix": 1}]}', "prefix match pattern"),
        ('{"a": [{"exists": "yes"}]}', "exists match pattern"),
        ('{"a": [{"numeric": ["<"]}]}', "numeric match pattern"),
        ('{"a": [{"numeric": ["!=", 1]}]}', "numeric match pattern"),
        ('{"a": [{"numeric": ["<", 6e9]}]}', "numeric match pattern"),
        ('{"a": [{"wildcard": "a**b"}]}', "wildcard match pattern"),
        ('{"a": [{"cidr": "10.0.0.0"}, {"cidr": "x"}]}', "cidr match pattern"),
        ('{"a": [{"anything-but": []}]}', "anything-but match pattern"),
        ('{"a": [{"anything-but": {"numeric": ["<", 1]}}]}', "anything-but match pattern"),
    ],
)
def test_what_is_no_pattern(text: str, reason: str) -> None:
    with pytest.raises(Refusal, match="Event pattern is not valid") as caught:
        parse_pattern(text)
    assert reason in caught.value.message
    assert caught.value.code == "InvalidEventPatternException"


LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5))
EVENTS = st.recursive(
    LEAVES, lambda inner: st.dictionaries(st.text(max_size=3), inner, max_size=3), max_leaves=8
)


@given(st.dictionaries(st.text(max_size=3), EVENTS, max_size=3))
def test_an_event_fits_the_pattern_made_of_it(event: Json) -> None:
    """Each leaf in brackets; and no longer once one leaf is another."""

    def wanted(value: Any) -> Any:
        return {key: wanted(inner) for key, inner in value.items()} if isinstance(value, dict) else [value]

    pattern = wanted(event)
    assert matches(pattern, event)
    assert not matches({**pattern, "~other": ["x"]}, event)
