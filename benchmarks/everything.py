"""All benchmarks, one after the other, then the verdict: has anything become more than 20 % worse than the figures that
are committed? ``make bench``.

Figures are compared as ratios to a yardstick of their own run (``measure.note``), so that a slower machine loses
nothing. What lost is measured once more before it is believed, and of two measurements the better one is: a busy moment
is no loss, whichever it met. Exit code 1 with one line that
names each loss; also where a program fails, which it does where it misses a goal of its own.

    everything.py [--only NAME] [--against FILE]
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from measure import FIGURES

HERE = Path(__file__).parent
PROGRAMS = (
    "packets",
    "verifying",
    "linting",
    "planning",
    "promise",
    "applying",
    "coldstart",
    "memory_doors",
    "memory",
    "recomputing",
    "help",
)
MOST = 1.2

Figures = Mapping[str, Mapping[str, Mapping[str, Any]]]


def committed() -> Figures:
    """Of the last commit; none where there is no such thing."""
    if shutil.which("git") is None:
        return {}
    shown = subprocess.run(
        ["git", "show", f"HEAD:./{FIGURES.name}"], cwd=FIGURES.parent, capture_output=True, check=False
    )
    return dict(json.loads(shown.stdout)) if shown.returncode == 0 else {}


def named(path: str) -> Figures:
    """Of a file that an argument names."""
    try:
        return dict(json.loads(Path(path).read_text(encoding="utf-8")))
    except (OSError, ValueError) as wrong:
        raise argparse.ArgumentTypeError(f"{path} holds no figures as {FIGURES} does: {wrong}") from None


def present() -> Figures:
    return dict(json.loads(FIGURES.read_text(encoding="utf-8"))) if FIGURES.exists() else {}


def worse(before: Figures, after: Figures) -> dict[tuple[str, str], float]:
    """(program, figure) → how many times as bad, for all that both have."""
    return {
        (program, name): _times(before[program][name], figure)
        for program, figures in sorted(after.items())
        for name, figure in sorted(figures.items())
        if name in before.get(program, {})
    }


def _times(before: Mapping[str, Any], after: Mapping[str, Any]) -> float:
    then, now = before["value"] / before["beside"], after["value"] / after["beside"]
    if after["more_is_better"]:
        then, now = now, then
    return float(now / then) if then else 1.0


def losses(before: Figures, after: Figures) -> dict[tuple[str, str], float]:
    return {key: times for key, times in worse(before, after).items() if times > MOST}


def better(first: Figures, second: Figures) -> Figures:
    """All of both; of what both have, the one that did better beside its own yardstick."""
    found = {program: dict(figures) for program, figures in first.items()}
    for program, figures in second.items():
        held = found.setdefault(program, {})
        held |= {
            name: one for name, one in figures.items() if name not in held or _times(held[name], one) < 1
        }
    return found


def carried_out(programs: Sequence[str]) -> list[str]:
    """Those that failed."""
    failed = []
    for name in programs:
        sys.stdout.write(f"benchmarks/{name}.py\n")
        sys.stdout.flush()
        if subprocess.run([sys.executable, str(HERE / f"{name}.py")], check=False).returncode:
            failed.append(name)
    return failed


def told(compared: Mapping[tuple[str, str], float]) -> None:
    for (program, name), times in compared.items():
        sys.stdout.write(f"{times:6.2f}  {program}: {name}\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", action="append", choices=PROGRAMS, help="this program, instead of all")
    parser.add_argument("--against", type=named, help="figures other than those of the last commit")
    asked = parser.parse_args()
    before = committed() if asked.against is None else asked.against
    failed = carried_out(asked.only or PROGRAMS)
    after = present()
    if again := sorted({program for program, _ in losses(before, after)} - set(failed)):
        failed += carried_out(again)
        after = better(after, present())
    told(worse(before, after))
    if not before:
        sys.stdout.write("there are no committed figures to compare with\n")
    if said := verdict(before, after, failed):
        sys.stderr.write(f"{said}\n")
    return 1 if said else 0


def verdict(before: Figures, after: Figures, failed: Sequence[str]) -> str:
    """One line that names what lost, empty where nothing did."""
    lost = [
        f"{program}: {name} ({times:.2f} times)" for (program, name), times in losses(before, after).items()
    ]
    lost += [f"{program}: a goal was missed, or it failed" for program in failed]
    return f"make bench: more than 20 % worse than before, or amiss: {'; '.join(lost)}" if lost else ""


if __name__ == "__main__":
    sys.exit(main())
