"""The policies as IAM reads them. That no call of the doors is missing: tests/unit/aws/test_permissions.py."""

import json
import subprocess
import sys

import pytest

from twinwall.documents.permissions import ALL_CALLS, COMMANDS, Scope, assume_role_policy, permissions
from twinwall.errors import ConfigError

SCOPE = Scope("eu-west-1", "111122223333", "vpc-1")


def actions(policy: dict[str, object]) -> set[str]:
    return {action for statement in policy["Statement"] for action in statement["Action"]}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_policy_is_one_that_iam_takes(command: str) -> None:
    for policy in permissions(command, {"source": SCOPE, "target": SCOPE, "at": SCOPE}).values():
        assert policy["Version"] == "2012-10-17"
        sids = [statement["Sid"] for statement in policy["Statement"]]
        assert len(sids) == len(set(sids))
        assert all(sid.isalnum() for sid in sids)
        assert actions(policy) <= ALL_CALLS
        assert len(json.dumps(policy, separators=(",", ":"))) <= 6144  # a managed policy's limit
        assert all(action != "*" for action in actions(policy))


@pytest.mark.parametrize(
    ("command", "sides"),
    [
        ("snapshot", {"source"}),
        ("plan", {"source", "target"}),
        ("apply", {"target"}),
        ("migrate", {"source", "target"}),
        ("verify", {"source", "target"}),
        ("lint", {"at"}),
    ],
)
def test_a_policy_for_each_side_the_command_has(command: str, sides: set[str]) -> None:
    assert set(permissions(command)) == sides


def test_only_the_target_of_a_write_is_written() -> None:
    def writes(command: str, side: str) -> bool:
        return any(
            not action.split(":")[1].startswith(("Describe", "Get"))
            for action in actions(permissions(command)[side])
        )

    assert writes("migrate", "target")
    assert writes("apply", "target")
    for command, side in (
        ("migrate", "source"),
        ("plan", "source"),
        ("plan", "target"),
        ("verify", "source"),
        ("verify", "target"),
        ("snapshot", "source"),
    ):
        assert not writes(command, side), (command, side)


def statement(policy: dict[str, object], sid: str) -> dict[str, object]:
    return next(item for item in policy["Statement"] if item["Sid"] == sid)


def test_a_scope_narrows_region_account_and_vpc() -> None:
    policy = permissions("migrate", {"target": SCOPE})["target"]
    assert statement(policy, "Read")["Condition"] == {"StringEquals": {"ec2:Region": "eu-west-1"}}
    assert statement(policy, "CreateGroups")["Resource"] == [
        "arn:aws:ec2:eu-west-1:111122223333:security-group/*",
        "arn:aws:ec2:eu-west-1:111122223333:vpc/vpc-1",
    ]
    assert statement(policy, "WriteRules")["Condition"] == {
        "ArnLike": {"ec2:Vpc": "arn:aws:ec2:eu-west-1:111122223333:vpc/vpc-1"}
    }


def test_tags_go_on_marked_things_or_with_the_mark() -> None:
    policy = permissions("migrate")["target"]
    assert statement(policy, "TagCopies")["Condition"] == {
        "Null": {"aws:ResourceTag/twinwall:source": "false"}
    }
    assert statement(policy, "Mark")["Condition"] == {"Null": {"aws:RequestTag/twinwall:source": "false"}}
    assert statement(policy, "DeleteCopies")["Condition"] == {
        "Null": {"aws:ResourceTag/twinwall:source": "false"}
    }


@pytest.mark.parametrize(
    ("region", "partition"),
    [("", "*"), ("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")],
)
def test_the_partition_is_never_taken_for_granted(region: str, partition: str) -> None:
    assert Scope(region).vpc.split(":")[1] == partition


def test_a_command_without_a_policy_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="migrate"):
        permissions("demo")


def test_assuming_roles_is_the_callers_right() -> None:
    policy = assume_role_policy(["arn:aws:iam::111122223333:role/a"])
    assert policy["Statement"][0]["Resource"] == ["arn:aws:iam::111122223333:role/a"]


def test_it_works_without_the_sdk() -> None:
    code = "import sys, twinwall.documents.permissions; print('boto3' in sys.modules or 'botocore' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
