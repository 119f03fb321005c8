"""An account's own request buckets, picked by their names out of all quotas that Service Quotas knows of EC2.

Their codes are documented nowhere (docs/runbook.md), so a name counts only if it is the expected one to the letter, and
a bucket only if both of its figures were found and can be such.
"""

from collections.abc import Callable, Collection, Mapping
from math import isfinite
from typing import Any

from twinwall.ec2.calls import Output
from twinwall.errors import AwsError
from twinwall.model.throttle import CAPACITY_NAME, REFILL_NAME, Bucket

SERVICE, PAGE = "ec2", 100
MOST_PAGES = 60
"""There are some 20 (1,700 quotas of buckets were counted in 2026, and some 200 others); who gets more is led about."""


def read_buckets(ask: Callable[[Mapping[str, Any]], Output], actions: Collection[str]) -> dict[str, Bucket]:
    """``ask``: one call of ListServiceQuotas. Pages are read until all is found. A denial, or a service that cannot be
    reached, ends the asking."""
    wanted = {name.format(action) for action in actions for name in (CAPACITY_NAME, REFILL_NAME)}
    figures: dict[str, float] = {}
    request: dict[str, Any] = {"ServiceCode": SERVICE, "MaxResults": PAGE}
    try:
        for _ in range(MOST_PAGES):
            answer = ask(request)
            figures |= _figures(answer.get("Quotas", ()), wanted)
            if "NextToken" not in answer or wanted <= figures.keys():
                break
            request["NextToken"] = answer["NextToken"]
    except AwsError:
        pass
    return {action: bucket for action in actions if (bucket := _bucket(action, figures))}


def _figures(quotas: Collection[Mapping[str, Any]], wanted: Collection[str]) -> dict[str, float]:
    return {
        quota["QuotaName"]: float(quota["Value"])
        for quota in quotas
        if quota.get("QuotaName") in wanted and "Value" in quota and _each_second(quota)
    }


def _each_second(quota: Mapping[str, Any]) -> bool:
    """A rate is told without its period, or with a second (API: QuotaPeriod)."""
    period = quota.get("Period")
    return not period or (period.get("PeriodValue"), period.get("PeriodUnit")) == (1, "SECOND")


def _bucket(action: str, figures: Mapping[str, float]) -> Bucket | None:
    capacity, refill = (figures.get(name.format(action), 0.0) for name in (CAPACITY_NAME, REFILL_NAME))
    if not (isfinite(capacity) and isfinite(refill) and capacity >= 1 and refill > 0):
        return None
    return Bucket(int(capacity), refill)
