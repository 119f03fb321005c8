"""botocore's errors → ours, in one context manager (after httpx, ``_transports/default.py``).

    with faults("creating the group", "web", at=place, mutation=True):
        client.create_security_group(...)

What AWS answers is read by ``ec2.faults``; here are the errors of the way there: no credentials, no connection,
no answer. What a ``credential_process`` printed is not repeated.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore import exceptions as b
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from twinwall.ec2.faults import NOWHERE, Place, Said, Told, answered, lost, not_reached, short, whose
from twinwall.errors import AwsError, CredentialsError, Unavailable


@contextmanager
def faults(doing: str, thing: str, *, at: Place = NOWHERE, mutation: bool = False) -> Iterator[None]:
    """Raises ``AwsError``'s children in place of botocore's. ``mutation``: the call changes something, so
    that an answer that never came leaves its outcome unknown."""
    try:
        yield
    except ClientError as error:
        raise answered(_said(error), Told(doing, thing, at, mutation)) from error
    except (BotoCoreError, ResponseParserError) as error:
        raise _unanswered(error, Told(doing, thing, at, mutation)) from error


def error_code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _said(error: ClientError) -> Said:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    words = str(error.response.get("Error", {}).get("Message", ""))
    return Said(error.operation_name, error_code(error), words, status)


# --- no answer, or none that can be read (BotoCoreError)


def _unanswered(error: Exception, told: Told) -> AwsError:
    found = _credentials_fault(error, told.at)
    if found is not None:
        return CredentialsError(told.line(*found))
    if isinstance(error, b.ConnectionError | b.ProxyConnectionError):
        return _unreached(error, told)
    if isinstance(error, b.HTTPClientError | b.IncompleteReadError | ResponseParserError):
        slow = isinstance(error, b.ReadTimeoutError)
        return lost("timed out" if slow else "was cut off or could not be read", told)
    if isinstance(error, b.NoRegionError):
        return AwsError(told.line("no Region is set", f"--{told.at.side or 'SIDE'}-region"))
    return AwsError(told.line(short(str(error)), ""))


def _unreached(error: Any, told: Told) -> AwsError:
    endpoint = error.kwargs.get("endpoint_url") or error.kwargs.get("proxy_url") or "the endpoint"
    if isinstance(error, b.SSLError):
        way_out = "check AWS_CA_BUNDLE, the proxy and the clock of this machine"
        return Unavailable(told.line(f"TLS with {endpoint} failed", way_out))
    return not_reached(endpoint, told)


def _credentials_fault(error: Exception, at: Place) -> tuple[str, str] | None:
    """(found, way out) of an error that lies in the credentials; what a process printed is not repeated."""
    match error:
        case b.NoCredentialsError():
            side = at.side or "SIDE"
            return "no credentials were found", f"--{side}-profile, AWS_PROFILE, or aws configure"
        case b.PartialCredentialsError():
            return f"credentials are incomplete: {short(str(error))}", f"complete them in {whose(at)}"
        case b.SSOError() | b.TokenRetrievalError():
            return "the SSO token is missing or has expired", f"{sso_login(at)}, then run again"
        case b.LoginError():
            return "the login session is missing or has expired", f"aws login{_profile(at)}, then run again"
        case b.RefreshWithMFAUnsupportedError():
            return "the credentials made with an MFA code have expired", "run again: nothing is lost"
        case b.CredentialRetrievalError(kwargs=details):
            method = str(details.get("provider", ""))
            return f"the credentials of {whose(at)} could not be had by {method}", _by_hand(method, at)
        case b.InvalidConfigError() | b.ConfigParseError() | b.ConfigNotFound():
            return short(str(error)), "mend the configuration file (aws configure list)"
        case b.MetadataRetrievalError():
            return "the credentials of this machine's role could not be fetched", "check its instance profile"
        case _:
            return None


def sso_login(at: Place) -> str:
    session = f" --sso-session {at.sso_session}" if at.sso_session else _profile(at)
    return f"aws sso login{session}"


def _profile(at: Place) -> str:
    return f" --profile {at.profile}" if at.profile else ""


def _by_hand(method: str, at: Place) -> str:
    if method == "custom-process":
        return f"run its credential_process by hand to see why, and mend {whose(at)}"
    return f"mend {whose(at)}"
