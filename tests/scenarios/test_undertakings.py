"""*Journal, resume, undo*: runs that end at any call, on an AWS in memory, in virtual time.

Small firewalls by a seed (``small_estates``): copied once, changed at the source, copied again; that second run is the
one that trouble befalls.
"""

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from firewalls import rule
from foreign_hand import add_rule, rules_of
from small_estates import SETTINGS, pair, target
from undertakings import OWNER, REGION, End, Ran, Scene, equal_but_for_ids

from twinwall.boundary import Crew
from twinwall.documents.history import load_history
from twinwall.documents.journal import FileJournal, read_journal
from twinwall.emulator.faults import Kind
from twinwall.emulator.simulation import Process, Simulation
from twinwall.engine.apply import carry_out
from twinwall.engine.means import Means
from twinwall.engine.reading import SideReader
from twinwall.engine.settling import Done, Look, Settled, settle
from twinwall.engine.turning import resume
from twinwall.errors import DocumentError, ForeignOwner, Refused
from twinwall.model.firewall import Resource
from twinwall.planning import changes as c
from twinwall.planning.order import Step

Json = dict[str, Any]


_numbers = itertools.count()


def copied(folder: Path, was: Json, seed: int = 0, **how: Any) -> Scene:
    """A target that holds a copy of the source as it was."""
    scene = Scene.make(folder, target(), seed=seed, **how)
    ran = scene.run(scene.applying(was, SETTINGS, folder / f"was-{next(_numbers)}"))
    assert ran.report is not None, ran.error
    assert ran.report.equal
    scene.sim.sleep(100)
    return scene


def applied(folder: Path, was: Json, is_: Json) -> tuple[int, Json]:
    """(calls, what stands then) of the second run, where nothing befalls it."""
    scene = copied(folder, was)
    ran = scene.run(scene.applying(is_, SETTINGS, folder / f"is-{next(_numbers)}"))
    assert ran.report is not None, ran.error
    assert ran.report.equal
    return sum(ran.planned.plan.api_calls.values()), scene.everything()


def cut_off(
    folder: Path, was: Json, is_: Json, number: int, end: End, late: float = 35.0
) -> tuple[Scene, Json, Path]:
    """A second run whose process ends at its nth call; the firewall before it, and its journal."""
    scene = copied(folder, was, seed=number)
    scene.late = late
    before, process, journal = scene.everything(), Process("cut off"), folder / f"j-{next(_numbers)}"
    scene.aws.written, scene.aws.doom = 0, (number, end, process)
    ran = scene.run(scene.applying(is_, SETTINGS, journal), process)
    scene.aws.doom = None
    assert ran.error is None
    return scene, before, journal


def differs(scene: Scene, wanted: Json) -> list[str]:
    scene.aws.arrive_all()
    return equal_but_for_ids(scene.everything(), wanted)


def test_who_does_not_wait_for_what_may_arrive_late_is_caught(folder: Path) -> None:
    """A mutant: it takes a call without an answer for one that never was sent."""
    caught = 0
    for seed, number in itertools.product(range(12), range(1, 6)):
        was, is_ = pair(seed)
        if number > applied(folder, was, is_)[0]:
            continue
        scene, before, journal = cut_off(folder, was, is_, number, End.LATE, late=0)
        ran = scene.run(scene.undoing(journal, folder / f"u-{next(_numbers)}"))
        caught += ran.report is None or not ran.report.equal or bool(differs(scene, before))
    assert caught > 5


def test_an_undo_can_be_undone_and_resumed(folder: Path) -> None:
    was, is_ = pair(1)
    _, wanted = applied(folder, was, is_)
    scene = copied(folder, was)
    before = scene.everything()
    first, second, third = (folder / name for name in ("first", "second", "third"))
    assert scene.run(scene.applying(is_, SETTINGS, first)).report.equal
    process = Process("undo")
    scene.aws.written, scene.aws.doom = 0, (3, End.LOST, process)
    assert not scene.run(scene.undoing(first, second), process).ended
    scene.aws.doom = None
    assert scene.run(scene.resuming(second)).report.equal
    assert differs(scene, before) == []
    assert scene.run(scene.undoing(second, third)).report.equal
    assert differs(scene, wanted) == []


def test_resumed_twice_and_undone_twice_nothing_is_left_to_do(folder: Path) -> None:
    was, is_ = pair(1)
    scene, _, journal = cut_off(folder, was, is_, 4, End.LOST)
    assert scene.run(scene.resuming(journal)).report.equal
    again = scene.run(scene.resuming(journal))
    assert again.report is not None, again.error
    assert again.report.equal
    assert again.writes == 0
    assert scene.run(scene.undoing(journal, folder / "u1")).report.equal
    again = scene.run(scene.undoing(journal, folder / "u2"))
    assert again.report is not None, again.error
    assert again.report.equal
    assert again.writes == 0


# --- somebody else at work


def touched_group(scene: Scene, journal: Path) -> str:
    names = [str(sent.change.resource.name) for sent in load_history(journal).sent]
    return next(name for name in names if name in scene.everything()["groups"])


