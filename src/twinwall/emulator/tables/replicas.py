"""Global tables (version 2019.11.21, eventual consistency): a table's replicas in other Regions.

A write is carried out where it was sent and arrives at the others a moment later; of two writes of one item the
later stands. Conditions and transactions know their own Region alone (DDB V2globaltables_HowItWorks).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from threading import RLock
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType

from twinwall.emulator.pace import Pace
from twinwall.emulator.refusal import Refusal
from twinwall.emulator.tables.stream import Stream

LAG = 0.5
"""Seconds until a write arrives elsewhere; "usually within a second"."""
STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
Place = tuple[str, str, str]
"""(account, Region, table)"""


@dataclass
class Replicas:
    """``lock``: held while a write arrives."""

    pace: Pace
    lock: RLock
    _regions: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    _written: dict[tuple[Place, str], float] = field(default_factory=dict)

    def update(self, place: Place, updates: Iterable[Mapping[str, Any]]) -> None:
        """``ReplicaUpdates``. Raises ``Refusal``."""
        account, region, name = place
        source = _table(place)
        if source is None:
            raise Refusal(
                "ResourceNotFoundException", f"Requested resource not found: Table: {name} not found"
            )
        held = self._regions.setdefault((account, name), {region})
        for update in updates:
            if "Create" in update:
                self._create(source, (account, str(update["Create"]["RegionName"]), name), held)
            elif "Delete" in update:
                gone = str(update["Delete"]["RegionName"])
                held.discard(gone)
                dynamodb_backends[account][gone].tables.pop(name, None)

    def _create(self, source: Any, place: Place, held: set[str]) -> None:
        account, region, name = place
        if region in held or _table(place) is not None:
            raise Refusal(
                "ValidationException",
                f"Failed to create a the new replica of table with name: '{name}' because one or more replicas "
                "already existed as tables.",
            )
        if source.stream_shard is None:
            source.set_stream_specification(STREAM)
            source.stream_shard = Stream(source.region_name, source)
        if source.stream_specification.get("StreamViewType") != STREAM["StreamViewType"]:
            raise Refusal("ValidationException", "Table must have a stream with NEW_AND_OLD_IMAGES")
        made: Any = dynamodb_backends[account][region].create_table(
            name,
            source.schema,
            source.throughput,
            source.attr,
            [index.describe() for index in source.global_indexes],
            [index.describe() for index in source.indexes],
            STREAM,
            source.billing_mode,
            None,
            [],
            False,
            None,
        )
        made.stream_shard = Stream(region, made)
        for item in source.all_items():
            made.put_item(item.to_json()["Attributes"])
        held.add(region)

    def shown(self, place: Place) -> dict[str, Any]:
        """What DescribeTable says of them (API: TableDescription)."""
        account, region, name = place
        others = sorted(self._regions.get((account, name), set()) - {region})
        if not others:
            return {}
        replicas = [{"RegionName": other, "ReplicaStatus": "ACTIVE"} for other in others]
        return {"Replicas": replicas, "GlobalTableVersion": "2019.11.21"}

    def forget(self, place: Place) -> None:
        """Its table was deleted there."""
        account, region, name = place
        self._regions.get((account, name), set()).discard(region)

    # --- spread

    def spread(self, place: Place, records: Iterable[Mapping[str, Any]]) -> None:
        """The stream's records of one call go to the other Regions."""
        account, region, name = place
        others = self._regions.get((account, name), set()) - {region}
        for record in records if others else ():
            told, now = record["dynamodb"], self.pace.time.monotonic()
            self._written[place, _text(told["Keys"])] = now
            for other in others:
                arrive = partial(
                    self._arrive, (account, other, name), told["Keys"], told.get("NewImage"), now
                )
                self.pace.later(LAG, arrive)

    def _arrive(self, place: Place, keys: Any, image: Any, when: float) -> None:
        with self.lock:
            table, mark = _table(place), (place, _text(keys))
            if table is None or self._written.get(mark, when) > when:
                return
            self._written[mark] = when
            if image is not None:
                table.put_item(image)
                return
            names = (table.hash_key_attr, table.range_key_attr)
            table.delete_item(*(DynamoType(keys[name]) if name else None for name in names))


def _table(place: Place) -> Any:
    account, region, name = place
    return dynamodb_backends[account][region].tables.get(name)


def _text(keys: Any) -> str:
    return json.dumps(keys, sort_keys=True)
