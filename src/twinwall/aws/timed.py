"""A client whose every call ends within so many seconds: connect and read together, one attempt.

botocore sets timeouts for a client, not for a call; but whoever answers its public event ``before-send`` sends the
request himself. Sessions are kept by their timeout, so that connections are used again.
"""

import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.httpsession import URLLib3Session

CONNECT_SHARE, LONGEST_CONNECT = 0.5, 1.0
_STEP = 0.5

_within: ContextVar[float] = ContextVar("within", default=5.0)

CONFIG = Config(retries={"mode": "standard", "total_max_attempts": 1}, connect_timeout=1, read_timeout=5)


class Connections:
    """Shared by clients: what makes a secure connection is dear, and made once for each timeout."""

    def __init__(self) -> None:
        self._sessions: dict[float, URLLib3Session] = {}
        self._lock = threading.Lock()

    def within(self, seconds: float) -> URLLib3Session:
        step = max(_STEP, seconds // _STEP * _STEP)
        with self._lock:
            if step not in self._sessions:
                connect = min(LONGEST_CONNECT, step * CONNECT_SHARE)
                # botocore takes the pair (connect, read); its stubs know one number only
                self._sessions[step] = URLLib3Session(timeout=(connect, step - connect))  # type: ignore[arg-type]
            return self._sessions[step]


class Timed:
    """``agent``: what the user agent says beside botocore's own words; it is no part of the signature."""

    def __init__(self, client: Any, connections: Connections, agent: Callable[[], str] = str) -> None:
        self._client, self._connections, self._agent = client, connections, agent
        client.meta.events.register("before-send", self._send)

    def __call__(self, operation: str, within: float, **request: Any) -> dict[str, Any]:
        """``operation`` in boto3's spelling. Raises botocore's errors."""
        before = _within.set(within)
        try:
            answer: dict[str, Any] = getattr(self._client, operation)(**request)
        finally:
            _within.reset(before)
        return answer

    def _send(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        if self._agent():
            request.headers["User-Agent"] = f"{_text(request.headers['User-Agent'])} {self._agent()}"
        response: AWSResponse = self._connections.within(_within.get()).send(request)
        return response


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
