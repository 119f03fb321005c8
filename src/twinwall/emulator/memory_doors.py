"""One account's Region of ``MemoryAws`` behind the doors, its refusals told as any EC2's (``ec2.faults``)."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from twinwall.boundary import Identity
from twinwall.ec2.calls import Output
from twinwall.ec2.codes import QUOTA_CODES
from twinwall.ec2.faults import Place, Said, Told, answered, lost, not_reached
from twinwall.ec2.request_buckets import read_buckets
from twinwall.emulator.refusal import NoAnswer, Refusal
from twinwall.errors import AwsError
from twinwall.model.throttle import Bucket
from twinwall.planning.quotas import Quotas

if TYPE_CHECKING:
    from twinwall.emulator.memory import MemoryAws

ATTEMPTS = 8
"""How often a read is tried, as ``aws.clients`` has botocore do it; the wait before the nth further attempt is a
random part of 2^(n-1) s, at most 20 (aws-facts 3.4, standard mode)."""
LONGEST_WAIT = 20.0


class MemorySide:
    """``ec2.calls.Ec2`` in memory."""

    def __init__(self, aws: "MemoryAws", account: str, region: str, side: str) -> None:
        self._aws = aws
        self._account = account
        self.region = region
        self.place = Place(side, region=region)

    def identity(self) -> Identity:
        arn = f"arn:aws:iam::{self._account}:user/twinwall"
        return Identity(self._account, arn, self.region, "memory")

    def send(self, action: str, request: Mapping[str, Any], doing: str, thing: str) -> Output:
        return self._once(action, request, doing, thing, mutation=True)

    def ask(self, action: str, request: Mapping[str, Any], doing: str, thing: str) -> Output:
        for attempt in range(ATTEMPTS - 1):
            try:
                return self._once(action, request, doing, thing, mutation=False)
            except AwsError as error:
                if not error.transient:
                    raise
            self._aws.clock.sleep(self._aws.random.random() * min(2.0**attempt, LONGEST_WAIT))
        return self._once(action, request, doing, thing, mutation=False)

    def quota(self, code: str) -> int:
        """One attempt, as ``aws.account``."""
        request = {"ServiceCode": "vpc", "QuotaCode": code}
        answer = self._once("GetServiceQuota", request, "reading the quota", code, mutation=False)
        return int(answer["Quota"]["Value"])

    def quotas(self, request: Mapping[str, Any]) -> Output:
        """A page of ListServiceQuotas; one attempt."""
        doing = "reading EC2's request buckets of"
        return self._once("ListServiceQuotas", request, doing, "the account", mutation=False)

    def _once(
        self, action: str, request: Mapping[str, Any], doing: str, thing: str, *, mutation: bool
    ) -> Output:
        try:
            return dict(self._aws.request(self._account, self.region, action, request))
        except Refusal as refusal:
            said = Said(action, refusal.code, refusal.message, refusal.status)
            raise answered(said, Told(doing, thing, self.place, mutation)) from refusal
        except NoAnswer as silence:
            told = Told(doing, thing, self.place, mutation)
            if silence.sent:
                raise lost("was cut off or could not be read", told) from silence
            raise not_reached("the endpoint in memory", told) from silence


class MemoryAccount:
    """``boundary.Account``. Quotas are read once."""

    def __init__(self, ec2: MemorySide, ends: Callable[[], datetime | None] = lambda: None) -> None:
        self._ec2 = ec2
        self._ends = ends
        self._quotas: Quotas | None = None

    def identity(self) -> Identity:
        return self._ec2.identity()

    def expires_at(self) -> datetime | None:
        return self._ends()

    def quotas(self) -> Quotas:
        if self._quotas is None:
            self._quotas = self._read_quotas()
        return self._quotas

    def buckets(self, actions: Collection[str]) -> Mapping[str, Bucket]:
        return read_buckets(self._ec2.quotas, actions)

    def _read_quotas(self) -> Quotas:
        values: dict[str, int] = {}
        try:
            for field, code in QUOTA_CODES.items():
                values[field] = self._ec2.quota(code)
        except AwsError:
            pass
        return replace(Quotas(), **values, live=frozenset(values))


class MemoryJournal:
    """``boundary.Journal``: what an apply recorded, in order, as (event, fields)."""

    def __init__(self, path: str = "journal in memory") -> None:
        self.path = path
        self.records: list[tuple[str, dict[str, Any]]] = []

    def record(self, event: str, fields: Mapping[str, Any]) -> None:
        self.records.append((event, dict(fields)))

    def record_all(self, events: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        for event, fields in events:
            self.record(event, fields)
