"""What protocol and what action a request is of, and the forms of an answer that ours gives itself."""

import json
import logging
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from twinwall.emulator.credentials import read_authorization
from twinwall.emulator.http import JSON, Request, Response
from twinwall.emulator.protocol import write_refusal
from twinwall.emulator.refusal import Refusal
from twinwall.emulator.visit import Visit

LOG = logging.getLogger("twinwall.emulator")


def protocol_of(request: Request) -> str:
    if "x-amz-target" in request.headers:
        return "json"
    signed = read_authorization(request.headers.get("authorization", ""))
    if signed is not None and signed.service == "ec2":
        return "ec2"
    form = "x-www-form-urlencoded" in request.headers.get("content-type", "")
    return "query" if form or "Action=" in request.query else "json"


def action_of(request: Request) -> str:
    target = request.headers.get("x-amz-target", "")
    return target.rpartition(".")[2] or request.form.get("Action", "") or f"{request.method} {request.path}"


def refused(protocol: str, refusal: Refusal, request_id: str) -> Response:
    LOG.info("refused: %s", refusal)
    if protocol == "ec2":
        return Response(refusal.status, write_refusal(refusal, request_id))
    if protocol == "query":
        return Response(refusal.status, _query_refusal(refusal, request_id))
    body = json.dumps({"__type": refusal.code, "message": refusal.message, **refusal.more}).encode()
    return Response(refusal.status, body, (*JSON, ("x-amzn-errortype", refusal.code)))


def _query_refusal(refusal: Refusal, request_id: str) -> bytes:
    return (
        "<ErrorResponse><Error><Type>Sender</Type>"
        f"<Code>{escape(refusal.code)}</Code><Message>{escape(refusal.message)}</Message></Error>"
        f"<RequestId>{request_id}</RequestId></ErrorResponse>"
    ).encode()


def query_answer(visit: Visit, output: Mapping[str, Any]) -> bytes:
    return (
        f'<{visit.action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
        f"<{visit.action}Result>{_elements(output)}</{visit.action}Result>"
        f"<ResponseMetadata><RequestId>{visit.id}</RequestId></ResponseMetadata></{visit.action}Response>"
    ).encode()


def _elements(value: Any) -> str:
    if isinstance(value, Mapping):
        return "".join(f"<{key}>{_elements(item)}</{key}>" for key, item in value.items())
    return escape(str(value))
