"""botocore's chain of credential providers with our own way to assume a role, and credentials that end in
one clear line.

Built from botocore's public classes: the chain is ``create_credential_resolver``'s, with its assume-role
provider replaced by one whose STS client and prompter are ours.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import botocore.session
from botocore.credentials import (
    AssumeRoleProvider,
    CanonicalNameCredentialSourcer,
    CredentialProvider,
    CredentialResolver,
    Credentials,
    EnvProvider,
    ProfileProviderBuilder,
    ReadOnlyCredentials,
    RefreshableCredentials,
    create_credential_resolver,
)

from twinwall.aws.faults import faults
from twinwall.aws.mfa import MfaDesk, StsMaker
from twinwall.ec2.faults import Place, renewal
from twinwall.errors import CredentialsError


@contextmanager
def guarded(place: Place) -> Iterator[None]:
    """Around everything that fetches or renews credentials: besides botocore's errors, a process that cannot
    be started or prints no JSON, and a renewal that brought expired credentials."""
    thing = f"profile {place.profile}" if place.profile else "the environment"
    try:
        with faults("resolving credentials from", thing, at=place):
            yield
    except (OSError, ValueError, RuntimeError) as error:
        kind = type(error).__name__  # its words may hold what a process printed
        raise CredentialsError(
            f"resolving credentials from {thing} ({place.side}): they cannot be read or have expired "
            f"({kind}); way out: {renewal(place)}, then run again"
        ) from error


class GuardedCredentials(Credentials):
    """Credentials as a client sees them: renewing themselves, or ending, in our words."""

    def __init__(self, inner: Credentials, place: Place) -> None:
        self._inner = inner
        self._place = place
        super().__init__("guarded", "guarded", method=inner.method)

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        with guarded(self._place):
            frozen: ReadOnlyCredentials = self._inner.get_frozen_credentials()
            return frozen


class EndingCredentials(RefreshableCredentials):
    """Temporary credentials that nobody may renew: they were made with a code, or handed to us. They serve
    to their last second, then raise ``CredentialsError``."""

    def __init__(self, frozen: ReadOnlyCredentials, ends: datetime, place: Place, origin: str) -> None:
        self._place = place
        self._origin = origin
        super().__init__(
            frozen.access_key or "",
            frozen.secret_key or "",
            frozen.token or "",
            expiry_time=ends,
            refresh_using=self._ended,
            method="ending",
            advisory_timeout=0,
            mandatory_timeout=0,
            account_id=frozen.account_id,
        )

    def _ended(self) -> dict[str, Any]:
        raise CredentialsError(
            f"calling AWS ({self._place.side}): the credentials {self._origin} have expired; "
            "way out: renew them and run again: nothing is lost"
        )


@dataclass(frozen=True)
class Ready:
    """Resolved credentials; ``ends`` None: never, or they renew themselves without asking anybody."""

    credentials: Credentials
    ends: datetime | None
    place: Place

    @classmethod
    def frozen(cls, frozen: ReadOnlyCredentials, ends: datetime | None, place: Place, origin: str) -> "Ready":
        if ends is None:
            lasting = Credentials(frozen.access_key or "", frozen.secret_key or "", frozen.token)
            return cls(lasting, None, place)
        return cls(EndingCredentials(frozen, ends, place, origin), ends, place)

    def guarded(self, place: Place) -> GuardedCredentials:
        return GuardedCredentials(self.credentials, place)


_DAY = 24 * 3600


def remaining_seconds(credentials: Credentials) -> float | None:
    """Until they expire, to the second, found by bisection: ``refresh_needed`` is the one public question
    that botocore answers about expiry. None for credentials that do not expire."""
    if not isinstance(credentials, RefreshableCredentials) or not credentials.refresh_needed(400 * _DAY):
        return None
    low, high = 0, 400 * _DAY
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if credentials.refresh_needed(middle) else (middle, high)
    return float(low)


RoleCaller = Callable[..., Any]
"""What botocore's fetcher takes for ``Session.create_client``."""


class _RoleDoor:
    """What botocore's fetcher takes for an STS client."""

    def __init__(self, desk: MfaDesk, make_sts: StsMaker, keys: dict[str, Any], place: Place) -> None:
        self._desk = desk
        self._make_sts = make_sts
        self._keys = keys
        self._place = place

    def assume_role(self, **params: Any) -> dict[str, Any]:
        return self._desk.assume(self._make_sts, self._keys, params, self._place)


def role_caller(desk: MfaDesk, make_sts: StsMaker, place: Place) -> RoleCaller:
    def call(_service: str, **keys: Any) -> _RoleDoor:
        return _RoleDoor(desk, make_sts, keys, place)

    return call


def chain_of(core: botocore.session.Session, region: str, caller: RoleCaller) -> CredentialResolver:
    """botocore's providers in botocore's order; roles are assumed through ``caller``."""
    resolver = create_credential_resolver(core, region_name=region)
    sources = [EnvProvider(), resolver.get_provider("container-role"), resolver.get_provider("iam-role")]
    ours = AssumeRoleProvider(
        load_config=lambda: core.full_config,
        client_creator=caller,
        cache={},
        profile_name=core.get_config_variable("profile") or "default",
        prompter=str,  # the desk asks, when it knows whether a code is needed
        credential_sourcer=CanonicalNameCredentialSourcer(sources),
        profile_provider_builder=ProfileProviderBuilder(core, cache={}, region_name=region),
    )
    resolver.remove("assume-role")
    resolver.insert_before("assume-role-with-web-identity", ours)
    return resolver


class _Given(CredentialProvider):
    METHOD = "given"

    def __init__(self, credentials: Credentials) -> None:
        super().__init__()
        self._credentials = credentials

    def load(self) -> Credentials:
        return self._credentials


def given(core: botocore.session.Session, credentials: Credentials) -> None:
    """From now on every client of this session has these credentials."""
    core.register_component("credential_provider", CredentialResolver(providers=[_Given(credentials)]))
