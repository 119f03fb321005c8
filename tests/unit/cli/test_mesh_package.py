"""``twinwall mesh package`` from the command line."""

import json
from pathlib import Path

import pytest

from twinwall.cli.main import run


def test_it_tells_size_and_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "mesh.zip"
    assert run(["mesh", "package", "-o", str(out), "--output", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["bytes"] == out.stat().st_size
    assert told["unpacked_bytes"] > told["bytes"]
    assert told["import_ms"] > 0
    assert out.stat().st_mode & 0o077 == 0
    assert run(["mesh", "package", "-o", str(out)]) == 0
    assert "ms of processor time here" in capsys.readouterr().out


def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["mesh", "package", "-o", str(tmp_path / "no" / "mesh.zip")]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert "the package" in line
