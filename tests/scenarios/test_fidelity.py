"""Every probe of a documented behaviour is right on the embedded AWS, as a user starts it; what moto's own server gets
right is counted in the same run. The published table holds every probe, and is written from its results alone."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from probes.registry import Probe, all_probes
from probes.run import Result, run_all
from probes.table import table

DOCS = Path(__file__).resolve().parents[2] / "docs"
AGAIN = "; run make fidelity"


@pytest.fixture(scope="module")
def probes() -> tuple[Probe, ...]:
    return all_probes()


@pytest.fixture(scope="module")
def published() -> dict[str, Any]:
    return json.loads((DOCS / "fidelity.json").read_text("utf-8"))


def test_ours_answers_as_aws_documents_it_and_moto_s_figure_stands_beside(
    probes: tuple[Probe, ...], record_property: Any
) -> None:
    found = run_all(("ours", "moto"), probes)
    for name, world in found.items():
        right = sum(result.outcome == "right" for result in world["results"].values())
        record_property(f"{name} {world['version']}", f"{right} of {len(probes)}")
    wrong = {id_: result.why for id_, result in found["ours"]["results"].items() if result.outcome != "right"}
    assert wrong == {}
    moto_s = Counter(result.outcome for result in found["moto"]["results"].values())
    assert 0 < moto_s["right"] < len(probes)


def test_there_is_a_probe_for_each_chapter_with_its_source(probes: tuple[Probe, ...]) -> None:
    assert len(probes) >= 150
    chapters = {f"1.{n}" for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 11)} | {"2", "4", "table"}
    chapters |= {f"5.{n}" for n in (1, 2, 3, 4, 5)}
    assert chapters <= {probe.chapter for probe in probes}
    assert all(probe.source and probe.behaviour for probe in probes)
    assert len({(probe.area, probe.behaviour) for probe in probes}) == len(probes), "two probes say the same"


def test_the_published_table_holds_every_probe_and_ours_is_right(
    probes: tuple[Probe, ...], published: dict[str, Any]
) -> None:
    for world in published.values():
        assert set(world["results"]) == {probe.id for probe in probes}, AGAIN
    assert {result["outcome"] for result in published["ours"]["results"].values()} == {"right"}


def test_the_published_table_is_written_from_the_published_results(
    probes: tuple[Probe, ...], published: dict[str, Any]
) -> None:
    found = {
        name: {
            "version": world["version"],
            "results": {id_: Result(r["outcome"], r["why"], 0.0) for id_, r in world["results"].items()},
        }
        for name, world in published.items()
    }
    assert (DOCS / "fidelity.md").read_text("utf-8") == table(probes, found), AGAIN
