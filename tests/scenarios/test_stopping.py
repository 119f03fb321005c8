"""*Ctrl-C stops cleanly after the calls in flight*, at any time, and so does what a machine sends that shuts down: real
processes, real signals."""

import json
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from estates import w
from worlds import HERE, THERE, A, B, Stage

from twinwall.emulator.faults import Fault, Kind

LOCK = "twinwall-lock"


class Running:
    def __init__(self, world: Stage, journal: Path, *options: str, room: int | None = None) -> None:
        """``room``: bytes that a file may have."""
        self.world, self.journal = world, journal
        (source,) = world.load(w(30, 6, 2, 6))
        self.target = world.empty("10.90.0.0/16")
        ways = world.ways((A, HERE), (B, THERE))
        command = ["migrate", "--source", source, "--target", self.target, *ways, "--map-vpc-cidr", "--yes"]
        command += ["--quiet", "--journal", str(journal), *options]
        limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (room, room))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "twinwall", *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=limit if room else None,  # noqa: PLW1509 - it does nothing but set a limit
        )

    def events(self) -> list[str]:
        lines = self.journal.read_text().splitlines() if self.journal.exists() else []
        return [json.loads(line)["event"] for line in lines if line.endswith("}")]

    def stop(self, number: int, when: Callable[[list[str]], bool]) -> str:
        """What it says."""
        ends = time.monotonic() + 60
        while self.process.poll() is None and not when(self.events()) and time.monotonic() < ends:
            time.sleep(0.005)
        self.process.send_signal(number)
        _, said = self.process.communicate(timeout=60)
        return said

    def locks(self) -> list[str]:
        return [group["GroupId"] for group in self.world.groups(self.target) if group["GroupName"] == LOCK]


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_run_that_is_told_to_stop_stops_after_the_calls_in_flight(
    world: Stage, tmp_path: Path, name: str
) -> None:
    world.aws.trouble.add(Fault("AuthorizeSecurityGroupIngress", Kind.SLOW, times=None, seconds=1))
    run = Running(world, tmp_path / "j")
    said = run.stop(getattr(signal, name), lambda events: events.count("done") > 3)
    world.aws.trouble.no_faults()
    assert run.process.returncode == 130, said
    events = run.events()
    assert events[-2:] == ["interrupted", "unlocked"]
    assert events.count("call") == events.count("done")
    assert run.locks() == []
    done = events.count("done")
    assert re.search(
        rf"stopped; \S+: {done} of \d+ calls were made; twinwall resume (\S+), or twinwall undo \1, "
        r"with --target-profile dst --target-region eu-central-1\n",
        said,
    )


def test_a_lock_that_was_being_taken_is_let_go(world: Stage, tmp_path: Path) -> None:
    """Else every other run would wait for its expiry, for a run that had written nothing."""
    world.aws.trouble.add(Fault("CreateSecurityGroup", Kind.SLOW, seconds=1))
    run = Running(world, tmp_path / "j")
    before = world.aws.counts.by_action()["CreateSecurityGroup"]
    said = run.stop(signal.SIGINT, lambda _: world.aws.counts.by_action()["CreateSecurityGroup"] > before)
    assert run.process.returncode == 130, said
    assert "twinwall: stopped; nothing was written" in said
    assert run.locks() == []
    assert run.events()[-3:] == ["locking", "locked", "unlocked"]


def test_where_the_journal_has_no_room_any_more_no_call_is_sent_and_the_lock_is_let_go(
    world: Stage, tmp_path: Path
) -> None:
    """And what had been done is undone from it, once there is room."""
    run = Running(world, tmp_path / "j", "--settle", "0", room=130_000)
    before = world.aws.counts.by_action()["CreateSecurityGroup"]
    _, said = run.process.communicate(timeout=60)
    assert run.process.returncode == 1, said
    assert "the journal" in said
    assert "cannot be written: File too large" in said
    assert "stays until it expires" not in said
    assert run.locks() == []
    sent = world.aws.counts.by_action()["CreateSecurityGroup"] - before - 1
    assert sent <= sum("CreateSecurityGroup" in line for line in run.journal.read_text().splitlines()[2:])
    ways = [*world.ways(None, (B, THERE)), "--yes", "--late", "0", "--settle", "0"]
    world.run("undo", str(run.journal), *ways).ended(0)
    assert [group["GroupName"] for group in world.groups(run.target)] == ["default"]
