"""The benchmarks as a program: what is worse than before is told, and the figures that hang on no machine are goals."""

import json
import re
import runpy
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
BENCHMARKS = ROOT / "benchmarks"


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.syspath_prepend(str(ROOT / "tests" / "support"))
    return lambda name: runpy.run_path(str(BENCHMARKS / f"{name}.py"))


def figure(value: float, beside: float = 1.0, *, more: bool = False) -> dict[str, Any]:
    return {"value": value, "unit": "ms", "beside": beside, "more_is_better": more}


@pytest.mark.parametrize(
    ("before", "after", "lost"),
    [
        (figure(10), figure(11.9), False),
        (figure(10), figure(12.1), True),
        (figure(10), figure(5), False),
        (figure(10, 2), figure(20, 4), False),  # a machine of half the speed
        (figure(10, 2), figure(13, 2), True),
        (figure(100, more=True), figure(84, more=True), False),
        (figure(100, more=True), figure(83, more=True), True),
    ],
)
def test_a_loss_is_more_than_a_fifth_of_the_ratio(
    program: Any, before: dict[str, Any], after: dict[str, Any], lost: bool
) -> None:
    losses = program("everything")["losses"]
    assert bool(losses({"some": {"one": before}}, {"some": {"one": after}})) is lost


def test_a_yardstick_is_of_the_moments_in_which_its_figure_was_measured(program: Any) -> None:
    """And of those alone: the next figure has its own."""
    measure = program("measure")
    moments = measure["_moments"]
    measure["milliseconds"](lambda: True)
    assert len(moments) == 1
    moments[:] = [9000.0] * 10 + [7000.0] * 5
    assert (measure["yardstick"](), moments) == (7000.0, [])
    assert 0 < measure["yardstick"]() < 7000


def test_a_figure_that_is_new_or_gone_is_no_loss(program: Any) -> None:
    losses = program("everything")["losses"]
    assert (
        losses({"some": {"gone": figure(1)}}, {"some": {"new": figure(9)}, "other": {"new": figure(9)}}) == {}
    )


def test_every_program_is_run_and_each_has_its_part_of_the_page(program: Any) -> None:
    programs = set(program("everything")["PROGRAMS"])
    mains = {
        path.stem
        for path in BENCHMARKS.glob("*.py")
        if re.search(r"\bwrite\(\s*__file__", path.read_text(encoding="utf-8"))
    }
    assert programs == mains
    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    assert {name for name in programs if f"<!-- written by benchmarks/{name}.py -->" in page} == programs
    figures = json.loads((ROOT / "docs" / "performance.json").read_text(encoding="utf-8"))
    assert figures.keys() <= programs


def test_what_lost_is_named_in_one_line(program: Any) -> None:
    verdict = program("everything")["verdict"]
    before = {"help": {"a": figure(10), "b": figure(10)}, "memory": {"c": figure(1)}}
    after = {"help": {"a": figure(13), "b": figure(10)}, "memory": {"c": figure(2)}}
    assert verdict(before, before, []) == ""
    assert verdict(before, after, ["applying"]) == (
        "make bench: more than 20 % worse than before, or amiss: help: a (1.30 times); memory: c (2.00 times); "
        "applying: a goal was missed, or it failed"
    )


def test_of_two_measurements_the_better_one_is_believed(program: Any) -> None:
    """A busy moment in the second run costs a figure nothing that was right in the first."""
    everything = program("everything")
    before = {"help": {"a": figure(10), "b": figure(10, more=True)}}
    first = {"help": {"a": figure(13), "b": figure(10, more=True)}, "memory": {"c": figure(1)}}
    second = {"help": {"a": figure(10), "b": figure(5, more=True), "d": figure(3)}}
    assert everything["losses"](before, first).keys() == {("help", "a")}
    both = everything["better"](first, second)
    assert everything["losses"](before, both) == {}
    assert both["help"]["d"] == figure(3)
    assert both["memory"] == first["memory"]
    assert everything["losses"](before, everything["better"](first, first)).keys() == {("help", "a")}


# --- apply, under the throttle, on the virtual clock


def test_w_into_another_region_takes_the_bound_and_no_call_is_refused(program: Any) -> None:
    """*384 calls and the lock's, 0 refused, at most 1.08 times the bound of 10.36 s*."""
    stage, works = program("virtual")["Stage"], program("works")
    (ran,) = stage(works["work"](100)).run()
    assert ran.bound == pytest.approx(10.36)
    assert ran.writes == 384 - 6 + 1  # less the reads, with the lock's creation
    assert ran.refused == 0
    assert ran.ratio <= 1.08
    three = stage(works["work"](100), ("us-east-1", "us-west-2", "eu-west-1")).run()
    assert max(one.seconds for one in three) <= 1.10 * ran.seconds
    assert sum(one.refused for one in three) == 0


@pytest.mark.parametrize(("share", "most", "percent"), [(0.5, 1.15, 0.0), (1.0, 1.35, 5.0)])
@pytest.mark.parametrize("seed", [1, 2])
def test_somebody_else_takes_half_of_every_bucket(
    program: Any, share: float, most: float, percent: float, seed: int
) -> None:
    stage, works = program("virtual")["Stage"], program("works")
    (ran,) = stage(works["work"](100), part=0.5, share=share, seed=seed).run()
    assert ran.bound == pytest.approx(30.56)
    assert ran.ratio <= most
    assert 100 * ran.refused / (ran.writes + ran.refused) <= percent


@pytest.mark.parametrize(
    "graph",
    ["random", *(pytest.param(graph, marks=pytest.mark.soak) for graph in ("hub", "cluster", "ring"))],
)
def test_graphs_of_five_hundred_groups(program: Any, graph: str) -> None:
    stage, works = program("virtual")["Stage"], program("works")
    (ran,) = stage(works["work"](500, graph)).run()
    assert ran.ratio <= (1.25 if graph == "random" else 1.05)
    assert ran.refused == 0
