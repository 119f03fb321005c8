"""``twinwall mesh true-up``: rows and rules brought in line, by hand."""

from collections.abc import Mapping
from typing import Any

import click

from twinwall.aws.mesh_doors import AwsMeshDoors
from twinwall.cli import options as o
from twinwall.cli import output
from twinwall.cli.asking import confirm
from twinwall.cli.invocation import Invocation
from twinwall.cli.mesh_around import (
    around,
    from_option,
    ignore,
    mesh_option,
    node_option,
    nodes_of,
    open_doors,
    recording,
)
from twinwall.cli.mesh_ways import ways
from twinwall.cli.replicas import configuration_of
from twinwall.engine.mesh.adopt import check_owners
from twinwall.engine.mesh.handler import handle
from twinwall.engine.mesh.run import NotDone
from twinwall.errors import AwsError, ConfigError
from twinwall.mesh.configure import Configured
from twinwall.mesh.status import status as status_of
from twinwall.report.mesh import mesh_status_text

EVENT = {"detail-type": "Scheduled Event", "id": "by-hand"}
_TOLD = (
    "row",
    "pulled",
    "added",
    "refused",
    "revoked",
    "answered",
    "node-failed",
    "no-group",
    "alarm",
    "failed",
)


@o.command("true-up")
@mesh_option
@node_option
@from_option
@ways
@o.yes
@o.general
@click.pass_obj
def true_up(invocation: Invocation, /, mesh: str | None, yes: bool, **options: Any) -> int:
    """Bring rows and rules of a mesh in line, and tell what was found and changed.

    Does at each node what its schedule does, with the same lease. With --from nothing is written: it tells what a
    true-up would find. Exit code 2: a node could not be brought in line (or, with --from, something differs).
    """
    configured = configuration_of(invocation).mesh(mesh)
    if options["from_"] is not None and options["node"]:
        raise ConfigError("--from tells of every node that the recording has; leave --node out")
    if options["from_"] is not None:
        return _offline(invocation, configured, options["from_"])
    nodes = nodes_of(configured, options["node"])
    doors = open_doors(configured, options["profiles"], options["role_arns"])
    sites = [site for site in configured.mesh.sites if site.node in nodes]
    check_owners(around(configured, doors, "", ignore), sites, f"bringing {configured.mesh.name} in line")
    confirm(f"bringing the mesh {configured.mesh.name} in line at {', '.join(nodes)}", yes=yes)
    lines: list[dict[str, Any]] = []
    failed = [node for node in nodes if not _run(configured, doors, node, lines)]
    told = [line for line in lines if line.get("event") in _TOLD]
    if invocation.json:
        output.document({"mesh": configured.mesh.name, "failed": failed, "lines": told})
    else:
        output.lines([text_of(line) for line in told] or ["nothing to do"])
    return 2 if failed else 0


def _offline(invocation: Invocation, configured: Configured, path: str) -> int:
    told = status_of(configured.mesh, recording(path))
    if invocation.json:
        output.document(told)
    else:
        output.result(mesh_status_text(told))
    return 0 if told["right"] else 2


def _run(configured: Configured, doors: AwsMeshDoors, node: str, lines: list[dict[str, Any]]) -> bool:
    def keep(line: Mapping[str, Any]) -> None:
        lines.append(dict(line))

    try:
        handle(EVENT, around(configured, doors, node, keep))
    except (AwsError, NotDone):
        return False  # its line says why
    return True


def text_of(line: Mapping[str, Any]) -> str:
    """One line of the audit, for people."""
    hidden = ("event", "at", "mesh", "node", "event_id", "cause", "_aws")
    parts = [
        f"{key} {_text(value)}" for key, value in line.items() if key not in hidden and value not in ([], "")
    ]
    return f"{line.get('node')}: {line.get('event')}: {', '.join(parts)}"


def _text(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
