"""Credentials as botocore resolves them, against the embedded AWS's STS and SSO portal.

What depends on the process (the home directory, the terminal) runs in a process of its own, ``DRIVER``; the
terminal is a pseudo-terminal, and what is asked is what appears on it.
"""

import json
import os
import pty
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from pathlib import Path
from typing import Any

import pytest

from twinwall.aws.clients import AwsSession
from twinwall.aws.sessions import Side, resolve
from twinwall.ec2.reader import Ec2Reader
from twinwall.emulator.server import EmbeddedAws
from twinwall.errors import AccessDenied, AwsError, ConfigError, CredentialsError

SOURCE, TARGET = "111122223333", "444455556666"
SERIAL = f"arn:aws:iam::{SOURCE}:mfa/phone"

DRIVER = """
import fcntl, json, os, sys, termios, time
from twinwall.aws.sessions import Side, resolve
from twinwall.errors import TwinwallError

if len(sys.argv) > 2:  # the terminal that is to be this session's
    fcntl.ioctl(os.open(sys.argv[2], os.O_RDWR), termios.TIOCSCTTY, 0)
try:
    sessions = resolve([Side(**side) for side in json.loads(sys.argv[1])], now=time.time)
    print(json.dumps([session.identity().arn for session in sessions]))
except TwinwallError as error:
    sys.exit(str(error))
"""


@pytest.fixture
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws((SOURCE, TARGET)) as running:
        yield running


@dataclass
class Home:
    """A user's home directory and environment."""

    path: Path
    environment: pytest.MonkeyPatch

    def config(self, text: str) -> None:
        (self.path / ".aws").mkdir(exist_ok=True)
        file = self.path / ".aws" / "config"
        file.write_text(text)
        self.environment.setenv("AWS_CONFIG_FILE", str(file))

    def sso_token(self, name: str, expires: datetime, token: str = "token-of-the-portal") -> None:
        """A token as `aws sso login` leaves it; ``name``: the start URL or the sso-session."""
        folder = self.path / ".aws" / "sso" / "cache"
        folder.mkdir(parents=True)
        content = {"accessToken": token, "expiresAt": expires.strftime("%Y-%m-%dT%H:%M:%SZ")}
        (folder / f"{sha1(name.encode()).hexdigest()}.json").write_text(json.dumps(content))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, aws: EmbeddedAws) -> Home:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint)
    return Home(tmp_path, monkeypatch)


def keys(aws: EmbeddedAws, account: str = SOURCE) -> str:
    key = aws.credentials(account)
    return f"aws_access_key_id = {key.id}\naws_secret_access_key = {key.secret}\n"


def in_environment(home: Home, aws: EmbeddedAws, account: str = SOURCE) -> None:
    key = aws.credentials(account)
    home.environment.setenv("AWS_ACCESS_KEY_ID", key.id)
    home.environment.setenv("AWS_SECRET_ACCESS_KEY", key.secret)


def no_code(serial: str) -> str:
    raise AssertionError(f"nobody was to be asked for a code of {serial}")


def resolved(*sides: Side, ask_code: Callable[[str], str] = no_code) -> list[AwsSession]:
    return list(resolve(sides, now=time.time, ask_code=ask_code))


def arns(sessions: list[AwsSession]) -> list[str]:
    return [session.identity().arn for session in sessions]


def assumed(role: str, name: str, account: str = TARGET) -> str:
    return f"arn:aws:sts::{account}:assumed-role/{role}/{name}"


USER_ARN = f"arn:aws:iam::{SOURCE}:user/twinwall"


# --- profiles, environment, processes


def test_one_profile_serves_both_sides_each_in_its_region(home: Home, aws: EmbeddedAws) -> None:
    home.config(f"[profile one]\nregion = eu-west-1\n{keys(aws)}")
    both = resolved(Side("source", profile="one"), Side("target", profile="one", region="eu-central-1"))
    assert arns(both) == [USER_ARN, USER_ARN]
    assert [session.identity().region for session in both] == ["eu-west-1", "eu-central-1"]
    assert [session.identity().endpoint for session in both] == [aws.endpoint, aws.endpoint]
    assert [session.expires_at() for session in both] == [None, None]


def test_two_profiles(home: Home, aws: EmbeddedAws) -> None:
    home.config(
        f"[profile a]\nregion = eu-west-1\n{keys(aws)}[profile b]\nregion = us-east-1\n{keys(aws, TARGET)}"
    )
    both = resolved(Side("source", profile="a"), Side("target", profile="b"))
    assert [session.identity().account for session in both] == [SOURCE, TARGET]


