"""``twinwall mesh deploy``: every node's stack, in one run."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Group

from twinwall.aws.models import cut_models
from twinwall.cli import options as o
from twinwall.cli import output
from twinwall.cli.asking import confirm
from twinwall.cli.invocation import Invocation
from twinwall.cli.mesh_around import mesh_option, pairs
from twinwall.cli.mesh_land import land_of
from twinwall.cli.mesh_ways import ways
from twinwall.cli.replicas import configuration_of
from twinwall.documents.deployment import package as packages
from twinwall.documents.deployment.parameters import check_parameters, published_values
from twinwall.documents.deployment.template import node_template
from twinwall.engine.deployment import deploy as deploying
from twinwall.engine.deployment.deploy import Proposal
from twinwall.engine.deployment.inspect import inspect
from twinwall.engine.deployment.rights import check_changes, check_rights
from twinwall.engine.deployment.room import check_room
from twinwall.errors import AccessDenied, ConfigError, NotConfirmed
from twinwall.mesh.configure import Configured
from twinwall.report.blocks import uncut

_SIGNS = {"Add": "+", "Modify": "~", "Remove": "-"}
_OURS = ("CodeBucket", "CodeKey", "Runtime", "TableStream")


@o.command("deploy")
@mesh_option
@click.option("--package", "file", metavar="FILE", help="A package made before; else one is made.")
@click.option(
    "--parameter", multiple=True, metavar="NAME=VALUE", help="A parameter of the template; may be repeated."
)
@ways
@o.yes
@o.general
@click.pass_obj
def deploy(invocation: Invocation, /, mesh: str | None, file: str | None, yes: bool, **options: Any) -> int:
    """Deploy a mesh to all its sites, or bring what is deployed up to date.

    Looks at every site first, and makes nothing if one is wrong. Then shows what each node's stack would change, asks,
    and brings the nodes up one after the other, in the order of the sites in twinwall.toml: the first works alone until
    the others are there. What fails says where each node stands; the same command goes on from there.
    """
    configured = configuration_of(invocation).mesh(mesh)
    given = _given(configured, options["parameter"])
    for node in configured.mesh.nodes:
        node_template(configured, node)
    package = packages.read(Path(file)) if file is not None else packages.build(cut_models())
    land = land_of(invocation, configured, options["profiles"], options["role_arns"])
    looked = inspect(land)
    check_room(land, looked.scaling)
    check_rights(land, looked)
    proposals = deploying.propose(land, looked.nodes, package, given)
    output.show_beside(Group(*map(uncut, _shown(proposals))), invocation)
    try:
        check_changes(land, looked, {one.node: one.changes for one in proposals if not one.anew})
        if any(one.changes for one in proposals):
            confirm(f"deploying the mesh {configured.mesh.name} to {_where(proposals)}", yes=yes)
    except (AccessDenied, NotConfirmed):
        deploying.withdraw(land, proposals)
        raise
    deploying.deploy(land, proposals, package)
    _tell(invocation, configured, proposals)
    return 0


def _given(configured: Configured, parameters: Sequence[str]) -> Mapping[str, str]:
    """Parameters for every node. Those of the published solution differ from node to node, and are only held against
    the file: they must be right for one of the nodes."""
    given = pairs("--parameter", parameters)
    ours = sorted(given.keys() & set(_OURS))
    if ours:
        raise ConfigError(f"--parameter {ours[0]}: mesh deploy sets it itself; leave it out")
    wrong: list[ConfigError] = []
    for node in configured.mesh.nodes:
        try:
            check_parameters(configured, node, given)
        except ConfigError as why:
            wrong.append(why)
        else:
            published = published_values(configured, node)
            return {name: value for name, value in given.items() if name not in published}
    raise wrong[0]


def _shown(proposals: Sequence[Proposal]) -> Iterator[str]:
    for one in proposals:
        if not one.changes:
            yield f"{one.node.name}: as it should be"
            continue
        yield f"{one.node.name}: {'a new stack' if one.anew else 'its stack changes'}"
        for change in one.changes:
            sign, anew = _SIGNS.get(change["Action"], "?"), change.get("Replacement") == "True"
            told = f"{change['ResourceType']} {change['LogicalResourceId']}"
            yield f"  {sign} {told}{', made anew' if anew else ''}"


def _where(proposals: Sequence[Proposal]) -> str:
    return ", ".join(one.node.name for one in proposals if one.changes)


def _tell(invocation: Invocation, configured: Configured, proposals: Sequence[Proposal]) -> None:
    told = [
        {"node": one.node.name, "new": one.anew, "changes": [dict(change) for change in one.changes]}
        for one in proposals
    ]
    if invocation.json:
        output.document({"mesh": configured.mesh.name, "nodes": told})
    else:
        output.lines([f"mesh {configured.mesh.name}: deployed to {len(proposals)} nodes"])
