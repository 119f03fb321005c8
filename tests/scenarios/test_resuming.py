"""What ``resume`` and ``undo`` know of a run that was cut off, and what they read besides."""

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import firewalls as f
import pytest
from small_estates import SETTINGS, pair, source, target
from undertakings import OWNER, REGION, End, Scene, equal_but_for_ids

from twinwall.emulator.simulation import Process
from twinwall.emulator.switches import ENTRIES_PER_ACL, RULES_PER_GROUP
from twinwall.planning.order import Barrier

_numbers = itertools.count()
LISTS_AND_ACLS = pair(25)[1]


def cut_off(folder: Path, action: str, end: End, seed: int = 0) -> tuple[Scene, Path]:
    """A first copy whose process ends at its first call of ``action``; what that made is not to be seen for 5 s."""
    scene = Scene.make(folder, target(), seed=seed, read_lag=60.0)
    scene.aws.stale = (0.0, 0.0)  # nothing else lags
    journal, process = folder / f"j-{next(_numbers)}", Process("cut off")
    scene.aws.doomed, scene.aws.doom = action, (1, end, process)
    assert not scene.run(scene.applying(LISTS_AND_ACLS, SETTINGS, journal), process).ended
    scene.aws.doom = None
    scene.aws.hidden = scene.aws.made, scene.sim.monotonic() + 5
    return scene, journal


def wanted(folder: Path) -> Any:
    scene = Scene.make(folder, target())
    assert scene.run(scene.applying(LISTS_AND_ACLS, SETTINGS, folder / f"j-{next(_numbers)}")).report.equal
    return scene.everything()


@pytest.mark.parametrize("action", ["CreateNetworkAcl", "CreateManagedPrefixList", "CreateSecurityGroup"])
@pytest.mark.parametrize("end", [End.LOST, End.AFTER])
def test_what_was_made_is_not_made_twice_where_reads_lag(folder: Path, action: str, end: End) -> None:
    """Nothing but its token tells EC2 that it is the same call: ACLs and lists have no name that is theirs alone. What
    was answered is waited for."""
    for seed in range(4):
        scene, journal = cut_off(folder, action, end, seed)
        scene.late = 0.0
        ran = scene.run(scene.resuming(journal))
        assert ran.report is not None, ran.error
        assert ran.report.equal
        assert equal_but_for_ids(scene.everything(), wanted(folder)) == []
        made = {
            id_: item.name for kind in ("acls", "lists") for id_, item in scene.everything()[kind].items()
        }
        assert len(set(made.values())) == len(made), made


@pytest.mark.parametrize("back", [False, True])
def test_what_somebody_has_deleted_since_is_made_anew_or_let_be(folder: Path, back: bool) -> None:
    scene, journal = cut_off(folder, "ReplaceNetworkAclAssociation", End.BEFORE)
    scene.sim.sleep(100)
    for acl in scene.everything()["acls"].values():
        if not acl.is_default:
            scene.aws.request(OWNER, REGION, "DeleteNetworkAcl", {"NetworkAclId": acl.network_acl_id})
    ran = scene.run(scene.undoing(journal, folder / "undo") if back else scene.resuming(journal))
    assert ran.report is not None, ran.error
    assert ran.report.equal
    empty = Scene.make(folder, target()).everything()
    assert equal_but_for_ids(scene.everything(), empty if back else wanted(folder)) == []


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_at_once_after_the_last_answer_a_reading_is_not_believed(folder: Path, seed: int, back: bool) -> None:
    """It does not show yet what was answered: that is neither done again nor called somebody else's."""
    was, is_ = pair(seed)
    scene = Scene.make(folder, target(), seed=seed, read_lag=100.0)
    scene.aws.stale = (0.0, 0.0)
    scene.run(scene.applying(was, SETTINGS, folder / "was"))
    before = scene.everything()
    began = scene.sim.monotonic()
    scene.run(scene.applying(is_, SETTINGS, folder / "journal"))
    after = scene.everything()
    scene.aws.stale = (began, scene.sim.monotonic() + 3)
    ran = scene.run(
        scene.undoing(folder / "journal", folder / "u") if back else scene.resuming(folder / "journal")
    )
    assert ran.report is not None, ran.error
    assert ran.report.equal
    assert not (*ran.applied.findings, *ran.meanwhile)
    assert not {one.id for one in ran.planned.plan.findings} & {"changed-meanwhile", "prune-in-use"}
    assert back or ran.planned.plan.empty
    assert equal_but_for_ids(scene.everything(), before if back else after) == []


# --- what the run did, and somebody took back


