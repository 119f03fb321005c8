"""From what the user said of a side to a session whose credentials are ready.

In: profile, Region, role ARN, external id, endpoint, each optional; the rest as botocore resolves it. Out:
an ``AwsSession`` a side. ``resolve`` does it one side after the other in the calling thread, so that
whatever asks (an MFA code, a ``credential_process``) asks before any other thread starts; afterwards a
session renews itself in silence or raises ``CredentialsError``. A profile is resolved once a run, however
many sides use it.
"""

import difflib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import boto3
import botocore
import botocore.session
from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, RefreshableCredentials

from twinwall.aws.clients import AwsSession, at_endpoint
from twinwall.aws.credentials import Ready, chain_of, given, guarded, remaining_seconds, role_caller
from twinwall.aws.faults import faults
from twinwall.aws.mfa import AskCode, MfaDesk, ask_on_terminal
from twinwall.aws.profiles import (
    check_profile,
    devices,
    profile_name,
    spare_device,
    sso_profile,
    sso_token_ends,
)
from twinwall.boundary import ANSWER_SECONDS, CONNECT_SECONDS
from twinwall.ec2.faults import Place
from twinwall.errors import ConfigError

Now = Callable[[], float]
"""``Clock.now``: seconds since the epoch."""


@dataclass(frozen=True)
class Side:
    """What the user said of one side (contract, "Where"). ``label``: source, target or at."""

    label: str
    profile: str | None = None
    region: str | None = None
    role_arn: str | None = None
    external_id: str | None = None
    endpoint_url: str | None = None


def resolve(
    sides: Sequence[Side],
    *,
    now: Now,
    ask_code: AskCode = ask_on_terminal,
    fallback_region: str | None = None,
) -> tuple[AwsSession, ...]:
    """The sessions of all sides, in their order. ``fallback_region``: AWS_REGION, which botocore does not
    read, for a side to which botocore finds none. Raises ``ConfigError`` and ``AwsError``'s children."""
    starts = [_start(side, fallback_region) for side in sides]
    _share_models(starts)
    desk = MfaDesk(ask_code, _shared_devices(starts))
    bases: dict[tuple[str | None, str | None], Ready] = {}
    sessions = []
    for start in starts:
        side = start.side
        key = (side.profile, side.endpoint_url)
        if key not in bases:
            bases[key] = _base(start, desk, now)
        ready = _on_top(start, bases[key], desk, now) if side.role_arn else bases[key]
        sessions.append(_session(start, ready))
    return tuple(sessions)


@dataclass(frozen=True)
class _Start:
    """A side with its configuration read and checked, before any credential is looked for."""

    side: Side
    core: botocore.session.Session
    region: str
    place: Place


def _start(side: Side, fallback_region: str | None) -> _Start:
    core = botocore.session.Session(profile=side.profile)
    with faults("reading the configuration of", f"the {side.label}"):
        check_profile(core, side.label)
        region = _known_region(core, side, fallback_region)
        _check_role(side)
        place = Place(
            side=side.label,
            profile=profile_name(core) if core.get_config_variable("profile") else "",
            sso_session=str(sso_profile(core).get("sso_session") or ""),
            region=region,
        )
    return _Start(side, core, region, place)


def _share_models(starts: Sequence[_Start]) -> None:
    """EC2's description takes botocore a third of a second to load; once is enough for all sides."""
    for start in starts[1:]:
        start.core.register_component("data_loader", starts[0].core.get_component("data_loader"))


def _known_region(core: botocore.session.Session, side: Side, fallback: str | None) -> str:
    """A Region that botocore knows; a misspelt one would only show as a host that cannot be found."""
    region = side.region or core.get_config_variable("region") or fallback
    doing = f"resolving the Region of the {side.label}"
    if not region:
        raise ConfigError(
            f"{doing}: none is set; way out: --{side.label}-region, "
            "AWS_DEFAULT_REGION, or the profile's region"
        )
    partitions = core.get_available_partitions()
    known = [name for partition in partitions for name in core.get_available_regions("ec2", partition)]
    if region not in known:
        near = difflib.get_close_matches(region, known, n=1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        raise ConfigError(
            f"{doing}: there is no Region {region!r}{hint} among the {len(known)} that botocore "
            f"{botocore.__version__} knows; way out: --{side.label}-region with one of them, or a newer boto3"
        )
    return str(region)


_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]{1,576}\Z", re.ASCII)


