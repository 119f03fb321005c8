"""Which records a mapping lets through (LAM invocation-eventfiltering): patterns as EventBridge has them."""

import json
from collections.abc import Mapping
from typing import Any

from twinwall.emulator.eventbridge.pattern import Pattern, matches, parse_pattern
from twinwall.emulator.functions.function import wrong
from twinwall.emulator.refusal import Refusal


def check_pattern(text: str) -> None:
    """Raises ``Refusal``."""
    try:
        parse_pattern(text)
    except Refusal as why:
        raise wrong(f"Invalid filter pattern definition. {why.message}") from None


def passes(patterns: tuple[str, ...], record: Mapping[str, Any]) -> bool:
    """Without patterns every record does. A body that is JSON is matched as what it says."""
    return not patterns or any(_matches(parse_pattern(text), record) for text in patterns)


def _matches(pattern: Pattern, record: Mapping[str, Any]) -> bool:
    seen = dict(record)
    if isinstance(pattern.get("body"), Mapping):
        seen["body"] = _read(record.get("body", ""))
        if not isinstance(seen["body"], Mapping):
            return False
    return matches(pattern, seen)


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
