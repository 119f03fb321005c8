"""The settings of a mapping as the API gives them, checked (LAM with-sqs, with-ddb; API CreateEventSourceMapping)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from twinwall.emulator.functions.function import wrong
from twinwall.emulator.functions.tuning import check_destination
from twinwall.emulator.sources.filters import check_pattern
from twinwall.emulator.sources.mapping import SourceMapping

QUEUE_BATCH, STREAM_BATCH = 10, 100
"""Records of a batch unless said; of a FIFO queue 10 is the most."""
_CANNOT = (
    "AmazonManagedKafkaEventSourceConfig", "DocumentDBEventSourceConfig", "KMSKeyArn", "ProvisionedPollerConfig",
    "Queues", "SelfManagedEventSource", "SelfManagedKafkaEventSourceConfig", "SourceAccessConfigurations",
    "StartingPositionTimestamp", "Topics",
)  # fmt: skip
_OF_STREAMS = (
    "BisectBatchOnFunctionError", "MaximumRecordAgeInSeconds", "MaximumRetryAttempts", "ParallelizationFactor",
    "StartingPosition", "DestinationConfig",
)  # fmt: skip
_PLAIN = {
    "BatchSize": "batch_size",
    "BisectBatchOnFunctionError": "bisect",
    "Enabled": "enabled",
    "MaximumBatchingWindowInSeconds": "window",
    "MaximumRecordAgeInSeconds": "most_age",
    "MaximumRetryAttempts": "retries",
    "ParallelizationFactor": "parallel",
    "StartingPosition": "start",
}


def changed(mapping: SourceMapping, given: Mapping[str, Any]) -> SourceMapping:
    """The mapping with what ``given`` says. Raises ``Refusal``."""
    _check_possible(mapping, given)
    plain = {field: given[name] for name, field in _PLAIN.items() if name in given}
    if "FilterCriteria" in given:
        plain["filters"] = _patterns(given["FilterCriteria"])
    if "FunctionResponseTypes" in given:
        plain["reports_failures"] = bool(given["FunctionResponseTypes"])
    if "ScalingConfig" in given:
        plain["concurrency"] = given["ScalingConfig"].get("MaximumConcurrency")
    if "DestinationConfig" in given:
        plain["on_failure"] = _on_failure(given["DestinationConfig"])
    made = replace(mapping, **plain)
    _check_batch(made)
    return made


def _check_possible(mapping: SourceMapping, given: Mapping[str, Any]) -> None:
    for name in _CANNOT:
        if given.get(name):
            raise wrong(f"{name} is not in the embedded AWS: leave it out.")
    if given.get("TumblingWindowInSeconds"):
        raise wrong("TumblingWindowInSeconds is not in the embedded AWS: leave it out.")
    unsuitable = [name for name in _OF_STREAMS if mapping.is_queue and given.get(name)]
    if unsuitable:
        raise wrong(f"Unsupported parameter for the event source type SQS: {unsuitable[0]}.")
    if given.get("ScalingConfig") and not mapping.is_queue:
        raise wrong("ScalingConfig is supported for SQS event sources only.")
    if given.get("StartingPosition") == "AT_TIMESTAMP":
        raise wrong("Unsupported starting position for stream type: AT_TIMESTAMP")


def _patterns(criteria: Mapping[str, Any]) -> tuple[str, ...]:
    texts = tuple(item.get("Pattern", "") for item in criteria.get("Filters") or ())
    if len(texts) > 10:
        raise wrong("FilterCriteria takes at most 10 filters.")
    for text in texts:
        check_pattern(text)
    return texts


def _on_failure(config: Mapping[str, Any]) -> str:
    target = str((config.get("OnFailure") or {}).get("Destination") or "")
    if target:
        check_destination(target)
    return target


def _check_batch(mapping: SourceMapping) -> None:
    if mapping.is_fifo and mapping.window:
        raise wrong("Batching window is not supported for FIFO queues.")
    if mapping.is_fifo and mapping.batch_size > QUEUE_BATCH:
        raise wrong("Maximum batch size for FIFO queues is 10.")
    if mapping.is_queue and mapping.batch_size > QUEUE_BATCH and mapping.window < 1:
        raise wrong(
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
        )
    if not mapping.is_queue and mapping.start not in ("LATEST", "TRIM_HORIZON"):
        raise wrong(
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must "
            "not be null."
        )
