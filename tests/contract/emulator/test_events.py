"""EventBridge on the endpoint: rules, what targets are sent, retries, dead letters, faults on demand, other buses
(aws-facts 6.1; EventBridge user guide)."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from scaling_scene import Json, Scene

from twinwall.emulator.fault_text import parse_fault
from twinwall.errors import ConfigError

Refuses = Callable[[str], Any]
TWO = "210000000002"
FAR = "us-east-1"
APP: Json = {"source": ["app"]}


def test_an_event_as_it_arrives(scene: Scene) -> None:
    url = scene.listen(APP)
    at = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)
    put = scene.put({"a": [1, None, {"b": True}]}, Time=at, Resources=["arn:aws:x:::y"])
    assert put["FailedEntryCount"] == 0
    assert scene.heard(url) == [
        {
            "version": "0",
            "id": put["Entries"][0]["EventId"],
            "detail-type": "t",
            "source": "app",
            "account": scene.account,
            "time": "2026-11-22T01:02:03Z",
            "region": scene.region,
            "resources": ["arn:aws:x:::y"],
            "detail": {"a": [1, None, {"b": True}]},
        }
    ]


def test_only_what_matches(scene: Scene) -> None:
    """``pattern.py``'s own table is in the unit tests."""
    url = scene.listen({"source": ["app"], "detail": {"state": [{"anything-but": {"prefix": "draft"}}]}})
    for state in ("draft-1", "ready"):
        scene.put({"state": state})
    scene.put({})
    scene.put({"state": "ready"}, source="other")
    assert [event["detail"] for event in scene.heard(url)] == [{"state": "ready"}]


def test_a_disabled_rule_is_silent(scene: Scene) -> None:
    url = scene.listen(APP)
    scene.events.disable_rule(Name="heard")
    scene.put()
    scene.events.enable_rule(Name="heard")
    scene.put({"second": True})
    assert [event["detail"] for event in scene.heard(url)] == [{"second": True}]


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ({"Source": "aws.autoscaling"}, "NotAuthorizedForSourceException"),
        ({"Detail": "no json"}, "MalformedDetail"),
        ({"Detail": "[]"}, "MalformedDetail"),
        ({"DetailType": None}, "InvalidArgument"),
    ],
)
def test_entries_that_are_not_taken(scene: Scene, entry: Json, code: str) -> None:
    """One by one; the others are. AWS's own sources are AWS's."""
    url = scene.listen({"source": ["app", "aws.autoscaling"]})
    good = {"Source": "app", "DetailType": "t", "Detail": "{}"}
    bad = {key: value for key, value in {**good, **entry}.items() if value is not None}
    told = scene.events.put_events(Entries=[bad, good])
    assert told["FailedEntryCount"] == 1
    assert told["Entries"][0]["ErrorCode"] == code
    assert len(scene.heard(url)) == 1


def test_ten_entries_and_no_more(scene: Scene, refuses: Refuses) -> None:
    entry = {"Source": "app", "DetailType": "t", "Detail": "{}"}
    with refuses("ValidationException"):
        scene.events.put_events(Entries=[entry] * 11)


@pytest.mark.parametrize(
    "given",
    [
        {"EventPattern": "{"},
        {"EventPattern": "{}"},
        {"EventPattern": '{"source": "app"}'},
        {"EventPattern": '{"source": []}'},
        {"EventPattern": '{"source": [{"prefx": "a"}]}'},
        {"EventPattern": '{"detail": {"n": [{"numeric": ["<", "1"]}]}}'},
    ],
)
def test_patterns_that_are_none(scene: Scene, refuses: Refuses, given: Json) -> None:
    with refuses("InvalidEventPatternException"):
        scene.events.put_rule(Name="r", **given)
    assert scene.events.list_rules()["Rules"] == []


def test_the_pattern_can_be_tried(scene: Scene, refuses: Refuses) -> None:
    event = {
        "id": "1",
        "account": scene.account,
        "source": "app",
        "time": "2026-11-22T00:00:00Z",
        "region": scene.region,
        "resources": [],
        "detail-type": "t",
        "detail": {"n": 5},
    }
    for bound, result in ((4, True), (6, False)):
        pattern = json.dumps({"detail": {"n": [{"numeric": [">", bound]}]}})
        found = scene.events.test_event_pattern(EventPattern=pattern, Event=json.dumps(event))
        assert found["Result"] is result
    with refuses("ValidationException"):
        scene.events.test_event_pattern(EventPattern='{"source": ["a"]}', Event="{}")


