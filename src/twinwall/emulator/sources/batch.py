"""Batches: the event that a function gets, and what its answer says of the records."""

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from twinwall.emulator.functions.invoking import Outcome

Record = dict[str, Any]
MOST_BYTES = 6 * 1024 * 1024


def event_of(records: Sequence[Record]) -> bytes:
    return json.dumps({"Records": records}).encode()


def stream_record(item: Mapping[str, Any], source: str) -> Record:
    """A record of GetRecords as Lambda shows it: times as seconds, binary values in base64."""
    record: Record = json.loads(json.dumps(item, default=_plain))
    return record | {"eventSourceARN": source}


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(f"{type(value)} is in no event")


def queue_record(message: Mapping[str, Any], source: str) -> Record:
    """A message of ReceiveMessage as Lambda shows it to the function."""
    attributes = message.get("MessageAttributes") or {}
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes") or {},
        "messageAttributes": {name: _attribute(value) for name, value in attributes.items()},
        "md5OfBody": message.get("MD5OfBody", ""),
        "eventSource": "aws:sqs",
        "eventSourceARN": source,
        "awsRegion": source.split(":")[3],
    }


def _attribute(value: Mapping[str, Any]) -> Record:
    shown: Record = {"stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}
    if "StringValue" in value:
        shown["stringValue"] = value["StringValue"]
    if "BinaryValue" in value:
        shown["binaryValue"] = base64.b64encode(value["BinaryValue"]).decode()
    return shown


def failed_ids(outcome: Outcome, known: Sequence[str], *, reports: bool) -> set[str]:
    """The identifiers of the records that failed: all, none, or, where the mapping has the function report them,
    those it names. An answer that names what is not in the batch, or is not understood, fails the batch (LAM
    services-sqs-errorhandling)."""
    if outcome.error:
        return set(known)
    if not reports:
        return set()
    try:
        answer = json.loads(outcome.payload or b"null")
    except ValueError:
        return set(known)
    if answer in (None, "", {}) or (
        isinstance(answer, dict) and answer.get("batchItemFailures", []) in (None, [])
    ):
        return set()
    try:
        named = {item["itemIdentifier"] for item in answer["batchItemFailures"]}
    except (TypeError, KeyError):
        return set(known)
    return set(known) if named - set(known) else named
