"""botocore's errors → ours, in one table and one context manager (after httpx, ``_transports/default.py``).

    with faults("creating the group", "web", at=place, mutation=True):
        client.create_security_group(...)

A message is one line: what was being done, on which thing and side, what AWS found, and the way out. It
never holds a secret: answers about signatures and credentials, and what a ``credential_process`` printed,
are not repeated.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from botocore import exceptions as b
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from twinwall.aws.codes import SERVER_CODES, Fault, fault_of, iam_action, spoken_service
from twinwall.errors import AccessDenied, AwsError, CredentialsError, OutcomeUnknown, Unavailable


@dataclass(frozen=True)
class Place:
    """Where a call goes, in the words a message needs: the side's label (``source``), and what to renew."""

    side: str = ""
    profile: str = ""
    sso_session: str = ""
    region: str = ""


NOWHERE = Place()


@contextmanager
def faults(doing: str, thing: str, *, at: Place = NOWHERE, mutation: bool = False) -> Iterator[None]:
    """Raises ``AwsError``'s children in place of botocore's. ``mutation``: the call changes something, so
    that an answer that never came leaves its outcome unknown."""
    try:
        yield
    except ClientError as error:
        raise _answered(error, _Context(doing, thing, at, mutation)) from error
    except (BotoCoreError, ResponseParserError) as error:
        raise _unanswered(error, _Context(doing, thing, at, mutation)) from error


class _Context(NamedTuple):
    doing: str
    thing: str
    at: Place
    mutation: bool

    def line(self, found: str, way_out: str) -> str:
        where = f" ({self.at.side})" if self.at.side else ""
        way = f"; way out: {way_out}" if way_out else ""
        return _one_line(f"{self.doing} {self.thing}{where}: {found}{way}")


def _one_line(text: str) -> str:
    return " ".join(text.split())


# --- an answer that is an error (ClientError)


def error_code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _answered(error: ClientError, context: _Context) -> AwsError:
    code = error_code(error)
    fault = fault_of(code)
    if fault is None and _is_server_error(error, code):
        return _server_error(code, context)
    fault = fault or Fault(AwsError)
    if fault.kind is AccessDenied and not fault.way_out:
        return _denied(error, code, context)
    found = f"{spoken_service(error.operation_name)} answered {code or 'an error without a code'}"
    if fault.repeat:
        found += f": {_words(error)}"
    return fault.kind(context.line(found, _fill(fault.way_out, context.at)), code=code)


def _is_server_error(error: ClientError, code: str) -> bool:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status >= 500 or code in SERVER_CODES


_PERHAPS = "the call may have been carried out"
_AGAIN = "run again: what was done is read anew"


def _server_error(code: str, context: _Context) -> AwsError:
    found = f"AWS answered with a fault of its own ({code})"
    if context.mutation:
        return OutcomeUnknown(context.line(f"{found}; {_PERHAPS}", _AGAIN), code=code)
    return Unavailable(context.line(found, "run again in a minute"), code=code)


_ENCODED = re.compile(r"\s*Encoded authorization failure message:.*", re.DOTALL)
_WORDS_LIMIT = 300


def _words(error: ClientError) -> str:
    return _short(_ENCODED.sub("", str(error.response.get("Error", {}).get("Message", ""))))


def _short(text: str) -> str:
    text = _one_line(text)
    return text if len(text) <= _WORDS_LIMIT else text[:_WORDS_LIMIT] + "…"


def _denied(error: ClientError, code: str, context: _Context) -> AwsError:
    """Which action on which side, and the line that a policy lacks."""
    action = iam_action(error.operation_name)
    words = str(error.response.get("Error", {}).get("Message", ""))
    if "MultiFactorAuthentication failed" in words:
        way_out = "wait for the next code (each is good once), check the device's serial, and run again"
        return CredentialsError(context.line("the MFA code was not accepted", way_out), code=code)
    who = f"the credentials of the {context.at.side}" if context.at.side else "these credentials"
    found = f"{who} may not call {action}"
    way_out = f'add "Action": "{action}" to their policy (`twinwall permissions COMMAND` prints all of it)'
    if action == "sts:AssumeRole":
        way_out = _ASSUMING.format(side=context.at.side or "SIDE")
    if "explicit deny" in words:
        found += f': a service control policy, a boundary or a "Deny" forbids {action} explicitly'
        way_out = "lift that statement, or use another role"
    return AccessDenied(context.line(found, way_out), code=code)