# --- what a target is sent


@pytest.mark.parametrize(
    ("target", "sent"),
    [
        ({"Input": '{"fixed": 1}'}, '{"fixed": 1}'),
        ({"InputPath": "$.detail.n"}, '{"m": [1, 2]}'),
        (
            {
                "InputTransformer": {
                    "InputPathsMap": {"who": "$.detail.who", "n": "$.detail.n", "one": "$.detail.n.m[0]"},
                    "InputTemplate": '{"who": <who>, "text": "by <who>, <one>", "n": <n>, "one": <one>}',
                }
            },
            '{"who": "a \\"b\\"", "text": "by a \\"b\\", 1", "n": {"m": [1, 2]}, "one": 1}',
        ),
        ({"InputTransformer": {"InputTemplate": '"rule <aws.events.rule-name>"'}}, '"rule heard"'),
    ],
)
def test_what_a_target_is_sent(scene: Scene, target: Json, sent: str) -> None:
    """Inside quotes a variable stands bare, outside as JSON (user guide: "Input transformation")."""
    url = scene.listen(APP, **target)
    scene.put({"who": 'a "b"', "n": {"m": [1, 2]}})
    (message,) = scene.messages(url)
    assert message["Body"] == sent


def test_the_whole_event_in_a_template(scene: Scene) -> None:
    template = '{"all": <aws.events.event.json>, "head": <aws.events.event>, "rule": <aws.events.rule-arn>}'
    url = scene.listen(APP, InputTransformer={"InputTemplate": template})
    scene.put({"n": 1})
    (sent,) = scene.heard(url)
    assert sent["all"]["detail"] == {"n": 1}
    assert sent["head"] == {key: value for key, value in sent["all"].items() if key != "detail"}
    assert sent["rule"] == f"arn:aws:events:{scene.region}:{scene.account}:rule/heard"


@pytest.mark.parametrize(
    "target",
    [
        {"Arn": "not-an-arn"},
        {"Arn": "arn:aws:logs:eu-west-1:210000000001:log-group:x"},
        {"Arn": "arn:aws:sqs:us-east-1:210000000001:q"},
        {"Arn": "arn:aws:sqs:eu-west-1:210000000001:q.fifo"},
        {"Arn": "arn:aws:events:us-east-1:210000000001:event-bus/default"},
        {"Input": "{}", "InputPath": "$.detail"},
        {"Input": "no json"},
        {"InputPath": "$.["},
        {"DeadLetterConfig": {"Arn": "arn:aws:sqs:eu-west-1:210000000001:q.fifo"}},
    ],
)
def test_targets_that_are_none(scene: Scene, refuses: Refuses, target: Json) -> None:
    """Another Region's or account's bus needs a role (aws-facts 6.1)."""
    scene.events.put_rule(Name="r", EventPattern=json.dumps(APP))
    arn = "arn:aws:sqs:eu-west-1:210000000001:q"
    with refuses("ValidationException"):
        scene.events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": arn, **target}])
    assert scene.events.list_targets_by_rule(Rule="r")["Targets"] == []


def test_five_targets_and_no_more(scene: Scene, refuses: Refuses) -> None:
    _, arn = scene.queue("q")
    scene.events.put_rule(Name="r", EventPattern=json.dumps(APP))
    scene.events.put_targets(Rule="r", Targets=[{"Id": str(n), "Arn": arn} for n in range(5)])
    with refuses("LimitExceededException"):
        scene.events.put_targets(Rule="r", Targets=[{"Id": "5", "Arn": arn}])
    with refuses("ResourceNotFoundException"):
        scene.events.put_targets(Rule="unknown", Targets=[{"Id": "5", "Arn": arn}])


