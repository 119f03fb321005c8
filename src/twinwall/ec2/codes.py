"""What EC2's, STS's and Service Quotas' error codes mean to us, and the way out of each: the table that
``faults`` reads.

Sources: aws-facts 3.5 (EC2 ``errors-overview``), 3.4 (throttle codes of botocore's standard mode); STS API
reference, "Common errors".
"""

from typing import NamedTuple

from twinwall.errors import (
    AccessDenied,
    AlreadyExists,
    AwsError,
    CredentialsError,
    DependencyViolation,
    NotFound,
    Throttled,
    Unavailable,
)


class Fault(NamedTuple):
    """``repeat``: AWS's own words may be shown."""

    kind: type[AwsError]
    way_out: str = ""
    repeat: bool = True


_QUOTA = "ask for a higher quota in Service Quotas (service vpc, {}), or make the copy smaller"
_RENEW = "{renew}, then run again: nothing is lost"
_KEYS = "check the access key, the secret key and the session token of {who}"
_CLOCK = "set this machine's clock (it may be at most 15 minutes off), or {renew}; then run again"
_ENABLE = "enable the Region {region} for the account (aws account enable-region), and subscribe to EC2 there"

CODES: dict[str, Fault] = {
    # not allowed
    "UnauthorizedOperation": Fault(AccessDenied, repeat=False),
    "AccessDenied": Fault(AccessDenied, repeat=False),
    "AccessDeniedException": Fault(AccessDenied, repeat=False),
    "OperationNotPermitted": Fault(AccessDenied),
    "ForbiddenException": Fault(AccessDenied, "ask who runs IAM Identity Center for this account and role"),
    "OptInRequired": Fault(AccessDenied, _ENABLE, repeat=False),
    # credentials
    "AuthFailure": Fault(CredentialsError, f"{_KEYS}; or {_ENABLE}", repeat=False),
    "SignatureDoesNotMatch": Fault(CredentialsError, _KEYS, repeat=False),
    "InvalidSignatureException": Fault(CredentialsError, _KEYS, repeat=False),
    "IncompleteSignature": Fault(CredentialsError, _KEYS, repeat=False),
    "MissingAuthenticationToken": Fault(CredentialsError, _KEYS, repeat=False),
    "InvalidClientTokenId": Fault(CredentialsError, f"{_KEYS}; or {_ENABLE}", repeat=False),
    "InvalidAccessKeyId": Fault(CredentialsError, _KEYS, repeat=False),
    "UnrecognizedClientException": Fault(CredentialsError, _KEYS, repeat=False),
    "ExpiredToken": Fault(CredentialsError, _RENEW, repeat=False),
    "ExpiredTokenException": Fault(CredentialsError, _RENEW, repeat=False),
    "RequestExpired": Fault(CredentialsError, _CLOCK, repeat=False),
    "RegionDisabledException": Fault(CredentialsError, "enable STS in {region} (IAM, account settings)"),
    # exists, or is in use
    "NetworkAclEntryAlreadyExists": Fault(AlreadyExists, "run again: the plan is made anew"),
    "DependencyViolation": Fault(DependencyViolation, "remove what still uses it, then run again"),
    "InvalidGroup.InUse": Fault(DependencyViolation, "remove what still uses it, then run again"),
    "CannotDelete": Fault(DependencyViolation),
    "InvalidGroup.Duplicate": Fault(AlreadyExists, "run again: the plan is made anew"),
    "InvalidPermission.Duplicate": Fault(AlreadyExists, "run again: the plan is made anew"),
    # fewer calls, please
    "RequestLimitExceeded": Fault(Throttled),
    "EC2ThrottledException": Fault(Throttled),
    "Throttling": Fault(Throttled),
    "ThrottlingException": Fault(Throttled),
    "ThrottledException": Fault(Throttled),
    "RequestThrottled": Fault(Throttled),
    "RequestThrottledException": Fault(Throttled),
    "TooManyRequestsException": Fault(Throttled),
    "SlowDown": Fault(Throttled),
    "BandwidthLimitExceeded": Fault(Throttled),
    # refused, may succeed a moment later
    "ConcurrentTagAccess": Fault(Unavailable),
    # there is none
    "NoSuchEntity": Fault(NotFound),
    "NoSuchResourceException": Fault(NotFound),
    "InvalidVpcID.NotFound": Fault(NotFound, "check the id, and the Region and the account of this side"),
    "InvalidVpcId.Malformed": Fault(NotFound, "a VPC id looks like vpc-0123456789abcdef0"),
    "InvalidVpcID.Malformed": Fault(NotFound, "a VPC id looks like vpc-0123456789abcdef0"),
    # quotas
    "RulesPerSecurityGroupLimitExceeded": Fault(AwsError, _QUOTA.format("L-0EA8095F")),
    "SecurityGroupLimitExceeded": Fault(AwsError, _QUOTA.format("L-E79EC296")),
    "NetworkAclLimitExceeded": Fault(AwsError, _QUOTA.format("L-B4A6D682")),
    "NetworkAclEntryLimitExceeded": Fault(AwsError, _QUOTA.format("L-2AEEBF1A")),
    # states
    "PrefixListVersionMismatch": Fault(AwsError, "somebody else changed the list; run again"),
    "IncorrectState": Fault(AwsError, "wait until its state is …-complete, then run again"),
}
"""``{renew}``, ``{who}``, ``{region}`` are filled in from the place of the call."""

SUFFIXES: tuple[tuple[str, Fault], ...] = (
    (".NotFound", Fault(NotFound)),
    (".Duplicate", Fault(AlreadyExists)),
)

SERVER_CODES = frozenset({"InternalError", "InternalFailure", "ServiceUnavailable", "Unavailable"})


def fault_of(code: str) -> Fault | None:
    """None for a code that means nothing in particular to us."""
    if code in CODES:
        return CODES[code]
    return next((fault for suffix, fault in SUFFIXES if code.endswith(suffix)), None)


_SERVICES = {
    "AssumeRole": "sts",
    "GetSessionToken": "sts",
    "GetCallerIdentity": "sts",
    "GetServiceQuota": "servicequotas",
    "GetAWSDefaultServiceQuota": "servicequotas",
    "ListServiceQuotas": "servicequotas",
    "GetRoleCredentials": "sso",
}
_SPOKEN = {"ec2": "EC2", "sts": "STS", "servicequotas": "Service Quotas", "sso": "IAM Identity Center"}


def iam_action(operation: str) -> str:
    """``CreateSecurityGroup`` → ``ec2:CreateSecurityGroup``, as a policy names it."""
    return f"{_SERVICES.get(operation, 'ec2')}:{operation}"


def spoken_service(operation: str) -> str:
    """The service as a message names it."""
    return _SPOKEN[_SERVICES.get(operation, "ec2")]


QUOTA_CODES = {
    "groups_per_region": "L-E79EC296",
    "rules_per_group": "L-0EA8095F",
    "acls_per_vpc": "L-B4A6D682",
    "entries_per_acl": "L-2AEEBF1A",
}
"""Fields of ``Quotas`` → quota codes of the service ``vpc`` (aws-facts 1.7). Those of prefix lists are not
documented there."""
