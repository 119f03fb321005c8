"""``twinwall mesh audit``: the functions' log lines read back: who was admitted where, when and why."""

import json
import re
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from twinwall.aws.mesh_doors import AwsMeshDoors
from twinwall.cli import options as o
from twinwall.cli import output
from twinwall.cli.invocation import Invocation
from twinwall.cli.mesh_around import mesh_option, node_option, nodes_of, open_doors
from twinwall.cli.mesh_true_up import text_of
from twinwall.cli.mesh_ways import ways
from twinwall.cli.replicas import configuration_of, world_of
from twinwall.documents.deployment.names import names_of
from twinwall.documents.files import read_stream, read_text
from twinwall.errors import AwsError, ConfigError
from twinwall.mesh.configure import Configured

_LISTS = ("addresses", "admitted", "left")
_END = datetime(9999, 1, 1, tzinfo=UTC).timestamp()
_EVENTS = ("row", "added", "refused", "revoked", "answered", "alarm", "failed", "pulled", "node-failed")


@o.command("audit")
@click.argument("files", metavar="[FILE...]", nargs=-1)
@mesh_option
@node_option
@click.option(
    "--since",
    metavar="TIME",
    default="1h",
    show_default=True,
    help="How far back: 30m, 12h, 7d; not of files.",
)
@ways
@click.option("--site", metavar="REGION/ASG", help="Only lines of this site, or of its members.")
@click.option("--address", metavar="CIDR", help="Only lines that name this address.")
@click.option("--instance", metavar="ID", help="Only lines that name this instance.")
@click.option("--event-id", metavar="ID", help="Only what this event led to.")
@o.general
@click.pass_obj
def audit(
    invocation: Invocation,
    /,
    files: tuple[str, ...],
    mesh: str | None,
    node: tuple[str, ...],
    since: str,
    profiles: tuple[str, ...],
    role_arns: tuple[str, ...],
    **wanted: str | None,
) -> int:
    """Tell who was admitted where, when and why, from the functions' log lines.

    Without FILE they are read from CloudWatch Logs, at every node. FILE holds lines as CloudWatch Logs has them, one a
    line or as `aws logs filter-log-events` answers; - is stdin. What is no line of a mesh is passed over. Exit code 2:
    a node's log could not be read.
    """
    unread: list[str] = []
    if files and node:
        raise ConfigError("--node says whose log is read from CloudWatch; of a FILE choose lines with --site")
    if files:
        read = [line for file in files for line in _lines(_text(file))]
    else:
        configured = configuration_of(invocation).mesh(mesh)
        start = world_of(invocation).clock.now() - _seconds(since)
        doors = open_doors(configured, profiles, role_arns)
        read = list(_logged(configured, doors, nodes_of(configured, node), start, unread))
    lines = [line for line in read if _is_wanted(line, **wanted)]
    lines.sort(key=lambda line: line.get("at", 0.0))
    if invocation.json:
        output.document(lines)
    else:
        output.lines([_told(line) for line in lines] or ["no line of a mesh says anything of it"])
    return 2 if unread else 0


def _text(file: str) -> str:
    return read_stream(sys.stdin, "the log on stdin") if file == "-" else read_text(Path(file), "the log")


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def _seconds(text: str) -> float:
    found = re.fullmatch(r"([0-9]{1,6})([smhd])", text)
    if found is None:
        raise ConfigError(f"--since {text}: write a number and s, m, h or d: 30m, 12h, 7d")
    return float(int(found[1]) * _UNITS[found[2]])


def _logged(
    configured: Configured, doors: AwsMeshDoors, nodes: Iterable[str], since: float, unread: list[str]
) -> Iterator[dict[str, Any]]:
    """Each node's, by the name that its stack gives the log; one that cannot be read is told and holds up nobody."""
    for name in nodes:
        group = names_of(configured, configured.mesh.node(name)).log_group
        try:
            yield from _lines("\n".join(doors.log_lines(name, group, since, _PAGE_SECONDS)))
        except AwsError as error:
            unread.append(name)
            output.tell(f"{name}: {error}")


_PAGE_SECONDS = 10.0


def _lines(text: str) -> Iterator[dict[str, Any]]:
    for part in _messages(text):
        start = part.find("{")
        try:
            line = json.loads(part[start:]) if start >= 0 else None
        except ValueError:
            continue
        if isinstance(line, dict) and _is_of_a_mesh(line):
            yield line


def _is_of_a_mesh(line: dict[str, Any]) -> bool:
    at = line.get("at", 0.0)
    lists = [line.get(key) or [] for key in _LISTS]
    return (
        line.get("event") in _EVENTS
        and isinstance(at, int | float)
        and 0 <= at < _END
        and all(isinstance(one, list) and all(isinstance(part, str) for part in one) for one in lists)
    )


def _messages(text: str) -> Iterable[str]:
    """API: FilterLogEvents.events[].message, else the lines as they are."""
    try:
        document = json.loads(text)
    except ValueError:
        return text.splitlines()
    if isinstance(document, dict) and isinstance(document.get("events"), list):
        return [str(event.get("message", "")) for event in document["events"] if isinstance(event, dict)]
    return text.splitlines()


def _is_wanted(
    line: dict[str, Any], site: str | None, address: str | None, instance: str | None, event_id: str | None
) -> bool:
    words = [word for key in _LISTS for part in line.get(key) or () for word in part.split()]
    return (
        (site is None or site in (line.get("site"), line.get("of")))
        and (address is None or address in words)
        and (instance is None or instance in (*words, line.get("instance")))
        and (event_id is None or event_id == line.get("event_id"))
    )


def _told(line: dict[str, Any]) -> str:
    moment = datetime.fromtimestamp(line.get("at", 0.0), UTC).strftime("%Y-%m-%d %H:%M:%S")
    cause = f" ({line['cause']} {line.get('event_id', '')})" if line.get("cause") else ""
    return f"{moment}  {text_of(line)}{cause}"
