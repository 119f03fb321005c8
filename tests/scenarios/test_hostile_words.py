"""Values that nobody means: empty, endless, not a number, another kind of file. One line each, and nothing changed."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import report_material as material

from twinwall.cli import main

Run = Callable[..., tuple[int, str]]
PAIR = ("--source", "source.json", "--target", "target.json")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, document in (("source", material.source()), ("target", material.target())):
        (tmp_path / f"{name}.json").write_text(json.dumps(document))
    for name in ("target.json.json", "twinwall-mesh.zip", "prerequisites.json"):
        (tmp_path / name).write_text("mine")
    keys = "[default]\nregion = eu-west-1\naws_access_key_id = AKIA\naws_secret_access_key = secret\n"
    (tmp_path / "config").write_text(keys)
    return tmp_path


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """A run in the folder: its exit code and stderr."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(folder / "config"))

    def one(*arguments: str) -> tuple[int, str]:
        code = main.run(arguments)
        return code, capsys.readouterr().err

    return one


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("snapshot", "--source", ""), "--source is empty"),
        (("plan", "--source", "source.json", "--target", " "), "--target is empty"),
        (("snapshot", "--source", "x" * 5000), "neither a VPC id (vpc-…) nor a file"),
        (("lint", "--at", "a.json," * 1000), "cannot be read"),
        (("snapshot", "--source", "source.json", "--out", ""), "is a folder; name a file"),
        (("snapshot", "--source", "source.json", "--out", "."), "is a folder; name a file"),
        (("snapshot", "--source", "source.json", "--out", "x" * 300), "cannot be written: File name too long"),
        (("plan", *PAIR, "--report", "x" * 300), "cannot be written: File name too long"),
        (("apply", "x" * 300), "x: File name too long; check the name"),
        (("plan", *PAIR, "--config", "x" * 300), "cannot be read: File name too long"),
        (("plan", *PAIR, "-o", "."), "target.json.json cannot be written: there is a file already that is no plan"),
        (("mesh", "package"), "twinwall-mesh.zip cannot be written: there is a file already that is no package of"),
        (("mesh", "template", "--prerequisites", "-o", "."), "prerequisites.json cannot be written: there is a file"),
        (("lint", "--at", "/dev/zero"), "the snapshot /dev/zero holds a NUL where text is wanted; name another"),
        (("apply", "/dev/zero"), "the plan /dev/zero holds a NUL where text is wanted"),
        (("undo", "/dev/zero"), "the journal /dev/zero holds a NUL where text is wanted"),
        (("mesh", "audit", "/dev/zero"), "the log /dev/zero holds a NUL where text is wanted"),
        (("plan", *PAIR, "--config", "/dev/zero"), "the configuration /dev/zero holds a NUL where text is wanted"),
        (("plan", *PAIR, "--terraform-state", "/dev/zero"), "the Terraform state /dev/zero holds a NUL"),
        (("plan", *PAIR, "--throttle-share", "nan"), "'nan' is not a number that can be counted with"),
        (("apply", "plan.json", "--settle", "nan"), "'nan' is not a number that can be counted with"),
        (("demo", "--serve", "--latency-ms", "inf"), "'inf' is not a number that can be counted with"),
        (("plan", *PAIR, "--max-change", "nan"), "nan percent is not between 0 and 100"),
        (("mesh", "simulate", "--seeds", "2", "--trace"), "--trace tells the story of one seed, --seeds 2 runs"),
        (("mesh", "template", "--prerequisites", "--mesh", "x"), "--prerequisites are the same for every mesh"),
        (("mesh", "audit", "config", "--node", "x"), "--node says whose log is read from CloudWatch; of a FILE"),
        (("completion",), "Choose from: bash, zsh, fish. See twinwall completion --help"),
        (("mesh", "status"), "there is no twinwall.toml here that could name a mesh; name the file with --config"),
        (("explain", "--at", "source.json", "--from", "999", "--to", "web", "--protocol", "tcp", "--port", "1"),
         "has this id or name"),
    ],
    ids=lambda one: " ".join(one)[:50] if isinstance(one, tuple) else "",
)  # fmt: skip
def test_a_value_that_nobody_means(folder: Path, run: Run, arguments: tuple[str, ...], words: str) -> None:
    before = sorted(folder.iterdir())
    code, said = run(*arguments)
    assert code == 1, said
    assert len(said.splitlines()) == 1, said
    assert words in said
    assert "internal error" not in said
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(
    ("endpoint", "by"),
    [
        ("banana", "option"),
        ("ftp://127.0.0.1:1", "option"),
        ("http://[::1", "option"),
        (" ", "option"),
        ("banana", "environment"),
        ("ftp://127.0.0.1:1", "role"),
        ("http://", "role"),
    ],
)
def test_an_endpoint_that_is_none(endpoint: str, by: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["snapshot", "--source", "vpc-1"]
    if by == "environment":
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    else:
        arguments += ["--endpoint-url", endpoint]
    arguments += ["--source-role-arn", "arn:aws:iam::111111111111:role/one"] if by == "role" else []
    code, said = run(*arguments)
    assert code == 1, said
    assert len(said.splitlines()) == 1, said
    assert said.startswith("twinwall: resolving the endpoint of the source: ")
    assert "AWS_ENDPOINT_URL" in said


def test_a_plan_is_no_snapshot(run: Run) -> None:
    assert run("plan", *PAIR, "-o", "plan.json")[0] == 0
    code, said = run("lint", "--at", "plan.json")
    assert code == 1
    assert "plan.json is a plan, where a snapshot is wanted" in said


@pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="this system has no /dev/full, a disk without room"
)
@pytest.mark.parametrize("output", ["text", "json"])
def test_a_result_that_finds_no_room(folder: Path, output: str) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        command = [sys.executable, "-m", "twinwall", "lint", "--at", "source.json", "--output", output]
        ended = subprocess.run(
            command, cwd=folder, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    finally:
        os.close(full)
    code, said = ended.returncode, ended.stderr
    assert (code, len(said.splitlines())) == (1, 1), said
    assert "cannot be written to stdout: No space left on device" in said


def test_a_plan_of_nothing_says_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main.run(
        [
            "plan",
            *("--source", str(folder / "source.json"), "--target", str(folder / "target.json")),
            *("--group", "api", "--exclude", "api", "--report", str(folder / "r.html")),
        ]
    )
    told = capsys.readouterr().out
    assert code == 0, told
    assert "Nothing to change: of what was chosen the source has nothing to copy." in told
    assert "Of what was chosen the source has nothing to copy." in (folder / "r.html").read_text()