def web_alone(folder: Path) -> tuple[Scene, Path]:
    """A copy that has just been made: one group."""
    scene = Scene.make(folder, target())
    web = f.group("sg-web", "web", "in tcp 443 0.0.0.0/0", "out -1 - 0.0.0.0/0")
    journal = folder / f"j-{next(_numbers)}"
    assert scene.run(scene.applying(source([web], [], []), SETTINGS, journal)).report.equal
    return scene, journal


def taken_back(scene: Scene, what: str) -> None:
    web = scene.everything()["groups"]["web"]
    if what == "group":
        scene.aws.request(OWNER, REGION, "DeleteSecurityGroup", {"GroupId": web.group_id})
    else:
        (rule,) = (one for one in web.rules if one.direction.value == "ingress")
        params = {"GroupId": web.group_id, "SecurityGroupRuleIds": [rule.rule_id]}
        scene.aws.request(OWNER, REGION, "RevokeSecurityGroupIngress", params)


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize(("what", "most"), [("rule", 10), ("group", 60)])
def test_what_is_waited_for_is_told_and_no_longer_than_a_reading_lags(
    folder: Path, what: str, most: float, back: bool
) -> None:
    """Counted from the answer to that call, not from the run's end."""
    for age in (0.0, most / 2, most + 5):
        scene, journal = web_alone(folder)
        scene.settle = 0.0
        taken_back(scene, what)
        scene.sim.sleep(age)
        began = scene.sim.monotonic()
        moments: list[float] = []
        seen = scene.aws.request

        def watched(
            *call: Any, seen: Any = seen, moments: list[float] = moments, scene: Scene = scene
        ) -> Any:
            if call[2].startswith(("Describe", "Create", "Authorize")):
                moments.append(scene.sim.monotonic())
            return seen(*call)

        scene.aws.request = watched  # type: ignore[method-assign]  # followed call by call
        ran = scene.run(
            scene.undoing(journal, folder / f"u-{next(_numbers)}") if back else scene.resuming(journal)
        )
        assert ran.report is not None, ran.error
        assert ran.report.equal
        waited = max(later - one for one, later in itertools.pairwise([began, *moments]))
        if age > most:
            assert not ran.told
            assert waited < 1
        else:
            (line,) = ran.told
            assert line.startswith("waiting up to ")
            assert "web" in line
            seconds = int(line.split()[3])
            assert most - age - 5 < seconds <= most - age
        assert moments[-1] - began < max(0.0, most - age) + 3


# --- what lists weigh

CHECKS = "com.amazonaws.{}.route53-healthchecks"
"""It counts as 25 rules."""


def heavy(*ports: int) -> Any:
    """A group of 58 rules, as EC2 counts them."""
    kept = [f"in tcp {port} 192.0.2.0/24" for port in range(1000, 1029)]
    moved = [f"in tcp {port} 198.51.100.0/24" for port in ports]
    web = f.group("sg-web", "web", "in tcp 443 pl-checks", *kept, *moved, "out -1 - 0.0.0.0/0")
    checks = f.prefix_list(
        "pl-checks", CHECKS.format(f.SOURCE_REGION), "203.0.113.0/24", owner="AWS", size=None
    )
    return source([web], [], [checks])


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("end", [End.BEFORE, End.AFTER])
def test_a_list_that_nobody_writes_to_weighs_in_a_full_group(folder: Path, back: bool, end: End) -> None:
    """What the group has no room for at once goes piece by piece, there and back, and as fast as that allows."""
    scene = Scene.make(folder, target())
    was, is_ = heavy(1, 2, 3, 4), heavy(5, 6, 7, 8)
    assert scene.run(scene.applying(was, SETTINGS, folder / "was")).report.equal
    before, process = scene.everything(), Process("cut off")
    scene.aws.doom = (2, end, process)
    assert not scene.run(scene.applying(is_, SETTINGS, folder / "is"), process).ended
    scene.aws.doom = None
    ran = scene.run(scene.undoing(folder / "is", folder / "u") if back else scene.resuming(folder / "is"))
    assert ran.report is not None, ran.error
    assert ran.report.equal
    ports = {str(one.traffic) for one in scene.everything()["groups"]["web"].rules}
    assert ports >= {f"tcp/{port}" for port in ((1, 2, 3, 4) if back else (5, 6, 7, 8))}
    assert not back or equal_but_for_ids(scene.everything(), before) == []
    assert "list-weight-unknown" not in {one.id for one in ran.planned.plan.findings}


# --- half an undo


