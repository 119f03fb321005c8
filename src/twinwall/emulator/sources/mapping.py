"""An event source mapping: its settings, and how the API shows it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from twinwall.emulator.functions.function import Key

FOREVER = -1


@dataclass(frozen=True)
class SourceMapping:
    """``window``: seconds; ``retries`` and ``most_age`` (seconds): ``FOREVER`` for as long as it takes. ``filters``:
    the texts of the patterns, of which one must match; ``source``: the ARN of a queue or a table's stream."""

    id: str
    key: Key
    source: str
    modified: float
    batch_size: int
    window: float = 0.0
    enabled: bool = True
    filters: tuple[str, ...] = ()
    reports_failures: bool = False
    concurrency: int | None = None
    start: str = ""
    bisect: bool = False
    retries: int = FOREVER
    most_age: int = FOREVER
    parallel: int = 1
    on_failure: str = ""

    @property
    def is_queue(self) -> bool:
        return self.source.split(":")[2] == "sqs"

    @property
    def is_fifo(self) -> bool:
        return self.is_queue and self.source.endswith(".fifo")

    @property
    def arn(self) -> str:
        return f"arn:aws:lambda:{self.key.region}:{self.key.account}:event-source-mapping:{self.id}"


def shown(mapping: SourceMapping, result: str, state: str = "") -> dict[str, Any]:
    """The API's EventSourceMappingConfiguration. ``result``: of the last look at the source."""
    told: dict[str, Any] = {
        "UUID": mapping.id,
        "EventSourceMappingArn": mapping.arn,
        "EventSourceArn": mapping.source,
        "FunctionArn": mapping.key.arn,
        "BatchSize": mapping.batch_size,
        "MaximumBatchingWindowInSeconds": int(mapping.window),
        "LastModified": datetime.fromtimestamp(mapping.modified, UTC),
        "State": state or ("Enabled" if mapping.enabled else "Disabled"),
        "StateTransitionReason": "USER_INITIATED" if mapping.is_queue else "User action",
        "FunctionResponseTypes": ["ReportBatchItemFailures"] if mapping.reports_failures else [],
    }
    if mapping.filters:
        told["FilterCriteria"] = {"Filters": [{"Pattern": text} for text in mapping.filters]}
    if mapping.concurrency is not None:
        told["ScalingConfig"] = {"MaximumConcurrency": mapping.concurrency}
    return told | ({} if mapping.is_queue else _shown_stream(mapping, result))


def _shown_stream(mapping: SourceMapping, result: str) -> dict[str, Any]:
    destination = (
        {"OnFailure": {"Destination": mapping.on_failure}} if mapping.on_failure else {"OnFailure": {}}
    )
    return {
        "StartingPosition": mapping.start,
        "LastProcessingResult": result,
        "BisectBatchOnFunctionError": mapping.bisect,
        "MaximumRetryAttempts": mapping.retries,
        "MaximumRecordAgeInSeconds": mapping.most_age,
        "ParallelizationFactor": mapping.parallel,
        "TumblingWindowInSeconds": 0,
        "DestinationConfig": destination,
    }
