"""``twinwall permissions``: the least IAM policy a command needs, for each side."""

from typing import Any

import click

from twinwall.cli import options as o
from twinwall.cli import output
from twinwall.cli.invocation import Invocation
from twinwall.documents.permissions import Scope
from twinwall.documents.permissions import permissions as policies
from twinwall.errors import ConfigError

COMMANDS = (
    "snapshot",
    "plan",
    "apply",
    "migrate",
    "verify",
    "undo",
    "resume",
    "unlock",
    "drift",
    "explain",
    "lint",
    "export",
)
SIDES = ("source", "target", "at")


@o.command("permissions")
@click.argument("command", metavar="COMMAND", type=click.Choice(COMMANDS))
@click.option("--side", type=click.Choice(SIDES), help="Only this side's policy, ready to paste.")
@o.scope_options("source")
@o.scope_options("target")
@o.scope_options("at")
@o.general
@click.pass_obj
def permissions(_invocation: Invocation, /, command: str, side: str | None, **options: Any) -> int:
    """Print the least IAM policy a command needs.

    COMMAND is snapshot, plan, apply, migrate, verify, undo, resume, unlock, drift, explain, lint or export; for a
    mesh there is twinwall mesh permissions. The answer is JSON: a policy for the source's credentials and one for the
    target's (explain, lint, export: for those of --at), as far as the command has such a side.
    """
    both = policies(command, {name: _scope(name, options) for name in SIDES})
    if side is not None and side not in both:
        raise ConfigError(f"twinwall {command} has no {side}; it needs a policy for: {', '.join(both)}")
    output.document(both[side] if side else both)
    return 0


def _scope(side: str, options: dict[str, Any]) -> Scope:
    return Scope(
        region=options[f"{side}_region"] or "",
        account=options[f"{side}_account"] or "",
        vpc_id=options[f"{side}_vpc"] or "",
    )
