"""CloudFormation's functions, evaluated."""

import base64
import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from twinwall.emulator.refusal import Refusal
from twinwall.emulator.stacks.parameters import is_list, parts
from twinwall.emulator.stacks.template import Template


class Unknown:
    """What only exists once its resource does. Equal to nothing, itself least of all."""

    def __eq__(self, _: object) -> bool:
        return False

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return "{{changeSet:KNOWN_AFTER_APPLY}}"


class _Nothing:
    """``AWS::NoValue``."""


UNKNOWN, NO_VALUE = Unknown(), _Nothing()


@dataclass(frozen=True)
class Made:
    """A resource that exists: what Ref and GetAtt give."""

    id: str
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Resolver:
    """``made``: the resources so far; None for one that is still to come. ``imports`` and ``zones`` ask the Region."""

    template: Template
    parameters: Mapping[str, str]
    pseudo: Mapping[str, Any]
    made: dict[str, Made | None]
    imports: Callable[[str], str]
    zones: Callable[[], list[str]]

    def condition(self, name: str) -> bool:
        if name not in self.template.conditions:
            _refuse(f"Template format error: Unresolved condition dependency {name}")
        return bool(self.resolve(self.template.conditions[name]))

    def resolve(self, value: Any) -> Any:
        """Raises ``Refusal`` for what cannot be evaluated."""
        if isinstance(value, list):
            return [part for part in map(self.resolve, value) if part is not NO_VALUE]
        if isinstance(value, str) and value.startswith("{{resolve:"):
            _refuse(f"Dynamic references are not in the embedded AWS: {value}")
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            [(name, argument)] = value.items()
            if (
                name == "Ref"
                or name.startswith("Fn::")
                or (name == "Condition" and isinstance(argument, str))
            ):
                return self._function(name, argument)
        resolved = {key: self.resolve(part) for key, part in value.items()}
        return {key: part for key, part in resolved.items() if part is not NO_VALUE}

    def _function(self, name: str, argument: Any) -> Any:
        if name == "Ref":
            return self._ref(argument)
        if name == "Condition":
            return self.condition(argument)
        found = _FUNCTIONS.get(name)
        if found is None:
            _refuse(f"Template format error: the function {name} is not in the embedded AWS")
        try:
            return found(self, argument)
        except (TypeError, ValueError, IndexError, KeyError, AttributeError):
            _refuse(
                f"Template error: every {name} object requires what its documentation says; found {argument}"
            )

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in self.pseudo:
            return self.pseudo[name]
        if name in self.parameters:
            kind = str(self.template.parameters[name].get("Type"))
            return parts(kind, self.parameters[name]) if is_list(kind) else self.parameters[name]
        return self._made(name, lambda made: made.id)

    def _made(self, name: str, of: Callable[[Made], Any]) -> Any:
        if name not in self.made:
            _refuse(f"Template format error: Unresolved resource dependencies [{name}]")
        made = self.made[name]
        return UNKNOWN if made is None else of(made)

    def attribute(self, argument: Any) -> Any:
        name, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
        attribute = self.resolve(attribute)

        def of(made: Made) -> Any:
            if attribute not in made.attributes:
                _refuse(
                    f"Template error: resource {name} does not support attribute type {attribute} in Fn::GetAtt"
                )
            return made.attributes[attribute]

        return self._made(name, of)

    def sub(self, argument: Any) -> Any:
        text, own = (argument, {}) if isinstance(argument, str) else argument
        values = {key: self.resolve(part) for key, part in own.items()}
        unknown = False

        def put(found: re.Match[str]) -> str:
            nonlocal unknown
            name = found[1].strip()
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            value = values[name] if name in values else self._variable(name)
            unknown = unknown or isinstance(value, Unknown)
            return _text(value)

        done = re.sub(r"\$\{([^}]+)\}", put, text)
        return UNKNOWN if unknown else done

    def _variable(self, name: str) -> Any:
        return self.attribute(name) if "." in name else self._ref(name)


def _refuse(message: str) -> NoReturn:
    raise Refusal("ValidationError", message)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _join(it: Resolver, argument: Any) -> Any:
    separator, items = argument
    found = it.resolve(items)
    if isinstance(found, Unknown) or any(isinstance(item, Unknown) for item in found):
        return UNKNOWN
    return str(separator).join(map(_text, found))


def _if(it: Resolver, argument: Any) -> Any:
    name, yes, no = argument
    return it.resolve(yes if it.condition(name) else no)


def _select(it: Resolver, argument: Any) -> Any:
    index, items = it.resolve(argument[0]), it.resolve(argument[1])
    return UNKNOWN if isinstance(items, Unknown) else items[int(index)]


def _split(it: Resolver, argument: Any) -> Any:
    text = it.resolve(argument[1])
    return UNKNOWN if isinstance(text, Unknown) else text.split(argument[0])


def _find(it: Resolver, argument: Any) -> Any:
    name, first, second = map(it.resolve, argument[:3])
    try:
        return it.template.mappings[name][first][second]
    except KeyError:
        if len(argument) > 3:
            return it.resolve(argument[3]["DefaultValue"])
        _refuse(f"Template error: Unable to get mapping for {name}::{first}::{second}")


def _import(it: Resolver, argument: Any) -> Any:
    name = it.resolve(argument)
    return UNKNOWN if isinstance(name, Unknown) else it.imports(name)


def _cidr(it: Resolver, argument: Any) -> Any:
    block, count, bits = it.resolve(argument[0]), int(it.resolve(argument[1])), int(it.resolve(argument[2]))
    if isinstance(block, Unknown):
        return UNKNOWN
    network = ipaddress.ip_network(block)
    blocks = network.subnets(new_prefix=network.max_prefixlen - bits)
    return [str(part) for part, _ in zip(blocks, range(count), strict=False)]


def _base64(it: Resolver, argument: Any) -> Any:
    text = it.resolve(argument)
    return UNKNOWN if isinstance(text, Unknown) else base64.b64encode(str(text).encode()).decode()


def _both(it: Resolver, argument: Any) -> list[bool]:
    return [bool(it.resolve(part)) for part in argument]


def _same(it: Resolver, argument: Any) -> bool:
    one, other = argument
    return _text(it.resolve(one)) == _text(it.resolve(other))


_FUNCTIONS: Mapping[str, Callable[[Resolver, Any], Any]] = {
    "Fn::GetAtt": Resolver.attribute,
    "Fn::Sub": Resolver.sub,
    "Fn::Join": _join,
    "Fn::If": _if,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::FindInMap": _find,
    "Fn::ImportValue": _import,
    "Fn::Equals": _same,
    "Fn::And": lambda it, argument: all(_both(it, argument)),
    "Fn::Or": lambda it, argument: any(_both(it, argument)),
    "Fn::Not": lambda it, argument: not it.resolve(argument[0]),
    "Fn::Base64": _base64,
    "Fn::Cidr": _cidr,
    "Fn::GetAZs": lambda it, _: it.zones(),
}
