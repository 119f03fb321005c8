"""The rows of the table, and what a message must and must not hold."""

import pytest
from botocore import exceptions as b
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from twinwall.aws.faults import faults
from twinwall.ec2.faults import Place
from twinwall.errors import (
    AccessDenied,
    AlreadyExists,
    AwsError,
    CredentialsError,
    DependencyViolation,
    NotFound,
    OutcomeUnknown,
    QuotaExceeded,
    Throttled,
    Unavailable,
)

TARGET = Place(side="target", profile="prod", region="eu-west-1")


def client_error(
    code: str, message: str = "so it is", status: int = 400, operation: str = "CreateSecurityGroup"
) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}},
        operation,
    )


def translated(error: Exception, *, mutation: bool = False, at: Place = TARGET) -> AwsError:
    with pytest.raises(AwsError) as raised, faults("creating the group", "web", at=at, mutation=mutation):
        raise error
    assert raised.value.__cause__ is error
    assert "\n" not in str(raised.value)
    return raised.value


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("InvalidGroup.NotFound", NotFound),
        ("InvalidSecurityGroupID.NotFound", NotFound),
        ("InvalidPermission.NotFound", NotFound),
        ("InvalidNetworkAclID.NotFound", NotFound),
        ("InvalidVpcID.NotFound", NotFound),
        ("NoSuchResourceException", NotFound),
        ("InvalidGroup.Duplicate", AlreadyExists),
        ("InvalidPermission.Duplicate", AlreadyExists),
        ("NetworkAclEntryAlreadyExists", AlreadyExists),
        ("DependencyViolation", DependencyViolation),
        ("InvalidGroup.InUse", DependencyViolation),
        ("CannotDelete", DependencyViolation),
        ("RequestLimitExceeded", Throttled),
        ("EC2ThrottledException", Throttled),
        ("Throttling", Throttled),
        ("ConcurrentTagAccess", Unavailable),
        ("UnauthorizedOperation", AccessDenied),
        ("AccessDenied", AccessDenied),
        ("OptInRequired", AccessDenied),
        ("AuthFailure", CredentialsError),
        ("ExpiredToken", CredentialsError),
        ("ExpiredTokenException", CredentialsError),
        ("RequestExpired", CredentialsError),
        ("InvalidClientTokenId", CredentialsError),
        ("SignatureDoesNotMatch", CredentialsError),
        ("RulesPerSecurityGroupLimitExceeded", AwsError),
        ("InvalidParameterValue", AwsError),
    ],
)
def test_each_code_has_its_class(code: str, kind: type[AwsError]) -> None:
    error = translated(client_error(code), mutation=True)
    assert type(error) is kind
    assert error.code == code
    assert not isinstance(error, QuotaExceeded)


def test_a_throttled_mutation_was_not_carried_out_though_its_status_is_503() -> None:
    assert type(translated(client_error("RequestLimitExceeded", status=503), mutation=True)) is Throttled


def test_a_server_fault_leaves_a_mutation_unknown_and_a_read_to_be_repeated() -> None:
    fault = client_error("InternalError", status=500)
    assert type(translated(fault, mutation=True)) is OutcomeUnknown
    assert type(translated(fault)) is Unavailable


def test_a_denial_names_action_side_and_policy_line() -> None:
    message = str(
        translated(client_error("UnauthorizedOperation", "No. Encoded authorization failure message: XYZ"))
    )
    assert message == (
        "creating the group web (target): the credentials of the target may not call ec2:CreateSecurityGroup; "
        'way out: add "Action": "ec2:CreateSecurityGroup" to their policy '
        "(`twinwall permissions COMMAND` prints all of it)"
    )


def test_a_denial_of_another_service_names_that_service() -> None:
    assert '"Action": "sts:AssumeRole"' in str(
        translated(client_error("AccessDenied", operation="AssumeRole"))
    )


def test_an_explicit_deny_is_not_mended_by_another_allow() -> None:
    denied = client_error("UnauthorizedOperation", "with an explicit deny in a service control policy")
    message = str(translated(denied))
    assert "explicitly" in message
    assert '"Action"' not in message


