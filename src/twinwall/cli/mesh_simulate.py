"""``twinwall mesh simulate``: the handlers that run in the Lambda, on a simulated AWS, by a seed."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import click

from twinwall.cli import options as o
from twinwall.cli import output
from twinwall.cli.invocation import Invocation
from twinwall.cli.progress import counted
from twinwall.emulator.mesh.simulate import Result, Simulator
from twinwall.engine.mesh.handler import handle
from twinwall.engine.mesh.run import Around
from twinwall.errors import ConfigError

_CHUNK = 10


@o.command("simulate")
@click.option("--seed", type=int, default=0, show_default=True, help="The first seed; it replays exactly.")
@click.option(
    "--seeds", type=click.IntRange(1), default=1, show_default=True, help="How many seeds, from that one on."
)
@click.option("--sites", type=click.IntRange(1, 8), help="How many sites; left out: 2 to 4, by the seed.")
@click.option(
    "--calls", type=click.IntRange(1), default=500, show_default=True, help="API calls of a run, at least."
)
@click.option(
    "--jobs", type=click.IntRange(1), default=1, show_default=True, help="Processes that share the seeds."
)
@click.option("--trace", is_flag=True, help="Tell the story of a single seed, call by call.")
@o.general
@click.pass_obj
def simulate(invocation: Invocation, /, seed: int, seeds: int, **options: Any) -> int:
    """Run a whole mesh in virtual time, with everything going wrong, and check the protocol's invariants.

    Sites scale, addresses move, calls fail, land late or hang, functions crash and freeze, Regions are cut off,
    tables are lost and restored. Every third seed has no fault at all and may not need a true-up. A failing run is
    made as short as it gets and told. Needs no account and no network. Exit code 2: an invariant did not hold.
    """
    if options["trace"] and seeds > 1:
        raise ConfigError(f"--trace tells the story of one seed, --seeds {seeds} runs several; leave one out")
    simulator = Simulator(handle, Around, options["calls"], options["sites"])
    if options["trace"]:
        lines: list[str] = []
        found = [simulator.run(seed, trace=lines.append)]
        output.lines(lines)
    else:
        found = list(_results(simulator, range(seed, seed + seeds), options["jobs"], invocation))
    failed = [result for result in found if result.failure]
    if invocation.json:
        output.document(_document(found, failed))
    else:
        output.lines(_summary(found, failed))
        if failed and not options["trace"]:
            _tell(simulator, failed[0])
    return 2 if failed else 0


def _results(simulator: Simulator, seeds: range, jobs: int, invocation: Invocation) -> Iterator[Result]:
    with counted(invocation, len(seeds)) as tell:
        if jobs == 1:
            for seed in seeds:
                tell(f"seed {seed}")
                yield simulator.run(seed)
            return
        with ProcessPoolExecutor(jobs) as pool:
            for result in pool.map(simulator.run, seeds, chunksize=_CHUNK):
                tell(f"seed {result.seed}")
                yield result


def _summary(found: list[Result], failed: list[Result]) -> list[str]:
    calls, answers = sum(result.calls for result in found), sum(result.answers for result in found)
    first, last = found[0].seed, found[-1].seed
    seeds = f"seed {first}" if first == last else f"seeds {first} to {last}"
    lines = [f"{seeds}: {calls} calls, {answers} hooks answered, {len(failed)} of {len(found)} runs failed"]
    return lines + [f"seed {result.seed}: {result.failure}" for result in failed[:20]]


def _tell(simulator: Simulator, result: Result) -> None:
    """The shortest run that fails alike."""
    lines: list[str] = []
    shortest = simulator.shrink(result)
    simulator.run(result.seed, shortest.script, lines.append)
    size = shortest.script.size
    output.lines(
        [f"seed {result.seed}, made shorter ({result.script.size} to {size} happenings):", *lines[-60:]]
    )
    output.lines([shortest.failure])


def _document(found: list[Result], failed: list[Result]) -> dict[str, Any]:
    return {
        "seeds": [found[0].seed, found[-1].seed],
        "calls": sum(result.calls for result in found),
        "answers": sum(result.answers for result in found),
        "failed": [{"seed": result.seed, "failure": result.failure} for result in failed],
    }
