"""``plan -o`` and ``apply``: a plan is data, carried out only if what it touches is as it was, and only as it was
made. And a run that is stopped in the middle.
"""

import json
import os
import re
import select
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from estates import w
from firewalls import DEFAULT_EGRESS, SOURCE_VPC, acl, group, prefix_list, source
from worlds import HERE, THERE, A, B, C, Run, Stage, flat_rules, source_of

Json = dict[str, Any]


@pytest.fixture
def saved(world: Stage) -> tuple[str, Path]:
    """(target, plan file)"""
    aws_list = f"com.amazonaws.{HERE}.s3"
    world.load(
        source(
            group(
                "sg-web",
                "web",
                "in tcp 443 0.0.0.0/0",
                "in tcp 1 sg-default",
                "out tcp 443 pl-63a5400a",
                "in tcp 22 pl-0aaaaaaaaaaaaaaaa",
            ),
            group("sg-db", "db", "in tcp 5432 sg-web", DEFAULT_EGRESS),
            acls=[acl("acl-1", "in 100 allow tcp 443 0.0.0.0/0")],
            lists=[
                prefix_list("pl-0aaaaaaaaaaaaaaaa", "office", "192.0.2.0/24"),
                prefix_list("pl-63a5400a", aws_list, "52.92.0.0/17", owner="AWS", size=None),
            ],
            region=HERE,
        )
    )
    target = world.empty()
    return target, plan_of(world, target)


def plan_of(world: Stage, target: str, *options: str) -> Path:
    path = world.folder / "plan.json"
    run = world.plan(SOURCE_VPC, target, options=("-o", str(path), *options)).ended(0)
    assert not run.written
    return path


def apply(world: Stage, path: Path, *options: str, profile: str = "dst") -> Run:
    return world.run("apply", path, "--target-profile", profile, "--yes", "--output", "json", "-q", *options)


def test_a_saved_plan_is_carried_out(world: Stage, saved: tuple[str, Path]) -> None:
    """*``apply plan.json`` carries out a saved plan*, and proves it; needs nothing of the source."""
    target, path = saved
    run = apply(world, path).ended(0)
    assert run.json["verify"]["equal"] is True
    assert dict(run.written) == json.loads(path.read_text())["api_calls"] == run.json["applied"]["calls"]
    assert world.aws.counts[A, HERE, "DescribeSecurityGroups"] == 1  # the plan's own
    assert not world.migrate(SOURCE_VPC, target).ended(0).written
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_same_input_gives_the_same_bytes(world: Stage, saved: tuple[str, Path]) -> None:
    """*Versioned, byte-stable for the same input.*"""
    target, path = saved
    before = path.read_bytes()
    assert plan_of(world, target).read_bytes() == before


def test_a_plan_applied_twice_is_stale(world: Stage, saved: tuple[str, Path]) -> None:
    _, path = saved
    apply(world, path).ended(0)
    apply(world, path).refused(3, "twinwall plan")


def moves(world: Stage, target: str) -> dict[str, Any]:
    """What moves in the target → whether the plan touches it, refers to it or relies on its absence."""
    there = world.client()

    def a_name() -> None:
        there.create_security_group(GroupName="WEB", Description="d", VpcId=target)

    def a_mark() -> None:
        mark = {"Key": "twinwall:source", "Value": f"{A}/{HERE}/{SOURCE_VPC}/sg-db"}
        there.create_security_group(
            GroupName="x",
            Description="d",
            VpcId=target,
            TagSpecifications=[{"ResourceType": "security-group", "Tags": [mark]}],
        )

    def something_else() -> None:
        other = there.create_security_group(GroupName="unrelated", Description="d", VpcId=target)["GroupId"]
        there.create_network_acl(VpcId=target)
        there.create_tags(Resources=[other], Tags=[{"Key": "k", "Value": "v"}])

    return {"name": a_name, "mark": a_mark, "else": something_else}


@pytest.mark.parametrize("what", ["name", "mark"])
def test_a_plan_whose_ground_moved_is_stale(world: Stage, saved: tuple[str, Path], what: str) -> None:
    """*Refuses if what it touches moved since (``StalePlan``)*: also a name or a mark it relies on being absent."""
    target, path = saved
    moves(world, target)[what]()
    before = world.everything()
    apply(world, path).refused(3, "changed since", "twinwall plan")
    assert world.everything() == before


