"""An account's request buckets, told by Service Quotas among two thousand other quotas, or not told."""

import math
from typing import Any

import pytest

from twinwall.ec2.request_buckets import MOST_PAGES, read_buckets
from twinwall.errors import AccessDenied, AwsError
from twinwall.model.throttle import Bucket

ACTION = "CreateSecurityGroup"
Json = dict[str, Any]


def quota(name: str, value: float, **more: Any) -> Json:
    return {"QuotaName": name, "Value": value, "Unit": "None", **more}


def pair(action: str, capacity: float, refill: float, **more: Any) -> list[Json]:
    return [
        quota(f"{action} request bucket maximum capacity", capacity, **more),
        quota(f"{action} request bucket refill rate", refill, **more),
    ]


class Service:
    """Pages in order; an error in place of a page is raised."""

    def __init__(self, *pages: list[Json] | AwsError) -> None:
        self.pages = pages
        self.asked: list[Json] = []

    def __call__(self, request: Any) -> Json:
        self.asked.append(dict(request))
        number = int(request.get("NextToken", 0))
        page = self.pages[min(number, len(self.pages) - 1)]
        if isinstance(page, AwsError):
            raise page
        last = number == len(self.pages) - 1
        return {"Quotas": page} | ({} if last else {"NextToken": str(number + 1)})


def test_both_figures_are_found_wherever_they_stand() -> None:
    capacity, refill = pair(ACTION, 200, 50)
    other = quota("Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", 5)
    service = Service([other, refill], [other], [*pair("CreateTags", 100, 10.5), capacity])
    found = read_buckets(service, [ACTION, "CreateTags", "CreateNetworkAcl"])
    assert found == {ACTION: Bucket(200, 50), "CreateTags": Bucket(100, 10.5)}
    assert service.asked[0] == {"ServiceCode": "ec2", "MaxResults": 100}
    assert [request.get("NextToken") for request in service.asked] == [None, "1", "2"]


def test_no_page_is_read_once_all_is_found() -> None:
    service = Service(pair(ACTION, 200, 50), AwsError("not to be asked"))
    assert read_buckets(service, [ACTION]) == {ACTION: Bucket(200, 50)}
    assert len(service.asked) == 1


@pytest.mark.parametrize(
    "told",
    [
        pair(ACTION, 0, 5),
        pair(ACTION, 50, 0),
        pair(ACTION, 50, -1),
        pair(ACTION, math.inf, 5),
        pair(ACTION, math.nan, 5),
        pair(ACTION, 50, math.nan),
        pair(ACTION, 50, 5, Period={"PeriodValue": 1, "PeriodUnit": "MINUTE"}),
        pair(ACTION, 50, 5)[:1],
        pair(ACTION, 50, 5)[1:],
        pair(f"{ACTION}s", 50, 5),
        pair(ACTION.lower(), 50, 5),
        pair(f"{ACTION} unfiltered", 50, 5),
        [{"QuotaName": f"{ACTION} request bucket maximum capacity"}, {}],
        [],
    ],
)
def test_what_cannot_be_a_bucket_or_has_another_name_is_none(told: list[Json]) -> None:
    assert read_buckets(Service(told), [ACTION]) == {}


def test_a_period_of_a_second_is_what_is_meant() -> None:
    told = pair(ACTION, 50, 5, Period={"PeriodValue": 1, "PeriodUnit": "SECOND"})
    assert read_buckets(Service(told), [ACTION]) == {ACTION: Bucket(50, 5)}


def test_a_denial_ends_the_asking_and_takes_back_nothing() -> None:
    assert read_buckets(Service(AccessDenied("no")), [ACTION]) == {}
    service = Service(pair(ACTION, 50, 5), AccessDenied("no more"))
    assert read_buckets(service, [ACTION, "CreateTags"]) == {ACTION: Bucket(50, 5)}


def test_pages_without_end_are_left() -> None:
    service = Service(*[[] for _ in range(MOST_PAGES * 2)])
    assert read_buckets(service, [ACTION]) == {}
    assert len(service.asked) == MOST_PAGES
