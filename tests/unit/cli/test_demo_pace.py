"""``demo --serve`` with its throttle and faults, and the controls that its help names."""

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from command_line import Stage


def test_what_was_asked_for_is_in_force(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "twinwall", "demo", "--serve", "--throttle"]
    command += [
        "--latency-ms",
        "40",
        "--time-scale",
        "4",
        "--fault",
        "CreateTags:2=drop",
        "--fault",
        "Describe*=cut",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    assert process.stdout is not None
    endpoint = process.stdout.readline().rstrip().removeprefix("endpoint: ")
    shown = []
    for what in ("throttle", "faults"):
        with urllib.request.urlopen(f"{endpoint}/_twinwall/{what}") as answer:
            shown.append(json.load(answer))
    process.send_signal(signal.SIGTERM)
    process.stdout.close()
    assert process.wait(30) == 0
    assert shown[0] == {"on": True, "latency_ms": 40.0, "time_scale": 4.0, "refused": [], "buckets": []}
    assert [(fault["action"], fault["kind"], fault["skip"]) for fault in shown[1]] == [
        ("CreateTags", "lost", 1),
        ("Describe*", "cut", 0),
    ]


@pytest.mark.parametrize(
    "options",
    [
        ("--throttle",),
        ("--fault", "CreateTags=drop"),
        ("--latency-ms", "5"),
        ("--time-scale", "2"),
        ("--serve", "--fault", "nonsense"),
        ("--serve", "--time-scale", "0"),
        ("--serve", "--latency-ms", "-1"),
    ],
)
def test_what_is_refused(stage: Stage, options: tuple[str, ...]) -> None:
    assert stage.run("demo", *options).code == 1
