"""Lambda: functions that run as processes, and what the API says of them."""

import base64
import json
import os
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from functions import call, make_function, make_role, package, until

from twinwall.emulator.pace import Pace
from twinwall.emulator.server import EmbeddedAws

ONE, TWO, REGION = "210000000001", "210000000002", "eu-west-1"
ECHO = "def handler(event, context):\n    return event\n"


@pytest.fixture
def functions(client: Any) -> Any:
    return client("lambda")


def state_of(pid: int) -> str:
    """R, S, T (stopped), … as /proc says."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def processes(aws: EmbeddedAws) -> list[Any]:
    """As the control path tells."""
    with urllib.request.urlopen(f"{aws.endpoint}/_twinwall/functions") as answer:
        return list(json.load(answer))


def test_a_new_function_as_the_api_shows_it(client: Any, functions: Any) -> None:
    arn = make_function(
        client, ECHO, Timeout=7, MemorySize=256, Environment={"Variables": {"A": "1"}}, Tags={"t": "v"}
    )
    found = functions.get_function(FunctionName=arn)
    shown = found["Configuration"]
    assert arn == f"arn:aws:lambda:{REGION}:{ONE}:function:f"
    assert (shown["Timeout"], shown["MemorySize"], shown["State"]) == (7, 256, "Active")
    assert shown["Environment"] == {"Variables": {"A": "1"}}
    assert found["Tags"] == {"t": "v"}
    functions.get_waiter("function_active_v2").wait(
        FunctionName="f", WaiterConfig={"Delay": 1, "MaxAttempts": 2}
    )
    assert [f["FunctionName"] for f in functions.list_functions()["Functions"]] == ["f"]
    assert functions.get_function_configuration(FunctionName=f"{ONE}:f")["FunctionArn"] == arn
    assert client("lambda", region="us-east-1").list_functions()["Functions"] == []
    assert client("lambda", account=TWO).list_functions()["Functions"] == []


def test_runs_warm_with_its_role_its_variables_and_nothing_of_the_servers(
    client: Any, functions: Any
) -> None:
    """AWS's runtime client, the server's boto3, the package first on the path; moto and Twinwall are not to be seen."""
    source = """
        import importlib.util, os, sys, boto3
        runs = 0
        def handler(event, context):
            global runs
            runs += 1
            return {
                "runs": runs, "left": context.get_remaining_time_in_millis(), "name": context.function_name,
                "memory": context.memory_limit_in_mb, "arn": context.invoked_function_arn, "first": sys.path[0],
                "who": boto3.client("sts").get_caller_identity()["Arn"], "variables": dict(os.environ),
                "seen": [n for n in ("moto", "twinwall", "werkzeug", "click") if importlib.util.find_spec(n)],
            }
    """
    os.environ["TWINWALL_TEST_LEAK"] = "1"
    try:
        arn = make_function(client, source, Timeout=5, Environment={"Variables": {"MINE": "yes"}})
        first = call(functions)
    finally:
        del os.environ["TWINWALL_TEST_LEAK"]
    assert call(functions)["runs"] == 2
    assert 3000 < first["left"] <= 5000
    assert (first["name"], first["memory"], first["arn"]) == ("f", "128", arn)
    assert first["who"] == f"arn:aws:sts::{ONE}:assumed-role/runs/f"
    assert first["seen"] == []
    variables = first["variables"]
    assert first["first"] == variables["LAMBDA_TASK_ROOT"]
    assert (variables["MINE"], variables["AWS_REGION"]) == ("yes", REGION)
    assert variables["AWS_LAMBDA_LOG_GROUP_NAME"] == "/aws/lambda/f"
    assert "TWINWALL_TEST_LEAK" not in variables


def test_frozen_between_invocations(aws: EmbeddedAws, client: Any, functions: Any) -> None:
    """Its threads and its children too: they go on in the next invocation, as a thread left running does on AWS."""
    source = """
        import subprocess, threading, time
        ticks = 0
        def tick():
            global ticks
            while True:
                time.sleep(0.01)
                ticks += 1
        threading.Thread(target=tick, daemon=True).start()
        child = subprocess.Popen(["sleep", "600"])
        def handler(event, context):
            time.sleep(event)
            return [ticks, child.pid]
    """
    make_function(client, source, Timeout=10)
    before, child = call(functions, 0.1)
    [process] = processes(aws)
    until(lambda: {state_of(process["pid"]), state_of(child)} == {"T"})
    time.sleep(0.6)
    after, _ = call(functions, 0)
    assert after - before < 40
    functions.delete_function(FunctionName="f")
    assert processes(aws) == []
    assert not Path(f"/proc/{process['pid']}").exists()
    until(lambda: not Path(f"/proc/{child}").exists() or state_of(child) == "Z")


def test_what_the_log_says(client: Any, functions: Any) -> None:
    """The tail in the answer, and the same lines in CloudWatch Logs."""
    source = """
        import logging
        print("starting")
        def handler(event, context):
            print("hello", event)
            logging.getLogger().warning("careful")
    """
    make_function(client, source)
    answer = functions.invoke(FunctionName="f", Payload=b'"you"', LogType="Tail")
    tail = base64.b64decode(answer["LogResult"]).decode()
    lines = tail.splitlines()
    assert lines[0] == f"START RequestId: {answer['ResponseMetadata']['RequestId']} Version: $LATEST"
    assert lines[1:3] == ["starting", "hello you"]
    assert "[WARNING]" in tail
    assert "careful" in tail
    assert "Init Duration" in lines[-1]
    assert "Max Memory Used" in lines[-1]
    events = client("logs").filter_log_events(logGroupName="/aws/lambda/f")["events"]
    assert [event["message"] for event in events] == [line for line in lines if line]


@pytest.mark.parametrize(
    ("source", "kind", "text"),
    [
        ("def handler(event, context): raise ValueError('no')", "ValueError", "no"),
        ("import nowhere", "Runtime.ImportModuleError", "No module named 'nowhere'"),
        ("x = 1", "Runtime.HandlerNotFound", "Handler 'handler' missing"),
        ("import os\ndef handler(event, context): os._exit(3)", "Runtime.ExitError", "exit status 3"),
        ("def handler(event, context):\n    while True: pass", "Sandbox.Timedout", "Task timed out after 1.00 seconds"),
        ("def handler(event, context):\n    return len(bytearray(400_000_000))", "Runtime.OutOfMemory", "killed"),
        ("def handler(event, context): return {1, 2}", "Runtime.MarshalError", "not JSON serializable"),
    ],
)  # fmt: skip
def test_a_function_that_fails(
    aws: EmbeddedAws, client: Any, functions: Any, source: str, kind: str, text: str
) -> None:
    """200, FunctionError, and the reason; what was killed is gone, and the next one starts anew."""
    make_function(client, source, Timeout=1 if kind == "Sandbox.Timedout" else 20)
    for _ in range(2):
        answer = functions.invoke(FunctionName="f", Payload=b"{}")
        said = json.loads(answer["Payload"].read())
        assert (answer["StatusCode"], answer["FunctionError"], said["errorType"]) == (200, "Unhandled", kind)
        assert text in said["errorMessage"]
    until(lambda: all(state_of(process["pid"]) == "T" for process in processes(aws)))


def test_several_at_once_and_no_more_than_reserved(
    aws: EmbeddedAws, client: Any, functions: Any, refuses: Any
) -> None:
    make_function(client, "import time\ndef handler(event, context):\n    time.sleep(event)", Timeout=10)
    functions.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=2)
    threads = [threading.Thread(target=call, args=(functions, 1.5)) for _ in range(2)]
    for thread in threads:
        thread.start()
    until(lambda: len([process for process in processes(aws) if process["busy"]]) == 2)
    with refuses("TooManyRequestsException"):
        functions.invoke(FunctionName="f")
    for thread in threads:
        thread.join()
    call(functions, 0)
    assert len(processes(aws)) == 2
    functions.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
    with refuses("TooManyRequestsException"):
        functions.invoke(FunctionName="f")
    with refuses("InvalidParameterValueException"):
        functions.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=901)


def test_a_change_is_there_with_the_next_invocation(client: Any, functions: Any, refuses: Any) -> None:
    make_function(client, "import os\ndef handler(event, context): return ['a', os.environ.get('V')]")
    assert call(functions) == ["a", None]
    shown = functions.update_function_configuration(FunctionName="f", Environment={"Variables": {"V": "2"}})
    assert shown["LastUpdateStatus"] == "InProgress"
    assert call(functions) == ["a", "2"]
    source = "import os\ndef handler(event, context): return ['b', os.environ.get('V')]"
    functions.update_function_code(FunctionName="f", ZipFile=package(source))
    assert call(functions) == ["b", "2"]
    with refuses("PreconditionFailedException"):
        functions.update_function_code(
            FunctionName="f", ZipFile=package(source), RevisionId=shown["RevisionId"]
        )


def test_code_from_a_bucket(client: Any, functions: Any, refuses: Any) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="code", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="code", Key="f.zip", Body=package(ECHO))
    make_function(client, "", Code={"S3Bucket": "code", "S3Key": "f.zip"})
    assert call(functions, {"x": 1}) == {"x": 1}
    with refuses("InvalidParameterValueException"):
        functions.update_function_code(FunctionName="f", S3Bucket="code", S3Key="none.zip")


@pytest.mark.parametrize(
    "settings",
    [
        {"Code": {"ZipFile": b"no zip"}},
        {"Code": {}},
        {"Runtime": "nodejs22.x"},
        {"Layers": ["arn:aws:lambda:eu-west-1:210000000001:layer:x:1"]},
        {"Environment": {"Variables": {"AWS_REGION": "x"}}},
        {"Environment": {"Variables": {"A": "x" * 4096}}},
        {"Timeout": 901},
        {"VpcConfig": {"SubnetIds": ["subnet-1"]}},
        {"Role": f"arn:aws:iam::{ONE}:role/nobody"},
        {"Publish": True},
    ],
)  # fmt: skip
def test_what_is_refused(client: Any, refuses: Any, settings: dict[str, Any]) -> None:
    with refuses("InvalidParameterValueException"):
        make_function(client, ECHO, **settings)


def test_what_the_model_refuses(client: Any, functions: Any, refuses: Any) -> None:
    for settings in ({"MemorySize": 64}, {"Handler": "a b"}, {"Runtime": "cobol"}):
        with refuses("ValidationException"):
            make_function(client, ECHO, **settings)
    with refuses("InvalidParameterValueException"):
        make_function(client, ECHO, Role=make_role(client("iam"), "ec2", "ec2.amazonaws.com"))
    with refuses("ResourceNotFoundException"):
        functions.invoke(FunctionName="f")
    make_function(client, ECHO)
    with refuses("ResourceConflictException"):
        make_function(client, ECHO)
    with refuses("InvalidRequestContentException"):
        functions.invoke(FunctionName="f", Payload=b"{")
    with refuses("UnknownOperationException"):
        functions.list_layers()


def test_dry_run_runs_nothing(aws: EmbeddedAws, client: Any, functions: Any) -> None:
    make_function(client, ECHO)
    assert functions.invoke(FunctionName="f", InvocationType="DryRun")["StatusCode"] == 204
    assert processes(aws) == []


def test_permissions(counting: Any, client: Any, functions: Any, refuses: Any) -> None:
    arn = make_function(client, ECHO)
    theirs = client("lambda", account=TWO)
    with refuses("AccessDeniedException"):
        theirs.invoke(FunctionName=arn)
    given = {"FunctionName": "f", "StatementId": "two", "Action": "lambda:InvokeFunction", "Principal": TWO}
    functions.add_permission(**given)
    with refuses("ResourceConflictException"):
        functions.add_permission(**given)
    assert call(theirs, 5, arn) == 5
    [statement] = json.loads(functions.get_policy(FunctionName="f")["Policy"])["Statement"]
    assert statement["Principal"] == {"AWS": f"arn:aws:iam::{TWO}:root"}
    functions.remove_permission(FunctionName="f", StatementId="two")
    with refuses("ResourceNotFoundException"):
        functions.get_policy(FunctionName="f")
    with refuses("AccessDeniedException"):
        theirs.invoke(FunctionName=arn)


COUNTING = """
    import os
    def handler(event, context):
        with open(os.environ["RUNS"], "a") as runs:
            runs.write(context.aws_request_id + "\\n")
        if event.get("fail"):
            raise RuntimeError("as asked")
        return event
