"""Does an event match a pattern? (EventBridge user guide: "Comparison operators for use in event patterns")

A pattern is an object of fields; a field's pattern is another object, or a list of which one must fit. A value that
is a list fits if one of its elements does; a list of objects if one of them does.
"""

import ipaddress
import json
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

from twinwall.emulator.refusal import Refusal

Pattern = Mapping[str, Any]
Test = Callable[[Any], bool]


def parse_pattern(text: str) -> Pattern:
    """Raises ``Refusal`` (InvalidEventPatternException)."""
    try:
        pattern = json.loads(text)
    except ValueError:
        _wrong("Invalid JSON")
    if not isinstance(pattern, dict):
        _wrong("Filter is not an object")
    if not pattern:
        _wrong("Filter is empty")
    _check(pattern)
    return pattern


def matches(pattern: Pattern, event: Any) -> bool:
    return all(_fits(name, wanted, event) for name, wanted in pattern.items())


def _fits(name: str, wanted: Any, event: Any) -> bool:
    if name == "$or" and _is_or(wanted):
        return any(matches(part, event) for part in wanted)
    value = event.get(name, _ABSENT) if isinstance(event, Mapping) else _ABSENT
    if isinstance(wanted, Mapping):
        return any(matches(wanted, part) for part in (value if isinstance(value, list) else [value]))
    leaves = list(_leaves(value))
    return any(_one_fits(item, leaves) for item in wanted)


def _one_fits(item: Any, leaves: list[Any]) -> bool:
    if isinstance(item, Mapping) and "exists" in item:
        return bool(leaves) is item["exists"]
    test = _test(item)
    return any(test(leaf) for leaf in leaves)


_ABSENT = object()


def _leaves(value: Any) -> Iterator[Any]:
    """Comparison works on leaves alone: an object is none, of a list its elements are."""
    if isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif value is not _ABSENT and not isinstance(value, Mapping):
        yield value


# --- one comparison


def _test(item: Any) -> Test:
    if not isinstance(item, Mapping):
        return lambda leaf: _same(leaf, item)
    ((name, given),) = item.items()
    return _TESTS[name](given)


def _same(leaf: Any, wanted: Any) -> bool:
    """300 is not 300.0, and 1 is not true."""
    return type(leaf) is type(wanted) and bool(leaf == wanted)


def _text(test: Callable[[str, str], bool]) -> Callable[[Any], Test]:
    """A comparison of texts, exact or, with an inner ``equals-ignore-case``, in any case."""

    def build(given: Any) -> Test:
        folded = isinstance(given, Mapping)
        wanted = given["equals-ignore-case"].casefold() if folded else given
        return lambda leaf: isinstance(leaf, str) and test(leaf.casefold() if folded else leaf, wanted)

    return build


def _wildcard(given: str) -> Test:
    parts = re.findall(r"\\[*\\]|\*|[^*\\]+|\\", given)
    form = "".join(".*" if part == "*" else re.escape(part.removeprefix("\\") or part) for part in parts)
    expression = re.compile(form, re.DOTALL)
    return lambda leaf: isinstance(leaf, str) and expression.fullmatch(leaf) is not None


def _numeric(given: list[Any]) -> Test:
    terms = list(zip(given[::2], given[1::2], strict=True))

    def test(leaf: Any) -> bool:
        is_number = isinstance(leaf, int | float) and not isinstance(leaf, bool)
        return is_number and all(_COMPARE[sign](leaf, bound) for sign, bound in terms)

    return test


def _cidr(given: str) -> Test:
    network = ipaddress.ip_network(given, strict=False)

    def test(leaf: Any) -> bool:
        try:
            return isinstance(leaf, str) and ipaddress.ip_address(leaf) in network
        except ValueError:
            return False

    return test