def test_undo_refuses_to_trample_and_names_it(folder: Path) -> None:
    was, is_ = pair(1)
    scene, _, journal = cut_off(folder, was, is_, 4, End.AFTER)
    rule = add_rule(scene, touched_group(scene, journal), 4444)
    left = scene.everything()
    ran = scene.run(scene.undoing(journal, folder / "u"))
    assert isinstance(ran.error, ForeignOwner)
    assert ran.error.exit_code == 3
    assert "tcp/4444 from 198.18.0.0/15" in str(ran.error)
    assert ran.writes == 0
    assert differs(scene, left) == []
    assert rule in rules_of(scene)


def test_undo_refuses_where_somebody_uses_what_it_made(folder: Path) -> None:
    was, is_ = pair(1)
    scene = copied(folder, {**was, "SecurityGroups": was["SecurityGroups"][:1]})
    assert scene.run(scene.applying(is_, SETTINGS, folder / "j")).report.equal
    made = next(iter(load_history(folder / "j").ids.values()))
    interface = scene.aws.attach(OWNER, REGION, "subnet-t1", [made])
    ran = scene.run(scene.undoing(folder / "j", folder / "u"))
    assert isinstance(ran.error, ForeignOwner)
    assert interface in str(ran.error)
    assert ran.writes == 0


def test_resume_leaves_alone_what_somebody_else_did(folder: Path) -> None:
    was, is_ = pair(1)
    scene, _, journal = cut_off(folder, was, is_, 4, End.AFTER)
    group = touched_group(scene, journal)
    rule = add_rule(scene, group, 4444)
    ran = scene.run(scene.resuming(journal))
    assert rule in rules_of(scene)
    assert not ran.report.equal
    (finding,) = ran.planned.plan.findings
    assert (finding.id, finding.resource.name) == ("changed-meanwhile", group)


# --- trouble on the way


@pytest.mark.parametrize("kind", [Kind.LOST, Kind.LATE, Kind.CUT])
def test_an_answer_that_never_comes_at_any_call(folder: Path, kind: Kind) -> None:
    """The process lives on: it settles what became of the call by reading. It was the run's own all the same, so that
    undo takes it back."""
    for seed in (1, 4):
        was, is_ = pair(seed)
        calls, wanted = applied(folder, was, is_)
        for number in range(1, calls + 1):
            scene = copied(folder, was, seed=number)
            before, journal = scene.everything(), folder / f"j-{next(_numbers)}"
            scene.aws.written, scene.aws.silent = 0, (number, kind)
            ran = scene.run(scene.applying(is_, SETTINGS, journal))
            assert ran.error is None
            assert ran.report.equal
            assert differs(scene, wanted) == []
            assert scene.aws.silent is None
            assert scene.run(scene.undoing(journal, folder / f"u-{next(_numbers)}")).report.equal
            assert differs(scene, before) == []


def trusting(change: c.Change, look: Look, acl_before: str = "", *, told: bool = True) -> Settled:
    """A mutant: whatever EC2 calls a duplicate, or does not answer, is taken for done."""
    return Done()


def test_a_retry_that_trusts_duplicate_is_caught(folder: Path) -> None:
    """Half of the rules are somebody else's by then, so EC2 refuses the call as a whole."""
    caught = []
    for told in (settle, trusting):
        scene = Scene.make(folder, target())
        existing = engine_snapshot(scene)
        old = next(g for g in existing.groups if g.group_name == "old-web")
        add_rule(scene, "old-web", 4444)
        rules = (rule("in tcp 4444 198.18.0.0/15"), rule("in tcp 5555 198.18.0.0/15"))
        change = c.AuthorizeRules(resource=old.resource, direction=rules[0].direction, rules=rules)
        run_steps(scene, existing, (change,), told, folder)
        ports = {str(held.traffic) for held in scene.everything()["groups"]["old-web"].rules}
        caught.append("tcp/5555" not in ports)
    assert caught == [False, True]


def engine_snapshot(scene: Scene) -> Any:
    reader = SideReader(scene.side(), "target")
    reader.read("SecurityGroups", "NetworkAcls")
    return reader.snapshot()


def run_steps(scene: Scene, existing: Any, changes: tuple[c.Change, ...], settle: Any, folder: Path) -> Ran:
    route = tuple(Step(change, (at - 1,) if at else ()) for at, change in enumerate(changes))

    def job(ran: Ran, crew: Crew) -> None:
        side = scene.side()
        means = Means(FileJournal(folder / f"s-{next(_numbers)}", scene.sim), scene.sim, crew, side.pace)
        ran.applied = carry_out(route, existing, scene.vpc, side.reader, side.writer, means, settle)

    return scene.run(job)


