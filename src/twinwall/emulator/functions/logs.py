"""The lines of functions, kept in CloudWatch Logs in the name of each function's own role."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from twinwall.emulator.functions.function import Function
from twinwall.emulator.refusal import Refusal

LOG = logging.getLogger("twinwall.emulator")


class Logs:
    """``client``: of a function's role, for a service."""

    def __init__(self, client: Callable[[Function, str], Any]) -> None:
        self._client = client
        self._lock = threading.Lock()

    def keep(self, function: Function, stream: str, lines: list[str]) -> None:
        """A role that may not write logs has none, as on AWS."""
        now = round(time.time() * 1000)
        events = [{"timestamp": now, "message": line} for line in lines if line]
        try:
            client = self._client(function, "logs")
            with self._lock:
                _put(client, function.logs_to, stream, events)
        except (BotoCoreError, ClientError, Refusal) as refused:
            LOG.info("%s: no log lines: %s", function.key.arn, refused)


def _put(client: Any, group: str, stream: str, events: list[dict[str, Any]]) -> None:
    """Only where there is no group does the role need the right to make one."""
    missing = client.exceptions.ResourceNotFoundException
    try:
        client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
    except missing:
        try:
            client.create_log_stream(logGroupName=group, logStreamName=stream)
        except missing:
            with suppress(client.exceptions.ResourceAlreadyExistsException):
                client.create_log_group(logGroupName=group)
            client.create_log_stream(logGroupName=group, logStreamName=stream)
        client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
