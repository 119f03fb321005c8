"""The demo's story: each step is a command as a user would type it, run in this process, and its result.

empty target  →  plan  →  migrate, proven equal  →  somebody opens a port by hand  →  verify: different,
with a packet  →  migrate: put right, proven equal  →  migrate again: nothing to do
"""

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from twinwall.cli import demo_firewall as shop
from twinwall.cli import output
from twinwall.cli.demo import Stage
from twinwall.cli.invocation import Invocation
from twinwall.cli.live import connect
from twinwall.cli.main import run
from twinwall.cli.world import Way, World
from twinwall.model.firewall import Resource
from twinwall.model.net import TCP, parse_cidr
from twinwall.model.rules import CidrPeer, Direction, SecurityGroupRule, Traffic
from twinwall.planning.changes import AuthorizeRules

REPLICA = ("--replica", "shop")


def story(stage: Stage, invocation: Invocation) -> int:
    """0 if every step ended as told."""
    os.environ.update(stage.environment)
    try:
        return _steps(stage, _reports(invocation.report))
    finally:
        for name in stage.environment:
            del os.environ[name]


@dataclass(frozen=True)
class _Reports:
    """Where the reports of the migration and of the proof that finds the hole go, as options; empty without."""

    migrated: tuple[str, ...] = ()
    opened: tuple[str, ...] = ()

    @property
    def lines(self) -> list[str]:
        """What to open in a browser."""
        files = [Path(options[1]).resolve().as_uri() for options in (self.migrated, self.opened) if options]
        told = zip(("the migration", "what verify found"), files, strict=False)
        return ["", "See it in a browser:", *(f"  {what}: {uri}" for what, uri in told)] if files else []


def _reports(report: str | None) -> _Reports:
    if report is None:
        return _Reports()
    file = Path(report)
    return _Reports(("--report", report), ("--report", str(file.with_stem(f"{file.stem}-verify"))))


def _steps(stage: Stage, reports: _Reports) -> int:
    configuration = ("--config", str(stage.folder / "twinwall.toml"))
    journal = ("--journal", str(stage.folder / "journal.jsonl"))

    def typed(*arguments: str) -> int:
        output.lines(["", f"$ twinwall {shlex.join(arguments)}"])
        return run([*arguments, *configuration, "--quiet"])

    output.lines(_opening(stage))
    migrate = ("migrate", *REPLICA, "--associate", "auto", "--yes")
    plan = ("plan", *REPLICA, "--associate", "auto", "--detailed-exitcode")
    verify = ("verify", *REPLICA, "--associate", "auto")
    steps = [
        _step("The target is empty: this is what would be done.", typed(*plan), 2),
        _step("The firewall moves, and is proven equal.", typed(*migrate, *journal, *reports.migrated), 0),
    ]
    output.lines(["", "Somebody opens SSH on the copied database group to the whole world, by hand."])
    _open_by_hand()
    steps += [
        _step("verify finds it, and shows a packet that now passes.", typed(*verify, *reports.opened), 2),
        _step("migrate puts it right: one rule is revoked.", typed(*migrate, *journal), 0),
        _step("Once more: nothing to do, nothing is written.", typed(*migrate), 0),
    ]
    output.lines(["", "Each step ended as told." if all(steps) else "A step did not end as told; see above."])
    output.lines(reports.lines)
    return 0 if all(steps) else 1


def _opening(stage: Stage) -> Sequence[str]:
    return [
        f"An embedded AWS runs at {stage.aws.endpoint}: no account, no network.",
        f"  source  {shop.SOURCE_VPC} in {shop.SOURCE_ACCOUNT}/{shop.SOURCE_REGION}: 9 groups, 3 ACLs, a prefix list",
        f"  target  {shop.TARGET_VPC} in {shop.TARGET_ACCOUNT}/{shop.TARGET_REGION}: empty",
    ]


def _step(told: str, code: int, wanted: int) -> bool:
    output.lines(
        [f"→ {told} (exit code {code})" if code == wanted else f"→ exit code {code}, not {wanted}: {told}"]
    )
    return code == wanted


def _open_by_hand() -> None:
    world = World()
    (doors,) = connect([Way("target", profile="target")], world.clock)
    groups = doors.reader.read(shop.TARGET_VPC, ["SecurityGroups"])["SecurityGroups"]
    database = next(group["GroupId"] for group in groups if group["GroupName"] == "db")
    rule = SecurityGroupRule(Direction.INGRESS, Traffic(TCP, 22, 22), CidrPeer(parse_cidr("0.0.0.0/0")))
    change = AuthorizeRules(
        resource=Resource("security-group", database, "db"), direction=Direction.INGRESS, rules=(rule,)
    )
    doors.writer.carry_out(change)
