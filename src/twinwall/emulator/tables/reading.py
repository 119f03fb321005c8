"""DynamoDB Streams: who reads a table's stream, and how far they are. An iterator is its own place."""

import base64
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from twinwall.emulator.refusal import Refusal
from twinwall.emulator.tables.stream import FIRST, Stream

MOST_RECORDS = 1000
Tables = Mapping[str, Any]


def answer(tables: Tables, action: str, params: Mapping[str, Any]) -> dict[str, Any]:
    match action:
        case "ListStreams":
            return {"Streams": list(_listed(tables, params.get("TableName")))}
        case "DescribeStream":
            return {"StreamDescription": _described(*_find(tables, params["StreamArn"]))}
        case "GetShardIterator":
            return _iterator(tables, params)
        case "GetRecords":
            return _records(tables, params)
        case _:
            raise Refusal(
                "UnknownOperationException", f"The action {action} is not valid for this web service."
            )


def arn_of(table: Any) -> str:
    return f"{table.table_arn}/stream/{table.latest_stream_label}"


def _listed(tables: Tables, name: str | None) -> Iterator[dict[str, Any]]:
    for table in tables.values():
        if isinstance(table.stream_shard, Stream) and name in (None, table.name):
            yield {
                "StreamArn": arn_of(table),
                "TableName": table.name,
                "StreamLabel": table.latest_stream_label,
            }


def _find(tables: Tables, arn: str) -> tuple[Any, Stream]:
    """The table and its stream. Raises ``Refusal``."""
    for table in tables.values():
        if isinstance(table.stream_shard, Stream) and arn_of(table) == arn:
            return table, table.stream_shard
    raise Refusal("ResourceNotFoundException", f"Requested resource not found: Stream: {arn} not found")


def _described(table: Any, stream: Stream) -> dict[str, Any]:
    return {
        "StreamArn": arn_of(table),
        "StreamLabel": table.latest_stream_label,
        "StreamStatus": "ENABLED" if table.stream_specification.get("StreamEnabled") else "DISABLED",
        "StreamViewType": table.stream_specification.get("StreamViewType"),
        "CreationRequestDateTime": datetime.fromtimestamp(stream.created_on, UTC),
        "TableName": table.name,
        "KeySchema": table.schema,
        "Shards": [stream.to_json()],
    }


def _iterator(tables: Tables, params: Mapping[str, Any]) -> dict[str, Any]:
    _, stream = _find(tables, params["StreamArn"])
    if params["ShardId"] != stream.id:
        raise Refusal(
            "ResourceNotFoundException", f"Requested resource not found: Shard: {params['ShardId']}"
        )
    match params["ShardIteratorType"]:
        case "TRIM_HORIZON":
            place = 0
        case "LATEST":
            place = len(stream.records)
        case kind:
            if not str(params.get("SequenceNumber", "")).isdigit():
                raise Refusal("ValidationException", f"{kind} needs a SequenceNumber")
            place = int(params["SequenceNumber"]) - FIRST + (kind == "AFTER_SEQUENCE_NUMBER")
    return {"ShardIterator": _written(params["StreamArn"], place)}


def _written(arn: str, place: int) -> str:
    return arn + "|" + base64.urlsafe_b64encode(json.dumps([place]).encode()).decode()


def _place(tables: Tables, iterator: str) -> tuple[str, int, Stream]:
    """The stream's ARN, how far the reader is, and the stream. Raises ``Refusal``."""
    arn, _, text = iterator.partition("|")
    try:
        [place] = json.loads(base64.urlsafe_b64decode(text))
    except ValueError:
        raise Refusal("ValidationException", "Invalid ShardIterator") from None
    return arn, place, _find(tables, arn)[1]


def is_behind(tables: Tables, iterator: str) -> bool:
    """Is there a record behind the iterator? True, too, where the stream is gone."""
    try:
        _, place, stream = _place(tables, iterator)
    except Refusal:
        return True
    return place < len(stream.records)


def _records(tables: Tables, params: Mapping[str, Any]) -> dict[str, Any]:
    arn, place, stream = _place(tables, str(params["ShardIterator"]))
    most = min(params.get("Limit") or MOST_RECORDS, MOST_RECORDS)
    found = stream.records[place : place + most]
    shown = [_shown(record) for record in found]
    return {"Records": shown, "NextShardIterator": _written(arn, place + len(found))}


def _shown(record: Mapping[str, Any]) -> dict[str, Any]:
    moment = datetime.fromtimestamp(record["dynamodb"]["ApproximateCreationDateTime"], UTC)
    return dict(record) | {"dynamodb": record["dynamodb"] | {"ApproximateCreationDateTime": moment}}