def test_the_environment_and_aws_profile(home: Home, aws: EmbeddedAws) -> None:
    home.config(f"[profile b]\nregion = us-east-1\n{keys(aws, TARGET)}")
    home.environment.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    in_environment(home, aws)
    both = resolved(Side("source"), Side("target", profile="b"))
    assert [s.identity().account for s in both] == [SOURCE, TARGET]
    home.environment.delenv("AWS_ACCESS_KEY_ID")
    home.environment.setenv("AWS_PROFILE", "b")
    assert resolved(Side("source"))[0].identity().account == TARGET


def test_the_endpoint_of_the_command_line_goes_before_the_environments(home: Home, aws: EmbeddedAws) -> None:
    home.environment.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    in_environment(home, aws)
    role = aws.add_role(TARGET, "deploy", [SOURCE])
    (session,) = resolved(Side("target", region="eu-west-1", role_arn=role, endpoint_url=aws.endpoint))
    assert session.identity().arn == assumed("deploy", "twinwall-target")


@pytest.mark.parametrize("label", ["source", "target"])
def test_a_role_with_an_external_id_on_either_side(home: Home, aws: EmbeddedAws, label: str) -> None:
    in_environment(home, aws)
    role = aws.add_role(TARGET, "deploy", [SOURCE], external_id="xid-42")
    side = Side(label, region="eu-west-1", role_arn=role, external_id="xid-42")
    (session,) = resolved(side)
    assert session.identity().arn == assumed("deploy", f"twinwall-{label}")
    assert session.expires_at() is None


@pytest.mark.parametrize(
    "side",
    [
        {"role_arn": f"arn:aws:iam::{TARGET}:role/deploy"},
        {"role_arn": f"arn:aws:iam::{TARGET}:role/deploy", "external_id": "wrong-one"},
        {"role_arn": f"arn:aws:iam::{TARGET}:role/nobody", "external_id": "xid-42"},
    ],
    ids=["no external id", "another external id", "no such role"],
)
def test_a_role_that_cannot_be_assumed(home: Home, aws: EmbeddedAws, side: dict[str, str]) -> None:
    in_environment(home, aws)
    aws.add_role(TARGET, "deploy", [SOURCE], external_id="xid-42")
    with pytest.raises(AccessDenied) as raised:
        resolved(Side("target", region="eu-west-1", **side))
    message = str(raised.value)
    assert message.startswith(f"assuming the role {side['role_arn']} (target): ")
    assert "trust policy" in message
    assert "--target-external-id" in message
    assert "wrong-one" not in message


def test_source_profile_in_a_chain_of_two_roles(home: Home, aws: EmbeddedAws) -> None:
    aws.add_role(SOURCE, "hop", [SOURCE])
    aws.add_role(TARGET, "deploy", [f"arn:aws:iam::{SOURCE}:role/hop"])
    home.config(
        f"[profile base]\n{keys(aws)}"
        f"[profile hop]\nrole_arn = arn:aws:iam::{SOURCE}:role/hop\nsource_profile = base\n"
        f"[profile top]\nrole_arn = arn:aws:iam::{TARGET}:role/deploy\nsource_profile = hop\n"
        "role_session_name = me\nregion = eu-west-1\n"
    )
    (session,) = resolved(Side("source", profile="top"))
    assert session.identity().arn == assumed("deploy", "me")


def process(home: Home, body: str) -> None:
    program = home.path / "process.py"
    program.write_text(body)
    home.config(f"[profile p]\nregion = eu-west-1\ncredential_process = {sys.executable} {program}\n")


def test_a_credential_process_is_run_once_for_both_sides(home: Home, aws: EmbeddedAws) -> None:
    key = aws.credentials(SOURCE)
    answer = {"Version": 1, "AccessKeyId": key.id, "SecretAccessKey": key.secret}
    process(
        home, f"open({str(home.path / 'runs')!r}, 'a').write('x')\nprint({json.dumps(json.dumps(answer))})"
    )
    both = resolved(Side("source", profile="p"), Side("target", profile="p", region="us-east-1"))
    assert arns(both) == [USER_ARN, USER_ARN]
    assert (home.path / "runs").read_text() == "x"


@pytest.mark.parametrize(
    "body",
    [
        "import sys; sys.exit('hunter2')",
        "print('hunter2')",
        'print(\'{"Version": 1, "AccessKeyId": "hunter2"}\')',
    ],
    ids=["fails", "prints no JSON", "leaves out the secret"],
)
def test_a_credential_process_that_fails_is_not_repeated(home: Home, body: str) -> None:
    process(home, body)
    with pytest.raises(CredentialsError) as raised:
        resolved(Side("source", profile="p"))
    assert "profile p" in str(raised.value)
    assert "hunter2" not in str(raised.value)


