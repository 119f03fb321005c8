"""``python -m probes``: runs the probes and writes what came of it."""

import argparse
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from probes.registry import all_probes
from probes.run import run_all
from probes.table import table
from probes.worlds import WORLDS


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m probes", description="Probes emulators of AWS.")
    parser.add_argument("worlds", nargs="*", choices=[*WORLDS, []], help="which; all if none is named")
    parser.add_argument("--only", metavar="TEXT", default="", help="probes whose id holds this text")
    parser.add_argument("--json", type=Path, metavar="FILE", help="all results")
    parser.add_argument("--table", type=Path, metavar="FILE", help="the published table")
    asked = parser.parse_args()
    probes = [probe for probe in all_probes() if asked.only in probe.id]
    found = run_all(asked.worlds or tuple(WORLDS), probes)
    if asked.json:
        asked.json.write_text(json.dumps(_document(found), indent=1) + "\n")
    if asked.table:
        asked.table.write_text(table(probes, found))
    for name, world in found.items():
        results = world["results"]
        right = sum(result.outcome == "right" for result in results.values())
        seconds = sum(result.seconds for result in results.values())
        print(f"{name} {world['version']}: {right} of {len(results)} right, {seconds:.1f} s")
        if len(found) == 1:
            _show(results)
    return 0


def _show(results: Mapping[str, Any]) -> None:
    for id_, result in results.items():
        if result.outcome != "right":
            print(f"  {result.outcome:8}{id_}: {result.why}")


def _document(found: Mapping[str, Any]) -> dict[str, Any]:
    """Without what differs from run to run: seconds, and the digits of ids."""
    return {
        name: {
            "version": world["version"],
            "results": {
                id_: {"outcome": result.outcome, "why": _NUMBERS.sub("…", result.why)}
                for id_, result in world["results"].items()
            },
        }
        for name, world in found.items()
    }


_NUMBERS = re.compile(r"(?<=-)[0-9a-f]{8,17}\b|(?<=-)\d+-\d+\b|\d{4}-\d\d-\d\dT[\d:.]+|127\.0\.0\.1:\d+")


if __name__ == "__main__":
    sys.exit(main())
