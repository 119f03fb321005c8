"""*On the HTTP endpoint: kill -9 at random moments of a real process*, then ``resume`` or ``undo`` by another."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from estates import w
from worlds import HERE, THERE, A, B, Json, Stage, tags_of

TWINWALL = (sys.executable, "-m", "twinwall")


def firewall(world: Stage, vpc: str) -> list[Any]:
    """What stands there, ids aside."""
    groups = world.groups(vpc)
    names = {group["GroupId"]: group["GroupName"] for group in groups}
    told = [
        (group["GroupName"], sorted(map(str, rules_of(group, names))), sorted(tags_of(group).items()))
        for group in groups
    ]
    acls = [
        (
            sorted(association["SubnetId"] for association in acl["Associations"]),
            sorted(str(sorted(entry.items(), key=str)) for entry in acl["Entries"]),
        )
        for acl in world.acls(vpc)
    ]
    return [sorted(told), sorted(acls)]


def rules_of(group: Json, names: dict[str, str]) -> list[Any]:
    return [
        (
            key,
            permission["IpProtocol"],
            permission.get("FromPort"),
            str(item.get("CidrIp") or names[item["GroupId"]]),
        )
        for key in ("IpPermissions", "IpPermissionsEgress")
        for permission in group[key]
        for item in (*permission["IpRanges"], *permission["UserIdGroupPairs"])
    ]


def killed(arguments: list[str], journal: Path, world: Stage, calls: int) -> bool:
    """Starts a run and kills it once its journal says what it is up to and it has made so many calls. False: it had
    come to its end."""
    before = world.aws.counts.total()
    run = subprocess.Popen([*TWINWALL, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    ends = time.monotonic() + 60
    while run.poll() is None and time.monotonic() < ends:
        if (
            journal.exists()
            and b'"event":"begin"' in journal.read_bytes()
            and world.aws.counts.total() - before >= calls
        ):
            run.send_signal(signal.SIGKILL)
            break
        time.sleep(0.002)
    run.wait(60)
    return run.returncode == -signal.SIGKILL


def check(world: Stage, seed: int, turn: str) -> None:
    chance = random.Random(seed)
    (source,) = world.load(w(20, 6, 2, 6))
    subnets = [("10.90.0.0/24", "a", "tier-0"), ("10.90.1.0/24", "b", "tier-1")]
    target, model = (world.empty("10.90.0.0/16", subnets=subnets) for _ in range(2))
    before = firewall(world, target)
    ways = [
        *world.ways((A, HERE), (B, THERE)),
        "--map-vpc-cidr",
        "--associate",
        "auto",
        "--yes",
        "--settle",
        "0",
    ]
    journal = world.folder / f"killed-{turn}-{seed}.jsonl"
    arguments = ["migrate", "--source", source, "--target", target, *ways, "--journal", str(journal)]
    cut = killed(arguments, journal, world, chance.randint(12, 90))
    on_target = [*world.ways(None, (B, THERE)), "--yes", "--late", "1", "--settle", "0", "--output", "json"]
    ran = world.run(turn, str(journal), *on_target).ended(0)
    assert ran.json["verify"]["equal"] is True
    if turn == "undo":
        assert firewall(world, target) == before
        return
    world.migrate(source, model, options=("--map-vpc-cidr", "--associate", "auto")).ended(0)
    wanted, found = firewall(world, model), firewall(world, target)
    assert found[0] == wanted[0]
    assert sorted(entries for _, entries in found[1]) == sorted(entries for _, entries in wanted[1])
    assert cut or not ran.written


@pytest.mark.parametrize(("seed", "turn"), [(1, "resume"), (2, "undo"), (3, "resume"), (4, "undo")])
def test_a_process_killed_midway(world: Stage, seed: int, turn: str) -> None:
    check(world, seed, turn)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 130))
def test_a_process_killed_at_thirty_moments(world: Stage, seed: int) -> None:
    check(world, seed, "undo" if seed % 2 else "resume")


def test_the_commands_of_a_stopped_run(world: Stage, tmp_path: Path) -> None:
    """``unlock`` refuses a lock that lives; the journal of another account, an edited one, and none are refused."""
    (source,) = world.load(w(20, 6, 2, 6))
    target = world.empty("10.90.0.0/16")
    journal = tmp_path / "j.jsonl"
    arguments = [
        "migrate",
        "--source",
        source,
        "--target",
        target,
        *world.ways((A, HERE), (B, THERE)),
        "--yes",
    ]
    assert killed([*arguments, "--journal", str(journal)], journal, world, 25)
    at = world.ways(None, (B, THERE))
    held = world.migrate(source, target)
    assert held.code == 3
    assert "holds the lock" in held.stderr
    assert str(journal) in held.stderr
    world.run("unlock", "--target", target, *at, "--yes").refused(3, "holds the lock", "--force")
    world.run("resume", journal, *world.ways(None, (A, THERE)), "--yes").refused(3, "the credentials lead to")
    world.run("resume", journal, *at, "--late", "0").refused(3, "say --yes")
    world.run("resume", tmp_path / "none.jsonl", *at, "--yes").refused(1, "cannot be read")
    edited = tmp_path / "edited.jsonl"
    edited.write_text(journal.read_text().replace("app-1", "app-x", 1))
    world.run("undo", edited, *at, "--yes").refused(1, "was edited: line")
    assert (
        world.run("unlock", "--target", target, *at, "--yes", "--force").ended(0).calls["DeleteSecurityGroup"]
        == 1
    )
    assert "is not locked" in world.run("unlock", "--target", target, *at, "--yes").ended(0).stdout
    world.migrate(source, target, options=("--no-lock",)).ended(0)


def test_what_is_waited_for_stands_on_stderr(world: Stage, tmp_path: Path) -> None:
    """Somebody has taken back what the run did, a moment ago."""
    (source,) = world.load(w(4, 3, 1, 3))
    target, journal = world.empty("10.90.0.0/16"), tmp_path / "j.jsonl"
    world.migrate(source, target, options=("--journal", str(journal))).ended(0)
    group = world.group("app-1", target)
    world.client().revoke_security_group_ingress(
        GroupId=group["GroupId"], IpPermissions=group["IpPermissions"]
    )
    at = [*world.ways(None, (B, THERE)), "--yes", "--settle", "0"]
    waiting = f"AuthorizeSecurityGroupIngress for {group['GroupName']} ({group['GroupId']}) was answered"
    silent = world.run("resume", str(journal), *at, "--quiet").ended(0)
    assert "waiting" not in silent.stderr
    world.client().revoke_security_group_ingress(
        GroupId=group["GroupId"], IpPermissions=group["IpPermissions"]
    )
    ran = world.run("resume", str(journal), *at).ended(0)
    assert ran.stderr.count("waiting up to") == 1
    assert waiting in ran.stderr
