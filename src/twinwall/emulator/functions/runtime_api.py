"""Lambda's Runtime API for one sandbox, on a loopback port of its own (LAM runtimes-api).

    GET  …/runtime/invocation/next        waits for an invocation       POST …/runtime/init/error
    POST …/runtime/invocation/ID/response                               POST …/runtime/invocation/ID/error

The client hangs where /next comes without Content-Type or Trace-Id; both are always there.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_PATH = "/2018-06-01/runtime/"


@dataclass(frozen=True)
class Invocation:
    """``deadline_ms``: since the epoch, set as it begins."""

    id: str
    arn: str
    payload: bytes
    deadline_ms: int = 0
    trace: str = ""


@dataclass(frozen=True)
class Said:
    """What the function's process answered; ``error``: the function failed, or could not be started (``init``)."""

    body: bytes
    error: bool = False
    init: bool = False


class RuntimeApi:
    """Serves from its birth until ``close``."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._invocation: Invocation | None = None
        self._said: Said | None = None
        self._waiting = False
        self._closed = False
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.api = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Once the process is gone: its connections have ended with it."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    # --- asked by the one who invokes

    def give(self, invocation: Invocation) -> None:
        with self._changed:
            self._said = None
            self._invocation = invocation
            self._changed.notify_all()

    @property
    def said(self) -> Said | None:
        return self._said

    @property
    def is_waiting(self) -> bool:
        """Does the process wait in /next?"""
        return self._waiting

    def wait(self, ready: Callable[[], bool], seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(ready, seconds)

    # --- asked by the process

    def next(self) -> Invocation | None:
        """None once closed."""
        with self._changed:
            self._waiting = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._invocation is not None or self._closed)
            given, self._invocation, self._waiting = self._invocation, None, False
            return given

    def say(self, said: Said) -> None:
        with self._changed:
            self._said = said
            self._changed.notify_all()


class _Server(ThreadingHTTPServer):
    api: RuntimeApi
    daemon_threads = False
    block_on_close = True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body in one packet: in two the client waits 40 ms for the second
    server: _Server

    def do_GET(self) -> None:
        if self.path != _PATH + "invocation/next":
            self._answer(404, b"{}")
            return
        given = self.server.api.next()
        if given is None:
            self.close_connection = True
            return
        self._answer(
            200,
            given.payload,
            {
                "Lambda-Runtime-Aws-Request-Id": given.id,
                "Lambda-Runtime-Deadline-Ms": str(given.deadline_ms),
                "Lambda-Runtime-Invoked-Function-Arn": given.arn,
                "Lambda-Runtime-Trace-Id": given.trace or _trace(given.id),
            },
        )

    def do_POST(self) -> None:
        body = self._body()
        part = self.path.removeprefix(_PATH).rpartition("/")[2]
        self.server.api.say(Said(body, part == "error", self.path == _PATH + "init/error"))
        self._answer(202, b'{"status":"OK"}')

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_: Any) -> None:
        """Silent."""


def _trace(id_: str) -> str:
    bare = id_.replace("-", "")
    return f"Root=1-{int(time.time()):08x}-{bare[:24]};Parent={bare[16:]};Sampled=0"
