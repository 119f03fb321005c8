"""What EC2 says no with → ours, in one place for every way to EC2.

A message is one line: what was being done, on which thing and side, what AWS found, and the way out. It
never holds a secret: answers about signatures and credentials are not repeated.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

from twinwall.ec2.codes import SERVER_CODES, Fault, fault_of, iam_action, spoken_service
from twinwall.errors import AccessDenied, AwsError, CredentialsError, OutcomeUnknown, Unavailable


@dataclass(frozen=True)
class Place:
    """Where a call goes, in the words a message needs: the side's label (``source``), and what to renew."""

    side: str = ""
    profile: str = ""
    sso_session: str = ""
    region: str = ""


NOWHERE = Place()


class Told(NamedTuple):
    """A call in words. ``mutation``: it changes something, so that without an answer its outcome is unknown."""

    doing: str
    thing: str
    at: Place
    mutation: bool

    def line(self, found: str, way_out: str) -> str:
        where = f" ({self.at.side})" if self.at.side else ""
        way = f"; way out: {way_out}" if way_out else ""
        return one_line(f"{self.doing} {self.thing}{where}: {found}{way}")


class Said(NamedTuple):
    """An answer that is an error: EC2's code and words, and the HTTP status."""

    operation: str
    code: str
    words: str
    status: int


def one_line(text: str) -> str:
    return " ".join(text.split())


_WORDS_LIMIT = 300


def short(text: str) -> str:
    text = one_line(text)
    return text if len(text) <= _WORDS_LIMIT else text[:_WORDS_LIMIT] + "…"


# --- answered with an error


def answered(said: Said, told: Told) -> AwsError:
    code = said.code
    fault = fault_of(code)
    if fault is None and (said.status >= 500 or code in SERVER_CODES):
        return _server_error(code, told)
    fault = fault or Fault(AwsError)
    if fault.kind is AccessDenied and not fault.way_out:
        return _denied(said, told)
    found = f"{spoken_service(said.operation)} answered {code or 'an error without a code'}"
    if fault.repeat:
        found += f": {short(_ENCODED.sub('', said.words))}"
    return fault.kind(told.line(found, _fill(fault.way_out, told.at)), code=code)


_PERHAPS = "the call may have been carried out"
_AGAIN = "run again: what was done is read anew"


def _server_error(code: str, told: Told) -> AwsError:
    found = f"AWS answered with a fault of its own ({code})"
    if told.mutation:
        return OutcomeUnknown(told.line(f"{found}; {_PERHAPS}", _AGAIN), code=code)
    return Unavailable(told.line(found, "run again in a minute"), code=code)


_ENCODED = re.compile(r"\s*Encoded authorization failure message:.*", re.DOTALL)


_ACTION = re.compile(r"is not authorized to perform: ([\w-]+:\w+)")
"""A call may need more rights than its own: to create with tags needs ``ec2:CreateTags`` (aws-facts 9.2)."""


def _denied(said: Said, told: Told) -> AwsError:
    """Which action on which side, and the line that a policy lacks."""
    named = _ACTION.search(said.words)
    action = named[1] if named else iam_action(said.operation)
    if "MultiFactorAuthentication failed" in said.words:
        way_out = "wait for the next code (each is good once), check the device's serial, and run again"
        return CredentialsError(told.line("the MFA code was not accepted", way_out), code=said.code)
    who = f"the credentials of the {told.at.side}" if told.at.side else "these credentials"
    found = f"{who} may not call {action}"
    way_out = f'add "Action": "{action}" to their policy (`twinwall permissions COMMAND` prints all of it)'
    if action == "sts:AssumeRole":
        way_out = _assuming(told.at.side)
    if "explicit deny" in said.words:
        found += f': a service control policy, a boundary or a "Deny" forbids {action} explicitly'
        way_out = "lift that statement, or use another role"
    return AccessDenied(told.line(found, way_out), code=said.code)


def _assuming(side: str) -> str:
    """STS answers all of these alike, so that nobody can find out which roles exist."""
    external = (
        f"that it asks for this external id (--{side}-external-id)"
        if side
        else "that it asks for no external id"
    )
    return (
        f"check that the role exists, that its trust policy names this identity, {external} and for no MFA beyond what "
        'was given, and add "Action": "sts:AssumeRole" to the policy of this identity'
    )


def _fill(way_out: str, at: Place) -> str:
    return way_out.format(renew=renewal(at), who=whose(at), region=at.region or "of this side")


def whose(at: Place) -> str:
    return f"profile {at.profile}" if at.profile else "the environment"


def renewal(at: Place) -> str:
    """How the credentials of this place are renewed."""
    if at.sso_session:
        return f"aws sso login --sso-session {at.sso_session}"
    if at.profile:
        return f"renew the credentials of profile {at.profile}"
    return "renew the credentials"


# --- not answered


def lost(what: str, told: Told) -> AwsError:
    """The call was sent; what came back is nothing, or no answer of AWS's. ``what``: "timed out"."""
    if told.mutation:
        return OutcomeUnknown(told.line(f"the answer {what}; {_PERHAPS}", _AGAIN))
    return Unavailable(told.line(f"the answer {what}", "run again in a minute"))


def not_reached(endpoint: str, told: Told) -> AwsError:
    """The call was never sent."""
    region = f" of the Region {told.at.region}" if told.at.region else ""
    way_out = f"check the network, the proxy and the endpoint{region}; run again"
    return Unavailable(told.line(f"{endpoint} cannot be reached", way_out))
