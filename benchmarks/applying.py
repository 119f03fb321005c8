"""How fast a firewall is carried into another Region under EC2's throttle, against the bound that the throttle sets,
and beside other ways of doing it. ``make bench`` runs it and writes table and plot into docs/.

    applying.py [--ansible PYTHON] [--no-peers]

Twinwall is measured on the virtual clock (``virtual``), where the endpoint takes no time that it does not say; the
others, and Twinwall once more among them, as real processes over HTTP in real time (``over_http``). ``--ansible``: a
Python that has ``ansible`` and boto3 (``make bench-ansible``). Exit code 1 where a goal is missed.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import over_http
import works
from applying_plot import draw
from measure import PAGE, note, table, write
from over_http import Ended
from virtual import Ran, Stage

REGIONS = ("us-east-1", "us-west-2", "eu-west-1")
PLOT = PAGE.parent / "performance-applying.svg"

TEXT = """\
## apply

A VPC of G groups with 20 rules each, 5 ACLs of 20 entries and a third of the groups with restricted egress, into an
empty VPC of another Region, under [EC2's documented throttle][throttle], each call 40 ms. From the first write (the
creation of the lock) to the answer of the last; the deletion of the lock is not timed. The bound is the fullest bucket
and four round trips: no tool can be faster. On a virtual clock: the figures hang on no machine. Where somebody else
takes half of every bucket, half of it is the bound; who is not told of them may get a little more than half.

