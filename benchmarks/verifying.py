"""How long ``verify`` of two large snapshots takes, beside ``json.load`` of the same files: 1,000 groups of 60
rules in EC2's grouped shape, half of them literally equal and half rewritten. ``make bench`` runs it and writes
the figures into docs/performance.md. The goal: at most 6 times ``json.load``, under 600 MB.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import material
from measure import ROUNDS, child, note, peak, shown, table, timed, write
from twinwall.cli.main import run

BARE = """
import json, sys, time
start = time.process_time()
for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as stream:
        json.load(stream)
print((time.process_time() - start) * 1e3)
"""


TEXT = """\
## verify

Two snapshots of 1,000 groups with 60 rules each, in EC2's grouped shape, half of the groups literally equal and
half rewritten: medians of 7 interleaved rounds, each in processes of its own, in ms of processor time, and how many
times as long as `json.load` of the same files."""


def whole_snapshots() -> list[str]:
    """``json.load`` is measured without the interpreter's start, the command with it and with all that it
    imports, so that the comparison favours the other."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / "source.json", Path(folder) / "target.json"]
        for path, document in zip(paths, material.snapshots(1_000, 60, 1), strict=True):
            path.write_text(json.dumps(document))
        environment = _installed(folder)
        command_of(paths, environment)
        measured = [_round(paths, environment) for _ in range(ROUNDS)]
    load, inside, command, verify, megabytes = (
        statistics.median(column) for column in zip(*measured, strict=True)
    )
    note("twinwall verify, where it is loaded", verify, "ms", beside=load)
    note("twinwall verify, as a command", command, "ms", beside=load)
    note("twinwall verify, memory", megabytes, "MB")
    rows = [
        ["`json.load` of both files, in a process that does nothing else", shown(load), "1"],
        [
            "`json.load` of both files, in a process with Twinwall in it",
            shown(inside),
            f"{inside / load:.1f}",
        ],
        ["`twinwall verify`, in a process where it is loaded", shown(verify), f"{verify / load:.1f}"],
        ["`twinwall verify` as a command, from start to exit", shown(command), f"{command / load:.1f}"],
    ]
    said = f"`verify` needed {shown(megabytes)} MB at most."
    return [*TEXT.splitlines(), "", *table(["", "ms", "times"], rows), said, ""]


def _round(paths: list[Path], environment: dict[str, str]) -> tuple[float, ...]:
    bare = subprocess.run([sys.executable, "-c", BARE, *paths], capture_output=True, check=True, text=True)
    inside, verify = child(__file__, "load", *paths), child(__file__, "verify", *paths)
    return float(bare.stdout), inside["ms"], command_of(paths, environment), verify["ms"], verify["mb"]


def _installed(folder: str) -> dict[str, str]:
    """As installed, with what Python compiled kept: elsewhere, so that no source tree is written to."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPYCACHEPREFIX": folder}


def command_of(paths: list[Path], environment: dict[str, str]) -> float:
    """The command's processor time in ms, the interpreter's start and end included."""
    arguments = ["verify", "--source", str(paths[0]), "--target", str(paths[1])]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "twinwall", *arguments], env=environment, capture_output=True, check=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3


def load_files(paths: Sequence[str]) -> bool:
    for path in paths:
        with open(path, encoding="utf-8") as stream:  # noqa: PTH123 - as one writes it
            json.load(stream)
    return True


def verify_files(paths: Sequence[str]) -> bool:
    with redirect_stdout(StringIO()):
        return run(["verify", "--source", paths[0], "--target", paths[1]]) == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    match parser.parse_args().child:
        case None:
            write(__file__, whole_snapshots())
        case [what, *paths]:
            work = load_files if what == "load" else verify_files
            print(json.dumps({"ms": timed(lambda: work(paths)), "mb": peak()}))


if __name__ == "__main__":
    main()
