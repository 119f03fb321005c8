"""Which records a mapping lets through (LAM invocation-eventfiltering): patterns as EventBridge has them."""

import json
from collections.abc import Mapping
from typing import Any

from moto.events.exceptions import InvalidEventPatternException
from moto.events.models import EventPattern, EventPatternParser

from twinwall.emulator.functions.function import wrong

_parser: Any = EventPatternParser
_pattern: Any = EventPattern


def check_pattern(text: str) -> None:
    """Raises ``Refusal``."""
    try:
        _parser(text).parse()
    except (InvalidEventPatternException, AttributeError):
        raise wrong(f"Invalid filter pattern definition: {text}") from None


def passes(patterns: tuple[str, ...], record: Mapping[str, Any]) -> bool:
    """Without patterns every record does. A body that is JSON is matched as what it says."""
    return not patterns or any(_matches(json.loads(text), record) for text in patterns)


def _matches(pattern: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    seen = dict(record)
    if isinstance(pattern.get("body"), Mapping):
        seen["body"] = _read(record.get("body", ""))
        if not isinstance(seen["body"], Mapping):
            return False
    return bool(_pattern(None, pattern).matches_event(seen))


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
