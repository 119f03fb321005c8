"""Identity and quotas: each is asked once, and a denial is no trouble."""

from collections.abc import Callable

import pytest
from botocore.stub import Stubber

from twinwall.aws.account import AwsAccount
from twinwall.aws.clients import AwsSession
from twinwall.boundary import Identity
from twinwall.planning.quotas import Quotas

Activate = Callable[[object], Stubber]


@pytest.fixture
def service(session: AwsSession, stub: Activate) -> Stubber:
    return stub(session.quotas())


def value(number: float) -> dict[str, object]:
    return {"Quota": {"Value": number}}


def test_quotas_are_the_accounts_else_awss_and_are_read_once(session: AwsSession, service: Stubber) -> None:
    service.add_response("get_service_quota", value(3000), {"ServiceCode": "vpc", "QuotaCode": "L-E79EC296"})
    service.add_client_error("get_service_quota", "NoSuchResourceException")
    service.add_response(
        "get_aws_default_service_quota", value(75), {"ServiceCode": "vpc", "QuotaCode": "L-0EA8095F"}
    )
    service.add_response("get_service_quota", value(210))
    service.add_client_error("get_service_quota", "NoSuchResourceException")
    service.add_client_error("get_aws_default_service_quota", "NoSuchResourceException")
    account = AwsAccount(session)
    expected = Quotas(
        groups_per_region=3000,
        rules_per_group=75,
        acls_per_vpc=210,
        live=frozenset({"groups_per_region", "rules_per_group", "acls_per_vpc"}),
    )
    assert account.quotas() == expected
    assert account.quotas() == expected


def test_a_denial_leaves_the_documented_defaults_after_one_call(
    session: AwsSession, service: Stubber
) -> None:
    service.add_client_error("get_service_quota", "AccessDeniedException", http_status_code=400)
    assert AwsAccount(session).quotas() == Quotas()


def test_an_unreachable_service_is_no_trouble(session: AwsSession) -> None:
    assert AwsAccount(session).quotas() == Quotas()


def test_the_identity_is_looked_up_once_and_names_the_endpoint(session: AwsSession, stub: Activate) -> None:
    sts = stub(session._client("identity", "sts", 3))
    sts.add_response(
        "get_caller_identity", {"Account": "111122223333", "Arn": "arn:aws:iam::111122223333:user/u"}
    )
    account = AwsAccount(session)
    expected = Identity("111122223333", "arn:aws:iam::111122223333:user/u", "eu-west-1", "http://127.0.0.1:9")
    assert account.identity() == expected
    assert account.identity() == expected


def test_reads_may_be_repeated_and_writes_are_not(session: AwsSession) -> None:
    attempts = {
        name: client.meta.config.retries["total_max_attempts"]
        for name, client in (("read", session.reading()), ("write", session.writing()))
    }
    assert attempts == {"read": 8, "write": 1}
    assert "twinwall/" in session.reading().meta.config.user_agent_extra
    assert (session.reading().meta.config.connect_timeout, session.reading().meta.config.read_timeout) == (
        5,
        30,
    )
