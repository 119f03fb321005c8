"""The stage that every test of the command line plays on."""

import json
from pathlib import Path

import pytest
from command_line import Stage, StubEngine, StubReader


@pytest.fixture
def stage(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return Stage(StubEngine(), StubReader(), [], {}, capsys)


@pytest.fixture
def case(tmp_path: Path) -> str:
    """A snapshot file of one VPC."""
    group = {"GroupId": "sg-1", "GroupName": "web", "OwnerId": "111111111111", "VpcId": "vpc-1"}
    path = tmp_path / "case.json"
    path.write_text(json.dumps({"Region": "eu-west-1", "OwnerId": "111111111111", "SecurityGroups": [group]}))
    return str(path)
