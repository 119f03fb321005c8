"""Filters and pages of the Describe calls."""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from twinwall.emulator.refusal import invalid, refuse
from twinwall.emulator.state import Params
from twinwall.model.rules import Tags

T = TypeVar("T")
Values = Callable[[T], Iterable[str]]
MAX_FILTER_VALUES = 200


def select(
    items: Iterable[T],
    filters: Sequence[Mapping[str, Any]] | None,
    table: Mapping[str, Values[T]],
    tags: Callable[[T], Tags] | None = None,
) -> list[T]:
    """Items that pass every filter; a filter passes if any of its values matches any of the item's.

    Values may hold ``*`` and ``?``. A name that the API does not list is ``InvalidParameterValue``.
    """
    if sum(len(item.get("Values") or ()) for item in filters or ()) > MAX_FILTER_VALUES:
        refuse("FilterLimitExceeded", "The maximum number of filter values specified on a single call is 200")
    found = list(items)
    for item in filters or ():
        values = _values(str(item.get("Name") or ""), table, tags)
        passes = matcher(item.get("Values") or ())
        found = [thing for thing in found if any(map(passes, values(thing)))]
    return found


def _values(name: str, table: Mapping[str, Values[T]], tags: Callable[[T], Tags] | None) -> Values[T]:
    if name in table:
        return table[name]
    if tags is not None and name.startswith("tag:"):
        key = name[4:]
        return lambda thing: [value for tag_key, value in tags(thing) if tag_key == key]
    if tags is not None and name == "tag-key":
        return lambda thing: [key for key, _ in tags(thing)]
    return invalid(f"The filter '{name}' is invalid")


def matcher(values: Sequence[str]) -> Callable[[str], bool]:
    exact = frozenset(values)
    if not any(mark in value for value in values for mark in "*?\\"):
        return exact.__contains__
    pattern = re.compile("|".join(f"(?:{_pattern(value)})" for value in values), re.DOTALL)
    return lambda text: pattern.fullmatch(text) is not None


def _pattern(value: str) -> str:
    """``*`` any characters, ``?`` one, a backslash takes their meaning away (EC2 guide: filtering)."""
    parts = re.findall(r"\\.|.", value, re.DOTALL)
    wild = {"*": ".*", "?": "."}
    return "".join(wild.get(part) or re.escape(part[-1]) for part in parts)


def page(
    items: Sequence[T], params: Params, key: str, show: Callable[[T], Any], *, least: int, most: int
) -> dict[str, Any]:
    """One page as ``{key: [...], "NextToken": …}``; everything where no MaxResults is given (aws-facts 1.1).

    A token is good for the same request only.
    """
    size = params.get("MaxResults")
    if size is not None and not least <= size <= most:
        invalid(
            f"Value ( {size} ) for parameter maxResults is invalid. Expecting a value between {least} and {most}"
        )
    start = _offset(params)
    end = len(items) if size is None else start + size
    answer: dict[str, Any] = {key: [show(item) for item in items[start:end]]}
    if end < len(items):
        answer["NextToken"] = base64.urlsafe_b64encode(f"{end}:{_digest(params)}".encode()).decode()
    return answer


def _digest(params: Params) -> str:
    asked = {key: value for key, value in params.items() if key not in ("NextToken", "MaxResults")}
    return hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _offset(params: Params) -> int:
    token = params.get("NextToken")
    if not token:
        return 0
    digest = _digest(params)
    try:
        offset, _, given = base64.urlsafe_b64decode(token).decode().partition(":")
        if given == digest:
            return int(offset)
    except (binascii.Error, ValueError, UnicodeDecodeError):
        pass
    return refuse("InvalidNextToken", f"The token '{token}' is invalid")


def text(value: bool) -> str:
    return "true" if value else "false"