def test_other_changes_do_not_make_it_stale(world: Stage, saved: tuple[str, Path]) -> None:
    """*Other changes in the target do not make it stale.*"""
    target, path = saved
    moves(world, target)["else"]()
    apply(world, path).ended(0)


def test_what_moved_is_named(world: Stage, saved: tuple[str, Path]) -> None:
    target, path = saved
    ec2 = world.client()
    ec2.create_security_group(GroupName="WEB", Description="x", VpcId=target)
    apply(world, path).refused(3, "a group named web is there by now", "make it again")


def test_a_touched_group_that_changed_is_stale(world: Stage, saved: tuple[str, Path]) -> None:
    target, path = saved
    apply(world, path).ended(0)
    world.client(A, HERE).authorize_security_group_ingress(
        GroupId="sg-db",
        IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
        ],
    )
    path = plan_of(world, target)
    copy = world.group("db", target)["GroupId"]
    world.client().revoke_security_group_egress(
        GroupId=copy, IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    )
    told = f"egress all to 0.0.0.0/0 of security group db ({copy}) is gone"
    apply(world, path).refused(3, "changed since", told)
    path = plan_of(world, target)
    world.client().authorize_security_group_ingress(  # another group's change is no matter
        GroupId=world.group("default", target)["GroupId"],
        IpPermissions=[
            {"IpProtocol": "udp", "FromPort": 1, "ToPort": 1, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
        ],
    )
    apply(world, path).ended(0)


def test_a_plan_of_another_account(world: Stage, saved: tuple[str, Path]) -> None:
    """*Another account than the plan's*: exit 3."""
    _, path = saved
    apply(world, path, profile="third").refused(3, B, C)
    apply(world, path, "--target-region", HERE).refused(3, THERE, HERE)


EDITS = {
    "cut": lambda text: text[: len(text) // 2],
    "empty": lambda text: "",
    "a port": lambda text: text.replace('"FromPort": 443', '"FromPort": 444', 1),
    "a call left out": lambda text: json.dumps(
        {**json.loads(text), "changes": json.loads(text)["changes"][:-1]}
    ),
    "a key added": lambda text: json.dumps({**json.loads(text), "note": "fine"}),
    "another version": lambda text: json.dumps({**json.loads(text), "version": 99}),
    "no plan": lambda text: "{}",
    "a snapshot": lambda text: '{"SecurityGroups": []}',
    "a list": lambda text: "[]",
}


@pytest.mark.parametrize("edit", EDITS)
def test_a_plan_file_that_was_edited_or_cut(world: Stage, saved: tuple[str, Path], edit: str) -> None:
    """*A plan file cut short, edited, of another version*: exit 1, nothing written."""
    _, path = saved
    path.write_text(EDITS[edit](path.read_text()))
    apply(world, path).refused(1, str(path))


def test_laid_out_anew_is_not_edited(world: Stage, saved: tuple[str, Path]) -> None:
    _, path = saved
    path.write_text(json.dumps(json.loads(path.read_text())))
    apply(world, path).ended(0)


def test_apply_asks(world: Stage, saved: tuple[str, Path]) -> None:
    _, path = saved
    world.run("apply", path, "--target-profile", "dst").refused(3, "--yes")


def test_the_exit_code_tells_if_there_is_something_to_do(world: Stage, saved: tuple[str, Path]) -> None:
    """*2 … ``plan --detailed-exitcode``.*"""
    target, _ = saved
    world.plan(SOURCE_VPC, target, options=("--detailed-exitcode",)).ended(2)
    world.migrate(SOURCE_VPC, target).ended(0)
    world.plan(SOURCE_VPC, target, options=("--detailed-exitcode",)).ended(0)


CONTRACT_PLAN = {
    "version",
    "source",
    "target",
    "changes",
    "api_calls",
    "summary",
    "opens",
    "closes",
    "may_cut_live",
    "lingers",
    "briefly_open",
    "findings",
    "estimated_seconds",
}


def test_the_json_has_the_contracts_keys(world: Stage, saved: tuple[str, Path]) -> None:
    target, path = saved
    document = json.loads(path.read_text())
    assert set(document) >= CONTRACT_PLAN
    assert [document[key] for key in ("may_cut_live", "lingers", "briefly_open")] == [[]] * 3
    assert {flow["group"] for flow in document["opens"]} == {"db (new)", "web (new)"}
    assert document["closes"] == []
    assert set(document["summary"]) == {"create", "update", "delete", "unchanged"}
    assert all(set(change) >= {"action", "resource", "reason"} for change in document["changes"])
    refs = {
        change["resource"]["id"]["ref"]
        for change in document["changes"]
        if isinstance(change["resource"]["id"], dict)
    }
    assert {"web", "db", "office"} <= refs
    run = world.migrate(SOURCE_VPC, target, options=("--map-vpc-cidr",)).ended(0)
    assert set(run.json) >= CONTRACT_PLAN | {"applied", "journal", "verify"}
    assert set(run.json["applied"]) >= {"calls", "seconds", "throttled"}
    assert set(run.json["verify"]) >= {
        "equal",
        "complete",
        "symbols",
        "compared",
        "verdict",
        "not_compared",
        "undecided",
        "differences",
    }


def test_plans_between_snapshots_need_no_aws(world: Stage, saved: tuple[str, Path]) -> None:
    """*Everything can run offline on snapshot files.*"""
    target, _ = saved
    files = []
    for name, vpc, account, region in (("a", SOURCE_VPC, A, HERE), ("b", target, B, THERE)):
        files.append(world.folder / f"{name}.json")
        world.run("snapshot", "--source", vpc, "-o", files[-1], *world.ways((account, region), None)).ended(0)
        assert files[-1].stat().st_mode & 0o777 == 0o600
    part = ("--group", "d*")
    live = world.plan(SOURCE_VPC, target, options=part).ended(3)
    offline = world.run("plan", "--source", files[0], "--target", files[1], *part, "--output", "json").ended(
        3
    )
    assert not offline.calls
    assert offline.line == live.line
    nothing_said = ("--only", "nacls", "--map-vpc-cidr")
    live = world.plan(SOURCE_VPC, target, options=nothing_said).ended(0)
    offline = world.run(
        "plan", "--source", files[0], "--target", files[1], *nothing_said, "--output", "json"
    ).ended(0)
    assert offline.json["changes"] == live.json["changes"]
    assert offline.json["digest"] == live.json["digest"]
    itself = (
        "--source",
        files[0],
        "--target",
        files[0],
        "--adopt",
        "*",
        "--adopt",
        "default",
        "--only",
        "groups",
    )
    assert world.run("verify", *itself, "--output", "json").ended(0).json["verdict"].startswith("equal")
    world.run(
        "verify", "--source", files[0], "--target", files[1], "--outside", "skip", "--output", "json"
    ).ended(2)


# --- stopped midway, in a process of its own


def wait_for(world: Stage, action: str, count: int, run: subprocess.Popen[bytes]) -> None:
    for _ in range(1500):
        if world.aws.counts.total(action) >= count:
            return
        assert run.poll() is None
        time.sleep(0.02)
    raise AssertionError(f"{action} was not called {count} times: {world.aws.counts.by_action()}")


def test_ctrl_c_in_the_middle_of_an_apply(world: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """*Ctrl-C (says what was done; running again goes on)*: exit 130. Each call takes its time, so that the middle is
    not over before the signal is sent."""
    (vpc,) = world.load(w(100, 20, 5, 20))
    target = world.empty("10.90.0.0/16")
    journal = world.folder / "stopped.jsonl"
    arguments = [
        "migrate",
        "--source",
        vpc,
        "--target",
        target,
        *world.ways((A, HERE), (B, THERE)),
        "--yes",
        "--journal",
        str(journal),
    ]
    told = world.folder / "told.txt"
    monkeypatch.setattr(world.aws.pace, "latency_ms", 60.0)
    with told.open("w") as file:
        run = subprocess.Popen(
            [sys.executable, "-m", "twinwall", *arguments], stdout=file, stderr=file, start_new_session=True
        )
        wait_for(world, "CreateSecurityGroup", 20, run)
        run.send_signal(signal.SIGINT)
        code = run.wait(timeout=30)
    monkeypatch.undo()
    stderr = told.read_text()
    assert code == 130, stderr
    assert "Traceback" not in stderr
    line = [text for text in stderr.splitlines() if text.startswith("twinwall: ")][-1]
    done, of = map(int, re.search(r"(\d+) of (\d+)", line).groups())
    assert of == 100 * 2 + 34 * 2 + 5 + 5 * 20
    made = len(world.groups(target)) - 1
    assert made == world.aws.counts.total("CreateSecurityGroup") - 1  # the lock
    lines = list(map(json.loads, journal.read_text().splitlines()))
    events = Counter(line["event"] for line in lines)
    assert done == events["done"] == events["call"]  # the calls that were under way were waited for
    assert f"twinwall resume {journal}, or twinwall undo {journal}" in stderr
    assert [line["done"] for line in lines if line["event"] == "interrupted"] == [done]

    again = world.migrate(vpc, target).ended(0)
    assert again.json["verify"]["equal"] is True
    assert again.written["CreateSecurityGroup"] == 100 - made
    assert {source_of(item) for item in world.groups(target)} >= {f"sg-w{n:04}" for n in range(100)}


def test_ctrl_c_before_anything_was_written(world: Stage) -> None:
    """Asked on a terminal, nobody answers: *nothing was written*."""
    (vpc,) = world.load(w(3, 4, 1, 2))
    target = world.empty("10.90.0.0/16")
    here, terminal = os.openpty()
    run = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "twinwall",
            "migrate",
            "--source",
            vpc,
            "--target",
            target,
            *world.ways((A, HERE), (B, THERE)),
        ],
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=terminal,
        text=True,
        start_new_session=True,
    )
    os.close(terminal)
    seen = read_until(here, "[y/N]")
    run.send_signal(signal.SIGINT)
    rest = read_until(here, "twinwall: ")
    assert run.wait(timeout=30) == 130
    assert "nothing was written" in rest + read_until(here, "written")
    assert "Traceback" not in seen + rest
    assert len(world.groups(target)) == 1
    run.stdout.close()
    os.close(here)


@pytest.mark.parametrize(("answer", "code", "groups"), [("y", 0, 4), ("", 3, 1)])
def test_the_answer_on_a_terminal(world: Stage, answer: str, code: int, groups: int) -> None:
    """*``apply``, ``migrate`` … ask on a terminal.*"""
    (vpc,) = world.load(w(3, 4, 1, 2))
    target = world.empty("10.90.0.0/16")
    here, terminal = os.openpty()
    run = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "twinwall",
            "migrate",
            "--source",
            vpc,
            "--target",
            target,
            *world.ways((A, HERE), (B, THERE)),
        ],
        stdin=terminal,
        stdout=subprocess.DEVNULL,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    shown = read_until(here, "[y/N]")
    assert A in shown
    assert B in shown
    os.write(here, f"{answer}\n".encode())
    drained = threading.Thread(target=read_until, args=(here, "never to be seen"), daemon=True)
    drained.start()
    assert run.wait(timeout=30) == code
    drained.join(10)
    os.close(here)
    assert len(world.groups(target)) == groups


