"""A queue's poller: messages gathered into batches, batches handed to the function, what was done deleted.

    receive … ─ filter ─ batch full, or window over ─ invoke ─┬─ done: deleted
                (what does not match is deleted)              └─ failed: left to its visibility timeout

Batches run side by side up to MaximumConcurrency, and with it no more is received than has a place to run; without
it a function that has no place fails its batch, whose messages count as received (aws-facts 6.2).
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from twinwall.emulator.delivery import parse_arn
from twinwall.emulator.functions.function import Function
from twinwall.emulator.refusal import Refusal
from twinwall.emulator.sources.batch import MOST_BYTES, Record, event_of, failed_ids, queue_record
from twinwall.emulator.sources.filters import passes
from twinwall.emulator.sources.mapping import SourceMapping
from twinwall.emulator.sources.poller import LOG, Doors, Poller

USUAL_CONCURRENCY = 5
"""LAM services-sqs-scaling: five batches at once to begin with; here it stays so."""
_GATHER = 0.02
"""Real seconds between two looks while a batch gathers."""


class QueuePoller(Poller):
    def __init__(self, mapping: SourceMapping, doors: Doors) -> None:
        super().__init__(mapping, doors)
        most = mapping.concurrency or USUAL_CONCURRENCY
        self._free = threading.Semaphore(most)
        self._workers = ThreadPoolExecutor(most, f"source {mapping.source}")

    def stop(self) -> None:
        super().stop()
        self._workers.shutdown()

    def look(self) -> None:
        if not self.doors.has_news(self.mapping.source) or not self._free.acquire(timeout=0.2):
            return
        handed = False
        try:
            function = self.function()
            sqs = self.doors.client(function, "sqs")
            url = queue_url(sqs, self.mapping.source)
            batch = self._gather(sqs, url)
            if batch:
                self._workers.submit(self._run_batch, function, sqs, url, batch)
                handed = True
        finally:
            if not handed:
                self._free.release()

    def _gather(self, sqs: Any, url: str) -> list[Record]:
        """A batch: full, or gathered for the window's length, or all there is."""
        batch: list[Record] = []
        size, began = 0, self.doors.pace.time.monotonic()
        while len(batch) < self.mapping.batch_size and size < MOST_BYTES:
            new = self._receive(sqs, url, min(10, self.mapping.batch_size - len(batch)))
            kept = [record for record in new if passes(self.mapping.filters, record)]
            _delete(sqs, url, [record for record in new if record not in kept])
            batch += kept
            size += sum(len(event_of([record])) for record in kept)
            over = self.doors.pace.time.monotonic() - began >= self.mapping.window
            if not new and (over or self.ended.wait(_GATHER)):
                break
            if over and self.mapping.window:
                break
        return batch

    def _receive(self, sqs: Any, url: str, most: int) -> list[Record]:
        answer = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=most, WaitTimeSeconds=0,
            AttributeNames=["All"], MessageAttributeNames=["All"],
        )  # fmt: skip
        return [queue_record(message, self.mapping.source) for message in answer.get("Messages") or ()]

    def _run_batch(self, function: Function, sqs: Any, url: str, batch: list[Record]) -> None:
        try:
            outcome = self.doors.invoke(function, event_of(batch))
            ids = [record["messageId"] for record in batch]
            failed = failed_ids(outcome, ids, reports=self.mapping.reports_failures)
            _delete(sqs, url, [record for record in batch if record["messageId"] not in failed])
            self.result = "PROBLEM: Function call failed" if failed else "OK"
        except (BotoCoreError, ClientError, Refusal) as trouble:
            self.result = f"PROBLEM: {trouble}"
            LOG.info("%s: %s", self.mapping.source, trouble)
        finally:
            self._free.release()


def queue_url(sqs: Any, arn: str) -> str:
    """Without a call: Lambda needs no right to ask for it (LAM services-sqs-configure)."""
    found = parse_arn(arn)
    assert found is not None
    return f"{sqs.meta.endpoint_url}/{found.account}/{found.resource}"


def _delete(sqs: Any, url: str, records: list[Record]) -> None:
    for start in range(0, len(records), 10):
        entries = [
            {"Id": str(number), "ReceiptHandle": record["receiptHandle"]}
            for number, record in enumerate(records[start : start + 10])
        ]
        sqs.delete_message_batch(QueueUrl=url, Entries=entries)
