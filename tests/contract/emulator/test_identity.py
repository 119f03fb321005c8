"""Probes of who may come in: keys, signatures, sessions, roles, MFA, browsers (aws-facts 9.3; issue 3)."""

import http.client
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from twinwall.emulator.credentials import AccessKey
from twinwall.emulator.server import EmbeddedAws

ONE, TWO = "210000000001", "210000000002"


def session_key(credentials: dict[str, Any]) -> AccessKey:
    return AccessKey(credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"])


def assume(sts: Any, role: str, **more: Any) -> AccessKey:
    answer = sts.assume_role(RoleArn=role, RoleSessionName="test", **more)
    return session_key(answer["Credentials"])


def test_each_account_has_its_keys(client: Any) -> None:
    """emulators.md: no account mixing across keys."""
    for account in (ONE, TWO):
        who = client("sts", account=account).get_caller_identity()
        assert (who["Account"], who["Arn"]) == (account, f"arn:aws:iam::{account}:user/twinwall")


@pytest.mark.parametrize(
    ("service", "method", "code"),
    [
        ("ec2", "describe_security_groups", "AuthFailure"),
        ("sts", "get_caller_identity", "InvalidClientTokenId"),
        ("dynamodb", "list_tables", "UnrecognizedClientException"),
    ],
)
def test_unknown_keys(client: Any, refuses: Any, service: str, method: str, code: str) -> None:
    """ERR; each protocol has its own words."""
    with refuses(code):
        getattr(client(service, key=AccessKey("AKIAAAAAAAAAAAAAAAAA", "wrong")), method)()


@pytest.mark.parametrize(
    ("service", "method"), [("ec2", "describe_security_groups"), ("sts", "get_caller_identity")]
)
def test_a_wrong_secret(aws: EmbeddedAws, client: Any, refuses: Any, service: str, method: str) -> None:
    """Signatures are recomputed (issue 3)."""
    wrong = AccessKey(aws.credentials(ONE).id, "wrong")
    with refuses("SignatureDoesNotMatch"):
        getattr(client(service, key=wrong), method)()


def test_a_key_that_iam_made(client: Any) -> None:
    """IAM is moto's; its keys are good here."""
    iam = client("iam")
    iam.create_user(UserName="bob")
    made = iam.create_access_key(UserName="bob")["AccessKey"]
    key = AccessKey(made["AccessKeyId"], made["SecretAccessKey"])
    assert client("sts", key=key).get_caller_identity()["Arn"] == f"arn:aws:iam::{ONE}:user/bob"


# --- roles


def test_assume_role(aws: EmbeddedAws, client: Any) -> None:
    """emulators.md: another account, separate EC2 state."""
    role = aws.add_role(TWO, "admin", [ONE])
    key = assume(client("sts"), role)
    who = client("sts", key=key).get_caller_identity()
    assert (who["Account"], who["Arn"]) == (TWO, f"arn:aws:sts::{TWO}:assumed-role/admin/test")
    theirs = client("ec2", key=key).describe_vpcs()["Vpcs"]
    assert theirs == client("ec2", account=TWO).describe_vpcs()["Vpcs"]


def test_roles_that_cannot_be_assumed(aws: EmbeddedAws, client: Any, refuses: Any) -> None:
    """emulators.md: a missing role; one that trusts others; a wrong external id."""
    sts = client("sts")
    missing = f"arn:aws:iam::{TWO}:role/missing"
    others = aws.add_role(TWO, "others", ["999999999999"])
    guarded = aws.add_role(TWO, "guarded", [ONE], external_id="secret-1")
    for role, more in ((missing, {}), (others, {}), (guarded, {}), (guarded, {"ExternalId": "secret-2"})):
        with refuses("AccessDenied"):
            assume(sts, role, **more)
    assert assume(sts, guarded, ExternalId="secret-1").token


def test_a_role_that_iam_holds(client: Any, refuses: Any) -> None:
    """Its trust policy is read."""
    trust = {
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"AWS": f"arn:aws:iam::{ONE}:root"},
                "Condition": {"StringEquals": {"sts:ExternalId": "x-1"}},
            }
        ]
    }
    made = client("iam", account=TWO).create_role(RoleName="api", AssumeRolePolicyDocument=json.dumps(trust))
    role = made["Role"]["Arn"]
    assert assume(client("sts"), role, ExternalId="x-1").token
    with refuses("AccessDenied"):
        assume(client("sts"), role)
    with refuses("AccessDenied"):
        assume(client("sts", account=TWO), role, ExternalId="x-1")


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"DurationSeconds": 899}, "ValidationError"),
        ({"DurationSeconds": 43201}, "ValidationError"),
        ({"DurationSeconds": 7200}, "ValidationError"),
        ({"RoleSessionName": "a b"}, "ValidationError"),
    ],
)
def test_wrong_requests(aws: EmbeddedAws, client: Any, refuses: Any, more: dict[str, Any], code: str) -> None:
    """aws-facts 9.3: 900 to 43200 and at most the role's maximum; 2 to 64 characters."""
    role = aws.add_role(TWO, "admin", [ONE])
    with refuses(code):
        client("sts").assume_role(**{"RoleArn": role, "RoleSessionName": "test", **more})