def read_until(terminal: int, words: str) -> str:
    """What appears on a terminal until these words do, or nothing more comes."""
    text = ""
    while words not in text:
        if not select.select([terminal], [], [], 20)[0]:
            break
        try:
            text += os.read(terminal, 65536).decode(errors="replace")
        except OSError:  # the other end is closed
            break
    return text


def test_a_lost_answer_is_not_taken_for_a_refusal(world: Stage, saved: tuple[str, Path]) -> None:
    """The connection breaks after the call was carried out: whatever the run says, running again goes on."""
    target, _ = saved
    for action in (
        "CreateSecurityGroup",
        "AuthorizeSecurityGroupIngress",
        "CreateNetworkAcl",
        "CreateNetworkAclEntry",
        "CreateManagedPrefixList",
    ):
        world.aws.no_trouble()
        world.aws.fail_next(action, after=True, account=B)
        run = world.migrate(SOURCE_VPC, target)
        assert run.code in (0, 1), run.stderr
        assert "Traceback" not in run.stderr
    world.aws.no_trouble()
    assert world.migrate(SOURCE_VPC, target).ended(0).json["verify"]["equal"] is True
    assert sorted(source_of(i) for i in world.groups(target) if source_of(i)) == ["sg-db", "sg-web"]
    assert len(world.lists()) == 1
    assert len([i for i in world.acls(target) if source_of(i)]) == 1
    assert all(rule for item in world.groups(target) for rule in flat_rules(item))