# --- what is wrong in the input


def test_a_profile_that_is_not_there_names_those_that_are(home: Home, aws: EmbeddedAws) -> None:
    home.config(f"[profile dev]\n{keys(aws)}[profile prod]\n{keys(aws)}")
    with pytest.raises(ConfigError, match=r"no profile 'prd' \(did you mean prod\?\); known are: dev, prod"):
        resolved(Side("source", profile="prd", region="eu-west-1"))
    home.environment.setenv("AWS_PROFILE", "prd")
    with pytest.raises(ConfigError, match="no profile 'prd'"):
        resolved(Side("source", region="eu-west-1"))


def test_a_source_profile_that_is_not_there(home: Home) -> None:
    home.config(
        f"[profile p]\nregion = eu-west-1\nrole_arn = arn:aws:iam::{TARGET}:role/r\nsource_profile = gone\n"
    )
    with pytest.raises(CredentialsError, match=r'source_profile "gone".*does not exist'):
        resolved(Side("source", profile="p"))


def test_no_region_and_one_that_does_not_exist(home: Home, aws: EmbeddedAws) -> None:
    in_environment(home, aws)
    with pytest.raises(ConfigError, match="none is set; way out: --target-region"):
        resolved(Side("target"))
    with pytest.raises(ConfigError, match=r"no Region 'eu-wset-1' \(did you mean eu-west-1\?\)"):
        resolved(Side("target", region="eu-wset-1"))


def test_aws_region_serves_where_botocore_finds_none(home: Home, aws: EmbeddedAws) -> None:
    in_environment(home, aws)
    (session,) = resolve([Side("at")], now=time.time, fallback_region="eu-north-1")
    assert session.region == "eu-north-1"
    home.environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
    (session,) = resolve([Side("at")], now=time.time, fallback_region="eu-north-1")
    assert session.region == "us-east-1"


@pytest.mark.parametrize(
    "arn", ["deploy", "arn:aws:iam::12:role/deploy", f"arn:aws:iam::{TARGET}:user/deploy"]
)
def test_what_is_not_the_arn_of_a_role(home: Home, arn: str) -> None:
    with pytest.raises(ConfigError, match="is not the ARN of a role"):
        resolved(Side("target", region="eu-west-1", role_arn=arn))


def test_no_credentials_at_all(home: Home) -> None:
    with pytest.raises(CredentialsError, match="no credentials were found; way out: --source-profile"):
        resolved(Side("source", region="eu-west-1"))


def test_keys_of_nobody(home: Home) -> None:
    home.config(
        "[profile x]\nregion = eu-west-1\naws_access_key_id = AKIDX\naws_secret_access_key = hunter2\n"
    )
    (session,) = resolved(Side("source", profile="x"))
    with pytest.raises(CredentialsError, match="check the access key") as raised:
        session.identity()
    assert "hunter2" not in str(raised.value)


def test_sessions_that_ended_midway_stop_cleanly(home: Home, aws: EmbeddedAws) -> None:
    in_environment(home, aws)
    role = aws.add_role(TARGET, "deploy", [SOURCE])
    (session,) = resolved(Side("target", region="eu-west-1", role_arn=role))
    aws.expire_sessions()
    with pytest.raises(CredentialsError, match="run again"):
        Ec2Reader(session).read("vpc-1", ["SecurityGroups"])


def test_handed_over_credentials_with_an_end_are_not_renewed(home: Home, aws: EmbeddedAws) -> None:
    in_environment(home, aws)
    home.environment.setenv("AWS_SESSION_TOKEN", "")
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    home.environment.setenv("AWS_CREDENTIAL_EXPIRATION", ends.isoformat())
    (session,) = resolved(Side("source", region="eu-west-1"))
    found = session.expires_at()
    assert found is not None
    assert abs(found - ends) < timedelta(seconds=3)
    home.environment.setenv("AWS_CREDENTIAL_EXPIRATION", (ends - timedelta(hours=2)).isoformat())
    with pytest.raises(CredentialsError, match=r"expired.*run again"):
        resolved(Side("source", region="eu-west-1"))


# --- MFA