def _anything_but(given: Any) -> Test:
    if isinstance(given, Mapping):
        ((name, inner),) = given.items()
        refused = [_TESTS[name](one) for one in (inner if isinstance(inner, list) else [inner])]
    else:
        refused = [_test(one) for one in (given if isinstance(given, list) else [given])]
    return lambda leaf: not any(test(leaf) for test in refused)


_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
}
_TESTS: Mapping[str, Callable[[Any], Test]] = {
    "prefix": _text(str.startswith),
    "suffix": _text(str.endswith),
    "equals-ignore-case": lambda given: _text(operator.eq)({"equals-ignore-case": given}),
    "wildcard": _wildcard,
    "numeric": _numeric,
    "cidr": _cidr,
    "anything-but": _anything_but,
}


# --- is it a pattern?


def _check(pattern: Pattern) -> None:
    for name, wanted in pattern.items():
        if name == "$or" and _is_or(wanted):
            for part in wanted:
                _check(part)
        elif isinstance(wanted, dict):
            if not wanted:
                _wrong("Empty objects are not allowed")
            _check(wanted)
        elif not isinstance(wanted, list):
            _wrong(f'"{name}" must be an object or an array')
        elif not wanted:
            _wrong("Empty arrays are not allowed")
        else:
            for item in wanted:
                _check_item(item)


def _is_or(wanted: Any) -> bool:
    """``$or`` of a list of two objects or more; else it is the name of a field."""
    return isinstance(wanted, list) and len(wanted) > 1 and all(isinstance(part, dict) for part in wanted)


def _check_item(item: Any) -> None:
    if isinstance(item, list):
        _wrong("Match value must be String, number, true, false, or null")
    if not isinstance(item, dict):
        return
    if len(item) != 1:
        _wrong("Only one key allowed in match expression")
    ((name, given),) = item.items()
    if name not in _VALID:
        _wrong(f"Unrecognized match type {name}")
    if not _VALID[name](given):
        _wrong(f"{name} match pattern has a value that is not valid: {json.dumps(given)}")


def _is_text(given: Any) -> bool:
    return isinstance(given, str)


def _is_text_or_folded(given: Any) -> bool:
    folded = isinstance(given, dict) and given.keys() == {"equals-ignore-case"}
    return _is_text(given["equals-ignore-case"] if folded else given)


def _is_wildcard(given: Any) -> bool:
    """Two ``*`` side by side are refused."""
    return _is_text(given) and "**" not in re.sub(r"\\.", "", given)


def _is_numeric(given: Any) -> bool:
    if not isinstance(given, list) or len(given) not in (2, 4):
        return False
    return all(sign in _COMPARE for sign in given[::2]) and all(
        isinstance(bound, int | float) and not isinstance(bound, bool) and abs(bound) <= 5e9
        for bound in given[1::2]
    )


def _is_cidr(given: Any) -> bool:
    try:
        return _is_text(given) and bool(ipaddress.ip_network(given, strict=False))
    except ValueError:
        return False


def _is_exception(given: Any) -> bool:
    if isinstance(given, dict):
        inner = next(iter(given.values()), None)
        items = inner if isinstance(inner, list) else [inner]
        known = len(given) == 1 and next(iter(given)) in (
            "prefix",
            "suffix",
            "equals-ignore-case",
            "wildcard",
        )
        return known and bool(items) and all(map(_is_text, items))
    items = given if isinstance(given, list) else [given]
    return bool(items) and not any(isinstance(item, dict | list) for item in items)


_VALID: Mapping[str, Callable[[Any], bool]] = {
    "exists": lambda given: isinstance(given, bool),
    "prefix": _is_text_or_folded,
    "suffix": _is_text_or_folded,
    "equals-ignore-case": _is_text,
    "wildcard": _is_wildcard,
    "numeric": _is_numeric,
    "cidr": _is_cidr,
    "anything-but": _is_exception,
}


def _wrong(reason: str) -> NoReturn:
    raise Refusal("InvalidEventPatternException", f"Event pattern is not valid. Reason: {reason}")
