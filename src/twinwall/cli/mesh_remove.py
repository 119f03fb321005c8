"""``twinwall mesh remove``: what ``mesh deploy`` made goes again."""

from typing import Any

import click

from twinwall.cli import options as o
from twinwall.cli import output
from twinwall.cli.asking import confirm
from twinwall.cli.invocation import Invocation
from twinwall.cli.mesh_around import mesh_option
from twinwall.cli.mesh_land import land_of
from twinwall.cli.mesh_ways import ways
from twinwall.cli.replicas import configuration_of
from twinwall.engine.deployment import remove as removing
from twinwall.engine.deployment.inspect import check_accounts


@o.command("remove")
@mesh_option
@click.option("--tables", is_flag=True, help="Delete the tables too, with all they remember.")
@ways
@o.yes
@o.general
@click.pass_obj
def remove(invocation: Invocation, /, mesh: str | None, tables: bool, yes: bool, **options: Any) -> int:
    """Take a mesh out of its accounts: stacks, the mesh's own rules in the groups, buckets; tables stay.

    Only rules with this mesh's mark are revoked; members no longer reach each other by them. Instances that wait on a
    hook at that moment get its default result. Where it is cut off, the same command goes on.
    """
    configured = configuration_of(invocation).mesh(mesh)
    land = land_of(invocation, configured, options["profiles"], options["role_arns"])
    check_accounts(land)
    nodes = ", ".join(node.name for node in land.nodes)
    also = " with its tables" if tables else ""
    confirm(f"removing the mesh {configured.mesh.name}{also} from {nodes}", yes=yes)
    removing.remove(land, tables=tables)
    if invocation.json:
        output.document(
            {"mesh": configured.mesh.name, "removed": [node.name for node in land.nodes], "tables": tables}
        )
    else:
        output.lines([f"mesh {configured.mesh.name}: removed from {len(land.nodes)} nodes"])
    return 0
