"""A running embedded AWS, new for each test, and boto3 clients that talk to it over HTTP."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from scaling_scene import Scene

from probes.worlds import Emulator, ministack
from twinwall.emulator.credentials import AccessKey
from twinwall.emulator.seed import empty_vpc
from twinwall.emulator.server import EmbeddedAws
from twinwall.emulator.switches import Switches

ONE, TWO = "210000000001", "210000000002"
"""Accounts of these tests alone: two servers of one process must not share any."""
REGION = "eu-west-1"
ONCE = Config(retries={"total_max_attempts": 1}, parameter_validation=False)

Client = Callable[..., Any]
make_client: Client = boto3.client
Refuses = Callable[[str], AbstractContextManager[None]]


@pytest.fixture(scope="session")
def _server() -> Iterator[EmbeddedAws]:
    with EmbeddedAws((ONE, TWO), seed=7) as aws:
        yield aws


@pytest.fixture
def aws(_server: EmbeddedAws) -> EmbeddedAws:
    _server.reset()
    _server.set_switches(Switches(cloudfront_lists=True))
    return _server


@pytest.fixture(scope="session")
def _clients() -> dict[Any, Any]:
    return {}


@pytest.fixture
def client(aws: EmbeddedAws, _clients: dict[Any, Any]) -> Client:
    """``client("ec2", account=TWO, region="us-east-1", key=…)``, never retrying."""

    def make(service: str, account: str = ONE, region: str = REGION, key: AccessKey | None = None) -> Any:
        key = key or aws.credentials(account)
        wanted = (service, region, key, aws.endpoint)
        if wanted not in _clients:
            _clients[wanted] = make_client(
                service,
                region_name=region,
                endpoint_url=aws.endpoint,
                aws_access_key_id=key.id,
                aws_secret_access_key=key.secret,
                aws_session_token=key.token or None,
                config=ONCE,
            )
        return _clients[wanted]

    return make


@pytest.fixture(scope="session")
def _second_opinion() -> Iterator[Emulator]:
    with ministack() as emulator, closing(emulator):
        yield emulator


ANYWHERE = ["server", *(["ministack"] if os.environ.get("TWINWALL_MINISTACK") else [])]
"""``make second-opinion`` asks another emulator as well, where that one answers as AWS does."""


@pytest.fixture(params=ANYWHERE)
def anywhere(request: pytest.FixtureRequest) -> Client:
    """``anywhere("dynamodb")``: the first account's client, of ours or of another emulator."""
    if request.param == "server":
        return request.getfixturevalue("client")
    other: Emulator = request.getfixturevalue("_second_opinion")
    return lambda service: other.client(service, REGION, 0)


@pytest.fixture
def ec2(client: Client) -> Any:
    return client("ec2")


@pytest.fixture
def vpc(aws: EmbeddedAws) -> str:
    return empty_vpc(aws, ONE, REGION, "10.0.0.0/16", subnets=[("10.0.1.0/24", "a", "app-a")])


@pytest.fixture
def vpc6(aws: EmbeddedAws) -> str:
    """One with IPv6."""
    return empty_vpc(aws, ONE, REGION, "10.6.0.0/16", "2001:db8:6::/56", [("10.6.1.0/24", "a", "app-a")])


@pytest.fixture
def scene(aws: EmbeddedAws, client: Client) -> Iterator[Scene]:
    """Auto Scaling, events and queues of account ONE. The server's clock all but stands; ``scene.pass_time``."""
    aws.pace.set_scale(1e-6)
    yield Scene(aws, client, ONE, REGION)
    aws.pace.set_scale(1)


@pytest.fixture
def group(ec2: Any, vpc: str) -> str:
    return str(ec2.create_security_group(GroupName="web", Description="web", VpcId=vpc)["GroupId"])


@pytest.fixture(scope="session")
def refuses() -> Refuses:
    """``with refuses("InvalidGroup.NotFound"): …``"""

    @contextmanager
    def expect(code: str) -> Iterator[None]:
        with pytest.raises(ClientError) as caught:
            yield
        assert caught.value.response["Error"]["Code"] == code, caught.value

    return expect
