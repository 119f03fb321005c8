"""A table stream's poller: its records in order, batch after batch, each until it is done or given up.

    GetRecords ─ filter ─ batch ─ invoke ─┬─ done: on
                                          ├─ one named as failed: on from there
                                          ├─ failed, to be bisected: each half by itself
                                          └─ failed: again, until retries or age are used up ─ on-failure destination

One batch at a time, so that the changes of a key come in their order, whatever the parallelization factor allows.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from twinwall.emulator.functions.function import LATEST, Function
from twinwall.emulator.functions.invoking import Outcome
from twinwall.emulator.refusal import Refusal
from twinwall.emulator.sources.batch import Record, event_of, failed_ids, stream_record
from twinwall.emulator.sources.filters import passes
from twinwall.emulator.sources.mapping import FOREVER, SourceMapping
from twinwall.emulator.sources.poller import Doors, Poller

_BACK_OFF = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""Seconds of the endpoint's clock between two tries of one batch. AWS backs off too and does not say how long."""
_GATHER = 0.05


class StreamPoller(Poller):
    def __init__(self, mapping: SourceMapping, doors: Doors, shard: str, iterator: str) -> None:
        super().__init__(mapping, doors)
        self._shard, self._iterator = shard, iterator

    @property
    def place(self) -> tuple[str, str]:
        """The shard and the iterator to go on from."""
        return self._shard, self._iterator

    def look(self) -> None:
        if not self.doors.has_news(self._iterator):
            return
        function = self.function()
        client = self.doors.client(function, "dynamodbstreams")
        records, after = self._gather(client)
        kept = [record for record in records if passes(self.mapping.filters, record)]
        if kept and not self._work(kept):
            return
        self._iterator = after

    def _gather(self, client: Any) -> tuple[list[Record], str]:
        """A batch: full, or gathered for the window's length, or all there is; and the iterator behind it."""
        found: list[Record] = []
        place, began = self._iterator, self.doors.pace.time.monotonic()
        while len(found) < self.mapping.batch_size:
            answer = client.get_records(
                ShardIterator=place, Limit=min(1000, self.mapping.batch_size - len(found))
            )
            place = answer["NextShardIterator"]
            found += [stream_record(item, self.mapping.source) for item in answer["Records"]]
            if self.doors.pace.time.monotonic() - began >= self.mapping.window or self.ended.wait(_GATHER):
                break
        return found, place

    def _work(self, batch: Sequence[Record], tried: int = 0) -> bool:
        """True once every record is done or given up; False where the poller ended before."""
        while not self.ended.is_set():
            function = self.function()
            outcome = self._invoke(function, batch)
            rest = self._rest(batch, outcome)
            if not rest:
                self.result = "OK"
                return True
            self.result = "PROBLEM: Function call failed"
            if len(rest) < len(batch):
                batch, tried = rest, 0
            if self._is_over(batch, tried):
                self._give_up(function, batch, outcome, tried)
                return True
            if self.mapping.bisect and len(batch) > 1 and outcome is not None and outcome.error:
                return self._work_halves(batch, tried + 1)
            if self.wait(_BACK_OFF[min(tried, len(_BACK_OFF) - 1)]):
                break
            tried += outcome is not None
        return False

    def _work_halves(self, batch: Sequence[Record], tried: int) -> bool:
        middle = len(batch) // 2
        return self._work(batch[:middle], tried) and self._work(batch[middle:], tried)

    def _invoke(self, function: Function, batch: Sequence[Record]) -> Outcome | None:
        """None where there was no place: that is no try."""
        try:
            return self.doors.invoke(function, event_of(batch))
        except Refusal:
            return None

    def _rest(self, batch: Sequence[Record], outcome: Outcome | None) -> Sequence[Record]:
        """From the first record on that failed."""
        if outcome is None:
            return batch
        numbers = [record["dynamodb"]["SequenceNumber"] for record in batch]
        failed = failed_ids(outcome, numbers, reports=self.mapping.reports_failures)
        return batch[min(map(numbers.index, failed)) :] if failed else ()

    def _is_over(self, batch: Sequence[Record], tried: int) -> bool:
        age = datetime.now(UTC).timestamp() - _when(batch[0])
        return (self.mapping.retries != FOREVER and tried >= self.mapping.retries) or (
            self.mapping.most_age != FOREVER and age > self.mapping.most_age
        )

    def _give_up(
        self, function: Function, batch: Sequence[Record], outcome: Outcome | None, tried: int
    ) -> None:
        if not self.mapping.on_failure:
            return
        used_up = self.mapping.retries != FOREVER and tried >= self.mapping.retries
        context: dict[str, Any] = {
            "requestId": outcome.id if outcome else "",
            "functionArn": function.key.arn,
            "condition": "RetryAttemptsExhausted" if used_up else "RecordAgeExceeded",
            "approximateInvokeCount": tried + 1,
        }
        record = {
            "requestContext": context,
            "responseContext": {"statusCode": 200, "executedVersion": LATEST, "functionError": "Unhandled"},
            "version": "1.0",
            "timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
            "DDBStreamBatchInfo": {
                "shardId": self._shard,
                "startSequenceNumber": batch[0]["dynamodb"]["SequenceNumber"],
                "endSequenceNumber": batch[-1]["dynamodb"]["SequenceNumber"],
                "approximateArrivalOfFirstRecord": _moment(batch[0]),
                "approximateArrivalOfLastRecord": _moment(batch[-1]),
                "batchSize": len(batch),
                "streamArn": self.mapping.source,
            },
        }
        self.doors.send(function, self.mapping.on_failure, json.dumps(record))


def _when(record: Record) -> float:
    return float(record["dynamodb"]["ApproximateCreationDateTime"])


def _moment(record: Record) -> str:
    return datetime.fromtimestamp(_when(record), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