def test_an_ordered_queue(scene: Scene) -> None:
    _, arn = scene.queue("q.fifo", FifoQueue="true", ContentBasedDeduplication="true")
    url = scene.sqs.get_queue_url(QueueName="q.fifo")["QueueUrl"]
    scene.events.put_rule(Name="r", EventPattern=json.dumps(APP))
    scene.events.put_targets(
        Rule="r", Targets=[{"Id": "1", "Arn": arn, "SqsParameters": {"MessageGroupId": "one"}}]
    )
    for number in range(3):
        scene.put({"n": number})
    assert [event["detail"]["n"] for event in scene.heard(url)] == [0, 1, 2]


# --- when a target refuses


def labels(message: Json) -> Json:
    return {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}


def test_a_missing_target_goes_to_the_dead_letters_at_once(scene: Scene) -> None:
    """aws-facts 6.1: with the attributes that tell why."""
    dead, dead_arn = scene.queue("dead")
    gone, arn = scene.queue("gone")
    scene.events.put_rule(Name="r", EventPattern=json.dumps(APP))
    scene.events.put_targets(
        Rule="r", Targets=[{"Id": "1", "Arn": arn, "DeadLetterConfig": {"Arn": dead_arn}}]
    )
    scene.sqs.delete_queue(QueueUrl=gone)
    scene.put({"n": 1})
    (message,) = scene.messages(dead)
    assert json.loads(message["Body"])["detail"] == {"n": 1}
    found = labels(message)
    assert "does not exist" in found.pop("ERROR_MESSAGE")
    assert found == {
        "RULE_ARN": f"arn:aws:events:{scene.region}:{scene.account}:rule/r",
        "TARGET_ARN": arn,
        "ERROR_CODE": "NO_RESOURCE",
        "RETRY_ATTEMPTS": "0",
    }


def test_a_policy_that_lets_nobody_in(scene: Scene) -> None:
    dead, dead_arn = scene.queue("dead")
    elsewhere = policy("arn:aws:events:eu-west-1:210000000001:rule/other")
    url, arn = scene.queue("q", Policy=elsewhere)
    scene.events.put_rule(Name="r", EventPattern=json.dumps(APP))
    scene.events.put_targets(
        Rule="r", Targets=[{"Id": "1", "Arn": arn, "DeadLetterConfig": {"Arn": dead_arn}}]
    )
    scene.put()
    assert scene.messages(url) == []
    (message,) = scene.messages(dead)
    assert labels(message)["ERROR_CODE"] == "NO_PERMISSIONS"


def policy(rule_arn: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": "*",
        "Condition": {"ArnEquals": {"aws:SourceArn": rule_arn}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.mark.parametrize("strict", [False, True])
def test_a_queue_without_any_policy(scene: Scene, strict: bool) -> None:
    """The switch: as AWS does it, such a queue takes nothing from EventBridge."""
    scene.aws.set_switches(replace(scene.aws.world.switches, deliveries_need_permission=strict))
    url = scene.listen(APP)
    scene.put()
    assert len(scene.messages(url)) == (0 if strict else 1)
    rule = f"arn:aws:events:{scene.region}:{scene.account}:rule/heard"
    scene.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(rule)})
    scene.put()
    assert len(scene.messages(url)) == 1


def test_tried_again_until_it_works(scene: Scene) -> None:
    scene.aws.trouble.add(parse_fault("DeliverToSqs=503:ServiceUnavailable"))
    url = scene.listen(APP)
    scene.put()
    assert scene.messages(url) == []
    scene.pass_time(1)
    assert len(scene.messages(url)) == 1


@pytest.mark.parametrize(
    ("policy", "condition", "retries"),
    [
        ({"MaximumRetryAttempts": 2}, "MaximumRetryAttempts", "2"),
        ({"MaximumEventAgeInSeconds": 60}, "MaximumEventAgeInSeconds", "5"),
        ({"MaximumRetryAttempts": 0}, "MaximumRetryAttempts", "0"),
    ],
)
def test_tried_again_until_the_policy_ends_it(
    scene: Scene, policy: Json, condition: str, retries: str
) -> None:
    dead, dead_arn = scene.queue("dead")
    fault = parse_fault("DeliverToSqs:1+=500:InternalError")
    fault.contains = "n"
    scene.aws.trouble.add(fault)
    url = scene.listen(APP, RetryPolicy=policy, DeadLetterConfig={"Arn": dead_arn})
    scene.put({"n": 1})
    for _ in range(100):
        scene.pass_time(1)
    assert scene.messages(url) == []
    (message,) = scene.messages(dead)
    assert labels(message)["EXHAUSTED_RETRY_CONDITION"] == condition
    assert labels(message)["RETRY_ATTEMPTS"] == retries
    assert labels(message)["ERROR_CODE"] == "INTERNAL_ERROR"


