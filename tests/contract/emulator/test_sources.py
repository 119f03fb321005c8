"""Event source mappings: queues and table streams that call a function."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from functions import make_function, until

from twinwall.emulator.server import EmbeddedAws

ONE, REGION = "210000000001", "eu-west-1"
QUEUE = f"arn:aws:sqs:{REGION}:{ONE}:q"

NOTE = """
    import json
    def handler(event, context):
        records = event["Records"]
        with open("@NOTES@", "a") as notes:
            notes.write(json.dumps(records) + "\\n")
"""
"""Notes every event it gets in a file; what follows decides how it ends."""
REPORT = (
    NOTE
    + """
        bad = [r for r in records if "poison" in json.dumps(r)]
        return {"batchItemFailures": [
            {"itemIdentifier": r.get("messageId") or r["dynamodb"]["SequenceNumber"]} for r in bad]}
"""
)
FAIL = (
    NOTE
    + """
        if "poison" in json.dumps(event):
            raise RuntimeError("poison")
"""
)

Notes = Callable[[], list[list[Any]]]


@pytest.fixture
def functions(client: Any) -> Any:
    return client("lambda")


@pytest.fixture
def notes(tmp_path: Path) -> Notes:
    """The records of every event, in order of the invocations."""
    file = tmp_path / "notes"
    file.touch()
    return lambda: [json.loads(line) for line in file.read_text().splitlines()]


@pytest.fixture
def deploy(client: Any, tmp_path: Path) -> Callable[..., str]:
    def make(source: str, name: str = "f", **settings: Any) -> str:
        text = source.replace("@NOTES@", str(tmp_path / "notes"))
        return make_function(client, text, name, **({"Timeout": 20} | settings))

    return make


@contextmanager
def faster(aws: EmbeddedAws, scale: float) -> Iterator[None]:
    """The server's clock runs so many times as fast."""
    aws.pace.set_scale(scale)
    try:
        yield
    finally:
        aws.pace.set_scale(1)


# --- queues


@pytest.fixture
def queue(client: Any) -> str:
    sqs = client("sqs")
    return str(sqs.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "60"})["QueueUrl"])


def send(client: Any, queue: str, *bodies: str) -> None:
    for start in range(0, len(bodies), 10):
        entries = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies[start : start + 10])]
        client("sqs").send_message_batch(QueueUrl=queue, Entries=entries)


def map_queue(functions: Any, **settings: Any) -> str:
    answer = functions.create_event_source_mapping(EventSourceArn=QUEUE, FunctionName="f", **settings)
    assert answer["State"] == "Creating"
    return str(answer["UUID"])


def left(client: Any, queue: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    return sum(int(found[name]) for name in names)


def flat(batches: list[list[str]]) -> list[str]:
    return list(chain.from_iterable(batches))


def bodies(notes: list[list[Any]]) -> list[list[str]]:
    return [sorted(record["body"] for record in batch) for batch in notes]


def test_a_message_reaches_the_function_and_is_deleted(
    deploy: Any, client: Any, functions: Any, queue: str, notes: Notes
) -> None:
    deploy(NOTE)
    id_ = map_queue(functions)
    attributes = {"who": {"DataType": "String", "StringValue": "me"}}
    client("sqs").send_message(QueueUrl=queue, MessageBody="hello", MessageAttributes=attributes)
    [[record]] = until(notes)
    assert (record["body"], record["eventSource"], record["eventSourceARN"]) == ("hello", "aws:sqs", QUEUE)
    assert record["messageAttributes"]["who"]["stringValue"] == "me"
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    until(lambda: left(client, queue) == 0)
    assert functions.get_event_source_mapping(UUID=id_)["State"] == "Enabled"


def test_a_window_gathers_a_large_batch(
    deploy: Any, client: Any, functions: Any, queue: str, notes: Notes
) -> None:
    """120 messages in one event; ten is the most without a window."""
    deploy(NOTE)
    map_queue(
        functions, BatchSize=120, MaximumBatchingWindowInSeconds=60, ScalingConfig={"MaximumConcurrency": 2}
    )
    send(client, queue, *(f"{n:03}" for n in range(120)))
    until(lambda: left(client, queue) == 0, 20)
    assert bodies(notes()) == [[f"{n:03}" for n in range(120)]]


def test_a_full_batch_does_not_wait_for_its_window(
    deploy: Any, client: Any, functions: Any, queue: str, notes: Notes
) -> None:
    deploy(NOTE)
    map_queue(functions, BatchSize=3, MaximumBatchingWindowInSeconds=300)
    send(client, queue, "a", "b", "c")
    until(lambda: bodies(notes()) == [["a", "b", "c"]])


def test_of_a_batch_only_what_failed_comes_again(
    deploy: Any, aws: EmbeddedAws, client: Any, functions: Any, notes: Notes
) -> None:
    """ReportBatchItemFailures; after maxReceiveCount the dead-letter queue has it."""
    sqs = client("sqs")
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    policy = {"deadLetterTargetArn": QUEUE.replace(":q", ":dead"), "maxReceiveCount": 2}
    attributes = {"VisibilityTimeout": "60", "RedrivePolicy": json.dumps(policy)}
    queue = sqs.create_queue(QueueName="q", Attributes=attributes)["QueueUrl"]
    deploy(REPORT)
    map_queue(functions, FunctionResponseTypes=["ReportBatchItemFailures"])
    send(client, queue, "good", "poison", "fine")
    until(lambda: left(client, queue) == 1)
    with faster(aws, 60):
        [letter] = until(lambda: sqs.receive_message(QueueUrl=dead).get("Messages"), 20)
    assert letter["Body"] == "poison"
    seen = flat(bodies(notes()))
    assert (seen.count("good"), seen.count("poison"), seen.count("fine")) == (1, 2, 1)
    assert left(client, queue) == 0


def test_a_failed_batch_waits_for_its_visibility_timeout(
    deploy: Any, aws: EmbeddedAws, client: Any, functions: Any, notes: Notes
) -> None:
    queue = client("sqs").create_queue(QueueName="q", Attributes={"VisibilityTimeout": "60"})["QueueUrl"]
    deploy(FAIL)
    map_queue(functions)
    send(client, queue, "poison", "with it")
    until(notes)
    time.sleep(0.5)
    assert bodies(notes()) == [["poison", "with it"]]
    with faster(aws, 60):
        until(lambda: len(notes()) >= 2)


def test_filters_let_through_and_delete_the_rest(
    deploy: Any, client: Any, functions: Any, queue: str, notes: Notes
) -> None:
    deploy(NOTE)
    pattern = {"body": {"detail": {"group": ["web"], "n": [{"numeric": [">", 3]}]}}}
    map_queue(functions, FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]})
    wanted = json.dumps({"detail": {"group": "web", "n": 4}})
    send(
        client,
        queue,
        wanted,
        json.dumps({"detail": {"group": "web", "n": 3}}),
        "no JSON",
        json.dumps({"detail": 1}),
    )
    until(lambda: left(client, queue) == 0)
    assert flat(bodies(notes())) == [wanted]


