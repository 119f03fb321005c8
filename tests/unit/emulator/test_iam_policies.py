"""What a policy says of a request: the table of operators, and the laws of evaluation (IAM user guide,
reference_policies_evaluation-logic and reference_policies_elements_condition_operators)."""

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinwall.emulator.iam.conditions import UnknownOperator, arn_like, holds, substitute
from twinwall.emulator.iam.policies import Policies, Right, read_policy, refusal_of

GROUP = "arn:aws:ec2:eu-west-1:111111111111:security-group/sg-1"
CONTEXT = {
    "aws:resourcetag/team": ("shop",),
    "aws:tagkeys": ("team", "Name"),
    "aws:username": ("a*b",),
    "aws:currenttime": ("2026-03-01T12:00:00+00:00",),
    "aws:sourceip": ("127.0.0.1",),
    "aws:multifactorauthpresent": ("false",),
    "s3:max-keys": ("10",),
    "ec2:vpc": ("arn:aws:ec2:eu-west-1:111111111111:vpc/vpc-1",),
}


@pytest.mark.parametrize(
    ("operator", "key", "wanted", "met"),
    [
        ("StringEquals", "aws:ResourceTag/team", "shop", True),
        ("StringEquals", "aws:ResourceTag/team", ["x", "shop"], True),
        ("StringEquals", "aws:ResourceTag/team", "SHOP", False),
        ("StringEquals", "aws:ResourceTag/absent", "shop", False),
        ("StringNotEquals", "aws:ResourceTag/team", ["x", "shop"], False),
        ("StringNotEquals", "aws:ResourceTag/absent", "shop", True),
        ("StringEqualsIgnoreCase", "aws:resourcetag/TEAM", "Shop", True),
        ("StringLike", "aws:ResourceTag/team", "s?o*", True),
        ("StringNotLike", "aws:ResourceTag/team", "s*", False),
        ("StringEqualsIfExists", "aws:ResourceTag/absent", "shop", True),
        ("StringEqualsIfExists", "aws:ResourceTag/team", "x", False),
        ("Null", "aws:ResourceTag/team", "false", True),
        ("Null", "aws:ResourceTag/team", True, False),
        ("Null", "aws:ResourceTag/absent", True, True),
        ("Bool", "aws:MultiFactorAuthPresent", False, True),
        ("Bool", "aws:SecureTransport", "false", False),
        ("BoolIfExists", "aws:SecureTransport", "false", True),
        ("ForAllValues:StringEquals", "aws:TagKeys", ["team", "Name", "x"], True),
        ("ForAllValues:StringEquals", "aws:TagKeys", ["team"], False),
        ("ForAllValues:StringEquals", "aws:Absent", ["team"], True),
        ("ForAnyValue:StringLike", "aws:TagKeys", ["te*"], True),
        ("ForAnyValue:StringLike", "aws:Absent", ["*"], False),
        ("ArnLike", "ec2:Vpc", "arn:*:ec2:*:*:vpc/vpc-1", True),
        ("ArnEquals", "ec2:Vpc", "arn:aws:ec2:eu-west-1:111111111111:vpc/*", True),
        ("ArnNotLike", "ec2:Vpc", "arn:aws:ec2:*:vpc/vpc-1", True),
        ("NumericLessThanEquals", "s3:max-keys", "10", True),
        ("NumericGreaterThan", "s3:max-keys", 10, False),
        ("NumericEquals", "s3:max-keys", "ten", False),
        ("DateLessThan", "aws:CurrentTime", "2026-03-01T12:00:01Z", True),
        ("DateGreaterThanEquals", "aws:CurrentTime", "1772366400", True),
        ("IpAddress", "aws:SourceIp", ["10.0.0.0/8", "127.0.0.0/8"], True),
        ("NotIpAddress", "aws:SourceIp", "127.0.0.1", False),
        ("StringEquals", "aws:username", "${aws:username}", True),
        ("StringLike", "aws:ResourceTag/team", "${aws:username}", False),
        ("StringLike", "aws:username", "a${*}b", True),
        ("StringEquals", "aws:ResourceTag/team", "${aws:PrincipalTag/team, 'shop'}", True),
    ],
)
def test_the_operators(operator: str, key: str, wanted: Any, met: bool) -> None:
    assert holds({operator: {key: wanted}}, CONTEXT) is met


def test_all_of_a_block_must_hold() -> None:
    good, bad = {"aws:ResourceTag/team": "shop"}, {"aws:ResourceTag/team": "x"}
    assert holds({"StringEquals": good, "StringNotEquals": bad}, CONTEXT)
    assert not holds({"StringEquals": good, "StringLike": bad}, CONTEXT)


def test_a_variable_s_star_is_no_wildcard() -> None:
    assert arn_like("arn:aws:s3:::x/a*b", substitute("arn:aws:s3:::x/${aws:username}", CONTEXT))
    assert not arn_like("arn:aws:s3:::x/axb", substitute("arn:aws:s3:::x/${aws:username}", CONTEXT))
    assert not arn_like("arn:aws:s3:::x/", substitute("arn:aws:s3:::x/${aws:absent}", CONTEXT))


