"""The demo's story: each step is a command as a user would type it, run in this process, and its result.

empty target  →  plan  →  migrate, proven equal  →  somebody opens a port by hand  →  verify: different,
with a packet  →  migrate: put right, proven equal  →  migrate again: nothing to do
"""

import contextlib
import io
import json
import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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
        return _Story(stage, invocation).tell()
    finally:
        for name in stage.environment:
            del os.environ[name]


@dataclass
class _Story:
    """``steps``: the JSON of each step so far. With ``--output json`` nothing else is said on stdout."""

    stage: Stage
    invocation: Invocation
    steps: list[dict[str, Any]] = field(default_factory=list)
    reports: dict[str, Path] = field(default_factory=dict)

    def tell(self) -> int:
        migrate = ("migrate", *REPLICA, "--associate", "auto", "--yes")
        plan = ("plan", *REPLICA, "--associate", "auto", "--detailed-exitcode")
        verify = ("verify", *REPLICA, "--associate", "auto")
        journal = ("--journal", str(self.stage.folder / "journal.jsonl"))
        self._say(*_opening(self.stage))
        self._step("The target is empty: this is what would be done.", 2, *plan)
        seen = self._report("the migration", "")
        self._step("The firewall moves, and is proven equal.", 0, *migrate, *journal, *seen)
        self._say("", "Somebody opens SSH on the copied database group to the whole world, by hand.")
        _open_by_hand()
        seen = self._report("what verify found", "-verify")
        self._step("verify finds it, and shows a packet that now passes.", 2, *verify, *seen)
        self._step("migrate puts it right: one rule is revoked.", 0, *migrate, *journal)
        self._step("Once more: nothing to do, nothing is written.", 0, *migrate)
        return self._end()

    def _step(self, told: str, wanted: int, *arguments: str) -> None:
        """A command as a user would type it, and whether it ended as told."""
        self._say("", f"$ twinwall {shlex.join(arguments)}")
        configuration = ("--config", str(self.stage.folder / "twinwall.toml"), "--quiet")
        step: dict[str, Any] = {"told": told, "command": ["twinwall", *arguments], "expected": wanted}
        if self.invocation.json:
            with contextlib.redirect_stdout(io.StringIO()) as written:
                code = run([*arguments, *configuration, "--output", "json"])
            text = written.getvalue()
            step["result"] = json.loads(text) if text else None
        else:
            code = run([*arguments, *configuration])
        self.steps.append({**step, "exit_code": code})
        as_told = f"→ {told} (exit code {code})"
        self._say(as_told if code == wanted else f"→ exit code {code}, not {wanted}: {told}")

    def _report(self, what: str, more: str) -> tuple[str, ...]:
        """The option for a report of the next step, if reports were asked for."""
        if self.invocation.report is None:
            return ()
        file = Path(self.invocation.report)
        self.reports[what] = file.with_stem(f"{file.stem}{more}")
        return ("--report", str(self.reports[what]))

    def _end(self) -> int:
        self.invocation.reported = True
        as_told = all(step["exit_code"] == step["expected"] for step in self.steps)
        if self.invocation.json:
            seen = {what: str(path) for what, path in self.reports.items()}
            output.document({"as_told": as_told, "steps": self.steps, "reports": seen})
        self._say("", "Each step ended as told." if as_told else "A step did not end as told; see above.", "")
        links = [f"  {what}: {path.resolve().as_uri()}" for what, path in self.reports.items()]
        self._say("See it in a browser:", *(links or ["  twinwall demo --report demo.html"]))
        return 0 if as_told else 1

    def _say(self, *lines: str) -> None:
        if not self.invocation.json:
            output.lines(lines)


def _opening(stage: Stage) -> Sequence[str]:
    return [
        f"An embedded AWS runs at {stage.aws.endpoint}: no account, no network.",
        f"  source  {shop.SOURCE_VPC} in {shop.SOURCE_ACCOUNT}/{shop.SOURCE_REGION}: 9 groups, 3 ACLs, a prefix list",
        f"  target  {shop.TARGET_VPC} in {shop.TARGET_ACCOUNT}/{shop.TARGET_REGION}: empty",
    ]


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
