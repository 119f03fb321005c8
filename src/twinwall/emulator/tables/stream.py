"""The stream of a table: what changed, in order.

Takes the place of moto's, which writes two records for an update that makes an item and one for a write that
changes nothing, shares its images with the items themselves, and is lost when a transaction is taken back.
"""

import copy
import time
import uuid
from typing import Any

FIRST = 1_100_000_000_017_454_423_009
"""The first sequence number."""


class Stream:
    """One shard, never trimmed. Works as moto's ``StreamShard``: ``add`` is moto's call."""

    def __init__(self, region: str, table: Any) -> None:
        self._region, self._table = region, table
        self.id = "shardId-00000001541626099285-f35f62ef"
        self.starting_sequence_number = FIRST
        self.created_on = time.time()
        self.records: list[dict[str, Any]] = []
        self._before = 0

    def __deepcopy__(self, _: object) -> "Stream":
        """moto copies a table before a transaction; the stream stays the same."""
        return self

    def begin(self) -> None:
        """A call begins."""
        self._before = len(self.records)

    def undo(self) -> None:
        """The call was taken back."""
        del self.records[self._before :]

    def made(self) -> list[dict[str, Any]]:
        """The records of this call."""
        return self.records[self._before :]

    def to_json(self) -> dict[str, Any]:
        return {"ShardId": self.id, "SequenceNumberRange": {"StartingSequenceNumber": str(FIRST)}}

    def add(self, old: Any, new: Any) -> None:
        """DDB Streams: a write that changes nothing is no record."""
        before, after = _image(old), _image(new)
        if _unordered(before) == _unordered(after):
            return
        keys = _keys(self._table, before if after is None else after)
        if before is None:
            self._drop_stub(keys)
        name = "INSERT" if before is None else "REMOVE" if after is None else "MODIFY"
        self.records.append(self._record(name, keys, before, after))

    def _drop_stub(self, keys: dict[str, Any]) -> None:
        """moto's update puts the bare key first; of one call there is one record for an item."""
        made = self.records[self._before :]
        self.records[self._before :] = [r for r in made if r["dynamodb"]["Keys"] != keys]

    def _record(self, name: str, keys: Any, before: Any, after: Any) -> dict[str, Any]:
        view = self._table.stream_specification["StreamViewType"]
        body: dict[str, Any] = {
            "ApproximateCreationDateTime": float(int(time.time())),
            "Keys": keys,
            "SequenceNumber": str(FIRST + len(self.records)),
            "SizeBytes": len(str(keys)) + len(str(before or "")) + len(str(after or "")),
            "StreamViewType": view,
        }
        if view in ("NEW_IMAGE", "NEW_AND_OLD_IMAGES") and after is not None:
            body["NewImage"] = after
        if view in ("OLD_IMAGE", "NEW_AND_OLD_IMAGES") and before is not None:
            body["OldImage"] = before
        return {
            "eventID": uuid.uuid4().hex,
            "eventName": name,
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": self._region,
            "dynamodb": body,
        }


def _image(item: Any) -> dict[str, Any] | None:
    return None if item is None else copy.deepcopy(dict(item.to_json()["Attributes"]))


def _keys(table: Any, image: Any) -> dict[str, Any]:
    names = filter(None, (table.hash_key_attr, table.range_key_attr))
    return {name: copy.deepcopy(image[name]) for name in names}


def _unordered(image: Any) -> Any:
    """With its sets in one order: in another they are the same sets."""
    if isinstance(image, dict):
        return {
            key: sorted(value) if key in _SETS and isinstance(value, list) else _unordered(value)
            for key, value in image.items()
        }
    return [_unordered(part) for part in image] if isinstance(image, list) else image


_SETS = frozenset({"SS", "NS", "BS"})
