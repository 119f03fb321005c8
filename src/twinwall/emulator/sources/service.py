"""The mappings of a server: made, changed, deleted; each enabled one has its poller."""

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from twinwall.emulator.functions.function import Function, wrong
from twinwall.emulator.functions.registry import Registry
from twinwall.emulator.refusal import Refusal
from twinwall.emulator.sources.mapping import SourceMapping, shown
from twinwall.emulator.sources.poller import Doors, Poller
from twinwall.emulator.sources.queues import QueuePoller, queue_url
from twinwall.emulator.sources.settings import QUEUE_BATCH, STREAM_BATCH, changed
from twinwall.emulator.sources.streams import StreamPoller
from twinwall.emulator.visit import Visit

Params = Mapping[str, Any]
Output = dict[str, Any]


class Sources:
    def __init__(self, registry: Registry, doors: Doors) -> None:
        self._registry, self._doors = registry, doors
        self._mappings: dict[str, SourceMapping] = {}
        self._pollers: dict[str, Poller] = {}
        self._places: dict[str, tuple[str, str]] = {}
        self._leaving: list[Poller] = []
        """Of deleted mappings: they finish what they have begun."""
        self._lock = threading.RLock()

    def stop(self) -> None:
        """After the functions' processes were killed: every poller ends."""
        with self._lock:
            for poller in self._pollers.values():
                poller.end()
            for poller in [*self._pollers.values(), *self._leaving]:
                poller.stop()
            self._pollers.clear()
            self._leaving.clear()

    @property
    def operations(self) -> Mapping[str, Callable[[Visit, Params], Output]]:
        return {
            "CreateEventSourceMapping": self._create,
            "GetEventSourceMapping": self._get,
            "ListEventSourceMappings": self._list,
            "UpdateEventSourceMapping": self._update,
            "DeleteEventSourceMapping": self._delete,
        }

    def _create(self, visit: Visit, given: Params) -> Output:
        source = str(given.get("EventSourceArn") or "")
        kind = source.split(":")[2] if source.count(":") >= 5 else ""
        if kind not in ("sqs", "dynamodb"):
            raise wrong(
                f"{source or 'nothing'} is no event source in the embedded AWS: a queue or a table's stream is."
            )
        function = self._registry.named(visit, given["FunctionName"])
        usual = QUEUE_BATCH if kind == "sqs" else STREAM_BATCH
        blank = SourceMapping(str(uuid.uuid4()), function.key, source, time.time(), usual)
        mapping = changed(blank, given)
        with self._lock:
            self._check_new(mapping)
            self._check_source(mapping, function)
            self._mappings[mapping.id] = mapping
            self._start(mapping)
        return shown(mapping, "No records processed", "Creating")

    def _check_new(self, mapping: SourceMapping) -> None:
        for held in self._mappings.values():
            if (held.source, held.key) == (mapping.source, mapping.key):
                raise Refusal(
                    "ResourceConflictException",
                    f'An event source mapping with event source arn (" {held.source} ") and function '
                    f'(" {held.key.name} ") already exists. Please update or delete the existing mapping with UUID '
                    f"{held.id}",
                    409,
                )

    def _check_source(self, mapping: SourceMapping, function: Function) -> None:
        """The source is there, and the function's role may read it. Raises ``Refusal``."""
        try:
            if mapping.is_queue:
                self._check_queue(mapping, function)
            else:
                self._places[mapping.id] = self._begin(mapping, function)
        except ClientError as refused:
            error = refused.response["Error"]
            if mapping.is_queue:
                raise wrong(
                    "The function execution role does not have permissions to call ReceiveMessage on SQS, or the queue "
                    f"is not there. SQS Error Code: {error['Code']}. SQS Error Message: {error['Message']}"
                ) from None
            raise wrong(
                f"Cannot access stream {mapping.source}. Please ensure the role can perform the GetRecords, "
                "GetShardIterator, DescribeStream, and ListStreams Actions on your stream in IAM. "
                f"({error['Code']}: {error['Message']})"
            ) from None

    def _check_queue(self, mapping: SourceMapping, function: Function) -> None:
        sqs = self._doors.client(function, "sqs")
        url = queue_url(sqs, mapping.source)
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])[
            "Attributes"
        ]
        if int(attributes["VisibilityTimeout"]) < function.timeout:
            raise wrong(
                f"Queue visibility timeout: {attributes['VisibilityTimeout']} seconds is less than Function timeout: "
                f"{function.timeout} seconds"
            )

    def _begin(self, mapping: SourceMapping, function: Function) -> tuple[str, str]:
        """The stream's shard, and an iterator where the mapping starts."""
        client = self._doors.client(function, "dynamodbstreams")
        client.list_streams(Limit=1)
        [shard] = client.describe_stream(StreamArn=mapping.source)["StreamDescription"]["Shards"]
        iterator = client.get_shard_iterator(
            StreamArn=mapping.source, ShardId=shard["ShardId"], ShardIteratorType=mapping.start
        )["ShardIterator"]
        return shard["ShardId"], iterator

    def _start(self, mapping: SourceMapping) -> None:
        if not mapping.enabled:
            return
        poller: Poller
        if mapping.is_queue:
            poller = QueuePoller(mapping, self._doors)
        else:
            poller = StreamPoller(mapping, self._doors, *self._places[mapping.id])
        self._pollers[mapping.id] = poller
        poller.start()

    def _end(self, id_: str) -> None:
        poller = self._pollers.pop(id_, None)
        if poller is not None:
            poller.stop()
        if isinstance(poller, StreamPoller):
            self._places[id_] = poller.place

    def _held(self, visit: Visit, given: Params) -> SourceMapping:
        mapping = self._mappings.get(given["UUID"])
        if mapping is None or (mapping.key.account, mapping.key.region) != (visit.account, visit.region):
            raise Refusal("ResourceNotFoundException", "The resource you requested does not exist.", 404)
        return mapping

    def _result(self, mapping: SourceMapping) -> str:
        poller = self._pollers.get(mapping.id)
        return "No records processed" if poller is None else poller.result

    def _get(self, visit: Visit, given: Params) -> Output:
        mapping = self._held(visit, given)
        return shown(mapping, self._result(mapping))

    def _list(self, visit: Visit, given: Params) -> Output:
        wanted = self._registry.named(visit, given["FunctionName"]).key if given.get("FunctionName") else None
        source = given.get("EventSourceArn")
        found = [
            shown(mapping, self._result(mapping))
            for mapping in list(self._mappings.values())
            if (mapping.key.account, mapping.key.region) == (visit.account, visit.region)
            and wanted in (None, mapping.key)
            and source in (None, mapping.source)
        ]
        return {"EventSourceMappings": found}

    def _update(self, visit: Visit, given: Params) -> Output:
        with self._lock:
            held = self._held(visit, given)
            mapping = replace(changed(held, given), modified=time.time())
            if given.get("FunctionName"):
                mapping = replace(mapping, key=self._registry.named(visit, given["FunctionName"]).key)
            self._end(held.id)
            self._mappings[held.id] = mapping
            self._start(mapping)
            return shown(mapping, self._result(mapping), "Updating")

    def _delete(self, visit: Visit, given: Params) -> Output:
        with self._lock:
            mapping = self._held(visit, given)
            if mapping.id in self._pollers:
                self._leaving.append(self._pollers.pop(mapping.id))
                self._leaving[-1].end()
            del self._mappings[mapping.id]
            self._places.pop(mapping.id, None)
            return shown(mapping, "No records processed", "Deleting")
