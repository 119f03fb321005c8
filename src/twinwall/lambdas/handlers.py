"""What Lambda calls: an event → the engine → which items of the batch failed."""

from collections.abc import Mapping
from typing import Any

from twinwall.engine.mesh.handler import Failures, handle
from twinwall.lambdas.runtime import around


def mesh(event: Any, context: object) -> Failures:
    return handle(event, around(_id_of(event, context)))


def _id_of(event: Any, context: object) -> str:
    """The event's own id, or the invocation's."""
    own = event.get("id") if isinstance(event, Mapping) else None
    return str(own or getattr(context, "aws_request_id", ""))
