"""EC2's wire form both ways, driven by botocore's service model: form fields in, XML out.

Generic and small on purpose: what a field is called on the wire, and which fields exist, is known to the
model alone, so boto3 and the AWS CLI get exactly what the model says. Each shape is compiled once into a
closure; a thousand groups are written in a tenth of a second.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

from botocore.model import ListShape, OperationModel, ServiceModel, Shape, StructureShape
from botocore.session import get_session

from twinwall.emulator.refusal import Refusal, invalid, missing

Tree = dict[str, Any]
Writer = Callable[[Any, list[str]], None]
Reader = Callable[[Any, str], Any]


@cache
def ec2_model() -> ServiceModel:
    return get_session().get_service_model("ec2")


def operation(action: str) -> OperationModel:
    """Raises ``InvalidAction`` for a name that EC2 does not have."""
    if action not in ec2_model().operation_names:
        raise Refusal("InvalidAction", f"The action {action} is not valid for this web service.")
    return ec2_model().operation_model(action)


# --- in


def parse_input(action: str, form: Mapping[str, str]) -> dict[str, Any]:
    """``IpPermissions.1.FromPort=22`` … → ``{"IpPermissions": [{"FromPort": 22}]}``.

    Refused as EC2 does: an unknown field, a missing one, a number that is none.
    """
    shape = operation(action).input_shape
    tree = _tree({key: value for key, value in form.items() if key not in _ENVELOPE})
    params: dict[str, Any] = {} if shape is None else _reader(shape.name)(tree, "")
    for name in shape.required_members if isinstance(shape, StructureShape) else ():
        if name not in params:
            missing(name[0].lower() + name[1:])
    return params


_ENVELOPE = frozenset({"Action", "Version", "SignatureVersion", "SignatureMethod", "Timestamp"})


def _tree(form: Mapping[str, str]) -> Tree:
    root: Tree = {}
    for key, value in form.items():
        *path, last = key.split(".")
        node = root
        for part in path:
            step = node.setdefault(part, {})
            if not isinstance(step, dict):
                raise Refusal("MalformedQueryString", f"The parameter {key} is given twice")
            node = step
        node[last] = value
    return root


def _input_name(member: Shape, name: str) -> str:
    """EC2's rule: ``queryName``, else ``locationName`` with a capital, else the member's own name."""
    serialization = member.serialization
    if "queryName" in serialization:
        return str(serialization["queryName"])
    located = str(serialization.get("name", name))
    return located[0].upper() + located[1:]


@cache
def _reader(shape_name: str) -> Reader:
    shape = ec2_model().shape_for(shape_name)
    if isinstance(shape, StructureShape):
        return _structure_reader(shape)
    if isinstance(shape, ListShape):
        return _list_reader(shape)
    return _SCALARS.get(shape.type_name, _read_text)


def _structure_reader(shape: StructureShape) -> Reader:
    members = {_input_name(member, name): (name, member.name) for name, member in shape.members.items()}

    def read(node: Any, path: str) -> dict[str, Any]:
        if not isinstance(node, dict):
            invalid(f"Value ({node}) for parameter {path} is invalid.")
        for key in node:
            if key not in members:
                raise Refusal("UnknownParameter", f"The parameter {path}{key} is not recognized")
        return {
            name: _reader(shape_name)(node[key], f"{path}{key}.")
            for key, (name, shape_name) in members.items()
            if key in node
        }

    return read


def _list_reader(shape: ListShape) -> Reader:
    member = shape.member.name

    def read(node: Any, path: str) -> list[Any]:
        if not isinstance(node, dict):
            return []
        if not all(key.isdigit() for key in node):
            raise Refusal("UnknownParameter", f"The parameter {path}{next(iter(node))} is not recognized")
        return [_reader(member)(node[key], f"{path}{key}.") for key in sorted(node, key=int)]

    return read


def _read_text(node: Any, path: str) -> str:
    return node if isinstance(node, str) else invalid(f"Value for parameter {path[:-1]} is invalid.")


def _read_integer(node: Any, path: str) -> int:
    try:
        return int(node)
    except (TypeError, ValueError):
        invalid(f"Value ({node}) for parameter {path[:-1]} is invalid. Integer value expected")


def _read_boolean(node: Any, path: str) -> bool:
    if node not in ("true", "false", "True", "False", "1", "0"):
        invalid(f"Value ({node}) for parameter {path[:-1]} is invalid. Boolean value expected")
    return node in ("true", "True", "1")


_SCALARS: dict[str, Reader] = {
    "integer": _read_integer,
    "long": _read_integer,
    "boolean": _read_boolean,
}


# --- out


def write_answer(action: str, answer: Mapping[str, Any], request_id: str) -> bytes:
    out = [
        '<?xml version="1.0" encoding="UTF-8"?>\n',
        f'<{action}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">',
        f"<requestId>{request_id}</requestId>",
    ]
    shape = operation(action).output_shape
    if shape is None:
        out.append("<return>true</return>")
    else:
        _writer(shape.name)(answer, out)
    out.append(f"</{action}Response>")
    return "".join(out).encode()


def write_refusal(refusal: Refusal, request_id: str) -> bytes:
    """EC2's own error form (API: errors-overview)."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Response><Errors><Error><Code>{escape(refusal.code)}</Code>"
        f"<Message>{escape(refusal.message)}</Message></Error></Errors>"
        f"<RequestID>{request_id}</RequestID></Response>"
    ).encode()


@cache
def _writer(shape_name: str) -> Writer:
    shape = ec2_model().shape_for(shape_name)
    if isinstance(shape, StructureShape):
        return _structure_writer(shape)
    if isinstance(shape, ListShape):
        return _list_writer(shape)
    return lambda value, out: out.append(_scalar(value))


def _structure_writer(shape: StructureShape) -> Writer:
    members = {name: _member(name, member) for name, member in shape.members.items()}

    def write(value: Any, out: list[str]) -> None:
        for key, item in value.items():
            if item is None:
                continue
            opened, closed, member = members[key]
            if member is None:
                out.append(f"{opened}{_scalar(item)}{closed}")
            elif item or not isinstance(item, list):
                out.append(opened)
                _writer(member)(item, out)
                out.append(closed)
            else:
                out.append(f"{opened}{closed}")

    return write


def _member(name: str, member: Shape) -> tuple[str, str, str | None]:
    """Its tags, and the name of its shape if it has parts."""
    tag = str(member.serialization.get("name", name))
    has_parts = isinstance(member, StructureShape | ListShape)
    return f"<{tag}>", f"</{tag}>", member.name if has_parts else None


def _list_writer(shape: ListShape) -> Writer:
    member = shape.member.name
    tag = str(shape.member.serialization.get("name", "item"))
    opened, closed = f"<{tag}>", f"</{tag}>"

    def write(value: Any, out: list[str]) -> None:
        writer = _writer(member)
        for item in value:
            out.append(opened)
            writer(item, out)
            out.append(closed)

    return write


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return escape(value) if "&" in value or "<" in value or ">" in value else value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return str(value)