def half_undone(folder: Path, number: int) -> tuple[Scene, Path, Path, Any, Any]:
    """A run that made, changed and deleted things, and an undo of it whose process ended at its nth call: (scene,
    the run's journal, the undo's, what stood before the run, and after it)."""
    was, is_ = pair(4)
    scene, journal, undo = (
        Scene.make(folder, target()),
        folder / f"j-{next(_numbers)}",
        folder / f"u-{next(_numbers)}",
    )
    assert scene.run(scene.applying(was, SETTINGS, folder / f"was-{next(_numbers)}")).report.equal
    scene.sim.sleep(100)
    before = scene.everything()
    assert scene.run(scene.applying(is_, SETTINGS, journal)).report.equal
    scene.sim.sleep(100)
    after, process = scene.everything(), Process("undo")
    scene.aws.doom = (number, End.LOST, process)
    assert not scene.run(scene.undoing(journal, undo), process).ended
    scene.aws.doom = None
    scene.sim.sleep(300)  # the lock is the undo's
    return scene, journal, undo, before, after


@pytest.mark.parametrize("way", ["undo again", "resume the undo", "undo the undo"])
@pytest.mark.parametrize("number", [2, 5, 9])
def test_after_half_an_undo_there_are_ways_on_and_back(folder: Path, number: int, way: str) -> None:
    scene, journal, undo, before, after = half_undone(folder, number)
    new = folder / f"v-{next(_numbers)}"
    job = {
        "undo again": scene.undoing(journal, new),
        "resume the undo": scene.resuming(undo),
        "undo the undo": scene.undoing(undo, new),
    }[way]
    ran = scene.run(job)
    assert ran.report is not None, ran.error
    assert ran.report.equal
    assert equal_but_for_ids(scene.everything(), after if way == "undo the undo" else before) == []


def test_what_half_an_undo_has_made_again_stays_and_is_told_by_a_resume_of_the_run(folder: Path) -> None:
    """The run's own journal cannot know whose it is."""
    scene, journal, _, _, after = half_undone(folder, 5)
    ran = scene.run(scene.resuming(journal))
    assert ran.report is not None, ran.error
    (told,) = (one for one in ran.planned.plan.findings if one.id == "changed-meanwhile")
    (more,) = equal_but_for_ids(scene.everything(), after)
    assert told.resource.name == "acl-2"
    assert more.startswith("acl acl-2")


def test_an_acl_in_anothers_place_is_not_taken_for_that_one_made_again(folder: Path) -> None:
    """Nobody answered the deletion of the one that it replaced; both have the same name and tags."""

    def copy(number: int) -> Any:
        entries = [f"in {10 * n + number} allow tcp {n + number} 10.{n}.0.0/16" for n in range(1, 16)]
        acl = f.acl(
            "acl-1", *entries, "out 100 allow -1 - 0.0.0.0/0", subnets=["subnet-s1"], tags={"Name": "a"}
        )
        return source([], [acl], [])

    scene, journal, process = Scene.make(folder, target()), folder / "j", Process("cut off")
    assert scene.run(scene.applying(copy(0), SETTINGS, folder / "was")).report.equal
    scene.sim.sleep(100)
    before = scene.everything()
    scene.aws.doomed, scene.aws.doom = "DeleteNetworkAcl", (1, End.LOST, process)
    assert not scene.run(scene.applying(copy(5), SETTINGS, journal), process).ended
    scene.aws.doom = None
    ran = scene.run(scene.undoing(journal, folder / "u"))
    assert ran.report.equal
    assert not ran.planned.plan.findings
    assert equal_but_for_ids(scene.everything(), before) == []


# --- what lists cost

OFFICES = 12


def offices(changed: int, *blocks: int) -> Any:
    """As many lists as groups that name them; the first few with other entries."""

    def entries(number: int) -> list[str]:
        held = blocks if number < changed else (1, 2)
        return [f"198.18.{number}.{block}/32" for block in held]

    lists = [f.prefix_list(f"pl-{n}", f"office-{n}", *entries(n), size=10) for n in range(OFFICES)]
    groups = [
        f.group(f"sg-a{n}", f"web-{n}", f"in tcp 443 pl-{n}", "out -1 - 0.0.0.0/0") for n in range(OFFICES)
    ]
    return source(groups, [], lists)