def test_a_star_of_an_arn_stays_in_its_part() -> None:
    assert arn_like(GROUP, "arn:*:ec2:*:*:security-group/*")
    assert not arn_like(GROUP, "arn:aws:ec2:*:security-group/*")
    assert arn_like("arn:aws:logs:r:a:log-group:x:*", "arn:aws:logs:*:*:log-group:*")
    assert arn_like(GROUP, "*")
    assert not arn_like("*", "arn:*:ec2:*:*:security-group/*")


# --- documents


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def says(effect: str, action: Any = "ec2:*", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


RIGHT = Right("ec2:CreateTags", GROUP)


def allowed(identity: tuple[str, ...], right: Right = RIGHT, **more: Any) -> bool:
    return refusal_of(Policies(tuple(map(read_policy, identity)), **more), right, CONTEXT) is None


@pytest.mark.parametrize(
    ("statement", "given"),
    [
        (says("Allow"), True),
        (says("Allow", "EC2:createtags"), True),
        (says("Allow", "ec2:Create?ags"), True),
        (says("Allow", "ec2:DeleteTags"), False),
        (
            says(
                "Allow", ["sqs:*", "ec2:Create*"], ["arn:aws:sqs:*:*:*", "arn:aws:ec2:*:*:security-group/*"]
            ),
            True,
        ),
        (says("Allow", resource="arn:aws:ec2:*:*:vpc/*"), False),
        ({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, True),
        ({"Effect": "Allow", "NotAction": "ec2:*", "Resource": "*"}, False),
        ({"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:ec2:*:*:vpc/*"}, True),
        ({"Effect": "Allow", "Action": "*", "NotResource": GROUP}, False),
        (says("Allow", Condition={"Null": {"aws:ResourceTag/team": "false"}}), True),
        (says("Allow", Condition={"BinaryEquals": {"a": "b"}}), False),
    ],
)
def test_what_a_statement_is_about(statement: dict[str, Any], given: bool) -> None:
    assert allowed((policy(statement),)) is given


def test_a_condition_that_cannot_be_read_keeps_out() -> None:
    strange = {"BinaryEquals": {"aws:x": "y"}}
    with pytest.raises(UnknownOperator):
        holds(strange, CONTEXT)
    assert not allowed((policy(says("Allow")), policy(says("Deny", Condition=strange))))


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "[]",
        "{}",
        policy({"Effect": "Maybe", "Action": "*", "Resource": "*"}),
        policy({"Effect": "Allow", "Resource": "*"}),
        policy({"Effect": "Allow", "Action": "*", "NotAction": "*", "Resource": "*"}),
    ],
)
def test_what_is_no_policy(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - json's own error is one
        read_policy(text)


# --- laws

ALLOW, DENY, OTHER = policy(says("Allow")), policy(says("Deny")), policy(says("Allow", "sqs:*"))
KINDS = st.sampled_from([ALLOW, DENY, OTHER])


@given(st.lists(KINDS, max_size=3), st.none() | KINDS, st.none() | st.lists(KINDS, max_size=2))
def test_the_order_of_evaluation(
    identity: list[str], boundary: str | None, session: list[str] | None
) -> None:
    """Denied if anything denies; else allowed if each kind that there is allows."""
    more = {
        "boundary": None if boundary is None else read_policy(boundary),
        "session": None if session is None else tuple(map(read_policy, session)),
    }
    kinds = [identity, *([] if boundary is None else [[boundary]]), *([] if session is None else [session])]
    wanted = all(ALLOW in kind for kind in kinds) and DENY not in itertools.chain(*kinds)
    assert allowed(tuple(identity), **more) is wanted


@pytest.mark.parametrize(
    ("policies", "why"),
    [
        (Policies(()), "because no identity-based policy allows the ec2:CreateTags action"),
        (Policies((read_policy(DENY),)), "with an explicit deny in an identity-based policy"),
        (
            Policies((read_policy(ALLOW),), read_policy(OTHER)),
            "because no permissions boundary allows the ec2:CreateTags action",
        ),
        (
            Policies((read_policy(ALLOW),), None, (read_policy(OTHER),)),
            "because no session policy allows the ec2:CreateTags action",
        ),
        (
            Policies((read_policy(ALLOW),), None, (read_policy(DENY),)),
            "with an explicit deny in a session policy",
        ),
    ],
)
def test_the_words_of_a_refusal(policies: Policies, why: str) -> None:
    assert refusal_of(policies, RIGHT, CONTEXT) == why


def test_a_resource_s_own_policy_lets_in_and_keeps_out() -> None:
    def asked(effect: str, who: str, identity: tuple[str, ...] = ()) -> str | None:
        own = read_policy(policy({**says(effect), "Principal": {"AWS": who}}))
        held = Policies(tuple(map(read_policy, identity)))
        return refusal_of(held, RIGHT, CONTEXT, own, names=("arn:aws:iam::1:user/a", "1"))

    assert asked("Allow", "arn:aws:iam::1:user/a") is None
    assert asked("Allow", "*") is None
    assert asked("Allow", "arn:aws:iam::1:user/b") is not None
    assert asked("Deny", "1", (ALLOW,)) == "with an explicit deny in a resource-based policy"
