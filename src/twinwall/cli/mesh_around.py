"""What a mesh's commands stand in: the mesh of the configuration, and the ways to its nodes."""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from twinwall.aws.mesh_doors import AwsMeshDoors
from twinwall.aws.places import account_sessions
from twinwall.aws.threads import ThreadCrew
from twinwall.cli.clock import SystemClock
from twinwall.cli.mesh_ways import profiles_of, roles_of
from twinwall.documents import recordings
from twinwall.engine.mesh.run import Around
from twinwall.errors import ConfigError
from twinwall.mesh.configure import Configured

Line = Callable[[Mapping[str, Any]], None]

mesh_option = click.option(
    "--mesh", metavar="NAME", help="The mesh of the configuration; not needed if it is the only one."
)
node_option = click.option(
    "--node", multiple=True, metavar="ACCOUNT/REGION", help="Only this node; may be repeated."
)
from_option = click.option(
    "--from", "from_", metavar="FILE", help="Offline: a recording made by mesh status --record."
)


def open_doors(configured: Configured, profiles: Sequence[str], role_arns: Sequence[str]) -> AwsMeshDoors:
    """One for a command: a client is dear the first time only. An account for which nothing is said, and which is not
    the profile's own, is entered as the functions enter it."""
    session = account_sessions(profiles_of(profiles), roles_of(role_arns), configured.ways)
    doors = AwsMeshDoors(configured, session)
    doors.cause = f"mesh/{configured.mesh.name} by-hand"
    return doors


def around(configured: Configured, doors: AwsMeshDoors, node: str, log: Line) -> Around:
    return Around(configured.mesh, node, doors, SystemClock(), ThreadCrew, lambda: uuid.uuid4().hex, log)


def nodes_of(configured: Configured, wanted: tuple[str, ...]) -> list[str]:
    """All, unless some are named."""
    known = [node.name for node in configured.mesh.nodes]
    for name in wanted:
        if name not in known:
            raise ConfigError(
                f"--node {name}: the mesh {configured.mesh.name} has the nodes {', '.join(known)}"
            )
    return list(wanted) or known


def recording(path: str) -> dict[str, Any]:
    return recordings.load(Path(path))


def pairs(option: str, given: Iterable[str]) -> dict[str, str]:
    """NAME=VALUE, each name once."""
    found: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise ConfigError(f"{option} {text}: write NAME=VALUE")
        if found.setdefault(name, value) != value:
            raise ConfigError(f"{option} gives {name} twice: {found[name]} and {value}; give it once")
    return found


def ignore(_line: Mapping[str, Any]) -> None:
    """Reading alone decides nothing that an audit would want."""