[throttle]: https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
"""

PEERS = """\
The same work, 100 groups (and 20), each way as a process of its own over HTTP against the embedded AWS with that
throttle, in real time on a machine of two cores: where many calls overlap, the endpoint's own work is in the seconds.
The scripts are given what was read; they only write. *Right*: groups and ACLs that are as wanted at the end.
boto3 {boto3}. The naive script sends a rule a call, one call after the other; the good one as few calls as there can
be, one after the other; threads: the same calls from 16 threads with boto3's adaptive retries.
"""


@dataclass(frozen=True)
class Goal:
    """``most``: times the bound. ``refused``: percent of the calls."""

    name: str
    runs: list[Ran]
    most: float
    refused: float = 0.0

    @property
    def slowest(self) -> Ran:
        return max(self.runs, key=lambda ran: ran.ratio)

    @property
    def percent(self) -> float:
        return 100 * sum(r.refused for r in self.runs) / sum(r.writes + r.refused for r in self.runs)

    @property
    def met(self) -> bool:
        return self.slowest.ratio <= self.most and self.percent <= self.refused

    def row(self) -> list[str]:
        ran = self.slowest
        calls = f"{sum(r.writes for r in self.runs):,}"
        refused = f"{sum(r.refused for r in self.runs)} ({self.percent:.1f} %)"
        goal = f"{self.most:.2f}" + (f", {self.refused:.0f} % refused" if self.refused else "")
        figures = [f"{ran.bound:.2f}", f"{ran.seconds:.2f}", f"{ran.ratio:.3f}", goal, refused]
        return [self.name, calls, *figures]


def goals() -> Iterator[Goal]:
    """Three Regions at once are held against one."""
    one = Stage(works.work(100)).run()
    yield Goal("100 groups", one, 1.08)
    three = Stage(works.work(100), REGIONS).run()
    yield Goal("100 groups into each of three Regions at once", three, 1.10 * one[0].seconds / one[0].bound)
    for groups in (500, 1_000):
        for graph in works.GRAPHS:
            most = 1.25 if graph == "random" else 1.05
            yield Goal(f"{groups:,} groups, {graph} graph", Stage(works.work(groups, graph)).run(), most)
    half = 0.5
    told, learnt = Stage(works.work(100), part=half, share=half), Stage(works.work(100), part=half)
    yield Goal("100 groups, half of each bucket left, `--throttle-share 50`", told.run(), 1.15)
    yield Goal("100 groups, half of each bucket left, learnt from refusals", learnt.run(), 1.35, 5)


def on_the_virtual_clock() -> tuple[list[str], list[Goal]]:
    found = list(goals())
    for goal in found:
        note(goal.name, goal.slowest.ratio, "times the bound")
    head = ["", "writes", "bound, s", "measured, s", "times the bound", "goal", "refused"]
    return table(head, [goal.row() for goal in found]), found


# --- beside others

WAYS: dict[str, Callable[[over_http.Scene], Ended]] = {
    "Twinwall": over_http.twinwall,
    "threads, adaptive retries": lambda at: over_http.script(at, "threads"),
    "good sequential script": lambda at: over_http.script(at, "sequential"),
    "naive script": lambda at: over_http.script(at, "naive"),
}


def beside_others(ansible: Path | None) -> dict[str, dict[int, Ended]]:
    ways = dict(WAYS)
    if ansible:
        ways[f"Ansible {over_http.ansible_version(ansible)}"] = lambda at: over_http.ansible(at, ansible)
    found: dict[str, dict[int, Ended]] = {}
    for name, way in ways.items():
        for groups in (20, 100):
            with tempfile.TemporaryDirectory() as folder, over_http.scene(groups, Path(folder)) as at:
                found.setdefault(name, {})[groups] = way(at)
            sys.stdout.write(f"  {name}, {groups} groups: {found[name][groups]}\n")
            sys.stdout.flush()
    return found


def rows_of(found: dict[str, dict[int, Ended]]) -> list[list[str]]:
    own = found["Twinwall"][100].seconds
    return [
        [
            name,
            *(cell for groups in (20, 100) for cell in _cells(runs[groups])),
            f"{runs[100].seconds / own:.1f}",
        ]
        for name, runs in found.items()
    ]


def _cells(run: Ended) -> list[str]:
    return [f"{run.calls:,}", str(run.refused), f"{run.seconds:.1f}", f"{run.right} of {run.of}"]


def peers_table(found: dict[str, dict[int, Ended]]) -> list[str]:
    head = ["", *(f"{what}, {groups}" for groups in (20, 100) for what in ("calls", "refused", "s", "right"))]
    said = PEERS.format(boto3=version("boto3"))
    if any(name.startswith("Ansible") for name in found):
        said += "Ansible: a playbook of two passes with the modules of `amazon.aws`.\n"
    else:
        said += "Ansible's modules were not measured in this run: `make bench-ansible`.\n"
    return [*said.splitlines(), "", *table([*head, "times Twinwall"], rows_of(found))]


# --- the page


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--ansible", type=Path, metavar="PYTHON", help="measure Ansible's modules with it too"
    )
    parser.add_argument("--no-peers", action="store_true", help="the virtual clock alone, a minute")
    asked = parser.parse_args()
    lines, found = on_the_virtual_clock()
    page = [*TEXT.splitlines(), "", *lines]
    if asked.no_peers:
        page += kept_peers()
    else:
        others = beside_others(asked.ansible)
        page += peers_table(others)
        bars = {name: runs[100].seconds for name, runs in others.items()}
        curves = [(goal.name, goal.slowest.seconds, goal.slowest.bound) for goal in found]
        draw(PLOT, bars, curves)
        page += [f"![Seconds beside others and against the bound]({PLOT.name})", ""]
    write(__file__, page)
    missed = [goal.name for goal in found if not goal.met]
    if missed:
        sys.stderr.write(f"applying: goals missed: {'; '.join(missed)}\n")
    return 1 if missed else 0


def kept_peers() -> list[str]:
    """What the page says of the others already."""
    text = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    part = text.partition("<!-- end of benchmarks/applying.py -->")[0]
    _, found, rest = part.partition(PEERS.split(",", maxsplit=1)[0])
    return [*(found + rest).rstrip("\n").splitlines(), ""] if found else []


if __name__ == "__main__":
    sys.exit(main())
