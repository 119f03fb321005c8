"""``twinwall --help`` is quick because it loads next to nothing, and files are compared without the AWS SDK."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SLOW = ("boto3", "botocore", "rich", "moto", "msgspec", "flask", "werkzeug", "platformdirs")
LISTING = "import json, sys; from twinwall.cli.main import run; code = run({0!r}); print(file=sys.stderr); "
LISTING += "print(json.dumps(sorted(sys.modules)), file=sys.stderr); sys.exit(code)"


def loaded(*arguments: str) -> set[str]:
    """The modules that a run of the command line loads, in a process of its own."""
    code = LISTING.format(list(arguments))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("nonsense",)])
def test_help_loads_nothing_slow(arguments: tuple[str, ...]) -> None:
    assert not loaded(*arguments) & set(SLOW)


def test_help_loads_little_of_ours() -> None:
    ours = {name for name in loaded("--help") if name.startswith("twinwall")}
    assert ours == {
        "twinwall",
        "twinwall.cli",
        "twinwall.cli.failures",
        "twinwall.cli.invocation",
        "twinwall.cli.lazy",
        "twinwall.cli.main",
        "twinwall.cli.numbers",
        "twinwall.cli.options",
        "twinwall.errors",
    }


@pytest.mark.parametrize(
    "command", ["plan", "verify", "snapshot", "permissions", "explain", "lint", "export"]
)
def test_files_are_worked_on_without_the_aws_sdk(command: str, tmp_path: Path) -> None:
    for name, vpc in (("a", "vpc-1"), ("b", "vpc-2")):
        group = {"GroupId": f"sg-{name}", "GroupName": "web", "OwnerId": "111111111111", "VpcId": vpc}
        document = {"Region": "eu-west-1", "OwnerId": "111111111111", "SecurityGroups": [group]}
        (tmp_path / f"{name}.json").write_text(json.dumps(document))
    source, target = (f"--{side}={tmp_path / name}.json" for side, name in (("source", "a"), ("target", "b")))
    at = f"--at={tmp_path / 'a'}.json"
    sides = {
        "plan": (source, target),
        "verify": (source, target),
        "snapshot": (source,),
        "permissions": ("plan",),
        "explain": (at, "--from=192.0.2.1", "--to=web", "--protocol=tcp", "--port=443"),
        "lint": (at,),
        "export": (at, "--format=cli"),
    }
    assert not loaded(command, *sides[command]) & {"boto3", "botocore", "moto"}