def _check_role(side: Side) -> None:
    if side.external_id and not side.role_arn:
        raise ConfigError(
            f"resolving the credentials of the {side.label}: an external id without a role; "
            f"way out: --{side.label}-role-arn"
        )
    if side.role_arn and not _ROLE_ARN.match(side.role_arn):
        raise ConfigError(
            f"resolving the credentials of the {side.label}: {side.role_arn!r} is not the ARN of a role; "
            "way out: one such as arn:aws:iam::123456789012:role/NAME"
        )


def _shared_devices(starts: Sequence[_Start]) -> frozenset[str]:
    """Devices that more than one role of this run asks for."""
    uses = set()
    for start in starts:
        uses |= {(start.side.profile, *use) for use in devices(start.core)}
        spare = spare_device(start.core)
        if start.side.role_arn and spare:
            uses.add((start.side.profile, spare, start.side.role_arn))
    counted = Counter(serial for _, serial, _ in uses)
    return frozenset(serial for serial, count in counted.items() if count > 1)


def _base(start: _Start, desk: MfaDesk, now: Now) -> Ready:
    """The credentials of the profile or the environment, as botocore's chain finds them."""
    place = start.place
    with guarded(place):
        credentials = chain_of(start.core, start.region, _role_caller(start, desk)).load_credentials()
        if credentials is None:
            raise botocore.exceptions.NoCredentialsError
        frozen = credentials.get_frozen_credentials()
    ends = remaining_seconds(credentials)
    if credentials.method == "assume-role" and devices(start.core):
        return Ready.frozen(frozen, _moment(now, ends), place, "made with an MFA code")
    if credentials.method == "env" and ends is not None:
        return Ready.frozen(frozen, _moment(now, ends), place, "of the environment")
    token_ends = sso_token_ends(start.core) if credentials.method in ("sso", "assume-role") else None
    role_ends = _moment(now, ends)
    return Ready(credentials, max(token_ends, role_ends) if token_ends and role_ends else None, place)


def _on_top(start: _Start, base: Ready, desk: MfaDesk, now: Now) -> Ready:
    """The role given on the command line, assumed with the base's credentials."""
    side = start.side
    serial = spare_device(start.core)
    name = f"twinwall-{side.label}"
    extra = {"RoleSessionName": name, "ExternalId": side.external_id, "SerialNumber": serial}
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=_role_caller(start, desk),
        source_credentials=base.guarded(start.place),
        role_arn=side.role_arn or "",
        extra_args={key: value for key, value in extra.items() if value},
        mfa_prompter=str,
    )
    with guarded(start.place):
        credentials = RefreshableCredentials.create_from_metadata(
            fetcher.fetch_credentials(), refresh_using=fetcher.fetch_credentials, method="assume-role"
        )
        frozen = credentials.get_frozen_credentials()
    if serial:
        ends = _moment(now, remaining_seconds(credentials))
        return Ready.frozen(frozen, ends, start.place, "made with an MFA code")
    return Ready(credentials, base.ends, start.place)


def _moment(now: Now, seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(now() + seconds, UTC)


def _role_caller(start: _Start, desk: MfaDesk) -> Callable[..., Any]:
    make_sts = partial(
        start.core.create_client,
        "sts",
        region_name=start.region,
        endpoint_url=start.side.endpoint_url,
        config=Config(
            retries={"mode": "standard", "total_max_attempts": 3},
            connect_timeout=CONNECT_SECONDS,
            read_timeout=ANSWER_SECONDS,
        ),
    )

    def checked(**options: Any) -> Any:
        return at_endpoint(partial(make_sts, **options), start.place.side)

    return role_caller(desk, checked, start.place)


def _session(start: _Start, ready: Ready) -> AwsSession:
    given(start.core, ready.guarded(start.place))
    session = boto3.Session(botocore_session=start.core, region_name=start.region)
    return AwsSession(session, start.place, start.side.endpoint_url, ready.ends)
