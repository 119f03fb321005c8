"""Service Quotas for the services ``vpc`` (aws-facts 1.7) and ``ec2``. Not EC2: JSON, and exceptions by name.

Of ``ec2`` there are the request buckets alone, two quotas an action. Their names are as people quote them from AWS's
console; of their codes none is documented, so those told here are made up.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from twinwall.emulator.refusal import refuse
from twinwall.emulator.rulebook.filters import page
from twinwall.emulator.state import Call, partition
from twinwall.emulator.switches import QUOTAS
from twinwall.model.throttle import CAPACITY_NAME, REFILL_NAME, bucket_of

SERVICES = {
    "vpc": "Amazon Virtual Private Cloud (Amazon VPC)",
    "ec2": "Amazon Elastic Compute Cloud (Amazon EC2)",
}
PAGE = 100
"""The most, and what one gets without asking (API: ListServiceQuotas, MaxResults)."""


@dataclass(frozen=True)
class _Quota:
    code: str
    name: str
    documented: float
    own: float

    def shape(self, call: Call, *, default: bool) -> dict[str, Any]:
        """API: ServiceQuota."""
        service = str(call.params["ServiceCode"])
        place = f"{call.region}:{call.account}:{service}"
        return {
            "ServiceCode": service,
            "ServiceName": SERVICES[service],
            "QuotaArn": f"arn:{partition(call.region)}:servicequotas:{place}/{self.code}",
            "QuotaCode": self.code,
            "QuotaName": self.name,
            "Value": self.documented if default else self.own,
            "Unit": "None",
            "Adjustable": True,
            "GlobalQuota": False,
        }


def _get(call: Call, actions: Iterable[str], *, default: bool) -> dict[str, Any]:
    found = next((it for it in _all(call, actions) if it.code == call.params.get("QuotaCode")), None)
    if found is None:
        refuse("NoSuchResourceException", "The request failed because the specified quota does not exist.")
    return {"Quota": found.shape(call, default=default)}


def _listed(call: Call, actions: Iterable[str], *, default: bool) -> dict[str, Any]:
    params = {"MaxResults": PAGE, **call.params}
    found = list(_all(call, actions))
    return page(found, params, "Quotas", lambda it: it.shape(call, default=default), least=1, most=PAGE)


ACTIONS: Mapping[str, Callable[[Call, Iterable[str]], dict[str, Any]]] = {
    "GetServiceQuota": lambda call, actions: _get(call, actions, default=False),
    "GetAWSDefaultServiceQuota": lambda call, actions: _get(call, actions, default=True),
    "ListServiceQuotas": lambda call, actions: _listed(call, actions, default=False),
    "ListAWSDefaultServiceQuotas": lambda call, actions: _listed(call, actions, default=True),
}
"""Asked with EC2's operations, of which each has a bucket."""


def _all(call: Call, actions: Iterable[str]) -> Iterable[_Quota]:
    if call.params.get("ServiceCode") == "ec2":
        return (quota for action in actions for quota in _of_bucket(call, action))
    if call.params.get("ServiceCode") == "vpc":
        return (_Quota(code, name, value, call.quota(code)) for code, (name, value) in QUOTAS.items())
    return ()


def _of_bucket(call: Call, action: str) -> Iterable[_Quota]:
    usual, own = bucket_of(action), call.world.bucket(call.account, call.region, action)
    for name, documented, applied in (
        (CAPACITY_NAME.format(action), usual.capacity, own.capacity),
        (REFILL_NAME.format(action), usual.refill, own.refill),
    ):
        code = hashlib.sha256(name.encode()).hexdigest()[:8].upper()
        yield _Quota(f"L-{code}", name, float(documented), float(applied))
