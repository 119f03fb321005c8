"""Creations whose answer never came, and which arrive when the run is over: ``undo`` leaves nothing of them behind.

EC2 names what a token has made, and refuses a group's name that is taken; a reading may show neither.
"""

import itertools
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from foreign_hand import add_rule
from small_estates import SETTINGS, pair, target
from undertakings import OWNER, REGION, End, Ran, Scene, equal_but_for_ids

from twinwall.documents.history import load_history
from twinwall.emulator.faults import Fault, Kind
from twinwall.emulator.refusal import Refusal
from twinwall.emulator.simulation import Process
from twinwall.emulator.switches import ACLS_PER_VPC
from twinwall.model.ownership import LOCK_GROUP_NAME
from twinwall.planning.unanswered import UNANSWERED

_numbers = itertools.count()
LISTS_AND_ACLS = pair(25)[1]
CREATIONS = ("CreateSecurityGroup", "CreateNetworkAcl", "CreateManagedPrefixList")
BY_TOKEN = CREATIONS[1:]


def made(folder: Path, seed: int = 0) -> Scene:
    scene = Scene.make(folder, target(), seed=seed, read_lag=200.0)
    scene.aws.stale = (0.0, 0.0)  # nothing lags but what is hidden
    return scene


@lru_cache
def counts(folder: Path) -> dict[str, int]:
    """Writes of the first copy where nothing befalls it."""
    scene = made(folder)
    ran = scene.run(scene.applying(LISTS_AND_ACLS, SETTINGS, folder / f"calm-{next(_numbers)}"))
    return dict(ran.planned.plan.api_calls)


def cut_off(
    folder: Path, action: str, end: End, number: int = 1, *, late: float = 35.0
) -> tuple[Scene, Path, Any]:
    """A first copy whose process ends at its nth call of ``action``; what that made shows 10 s after ``late``."""
    scene, journal, process = made(folder, number), folder / f"j-{next(_numbers)}", Process("cut off")
    before = scene.everything()
    scene.aws.doomed, scene.aws.doom, scene.late = action, (number, end, process), late
    assert not scene.run(scene.applying(LISTS_AND_ACLS, SETTINGS, journal), process).ended
    scene.aws.doom, scene.aws.doomed, scene.aws.written = None, "", 0
    scene.aws.hidden = scene.aws.made, scene.sim.monotonic() + late + 10
    return scene, journal, before


def undone(scene: Scene, journal: Path) -> Ran:
    ran = scene.run(scene.undoing(journal, journal.with_name(f"u-{next(_numbers)}")))
    assert ran.report is not None, ran.error
    assert ran.report.equal
    return ran


def left(scene: Scene, before: Any) -> list[str]:
    """Locks aside: a dead one of another journal goes with the next run that takes one."""
    scene.aws.arrive_all()
    now = scene.everything()
    for state in (now, before):
        state["groups"].pop(LOCK_GROUP_NAME, None)
    return equal_but_for_ids(now, before)


def told(ran: Ran) -> set[str]:
    """What is said of creations: in the plan, and at its end."""
    findings = (*ran.planned.plan.findings, *(ran.applied.findings if ran.applied else ()))
    return {one.resource.name for one in findings if one.id == UNANSWERED}


@pytest.mark.parametrize("action", CREATIONS)
@pytest.mark.parametrize("end", [End.BEFORE, End.LOST, End.LATE])
def test_what_no_reading_shows_yet_does_not_stay(folder: Path, action: str, end: End) -> None:
    """At every creating call; by default a call on its way has arrived when the readings begin."""
    for number in range(1, counts(folder)[action] + 1):
        scene, journal, before = cut_off(folder, action, end, number)
        ran = undone(scene, journal)
        assert left(scene, before) == []
        if end is not End.LATE:
            assert told(ran)


@pytest.mark.parametrize("action", BY_TOKEN)
@pytest.mark.parametrize("end", [End.LOST, End.LATE])
def test_what_arrives_after_all_waiting_makes_nothing_where_there_is_a_token(
    folder: Path, action: str, end: End
) -> None:
    for number in range(1, counts(folder)[action] + 1):
        scene, journal, before = cut_off(folder, action, end, number, late=0.0)
        undone(scene, journal)
        assert left(scene, before) == []


def test_a_group_that_arrives_after_all_waiting_is_told_and_goes_with_another_undo(folder: Path) -> None:
    scene, journal, before = cut_off(folder, "CreateSecurityGroup", End.LATE, late=0.0)
    ran = undone(scene, journal)
    warned = [one for one in ran.planned.plan.findings if (one.id, one.severity) == (UNANSWERED, "warning")]
    assert all("should the first call arrive later still" in one.message for one in warned)
    assert left(scene, before)
    (name,) = scene.everything()["groups"].keys() - before["groups"].keys()
    assert f"look for a group named {name} later" in " ".join(one.way_out for one in warned)
    scene.sim.sleep(200)
    assert undone(scene, journal).applied.calls == {"DeleteSecurityGroup": 1}
    assert left(scene, before) == []


@pytest.mark.parametrize("action", CREATIONS)
def test_long_after_the_call_a_reading_decides(folder: Path, action: str) -> None:
    scene, journal, before = cut_off(folder, action, End.BEFORE)
    scene.sim.sleep(100)
    ran = undone(scene, journal)
    assert not told(ran)
    assert action not in ran.planned.plan.api_calls
    assert left(scene, before) == []


