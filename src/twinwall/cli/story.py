"""The demo's story: each step is a command as a user would type it, run in this process, and its result.

empty target  →  plan  →  migrate, proven equal  →  somebody opens a port by hand  →  verify: different,
with a packet  →  migrate: put right, proven equal  →  migrate again: nothing to do  →  the mesh (``mesh_story``)
"""

import os
from collections.abc import Sequence

from twinwall.cli import demo_firewall as shop
from twinwall.cli.demo import Stage
from twinwall.cli.invocation import Invocation
from twinwall.cli.live import connect
from twinwall.cli.mesh_story import mesh_story
from twinwall.cli.telling import Telling
from twinwall.cli.world import Way, World
from twinwall.model.firewall import Resource
from twinwall.model.net import TCP, parse_cidr
from twinwall.model.rules import CidrPeer, Direction, SecurityGroupRule, Traffic
from twinwall.planning.changes import AuthorizeRules

REPLICA = ("--replica", "shop")


def story(stage: Stage, invocation: Invocation) -> int:
    """0 if every step ended as told."""
    it = Telling(stage, invocation)
    before = dict(os.environ)
    os.environ.update(stage.environment)
    try:
        _replica_story(it)
        mesh_story(it)
        return it.end()
    finally:
        os.environ.clear()
        os.environ.update(before)


def _replica_story(it: Telling) -> None:
    migrate = ("migrate", *REPLICA, "--associate", "auto", "--yes")
    plan = ("plan", *REPLICA, "--associate", "auto", "--detailed-exitcode")
    verify = ("verify", *REPLICA, "--associate", "auto")
    journal = ("--journal", str(it.stage.folder / "journal.jsonl"))
    it.say(*_opening(it.stage))
    it.step("The target is empty: this is what would be done.", 2, *plan)
    seen = it.report("the migration", "")
    it.step("The firewall moves, and is proven equal.", 0, *migrate, *journal, *seen)
    it.say("", "Somebody opens SSH on the copied database group to the whole world, by hand.")
    _open_by_hand()
    seen = it.report("what verify found", "-verify")
    it.step("verify finds it, and shows a packet that now passes.", 2, *verify, *seen)
    it.step("migrate puts it right: one rule is revoked.", 0, *migrate, *journal)
    it.step("Once more: nothing to do, nothing is written.", 0, *migrate)


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
