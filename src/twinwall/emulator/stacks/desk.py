"""What a kind of resource works with: the endpoint's API in the name of whoever runs the stack, names, tags."""

import random
import string
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

Props = Mapping[str, Any]
Tags = list[dict[str, str]]


class ResourceFailed(Exception):
    """A resource could not be made, changed or deleted; ``code``: AWS's, where a call was refused."""

    def __init__(self, reason: str, code: str = "") -> None:
        super().__init__(reason)
        self.reason, self.code = reason, code


@dataclass
class Desk:
    """Of one resource of a stack. ``client``: a client for a service, in the stack's Region."""

    client: Callable[[str], Any]
    account: str
    region: str
    stack_name: str
    stack_id: str
    logical: str
    stack_tags: Mapping[str, str] = field(default_factory=dict)

    def call(self, service: str, operation: str, **params: Any) -> Any:
        """Raises ``ResourceFailed``. Parameters that are None are left out; text is made what the API wants."""
        client = self.client(service)
        method = client.meta.method_to_api_mapping
        name = next(python for python, api in method.items() if api == operation)
        shape = client.meta.service_model.operation_model(operation).input_shape
        given = {key: value for key, value in params.items() if value is not None}
        try:
            return getattr(client, name)(**(shaped(shape, given, operation) if shape else {}))
        except ClientError as refused:
            error = refused.response["Error"]
            status = refused.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
            raise ResourceFailed(
                f'Resource handler returned message: "{error["Message"]}" (Service: {service}, Status Code: {status}, '
                f"Code: {error['Code']})",
                error["Code"],
            ) from None
        except BotoCoreError as fault:
            raise ResourceFailed(" ".join(str(fault).split())) from None

    def gone(self, service: str, operation: str, **params: Any) -> None:
        """A deletion: what is not there any more is deleted."""
        try:
            self.call(service, operation, **params)
        except ResourceFailed as failed:
            if not any(word in failed.code for word in _GONE):
                raise

    def name(self, most: int = 255, *, lower: bool = False) -> str:
        """A physical name as CloudFormation makes them."""
        end = "".join(random.choices(string.ascii_uppercase + string.digits, k=12))
        made = f"{self.stack_name[: most - 14 - min(len(self.logical), 24)]}-{self.logical[:24]}-{end}"
        return made.lower() if lower else made

    def tags(self, own: Any = None) -> Tags:
        """The stack's tags and the resource's own, which win."""
        merged = dict(self.stack_tags) | {tag["Key"]: tag["Value"] for tag in own or ()}
        return [{"Key": key, "Value": value} for key, value in merged.items()]

    def tag_map(self, own: Any = None) -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in self.tags(own)}

    def wait(self, ready: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
        """Raises ``ResourceFailed`` when it takes too long."""
        end = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > end:
                raise ResourceFailed(f"Exceeded attempts to wait for {what}")
            time.sleep(0.05)


_GONE = ("NotFound", "NoSuch", "NonExistent", "DoesNotExist", "ResourceNotFound")


def shaped(shape: Any, value: Any, path: str) -> Any:
    """``value`` as the API's model wants it: templates write numbers and booleans as text, and text as numbers.
    Raises ``ResourceFailed`` for a property that the model does not have."""
    match shape.type_name:
        case "structure" if isinstance(value, Mapping):
            unknown = sorted(value.keys() - shape.members.keys())
            if unknown:
                raise ResourceFailed(f"Encountered unsupported property {unknown[0]} in {path}")
            return {key: shaped(shape.members[key], part, f"{path}.{key}") for key, part in value.items()}
        case "list" if isinstance(value, list | tuple):
            return [shaped(shape.member, part, path) for part in value]
        case "map" if isinstance(value, Mapping):
            return {str(key): shaped(shape.value, part, f"{path}.{key}") for key, part in value.items()}
        case "structure" | "list" | "map":
            raise ResourceFailed(f"Value of property {path} must be of type {shape.type_name.capitalize()}")
        case _:
            return _scalar(shape.type_name, value, path)


def _scalar(kind: str, value: Any, path: str) -> Any:
    try:
        match kind:
            case "integer" | "long":
                return int(value)
            case "float" | "double":
                return float(value)
            case "boolean":
                return (
                    value if isinstance(value, bool) else {"true": True, "false": False}[str(value).lower()]
                )
            case "string":
                return str(value).lower() if isinstance(value, bool) else str(value)
            case _:
                return value
    except (ValueError, TypeError, KeyError):
        raise ResourceFailed(f"Value {value!r} of property {path} must be of type {kind}") from None
