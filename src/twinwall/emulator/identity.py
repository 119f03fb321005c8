"""STS: who am I, and may I become this role? (aws-facts 9.3)

AssumeRole works only for roles that exist: those registered here, and those that IAM (moto) holds, whose
trust policy is read. The external id is checked, and an MFA code is good once.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from moto.core.exceptions import ServiceException
from moto.iam.models import iam_backends

from twinwall.emulator.credentials import AccessKey, Keyring, Principal
from twinwall.emulator.iam.conditions import Context
from twinwall.emulator.iam.holders import managed
from twinwall.emulator.iam.policies import Policy, Right, Statement, read_policy, verdict
from twinwall.emulator.refusal import Refusal, refuse

CHAINED = 3600
"""Seconds that a session made by a session may last (aws-facts 9.3)."""


@dataclass(frozen=True)
class Role:
    """``trust``: its trust policy."""

    arn: str
    trust: Policy
    max_duration: int = 3600
    role_id: str = "AROATWINWALLEXAMPLEID"
    policies: tuple[str, ...] = ()
    """What it may do, where policies are enforced, of one that was registered here."""

    @property
    def account(self) -> str:
        return self.arn.split(":")[4]

    def trusts(self, caller: Principal, context: Context) -> bool:
        return verdict(self.trust, Right("sts:AssumeRole", self.arn), context, caller.iam_names) is True


def trust_policy(trusted: Iterable[str], external_id: str | None, *, mfa: bool) -> Policy:
    """``trusted``: accounts, or ARNs with ``*``."""
    conditions: dict[str, Any] = {"StringEquals": {"sts:ExternalId": external_id}} if external_id else {}
    if mfa:
        conditions["Bool"] = {"aws:MultiFactorAuthPresent": "true"}
    return (Statement(True, ("sts:AssumeRole",), (), (), (), conditions, tuple(trusted)),)


@dataclass
class Device:
    """An MFA device and the codes it will show, each good once."""

    user_arn: str
    serial: str
    codes: list[str]


@dataclass
class Identities:
    ring: Keyring
    roles: dict[str, Role] = field(default_factory=dict)
    devices: dict[str, Device] = field(default_factory=dict)
    sso: dict[str, tuple[str, str]] = field(default_factory=dict)

    def find_role(self, arn: str) -> Role | None:
        return self.roles.get(arn) or _role_in_iam(arn)

    def session_of(self, arn: str, name: str, seconds: int) -> Principal:
        """What a service gets that takes on a role, as it may (``Roles``)."""
        account, role = arn.split(":")[4], arn.rpartition("/")[2]
        assumed = f"arn:aws:sts::{account}:assumed-role/{role}/{name}"
        like = Principal(AccessKey("", ""), account, assumed, f"{Role.role_id}:{name}", role_arn=arn)
        return self.ring.add_session(like, seconds)


def answer(
    identities: Identities, caller: Principal, action: str, params: Mapping[str, str]
) -> dict[str, Any]:
    match action:
        case "GetCallerIdentity":
            return {"UserId": caller.user_id, "Account": caller.account, "Arn": caller.arn}
        case "AssumeRole":
            return assume_role(identities, caller, params)
        case "GetSessionToken":
            return get_session_token(identities, caller, params)
        case "GetAccessKeyInfo":
            found = identities.ring.find(params.get("AccessKeyId", ""))
            return {"Account": found.account} if found else _denied(caller, "sts:GetAccessKeyInfo", "*")
        case _:
            return refuse("InvalidAction", f"Could not find operation {action} for version 2011-06-15")


def assume_role(identities: Identities, caller: Principal, params: Mapping[str, str]) -> dict[str, Any]:
    arn = params.get("RoleArn") or _validation("roleArn")
    name = params.get("RoleSessionName", "")
    if not re.fullmatch(r"[\w+=,.@-]{2,64}", name):
        _validation("roleSessionName")
    role = identities.find_role(arn)
    mfa = _check_mfa(identities, caller, params) or caller.mfa
    if role is None or not role.trusts(caller, _trust_context(caller, params, mfa=mfa)):
        _denied(caller, "sts:AssumeRole", arn)
    seconds = _duration(params, role, caller)
    session_policies = _session_policies(params, role.account)
    assumed = f"arn:aws:sts::{role.account}:assumed-role/{arn.rpartition('/')[2]}/{name}"
    like = replace(
        caller,
        account=role.account,
        arn=assumed,
        user_id=f"{role.role_id}:{name}",
        role_arn=arn,
        mfa=False,
        session_policies=session_policies,
    )
    session = identities.ring.add_session(like, seconds)
    return {
        "Credentials": _credentials(session),
        "AssumedRoleUser": {"AssumedRoleId": session.user_id, "Arn": assumed},
    }


def _trust_context(caller: Principal, params: Mapping[str, str], *, mfa: bool) -> Context:
    """What a trust policy may ask for (aws-facts 9.3)."""
    named = {"sts:externalid": "ExternalId", "sts:rolesessionname": "RoleSessionName"}
    named |= {"sts:sourceidentity": "SourceIdentity"}
    found = {key: (params[name],) for key, name in named.items() if params.get(name)}
    found["aws:multifactorauthpresent"] = (str(mfa).lower(),)
    found["aws:principalarn"] = (caller.role_arn or caller.arn,)
    found["aws:principalaccount"] = (caller.account,)
    return found


def _session_policies(params: Mapping[str, str], account: str) -> tuple[str, ...] | None:
    """Policy and PolicyArns: what the session may do is what they and the role's policies both allow. At most
    2,048 characters and ten ARNs (aws-facts 9.3)."""
    arns = [value for key, value in sorted(params.items()) if key.startswith("PolicyArns.member.")]
    given = params.get("Policy")
    if len(given or "") > 2048 or len(arns) > 10:
        refuse("PackedPolicyTooLarge", "The session policy is larger than a session may carry")
    try:
        found = [managed(iam_backends[account]["aws"], arn) for arn in arns] + ([given] if given else [])
        for text in found:
            read_policy(text)
    except KeyError as unknown:
        refuse("NoSuchEntity", f"Policy {unknown.args[0]} does not exist")
    except ValueError as wrong:
        refuse("MalformedPolicyDocument", f"The policy is not valid: {wrong}")
    return tuple(found) if found else None


def _duration(params: Mapping[str, str], role: Role, caller: Principal) -> int:
    seconds = int(params.get("DurationSeconds") or 3600)
    if not 900 <= seconds <= 43200:
        _validation("durationSeconds")
    if caller.role_arn and seconds > CHAINED:
        refuse(
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
        )
    if seconds > role.max_duration:
        refuse(
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        )
    return seconds


def get_session_token(identities: Identities, caller: Principal, params: Mapping[str, str]) -> dict[str, Any]:
    if caller.is_session:
        raise Refusal("AccessDenied", "Cannot call GetSessionToken with session credentials", 403)
    seconds = int(params.get("DurationSeconds") or 43200)
    if not 900 <= seconds <= 129600:
        _validation("durationSeconds")
    mfa = _check_mfa(identities, caller, params)
    return {"Credentials": _credentials(identities.ring.add_session(replace(caller, mfa=mfa), seconds))}


def _credentials(session: Principal) -> dict[str, Any]:
    assert session.expires is not None
    return {
        "AccessKeyId": session.key.id,
        "SecretAccessKey": session.key.secret,
        "SessionToken": session.key.token,
        "Expiration": session.expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _check_mfa(identities: Identities, caller: Principal, params: Mapping[str, str]) -> bool:
    """True for a right code, which is used up; refused for a wrong one."""
    serial, code = params.get("SerialNumber"), params.get("TokenCode")
    if not serial and not code:
        return False
    device = identities.devices.get(serial or "")
    if device is None or device.user_arn != caller.arn:
        _no_mfa(
            "unable to validate MFA code.  Please verify your MFA serial number is valid and associated with "
            "this user."
        )
    if not code or code not in device.codes:
        _no_mfa("with invalid MFA one time pass code. ")
    device.codes.remove(code)
    return True


def _no_mfa(why: str) -> NoReturn:
    raise Refusal("AccessDenied", f"MultiFactorAuthentication failed {why}", 403)


def _denied(caller: Principal, action: str, resource: str) -> NoReturn:
    raise Refusal(
        "AccessDenied",
        f"User: {caller.arn} is not authorized to perform: {action} on resource: {resource}",
        403,
    )


def _validation(name: str) -> NoReturn:
    refuse("ValidationError", f"1 validation error detected: the value at '{name}' is missing or not valid")


# --- roles that were made over the API


def _role_in_iam(arn: str) -> Role | None:
    parts = arn.split(":")
    if len(parts) < 6 or parts[4] not in iam_backends:
        return None
    try:
        found = iam_backends[parts[4]]["aws"].get_role_by_arn(arn)
    except ServiceException:
        return None
    trust = read_policy(found.assume_role_policy_document) if found.assume_role_policy_document else ()
    return Role(arn, trust, int(found.max_session_duration or 3600), found.id)


# --- SSO's portal


def role_credentials(identities: Identities, token: str, account: str, role: str) -> dict[str, Any]:
    """sso GetRoleCredentials: for a token that was given out for this account and role."""
    if identities.sso.get(token) != (account, role):
        raise Refusal("UnauthorizedException", "Session token not found or invalid", 401)
    like = Principal(
        key=AccessKey("", ""),
        account=account,
        arn=f"arn:aws:sts::{account}:assumed-role/AWSReservedSSO_{role}/sso-user",
        user_id=f"AROASSOEXAMPLE:{role}",
        role_arn=f"arn:aws:iam::{account}:role/AWSReservedSSO_{role}",
    )
    session = identities.ring.add_session(like, 3600)
    assert session.expires is not None
    return {
        "roleCredentials": {
            "accessKeyId": session.key.id,
            "secretAccessKey": session.key.secret,
            "sessionToken": session.key.token,
            "expiration": int(session.expires.timestamp() * 1000),
        }
    }