def test_role_chaining_lasts_an_hour(aws: EmbeddedAws, client: Any, refuses: Any) -> None:
    """aws-facts 9.3."""
    first = aws.add_role(TWO, "first", [ONE])
    second = aws.add_role(TWO, "second", [TWO], max_duration=43200)
    sts = client("sts", key=assume(client("sts"), first))
    with refuses("ValidationError"):
        assume(sts, second, DurationSeconds=3601)
    assert assume(sts, second).token


# --- MFA


def test_mfa(aws: EmbeddedAws, client: Any, refuses: Any) -> None:
    """A code is good once, for its own user, with its own serial."""
    serial = f"arn:aws:iam::{ONE}:mfa/twinwall"
    aws.add_mfa_device(ONE, "twinwall", serial, ["111111", "222222"])
    role = aws.add_role(TWO, "guarded", [ONE], mfa=True)
    sts = client("sts")
    with refuses("AccessDenied"):
        assume(sts, role)
    with refuses("AccessDenied"):
        assume(sts, role, SerialNumber=serial, TokenCode="999999")
    with refuses("AccessDenied"):
        assume(client("sts", account=TWO), role, SerialNumber=serial, TokenCode="111111")
    assert assume(sts, role, SerialNumber=serial, TokenCode="111111").token
    with refuses("AccessDenied"):
        assume(sts, role, SerialNumber=serial, TokenCode="111111")
    answer = sts.get_session_token(SerialNumber=serial, TokenCode="222222")
    assert assume(client("sts", key=session_key(answer["Credentials"])), role).token


def test_a_session_without_a_code_is_none_with_mfa(aws: EmbeddedAws, client: Any, refuses: Any) -> None:
    """aws:MultiFactorAuthPresent."""
    role = aws.add_role(TWO, "guarded", [ONE], mfa=True)
    key = session_key(client("sts").get_session_token()["Credentials"])
    with refuses("AccessDenied"):
        assume(client("sts", key=key), role)
    with refuses("AccessDenied"):
        client("sts", key=key).get_session_token()


# --- expiry


@pytest.mark.parametrize(
    ("service", "method", "code"),
    [
        ("ec2", "describe_security_groups", "RequestExpired"),
        ("sts", "get_caller_identity", "ExpiredToken"),
        ("dynamodb", "list_tables", "ExpiredTokenException"),
    ],
)
def test_expired_sessions(
    aws: EmbeddedAws, client: Any, refuses: Any, service: str, method: str, code: str
) -> None:
    """aws-facts 3.5; each protocol in its own words."""
    key = assume(client("sts"), aws.add_role(TWO, "admin", [ONE]))
    wanted = client(service, key=key)
    getattr(wanted, method)()
    aws.expire_sessions()
    with refuses(code):
        getattr(wanted, method)()


def test_a_session_with_another_token(aws: EmbeddedAws, client: Any, refuses: Any) -> None:
    """The token belongs to the key."""
    key = assume(client("sts"), aws.add_role(TWO, "admin", [ONE]))
    for token in ("", "wrong"):
        with refuses("AuthFailure"):
            client("ec2", key=AccessKey(key.id, key.secret, token)).describe_vpcs()


