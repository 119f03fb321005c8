"""``twinwall mesh template``: each node's stack, as a SAM template or as Terraform configuration."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import click

from twinwall.cli import options as o
from twinwall.cli import output
from twinwall.cli.invocation import Invocation
from twinwall.cli.mesh_around import mesh_option, pairs
from twinwall.cli.replicas import configuration_of
from twinwall.documents.deployment.parameters import check_parameters
from twinwall.documents.deployment.prerequisites import prerequisites_template, prerequisites_terraform
from twinwall.documents.deployment.sam import template_text
from twinwall.documents.deployment.template import node_template
from twinwall.documents.deployment.terraform import node_terraform
from twinwall.documents.files import anything, is_folder, make_folder, saying, write_private
from twinwall.errors import ConfigError
from twinwall.mesh.configure import Configured
from twinwall.model.members import Node

Format = Literal["sam", "terraform"]
FORMATS: tuple[Format, ...] = ("sam", "terraform")
_IS_TEMPLATE = saying("written by twinwall mesh template")


@o.command("template")
@mesh_option
@click.option(
    "--node", metavar="ACCOUNT/REGION", help="The node; not needed if it is the only one, or with a folder."
)
@click.option("--prerequisites", is_flag=True, help="Instead: what a site needs, for trying it out.")
@click.option(
    "--format", "format_", type=click.Choice(FORMATS), default="sam", show_default=True, help="The tool."
)
@click.option(
    "--parameter",
    multiple=True,
    metavar="NAME=VALUE",
    help="A parameter's default (sam only); may be repeated.",
)
@click.option(
    "-o", "--out", metavar="PATH", help="A file, or a folder (FOLDER/) for every node; else to stdout."
)
@o.general
@click.pass_obj
def template(
    invocation: Invocation, /, format_: Format, prerequisites: bool, out: str | None, **options: Any
) -> int:
    """Write a node's stack: function, table, queue, rules, hooks, schedule, alarms, dashboard, permissions.

    A node is an account's Region. The template takes the parameters of the published solution under their names
    (AutoScalingGroup, LocalSG, RemoteSG, RemoteRegion, RemoteASG, RemoteTable); one that contradicts twinwall.toml is
    refused. Needs no account and no network.
    """
    given = pairs("--parameter", options["parameter"])
    if given and (prerequisites or format_ != "sam"):
        raise ConfigError(
            "--parameter is for a node's SAM template; Terraform and prerequisites take variables when run"
        )
    if prerequisites and (options["mesh"] or options["node"]):
        raise ConfigError("--prerequisites are the same for every mesh and node; leave --mesh and --node out")
    if prerequisites:
        texts = {"prerequisites": _prerequisites(format_)}
    else:
        configured = configuration_of(invocation).mesh(options["mesh"])
        nodes = _nodes(configured, options["node"], out)
        texts = dict(_texts(configured, nodes, format_, given))
    _show(invocation, texts, format_, out)
    return 0


def _prerequisites(format_: Format) -> str:
    return template_text(prerequisites_template()) if format_ == "sam" else prerequisites_terraform()


def _nodes(configured: Configured, wanted: str | None, out: str | None) -> list[Node]:
    nodes = list(configured.mesh.nodes)
    known = ", ".join(node.name for node in nodes)
    if wanted is not None:
        nodes = [node for node in nodes if node.name == wanted]
        if not nodes:
            raise ConfigError(f"--node {wanted}: the mesh {configured.mesh.name} has the nodes {known}")
    if len(nodes) > 1 and not (out is not None and is_folder(out)):
        raise ConfigError(f"--node is needed, one of {known}; or -o FOLDER/ for all of them")
    return nodes


def _texts(
    configured: Configured, nodes: list[Node], format_: Format, given: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    for node in nodes:
        check_parameters(configured, node, given)
        name = node.name.replace("/", "-")
        if format_ == "sam":
            yield name, template_text(node_template(configured, node, given))
        else:
            yield name, node_terraform(configured, node)


def _path(out: str, name: str, format_: Format) -> Path:
    """Terraform takes all files of a folder as one configuration: each node has its own."""
    if not is_folder(out):
        return Path(out)
    return Path(out) / name / "main.tf" if format_ == "terraform" else Path(out) / f"{name}.json"


def _show(invocation: Invocation, texts: Mapping[str, str], format_: Format, out: str | None) -> None:
    if out is not None:
        for name, text in texts.items():
            path = _path(out, name, format_)
            make_folder(path.parent, "the folder of the template")
            write_private(path, text, "the template", _IS_TEMPLATE if is_folder(out) else anything)
            output.remark(f"template saved: {path}", invocation)
    if invocation.json:
        output.document({"format": format_, "texts": dict(texts)})
    elif out is None:
        for text in texts.values():
            output.verbatim(text)
