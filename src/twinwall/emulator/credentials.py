"""Who signed a request: access keys and sessions, signatures, expiry.

Only credentials given out here are good: the pairs printed at the start, keys that IAM (moto) made, and
sessions of our own STS. Every signature is recomputed.
"""

import hmac
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto.iam.models import AccessKey as MotoKey
from moto.iam.models import iam_backends

from twinwall.emulator.refusal import Refusal
from twinwall.emulator.state import partition

SKEW = timedelta(minutes=15)
"""aws-facts 3.5: RequestExpired where the clock is more than 15 minutes off."""


@dataclass(frozen=True)
class AccessKey:
    """What a client needs; ``token`` for sessions only."""

    id: str
    secret: str
    token: str = ""


@dataclass(frozen=True)
class Principal:
    """Who calls. ``role_arn`` for sessions of a role, ``mfa``: the session was made with a code.
    ``session_policies``: the documents that AssumeRole was given to narrow the session; None: none."""

    key: AccessKey
    account: str
    arn: str
    user_id: str
    expires: datetime | None = None
    role_arn: str = ""
    mfa: bool = False
    session_policies: tuple[str, ...] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """All that a denial may call this caller by."""
        return tuple(filter(None, (self.key.id, self.arn, self.role_arn, self.account)))

    @property
    def iam_names(self) -> tuple[str, ...]:
        """All that a policy's Principal may call this caller by."""
        root = f"arn:aws:iam::{self.account}:root"
        return tuple(filter(None, (self.arn, self.role_arn, self.account, root)))

    @property
    def is_session(self) -> bool:
        return bool(self.key.token)


@dataclass(frozen=True)
class Signed:
    """The parts of an Authorization header (Signature Version 4)."""

    key_id: str
    region: str
    service: str
    headers: tuple[str, ...]
    signature: str


def read_authorization(header: str) -> Signed | None:
    if not header.startswith("AWS4-HMAC-SHA256 "):
        return None
    parts = dict(part.strip().partition("=")[::2] for part in header[17:].split(","))
    scope = parts.get("Credential", "").split("/")
    if len(scope) != 5 or not parts.get("Signature"):
        return None
    return Signed(
        scope[0],
        scope[2],
        scope[3],
        tuple(parts.get("SignedHeaders", "").split(";")),
        parts["Signature"],
    )


class Keyring:
    """Every principal there is. ``now`` is the clock that sessions expire by."""

    def __init__(self, source: random.Random, now: Callable[[], datetime]) -> None:
        self._source = source
        self._principals: dict[str, Principal] = {}
        self.now = now

    def add_user(
        self, account: str, name: str, key: AccessKey | None = None, policy: str | None = None
    ) -> AccessKey:
        """An IAM user with one access key, known to moto's IAM too. ``policy``: an inline one."""
        iam = iam_backends[account]["aws"]
        user = iam.users.get(name) or iam.create_user("us-east-1", name)
        if policy is not None:
            user.policies["inline"] = policy
        key = key or AccessKey(self._text("AKIA", 16), self._secret())
        theirs = _make_key(name, "AKIA", account)
        theirs.access_key_id, theirs.secret_access_key = key.id, key.secret
        user.access_keys.append(theirs)
        iam.access_keys[key.id] = theirs
        self._principals[key.id] = Principal(key, account, f"arn:aws:iam::{account}:user/{name}", user.id)
        return key

    def add_session(self, like: Principal, seconds: int) -> Principal:
        """Session credentials for the principal given, whose own key is left out."""
        key = AccessKey(self._text("ASIA", 16), self._secret(), self._text("", 180))
        session = replace(like, key=key, expires=self.now() + timedelta(seconds=seconds))
        self._principals[key.id] = session
        return session

    def expire_sessions(self) -> None:
        """Every session is over, at once."""
        over = self.now() - timedelta(seconds=1)
        for key_id, principal in self._principals.items():
            if principal.is_session:
                self._principals[key_id] = replace(principal, expires=over)

    def find(self, key_id: str) -> Principal | None:
        return self._principals.get(key_id) or self._from_iam(key_id)

    def _from_iam(self, key_id: str) -> Principal | None:
        """A key that was made over the API (IAM CreateAccessKey)."""
        for account, partitions in list(iam_backends.items()):
            iam = partitions["aws"]
            key = iam.access_keys.get(key_id)
            if key is not None and key.user_name in iam.users:
                user = iam.users[key.user_name]
                return Principal(AccessKey(key_id, key.secret_access_key), account, user.arn, user.id)
        return None

    def _text(self, prefix: str, length: int) -> str:
        return prefix + "".join(self._source.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=length))

    def _secret(self) -> str:
        letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
        return "".join(self._source.choices(letters, k=40))


def authenticate(
    ring: Keyring, signed: Signed | None, method: str, url: str, headers: Mapping[str, str], body: bytes
) -> Principal:
    """The principal who signed this request, or the refusal in EC2's words; ``faults`` words it for others."""
    if signed is None:
        raise Refusal("MissingAuthenticationToken", "Request is missing Authentication Token", 403)
    principal = ring.find(signed.key_id)
    if principal is None or headers.get("x-amz-security-token", "") != principal.key.token:
        raise Refusal("AuthFailure", NOT_VALID, 401)
    if not _is_right(principal, signed, method, url, headers, body):
        raise Refusal("SignatureDoesNotMatch", MISMATCH, 403)
    if principal.expires is not None and principal.expires <= ring.now():
        raise Refusal("RequestExpired", "Request has expired.")
    if _is_late(ring.now(), headers):
        raise Refusal("RequestExpired", "Request has expired.")
    return principal


NOT_VALID = "AWS was not able to validate the provided access credentials"
MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
    "Access Key and signing method. Consult the service documentation for details."
)


def _is_late(now: datetime, headers: Mapping[str, str]) -> bool:
    try:
        sent = datetime.strptime(headers.get("x-amz-date", ""), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return True
    return abs(now - sent) > SKEW


def _is_right(
    principal: Principal, signed: Signed, method: str, url: str, headers: Mapping[str, str], body: bytes
) -> bool:
    claimed = headers.get("x-amz-content-sha256", "")
    if len(claimed) == 64 and claimed != sha256(body).hexdigest():
        return False
    kept = {name: headers[name] for name in signed.headers if name in headers}
    request = AWSRequest(method=method, url=url, data=body, headers=kept)
    request.context["timestamp"] = headers.get("x-amz-date", "")
    kind: Any = S3SigV4Auth if signed.service == "s3" else SigV4Auth
    signer = kind(Credentials(principal.key.id, principal.key.secret), signed.service, signed.region)
    text = signer.string_to_sign(request, signer.canonical_request(request))
    return hmac.compare_digest(signer.signature(text, request), signed.signature)


_make_key: Any = MotoKey  # abstract in its types only


def role_arn(account: str, name: str, region: str = "") -> str:
    return f"arn:{partition(region)}:iam::{account}:role/{name}"
