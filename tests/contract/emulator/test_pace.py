"""Throttle, latency, late and slow calls on the endpoint, and their control over HTTP (issue: throttle and faults).

Buckets are tried at a time scale at which they do not refill in the time of a test, or at once.
"""

import json
import threading
import time
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from twinwall.emulator.pace import Pace
from twinwall.emulator.seed import empty_vpc
from twinwall.emulator.server import EmbeddedAws

ACCOUNT, OTHER, REGION, FAR = "240000000001", "240000000002", "eu-west-1", "us-east-1"
STILL, FAST = 1e-6, 1e6
Json = dict[str, Any]


class Scene:
    def __init__(self, aws: EmbeddedAws, clients: dict[tuple[str, str], Any]) -> None:
        self.aws = aws
        self._clients = clients
        self.vpc = empty_vpc(aws, ACCOUNT, REGION)
        made = self.ec2().create_security_group(GroupName="web", Description="d", VpcId=self.vpc)
        self.group = made["GroupId"]
        self.control("POST", "reset")

    def ec2(self, account: str = ACCOUNT, region: str = REGION) -> Any:
        if (account, region) not in self._clients:
            key = self.aws.credentials(account)
            self._clients[account, region] = boto3.client(
                "ec2",
                region,
                endpoint_url=self.aws.endpoint,
                aws_access_key_id=key.id,
                aws_secret_access_key=key.secret,
                config=Config(retries={"total_max_attempts": 1}),
            )
        return self._clients[account, region]

    def authorize(self, port: int) -> None:
        block = [{"CidrIp": "10.0.0.0/8"}]
        permission = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": block}
        self.ec2().authorize_security_group_ingress(GroupId=self.group, IpPermissions=[permission])

    def ports(self) -> set[int]:
        (found,) = self.ec2().describe_security_groups(GroupIds=[self.group])["SecurityGroups"]
        return {permission["FromPort"] for permission in found["IpPermissions"]}

    def control(self, method: str, what: str, body: Json | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.aws.endpoint}/_twinwall/{what}", data, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[EmbeddedAws, dict[tuple[str, str], Any]]]:
    with EmbeddedAws((ACCOUNT, OTHER), seed=3, pace=Pace(time_scale=STILL)) as aws:
        yield aws, {}


@pytest.fixture
def scene(running: tuple[EmbeddedAws, dict[tuple[str, str], Any]]) -> Iterator[Scene]:
    """The access keys outlive a reset, and so do the clients."""
    running[0].reset()
    found = Scene(*running)
    yield found
    found.control("POST", "throttle", {"on": False, "latency_ms": 0, "time_scale": STILL})


def refusals(call: Any, count: int) -> list[str]:
    codes = []
    for _ in range(count):
        try:
            call()
            codes.append("")
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            codes.append(f"{status} {error.response['Error']['Code']}")
    return codes


def test_the_buckets_of_the_page(scene: Scene) -> None:
    """aws-facts 3.1: unfiltered 50, with a page size 100, each apart; accounts and Regions apart."""
    scene.control("POST", "throttle", {"on": True})
    limit = "503 RequestLimitExceeded"
    assert refusals(scene.ec2().describe_security_groups, 52) == [""] * 50 + [limit] * 2
    assert refusals(lambda: scene.ec2().describe_security_groups(MaxResults=1000), 101).count("") == 100
    for elsewhere in ((OTHER, REGION), (ACCOUNT, FAR)):
        assert refusals(scene.ec2(*elsewhere).describe_security_groups, 1) == [""]
    shown = scene.control("GET", "throttle")
    assert shown["refused"] == [
        {"account": ACCOUNT, "region": REGION, "action": "DescribeSecurityGroups", "count": 3}
    ]
    here = [b for b in shown["buckets"] if (b["account"], b["region"]) == (ACCOUNT, REGION)]
    assert {(b["bucket"], b["capacity"], b["refill"], round(b["tokens"])) for b in here} == {
        ("DescribeSecurityGroups", 100, 20, 0),
        ("DescribeSecurityGroups (unfiltered)", 50, 10, 0),
    }
    scene.control("POST", "reset")
    assert refusals(scene.ec2().describe_security_groups, 1) == [""]


def test_an_account_may_have_buckets_of_its_own(scene: Scene) -> None:
    own = {"action": "DescribeVpcs", "capacity": 3, "refill": 1, "account": ACCOUNT}
    scene.control("POST", "throttle", {"on": True})
    assert refusals(scene.ec2().describe_vpcs, 100) == [""] * 100
    scene.control("POST", "throttle", {"own": [own]})
    limit = "503 RequestLimitExceeded"
    assert refusals(scene.ec2().describe_vpcs, 4) == [""] * 3 + [limit]
    assert refusals(scene.ec2(OTHER).describe_vpcs, 5) == [""] * 5
    scene.control("POST", "throttle", {"own": [{**own, "account": "*", "capacity": 5}]})
    assert refusals(scene.ec2(OTHER).describe_vpcs, 6) == [""] * 5 + [limit]


