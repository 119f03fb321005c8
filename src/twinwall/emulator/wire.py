"""The wire forms of services that answer here and are not EC2: query, JSON and REST, driven by botocore's models.

moto's own parsers and writers do the work; what is added is the check of every value against the model
(required, length, range, enumeration, pattern), which moto leaves out and AWS words alike for all.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from botocore.model import ListShape, MapShape, Shape, StructureShape
from moto.core.model import OperationModel
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request as MotoRequest
from moto.core.routing import get_service_router
from moto.core.serialize import SerializationContext, get_serializer_class
from moto.core.utils import get_service_model
from werkzeug.datastructures import Headers, MultiDict
from werkzeug.exceptions import NotFound

from twinwall.emulator.http import Request, Response
from twinwall.emulator.refusal import Refusal

Params = dict[str, Any]
REST = "rest-json"


@cache
def protocol_of_model(service: str) -> str:
    return str(get_service_model(service).metadata["protocol"])


@cache
def operation(service: str, action: str) -> OperationModel:
    """Raises ``InvalidAction`` for a name that the service does not have."""
    model = get_service_model(service)
    if action not in model.operation_names:
        raise Refusal("InvalidAction", f"The action {action} is not valid for this web service.")
    found: OperationModel = model.operation_model(action)
    return found


def rest_action(service: str, request: Request) -> tuple[str, Mapping[str, Any]]:
    """The operation that a REST request means and the values in its path; ("", {}) for none."""
    asked = MotoRequest.from_primitives(request.method, request.url, {})
    asked.environ["RAW_URI"] = request.path
    try:
        found, values = get_service_router(service).match(asked)
    except (NotFound, NotImplementedError):
        return "", {}
    return str(found.name), values


def parse(service: str, action: str, request: Request, protocol: str) -> Params:
    """The request's parameters as the model names them. Raises ``Refusal``."""
    model = operation(service, action)
    spoken = _spoken(service, protocol)
    values = request.form if spoken == "query" else dict(parse_qsl(request.query, keep_blank_values=True))
    try:
        params: Params = PROTOCOL_PARSERS[spoken](model).parse(
            {
                "method": request.method,
                "values": MultiDict(values),
                "headers": Headers(list(request.headers.items())),
                "body": request.body,
                "url_path": request.path,
                "url_params": dict(rest_action(service, request)[1]) if spoken == REST else {},
            }
        )
    except (ValueError, KeyError, TypeError, AttributeError) as wrong:
        raise Refusal("SerializationException", f"{action}: the request could not be read") from wrong
    return params


def write(service: str, action: str, output: Mapping[str, Any], request_id: str, protocol: str) -> Response:
    spoken = _spoken(service, protocol)
    writer = get_serializer_class(service, spoken)(
        operation(service, action), context=SerializationContext(request_id)
    )
    made = writer.serialize(dict(output))
    headers = tuple((str(name), str(value)) for name, value in made["headers"].items())
    body = made["body"]
    return Response(made["status_code"], body if isinstance(body, bytes) else body.encode(), headers)


def _spoken(service: str, protocol: str) -> str:
    """A service may take JSON beside query (SQS): what the request speaks counts."""
    own = protocol_of_model(service)
    return own if own == REST else protocol


# --- checked against the model


def check(service: str, action: str, params: Mapping[str, Any], code: str = "ValidationException") -> None:
    """Refused in the words that AWS's services share: "N validation errors detected: Value … at …"."""
    shape = operation(service, action).input_shape
    found = list(_wrong(shape, params, "")) if isinstance(shape, StructureShape) else []
    if found:
        errors = "error" if len(found) == 1 else "errors"
        raise Refusal(code, f"{len(found)} validation {errors} detected: {'; '.join(found)}")


def _wrong(shape: Shape, value: Any, path: str) -> Iterator[str]:
    match shape:
        case StructureShape():
            yield from _wrong_structure(shape, value, path)
        case ListShape():
            yield from _outside(shape, value, len(value), path)
            for number, item in enumerate(value, 1):
                yield from _wrong(shape.member, item, f"{path}.{number}.member")
        case MapShape():
            for key, item in value.items():
                yield from _wrong(shape.value, item, f"{path}.{key}.member")
        case _:
            yield from _wrong_scalar(shape, value, path)


def _wrong_structure(shape: StructureShape, value: Mapping[str, Any], path: str) -> Iterator[str]:
    for name, member in shape.members.items():
        inner = f"{path}.{name[0].lower()}{name[1:]}".removeprefix(".")
        if value.get(name) is not None:
            yield from _wrong(member, value[name], inner)
        elif name in shape.required_members:
            yield f"Value null at '{inner}' failed to satisfy constraint: Member must not be null"


def _wrong_scalar(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if shape.type_name in ("integer", "long"):
        yield from _outside(shape, value, value, path)
    if shape.type_name != "string":
        return
    enum, pattern = shape.metadata.get("enum"), shape.metadata.get("pattern")
    failed = f"Value '{value}' at '{path}' failed to satisfy constraint: Member must satisfy"
    if enum and value not in enum:
        yield f"{failed} enum value set: [{', '.join(enum)}]"
    yield from _outside(shape, value, len(value), path)
    if pattern and not _compiled(pattern).fullmatch(value):
        yield f"{failed} regular expression pattern: {pattern}"


def _outside(shape: Shape, value: Any, size: int, path: str) -> Iterator[str]:
    what = "have value" if shape.type_name in ("integer", "long") else "have length"
    failed = f"Value '{value}' at '{path}' failed to satisfy constraint: Member must {what}"
    if size < shape.metadata.get("min", size):
        yield f"{failed} greater than or equal to {shape.metadata['min']}"
    if size > shape.metadata.get("max", size):
        yield f"{failed} less than or equal to {shape.metadata['max']}"


_JAVA = (
    (r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF"),
    (r"\p{L}", r"\w"),
    (r"\p{N}", r"\d"),
    (r"\p{Z}", r"\s"),
)
"""What the models' patterns spell as Java does: the planes above the first, letters, digits, spaces."""


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    for theirs, ours in _JAVA:
        pattern = pattern.replace(theirs, ours)
    return re.compile(pattern)
