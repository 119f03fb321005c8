"""``twinwall demo``: the embedded AWS with two accounts in two Regions, told as a story or served to others."""

import contextlib
import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from twinwall.cli import demo_firewall as shop
from twinwall.cli import demo_pace, output
from twinwall.cli import options as o
from twinwall.cli.demo_pace import Served
from twinwall.cli.invocation import Invocation
from twinwall.documents.files import write_private
from twinwall.errors import ConfigError

if TYPE_CHECKING:
    from twinwall.emulator.server import EmbeddedAws


@o.command("demo")
@click.option(
    "--serve", is_flag=True, help="Only start the embedded AWS and say how to use it; runs until stopped."
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port for --serve; else a free one.")
@demo_pace.options
@o.report
@o.general
@click.pass_obj
def demo(invocation: Invocation, /, serve: bool, **served: Any) -> int:
    """See it work on an embedded AWS: no account, no network.

    Builds two accounts in two Regions with a realistic firewall, migrates it, breaks something, repairs it;
    deploys a mesh over two Regions, scales out, cuts a Region off, scales in; and proves each step.

    With --serve any AWS client can use it. Another process can read and change how it behaves, as JSON, under
    ENDPOINT/_twinwall/: GET counts (calls by account, Region and action), GET and POST throttle, GET, POST and
    DELETE faults, POST reset (docs/embedded-aws.md).
    """
    how = Served(**served)
    how.check(serve=serve)
    if serve and invocation.report is not None:
        raise ConfigError(
            "demo --serve --report: there is nothing to report until somebody calls; leave one of them out"
        )
    with _no_aws_of_the_user(), two_accounts(how) as stage:
        return _serve(stage, invocation) if serve else _story(stage, invocation)


@contextlib.contextmanager
def _no_aws_of_the_user() -> Iterator[None]:
    """No profile, Region or credential of the user's reaches the demo, nor what it stands on."""
    before = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    for name in before:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(before)


@dataclass(frozen=True)
class Stage:
    """What the demo plays on. ``environment`` is what a client needs to find it."""

    aws: "EmbeddedAws"
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.aws.endpoint,
            "AWS_CONFIG_FILE": str(self.folder / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.folder / "credentials"),
            "AWS_EC2_METADATA_DISABLED": "true",
            **_past_the_proxy(),
        }


_PROXIES = ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")


def _past_the_proxy() -> dict[str, str]:
    """Where a proxy is set, it is not asked for what runs on this machine; what else goes past it still does."""
    if not any(os.environ.get(name) for name in _PROXIES):
        return {}
    past = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    names = list(dict.fromkeys([*(part for part in past.split(",") if part), "127.0.0.1"]))
    return {name: ",".join(names) for name in ("NO_PROXY", "no_proxy")}


@contextlib.contextmanager
def two_accounts(how: Served | None = None) -> Iterator[Stage]:
    """The embedded AWS, seeded, with the profiles ``source`` and ``target`` in files of their own."""
    try:
        from twinwall.emulator.seed import load_document  # noqa: PLC0415 - an optional part, and a slow import
        from twinwall.emulator.server import EmbeddedAws  # noqa: PLC0415 - likewise
    except ModuleNotFoundError as missing:
        raise ConfigError(
            f"the embedded AWS needs {missing.name}, which is not installed; pip install 'twinwall[emulator]'"
        ) from missing
    with (
        tempfile.TemporaryDirectory(prefix="twinwall-demo-") as folder,
        _started(EmbeddedAws, how or Served()) as aws,
    ):
        load_document(aws, shop.SOURCE_ACCOUNT, shop.SOURCE_REGION, shop.source_document())
        load_document(aws, shop.TARGET_ACCOUNT, shop.TARGET_REGION, shop.target_document())
        stage = Stage(aws, Path(folder))
        _write_files(stage)
        yield stage


