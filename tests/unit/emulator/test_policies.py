"""Whom a resource's policy lets in."""

import json
from typing import Any

import pytest

from twinwall.emulator.policies import Caller, admits, service_caller

RULE = "arn:aws:events:eu-west-1:111122223333:rule/web"
QUEUE = "arn:aws:sqs:eu-west-1:111122223333:q"
EVENTS = service_caller("events.amazonaws.com", RULE)
OPEN = {
    "Effect": "Allow",
    "Principal": {"Service": "events.amazonaws.com"},
    "Action": "sqs:SendMessage",
    "Resource": QUEUE,
}


def admitted(caller: Caller, *statements: dict[str, Any]) -> bool:
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    return admits(policy, caller, "sqs:SendMessage", QUEUE)


@pytest.mark.parametrize(
    ("change", "result"),
    [
        ({}, True),
        ({"Principal": "*"}, True),
        ({"Principal": {"Service": ["lambda.amazonaws.com", "events.amazonaws.com"]}}, True),
        ({"Principal": {"Service": "lambda.amazonaws.com"}}, False),
        ({"Principal": {"AWS": "*"}}, True),  # means everyone, as "*" does (IAM guide: Principal)
        ({"Principal": {"AWS": "111122223333"}}, False),
        ({"Action": ["sqs:*"]}, True),
        ({"Action": "SQS:SendMessage"}, True),
        ({"Action": "sqs:ReceiveMessage"}, False),
        ({"Resource": "*"}, True),
        ({"Resource": "arn:aws:sqs:*:*:other"}, False),
        ({"Condition": {"ArnEquals": {"aws:SourceArn": RULE}}}, True),
        ({"Condition": {"ArnLike": {"AWS:SourceArn": "arn:aws:events:*:*:rule/*"}}}, True),
        ({"Condition": {"ArnEquals": {"aws:SourceArn": RULE + "x"}}}, False),
        ({"Condition": {"StringEquals": {"aws:SourceAccount": ["1", "111122223333"]}}}, True),
        ({"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}, False),
        ({"Condition": {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}}, False),
    ],
)
def test_a_service(change: dict[str, Any], result: bool) -> None:
    assert admitted(EVENTS, {**OPEN, **change}) is result


def test_a_deny_wins() -> None:
    assert admitted(EVENTS, OPEN)
    assert not admitted(EVENTS, OPEN, {**OPEN, "Effect": "Deny"})
    assert admitted(EVENTS, OPEN, {**OPEN, "Effect": "Deny", "Resource": "arn:aws:sqs:::other"})


@pytest.mark.parametrize("named", ["111122223333", "arn:aws:iam::111122223333:root", "*"])
def test_an_account(named: str) -> None:
    statement = {**OPEN, "Principal": {"AWS": [named]}}
    assert admitted(Caller("111122223333"), statement)
    assert admitted(Caller("444455556666"), statement) is (named == "*")


def test_no_policy_lets_nobody_in() -> None:
    for policy in (None, "", "{}", '{"Statement": []}'):
        assert not admits(policy, EVENTS, "sqs:SendMessage", QUEUE)