def mfa_profiles(home: Home, aws: EmbeddedAws, codes: list[str]) -> None:
    """``a`` and ``b`` are roles in both accounts that one user assumes with one device."""
    for account, name in ((SOURCE, "reader"), (TARGET, "deploy")):
        aws.add_role(account, name, [SOURCE], mfa=True)
    aws.add_mfa_device(SOURCE, "twinwall", SERIAL, codes)
    shared = f"mfa_serial = {SERIAL}\nsource_profile = base\nregion = eu-west-1\nrole_session_name = me\n"
    home.config(
        f"[profile base]\n{keys(aws)}"
        f"[profile a]\nrole_arn = arn:aws:iam::{SOURCE}:role/reader\n{shared}"
        f"[profile b]\nrole_arn = arn:aws:iam::{TARGET}:role/deploy\n{shared}"
    )


BOTH = [assumed("reader", "me", SOURCE), assumed("deploy", "me")]


class Asked:
    """The device: shows the next code each time, and remembers where it was asked."""

    def __init__(self, *codes: str) -> None:
        self._codes = list(codes)
        self.threads: list[threading.Thread] = []

    def __call__(self, serial: str) -> str:
        assert serial == SERIAL
        self.threads.append(threading.current_thread())
        return self._codes.pop(0)


def test_two_roles_with_one_device_ask_once(home: Home, aws: EmbeddedAws) -> None:
    """AWS takes a code once, so it buys a session, and both roles are assumed from that."""
    mfa_profiles(home, aws, ["123456"])
    asked = Asked("123456")
    both = resolved(Side("source", profile="a"), Side("target", profile="b"), ask_code=asked)
    assert asked.threads == [threading.main_thread()]
    assert arns(both) == BOTH
    calls = aws.counts.by_action()
    assert (calls["GetSessionToken"], calls["AssumeRole"]) == (1, 2)


def test_one_role_with_a_device_is_assumed_with_the_code(home: Home, aws: EmbeddedAws) -> None:
    mfa_profiles(home, aws, ["123456"])
    asked = Asked("123456")
    both = resolved(Side("source", profile="a"), Side("target", profile="a"), ask_code=asked)
    assert arns(both) == [BOTH[0], BOTH[0]]
    assert len(asked.threads) == 1
    assert aws.counts.total("GetSessionToken") == 0
    ends = both[0].expires_at()
    assert ends is not None
    assert timedelta(minutes=58) < ends - datetime.now(UTC) <= timedelta(hours=1)


def test_roles_on_top_of_a_profile_with_a_device(home: Home, aws: EmbeddedAws) -> None:
    mfa_profiles(home, aws, ["123456"])
    home.config(f"[profile me]\nregion = eu-west-1\nmfa_serial = {SERIAL}\n{keys(aws)}")
    roles = [f"arn:aws:iam::{SOURCE}:role/reader", f"arn:aws:iam::{TARGET}:role/deploy"]
    asked = Asked("123456")
    both = resolved(
        Side("source", profile="me", role_arn=roles[0]),
        Side("target", profile="me", role_arn=roles[1]),
        ask_code=asked,
    )
    assert arns(both) == [
        assumed("reader", "twinwall-source", SOURCE),
        assumed("deploy", "twinwall-target"),
    ]
    assert len(asked.threads) == 1
    assert all(session.expires_at() is not None for session in both)


def test_a_role_on_top_of_one_with_a_device_ends_with_it(home: Home, aws: EmbeddedAws) -> None:
    mfa_profiles(home, aws, ["123456"])
    role = aws.add_role(TARGET, "inner", [f"arn:aws:iam::{SOURCE}:role/reader"])
    (session,) = resolved(Side("target", profile="a", role_arn=role), ask_code=Asked("123456"))
    assert session.identity().arn == assumed("inner", "twinwall-target")
    assert session.expires_at() is not None


def test_threads_never_ask(home: Home, aws: EmbeddedAws) -> None:
    mfa_profiles(home, aws, ["123456", "654321"])
    asked = Asked("123456", "654321")
    (session,) = resolved(Side("source", profile="a"), ask_code=asked)
    aws.expire_sessions()
    found: list[AwsError] = []

    def read() -> None:
        try:
            Ec2Reader(session).read("vpc-1", ["SecurityGroups"])
        except AwsError as error:
            found.append(error)

    worker = threading.Thread(target=read)
    worker.start()
    worker.join()
    assert len(asked.threads) == 1
    assert [type(error) for error in found] == [CredentialsError]
    assert "run again" in str(found[0])


@pytest.mark.parametrize(
    ("typed", "words"),
    [("000000", "was not accepted"), ("12345", "not six digits"), ("hunter2", "not six digits")],
)
def test_a_wrong_code(home: Home, aws: EmbeddedAws, typed: str, words: str) -> None:
    mfa_profiles(home, aws, ["123456"])
    with pytest.raises(CredentialsError, match=words) as raised:
        resolved(Side("source", profile="a"), ask_code=Asked(typed))
    assert "way out" in str(raised.value)
    assert "hunter2" not in str(raised.value)


