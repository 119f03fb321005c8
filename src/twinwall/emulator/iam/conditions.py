"""The condition block of a statement (IAM user guide: reference_policies_elements_condition_operators).

A request's context is key → values, keys in lower case. An operator is one of ``_TESTS``, with ``ForAllValues:`` or
``ForAnyValue:`` before it and ``IfExists`` after it as the author likes. One that is not known here lets no Allow
pass and every Deny.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

Context = Mapping[str, tuple[str, ...]]
Test = Callable[[str, str], bool]
"""(value of the request, value of the policy)"""


class UnknownOperator(ValueError):
    """A condition whose operator is none of ours."""


def holds(block: Mapping[str, Mapping[str, Any]], context: Context) -> bool:
    """Every operator and every key of it must be met. Raises ``UnknownOperator``."""
    return all(
        _met(operator, context.get(key.lower(), ()), as_texts(wanted), context)
        for operator, terms in block.items()
        for key, wanted in terms.items()
    )


def as_texts(value: Any) -> tuple[str, ...]:
    """One value or a list of them, as texts; booleans as JSON writes them."""
    items = value if isinstance(value, list | tuple) else (value,)
    return tuple(str(item).lower() if isinstance(item, bool) else str(item) for item in items)


def _met(spelled: str, found: tuple[str, ...], wanted: tuple[str, ...], context: Context) -> bool:
    qualifier, _, rest = spelled.rpartition(":")
    operator = rest.removesuffix("IfExists")
    if operator == "Null":
        return (not found) == (wanted[0].lower() == "true")
    if not found and operator != rest:
        return True
    negated = "Not" in operator
    test = _TESTS.get(operator.replace("Not", "", 1))
    if test is None:
        raise UnknownOperator(spelled)
    patterns = [substitute(text, context) for text in wanted]
    passes = [negated != any(test(value, pattern) for pattern in patterns) for value in found]
    match qualifier:
        case "ForAllValues":
            return all(passes)
        case "ForAnyValue":
            return any(passes)
        case "":
            return all(passes) if passes else negated
        case _:
            raise UnknownOperator(spelled)


# --- wildcards and variables


def substitute(text: str, context: Context) -> str:
    """Policy variables: ``${aws:username}`` → the value; one that has none matches nothing. ``${*}``, ``${?}`` and
    ``${$}`` are the signs themselves."""

    def value(found: re.Match[str]) -> str:
        if found[1] in _SIGNS:
            return _SIGNS[found[1]]
        key, _, default = found[1].partition(",")
        values = context.get(key.strip().lower(), ())
        found_or_not = values[0] if values else default.strip().strip("'") or _NOTHING
        return found_or_not.replace("*", _STAR).replace("?", _MARK)

    return re.sub(r"\$\{([^}]*)\}", value, text) if "${" in text else text


_STAR, _MARK, _NOTHING = "\ue000", "\ue001", "\ue002"
"""Signs of no alphabet: a star and a question mark that are no wildcards, and a value that nothing has."""
_SIGNS = {"*": _STAR, "?": _MARK, "$": "$"}


def _plain(text: str) -> str:
    return text.replace(_STAR, "*").replace(_MARK, "?")


@lru_cache(maxsize=4096)
def _pattern(text: str) -> re.Pattern[str]:
    signs = {"*": ".*", "?": ".", _STAR: r"\*", _MARK: r"\?"}
    return re.compile("".join(signs.get(sign) or re.escape(sign) for sign in text), re.DOTALL)


def like(value: str, pattern: str) -> bool:
    """``*`` any characters, ``?`` one."""
    return pattern == "*" or _pattern(pattern).fullmatch(value) is not None


def arn_like(value: str, pattern: str) -> bool:
    """Part by part: a star does not reach over a colon of the first five (reference_policies_elements_resource)."""
    if pattern == "*":
        return True
    parts, patterns = value.split(":", 5), pattern.split(":", 5)
    return len(parts) == len(patterns) and all(map(like, parts, patterns))


# --- operators


def _moment(text: str) -> datetime:
    if re.fullmatch(r"\d+", text):
        return datetime.fromtimestamp(int(text), UTC)
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _in_order(read: Callable[[str], Any], *orders: int) -> Test:
    """``orders``: how the request's value may stand to the policy's: -1 before, 0 equal, 1 after."""

    def test(value: str, wanted: str) -> bool:
        try:
            one, other = read(value), read(wanted)
        except (ValueError, ArithmeticError):
            return False
        return (one > other) - (one < other) in orders

    return test


def _ordered(kind: str, read: Callable[[str], Any]) -> Iterable[tuple[str, Test]]:
    names = {"Equals": (0,), "LessThan": (-1,), "LessThanEquals": (-1, 0)}
    names |= {"GreaterThan": (1,), "GreaterThanEquals": (1, 0)}
    return ((kind + name, _in_order(read, *orders)) for name, orders in names.items())


def _in_block(value: str, block: str) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(block, strict=False)
    except ValueError:
        return False


_TESTS: Mapping[str, Test] = {
    "StringEquals": lambda value, wanted: value == _plain(wanted),
    "StringEqualsIgnoreCase": lambda value, wanted: value.lower() == _plain(wanted).lower(),
    "StringLike": like,
    "ArnEquals": arn_like,
    "ArnLike": arn_like,
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
    "IpAddress": _in_block,
    **dict(_ordered("Numeric", float)),
    **dict(_ordered("Date", _moment)),
}
