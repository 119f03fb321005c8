"""EventBridge and Lambda: what is delivered, what runs (emulators' table; aws-facts 6)."""

import io
import json
import zipfile
from typing import Any

from probes.registry import probe
from probes.scene import Ear
from probes.trial import ABROAD, HOME, Json, Trial

ECHO = """
def handler(event, context):
    return {"sum": event["a"] + event["b"], "name": context.function_name}
"""
FAILS = """
def handler(event, context):
    raise ValueError("as asked for")
"""
WRITES = """
import os, boto3, json
def handler(event, context):
    where = {"endpoint_url": os.environ["ENDPOINT"], "region_name": os.environ["AWS_REGION"]}
    item = {"id": {"S": "it"}, "event": {"S": json.dumps(event)}}
    boto3.client("dynamodb", **where).put_item(TableName=os.environ["TABLE"], Item=item)
"""


def _function(t: Trial, code: str, **variables: str) -> str:
    """Its ARN, once it is active. It may use DynamoDB."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", code)
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam, name, client = t.client("iam"), t.name("function"), t.client("lambda")
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    actions = ["dynamodb:*", "sqs:*"]
    may = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}
    iam.put_role_policy(RoleName=name, PolicyName="may", PolicyDocument=json.dumps(may))
    made = client.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Role=role,
        Handler="app.handler",
        Code={"ZipFile": packed.getvalue()},
        Timeout=20,
        Environment={"Variables": variables},
    )
    t.eventually(lambda: _state(t, name) == "Active", "the function is active")
    return str(made["FunctionArn"])


def _state(t: Trial, name: str) -> str:
    return str(t.client("lambda").get_function(FunctionName=name)["Configuration"].get("State", "Active"))


def _invoked(t: Trial, function: str, payload: Json) -> tuple[Json, Any]:
    answer = t.client("lambda").invoke(FunctionName=function, Payload=json.dumps(payload))
    return answer, json.loads(answer["Payload"].read() or "null")


def _table(t: Trial) -> str:
    name = t.name("table")
    t.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


def _written(t: Trial, table: str) -> Json:
    """What a function that writes has written."""

    def found() -> Json:
        item = t.client("dynamodb").get_item(TableName=table, Key={"id": {"S": "it"}}).get("Item")
        return dict(json.loads(item["event"]["S"])) if item else {}

    got: Json = t.eventually(found, "the function has run")
    return got


def _writer(t: Trial) -> tuple[str, str]:
    """A function that writes its event into a table: (function ARN, table)."""
    table = _table(t)
    return _function(t, WRITES, TABLE=table, ENDPOINT=t.client("dynamodb").meta.endpoint_url), table


def _put(t: Trial, source: str, detail: Json, **more: Any) -> Json:
    entry = {"Source": source, "DetailType": "probe", "Detail": json.dumps(detail), **more}
    return dict(t.client("events").put_events(Entries=[entry]))


# --- functions


@probe("table", "a function runs, and answers what its handler returns", "B lambda Invoke")
def function_runs(t: Trial) -> None:
    arn = _function(t, ECHO)
    answer, said = _invoked(t, arn, {"a": 2, "b": 3})
    t.same((answer["StatusCode"], said), (200, {"sum": 5, "name": arn.rpartition(":")[2]}))


@probe("6.2", "an exception of the handler is answered as FunctionError, type and message", "B lambda Invoke")
def function_fails(t: Trial) -> None:
    answer, said = _invoked(t, _function(t, FAILS), {})
    t.same(answer.get("FunctionError"), "Unhandled")
    t.same((said["errorType"], said["errorMessage"]), ("ValueError", "as asked for"))


@probe("table", "a function calls AWS", "LAM")
def function_calls(t: Trial) -> None:
    arn, table = _writer(t)
    answer, said = _invoked(t, arn, {"x": 1})
    t.true("FunctionError" not in answer, str(said))
    t.same(_written(t, table), {"x": 1})


@probe("6.2", "an unknown function is ResourceNotFoundException", "B lambda Invoke")
def unknown_function(t: Trial) -> None:
    t.refused("ResourceNotFoundException", t.client("lambda").invoke, FunctionName="no-such-function")


@probe("table", "a table's stream calls a function", "B CreateEventSourceMapping")
def stream_to_function(t: Trial) -> None:
    arn, table = _writer(t)
    source = t.name("source")
    made = t.client("dynamodb").create_table(
        TableName=source,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )["TableDescription"]
    t.client("lambda").create_event_source_mapping(
        EventSourceArn=made["LatestStreamArn"], FunctionName=arn, StartingPosition="TRIM_HORIZON"
    )
    t.client("dynamodb").put_item(TableName=source, Item={"id": {"S": "x"}})
    (record,) = _written(t, table)["Records"]
    t.same((record["eventName"], record["dynamodb"]["NewImage"]), ("INSERT", {"id": {"S": "x"}}))


@probe("6.2", "a queue calls a function with its messages", "B CreateEventSourceMapping")
def queue_to_function(t: Trial) -> None:
    arn, table = _writer(t)
    sqs, name = t.client("sqs"), t.name("queue")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    t.client("lambda").create_event_source_mapping(
        EventSourceArn=f"arn:aws:sqs:{HOME}:{t.account}:{name}", FunctionName=arn
    )
    sqs.send_message(QueueUrl=url, MessageBody="hello")
    (record,) = _written(t, table)["Records"]
    t.same((record["body"], record["eventSource"]), ("hello", "aws:sqs"))


# --- events


@probe("table", "an event reaches a queue through a rule", "EB")
def event_to_queue(t: Trial) -> None:
    source = t.name("app")
    ear = Ear(t, {"source": [source]})
    t.same(_put(t, source, {"n": 1})["FailedEntryCount"], 0)
    event = ear.hears("probe")
    t.same((event["source"], event["detail"], event["account"]), (source, {"n": 1}, t.account))


@probe("6.1", "an event that no pattern fits reaches nobody", "EB eb-event-patterns")
def event_to_nobody(t: Trial) -> None:
    source = t.name("app")
    ear = Ear(t, {"source": [source], "detail": {"n": [{"numeric": [">", 5]}]}})
    _put(t, source, {"n": 1})
    _put(t, source, {"n": 7})
    t.same(ear.hears("probe")["detail"], {"n": 7})
    t.same(len(ear.all()), 1)


@probe("table", "an event calls a function through a rule", "EB")
def event_to_function(t: Trial) -> None:
    arn, table = _writer(t)
    source, rule, events = t.name("app"), t.name("rule"), t.client("events")
    made = events.put_rule(Name=rule, EventPattern=json.dumps({"source": [source]}))
    t.client("lambda").add_permission(
        FunctionName=arn,
        StatementId="rule",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=made["RuleArn"],
    )
    events.put_targets(Rule=rule, Targets=[{"Id": "1", "Arn": arn}])
    _put(t, source, {"n": 1})
    t.same(_written(t, table)["detail"], {"n": 1})


@probe(
    "table", "an event with a Source of AWS's own is refused: NotAuthorizedForSourceException", "EB PutEvents"
)
def event_of_aws(t: Trial) -> None:
    answer = _put(t, "aws.autoscaling", {})
    t.same(answer["FailedEntryCount"], 1)
    t.same(answer["Entries"][0]["ErrorCode"], "NotAuthorizedForSourceException")


def _bus_role(t: Trial) -> str:
    trust = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam, name = t.client("iam"), t.name("role")
    may = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "events:PutEvents", "Resource": "*"}],
    }
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="put", PolicyDocument=json.dumps(may))
    return str(role)


def _forwarded(t: Trial, bus: str, region: str, account: int) -> None:
    """An event of ours, sent on to this bus, is heard behind it, with its first account and Region."""
    source, rule = t.name("app"), t.name("rule")
    pattern = json.dumps({"source": [source]})
    sqs, far = t.client("sqs", region, account), t.client("events", region, account)
    name, owner = t.name("queue"), t.world.accounts[account]
    arn = f"arn:aws:sqs:{region}:{owner}:{name}"
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    url = sqs.create_queue(QueueName=name, Attributes={"Policy": policy})["QueueUrl"]
    far.put_rule(Name=rule, EventBusName=bus, EventPattern=pattern)
    far.put_targets(Rule=rule, EventBusName=bus, Targets=[{"Id": "1", "Arn": arn}])
    near = t.client("events")
    near.put_rule(Name=rule, EventPattern=pattern)
    target = {"Id": "1", "Arn": f"arn:aws:events:{region}:{owner}:event-bus/{bus}", "RoleArn": _bus_role(t)}
    near.put_targets(Rule=rule, Targets=[target])
    _put(t, source, {"n": 1})

    def heard() -> Json:
        found = sqs.receive_message(QueueUrl=url).get("Messages", ())
        return dict(json.loads(found[0]["Body"])) if found else {}

    event = t.eventually(heard, "the event arrives")
    t.same((event["account"], event["region"], event["detail"]), (t.account, HOME, {"n": 1}))


@probe("table", "a rule sends events on to a bus in another Region, as they were", "EB eb-cross-region")
def event_abroad(t: Trial) -> None:
    bus = t.name("bus")
    t.client("events", ABROAD).create_event_bus(Name=bus)
    _forwarded(t, bus, ABROAD, 0)


@probe("table", "… or in another account, whose bus lets it in", "EB eb-cross-account")
def event_to_an_account(t: Trial) -> None:
    bus, events = t.name("bus"), t.client("events", account=1)
    events.create_event_bus(Name=bus)
    events.put_permission(EventBusName=bus, Action="events:PutEvents", Principal=t.account, StatementId="in")
    _forwarded(t, bus, HOME, 1)
