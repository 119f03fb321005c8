"""The long random tests, one process each, in sittings that end in time and go on where the last one stopped.

    scripts/soak.py                    what is not done yet, until 60 minutes are over
    scripts/soak.py --part 7           part 7 alone, whatever was done
    scripts/soak.py --seed 42          from the start, with this seed; else chance chooses one
    scripts/soak.py --only mesh        of the parts, those whose test's name holds this
    scripts/soak.py --list             the parts, and how they went

A part is one test marked ``soak``; its seed is the soak's own plus the part's number, so ``--seed S --part P``
repeats it. What was done stands in ``.soak/state.json``.
"""

import argparse
import json
import re
import secrets
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STATE = ROOT / ".soak" / "state.json"
PYTEST = [sys.executable, "-m", "pytest", "-q", "-m", "soak", "-p", "no:cacheprovider"]
PROFILE = ["--hypothesis-profile=soak", "--hypothesis-show-statistics"]
LONGEST = 60.0
"""Minutes of a sitting, and of a part."""


@dataclass
class Soak:
    """``done``: test → how it went."""

    seed: int
    done: dict[str, dict[str, object]] = field(default_factory=dict)

    @classmethod
    def read(cls) -> "Soak | None":
        return cls(**json.loads(STATE.read_text())) if STATE.exists() else None

    def write(self) -> None:
        STATE.parent.mkdir(exist_ok=True)
        beside = STATE.with_suffix(".new")
        beside.write_text(json.dumps(asdict(self), indent=1) + "\n")
        beside.replace(STATE)


def parts() -> list[str]:
    """Every test marked ``soak``, in the order in which pytest finds them."""
    told = subprocess.run(
        [*PYTEST, "--collect-only", "tests"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    found = [line for line in told.stdout.splitlines() if "::" in line]
    if told.returncode or not found:
        sys.exit(f"the soak's tests cannot be collected:\n{told.stdout}{told.stderr}")
    return found


def run(test: str, seed: int, minutes: float) -> dict[str, object]:
    """The outcome of one part; its output stays beside the state."""
    started = time.monotonic()
    log = (STATE.parent / re.sub(r"\W+", "-", test)).with_suffix(".log")
    command = [*PYTEST, *PROFILE, f"--hypothesis-seed={seed}", test]
    with log.open("w") as out:
        try:
            code = subprocess.run(
                command, cwd=ROOT, stdout=out, stderr=out, timeout=minutes * 60, check=False
            ).returncode
        except subprocess.TimeoutExpired:
            code = -1
    return {
        "outcome": {0: "passed", -1: f"not done in {minutes:g} minutes"}.get(code, "failed"),
        "seed": seed,
        "examples": sum(map(int, re.findall(r"(\d+) passing", log.read_text()))),
        "seconds": round(time.monotonic() - started, 1),
        "version": version(),
        "log": str(log.relative_to(ROOT)),
    }


def version() -> str:
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return told.stdout.strip() or "unknown"


def show(number: int, count: int, test: str, record: dict[str, object] | None) -> None:
    said = "not done yet" if record is None else " ".join(f"{key} {value}" for key, value in record.items())
    print(f"part {number} of {count}: {test}: {said.removeprefix('outcome ')}", flush=True)


def chosen(tests: list[str], soak: Soak, part: int | None, only: str) -> list[int]:
    """Numbers of the parts wanted: one by its number, or those that are not done and whose name holds ``only``."""
    if part is not None:
        return [part]
    named = [number for number, test in enumerate(tests, 1) if only in test]
    if not named:
        sys.exit(f"--only {only}: no part's name holds that; --list shows them")
    return [n for n in named if soak.done.get(tests[n - 1], {}).get("outcome") != "passed"]


def sitting(soak: Soak, tests: list[str], wanted: list[int], minutes: float) -> bool:
    """Runs the parts wanted until the time is over; True if none went wrong."""
    end = time.monotonic() + minutes * 60
    right = True
    for number in wanted:
        left = (end - time.monotonic()) / 60
        if left <= 0:
            break
        test = tests[number - 1]
        record = run(test, soak.seed + number, left)
        show(number, len(tests), test, record)
        if record["outcome"] in ("passed", "failed") or left >= minutes * 0.9:
            soak.done[test] = record
            soak.write()
            right = right and record["outcome"] == "passed"
    return right


def main() -> int:
    parser = argparse.ArgumentParser(description="The long random tests, in sittings.")
    parser.add_argument("--part", type=int)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--minutes", type=float, default=LONGEST)
    parser.add_argument("--only", default="")
    parser.add_argument("--list", action="store_true")
    asked = parser.parse_args()
    soak = Soak.read()
    if soak is None or asked.seed not in (None, soak.seed):
        soak = Soak(secrets.randbelow(10**6) if asked.seed is None else asked.seed)
    STATE.parent.mkdir(exist_ok=True)
    tests = parts()
    if asked.list:
        for number, test in enumerate(tests, 1):
            show(number, len(tests), test, soak.done.get(test))
        return 0
    if asked.part is not None and not 1 <= asked.part <= len(tests):
        sys.exit(f"--part {asked.part}: there are parts 1 to {len(tests)}")
    wanted = chosen(tests, soak, asked.part, asked.only)
    print(f"seed {soak.seed}, {len(wanted)} of {len(tests)} parts to do", flush=True)
    right = sitting(soak, tests, wanted, asked.minutes)
    passed = sum(record["outcome"] == "passed" for record in soak.done.values())
    examples = sum(int(str(record["examples"])) for record in soak.done.values())
    print(f"{passed} of {len(tests)} parts passed, {examples} examples; make soak goes on", flush=True)
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
