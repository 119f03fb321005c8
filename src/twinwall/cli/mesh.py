"""``twinwall mesh``: the commands of the mesh, each loaded when it is called."""

import click

from twinwall.cli.lazy import Lazy, LazyGroup

COMMANDS = {
    "simulate": Lazy(
        "twinwall.cli.mesh_simulate:simulate",
        "Run a whole mesh in virtual time, with everything going wrong.",
    ),
}


@click.group("mesh", cls=LazyGroup, lazy=COMMANDS)
def mesh() -> None:
    """Keep one security group per site equal to the live members of all sites."""