# --- at least once, out of order, lost


def numbers(scene: Scene, url: str) -> list[int]:
    return [event["detail"]["n"] for event in scene.heard(url)]


@pytest.mark.parametrize(
    ("fault", "at_once", "later"),
    [
        ("DeliverToSqs:2=twice", [0, 1, 1, 2], []),
        ("DeliverToSqs:2=twice:5", [0, 1, 2], [1]),
        ("DeliverToSqs:2=drop", [0, 1, 2], [1]),
        ("DeliverToSqs:2=late:5", [0, 2], [1]),
        ("DeliverTo*:2=lost", [0, 2], []),
        ("DeliverToSqs:1+=lost", [], []),
        ("DeliverToSqs:2=cut", [0, 2], [1]),
        ("*@eu-west-1:2=unreachable", [0, 2], [1]),
        ("*@us-east-1:1+=unreachable", [0, 1, 2], []),
        ("DeliverToLambda:1+=lost", [0, 1, 2], []),
    ],
)
def test_faults_of_delivery(scene: Scene, fault: str, at_once: list[int], later: list[int]) -> None:
    """``drop``: the target's answer was lost, so that EventBridge sends again."""
    url = scene.listen(APP)
    entries = [{"Source": "app", "DetailType": "t", "Detail": json.dumps({"n": n})} for n in range(3)]
    if fault.startswith("*@eu"):
        fault = fault.replace(":2=", ":3=")  # the call of PutEvents comes first
    scene.aws.trouble.add(parse_fault(fault))
    scene.events.put_events(Entries=entries)
    scene.aws.pace.agenda.settled()
    scene.aws.no_trouble()
    assert sorted(numbers(scene, url)) == at_once
    scene.pass_time(5)
    assert numbers(scene, url) == later


def test_only_deliveries_are_lost() -> None:
    for text in ("PutEvents=lost", "*=twice", "CreateSecurityGroup=twice:3"):
        with pytest.raises(ConfigError, match="only a delivery"):
            parse_fault(text)


# --- other buses


@pytest.mark.parametrize(("account", "region"), [(TWO, "eu-west-1"), ("210000000001", FAR), (TWO, FAR)])
def test_to_a_bus_elsewhere(scene: Scene, client: Any, account: str, region: str) -> None:
    """The event keeps its account and Region; the other account's bus must let this one in."""
    other = Scene(scene.aws, client, account, region)
    url = other.listen(APP)
    send_on(scene, account, region)
    scene.put({"n": 1})
    if account == TWO:
        assert other.heard(url) == [], "no permission yet"
        other.events.put_permission(StatementId="one", Action="events:PutEvents", Principal=scene.account)
        scene.put({"n": 1})
    (event,) = other.heard(url)
    assert (event["account"], event["region"]) == (scene.account, scene.region)
    assert event["detail"] == {"n": 1}


def send_on(scene: Scene, account: str, region: str, bus: str = "default") -> None:
    """A rule that sends the app's events to a bus elsewhere, with a role for it."""
    role = scene.aws.add_role(scene.account, "forward", [scene.account])
    scene.events.put_rule(Name=f"to-{account}", EventPattern=json.dumps(APP))
    scene.events.put_targets(
        Rule=f"to-{account}",
        Targets=[{"Id": "1", "Arn": f"arn:aws:events:{region}:{account}:event-bus/{bus}", "RoleArn": role}],
    )


def test_a_role_that_is_not_there(scene: Scene, client: Any) -> None:
    dead, dead_arn = scene.queue("dead")
    scene.events.put_rule(Name="r", EventPattern=json.dumps(APP))
    scene.events.put_targets(
        Rule="r",
        Targets=[
            {
                "Id": "1",
                "Arn": f"arn:aws:events:{FAR}:{scene.account}:event-bus/default",
                "RoleArn": f"arn:aws:iam::{scene.account}:role/unknown",
                "DeadLetterConfig": {"Arn": dead_arn},
            }
        ],
    )
    scene.put()
    (message,) = scene.messages(dead)
    assert labels(message)["ERROR_CODE"] == "FAILED_TO_ASSUME_ROLE"


