"""What of an event a target is sent: all of it, a part, a constant, or a template filled in (user guide: "Input
transformation")."""

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from jsonpath_ng.exceptions import JsonPathLexerError, JsonPathParserError
from jsonpath_ng.jsonpath import JSONPath
from jsonpath_ng.parser import parse as parse_path

from twinwall.emulator.refusal import Refusal

Event = Mapping[str, Any]

_PLACE = re.compile(r"<([\w.\-]+)>")
_INPUTS = ("Input", "InputPath", "InputTransformer")


def check(target: Mapping[str, Any]) -> None:
    """At most one way of input, and paths that are some. Raises ``Refusal``."""
    given = [name for name in _INPUTS if target.get(name)]
    if len(given) > 1:
        raise Refusal(
            "ValidationException",
            f"Only one of Input, InputPath, or InputTransformer must be provided for target {target['Id']}.",
        )
    paths = (target.get("InputTransformer") or {}).get("InputPathsMap") or {}
    for path in [*paths.values(), *([target["InputPath"]] if target.get("InputPath") else [])]:
        _path(path)


def shaped(target: Mapping[str, Any], event: Event, rule_arn: str) -> bytes:
    if target.get("Input"):
        return str(target["Input"]).encode()
    if target.get("InputPath"):
        found = _path(target["InputPath"]).find(event)
        return json.dumps(found[0].value if found else {}).encode()
    transformer = target.get("InputTransformer")
    if transformer:
        return _filled(transformer["InputTemplate"], _values(transformer, event, rule_arn)).encode()
    return json.dumps(event).encode()


def _values(transformer: Mapping[str, Any], event: Event, rule_arn: str) -> dict[str, Any]:
    values: dict[str, Any] = {
        "aws.events.rule-arn": rule_arn,
        "aws.events.rule-name": rule_arn.rpartition("/")[2],
        "aws.events.event.ingestion-time": event.get("time", ""),
        "aws.events.event": {name: value for name, value in event.items() if name != "detail"},
        "aws.events.event.json": event,
    }
    for name, path in (transformer.get("InputPathsMap") or {}).items():
        found = _path(path).find(event)
        # The guide says that a variable whose path leads nowhere is not created; what then stands in its
        # place is not settled: here it is empty.
        values[name] = found[0].value if found else ""
    return values


def _filled(template: str, values: Mapping[str, Any]) -> str:
    """Inside quotes a value stands bare, outside as JSON."""
    parts, last, quoted = [], 0, False
    for place in _PLACE.finditer(template):
        between = template[last : place.start()]
        quoted ^= len(re.findall(r'(?<!\\)"', between)) % 2 == 1
        parts += [between, _written(values[place[1]], quoted=quoted) if place[1] in values else place[0]]
        last = place.end()
    return "".join([*parts, template[last:]])


def _written(value: Any, *, quoted: bool) -> str:
    text = json.dumps(value)
    if not quoted:
        return text
    return text[1:-1] if isinstance(value, str) else json.dumps(text)[1:-1]


@cache
def _path(text: str) -> JSONPath:
    try:
        return parse_path(text)
    except (JsonPathLexerError, JsonPathParserError) as error:
        raise Refusal("ValidationException", f"Invalid InputPath {text}: it is no JSON path") from error
