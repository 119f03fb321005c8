"""A session with keys of nobody, its clients stubbed: nothing leaves the process."""

from collections.abc import Callable, Iterator

import boto3
import pytest
from botocore.stub import Stubber

from twinwall.aws.clients import AwsSession
from twinwall.ec2.faults import Place


class StillClock:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 1_700_000_000.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.seconds

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        self.slept.append(seconds)


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


PLACE = Place(side="target", profile="prod", region="eu-west-1")


@pytest.fixture(scope="session")
def shared_session() -> AwsSession:
    """Making an EC2 client takes a while; these are made once."""
    nobody = boto3.Session(aws_access_key_id="NOBODY", aws_secret_access_key="no", region_name="eu-west-1")
    return AwsSession(nobody, PLACE, "http://127.0.0.1:9")


@pytest.fixture
def session(shared_session: AwsSession) -> AwsSession:
    fresh = AwsSession(shared_session._session, PLACE, "http://127.0.0.1:9")
    fresh._clients = shared_session._clients
    return fresh


@pytest.fixture
def stub() -> Iterator[Callable[..., Stubber]]:
    """``stub(client)`` → a Stubber that is active, and must have been used up at the end of the test."""
    stubbers: list[Stubber] = []

    def activate(client: object) -> Stubber:
        stubber = Stubber(client)
        stubber.activate()
        stubbers.append(stubber)
        return stubber

    yield activate
    for stubber in stubbers:
        stubber.deactivate()
    for stubber in stubbers:
        stubber.assert_no_pending_responses()