@pytest.mark.parametrize("trusted", ["events.amazonaws.com", "lambda.amazonaws.com"])
def test_a_role_must_trust_eventbridge(scene: Scene, client: Any, trusted: str) -> None:
    other = Scene(scene.aws, client, scene.account, FAR)
    url = other.listen(APP)
    statement = {"Effect": "Allow", "Principal": {"Service": trusted}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam = client("iam", scene.account)
    role = iam.create_role(RoleName="on", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    scene.events.put_rule(Name="r", EventPattern=json.dumps(APP))
    bus = f"arn:aws:events:{FAR}:{scene.account}:event-bus/default"
    scene.events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": bus, "RoleArn": role}])
    scene.put()
    assert len(other.heard(url)) == (1 if trusted.startswith("events") else 0)


def test_no_third_account(scene: Scene, client: Any) -> None:
    """THIRD_ACCOUNT_HOP_DETECTED: what came from elsewhere goes no further (aws-facts 6.1)."""
    other = Scene(scene.aws, client, TWO, scene.region)
    other.events.put_permission(StatementId="one", Action="events:PutEvents", Principal="*")
    scene.events.put_permission(StatementId="one", Action="events:PutEvents", Principal="*")
    heard = other.listen(APP)
    send_on(scene, TWO, scene.region)
    send_on(other, scene.account, scene.region)
    scene.put()
    assert len(other.heard(heard)) == 1


def test_a_bus_of_ones_own(scene: Scene, refuses: Refuses) -> None:
    scene.events.create_event_bus(Name="mine")
    url, arn = scene.queue("q")
    scene.events.put_rule(Name="r", EventBusName="mine", EventPattern=json.dumps(APP))
    scene.events.put_targets(Rule="r", EventBusName="mine", Targets=[{"Id": "1", "Arn": arn}])
    scene.put({"n": 1})
    scene.put({"n": 2}, EventBusName="mine")
    assert numbers(scene, url) == [2]
    with refuses("ResourceNotFoundException"):
        scene.put(EventBusName="unknown")


def test_straight_onto_another_accounts_bus(scene: Scene, client: Any, refuses: Refuses) -> None:
    """PutEvents by the bus's ARN; Organizations do not exist here, so that their condition is never met."""
    other = Scene(scene.aws, client, TWO, scene.region)
    url = other.listen(APP)
    bus = f"arn:aws:events:{scene.region}:{TWO}:event-bus/default"
    with refuses("AccessDeniedException"):
        scene.put(EventBusName=bus)
    organization = {"Type": "StringEquals", "Key": "aws:PrincipalOrgID", "Value": "o-1234567890"}
    other.events.put_permission(
        StatementId="org", Action="events:PutEvents", Principal="*", Condition=organization
    )
    with refuses("AccessDeniedException"):
        scene.put(EventBusName=bus)
    other.events.put_permission(StatementId="one", Action="events:PutEvents", Principal=scene.account)
    scene.put(EventBusName=bus)
    (event,) = other.heard(url)
    assert event["account"] == scene.account, "who sent it"


@pytest.mark.parametrize("call", ["create_archive", "create_connection"])
def test_an_operation_that_is_not_here(scene: Scene, call: str, refuses: Refuses, caplog: Any) -> None:
    given = {
        "create_archive": {
            "ArchiveName": "a",
            "EventSourceArn": f"arn:aws:events:{scene.region}:{scene.account}:event-bus/default",
        },
        "create_connection": {
            "Name": "c",
            "AuthorizationType": "API_KEY",
            "AuthParameters": {"ApiKeyAuthParameters": {"ApiKeyName": "n", "ApiKeyValue": "v"}},
        },
    }[call]
    with caplog.at_level("WARNING", "twinwall.emulator"), refuses("UnknownOperationException"):
        getattr(scene.events, call)(**given)
    assert "no such operation in the embedded AWS" in caplog.text
