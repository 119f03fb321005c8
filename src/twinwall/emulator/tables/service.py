"""DynamoDB at the endpoint: one call at a time, so that a condition and its write are one."""

import json
import threading
from dataclasses import replace
from typing import Any

from moto.dynamodb.models import dynamodb_backends

from twinwall.emulator import wire
from twinwall.emulator.http import Response
from twinwall.emulator.moto_pass import Moto
from twinwall.emulator.pace import Pace
from twinwall.emulator.refusal import Refusal
from twinwall.emulator.tables import reading
from twinwall.emulator.tables.replicas import Replicas
from twinwall.emulator.tables.stream import Stream
from twinwall.emulator.visit import Visit

TOKEN_SECONDS = 600
"""aws-facts 7: how long a transaction's token holds."""
_STREAMS = "DynamoDBStreams_20120810."
_OF_TABLES = frozenset({"DescribeTable", "UpdateTable", "DeleteTable"})


class TableService:
    """``answer`` takes the calls of DynamoDB and of DynamoDB Streams, which are signed for the same service."""

    def __init__(self, moto: Moto, pace: Pace) -> None:
        self._moto, self._pace = moto, pace
        self._lock = threading.RLock()
        self._tokens: dict[tuple[str, str, str], tuple[float, Any, Response]] = {}
        self._replicas = Replicas(pace, self._lock)

    def answer(self, visit: Visit) -> Response:
        with self._lock:
            if visit.request.headers.get("x-amz-target", "").startswith(_STREAMS):
                return self._read(visit)
            if visit.action == "TransactWriteItems":
                return self._once(visit)
            if visit.action in _OF_TABLES:
                return self._of_table(visit)
            return self._called(visit)

    def _of_table(self, visit: Visit) -> Response:
        """With what there is to say of its replicas."""
        asked = json.loads(visit.request.body or b"{}")
        place = (visit.account, visit.region, str(asked.get("TableName", "")).rpartition("/")[2])
        updates = asked.pop("ReplicaUpdates", None)
        if updates:
            self._replicas.update(place, updates)
            visit = replace(visit, request=replace(visit.request, body=json.dumps(asked).encode()))
        response = self._called(visit)
        if response.status == 200 and visit.action == "DeleteTable":
            self._replicas.forget(place)
        told = self._replicas.shown(place)
        if response.status != 200 or not told:
            return response
        answer = json.loads(response.body)
        answer.get("Table", answer.get("TableDescription", {})).update(told)
        return replace(response, body=json.dumps(answer).encode())

    def _read(self, visit: Visit) -> Response:
        service = "dynamodbstreams"
        params = wire.parse(service, visit.action, visit.request, visit.protocol)
        wire.check(service, visit.action, params)
        output = reading.answer(_tables(visit), visit.action, params)
        return wire.write(service, visit.action, output, visit.id, visit.protocol)

    def _called(self, visit: Visit) -> Response:
        for table in _tables(visit).values():
            if isinstance(table.stream_shard, Stream):
                table.stream_shard.begin()
        response = self._moto.answer(visit.request, visit.account, visit.action)
        for table in _tables(visit).values():
            if isinstance(table.stream_shard, Stream) and response.status != 200:
                table.stream_shard.undo()
            elif table.stream_shard is not None and not isinstance(table.stream_shard, Stream):
                table.stream_shard = Stream(visit.region, table)
            elif table.stream_shard is not None:
                self._replicas.spread((visit.account, visit.region, table.name), table.stream_shard.made())
        return response

    def _once(self, visit: Visit) -> Response:
        """A transaction whose token was seen within ten minutes has been carried out."""
        asked = json.loads(visit.request.body or b"{}")
        token = asked.pop("ClientRequestToken", None)
        if not token:
            return self._called(visit)
        key, now = (visit.account, visit.region, token), self._pace.time.monotonic()
        when, known, answer = self._tokens.get(key, (0.0, None, None))
        if answer is not None and now - when < TOKEN_SECONDS:
            if known != asked:
                raise Refusal(
                    "IdempotentParameterMismatchException",
                    "The request uses the same client token as a previous, but non-identical request.",
                )
            return answer
        response = self._called(visit)
        if response.status == 200:
            self._tokens[key] = (now, asked, response)
        return response


def _tables(visit: Visit) -> Any:
    return dynamodb_backends[visit.account][visit.region].tables
