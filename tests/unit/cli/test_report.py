"""``--report FILE``: where it may go, and what is in it when a run goes wrong."""

import re
import stat
from pathlib import Path
from typing import Any

import pytest
from command_line import Stage

from twinwall.errors import AwsError, Refused

SIDES = ("--source", "vpc-1", "--target", "vpc-2")
TWO = (*SIDES, "--target", "vpc-3")


def headlines(file: Path) -> list[str]:
    return re.findall(r"<h1 [^>]*>(.*?)</h1>", file.read_text())


def test_its_path_is_told_and_only_its_owner_reads_it(stage: Stage, tmp_path: Path) -> None:
    ran = stage.run("plan", *SIDES, "--report", "r.html")
    assert (ran.code, "report: r.html" in ran.err) == (0, True)
    assert stat.S_IMODE((tmp_path / "r.html").stat().st_mode) == 0o600
    assert stage.run("plan", *SIDES, "--report", "r.html", "-q").err == "", "a report may be written anew"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("nowhere/r.html", "there is no folder"),
        (".", "is a folder; name a file"),
        ("mine.txt", "no report of twinwall; name another"),
    ],
)
def test_a_place_where_it_cannot_go_stops_all(stage: Stage, tmp_path: Path, name: str, why: str) -> None:
    (tmp_path / "mine.txt").write_text("my words")
    ran = stage.run("migrate", *SIDES, "--yes", "--report", name)
    assert (ran.code, why in ran.line) == (1, True), ran.err
    assert stage.engine.calls == []
    assert (tmp_path / "mine.txt").read_text() == "my words"


def test_each_target_has_its_part(stage: Stage, tmp_path: Path) -> None:
    assert stage.run("migrate", *TWO, "--yes", "--report", "r.html").code == 0
    assert headlines(tmp_path / "r.html") == ["Equal", "Equal"]


def test_a_run_that_stops_midway_has_its_report(stage: Stage, tmp_path: Path) -> None:
    def fail(plan: Any, means: Any) -> None:
        if plan.target.label == "vpc-2":
            raise AwsError("EC2 said no")

    stage.engine.on_apply = fail
    assert stage.run("migrate", *SIDES, "--yes", "--report", "one.html").code == 1
    assert headlines(tmp_path / "one.html") == ["Stopped midway"]
    assert "EC2 said no" in (tmp_path / "one.html").read_text()
    assert stage.run("migrate", *TWO, "--yes", "--report", "two.html").code == 1
    assert headlines(tmp_path / "two.html") == ["Stopped midway", "Equal"]


def test_ctrl_c_leaves_a_report(stage: Stage, tmp_path: Path) -> None:
    def stop(plan: Any, means: Any) -> None:
        raise KeyboardInterrupt

    stage.engine.on_apply = stop
    assert stage.run("migrate", *SIDES, "--yes", "--report", "r.html").code == 130
    assert headlines(tmp_path / "r.html") == ["Stopped midway"]


def test_a_refused_target_among_several(stage: Stage, tmp_path: Path) -> None:
    stage.engine.plans["vpc-3"] = Refused("too much")
    assert stage.run("plan", *TWO, "--report", "r.html").code == 3
    assert headlines(tmp_path / "r.html") == ["Refused", "Refused"]
    assert "because vpc-3 could not be planned" in (tmp_path / "r.html").read_text()


def test_a_refusal_takes_the_place_of_an_older_report(stage: Stage, tmp_path: Path) -> None:
    assert stage.run("plan", *SIDES, "--report", "r.html").code == 0
    stage.engine.plans["vpc-2"] = Refused("too much")
    assert stage.run("plan", *SIDES, "--report", "r.html").code == 3
    assert headlines(tmp_path / "r.html") == ["Refused"]
    assert "too much" in (tmp_path / "r.html").read_text()


def test_serving_has_nothing_to_report(stage: Stage) -> None:
    assert "leave one of them out" in stage.run("demo", "--serve", "--report", "r.html").line