@pytest.mark.parametrize("back", [False, True])
def test_lists_are_read_once_each_and_those_of_others_not_at_all(folder: Path, back: bool) -> None:
    """promise.md, the cost of resuming: entries are one call a list, and only of the plan's lists: when the way is
    planned, for the proof, and of those that were written at each reading between."""
    changed = 4
    for others in (0, 30):
        scene = Scene.make(folder, target())
        assert scene.run(scene.applying(offices(0), SETTINGS, folder / f"was-{next(_numbers)}")).report.equal
        for number in range(others):
            params = {"PrefixListName": f"other-{number}", "MaxEntries": 5, "AddressFamily": "IPv4"}
            scene.aws.request(OWNER, REGION, "CreateManagedPrefixList", params)
        scene.sim.sleep(100)
        process, journal = Process("cut off"), folder / f"j-{next(_numbers)}"
        scene.aws.doom = (2, End.AFTER, process)
        assert not scene.run(scene.applying(offices(changed, 2, 3), SETTINGS, journal), process).ended
        scene.aws.doom = None
        scene.sim.sleep(100)
        ran = scene.run(
            scene.undoing(journal, folder / f"u-{next(_numbers)}") if back else scene.resuming(journal)
        )
        assert ran.report is not None, ran.error
        assert ran.report.equal
        readings = 1 + sum(isinstance(item, Barrier) for item in ran.planned.plan.route)
        assert ran.calls["GetManagedPrefixListEntries"] <= 2 * OFFICES + changed * readings


# --- quotas


def narrow(*entries: str, rules: tuple[str, ...]) -> Any:
    web = f.group("sg-web", "web", *rules, "out -1 - 0.0.0.0/0")
    acl = f.acl(
        "acl-1", *entries, "out 100 allow -1 - 0.0.0.0/0", default=True, subnets=["subnet-s1", "subnet-s2"]
    )
    return source([web], [acl], [])


@pytest.mark.parametrize("back", [False, True])
def test_a_way_is_planned_within_the_quotas_of_the_run(folder: Path, back: bool) -> None:
    """An account may have less room than AWS's defaults say. The run's plan knows; nothing is asked for it again."""
    settings = replace(SETTINGS, limits=replace(SETTINGS.limits, adopt=("default",)))
    was = narrow(
        *(f"in {10 * k} allow tcp {k} 10.{k}.0.0/16" for k in range(1, 4)),
        rules=tuple(f"in tcp {port} 192.0.2.0/24" for port in range(1, 5)),
    )
    is_ = narrow(
        *(f"in {10 * k + 5} allow tcp {k} 10.{k}.1.0/24" for k in range(1, 4)),
        rules=tuple(f"in tcp {port} 192.0.2.0/24" for port in range(3, 7)),
    )

    def copied() -> Scene:
        scene = Scene.make(folder, target(), quotas={ENTRIES_PER_ACL: 3, RULES_PER_GROUP: 4})
        ran = scene.run(scene.applying(was, settings, folder / f"was-{next(_numbers)}"))
        assert ran.report is not None, ran.error
        web = scene.everything()["groups"]["web"]
        scene.aws.attach(OWNER, REGION, "subnet-t1", [web.group_id])
        return scene

    calm = copied()
    calls = sum(
        calm.run(calm.applying(is_, settings, folder / f"calm-{next(_numbers)}")).applied.calls.values()
    )
    for number, end in itertools.product(range(1, calls + 1), (End.BEFORE, End.LOST)):
        scene, process, journal = copied(), Process("cut off"), folder / f"j-{next(_numbers)}"
        before = scene.everything()
        scene.aws.doom = (number, end, process)
        assert not scene.run(scene.applying(is_, settings, journal), process).ended
        scene.aws.doom = None
        ran = scene.run(
            scene.undoing(journal, folder / f"u-{next(_numbers)}") if back else scene.resuming(journal)
        )
        assert ran.report is not None, ran.error
        assert ran.report.equal
        assert equal_but_for_ids(scene.everything(), before if back else calm.everything()) == []
        assert ran.calls["GetServiceQuota"] == 0


def test_what_guards_nothing_is_as_free_on_the_way_on_as_it_was(folder: Path) -> None:
    """A full group in which a rule's peer changes its kind has no order without a gap. It is on no interface, so that
    none is needed: where no order is found, it is looked up who stands behind it."""

    def full(peer: str) -> Any:
        kept = [f"in tcp {port} 192.0.2.0/24" for port in range(1000, 1059)]
        return source([f.group("sg-web", "web", f"in tcp 1 {peer}", *kept, "out -1 - 0.0.0.0/0")], [], [])

    scene, process = Scene.make(folder, target()), Process("cut off")
    assert scene.run(scene.applying(full("0.0.0.0/0"), SETTINGS, folder / "was")).report.equal
    scene.aws.doom = (1, End.BEFORE, process)
    assert not scene.run(scene.applying(full("sg-web"), SETTINGS, folder / "is"), process).ended
    scene.aws.doom = None
    ran = scene.run(scene.resuming(folder / "is"))
    assert ran.report is not None, ran.error
    assert ran.report.equal