@pytest.mark.parametrize("mutant", [False, True])
def test_a_swap_by_a_stale_association_id_is_caught(folder: Path, mutant: bool) -> None:
    """Somebody else has swapped the subnet's ACL to and fro meanwhile: the association has another id. It is read
    again; a mutant that takes "there is no such association" for done leaves the subnet where it was."""
    scene = Scene.make(folder, target())
    existing = engine_snapshot(scene)
    acl = scene.aws.request(OWNER, REGION, "CreateNetworkAcl", {"VpcId": scene.vpc})["NetworkAcl"][
        "NetworkAclId"
    ]
    (old,) = [a for a in existing.acls[0].associations if a.subnet_id == "subnet-t1"]
    swap = {"AssociationId": old.association_id, "NetworkAclId": acl}
    there = scene.aws.request(OWNER, REGION, "ReplaceNetworkAclAssociation", swap)["NewAssociationId"]
    back = {"AssociationId": there, "NetworkAclId": "acl-0000000000000000a"}
    scene.aws.request(OWNER, REGION, "ReplaceNetworkAclAssociation", back)
    change = c.ReplaceNetworkAclAssociation(
        resource=Resource("subnet", "subnet-t1", "app"), association_id=old.association_id, network_acl_id=acl
    )
    run_steps(scene, existing, (change,), trusting if mutant else settle, folder)
    moved = any(a.subnet_id == "subnet-t1" for a in scene.everything()["acls"][acl].associations)
    assert moved is not mutant


# --- journals


def test_a_journal_that_was_edited_is_refused(folder: Path) -> None:
    was, is_ = pair(1)
    _, _, journal = cut_off(folder, was, is_, 4, End.AFTER)
    whole = journal.read_bytes()
    lines = whole.splitlines(keepends=True)
    for wrong in (whole.replace(b"198.51.100", b"198.51.200", 1), b"".join([*lines[:3], *lines[4:]])):
        if wrong == whole:
            continue
        journal.write_bytes(wrong)
        with pytest.raises(DocumentError, match="was edited: line"):
            load_history(journal)
    journal.write_bytes(whole + b'{"event":"call","seq":99,"ti')
    assert len(load_history(journal).sent) == len(_history(whole, journal).sent)


def _history(text: bytes, path: Path) -> Any:
    path.write_bytes(text)
    return load_history(path)


def test_a_journal_without_an_undertaking(folder: Path) -> None:
    FileJournal(folder / "j", Simulation()).close()
    assert len(read_journal(folder / "j")) == 1
    with pytest.raises(DocumentError, match="nothing was begun"):
        load_history(folder / "j")


def test_another_account_is_refused(folder: Path) -> None:
    was, is_ = pair(1)
    scene, _, journal = cut_off(folder, was, is_, 4, End.AFTER)

    def job(ran: Ran, crew: Crew) -> None:
        elsewhere = scene.aws.doors(OWNER, "eu-west-3").account
        resume(load_history(journal), replace(scene.side(), account=elsewhere), scene.sim, 0)

    ran = scene.run(job)
    assert isinstance(ran.error, Refused)
    assert "the credentials lead to" in str(ran.error)


# --- what is revoked is as the plan saw it


@pytest.mark.parametrize("changed", [False, True])
def test_a_rule_that_somebody_has_described_anew_is_left_alone(folder: Path, changed: bool) -> None:
    """It is revoked by its id, and only as the plan saw it."""
    scene = Scene.make(folder, target())
    existing = engine_snapshot(scene)
    group = next(g for g in existing.groups if g.group_name == "old-web")
    held = next(one for one in group.rules if one.direction.value == "ingress")
    if changed:
        permission = {"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080}
        permission |= {"IpRanges": [{"CidrIp": "192.0.2.0/24", "Description": "mine"}]}
        params = {"GroupId": group.group_id, "IpPermissions": [permission]}
        scene.aws.request(OWNER, REGION, "UpdateSecurityGroupRuleDescriptionsIngress", params)
    change = c.RevokeRules(resource=group.resource, direction=held.direction, rules=(held,))
    ran = run_steps(scene, existing, (change,), settle, folder)
    left = [one for one in scene.everything()["groups"]["old-web"].rules if one == held]
    assert bool(left) is changed
    assert [finding.id for finding in ran.applied.findings] == ["changed-meanwhile"] * changed
    assert ran.applied.calls == ({} if changed else {"RevokeSecurityGroupIngress": 1})


def test_an_entry_that_somebody_has_replaced_is_left_alone(folder: Path) -> None:
    scene = Scene.make(folder, target())
    existing = engine_snapshot(scene)
    acl = next(acl for acl in existing.acls if acl.is_default)
    held = acl.entries[0]
    params = {"NetworkAclId": acl.network_acl_id, "RuleNumber": held.rule_number, "Protocol": "6"}
    params |= {"Egress": held.direction.value == "egress", "RuleAction": "allow", "CidrBlock": "192.0.2.0/24"}
    params |= {"PortRange": {"From": 1, "To": 2}}
    scene.aws.request(OWNER, REGION, "ReplaceNetworkAclEntry", params)
    change = c.DeleteNetworkAclEntry(resource=acl.resource, entry=held)
    ran = run_steps(scene, existing, (change,), settle, folder)
    assert [finding.id for finding in ran.applied.findings] == ["changed-meanwhile"]
    entries = scene.everything()["acls"][acl.network_acl_id].entries
    assert held.key in {entry.key for entry in entries}