def test_no_more_at_once_than_the_mapping_allows(
    aws: EmbeddedAws, client: Any, functions: Any, queue: str
) -> None:
    make_function(
        client, "import time\ndef handler(event, context): time.sleep(0.6)", Timeout=20, MemorySize=256
    )
    map_queue(functions, BatchSize=1, ScalingConfig={"MaximumConcurrency": 2})
    send(client, queue, *"abcdef")
    most = 0

    def done() -> bool:
        nonlocal most
        most = max(most, sum(bool(p["busy"]) for p in aws.services.functions.fleet.document()))
        return left(client, queue) == 0

    until(done)
    assert most == 2


def test_a_disabled_mapping_rests(deploy: Any, client: Any, functions: Any, queue: str, notes: Notes) -> None:
    deploy(NOTE)
    id_ = map_queue(functions, Enabled=False)
    send(client, queue, "a")
    time.sleep(0.3)
    assert notes() == []
    functions.update_event_source_mapping(UUID=id_, Enabled=True, BatchSize=5)
    until(notes)
    [held] = functions.list_event_source_mappings(FunctionName="f")["EventSourceMappings"]
    assert (held["State"], held["BatchSize"]) == ("Enabled", 5)
    assert functions.delete_event_source_mapping(UUID=id_)["State"] == "Deleting"
    assert functions.list_event_source_mappings()["EventSourceMappings"] == []
    send(client, queue, "b")
    time.sleep(0.3)
    assert len(notes()) == 1


def test_mappings_that_are_refused(
    deploy: Any, aws: EmbeddedAws, client: Any, functions: Any, queue: str, refuses: Any
) -> None:
    deploy(NOTE, Timeout=5)
    for settings in (
        {"BatchSize": 100},
        {"BisectBatchOnFunctionError": True},
        {"FilterCriteria": {"Filters": [{"Pattern": "no JSON"}]}},
        {"FilterCriteria": {"Filters": [{"Pattern": '{"a": "b"}'}]}},
        {"KMSKeyArn": f"arn:aws:kms:{REGION}:{ONE}:key/k"},
    ):
        with refuses("InvalidParameterValueException"):
            map_queue(functions, **settings)
    with refuses("ValidationException"):
        map_queue(functions, ScalingConfig={"MaximumConcurrency": 1})
    map_queue(functions)
    with refuses("ResourceConflictException"):
        map_queue(functions)
    make_function(client, NOTE, "slow", Timeout=100)
    for source in (QUEUE, QUEUE + "-none", f"arn:aws:kinesis:{REGION}:{ONE}:stream/s"):
        with refuses("InvalidParameterValueException"):
            functions.create_event_source_mapping(EventSourceArn=source, FunctionName="slow")
    aws.deny(f"arn:aws:iam::{ONE}:role/runs", "sqs:GetQueueAttributes")
    deploy(NOTE, "denied")
    with refuses("InvalidParameterValueException"):
        functions.create_event_source_mapping(EventSourceArn=QUEUE, FunctionName="denied")


# --- streams


