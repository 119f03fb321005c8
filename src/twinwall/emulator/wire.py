"""Requests and answers of the services that are ours alone, as botocore's model of the service writes them.

moto's own router, parser and serializer do the work, for the REST and the Query protocol alike; what a model says
of lengths, ranges, patterns and enumerations is checked here, in the words of AWS's front doors.
"""

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from moto.core import parse, routing, serialize
from moto.core import request as moto_request
from moto.core.utils import get_service_model
from werkzeug.exceptions import NotFound

from twinwall.emulator.credentials import Principal
from twinwall.emulator.http import Request, Response
from twinwall.emulator.refusal import Refusal

_parse: Any = parse
_serialize: Any = serialize
_MotoRequest: Any = moto_request.Request


@dataclass(frozen=True)
class Caller:
    """Who asks, of which Region."""

    principal: Principal
    region: str

    @property
    def account(self) -> str:
        return self.principal.account


class Service(Protocol):
    """A service of the endpoint that answers for itself, moto left aside."""

    def answer(self, request: Request, caller: Caller) -> Response:
        """Raises ``Refusal``."""
        ...


class Wire:
    """One service's requests and answers. ``service``: botocore's name of it."""

    def __init__(self, service: str) -> None:
        self._model: Any = get_service_model(service)
        self._router: Any = routing.get_service_router(service)
        self._service = service

    def action(self, request: Request) -> str:
        """The operation's name; empty for what the service does not have."""
        try:
            return str(self._router.match(_theirs(request))[0].name)
        except (NotFound, NotImplementedError):
            return ""

    def read(self, request: Request) -> tuple[str, dict[str, Any]]:
        """The operation's name and its parameters, checked. Raises ``Refusal``."""
        asked = _theirs(request)
        try:
            operation, in_path = self._router.match(asked)
        except (NotFound, NotImplementedError):
            raise Refusal(
                "UnknownOperationException", f"{request.method} {request.path}: no such operation", 404
            ) from None
        given = {
            "body": asked.get_data(cache=True),
            "headers": asked.headers,
            "method": asked.method,
            "url_params": in_path,
            "url_path": asked.raw_path,
            "values": asked.values,
        }
        protocol = moto_request.determine_request_protocol(self._model, asked.content_type)
        try:
            params = _parse.PROTOCOL_PARSERS[protocol](operation).parse(given)
        except (ValueError, TypeError, AttributeError):
            raise Refusal("SerializationException", "the request could not be read") from None
        check(operation.input_shape, params)
        return str(operation.name), params

    def write(self, action: str, output: Mapping[str, Any]) -> Response:
        operation = self._model.operation_model(action)
        kind = _serialize.get_serializer_class(self._service, operation.service_model.protocol)
        context = _serialize.SerializationContext(str(uuid.uuid4()))
        made = kind(operation, context).serialize(dict(output))
        body = made["body"]
        headers = tuple((name, str(value)) for name, value in made["headers"].items())
        return Response(made["status_code"], body if isinstance(body, bytes) else str(body).encode(), headers)


@cache
def wire(service: str) -> Wire:
    return Wire(service)


def _theirs(request: Request) -> Any:
    return _MotoRequest.from_primitives(request.method, request.url, dict(request.headers), request.body)


# --- what the model demands


def check(shape: Any, params: Mapping[str, Any]) -> None:
    """Raises ``ValidationException`` with every fault there is, as AWS words them."""
    faults = [] if shape is None else list(_faults(shape, params, ""))
    if faults:
        count = f"{len(faults)} validation error{'s'[: len(faults) > 1]} detected: "
        raise Refusal("ValidationException", count + "; ".join(faults))


def _faults(shape: Any, value: Any, path: str) -> Iterator[str]:
    match shape.type_name:
        case "structure":
            for name in shape.required_members:
                if not isinstance(value, Mapping) or value.get(name) is None:
                    yield _fault(None, _below(path, name), "Member must not be null")
            for name, member in shape.members.items():
                if isinstance(value, Mapping) and value.get(name) is not None:
                    yield from _faults(member, value[name], _below(path, name))
        case "list":
            yield from _sized(shape, value, len(value), path, "length")
            for number, item in enumerate(value, 1):
                yield from _faults(shape.member, item, f"{path}.{number}.member")
        case "string":
            yield from _text_faults(shape, value, path)
        case "integer" | "long":
            yield from _sized(shape, value, value, path, "value")
        case _:  # blobs, times, maps: the model demands nothing of them
            return


def _text_faults(shape: Any, value: Any, path: str) -> Iterator[str]:
    yield from _sized(shape, value, len(value), path, "length")
    allowed, pattern = shape.metadata.get("enum"), shape.metadata.get("pattern")
    if allowed and value not in allowed:
        yield _fault(value, path, f"Member must satisfy enum value set: [{', '.join(allowed)}]")
    elif pattern and not _matches(pattern, value):
        yield _fault(value, path, f"Member must satisfy regular expression pattern: {pattern}")


def _matches(pattern: str, value: str) -> bool:
    """True, too, for the few patterns that are Java's and not Python's."""
    try:
        return re.fullmatch(pattern, value) is not None
    except re.error:
        return True


def _sized(shape: Any, value: Any, size: int, path: str, what: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < least:
        yield _fault(value, path, f"Member must have {what} greater than or equal to {least}")
    if most is not None and size > most:
        yield _fault(value, path, f"Member must have {what} less than or equal to {most}")


def _fault(value: Any, path: str, wanted: str) -> str:
    shown = "null" if value is None else json.dumps(value)[:200].strip('"')
    return f"Value '{shown}' at '{path}' failed to satisfy constraint: {wanted}"


def _below(path: str, name: str) -> str:
    spelled = name[0].lower() + name[1:]
    return f"{path}.{spelled}" if path else spelled
