"""The whole mesh by seeds: every invariant in every run, and mutants that an invariant notices."""

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from mesh_mutants import MUTANTS, UNSEEN, Mutant, made, simulated

from twinwall.cli.invocation import Invocation
from twinwall.cli.main import root
from twinwall.emulator.mesh.habits import habits_of
from twinwall.emulator.mesh.simulate import Script, Simulator
from twinwall.emulator.mesh.weather import Trouble
from twinwall.engine.mesh.handler import handle
from twinwall.engine.mesh.run import Around

SEEDS = 40
SOAKED, PART = 20_000, 500


def simulator(calls: int = 500) -> Simulator:
    return Simulator(handle, Around, calls)


def test_no_invariant_is_broken() -> None:
    results = [simulator().run(seed) for seed in range(SEEDS)]
    assert [(result.seed, result.failure) for result in results if result.failure] == []
    assert all(result.calls >= 500 for result in results)
    assert sum(result.answers for result in results) > 10 * SEEDS


FOUND = {
    57: "an instance that goes back to its warm pool, where rules go when it has gone",
    382: "an address that comes while a handler is at work",
    849: "an event on its way when all else is quiet",
    8349: "the end of a member told after its return from the warm pool",
    8624: "an address swapped for another's while a handler is at work",
    13132: "an address swapped for another's while a handler is at work",
    12299: "a table restored from before a release, while its handler goes on to the answer",
    13823: "a table lost while a handler is frozen that read it before",
    17436: "an address that comes when the time for other nodes is over",
    897: "a row of its own that came of age while its node worked",
}
"""Seeds that failed once, and on what."""


@pytest.mark.parametrize("seed", FOUND)
def test_what_was_found_stays_mended(seed: int) -> None:
    assert simulator().run(seed).failure == ""


@pytest.mark.soak
@pytest.mark.parametrize("start", range(0, SOAKED, PART))
def test_no_invariant_is_broken_at_length(start: int, capsys: pytest.CaptureFixture[str]) -> None:
    """The first eight parts are the 4,000 seeds whose result the docs tell."""
    results = [simulator().run(seed) for seed in range(start, start + PART)]
    assert [(result.seed, result.failure) for result in results if result.failure] == []
    assert min(result.calls for result in results) >= 500
    with capsys.disabled():  # scripts/soak.py counts them
        sys.stdout.write(f"{len(results)} passing seeds, {sum(result.calls for result in results)} calls\n")


def test_a_seed_replays_exactly_and_so_does_its_script() -> None:
    stories: list[list[str]] = [[], [], []]
    first = simulator(200).run(7, trace=stories[0].append)
    simulator(200).run(7, trace=stories[1].append)
    simulator(200).run(7, first.script, stories[2].append)
    assert stories[0] == stories[1] == stories[2]
    assert len(stories[0]) > 200


def careless(event: object, around: Around) -> object:
    """Takes every message for done and does nothing."""
    return {"batchItemFailures": []}


def test_a_failing_run_is_made_shorter_and_fails_alike() -> None:
    broken = Simulator(careless, Around, 1)
    script = simulator(120).run(4).script
    padded = Script(script.deeds, {1000: Trouble("slow", 1.0)}, {})
    failing = broken.run(4, padded)
    assert failing.failure
    shorter = broken.shrink(failing)
    assert shorter.failure.partition(":")[0] == failing.failure.partition(":")[0]
    assert shorter.script.size < padded.size


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_an_invariant_notices_the_mutant(mutant: Mutant, tmp_path: Path) -> None:
    run = simulated(made(mutant, tmp_path), "--seed", str(mutant.seed))
    assert run.returncode == 2, run.stderr
    (failed,) = json.loads(run.stdout)["failed"]
    assert failed["failure"].startswith(mutant.invariant)


@pytest.mark.soak
@pytest.mark.parametrize("mutant", UNSEEN, ids=lambda mutant: mutant.name)
def test_what_no_invariant_notices_is_still_unnoticed(mutant: Mutant, tmp_path: Path) -> None:
    """If one is caught some day, its reason in ``UNSEEN`` is wrong."""
    run = simulated(made(mutant, tmp_path), "--seeds", "1000")
    assert run.returncode == 0, run.stdout


def test_the_command_tells_seed_and_result() -> None:
    answer = CliRunner().invoke(
        root,
        ["mesh", "simulate", "--seed", "3", "--seeds", "2", "--calls", "100"],
        obj=Invocation(),
        standalone_mode=False,
    )
    assert answer.return_value == 0
    assert answer.output.startswith("seeds 3 to 4: ")
    assert "0 of 2 runs failed" in answer.output


def test_the_command_tells_the_story_of_a_seed_and_the_same_again() -> None:
    arguments = ["mesh", "simulate", "--seed", "5", "--calls", "60", "--trace"]
    first, again = (
        CliRunner().invoke(root, arguments, obj=Invocation(), standalone_mode=False).output for _ in range(2)
    )
    assert first == again
    assert first.splitlines()[0].endswith(f"seed 5: 3 sites, {habits_of(5)}")
    for word in ("deed launch", "TakeLease", "answer CONTINUE", "0 of 1 runs failed"):
        assert word in first