def test_aws_words_are_shown_on_one_line_and_cut() -> None:
    message = str(translated(client_error("InvalidParameterValue", "bad\n  CIDR " + "x" * 1000)))
    assert message.startswith(
        "creating the group web (target): EC2 answered InvalidParameterValue: bad CIDR xxx"
    )
    assert len(message) < 500


@pytest.mark.parametrize(
    "code", ["SignatureDoesNotMatch", "AuthFailure", "ExpiredToken", "InvalidClientTokenId"]
)
def test_answers_about_credentials_are_not_repeated(code: str) -> None:
    assert "SECRET" not in str(translated(client_error(code, "x-amz-security-token:SECRET")))


@pytest.mark.parametrize(
    "error",
    [
        b.EndpointConnectionError(endpoint_url="https://ec2.eu-west-1.amazonaws.com"),
        b.ConnectTimeoutError(endpoint_url="https://ec2.eu-west-1.amazonaws.com"),
        b.ProxyConnectionError(proxy_url="http://proxy"),
        b.SSLError(endpoint_url="https://ec2.eu-west-1.amazonaws.com", error="bad certificate"),
    ],
)
def test_a_call_that_was_never_sent_is_unavailable(error: Exception) -> None:
    assert type(translated(error, mutation=True)) is Unavailable


@pytest.mark.parametrize(
    "error",
    [
        b.ReadTimeoutError(endpoint_url="https://ec2.eu-west-1.amazonaws.com"),
        b.ConnectionClosedError(endpoint_url="https://ec2.eu-west-1.amazonaws.com"),
        b.HTTPClientError(error="reset by peer"),
        ResponseParserError("not XML"),
    ],
)
def test_a_call_without_an_answer_is_unknown_if_it_changes_something(error: Exception) -> None:
    assert type(translated(error, mutation=True)) is OutcomeUnknown
    assert type(translated(error)) is Unavailable


@pytest.mark.parametrize(
    ("error", "way_out"),
    [
        (b.NoCredentialsError(), "--target-profile"),
        (b.PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"), "profile prod"),
        (b.UnauthorizedSSOTokenError(), "aws sso login --profile prod"),
        (b.SSOTokenLoadError(error_msg="none"), "aws sso login --profile prod"),
        (b.TokenRetrievalError(provider="sso", error_msg="expired"), "aws sso login --profile prod"),
        (b.RefreshWithMFAUnsupportedError(), "run again: nothing is lost"),
        (b.CredentialRetrievalError(provider="custom-process", error_msg="hunter2"), "by hand"),
        (b.InvalidConfigError(error_msg="source_profile does not exist"), "configuration file"),
    ],
)
def test_credential_faults_have_a_way_out_and_no_secret(error: Exception, way_out: str) -> None:
    found = translated(error)
    assert type(found) is CredentialsError
    assert way_out in str(found)
    assert "hunter2" not in str(found)


def test_an_sso_session_is_named_where_the_profile_has_one() -> None:
    at = Place(side="source", profile="dev", sso_session="corp")
    assert "aws sso login --sso-session corp" in str(translated(b.UnauthorizedSSOTokenError(), at=at))


def test_what_is_not_botocores_passes_through() -> None:
    with pytest.raises(ZeroDivisionError), faults("doing", "that"):
        raise ZeroDivisionError


def test_a_role_that_cannot_be_assumed_names_all_that_sts_answers_alike() -> None:
    message = str(translated(client_error("AccessDenied", "not authorized", operation="AssumeRole")))
    for reason in (
        "role exists",
        "trust policy",
        "--target-external-id",
        "MFA",
        '"Action": "sts:AssumeRole"',
    ):
        assert reason in message


def test_a_wrong_code_is_told_as_such() -> None:
    words = "MultiFactorAuthentication failed with invalid MFA one time pass code. "
    error = translated(client_error("AccessDenied", words, operation="AssumeRole"))
    assert type(error) is CredentialsError
    assert "each is good once" in str(error)
