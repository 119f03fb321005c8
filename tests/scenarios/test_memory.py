"""*Reading 1,000 groups of 60 rules holds less than 500 MB.*"""

import runpy
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "memory.py"


def test_reading_a_large_firewall(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARK.parent))
    measure = runpy.run_path(str(BENCHMARK))
    megabytes, _ = measure["peak"](1000, 60)
    assert megabytes < measure["GOAL_MB"]
