"""On a real terminal (a pseudo one): its width is used and not passed, colours are there unless NO_COLOR says no, and
what takes long shows a bar, on stderr. In a pipe there is none of it."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
import report_material as material

COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-9]m")
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture
def sides(tmp_path: Path) -> list[str]:
    for name, document in (("source", material.source()), ("target", material.target())):
        (tmp_path / f"{name}.json").write_text(json.dumps(document))
    return ["--source", "source.json", "--target", "target.json", "--map-vpc-cidr", "--associate", "auto"]


def on_a_terminal(folder: Path, width: int, *arguments: str, **more: str) -> tuple[str, str]:
    """stdout and stderr, each a terminal of that width."""
    ends = [pty.openpty() for _ in range(2)]
    for _, inner in ends:
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "TERM": "xterm-256color", **more}
    process = subprocess.Popen(
        [sys.executable, "-m", "twinwall", *arguments],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=ends[0][1],
        stderr=ends[1][1],
    )
    for _, inner in ends:
        os.close(inner)
    texts = [read(outer) for outer, _ in ends]
    process.wait(60)
    return texts[0], texts[1]


def read(outer: int) -> str:
    """Until nobody holds the other end any more, which Linux tells as an error."""
    parts = []
    try:
        while part := os.read(outer, 65536):
            parts.append(part)
    except OSError:
        pass
    os.close(outer)
    return b"".join(parts).decode().replace("\r\n", "\n")


@pytest.mark.parametrize("width", [80, 200])
def test_a_plan_fits_its_terminal_in_colour(width: int, sides: list[str], tmp_path: Path) -> None:
    out, err = on_a_terminal(tmp_path, width, "plan", *sides, "--force")
    assert COLOUR.search(out)
    lines = CONTROL.sub("", out).splitlines()
    assert max(map(len, lines)) <= width
    assert "━" in err, "a bar, while it is planned"
    assert "planning target.json" in err
    assert "Closes (1 flow)" in lines


def test_no_color_is_heard(sides: list[str], tmp_path: Path) -> None:
    out, err = on_a_terminal(tmp_path, 80, "verify", *sides, NO_COLOR="1")
    assert "Differences (7)" in out
    assert not COLOUR.search(out)
    assert not COLOUR.search(err)


def test_quiet_shows_no_bar(sides: list[str], tmp_path: Path) -> None:
    out, err = on_a_terminal(tmp_path, 80, "verify", *sides, "--quiet")
    assert "Differences (7)" in out
    assert err == ""


def test_a_pipe_gets_plain_text(sides: list[str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "twinwall", "plan", *sides, "--force"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "\x1b" not in done.stdout + done.stderr
    assert done.stderr == ""
    assert max(map(len, done.stdout.splitlines())) <= 80
