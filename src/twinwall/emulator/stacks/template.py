"""A template's text into its parts, checked as far as the text alone allows.

JSON, or YAML with CloudFormation's short forms: ``!Ref x`` is ``{"Ref": "x"}``, ``!GetAtt a.b`` is
``{"Fn::GetAtt": ["a", "b"]}``, any other ``!Name`` is ``{"Fn::Name": …}``.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from twinwall.emulator.refusal import Refusal

MOST_BYTES = 51_200
"""Of a template in the request itself (API: CreateStack.TemplateBody); by URL 1 MB."""
SECTIONS = frozenset(
    {"AWSTemplateFormatVersion", "Conditions", "Description", "Globals", "Mappings", "Metadata", "Outputs",
     "Parameters", "Resources", "Rules", "Transform"}
)  # fmt: skip
_RESOURCE_KEYS = frozenset(
    {"Type", "Properties", "DependsOn", "Condition", "DeletionPolicy", "UpdateReplacePolicy", "Metadata"}
)
_POLICIES = ("Delete", "Retain", "RetainExceptOnCreate")


@dataclass(frozen=True)
class ResourceText:
    """A resource as the template has it."""

    name: str
    type: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    depends_on: tuple[str, ...] = ()
    condition: str = ""
    deletion_policy: str = "Delete"
    replace_policy: str = "Delete"


@dataclass(frozen=True)
class Template:
    """``resources`` in the order of their making: each after all that it names."""

    resources: tuple[ResourceText, ...]
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    mappings: Mapping[str, Any] = field(default_factory=dict)
    conditions: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    description: str = ""


def malformed(message: str) -> Refusal:
    return Refusal("ValidationError", f"Template format error: {message}")


# --- text


class _Loader(yaml.SafeLoader):
    """YAML without dates: a policy's Version stays text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in known if tag != "tag:yaml.org,2002:timestamp"]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _short_form(loader: Any, name: str, node: Any) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if name == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": value}


_Loader.add_multi_constructor("!", _short_form)


def read(text: str) -> dict[str, Any]:
    """The template as plain values. Raises ``Refusal``."""
    try:
        found = json.loads(text) if text.lstrip().startswith("{") else yaml.load(text, _Loader)
    except (ValueError, yaml.YAMLError) as fault:
        raise malformed(f"not well-formed. ({' '.join(str(fault).split())[:200]})") from None
    if not isinstance(found, dict):
        raise malformed("unsupported structure.")
    unknown = sorted(str(key) for key in found.keys() - SECTIONS)
    if unknown:
        raise Refusal("ValidationError", f"Invalid template property or properties [{', '.join(unknown)}]")
    return found


# --- parts


def parse(document: Mapping[str, Any]) -> Template:
    """Of a template whose transforms are expanded. Raises ``Refusal``."""
    for name in ("Rules", "Globals", "Transform"):
        if document.get(name):
            raise malformed(f"{name} is not in the embedded AWS: leave it out.")
    given = document.get("Resources")
    if not isinstance(given, dict) or not given:
        raise malformed("At least one Resources member must be defined.")
    resources = {name: _resource(name, text) for name, text in given.items()}
    parameters = document.get("Parameters") or {}
    conditions = document.get("Conditions") or {}
    _check_names(resources, parameters, conditions)
    return Template(
        in_order(resources),
        parameters,
        document.get("Mappings") or {},
        conditions,
        document.get("Outputs") or {},
        document.get("Description") or "",
    )


def _resource(name: str, text: Any) -> ResourceText:
    if not re.fullmatch(r"[A-Za-z0-9]{1,255}", name):
        raise malformed(f"Resource name {name} is non alphanumeric.")
    if not isinstance(text, dict) or not isinstance(text.get("Type"), str):
        raise malformed(f"[/Resources/{name}] Every Resources object must contain a Type member.")
    unknown = sorted(text.keys() - _RESOURCE_KEYS)
    if unknown:
        raise Refusal("ValidationError", f"Invalid template resource property '{unknown[0]}' of {name}")
    for key in ("DeletionPolicy", "UpdateReplacePolicy"):
        if text.get(key, "Delete") not in _POLICIES:
            raise malformed(
                f"{key} {text[key]} of {name} is not in the embedded AWS; {', '.join(_POLICIES)} are."
            )
    depends = text.get("DependsOn") or []
    return ResourceText(
        name,
        text["Type"],
        text.get("Properties") or {},
        (depends,) if isinstance(depends, str) else tuple(depends),
        text.get("Condition") or "",
        text.get("DeletionPolicy", "Delete"),
        text.get("UpdateReplacePolicy", "Delete"),
    )


def _check_names(
    resources: Mapping[str, ResourceText], parameters: Mapping[str, Any], conditions: Mapping[str, Any]
) -> None:
    unknown = sorted(
        {name for resource in resources.values() for name in _named_by(resource)}
        - resources.keys() - parameters.keys()
    )  # fmt: skip
    if unknown:
        raise malformed(
            f"Unresolved resource dependencies [{', '.join(unknown)}] in the Resources block of the template"
        )
    for resource in resources.values():
        if resource.condition and resource.condition not in conditions:
            raise malformed(f"Unresolved condition dependency {resource.condition} in the Resources block")


def _named_by(resource: ResourceText) -> Iterator[str]:
    yield from resource.depends_on
    yield from named_in(resource.properties)


def named_in(value: Any) -> Iterator[str]:
    """What a value names by Ref, GetAtt and Sub; pseudo parameters left out."""
    if isinstance(value, list):
        for part in value:
            yield from named_in(part)
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _named_by_function(key, part)


def _named_by_function(key: str, part: Any) -> Iterator[str]:
    if key == "Ref":
        if isinstance(part, str) and not part.startswith("AWS::"):
            yield part
    elif key == "Fn::GetAtt":
        yield (part.split(".")[0] if isinstance(part, str) else part[0])
    elif key == "Fn::Sub":
        text, own = (part, {}) if isinstance(part, str) else (part[0], part[1])
        yield from named_in(own)
        names = (name.split(".")[0] for name in variables_of(text) if name not in own)
        yield from (name for name in names if not name.startswith("AWS::"))
    else:
        yield from named_in(part)


def variables_of(text: str) -> list[str]:
    """Of ``${name}``; ``${!literal}`` is none."""
    return [name.strip() for name in re.findall(r"\$\{([^!}][^}]*)\}", text)]


def in_order(resources: Mapping[str, ResourceText]) -> tuple[ResourceText, ...]:
    """Each after what it names, else as the template has them. Raises ``Refusal`` for a circle."""
    done: dict[str, ResourceText] = {}
    left = dict(resources)
    while left:
        ready = [name for name, text in left.items() if not {*_named_by(text)} & left.keys()]
        if not ready:
            circle = ", ".join(sorted(left))
            raise Refusal("ValidationError", f"Circular dependency between resources: [{circle}]")
        for name in ready:
            done[name] = left.pop(name)
    return tuple(done.values())
