"""``--terraform-state`` from the command line and from ``twinwall.toml``."""

import json
from pathlib import Path

import pytest
from firewalls import group, source, target, there

from twinwall.cli.main import run

STATE = {
    "version": 4,
    "resources": [
        {
            "mode": "managed",
            "type": "aws_security_group",
            "name": "web",
            "instances": [{"attributes": {"id": "sg-t"}}],
        }
    ],
}
TOML = """\
[replicas.staging]
source = "source.json"
targets = ["target.json"]
terraform_state = ["state.json"]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    files = {
        "source": source(group("sg-web", "web", "in tcp 443 0.0.0.0/0")),
        "target": target(there("sg-t", "web", marked="sg-web")),
        "state": STATE,
    }
    for name, document in files.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(document))
    return tmp_path


SIDES = ("--source", "source.json", "--target", "target.json")


def test_the_plan_is_refused_in_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", *SIDES]) == 0
    capsys.readouterr()
    assert run(["plan", *SIDES, "--terraform-state", "state.json"]) == 3
    told = capsys.readouterr()
    (line,) = told.err.splitlines()
    assert "Terraform keeps web (sg-t) as aws_security_group.web" in line
    both = ("--adopt", "web", "--adopt-managed")
    assert run(["plan", *SIDES, "--terraform-state", "state.json", *both]) == 0


def test_a_replica_says_it_from_the_configurations_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "twinwall.toml").write_text(TOML)
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    for name in ("source", "target"):
        (elsewhere / f"{name}.json").write_text((folder / f"{name}.json").read_text())
    monkeypatch.chdir(elsewhere)
    asked = ["plan", "--config", str(folder / "twinwall.toml"), "--replica", "staging"]
    assert run(asked) == 3
    (elsewhere / "empty.json").write_text('{"format_version": "1.0"}')
    assert run([*asked, "--terraform-state", "empty.json"]) == 0


def test_what_writes_nothing_does_not_read_it(folder: Path) -> None:
    (folder / "twinwall.toml").write_text(TOML)
    (folder / "state.json").unlink()
    assert run(["verify", "--replica", "staging"]) == run(["drift"]) == 2
    assert run(["plan", "--replica", "staging"]) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "the Terraform state state.json is cut short or not JSON"),
        ("{}", "state.json is no Terraform state"),
        ('{"version": 3}', "is of version 3; version 4 is read"),
    ],
)
def test_a_file_that_is_none_is_one_line_and_1(
    folder: Path, capsys: pytest.CaptureFixture[str], text: str, words: str
) -> None:
    (folder / "state.json").write_text(text)
    assert run(["plan", *SIDES, "--terraform-state", "state.json"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line
