"""One-time codes: each device is asked once, in the main thread, before any other thread starts.

AWS accepts a code once. Where one role needs the device, the code goes into its AssumeRole, as botocore
does it. Where several do (two sides whose profiles name the same ``mfa_serial``), the code buys a session
(STS GetSessionToken), and every role is assumed from that session, which carries the MFA context
(IAM guide, "Secure API access with MFA", GetSessionToken)::

    one role      user ──AssumeRole(code)──▶ role
    several       user ──GetSessionToken(code)──▶ session ──AssumeRole──▶ role A
                                                          └─AssumeRole──▶ role B
"""

import getpass
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from twinwall.aws.faults import faults
from twinwall.ec2.faults import Place
from twinwall.errors import CredentialsError

AskCode = Callable[[str], str]
"""The device's serial or ARN → the six digits it shows."""

StsMaker = Callable[..., Any]
"""``Session.create_client`` with the service given: keyword arguments → an STS client."""

Keys = Mapping[str, Any]
"""``aws_access_key_id``, ``aws_secret_access_key``, ``aws_session_token``."""


class MfaDesk:
    """Where codes are asked for. One for all sides of a run; ``shared``: devices that several roles use."""

    def __init__(self, ask_code: AskCode, shared: frozenset[str] = frozenset()) -> None:
        self._ask_code = ask_code
        self._shared = shared
        self._sessions: dict[tuple[str, str], Keys] = {}

    def assume(self, make_sts: StsMaker, keys: Keys, params: Keys, at: Place) -> dict[str, Any]:
        """AssumeRole; a ``SerialNumber`` in the parameters is answered here."""
        params = {name: value for name, value in params.items() if name != "TokenCode"}
        serial = params.get("SerialNumber")
        if serial and serial in self._shared and not keys.get("aws_session_token"):
            keys = self._session(make_sts, keys, serial, at)
            params = {name: value for name, value in params.items() if name != "SerialNumber"}
        elif serial:
            params = {**params, "TokenCode": self._code(serial)}
        with faults("assuming the role", str(params["RoleArn"]), at=at):
            answer: dict[str, Any] = make_sts(**keys).assume_role(**params)
        return answer

    def _session(self, make_sts: StsMaker, keys: Keys, serial: str, at: Place) -> Keys:
        """The device's session. GetSessionToken takes lasting keys only (API: GetSessionToken)."""
        known = self._sessions.get((serial, keys["aws_access_key_id"]))
        if known is not None:
            return known
        with faults("opening a session with the MFA device", serial, at=at):
            answer = make_sts(**keys).get_session_token(SerialNumber=serial, TokenCode=self._code(serial))
        session = session_keys(answer["Credentials"])
        self._sessions[serial, keys["aws_access_key_id"]] = session
        return session

    def _code(self, serial: str) -> str:
        code = self._ask_code(serial).strip()
        if not (code.isascii() and code.isdigit() and len(code) == 6):
            raise CredentialsError(
                f"asking for the MFA code of {serial}: what was typed is not six digits; way out: run again"
            )
        return code


def session_keys(credentials: Mapping[str, Any]) -> Keys:
    """STS's ``Credentials`` as the arguments of a client."""
    return {
        "aws_access_key_id": credentials["AccessKeyId"],
        "aws_secret_access_key": credentials["SecretAccessKey"],
        "aws_session_token": credentials["SessionToken"],
    }


def ask_on_terminal(serial: str) -> str:
    """Asks on the controlling terminal, not on stdout, without echo. No terminal: ``CredentialsError``."""
    if not _has_terminal():
        raise CredentialsError(
            f"asking for the MFA code of {serial}: there is no terminal to ask on; way out: run in one, "
            "or put credentials made with `aws sts assume-role` into the environment"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return getpass.getpass(f"MFA code of {serial}: ")
        except (EOFError, getpass.GetPassWarning):
            raise CredentialsError(
                f"asking for the MFA code of {serial}: the terminal closed; way out: run again"
            ) from None


def _has_terminal() -> bool:
    if sys.platform == "win32":
        return sys.stdin is not None and sys.stdin.isatty()
    try:
        with Path("/dev/tty").open("rb"):
            return True
    except OSError:
        return False
