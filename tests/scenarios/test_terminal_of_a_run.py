"""*People*: what a run shows on a terminal of 80 columns, and what a pipe gets of it."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from estates import w
from worlds import HERE, THERE, A, B, Stage

COLUMNS = 80
ENDS = re.compile(rb"\x1b\[[0-9;?]*[a-zA-Z]")
BAR = re.compile(r"(\d+)/(\d+) +(\d+\.\d)/s +(\d+:\d\d:\d\d|-:--:--)")
"""Calls done, of how many, rate, time left."""


def migrating(world: Stage, groups: int) -> tuple[str, list[str]]:
    """(the target, the command)"""
    (source,) = world.load(w(groups, 6, 2, 6))
    target = world.empty("10.90.0.0/16")
    ways = world.ways((A, HERE), (B, THERE))
    return target, ["migrate", "--source", source, "--target", target, *ways, "--map-vpc-cidr", "--yes"]


class OnTerminal:
    """A process whose stderr, and stdout unless it is given, is a terminal."""

    def __init__(self, arguments: Sequence[Any], stdout: Any = None) -> None:
        self.here, there = pty.openpty()
        fcntl.ioctl(there, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
        command = [sys.executable, "-m", "twinwall", *map(str, arguments)]
        environment = {**os.environ, "TERM": "xterm-256color"}
        self.run = subprocess.Popen(
            command,
            stdin=there,
            stdout=stdout or there,
            stderr=there,
            env=environment,
            start_new_session=True,
        )
        os.close(there)
        self.raw = b""

    def read(self, until: str = "", seconds: float = 120) -> str:
        """What has appeared so far: until these words do, or the process ends."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends and not (until and re.search(until, self.text)):
            if not select.select([self.here], [], [], 1)[0]:
                continue
            try:
                self.raw += os.read(self.here, 65536)
            except OSError:  # the other end is closed
                break
        return self.text

    @property
    def text(self) -> str:
        return ENDS.sub(b"", self.raw).decode(errors="replace").replace("\r\n", "\n")

    def end(self) -> int:
        self.read()
        code = self.run.wait(60)
        os.close(self.here)
        return code


def shown_lines(text: str) -> list[str]:
    return [part for line in text.split("\n") for part in line.split("\r")]


def test_the_bar_shows_calls_rate_and_time_left_and_the_summary_the_rest(
    world: Stage, tmp_path: Path
) -> None:
    _, command = migrating(world, 60)
    shown = OnTerminal([*command, "--journal", tmp_path / "j"])
    assert shown.end() == 0, shown.text
    bars = [tuple(map(int, bar[:2])) for bar in BAR.findall(shown.text)]
    assert bars, shown.text
    assert max(done for done, _ in bars) > 1
    assert all(done <= of for done, of in bars)
    to_copy = ("  journal", "journal:", "source:", "target:")
    lines = [line for line in shown_lines(shown.text) if not line.startswith(to_copy)]
    assert [line for line in lines if len(line.rstrip()) > COLUMNS] == []
    summary = shown.text[shown.text.rindex("Apply") :]
    assert re.search(r"done +\d+ calls in .+, none refused by EC2's throttle", summary)
    assert re.search(r"60 +CreateSecurityGroup\b", summary)
    assert "Verify" in summary
    assert "equal" in summary


def test_a_pipe_gets_no_bar_and_no_colour(world: Stage, tmp_path: Path) -> None:
    _, command = migrating(world, 5)
    arguments = [sys.executable, "-m", "twinwall", *command, "--journal", str(tmp_path / "j")]
    run = subprocess.run(arguments, capture_output=True, timeout=120, check=True)
    assert b"\x1b" not in run.stdout + run.stderr
    assert b"\r" not in run.stdout + run.stderr
    assert not BAR.search(run.stderr.decode())
    assert re.search(r"done +\d+ calls in ", run.stdout.decode())


def test_with_stdout_in_a_pipe_the_bar_is_on_the_terminal_and_json_alone_in_the_pipe(
    world: Stage, tmp_path: Path
) -> None:
    _, command = migrating(world, 30)
    out = tmp_path / "out.json"
    with out.open("wb") as file:
        shown = OnTerminal([*command, "--journal", tmp_path / "j", "--output", "json"], stdout=file)
        assert shown.end() == 0, shown.text
    assert BAR.search(shown.text)
    assert out.read_text().startswith("{")


def test_ctrl_c_names_the_two_commands_each_on_one_line(world: Stage, tmp_path: Path) -> None:
    """After the calls in flight: what was done, and the commands that go on or go back, which work as they stand."""
    target, command = migrating(world, 120)
    journal = tmp_path / "stopped.jsonl"
    shown = OnTerminal([*command, "--journal", journal])
    shown.read(until=r"\d\d/\d+ ")
    shown.run.send_signal(signal.SIGINT)
    assert shown.end() == 130, shown.text
    assert "Traceback" not in shown.text
    (line,) = [text for text in shown_lines(shown.text) if text.startswith("twinwall: stopped; ")]
    done, of = map(int, re.search(r"(\d+) of (\d+) calls were made", line).groups())
    assert 0 < done < of
    assert f"twinwall resume {journal}, or twinwall undo {journal}" in line
    ways = [*world.ways(None, (B, THERE)), "--yes", "--late", "0", "--settle", "0"]
    world.run("undo", str(journal), *ways).ended(0)
    assert [group["GroupName"] for group in world.groups(target)] == ["default"]


def test_without_a_lock_both_the_text_and_the_json_say_so(world: Stage) -> None:
    _, command = migrating(world, 2)
    told = world.run(*command, "--no-lock").ended(0)
    assert "no-lock" in told.stdout or "written without a lock" in told.stdout
    assert "CreateSecurityGroup" in told.calls
    assert told.calls["CreateSecurityGroup"] == 2  # no lock among them
    target = world.empty("10.91.0.0/16")
    again = [target if text.startswith("vpc-") and at == 4 else text for at, text in enumerate(command)]
    run = world.run(*again, "--no-lock", "--output", "json").ended(0)
    (finding,) = [one for one in run.json["findings"] if one["id"] == "no-lock"]
    assert finding["severity"] == "warning"