"""


@pytest.fixture
def runs(tmp_path: Path) -> Callable[[], list[int]]:
    """How often each request ran, as the function itself wrote it into a file."""
    file = tmp_path / "runs"
    file.touch()
    return lambda: sorted(Counter(file.read_text().split()).values())


@pytest.fixture
def counting(client: Any, tmp_path: Path) -> Callable[..., str]:
    """Makes the function that counts; its ARN."""

    def make(**settings: Any) -> str:
        variables = {"Variables": {"RUNS": str(tmp_path / "runs")}}
        return make_function(client, COUNTING, Timeout=20, Environment=variables, **settings)

    return make


def test_events_are_tried_three_times_and_then_a_dead_letter(
    counting: Any, aws: EmbeddedAws, client: Any, functions: Any, runs: Callable[[], list[int]]
) -> None:
    """After one and two minutes of the endpoint's clock; the dead letter says why, the record too."""
    aws.pace.set_scale(600)
    sqs = client("sqs")
    dead, failed = (sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("dead", "failed"))
    queue = f"arn:aws:sqs:{REGION}:{ONE}:"
    try:
        counting(DeadLetterConfig={"TargetArn": queue + "dead"})
        functions.put_function_event_invoke_config(
            FunctionName="f", DestinationConfig={"OnFailure": {"Destination": queue + "failed"}}
        )
        answer = functions.invoke(FunctionName="f", InvocationType="Event", Payload=b'{"fail": true}')
        assert answer["StatusCode"] == 202
        received = until(
            lambda: sqs.receive_message(QueueUrl=dead, MessageAttributeNames=["All"]).get("Messages"), 20
        )
        assert runs() == [3]
        [letter] = received
        assert json.loads(letter["Body"]) == {"fail": True}
        assert letter["MessageAttributes"]["ErrorMessage"]["StringValue"] == "as asked"
        [record] = until(lambda: sqs.receive_message(QueueUrl=failed).get("Messages"))
        told = json.loads(record["Body"])
        assert told["requestContext"]["condition"] == "RetriesExhausted"
        assert told["requestContext"]["approximateInvokeCount"] == 3
        assert told["responsePayload"]["errorType"] == "RuntimeError"
    finally:
        aws.pace.set_scale(1)


