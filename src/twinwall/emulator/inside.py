"""boto3 clients that ask the endpoint from inside its own process: no socket, everything else as from outside.

Each call is signed, let in or refused, and answered as any other. What services do of their own accord (a poller, a
log line, a dead letter) is neither counted nor delayed nor struck by faults; what CloudFormation asks for is.
"""

import io
import threading
from collections.abc import Callable
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError

from twinwall.emulator.credentials import AccessKey, Principal
from twinwall.emulator.http import Request, Response
from twinwall.emulator.identity import Identities

SESSION_SECONDS = 12 * 3600
"""How long a service holds the session of a role."""

_HOST = "127.0.0.1"
_make_client: Any = boto3.client


class Inside:
    """``handle``: the endpoint's answer to a request, faults and all; ``serve``: without them."""

    def __init__(
        self, handle: Callable[[Request], Response], serve: Callable[[Request], Response], who: Identities
    ) -> None:
        self._handle, self._serve, self._who = handle, serve, who
        self._clients: dict[tuple[str, str, str, bool], Any] = {}
        self._sessions: dict[tuple[str, str], Principal] = {}
        self._lock = threading.Lock()

    def session(self, role_arn: str, name: str) -> Principal:
        """Of a role that a service has taken on, as good as new."""
        with self._lock:
            held = self._sessions.get((role_arn, name))
            if held is None or held.expires is None or held.expires <= self._who.ring.now():
                held = self._who.session_of(role_arn, name, SESSION_SECONDS)
                self._sessions[role_arn, name] = held
            return held

    def client(self, service: str, region: str, key: AccessKey, *, counted: bool = False) -> Any:
        wanted = (service, region, key.id, counted)
        with self._lock:
            if wanted not in self._clients:
                self._clients[wanted] = self._make(service, region, key, counted)
            return self._clients[wanted]

    def _make(self, service: str, region: str, key: AccessKey, counted: bool) -> Any:
        client = _make_client(
            service,
            region_name=region,
            endpoint_url=f"http://{_HOST}",
            aws_access_key_id=key.id,
            aws_secret_access_key=key.secret,
            aws_session_token=key.token or None,
            config=Config(
                retries={"mode": "standard", "total_max_attempts": 6 if counted else 1},
                parameter_validation=counted,
            ),
        )
        answer = self._handle if counted else self._serve
        client.meta.events.register("before-send", lambda request, **_: _sent(request, answer))
        return client


def _sent(request: Any, answer: Callable[[Request], Response]) -> AWSResponse:
    url = str(request.url)
    path, _, query = url.partition(_HOST)[2].partition("?")
    headers = {
        name.lower(): value.decode() if isinstance(value, bytes) else str(value)
        for name, value in request.headers.items()
    }
    response = answer(Request(request.method, path or "/", query, headers | {"host": _HOST}, _body(request)))
    if response.lost:
        raise ConnectionClosedError(endpoint_url=url)
    raw: Any = _Raw(response.body)
    told: Any = dict(response.headers)
    return AWSResponse(url, response.status, told, raw)


def _body(request: Any) -> bytes:
    body = request.body
    if body is None:
        return b""
    if hasattr(body, "read"):
        return bytes(body.read())
    return body.encode() if isinstance(body, str) else bytes(body)


class _Raw(io.BytesIO):
    """A body as urllib3 would hand it out."""

    def stream(self, *_: Any, **__: Any) -> Any:
        yield self.read()

    def release_conn(self) -> None:
        """There is no connection."""
