"""``Account`` on AWS: who the credentials are, what the account may hold, when the credentials end."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime
from threading import Lock
from typing import Any

from twinwall.aws.clients import AwsSession
from twinwall.aws.faults import faults
from twinwall.boundary import Identity
from twinwall.ec2.calls import Output
from twinwall.ec2.codes import QUOTA_CODES
from twinwall.ec2.request_buckets import read_buckets
from twinwall.errors import AwsError, NotFound
from twinwall.model.throttle import Bucket
from twinwall.planning.quotas import Quotas


class AwsAccount:
    """One side's account and Region. Quotas are read once."""

    def __init__(self, session: AwsSession) -> None:
        self._session = session
        self._quotas: Quotas | None = None
        self._lock = Lock()

    def identity(self) -> Identity:
        return self._session.identity()

    def expires_at(self) -> datetime | None:
        return self._session.expires_at()

    def quotas(self) -> Quotas:
        with self._lock:
            if self._quotas is None:
                self._quotas = self._read_quotas()
            return self._quotas

    def buckets(self, actions: Collection[str]) -> Mapping[str, Bucket]:
        return read_buckets(self._listed, actions)

    def _listed(self, request: Mapping[str, Any]) -> Output:
        with faults("reading EC2's request buckets of", "the account", at=self._session.place):
            return dict(self._session.quotas().list_service_quotas(**request))

    def _read_quotas(self) -> Quotas:
        """The documented defaults, bettered by what may be read. One attempt each; a denial, or a service
        that cannot be reached, ends the asking: the next quota would get the same answer."""
        values: dict[str, int] = {}
        try:
            for field, code in QUOTA_CODES.items():
                value = self._quota(code)
                if value is not None:
                    values[field] = value
        except AwsError:
            pass
        return replace(Quotas(), **values, live=frozenset(values))

    def _quota(self, code: str) -> int | None:
        """The account's own value, else AWS's default: a quota that was never raised may have none of its
        own (``NoSuchResourceException``; API: GetServiceQuota)."""
        client = self._session.quotas()
        for call in (client.get_service_quota, client.get_aws_default_service_quota):
            try:
                return self._ask(call, code)
            except NotFound:
                continue
        return None

    def _ask(self, call: Callable[..., Any], code: str) -> int:
        with faults("reading the quota", code, at=self._session.place):
            return int(call(ServiceCode="vpc", QuotaCode=code)["Quota"]["Value"])