def test_a_clock_that_is_off(refuses: Any) -> None:
    """aws-facts 3.5: RequestExpired beyond 15 minutes."""
    import boto3

    with EmbeddedAws(["230000000001"], now=lambda: datetime.now(UTC) + timedelta(minutes=16)) as late:
        key = late.credentials("230000000001")
        ec2 = boto3.client(
            "ec2",
            "eu-west-1",
            endpoint_url=late.endpoint,
            aws_access_key_id=key.id,
            aws_secret_access_key=key.secret,
        )
        with refuses("RequestExpired"):
            ec2.describe_vpcs()


# --- denied, SSO


def test_denials(aws: EmbeddedAws, client: Any, ec2: Any, vpc: str, refuses: Any) -> None:
    """aws-facts 1.1: UnauthorizedOperation; by key, by role, by account."""
    aws.deny(aws.credentials(ONE).id, "CreateSecurityGroup")
    with refuses("UnauthorizedOperation"):
        ec2.create_security_group(GroupName="w", Description="d", VpcId=vpc)
    ec2.describe_security_groups()
    role = aws.add_role(TWO, "reader", [ONE])
    key = assume(client("sts"), role)
    aws.deny(role, "ec2:Create*")
    with refuses("UnauthorizedOperation"):
        client("ec2", key=key).create_network_acl(VpcId="vpc-1")
    client("ec2", account=TWO).create_vpc(CidrBlock="10.0.0.0/16")
    aws.deny(ONE, "sts:AssumeRole")
    with refuses("AccessDenied"):
        assume(client("sts"), role)
    aws.no_trouble()
    assume(client("sts"), role)


def test_sso_role_credentials(aws: EmbeddedAws, client: Any, refuses: Any) -> None:
    """The portal gives a session for a token that it knows, and refuses any other."""
    aws.add_sso_token("cached-token", TWO, "Admin")
    portal = client("sso")
    asked = {"roleName": "Admin", "accountId": TWO}
    given = portal.get_role_credentials(accessToken="cached-token", **asked)["roleCredentials"]
    key = AccessKey(given["accessKeyId"], given["secretAccessKey"], given["sessionToken"])
    assert client("sts", key=key).get_caller_identity()["Account"] == TWO
    with refuses("UnauthorizedException"):
        portal.get_role_credentials(accessToken="expired", **asked)


# --- the door


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:1"}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1.evil.example:80"}, 403),
        ({"Origin": "http://127.0.0.1"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 403),
    ],
)
def test_no_browsers_and_loopback_only(aws: EmbeddedAws, headers: dict[str, str], status: int) -> None:
    """Issue 3, part 3; any port, for a counting proxy may stand before it."""
    connection = http.client.HTTPConnection(urlsplit(aws.endpoint).netloc)
    connection.request("GET", "/_twinwall/counts", headers=headers)
    assert connection.getresponse().status == status
    connection.close()


def test_an_unsigned_request(aws: EmbeddedAws) -> None:
    """Refused, in XML or JSON."""
    connection = http.client.HTTPConnection(urlsplit(aws.endpoint).netloc)
    connection.request(
        "POST",
        "/",
        b"Action=DescribeVpcs&Version=2016-11-15",
        {"Content-Type": "application/x-www-form-urlencoded"},
    )
    answer = connection.getresponse()
    assert (answer.status, b"MissingAuthenticationToken" in answer.read()) == (403, True)
    connection.close()


def test_a_trust_policy_is_read_whole(client: Any, refuses: Any) -> None:
    """Several statements, wildcards, session names; a Deny comes first."""
    user = f"arn:aws:iam::{ONE}:user/twinwall"
    like = {"StringLike": {"sts:ExternalId": "deploy-*"}}
    trust = {
        "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}},
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": [user]}, "Condition": like},
            {
                "Effect": "Deny",
                "Action": "sts:*",
                "Principal": "*",
                "Condition": {"StringEquals": {"sts:RoleSessionName": "root"}},
            },
        ]
    }
    made = client("iam", account=TWO).create_role(RoleName="api", AssumeRolePolicyDocument=json.dumps(trust))
    role, sts = made["Role"]["Arn"], client("sts")
    assert assume(sts, role, ExternalId="deploy-1").token
    with refuses("AccessDenied"):
        assume(sts, role, ExternalId="other")
    with refuses("AccessDenied"):
        sts.assume_role(RoleArn=role, RoleSessionName="root", ExternalId="deploy-1")