@pytest.mark.parametrize("action", CREATIONS)
@pytest.mark.parametrize("again", ["resume", "undo", "undo the undo"])
def test_an_undo_that_asks_may_itself_end_at_any_call(folder: Path, action: str, again: str) -> None:
    scene, journal, before = cut_off(folder, action, End.LOST)
    calls = undone(scene, journal).writes - 2  # the lock's
    for number, end in itertools.product(range(1, calls + 1), End):
        scene, journal, before = cut_off(folder, action, End.LOST)
        process, second = Process("undo"), folder / f"half-{next(_numbers)}"
        scene.aws.doom = (number, end, process)
        scene.run(scene.undoing(journal, second), process)
        scene.aws.doom = None
        scene.sim.sleep(300)  # the lock may be the other journal's
        if again == "resume":
            ran = scene.run(scene.resuming(second))
            assert ran.report is not None, ran.error
            assert ran.report.equal
        else:
            undone(scene, second if again == "undo the undo" else journal)
        if again == "undo the undo":
            undone(scene, journal)
        assert left(scene, before) == [], (number, end)


# --- nothing foreign is trampled


def test_a_name_that_somebody_has_taken_since_is_theirs(folder: Path) -> None:
    """Before the plan, and after it."""
    for hidden in (0.0, 60.0):
        scene, journal, _ = cut_off(folder, "CreateSecurityGroup", End.BEFORE)
        name = next(
            s.change.resource.name
            for s in load_history(journal).sent
            if s.change.action == "CreateSecurityGroup"
        )
        params = {"GroupName": name, "Description": "mine", "VpcId": scene.vpc}
        id_ = scene.aws.request(OWNER, REGION, "CreateSecurityGroup", params)["GroupId"]
        scene.aws.hidden = frozenset({id_}), scene.sim.monotonic() + hidden
        kept = scene.everything()
        ran = undone(scene, journal)
        assert id_ not in {change.resource.id for change in ran.planned.plan.changes}
        assert left(scene, kept) == []


@pytest.mark.parametrize("action", CREATIONS)
def test_what_somebody_has_written_into_it_since_keeps_it(folder: Path, action: str) -> None:
    scene, journal, _ = cut_off(folder, action, End.LOST)
    (id_,) = scene.aws.made
    if action == "CreateSecurityGroup":
        names = {group.group_id: name for name, group in scene.everything()["groups"].items()}
        add_rule(scene, names[id_], 4444)
    elif action == "CreateNetworkAcl":
        params = {"NetworkAclId": id_, "RuleNumber": 7, "Protocol": "-1", "RuleAction": "allow"}
        params |= {"Egress": False, "CidrBlock": "10.0.0.0/8"}
        scene.aws.request(OWNER, REGION, "CreateNetworkAclEntry", params)
    else:
        params = {"PrefixListId": id_, "CurrentVersion": 1, "AddEntries": [{"Cidr": "198.18.0.0/15"}]}
        scene.aws.request(OWNER, REGION, "ModifyManagedPrefixList", params)
    scene.sim.sleep(20)
    ran = undone(scene, journal)
    kept = {
        **{group.group_id: group for group in scene.everything()["groups"].values()},
        **scene.everything()["acls"],
        **scene.everything()["lists"],
    }
    assert id_ in kept
    assert "left alone" in " ".join(one.message for one in ran.applied.findings)


# --- where it cannot be asked


def test_an_account_without_room_is_told_of_and_the_rest_is_undone(folder: Path) -> None:
    scene, journal, before = cut_off(folder, "CreateNetworkAcl", End.BEFORE)
    held = sum(acl.vpc_id == scene.vpc for acl in scene.everything()["acls"].values())
    scene.aws.world.quotas["*", "*", ACLS_PER_VPC] = held
    ran = undone(scene, journal)
    assert "cannot be asked" in " ".join(one.message for one in ran.applied.findings)
    assert left(scene, before) == []


@pytest.mark.parametrize("action", CREATIONS)
def test_who_may_not_create_is_told_of_and_the_rest_is_undone(folder: Path, action: str) -> None:
    scene, journal, before = cut_off(folder, action, End.BEFORE)
    denied = Refusal("UnauthorizedOperation", "You are not authorized to perform this operation.", 403)
    skip = 1 if action == "CreateSecurityGroup" and scene.lock else 0
    scene.aws.trouble.add(Fault(action, Kind.REFUSED, denied, skip=skip))
    ran = undone(scene, journal)
    assert "cannot be asked" in " ".join(one.message for one in ran.applied.findings)
    assert left(scene, before) == []


# --- what somebody else deletes meanwhile


def test_a_list_that_somebody_else_deletes_meanwhile_is_not_waited_for(folder: Path) -> None:
    scene, journal = made(folder), folder / f"j-{next(_numbers)}"
    before = scene.everything()
    assert scene.run(scene.applying(LISTS_AND_ACLS, SETTINGS, journal)).report.equal
    scene.sim.sleep(100)

    def deleting(route: Any) -> Any:
        lists = scene.everything()["lists"].values()
        (id_,) = (item.prefix_list_id for item in lists if not item.aws_managed)
        for group in scene.everything()["groups"].values():
            naming = [rule.rule_id for rule in group.rules if str(rule.peer) == id_]
            params = {"GroupId": group.group_id, "SecurityGroupRuleIds": naming}
            if naming:
                scene.aws.request(OWNER, REGION, "RevokeSecurityGroupIngress", params)
        scene.aws.request(OWNER, REGION, "DeleteManagedPrefixList", {"PrefixListId": id_})
        return route

    scene.mutant = deleting
    ran = undone(scene, journal)
    assert ran.reads < 40
    assert "somebody else took it away" in " ".join(one.message for one in ran.applied.findings)
    assert left(scene, before) == []