@pytest.fixture
def table(client: Any) -> Any:
    table = client("dynamodb")
    table.create_table(
        TableName="t",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    return table


def put(table: Any, *values: str, id_: str = "") -> None:
    for value in values:
        table.put_item(TableName="t", Item={"id": {"S": id_ or value}, "value": {"S": value}})


def map_stream(client: Any, table: Any, **settings: Any) -> str:
    arn = table.describe_table(TableName="t")["Table"]["LatestStreamArn"]
    given = {"StartingPosition": "TRIM_HORIZON"} | settings
    return str(
        client("lambda").create_event_source_mapping(EventSourceArn=arn, FunctionName="f", **given)["UUID"]
    )


def values(notes: list[list[Any]]) -> list[list[str]]:
    return [[record["dynamodb"]["NewImage"]["value"]["S"] for record in batch] for batch in notes]


def test_a_change_reaches_the_function(deploy: Any, client: Any, table: Any, notes: Notes) -> None:
    deploy(NOTE)
    put(table, "early", id_="x")
    map_stream(client, table, StartingPosition="LATEST")
    put(table, "later", id_="x")
    [[record]] = until(notes)
    assert (record["eventName"], record["eventSource"], record["awsRegion"]) == (
        "MODIFY",
        "aws:dynamodb",
        REGION,
    )
    assert record["eventSourceARN"] == table.describe_table(TableName="t")["Table"]["LatestStreamArn"]
    change = record["dynamodb"]
    assert change["Keys"] == {"id": {"S": "x"}}
    assert (change["OldImage"]["value"], change["NewImage"]["value"]) == ({"S": "early"}, {"S": "later"})
    assert isinstance(change["ApproximateCreationDateTime"], float)


def test_changes_come_in_order_and_in_batches(deploy: Any, client: Any, table: Any, notes: Notes) -> None:
    deploy(NOTE)
    put(table, *(f"{n:02}" for n in range(25)), id_="one")
    map_stream(client, table, BatchSize=10)
    until(lambda: len(notes()) == 3)
    assert flat(values(notes())) == [f"{n:02}" for n in range(25)]
    assert [len(batch) for batch in notes()] == [10, 10, 5]


def test_rows_written_by_others_alone(deploy: Any, client: Any, table: Any, notes: Notes) -> None:
    deploy(NOTE)
    pattern = {"dynamodb": {"NewImage": {"value": {"S": [{"anything-but": ["mine"]}]}}}}
    map_stream(client, table, FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]})
    put(table, "mine", "theirs", "mine", "others")
    until(lambda: flat(values(notes())) == ["theirs", "others"])


def test_a_failing_record_is_found_by_halves_and_reported(
    deploy: Any, aws: EmbeddedAws, client: Any, table: Any, notes: Notes
) -> None:
    """Bisected until it is alone, tried again, given up: its neighbours are done, the destination knows it."""
    sqs = client("sqs")
    failed = sqs.create_queue(QueueName="failed")["QueueUrl"]
    deploy(FAIL)
    put(table, "a", "b", "poison", "d")
    map_stream(
        client, table, BisectBatchOnFunctionError=True, MaximumRetryAttempts=3,
        DestinationConfig={"OnFailure": {"Destination": QUEUE.replace(":q", ":failed")}},
    )  # fmt: skip
    [letter] = until(lambda: sqs.receive_message(QueueUrl=failed).get("Messages"))
    record = json.loads(letter["Body"])
    assert record["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert record["DDBStreamBatchInfo"]["batchSize"] == 1
    until(lambda: values(notes())[-1] == ["d"])
    seen = values(notes())
    assert seen[:4] == [["a", "b", "poison", "d"], ["a", "b"], ["poison", "d"], ["poison"]]
    assert seen.count(["d"]) == 1


def test_a_reported_record_stops_the_rest_behind_it(
    deploy: Any, aws: EmbeddedAws, client: Any, table: Any, notes: Notes
) -> None:
    """What came before it is done; from it on all is tried again, in order."""
    deploy(REPORT)
    put(table, "a", "poison", "c")
    map_stream(client, table, FunctionResponseTypes=["ReportBatchItemFailures"], MaximumRetryAttempts=1)
    until(notes)
    put(table, "after")
    until(lambda: ["after"] in values(notes()))
    assert values(notes()) == [["a", "poison", "c"], ["poison", "c"], ["after"]]


def test_streams_that_are_refused(
    deploy: Any, aws: EmbeddedAws, client: Any, table: Any, refuses: Any
) -> None:
    deploy(NOTE)
    for settings in (
        {"StartingPosition": "AT_TIMESTAMP"},
        {"TumblingWindowInSeconds": 5},
        {"ScalingConfig": {"MaximumConcurrency": 2}},
    ):
        with refuses("InvalidParameterValueException"):
            map_stream(client, table, **settings)
    with refuses("InvalidParameterValueException"):
        client("lambda").create_event_source_mapping(
            EventSourceArn=f"arn:aws:dynamodb:{REGION}:{ONE}:table/none/stream/x",
            FunctionName="f",
            StartingPosition="LATEST",
        )
    aws.deny(f"arn:aws:iam::{ONE}:role/runs", "dynamodb:GetShardIterator")
    with refuses("InvalidParameterValueException"):
        map_stream(client, table)
