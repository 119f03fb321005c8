"""Faults on demand, counts, starting and stopping."""

import json
import time
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError

from twinwall.emulator.seed import empty_vpc, load_document
from twinwall.emulator.server import EmbeddedAws

ONE, TWO, REGION = "210000000001", "210000000002", "eu-west-1"


def create(ec2: Any, vpc: str, name: str = "web") -> None:
    ec2.create_security_group(GroupName=name, Description="d", VpcId=vpc)


def names(ec2: Any, vpc: str) -> set[str]:
    filters = [{"Name": "vpc-id", "Values": [vpc]}]
    return {g["GroupName"] for g in ec2.describe_security_groups(Filters=filters)["SecurityGroups"]}


def test_a_call_that_fails(aws: EmbeddedAws, ec2: Any, vpc: str, refuses: Any) -> None:
    """Once, and with the status asked for."""
    aws.fail_next("CreateSecurityGroup", "RequestLimitExceeded", "Request limit exceeded.", status=503)
    with refuses("RequestLimitExceeded"):
        create(ec2, vpc)
    assert names(ec2, vpc) == {"default"}
    create(ec2, vpc)


def test_the_third_and_fourth_call_of_one_account(
    aws: EmbeddedAws, client: Any, ec2: Any, vpc: str, refuses: Any
) -> None:
    """``skip``, ``times``, ``account``."""
    aws.fail_next("Create*", "InternalError", status=500, skip=2, times=2, account=ONE)
    theirs = empty_vpc(aws, TWO, REGION)
    for number in range(5):
        create(client("ec2", account=TWO), theirs, f"t{number}")
        if number in (2, 3):
            with refuses("InternalError"):
                create(ec2, vpc, f"g{number}")
        else:
            create(ec2, vpc, f"g{number}")


def test_the_call_that_names_something(aws: EmbeddedAws, ec2: Any, vpc: str, refuses: Any) -> None:
    """``contains``."""
    aws.fail_next("CreateSecurityGroup", "UnauthorizedOperation", status=403, contains="GroupName=bad")
    create(ec2, vpc, "good")
    with refuses("UnauthorizedOperation"):
        create(ec2, vpc, "bad")


@pytest.mark.parametrize(("after", "left"), [(True, {"default", "web"}), (False, {"default"})])
def test_an_answer_that_never_comes(
    aws: EmbeddedAws, ec2: Any, vpc: str, after: bool, left: set[str]
) -> None:
    """Done but the answer is lost, or never carried out: the client cannot tell."""
    aws.fail_next("CreateSecurityGroup", after=after)
    with pytest.raises(ConnectionClosedError) as caught:
        create(ec2, vpc)
    assert "without response" in repr(caught.value.kwargs["error"])
    assert names(ec2, vpc) == left


def test_counts(aws: EmbeddedAws, client: Any, ec2: Any, vpc: str) -> None:
    """Per account, Region and action; over HTTP for other processes."""
    aws.counts.reset()
    create(ec2, vpc)
    names(ec2, vpc)
    client("ec2", account=TWO, region="us-east-1").describe_security_groups()
    assert aws.counts[ONE, REGION, "CreateSecurityGroup"] == 1
    assert aws.counts.by_action() == {"CreateSecurityGroup": 1, "DescribeSecurityGroups": 2}
    assert aws.counts.by_action(account=TWO) == {"DescribeSecurityGroups": 1}
    assert (aws.counts.total(), aws.counts.total("DescribeSecurityGroups")) == (3, 2)
    with urllib.request.urlopen(f"{aws.endpoint}/_twinwall/counts") as answer:
        assert {"account": ONE, "region": REGION, "action": "CreateSecurityGroup", "count": 1} in json.load(
            answer
        )
    urllib.request.urlopen(f"{aws.endpoint}/_twinwall/reset", data=b"").close()
    assert aws.counts.total() == 0


def test_two_servers_of_one_process() -> None:
    """They may not share an account, for moto's state is the process's; a stopped one is gone."""
    with EmbeddedAws(["230000000002"]) as first:
        with pytest.raises(RuntimeError, match="230000000002"):
            EmbeddedAws(["230000000002"]).start()
        with EmbeddedAws(["230000000003"]) as second:
            assert first.endpoint != second.endpoint
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"{first.endpoint}/_twinwall/counts")


def test_start_and_describe_are_quick(aws: EmbeddedAws, ec2: Any, vpc: str) -> None:
    """Start under 3 s (import apart); 1,000 groups read in under 2 s of processor time."""
    started = time.process_time()
    with EmbeddedAws(["230000000004"]):
        assert time.process_time() - started < 3
    groups = [
        {"GroupId": f"sg-{number:08x}", "GroupName": f"g{number}", "Description": "d", "VpcId": vpc}
        for number in range(1000)
    ]
    load_document(aws, ONE, REGION, {"SecurityGroups": groups})
    started = time.process_time()
    assert len(names(ec2, vpc)) == 1001
    assert time.process_time() - started < 2


def test_an_endpoint_that_is_gone() -> None:
    """What a client sees after ``stop``."""
    import boto3

    with EmbeddedAws(["230000000005"]) as aws:
        key = aws.credentials("230000000005")
        endpoint = aws.endpoint
    ec2 = boto3.client(
        "ec2", REGION, endpoint_url=endpoint, aws_access_key_id=key.id, aws_secret_access_key=key.secret
    )
    with pytest.raises(EndpointConnectionError):
        ec2.describe_vpcs()
