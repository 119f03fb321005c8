"""``twinwall unlock``: takes a dead lock away."""

from typing import Any

import click

from twinwall.cli import options as o
from twinwall.cli import output
from twinwall.cli.asking import confirm
from twinwall.cli.invocation import Invocation
from twinwall.cli.replicas import configuration_of, world_of
from twinwall.cli.sides import must_be_live, open_sides, wanted
from twinwall.cli.writes import announce
from twinwall.engine.lock import LIFE, told
from twinwall.errors import LockHeld
from twinwall.model.firewall import tag
from twinwall.model.ownership import LOCK_TAG


@o.command("unlock")
@o.one_target
@o.endpoint_url
@o.side_options("target")
@o.yes
@click.option(
    "--force", is_flag=True, help="Also a lock that has not expired: only if its run is surely dead."
)
@o.general
@click.pass_obj
def unlock(invocation: Invocation, /, target: str, yes: bool, force: bool, **options: Any) -> int:
    """Take away the lock of a run that died.

    A lock that has not expired belongs to a run that may be alive, and is refused without --force.
    """
    (side,) = open_sides(
        [wanted(target, "target", options, configuration_of(invocation))], world_of(invocation)
    )
    live = must_be_live(side, "unlock")
    announce(None, [live])
    world = world_of(invocation)
    group = world.engine.find(live)
    if group is None:
        return _told({"unlocked": None}, f"{live.vpc_id} is not locked", invocation)
    if tag(group.tags, LOCK_TAG) is None:
        raise LockHeld(
            f"unlocking {live.vpc_id}: {group.resource} has the lock's name and is no lock; it stays"
        )
    dead = world.engine.is_dead(group, world.clock.now())
    if not (dead or force):
        raise LockHeld(
            f"unlocking {live.vpc_id}: {told(group)} holds the lock, and extends it while alive; wait {LIFE:.0f} s, or "
            "say --force if that run is surely dead"
        )
    confirm(f"deleting the lock {group.group_id} of {live.vpc_id}, held by {told(group)}", yes=yes)
    world.engine.remove(live, group, world.clock)
    return _told(
        {"unlocked": group.group_id}, f"the lock {group.group_id} of {live.vpc_id} is gone", invocation
    )


def _told(document: dict[str, Any], text: str, invocation: Invocation) -> int:
    if invocation.json:
        output.document(document)
    else:
        output.lines([text])
    return 0