@pytest.mark.parametrize(
    "own",
    [
        {},
        "CreateTags",
        [{"action": "CreateTags", "capacity": 0, "refill": 1}],
        [{"action": "CreateTags", "capacity": 1, "refill": 0}],
        [{"capacity": 1, "refill": 1}],
        [{"action": 7, "capacity": 1, "refill": 1}],
        [{"action": "CreateTags", "capacity": True, "refill": 1}],
        [{"action": "CreateTags", "capacity": 1, "refill": 1, "bucket": 1}],
        ["CreateTags"],
    ],
)
def test_no_bucket_of_that_kind(scene: Scene, own: Any) -> None:
    with pytest.raises(HTTPError, match="400"):
        scene.control("POST", "throttle", {"own": own})


def test_the_time_scale_refills(scene: Scene) -> None:
    scene.control("POST", "throttle", {"on": True})
    assert "503 RequestLimitExceeded" in refusals(scene.ec2().describe_security_groups, 51)
    scene.control("POST", "throttle", {"time_scale": FAST})
    assert refusals(scene.ec2().describe_security_groups, 3) == [""] * 3


def test_latency(scene: Scene) -> None:
    scene.ports()
    scene.control("POST", "throttle", {"latency_ms": 200, "time_scale": 1})
    started = time.monotonic()
    scene.ports()
    assert time.monotonic() - started >= 0.2


def test_faults_over_http(scene: Scene) -> None:
    scene.control("POST", "faults", {"faults": ["AuthorizeSecurityGroupIngress:2=503:InternalError"]})
    scene.authorize(1)
    assert [fault["code"] for fault in scene.control("GET", "faults")] == ["InternalError"]
    with pytest.raises(ClientError, match="InternalError"):
        scene.authorize(2)
    assert scene.control("GET", "faults") == []
    scene.authorize(2)
    scene.control("POST", "faults", {"faults": [f"*@{REGION}:1+=unreachable"]})
    with pytest.raises(ConnectionClosedError):
        scene.ports()
    scene.ec2(ACCOUNT, FAR).describe_security_groups()
    assert scene.control("DELETE", "faults") == []
    assert scene.ports() == {1, 2}


def test_a_late_call_comes_after_its_client_gave_up(scene: Scene) -> None:
    scene.control("POST", "throttle", {"time_scale": 100})
    scene.control("POST", "faults", {"faults": ["AuthorizeSecurityGroupIngress=late:20"]})
    with pytest.raises(ConnectionClosedError):
        scene.authorize(1)
    assert scene.ports() == set()
    deadline = time.monotonic() + 10
    while scene.ports() != {1} and time.monotonic() < deadline:
        time.sleep(0.02)
    assert scene.ports() == {1}


def test_the_clock_leaps_ahead(scene: Scene) -> None:
    """With the buckets, and with calls that are on their way."""
    scene.control("POST", "faults", {"faults": ["AuthorizeSecurityGroupIngress=late:20"]})
    with pytest.raises(ConnectionClosedError):
        scene.authorize(1)
    scene.control("POST", "advance", {"seconds": 19})
    assert scene.ports() == set()
    scene.control("POST", "advance", {"seconds": 1})
    assert scene.aws.pace.agenda.settled()
    assert scene.ports() == {1}


def test_a_slow_call_is_answered_late_and_holds_nobody_up(scene: Scene) -> None:
    scene.control("POST", "throttle", {"time_scale": 10})
    scene.control("POST", "faults", {"faults": ["AuthorizeSecurityGroupIngress=slow:8"]})
    scene.ports()
    slow = threading.Thread(target=scene.authorize, args=(1,))
    started = time.monotonic()
    slow.start()
    while scene.ports() != {1} and time.monotonic() - started < 5:
        time.sleep(0.01)
    seen = slow.is_alive()
    slow.join()
    assert seen, "others saw it done before its client heard of it"
    assert time.monotonic() - started >= 0.8


@pytest.mark.parametrize(
    ("method", "what", "body", "status"),
    [
        ("GET", "nothing", None, 404),
        ("PUT", "counts", None, 404),
        ("POST", "faults", {"faults": ["nonsense"]}, 400),
        ("POST", "faults", {"faults": "A=drop"}, 400),
        ("POST", "throttle", {"time_scale": 0}, 400),
        ("POST", "throttle", {"on": "yes"}, 400),
        ("POST", "throttle", {"speed": 1}, 400),
        ("POST", "throttle", {"latency_ms": -1}, 400),
        ("POST", "advance", {"seconds": -1}, 400),
        ("POST", "advance", {}, 400),
    ],
)
def test_controls_that_are_none(scene: Scene, method: str, what: str, body: Json | None, status: int) -> None:
    """Refused with a message, and nothing is changed."""
    before = scene.control("GET", "throttle")
    with pytest.raises(HTTPError) as caught:
        scene.control(method, what, body)
    assert caught.value.code == status
    assert json.load(caught.value)["message"]
    caught.value.close()
    assert scene.control("GET", "throttle") == before
    assert scene.control("GET", "faults") == []
