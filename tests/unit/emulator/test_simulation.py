"""The simulation: turns by a seed, time that jumps, processes that are killed and frozen."""

import pytest

from twinwall.boundary import Ended
from twinwall.emulator.simulation import Killed, Process, Simulation, Stuck


def told(seed):
    sim, story = Simulation(seed), []

    def walk(name):
        for step in range(3):
            sim.sleep(sim.random.random())
            story.append((name, step, round(sim.monotonic(), 6)))

    for name in "abc":
        sim.spawn(lambda name=name: walk(name))
    sim.run()
    return story


def test_a_seed_tells_one_story_and_other_seeds_others():
    assert told(1) == told(1)
    assert len({tuple((name, step) for name, step, _ in told(seed)) for seed in range(20)}) > 10


def test_time_jumps_and_does_not_add_up():
    sim = Simulation()
    for _ in range(5):
        sim.spawn(lambda: sim.sleep(60))
    sim.run()
    assert sim.monotonic() == 60


def test_a_crew_tells_each_end_once_and_waits_no_longer_than_asked():
    sim, seen = Simulation(), []

    def boss():
        crew = sim.crew()
        crew.start(1, lambda: sim.sleep(1))
        crew.start(2, lambda: 1 // 0)
        seen.append(crew.next())
        seen.append(crew.next(timeout=0.5))
        seen.append((crew.next(), sim.monotonic()))

    sim.spawn(boss)
    sim.run()
    failed, nothing, (ended, moment) = seen
    assert failed.key == 2
    assert isinstance(failed.error, ZeroDivisionError)
    assert nothing is None
    assert (ended, moment) == (Ended(1), 1.0)


def test_a_killed_process_ends_where_it_stands_with_all_its_tasks():
    sim, process, steps = Simulation(), Process("lambda"), []

    def boss():
        crew = sim.crew(process)
        crew.start(1, worker)
        try:
            crew.next()
        finally:
            steps.append("unwound")
            with pytest.raises(Killed):
                sim.sleep(0)

    def worker():
        for _ in range(10):
            sim.sleep(1)
            steps.append(sim.monotonic())

    sim.spawn(boss, process)
    sim.spawn(lambda: sim.kill(process), delay=2.5)
    sim.run()
    assert sorted(steps, key=str) == [1.0, 2.0, "unwound"]


def test_a_frozen_process_goes_on_when_it_is_thawed():
    sim, process, steps = Simulation(), Process("lambda"), []
    sim.spawn(lambda: (sim.sleep(1), steps.append(sim.monotonic())), process)
    sim.spawn(lambda: sim.freeze(process), delay=0.5)
    sim.spawn(lambda: sim.thaw(process), delay=7)
    sim.run()
    assert steps == [7]


def test_waiting_for_each_other_is_told():
    sim = Simulation()
    sim.spawn(lambda: sim.crew().next())
    with pytest.raises(Stuck):
        sim.run()


def test_what_a_task_raises_ends_the_run():
    sim = Simulation()
    sim.spawn(lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        sim.run()


def test_run_goes_no_further_than_asked():
    sim, steps = Simulation(), []
    sim.spawn(lambda: steps.append(1), delay=5)
    sim.run(until=4)
    assert steps == []
    sim.run()
    assert steps == [1]
