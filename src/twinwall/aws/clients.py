"""A side's session: one client per use, made on first use, and who the credentials are.

Two EC2 clients. The reader's calls may be repeated by botocore (they change nothing); the writer's are sent
once, because ``engine`` paces them, wants to see every refusal, and decides itself what an answer that never
came means.
"""

import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
from botocore import xform_name
from botocore.config import Config

from twinwall import __version__
from twinwall.aws.faults import faults
from twinwall.boundary import ANSWER_SECONDS, CONNECT_SECONDS, Identity
from twinwall.ec2.faults import Place, short
from twinwall.errors import ConfigError

if TYPE_CHECKING:
    from types_boto3_ec2.client import EC2Client
    from types_boto3_service_quotas.client import ServiceQuotasClient
    from types_boto3_sts.client import STSClient

_CONNECTIONS = 32


def client_config(attempts: int) -> Config:
    return Config(
        retries={"mode": "standard", "total_max_attempts": attempts},
        connect_timeout=CONNECT_SECONDS,
        read_timeout=ANSWER_SECONDS,
        max_pool_connections=_CONNECTIONS,
        user_agent_extra=f"twinwall/{__version__}",
    )


def at_endpoint(make: Callable[[], Any], side: str) -> Any:
    """The client that ``make`` makes. Raises ``ConfigError`` for an endpoint that is no URL of http or https, wherever
    it was said."""
    try:
        client = make()
        endpoint = str(client.meta.endpoint_url)
        if urlsplit(endpoint).scheme in ("http", "https"):
            return client
        found = repr(endpoint)
    except ValueError as wrong:  # botocore's: "Invalid endpoint: …"
        found = short(str(wrong))
    raise ConfigError(
        f"resolving the endpoint of the {side}: {found} is not one; way out: a URL such as http://127.0.0.1:4566 in "
        "--endpoint-url, AWS_ENDPOINT_URL or the profile's endpoint_url, or none of them for AWS's own"
    ) from None


class AwsSession:
    """One side's credentials, Region and endpoint. Safe to use from several threads."""

    def __init__(
        self,
        session: boto3.Session,
        place: Place,
        endpoint_url: str | None = None,
        ends: datetime | None = None,
    ) -> None:
        self.place = place
        self._session = session
        self._endpoint_url = endpoint_url
        self._ends = ends
        self._clients: dict[str, Any] = {}
        self._identity: Identity | None = None
        self._lock = threading.RLock()

    @property
    def region(self) -> str:
        return self._session.region_name

    def expires_at(self) -> datetime | None:
        return self._ends

    def reading(self) -> "EC2Client":
        client: EC2Client = self._client("reading", "ec2", 8)
        return client

    def writing(self) -> "EC2Client":
        client: EC2Client = self._client("writing", "ec2", 1)
        return client

    def quotas(self) -> "ServiceQuotasClient":
        client: ServiceQuotasClient = self._client("quotas", "service-quotas", 1)
        return client

    # --- ec2.calls.Ec2

    def ask(self, action: str, request: Mapping[str, Any], doing: str, thing: str) -> dict[str, Any]:
        with faults(doing, thing, at=self.place):
            answer: dict[str, Any] = getattr(self.reading(), xform_name(action))(**request)
        return answer

    def send(self, action: str, request: Mapping[str, Any], doing: str, thing: str) -> dict[str, Any]:
        with faults(doing, thing, at=self.place, mutation=True):
            answer: dict[str, Any] = getattr(self.writing(), xform_name(action))(**request)
        return answer

    def identity(self) -> Identity:
        """STS GetCallerIdentity, asked once."""
        with self._lock:
            if self._identity is None:
                self._identity = self._ask_identity()
            return self._identity

    def _ask_identity(self) -> Identity:
        sts: STSClient = self._client("identity", "sts", 3)
        with faults("looking up the account of", f"the {self.place.side}", at=self.place):
            answer = sts.get_caller_identity()
        return Identity(
            account=answer["Account"],
            arn=answer["Arn"],
            region=self.region,
            endpoint=self.reading().meta.endpoint_url,
        )

    def _client(self, use: str, service: str, attempts: int) -> Any:
        """Sessions are not safe for threads, clients are: they are made under the lock."""
        make: Callable[..., Any] = self._session.client
        with self._lock:
            if use not in self._clients:
                with faults(f"making the {service} client of", f"the {self.place.side}", at=self.place):
                    self._clients[use] = at_endpoint(
                        partial(
                            make, service, endpoint_url=self._endpoint_url, config=client_config(attempts)
                        ),
                        self.place.side,
                    )
            return self._clients[use]
