"""*Two at once*: the lock, on an AWS in memory, in virtual time."""

import itertools
from pathlib import Path
from typing import Any

import pytest
from small_estates import SETTINGS, pair, target
from undertakings import OWNER, REGION, Ran, Scene

from twinwall.boundary import Crew
from twinwall.documents.journal import FileJournal
from twinwall.emulator.faults import Fault, Kind
from twinwall.emulator.refusal import Refusal
from twinwall.emulator.simulation import Process
from twinwall.engine.lock import Holder, acquire, find, leave
from twinwall.errors import Interfered, LockHeld
from twinwall.model.ownership import LOCK_GROUP_NAME

_numbers = itertools.count()


def test_two_at_once_one_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    was, is_ = pair(1)
    scene = Scene.make(tmp_path, target())
    assert scene.run(scene.applying(was, SETTINGS, tmp_path / "was")).report.equal
    one = scene.start(scene.applying(is_, SETTINGS, tmp_path / "one"))
    other = scene.start(scene.applying(is_, SETTINGS, tmp_path / "other"))
    scene.sim.run()
    held, done = sorted((one, other), key=lambda ran: ran.report is not None)
    assert isinstance(held.error, LockHeld)
    assert held.error.exit_code == 3
    assert "test (journal" in str(held.error)
    assert "until 2026-" in str(held.error)
    assert done.report.equal
    assert LOCK_GROUP_NAME not in scene.everything()["groups"]


def hold(scene: Scene, tmp_path: Path, name: str, found: list[Any], own: str = "") -> None:
    def job(_ran: Ran, _crew: Crew) -> None:
        holder = Holder(name, name, name)
        journal = FileJournal(tmp_path / f"lock-{next(_numbers)}", scene.sim)
        found.append(acquire(scene.side(), holder, journal, scene.sim, own))

    found.append(scene.start(job))


def test_a_lock_takes_two_calls_and_five_over_a_dead_one(tmp_path: Path) -> None:
    scene = Scene.make(tmp_path, target())
    found: list[Any] = []
    hold(scene, tmp_path, "a", found)
    scene.sim.run()
    found[-1].release()
    assert scene.aws.log == ["CreateSecurityGroup", "DeleteSecurityGroup"]
    hold(scene, tmp_path, "dead", found)
    scene.sim.run()
    scene.sim.sleep(1000)
    scene.aws.log.clear()
    hold(scene, tmp_path, "b", found)
    scene.sim.run()
    found[-1].release()
    over = ["CreateSecurityGroup", "DescribeSecurityGroups", "DeleteSecurityGroup", "CreateSecurityGroup"]
    assert scene.aws.log == [*over, "DeleteSecurityGroup"]
    assert find(scene.side()) is None


@pytest.mark.parametrize("seed", range(20))
def test_of_two_that_find_a_dead_lock_one_wins(tmp_path: Path, seed: int) -> None:
    scene = Scene.make(tmp_path, target(), seed=seed)
    found: list[Any] = []
    hold(scene, tmp_path, "dead", found)
    scene.sim.run()
    scene.sim.sleep(1000)
    found.clear()
    for name in "abc":
        hold(scene, tmp_path, name, found)
    scene.sim.run()
    locks = [one for one in found if not isinstance(one, Ran)]
    errors = [one.error for one in found if isinstance(one, Ran) and one.error]
    assert len(locks) == 1
    assert len(errors) == 2
    assert all(isinstance(error, LockHeld) for error in errors)
    assert find(scene.side()).group_id == locks[0].id


@pytest.mark.parametrize("kind", [Kind.LOST, Kind.LATE, Kind.CUT])
@pytest.mark.parametrize("action", ["CreateSecurityGroup", "DeleteSecurityGroup"])
def test_a_lost_answer_to_the_locks_own_calls(tmp_path: Path, action: str, kind: Kind) -> None:
    scene = Scene.make(tmp_path, target())
    scene.aws.trouble.add(Fault(action, kind, seconds=2))
    found: list[Any] = []
    hold(scene, tmp_path, "a", found)
    scene.sim.run()
    found[-1].release()
    scene.aws.arrive_all()
    assert find(scene.side()) is None


def test_a_lock_that_does_not_show_yet_is_released_all_the_same(tmp_path: Path) -> None:
    """An id may answer NotFound for some seconds after its creation (aws-facts 3.2)."""
    scene = Scene.make(tmp_path, target())
    hidden = Refusal("InvalidGroup.NotFound", "The security group does not exist")
    scene.aws.trouble.add(Fault("DeleteSecurityGroup", Kind.REFUSED, hidden, times=3))
    found: list[Any] = []
    hold(scene, tmp_path, "a", found)
    scene.sim.run()
    found[-1].release()
    assert find(scene.side()) is None


def test_a_long_run_keeps_its_lock_and_one_that_lost_it_stops(tmp_path: Path) -> None:
    scene = Scene.make(tmp_path, target())
    found: list[Any] = []
    hold(scene, tmp_path, "a", found)
    scene.sim.run()
    lock = found[-1]
    for _ in range(20):
        scene.sim.sleep(30)
        lock.keep()
    other: list[Any] = []
    hold(scene, tmp_path, "b", other)
    scene.sim.run()
    assert isinstance(other[0].error, LockHeld)
    leave(scene.side(), lock.id, scene.sim)
    scene.sim.sleep(60)
    with pytest.raises(Interfered, match="taken away"):
        lock.keep()
    asleep = copied_lock(scene, tmp_path)
    scene.sim.sleep(10_000)
    with pytest.raises(Interfered, match="could not be kept in time"):
        asleep.keep()


def copied_lock(scene: Scene, tmp_path: Path) -> Any:
    found: list[Any] = []
    hold(scene, tmp_path, "c", found)
    scene.sim.run()
    return found[-1]


def test_a_group_of_that_name_that_is_no_lock_is_left_alone(tmp_path: Path) -> None:
    scene = Scene.make(tmp_path, target())
    params = {"GroupName": LOCK_GROUP_NAME, "Description": "d", "VpcId": scene.vpc}
    scene.aws.request(OWNER, REGION, "CreateSecurityGroup", params)
    found: list[Any] = []
    hold(scene, tmp_path, "a", found)
    scene.sim.run()
    assert isinstance(found[0].error, LockHeld)
    assert "is no lock" in str(found[0].error)


def test_a_lock_that_a_killed_run_did_not_come_to_note_is_found(tmp_path: Path) -> None:
    """The process ends after the lock's creation and before its answer; undo finds the lock in what it reads anyway."""
    was, _ = pair(1)
    scene, process = Scene.make(tmp_path, target()), Process("cut off")
    scene.aws.trouble.add(Fault("CreateSecurityGroup", Kind.SLOW, seconds=10))
    began = scene.start(scene.applying(was, SETTINGS, tmp_path / "j"), process)
    scene.sim.run(until=scene.sim.monotonic() + 5)
    scene.sim.kill(process)
    scene.sim.run()
    assert not began.ended
    assert find(scene.side()) is not None
    assert scene.run(scene.undoing(tmp_path / "j", tmp_path / "u")).report.equal
    assert find(scene.side()) is None