@contextlib.contextmanager
def _started(kind: "type[EmbeddedAws]", how: Served) -> "Iterator[EmbeddedAws]":
    troubles = how.troubles()
    accounts = (shop.SOURCE_ACCOUNT, shop.TARGET_ACCOUNT)
    aws = kind(accounts, port=how.port, pace=how.pace(), enforce_iam=how.enforce_iam)
    try:
        aws.start()
    except OSError as failed:
        raise ConfigError(
            f"--port {how.port}: {failed.strerror or failed}; name a free port, or none"
        ) from None
    for trouble in troubles:
        aws.trouble.add(trouble)
    try:
        yield aws
    finally:
        aws.stop()


_SIDES = (
    ("source", shop.SOURCE_ACCOUNT, shop.SOURCE_REGION, shop.SOURCE_VPC),
    ("target", shop.TARGET_ACCOUNT, shop.TARGET_REGION, shop.TARGET_VPC),
)


def _write_files(stage: Stage) -> None:
    """The profiles, as the AWS CLI keeps them, and a configuration that names both sides."""
    keys, regions, locations = [], [], []
    for name, account, region, vpc_id in _SIDES:
        key = stage.aws.credentials(account)
        keys.append(f"[{name}]\naws_access_key_id = {key.id}\naws_secret_access_key = {key.secret}\n")
        regions.append(f"[profile {name}]\nregion = {region}\n")
        locations.append(f'[locations.{name}]\nvpc = "{vpc_id}"\nprofile = "{name}"\nregion = "{region}"\n')
    replica = '[replicas.shop]\nsource = "source"\ntargets = ["target"]\nmap_vpc_cidr = true\n'
    write_private(stage.folder / "credentials", "\n".join(keys), "the profiles")
    write_private(stage.folder / "config", "\n".join(regions), "the profiles")
    write_private(stage.folder / "twinwall.toml", "\n".join([*locations, replica]), "the configuration")


# --- served


def _serve(stage: Stage, invocation: Invocation) -> int:
    """Until Ctrl-C or SIGTERM; being stopped is how it is done."""
    stopped = threading.Event()
    before = signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    try:
        _tell(stage, invocation)
        with contextlib.suppress(KeyboardInterrupt):
            while not stopped.wait(0.2):
                pass
    finally:
        signal.signal(signal.SIGTERM, before)
    return 0


def _tell(stage: Stage, invocation: Invocation) -> None:
    if invocation.json:
        output.document(_document(stage))
        return
    lines = [f"endpoint: {stage.aws.endpoint}", ""]
    for name, account, region, vpc_id in _SIDES:
        key = stage.aws.credentials(account)
        lines += [
            f"{name}: {vpc_id} in {account}/{region}, profile {name}",
            f"  aws_access_key_id     {key.id}",
        ]
        lines += [f"  aws_secret_access_key {key.secret}"]
    lines += ["", "In another terminal:", ""]
    lines += [f"unset {' '.join(_IN_THE_WAY)}"]
    lines += [f"export {name}={value}" for name, value in stage.environment.items()]
    lines += ["", *commands(), "", "Running until stopped (Ctrl-C)."]
    output.lines(lines)


_IN_THE_WAY = ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN")
"""They would come before what the profiles say."""


def commands() -> list[str]:
    """What to try, word for word as the README has it."""
    sides = f"--source {shop.SOURCE_VPC} --source-profile source --target {shop.TARGET_VPC} --target-profile target"
    return [
        f"twinwall plan {sides} --map-vpc-cidr",
        f"twinwall migrate {sides} --map-vpc-cidr --associate auto",
        f"twinwall verify {sides} --map-vpc-cidr --associate auto",
        "aws ec2 describe-security-groups --profile target",
    ]


def _document(stage: Stage) -> dict[str, object]:
    sides = {
        name: {
            "account": account,
            "region": region,
            "vpc_id": vpc_id,
            "profile": name,
            "aws_access_key_id": stage.aws.credentials(account).id,
            "aws_secret_access_key": stage.aws.credentials(account).secret,
        }
        for name, account, region, vpc_id in _SIDES
    }
    return {
        "endpoint": stage.aws.endpoint,
        **sides,
        "environment": stage.environment,
        "configuration": str(stage.folder / "twinwall.toml"),
        "commands": commands(),
    }


def _story(stage: Stage, invocation: Invocation) -> int:
    from twinwall.cli.story import story  # noqa: PLC0415 - the story runs commands, which load this module

    return story(stage, invocation)
