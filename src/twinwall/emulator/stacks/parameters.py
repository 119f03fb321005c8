"""A template's parameters and the values that a request gives them."""

import re
from collections.abc import Mapping
from typing import Any, NoReturn

from twinwall.emulator.refusal import Refusal

Values = dict[str, str]
"""As the request has them: text."""


def values(
    declared: Mapping[str, Mapping[str, Any]], given: list[Mapping[str, Any]], before: Mapping[str, str]
) -> Values:
    """Every parameter's value: the request's, the one before where it says so, the default. Raises ``Refusal``."""
    asked = {item["ParameterKey"]: item for item in given}
    unknown = sorted(asked.keys() - declared.keys())
    if unknown:
        _refuse(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    found: Values = {}
    for name, text in declared.items():
        value = _value(name, text, asked.get(name), before)
        if value is not None:
            found[name] = value
    missing = sorted(declared.keys() - found.keys())
    if missing:
        _refuse(f"Parameters: [{', '.join(missing)}] must have values")
    for name, value in found.items():
        _check(name, declared[name], value)
    return found


def _value(
    name: str, text: Mapping[str, Any], asked: Mapping[str, Any] | None, before: Mapping[str, str]
) -> str | None:
    if asked is not None and asked.get("UsePreviousValue"):
        if name not in before:
            _refuse(
                f"Invalid input for parameter key {name}. Cannot specify usePreviousValue as true for a "
                "parameter key not in the previous template"
            )
        return before[name]
    if asked is not None and "ParameterValue" in asked:
        return str(asked["ParameterValue"])
    default = text.get("Default")
    return None if default is None else _text(default)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(map(_text, value)) if isinstance(value, list) else str(value)


def _check(name: str, text: Mapping[str, Any], value: str) -> None:
    kind = str(text.get("Type", ""))
    if kind.startswith("AWS::SSM::Parameter::Value"):
        _refuse(f"Parameter {name}: type {kind} is not in the embedded AWS: pass the value itself.")
    for part in parts(kind, value):
        why = _fault(text, kind, part)
        if why:
            told = text.get("ConstraintDescription")
            _refuse(
                f"Parameter {name} failed to satisfy constraint: {told}"
                if told
                else f"Parameter '{name}' must {why}"
            )


def _fault(text: Mapping[str, Any], kind: str, value: str) -> str:
    """What the value must be and is not; empty where it is."""
    number = _number(value)
    if kind in ("Number", "List<Number>"):
        if number is None:
            return "be a number"
        if number < float(text.get("MinValue", number)):
            return f"be a number not less than {text['MinValue']}"
        if number > float(text.get("MaxValue", number)):
            return f"be a number not greater than {text['MaxValue']}"
    if text.get("AllowedValues") and value not in map(_text, text["AllowedValues"]):
        return "be one of AllowedValues"
    if text.get("AllowedPattern") and not re.fullmatch(str(text["AllowedPattern"]), value):
        return f"match pattern {text['AllowedPattern']}"
    if len(value) < int(text.get("MinLength", 0)):
        return f"contain at least {text['MinLength']} characters"
    if len(value) > int(text.get("MaxLength", len(value))):
        return f"contain at most {text['MaxLength']} characters"
    return ""


def _number(value: str) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None


def is_list(kind: str) -> bool:
    return kind == "CommaDelimitedList" or kind.startswith("List<")


def parts(kind: str, value: str) -> list[str]:
    """A list's members; a value by itself otherwise."""
    if not is_list(kind):
        return [value]
    return [part.strip() for part in value.split(",")] if value else []


def _refuse(message: str) -> NoReturn:
    raise Refusal("ValidationError", message)
