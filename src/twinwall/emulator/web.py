"""Connections of the endpoint's web server: kept alive, quiet, closed when it stops."""

import socket
import threading
from typing import Any

from werkzeug.serving import WSGIRequestHandler


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
