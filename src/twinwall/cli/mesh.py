"""``twinwall mesh``: the commands of the mesh, each loaded when it is called."""

import click

from twinwall.cli.lazy import Lazy, LazyGroup
from twinwall.cli.options import general

COMMANDS = {
    "true-up": Lazy("twinwall.cli.mesh_true_up:true_up", "Bring rows and rules of a mesh in line, by hand."),
    "status": Lazy("twinwall.cli.mesh_status:status", "Show how a mesh stands: members, ages, rules, room."),
    "audit": Lazy("twinwall.cli.mesh_audit:audit", "Tell who was admitted where, when and why."),
    "template": Lazy("twinwall.cli.mesh_template:template", "Write a node's stack for SAM or Terraform."),
    "adopt": Lazy(
        "twinwall.cli.mesh_adopt:adopt", "Take over a running installation of the published solution."
    ),
    "package": Lazy("twinwall.cli.mesh_package:package", "Make the zip that the functions of a mesh run."),
    "permissions": Lazy(
        "twinwall.cli.mesh_permissions:permissions", "Print what each role of a mesh may do, and why."
    ),
    "deploy": Lazy(
        "twinwall.cli.mesh_deploy:deploy", "Deploy a mesh to all its sites, or bring it up to date."
    ),
    "remove": Lazy("twinwall.cli.mesh_remove:remove", "Take a mesh out of its accounts; tables stay."),
    "simulate": Lazy(
        "twinwall.cli.mesh_simulate:simulate",
        "Run a whole mesh in virtual time, with everything going wrong.",
    ),
}


@click.group("mesh", cls=LazyGroup, lazy=COMMANDS)
@general
def mesh() -> None:
    """Keep one security group per site equal to the live members of all sites."""