def drive(*sides: dict[str, Any], terminal: str = "") -> "subprocess.Popen[str]":
    """The driver in a session of its own, without a terminal or with the one given."""
    arguments = [json.dumps(sides), *([terminal] if terminal else [])]
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def type_codes(terminal: int, running: "subprocess.Popen[str]", codes: list[str]) -> str:
    """Answers each prompt with the next code; returns all that the terminal showed."""
    shown, answered, deadline = "", 0, time.monotonic() + 60
    while running.poll() is None and time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.05)[0]:
            shown += os.read(terminal, 1024).decode()
        if shown.count("MFA code of") > answered and answered < len(codes) and shown.endswith(": "):
            os.write(terminal, f"{codes[answered]}\n".encode())
            answered += 1
    return shown


def test_on_a_terminal_the_device_is_asked_once_and_the_code_is_not_shown(
    home: Home, aws: EmbeddedAws
) -> None:
    mfa_profiles(home, aws, ["123456", "654321"])
    ours, theirs = pty.openpty()
    try:
        running = drive(
            {"label": "source", "profile": "a"},
            {"label": "target", "profile": "b"},
            terminal=os.ttyname(theirs),
        )
        shown = type_codes(ours, running, ["123456", "654321"])
        out, error = running.communicate(timeout=10)
    finally:
        os.close(theirs)
        os.close(ours)
    assert (running.returncode, error) == (0, "")
    assert json.loads(out) == BOTH
    assert shown.count("MFA code of") == 1
    assert f"MFA code of {SERIAL}: " in shown
    assert "123456" not in shown


def test_without_a_terminal_the_way_out_is_told(home: Home, aws: EmbeddedAws) -> None:
    mfa_profiles(home, aws, ["123456"])
    running = drive({"label": "source", "profile": "a"})
    out, error = running.communicate(timeout=60)
    assert (running.returncode, out) == (1, "")
    assert error.startswith(f"asking for the MFA code of {SERIAL}: there is no terminal to ask on; way out: ")
    assert len(error.splitlines()) == 1


# --- SSO


def sso_config(home: Home, *, session: bool) -> str:
    """Returns the name under which `aws sso login` keeps the token."""
    portal = "sso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\n"
    role = f"sso_account_id = {SOURCE}\nsso_role_name = Admin\nregion = eu-west-1\n"
    if session:
        home.config(f"[sso-session corp]\n{portal}[profile dev]\nsso_session = corp\n{role}")
        return "corp"
    home.config(f"[profile dev]\n{portal}{role}")
    return "https://corp.awsapps.com/start"


@pytest.mark.parametrize("session", [True, False], ids=["sso-session", "legacy"])
def test_a_cached_sso_token(home: Home, aws: EmbeddedAws, session: bool) -> None:
    name = sso_config(home, session=session)
    home.sso_token(name, datetime.now(UTC) + timedelta(hours=8))
    aws.add_sso_token("token-of-the-portal", SOURCE, "Admin")
    role = aws.add_role(TARGET, "deploy", [f"arn:aws:iam::{SOURCE}:role/*"])
    running = drive(
        {"label": "source", "profile": "dev"}, {"label": "target", "profile": "dev", "role_arn": role}
    )
    out, error = running.communicate(timeout=60)
    assert error == ""
    assert json.loads(out) == [
        assumed("AWSReservedSSO_Admin", "sso-user", SOURCE),
        assumed("deploy", "twinwall-target"),
    ]


@pytest.mark.parametrize("cached", [True, False], ids=["expired", "none"])
@pytest.mark.parametrize("session", [True, False], ids=["sso-session", "legacy"])
def test_an_sso_token_that_is_no_more(home: Home, session: bool, cached: bool) -> None:
    name = sso_config(home, session=session)
    if cached:
        home.sso_token(name, datetime.now(UTC) - timedelta(hours=1))
    running = drive({"label": "source", "profile": "dev"})
    out, error = running.communicate(timeout=60)
    login = "aws sso login --sso-session corp" if session else "aws sso login --profile dev"
    assert (running.returncode, out) == (1, "")
    assert error == (
        "resolving credentials from profile dev (source): the SSO token is missing or has expired; "
        f"way out: {login}, then run again\n"
    )


def test_a_token_that_the_portal_does_not_take(home: Home) -> None:
    home.sso_token(sso_config(home, session=True), datetime.now(UTC) + timedelta(hours=8), "stolen")
    _, error = drive({"label": "source", "profile": "dev"}).communicate(timeout=60)
    assert "way out: aws sso login --sso-session corp" in error