_ASSUMING = (
    "check that the role exists, that its trust policy names this identity, that it asks for this external id "
    '(--{side}-external-id) and for no MFA beyond what was given, and add "Action": "sts:AssumeRole" to the '
    "policy of this identity"
)
"""STS answers all of these alike, so that nobody can find out which roles exist."""


def _fill(way_out: str, at: Place) -> str:
    return way_out.format(renew=renewal(at), who=_whose(at), region=at.region or "of this side")


def _whose(at: Place) -> str:
    return f"profile {at.profile}" if at.profile else "the environment"


def renewal(at: Place) -> str:
    """How the credentials of this place are renewed."""
    if at.sso_session:
        return f"aws sso login --sso-session {at.sso_session}"
    if at.profile:
        return f"renew the credentials of profile {at.profile}"
    return "renew the credentials"


# --- no answer, or none that can be read (BotoCoreError)


def _unanswered(error: Exception, context: _Context) -> AwsError:
    found = _credentials_fault(error, context.at)
    if found is not None:
        return CredentialsError(context.line(*found))
    if isinstance(error, b.ConnectionError | b.ProxyConnectionError):
        return Unavailable(context.line(*_not_reached(error, context.at)))
    if isinstance(error, b.HTTPClientError | b.IncompleteReadError | ResponseParserError):
        return _lost(error, context)
    if isinstance(error, b.NoRegionError):
        return AwsError(context.line("no Region is set", f"--{context.at.side or 'SIDE'}-region"))
    return AwsError(context.line(_short(str(error)), ""))


def _lost(error: Exception, context: _Context) -> AwsError:
    """The call was sent; what came back is nothing, or no answer of AWS's."""
    what = "timed out" if isinstance(error, b.ReadTimeoutError) else "was cut off or could not be read"
    if context.mutation:
        return OutcomeUnknown(context.line(f"the answer {what}; {_PERHAPS}", _AGAIN))
    return Unavailable(context.line(f"the answer {what}", "run again in a minute"))


def _not_reached(error: Any, at: Place) -> tuple[str, str]:
    endpoint = error.kwargs.get("endpoint_url") or error.kwargs.get("proxy_url") or "the endpoint"
    if isinstance(error, b.SSLError):
        return f"TLS with {endpoint} failed", "check AWS_CA_BUNDLE, the proxy and the clock of this machine"
    region = f" of the Region {at.region}" if at.region else ""
    return (
        f"{endpoint} cannot be reached",
        f"check the network, the proxy and the endpoint{region}; run again",
    )


def _credentials_fault(error: Exception, at: Place) -> tuple[str, str] | None:
    """(found, way out) of an error that lies in the credentials; what a process printed is not repeated."""
    match error:
        case b.NoCredentialsError():
            side = at.side or "SIDE"
            return "no credentials were found", f"--{side}-profile, AWS_PROFILE, or aws configure"
        case b.PartialCredentialsError():
            return f"credentials are incomplete: {_short(str(error))}", f"complete them in {_whose(at)}"
        case b.SSOError() | b.TokenRetrievalError():
            return "the SSO token is missing or has expired", f"{sso_login(at)}, then run again"
        case b.LoginError():
            return "the login session is missing or has expired", f"aws login{_profile(at)}, then run again"
        case b.RefreshWithMFAUnsupportedError():
            return "the credentials made with an MFA code have expired", "run again: nothing is lost"
        case b.CredentialRetrievalError(kwargs=details):
            method = str(details.get("provider", ""))
            return f"the credentials of {_whose(at)} could not be had by {method}", _by_hand(method, at)
        case b.InvalidConfigError() | b.ConfigParseError() | b.ConfigNotFound():
            return _short(str(error)), "mend the configuration file (aws configure list)"
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
        return f"run its credential_process by hand to see why, and mend {_whose(at)}"
    return f"mend {_whose(at)}"
