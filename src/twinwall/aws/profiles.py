"""What the shared configuration file says of a profile: its chain of roles, its devices, its SSO token.

Reads botocore's own parsed configuration (``Session.full_config``); the rules of the chain are those of
``botocore.credentials.AssumeRoleProvider``.
"""

import difflib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import botocore.session
from botocore.exceptions import SSOTokenLoadError
from botocore.utils import JSONFileCache, SSOTokenLoader

from twinwall.errors import ConfigError

Profile = Mapping[str, Any]


def profile_name(core: botocore.session.Session) -> str:
    """The name in force: the one given, AWS_PROFILE, or ``default``."""
    return str(core.get_config_variable("profile") or "default")


def profile_of(core: botocore.session.Session) -> Profile:
    profile: Profile = core.full_config.get("profiles", {}).get(profile_name(core), {})
    return profile


def check_profile(core: botocore.session.Session, side: str) -> None:
    """A profile that was named must exist; the known ones are told."""
    name = core.get_config_variable("profile")
    known = sorted(core.available_profiles)
    if not name or name in known:
        return
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    raise ConfigError(
        f"resolving the credentials of the {side}: there is no profile {name!r}{hint}; known are: "
        f"{', '.join(known) or 'none'}; way out: --{side}-profile with one of them, or aws configure"
    )


def role_chain(core: botocore.session.Session) -> Iterator[tuple[str, Profile]]:
    """The profiles whose roles are assumed, outermost first: (name, profile)."""
    profiles = core.full_config.get("profiles", {})
    name = profile_name(core)
    seen: set[str] = set()
    while name in profiles and name not in seen:
        profile = profiles[name]
        keys_of_its_own = seen and "aws_access_key_id" in profile
        if "role_arn" not in profile or "web_identity_token_file" in profile or keys_of_its_own:
            return
        seen.add(name)
        yield name, profile
        name = str(profile.get("source_profile") or "")


def devices(core: botocore.session.Session) -> tuple[tuple[str, str], ...]:
    """(serial, role ARN) for each role of the profile's chain that asks for a code."""
    return tuple(
        (str(profile["mfa_serial"]), str(profile["role_arn"]))
        for _, profile in role_chain(core)
        if profile.get("mfa_serial")
    )


def spare_device(core: botocore.session.Session) -> str | None:
    """The ``mfa_serial`` of a profile without a role of its own: what a role ARN given on top asks for, as
    if the profile were that role's ``source_profile``."""
    profile = profile_of(core)
    serial = profile.get("mfa_serial")
    return str(serial) if serial and "role_arn" not in profile else None


def sso_profile(core: botocore.session.Session) -> Profile:
    """The SSO settings at the end of the profile's chain, empty if there are none."""
    chain = [profile for _, profile in role_chain(core)]
    name = chain[-1].get("source_profile") if chain else profile_name(core)
    profile: Profile = core.full_config.get("profiles", {}).get(name, {})
    return profile if profile.get("sso_account_id") or profile.get("sso_session") else {}


def sso_token_ends(core: botocore.session.Session) -> datetime | None:
    """When the SSO token ends; None if there is none, or if it renews itself (``refreshToken``)."""
    profile = sso_profile(core)
    session_name = profile.get("sso_session")
    session = core.full_config.get("sso_sessions", {}).get(session_name, {})
    url = session.get("sso_start_url") or profile.get("sso_start_url")
    if not url:
        return None
    cache = JSONFileCache(str(Path("~/.aws/sso/cache").expanduser()))
    try:
        token = SSOTokenLoader(cache=cache)(url, session_name=session_name)
        return None if token.get("refreshToken") else _moment(str(token["expiresAt"]))
    except (SSOTokenLoadError, json.JSONDecodeError, ValueError):
        return None


def _moment(text: str) -> datetime:
    """``2026-01-01T00:00:00Z`` or, from old tools, ``…UTC``."""
    moment = datetime.fromisoformat(text.replace("UTC", "Z"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