def test_no_retry_where_none_is_wanted(
    counting: Any, aws: EmbeddedAws, client: Any, functions: Any, runs: Callable[[], list[int]]
) -> None:
    client("sqs").create_queue(QueueName="failed")
    counting()
    functions.put_function_event_invoke_config(
        FunctionName="f", MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": f"arn:aws:sqs:{REGION}:{ONE}:failed"}},
    )  # fmt: skip
    assert functions.get_function_event_invoke_config(FunctionName="f")["MaximumRetryAttempts"] == 0
    functions.invoke(FunctionName="f", InvocationType="Event", Payload=b'{"fail": true}')
    url = client("sqs").get_queue_url(QueueName="failed")["QueueUrl"]
    until(lambda: client("sqs").receive_message(QueueUrl=url).get("Messages"))
    assert runs() == [1]


def test_an_event_without_a_place_waits(
    counting: Any, aws: EmbeddedAws, client: Any, functions: Any, runs: Callable[[], list[int]]
) -> None:
    """Throttled events are tried again; one that is too old is reported."""
    aws.pace.set_scale(50)
    try:
        counting()
        functions.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
        functions.invoke(FunctionName="f", InvocationType="Event", Payload=b"{}")
        time.sleep(0.1)
        assert runs() == []
        functions.delete_function_concurrency(FunctionName="f")
        until(lambda: runs() == [1])
    finally:
        aws.pace.set_scale(1)


