"""The emulators, each a process of its own on loopback: ours, moto's own server, ministack."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3
from botocore.config import Config

from probes.trial import HOME

ROOT = Path(__file__).resolve().parents[1]
SPEED = 30
"""How much faster ours runs its timers."""
_CONFIG = Config(
    retries={"total_max_attempts": 1}, parameter_validation=False, connect_timeout=5, read_timeout=20
)
Key = Mapping[str, str]


@dataclass
class Emulator:
    """``keys``: of two accounts; one may be had by taking on a role with the other's."""

    name: str
    version: str
    endpoint: str
    accounts: tuple[str, str]
    keys: tuple[Key, Key | None]
    patience: float
    shared: dict[Any, Any] = field(default_factory=dict)
    _clients: dict[tuple[str, str, int], Any] = field(default_factory=dict)
    _made: list[Any] = field(default_factory=list)
    _session: boto3.Session = field(default_factory=boto3.Session)

    def client(self, service: str, region: str, account: int) -> Any:
        where = (service, region, account)
        if where not in self._clients:
            self._clients[where] = self.client_with(service, region, self._key(account))
        return self._clients[where]

    def client_with(self, service: str, region: str, key: Key) -> Any:
        make: Any = self._session.client
        made = make(
            service,
            region_name=region,
            endpoint_url=self.endpoint,
            aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"],
            aws_session_token=key.get("SessionToken"),
            config=_CONFIG,
        )
        self._made.append(made)
        return made

    def close(self) -> None:
        for client in self._made:
            client.close()

    def _key(self, account: int) -> Key:
        key = self.keys[account]
        if key is not None:
            return key
        role = f"arn:aws:iam::{self.accounts[account]}:role/probe"
        given = self.client("sts", HOME, 0).assume_role(RoleArn=role, RoleSessionName="probe")
        found: Key = given["Credentials"]
        self.keys = (self.keys[0], found)
        return found


@contextmanager
def ours() -> Iterator[Emulator]:
    """As a user starts it: ``twinwall demo --serve``."""
    command = [sys.executable, "-m", "twinwall", "demo", "--serve", "--enforce-iam"]
    command += ["--time-scale", str(SPEED), "--output", "json"]
    with _running(command, {}, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = json.loads(_document(process.stdout))
        accounts = tuple(said[side]["account"] for side in ("source", "target"))
        keys = tuple(
            {
                "AccessKeyId": said[side]["aws_access_key_id"],
                "SecretAccessKey": said[side]["aws_secret_access_key"],
            }
            for side in ("source", "target")
        )
        yield Emulator("ours", version("twinwall"), said["endpoint"], accounts, keys, 10.0)


def _document(lines: Any) -> str:
    """The first JSON document of a process that goes on."""
    text = ""
    for line in lines:
        text += line
        try:
            json.loads(text)
        except ValueError:
            continue
        return text
    raise RuntimeError("the embedded AWS said nothing")


MOTO, MINISTACK = ROOT / ".venv-moto", ROOT / ".venv-ministack"


@contextmanager
def moto() -> Iterator[Emulator]:
    """moto's own server, alone: nothing of ours is in it. Where ``make fidelity`` has not set up the environment with
    all that the server can use, some of its services lack a package."""
    port, python = _free_port(), _python(MOTO)
    command = [python, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with _running(command, {"MOTO_EC2_LOAD_DEFAULT_AMIS": "false"}):
        endpoint = _answering(f"http://127.0.0.1:{port}")
        key = {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "probe"}
        accounts = ("123456789012", "222222222222")
        yield Emulator("moto", _version(python, "moto"), endpoint, accounts, (key, None), 0.2)


@contextmanager
def ministack() -> Iterator[Emulator]:
    """In its own virtual environment: it pins botocore. Here an access key names its account."""
    port = _free_port()
    how = {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "LAMBDA_EXECUTOR": "local",
        "PATH": f"{MINISTACK / 'bin'}:{os.environ.get('PATH', '')}",
    }
    with _running([str(MINISTACK / "bin" / "ministack")], how):
        endpoint = _answering(f"http://127.0.0.1:{port}")
        accounts = ("111111111111", "222222222222")
        keys = tuple({"AccessKeyId": account, "SecretAccessKey": "probe"} for account in accounts)
        number = _version(_python(MINISTACK), "ministack")
        yield Emulator("ministack", number, endpoint, accounts, keys, 3.0)


def _python(environment: Path) -> str:
    own = environment / "bin" / "python"
    return str(own) if own.exists() else sys.executable


def _version(python: str, package: str) -> str:
    asked = f"from importlib.metadata import version; print(version({package!r}))"
    return subprocess.run([python, "-c", asked], capture_output=True, text=True, check=True).stdout.strip()


WORLDS = {"ours": ours, "moto": moto, "ministack": ministack}


@contextmanager
def _running(
    command: list[str], more: Mapping[str, str], stdout: int = subprocess.DEVNULL
) -> Iterator[subprocess.Popen[str]]:
    """In an empty folder, without any AWS of the user's; stopped at the end."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {"AWS_EC2_METADATA_DISABLED": "true", "PYTHONUNBUFFERED": "1", **more}
    with TemporaryDirectory(prefix="twinwall-probes-") as folder:
        process = subprocess.Popen(
            command,
            stdout=stdout,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=folder,
            env=environment | {"HOME": folder},
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(20)
            if process.stdout is not None:
                process.stdout.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def _answering(endpoint: str) -> str:
    """Once it takes requests."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(endpoint, timeout=5):
                return endpoint
        except urllib.error.HTTPError:
            return endpoint
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"{endpoint} does not answer")
