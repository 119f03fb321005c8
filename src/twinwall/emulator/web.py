"""The endpoint's web server: connections that are kept alive, quiet, closed when it stops; requests in, answers out."""

import socket
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from werkzeug.serving import WSGIRequestHandler

from twinwall.emulator.http import Request, Response


class Connections:
    """Kept-alive connections, to be closed when the server stops."""

    def __init__(self) -> None:
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def add(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.add(connection)

    def remove(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.discard(connection)

    def close(self) -> None:
        with self._lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue


class Handler(WSGIRequestHandler):
    """Quiet, kept alive, and without Nagle's delay between headers and body."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    connections: Connections

    def setup(self) -> None:
        super().setup()
        self.connections.add(self.request)

    def finish(self) -> None:
        self.connections.remove(self.request)
        super().finish()

    def make_environ(self) -> dict[str, Any]:
        """werkzeug drops header names with an underscore; SSO's bearer token has one."""
        environ = super().make_environ()
        token = self.headers.get("x-amz-sso_bearer_token")
        if token:
            environ["HTTP_X_AMZ_SSO_BEARER_TOKEN"] = token
        return environ

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's own name
        """Silent: who wants to know asks for the counts."""


def read_request(environ: Mapping[str, Any]) -> Request:
    headers = {
        name[5:].lower().replace("_", "-"): str(value)
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    headers["content-type"] = environ.get("CONTENT_TYPE") or ""
    length = environ.get("CONTENT_LENGTH") or ""
    body = environ["wsgi.input"].read(int(length)) if length else b""
    if not length and environ.get("wsgi.input_terminated"):
        body = environ["wsgi.input"].read()
    path, _, query = str(environ.get("RAW_URI") or environ.get("REQUEST_URI") or "/").partition("?")
    if "x-amz-sso-bearer-token" in headers:
        headers["x-amz-sso_bearer_token"] = headers["x-amz-sso-bearer-token"]
    return Request(environ["REQUEST_METHOD"], path, query, headers, body)


def send(response: Response, start_response: Any) -> Iterator[bytes]:
    headers = [*response.headers, ("Content-Length", str(len(response.body)))]
    start_response(f"{response.status} {'OK' if response.status < 400 else 'Refused'}", headers)
    return iter([response.body])


def cut(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError("the answer was lost, as asked for")