def test_a_rule_is_let_in_by_the_functions_policy(
    counting: Any, aws: EmbeddedAws, client: Any, functions: Any, runs: Callable[[], list[int]]
) -> None:
    """What EventBridge hands over."""
    from twinwall.emulator.refusal import Refusal

    arn = counting()
    rule = f"arn:aws:events:{REGION}:{ONE}:rule/r"
    with pytest.raises(Refusal, match="AccessDeniedException"):
        aws.services.deliveries.deliver(arn, b"{}", rule)
    functions.add_permission(
        FunctionName="f",
        StatementId="s",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule,
    )
    with pytest.raises(Refusal, match="AccessDeniedException"):
        aws.services.deliveries.deliver(arn, b"{}", rule + "x")
    aws.services.deliveries.deliver(arn, b"{}", rule)
    until(lambda: runs() == [1])
    with pytest.raises(Refusal, match="ResourceNotFoundException"):
        aws.services.deliveries.deliver(arn + "g", b"{}", rule)


def test_a_denied_role_writes_no_log(aws: EmbeddedAws, client: Any, functions: Any) -> None:
    make_function(client, ECHO)
    aws.deny(f"arn:aws:iam::{ONE}:role/runs", "logs:*")
    assert call(functions, 1) == 1
    assert client("logs").describe_log_groups()["logGroups"] == []


def test_nothing_is_left_behind() -> None:
    """Running, frozen and waiting to be tried again: all ended by ``stop``, and quickly."""
    import boto3

    before = set(threading.enumerate())
    aws = EmbeddedAws(("210000000009",), pace=Pace())
    aws.start()
    key = aws.credentials("210000000009")

    def client(service: str) -> Any:
        return boto3.client(
            service,
            REGION,
            endpoint_url=aws.endpoint,
            aws_access_key_id=key.id,
            aws_secret_access_key=key.secret,
        )

    try:
        source = "import time\ndef handler(event, context):\n    time.sleep(event)"
        make_function(client, source, Timeout=900)
        call(client("lambda"), 0)
        client("lambda").invoke(FunctionName="f", InvocationType="Event", Payload=b"800")
        client("lambda").invoke(FunctionName="f", InvocationType="Event", Payload=b'"no number"')
        until(lambda: [process for process in processes(aws) if process["busy"]])
        pids = [process["pid"] for process in processes(aws)]
        root = Path(str(aws.services.functions.store._root)).parent
    finally:
        began = time.monotonic()
        aws.stop()
    assert time.monotonic() - began < 5
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert not root.exists()
    until(lambda: not [t for t in set(threading.enumerate()) - before if t.is_alive()])
