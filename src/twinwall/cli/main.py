"""``twinwall``: the root of all commands. Loads nothing that the command at hand does not need."""

import gc
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from twinwall import __version__
from twinwall.cli.failures import told
from twinwall.cli.invocation import Invocation
from twinwall.cli.lazy import Lazy, LazyGroup
from twinwall.cli.options import general
from twinwall.errors import TwinwallError

if TYPE_CHECKING:
    from twinwall.cli.world import World

COMMANDS = {
    "demo": Lazy("twinwall.cli.demo:demo", "See it work on an embedded AWS: no account, no network."),
    "snapshot": Lazy("twinwall.cli.snapshot:snapshot", "Read a firewall into a snapshot file."),
    "plan": Lazy("twinwall.cli.plan:plan", "Show what would change in the target, call by call."),
    "apply": Lazy("twinwall.cli.apply:apply", "Carry out a saved plan."),
    "migrate": Lazy("twinwall.cli.migrate:migrate", "Plan, apply and verify in one go."),
    "resume": Lazy("twinwall.cli.turning:resume", "Finish a run that was cut off."),
    "undo": Lazy("twinwall.cli.turning:undo", "Go back to how it was before a run."),
    "unlock": Lazy("twinwall.cli.unlock:unlock", "Take away the lock of a run that died."),
    "verify": Lazy("twinwall.cli.verify:verify", "Do source and target admit the same packets?"),
    "drift": Lazy("twinwall.cli.drift:drift", "Are all replicas of the configuration in step? For CI."),
    "explain": Lazy("twinwall.cli.explain:explain", "Would this packet pass, and which rule decides?"),
    "lint": Lazy("twinwall.cli.lint:lint", "Find rules that cannot do what their author meant."),
    "export": Lazy(
        "twinwall.cli.export:export",
        "Say a firewall in Terraform's, CloudFormation's or the AWS CLI's words.",
    ),
    "mesh": Lazy(
        "twinwall.cli.mesh:mesh", "Keep one security group per site equal to the live members of all sites."
    ),
    "permissions": Lazy(
        "twinwall.cli.permissions:permissions", "Print the least IAM policy a command needs."
    ),
    "completion": Lazy(
        "twinwall.cli.completion:completion", "Print a script that lets a shell complete our commands."
    ),
}


@click.group(
    "twinwall",
    cls=LazyGroup,
    lazy=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done or no difference, 1 wrong input or failed, 2 differences, 3 refused before any "
    "write, 130 stopped.",
)
@click.version_option(__version__, prog_name="twinwall", message="%(prog)s %(version)s")
@general
def root() -> None:
    """Copies a VPC's firewall across accounts and Regions, keeps the copies in step, and proves it."""


def run(arguments: Sequence[str], world: "World | None" = None) -> int:
    """One run of the command line; its exit code."""
    invocation = Invocation(world=world)
    try:
        code = root.main(list(arguments), prog_name="twinwall", standalone_mode=False, obj=invocation)
    except BaseException as failure:  # noqa: BLE001 - the last place that can turn it into one line
        code = told(failure, invocation)
        if invocation.report is not None and isinstance(failure, (TwinwallError, KeyboardInterrupt)):
            from twinwall.cli import reporting  # noqa: PLC0415 - only where a report was asked for

            reporting.of_failure(failure, invocation)
        return code
    return code if isinstance(code, int) else 0


def main() -> None:
    code = run(sys.argv[1:])
    gc.freeze()  # all of it goes with the process; to look through it for cycles first can take a fifth of the time
    sys.exit(code)
