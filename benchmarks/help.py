"""How long ``twinwall --help`` takes, against a bare ``import click`` with a help text: at most 1.5 times.
``make bench`` runs it and writes the figures into docs/performance.md.

    .venv/bin/python benchmarks/help.py [RUNS]

The two run alternately, so that what else the machine does falls on both; the medians are compared.
"""

import statistics
import subprocess
import sys
import time

from measure import note, table, write

BARE = """
import click
@click.command()
def bare():
    "A help text."
bare(["--help"])
"""
OURS = "import sys; sys.argv = ['twinwall', '--help']; from twinwall.cli.main import main; main()"
LIMIT = 1.5

TEXT = """\
## help

A process that imports click and shows a help text, and `twinwall --help`, in turn; from start to end, medians."""


def seconds(code: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def main() -> int:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    seconds(BARE), seconds(OURS)  # once, so that both are in the caches
    pairs = [(seconds(BARE), seconds(OURS)) for _ in range(runs)]
    bare, ours = (statistics.median(side) for side in zip(*pairs, strict=True))
    note("twinwall --help", ours * 1e3, "ms", beside=bare * 1e3)
    row = [f"{bare * 1e3:.0f}", f"{ours * 1e3:.0f}", f"{ours / bare:.2f}", f"{LIMIT}"]
    write(
        __file__,
        [*TEXT.splitlines(), "", *table(["bare, ms", "`twinwall --help`, ms", "times", "goal"], [row])],
    )
    sys.stdout.write(f"import click: {bare * 1000:.0f} ms   twinwall --help: {ours * 1000:.0f} ms   ")
    sys.stdout.write(f"ratio {ours / bare:.2f} (at most {LIMIT})\n")
    return 0 if ours / bare <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
