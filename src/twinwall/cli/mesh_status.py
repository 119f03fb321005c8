"""``twinwall mesh status``: sites, generations, ages, rules missing and extra, room; live or from a recording."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from twinwall.aws.mesh_doors import AwsMeshDoors
from twinwall.cli import options as o
from twinwall.cli import output, reporting
from twinwall.cli.invocation import Invocation
from twinwall.cli.mesh_around import (
    around,
    from_option,
    ignore,
    mesh_option,
    open_doors,
    recording,
)
from twinwall.cli.mesh_ways import ways
from twinwall.cli.replicas import configuration_of, world_of
from twinwall.documents.files import check_writable, json_text, write_private
from twinwall.engine.mesh.record import record
from twinwall.mesh.configure import Configured
from twinwall.mesh.status import status as status_of
from twinwall.report.mesh import mesh_status_text


@o.command("status")
@mesh_option
@from_option
@ways
@click.option("--record", "record_", metavar="FILE", help="Also keep what was read, for --from.")
@click.option("--watch", type=click.IntRange(1), metavar="SECONDS", help="Again and again, until stopped.")
@o.report
@o.general
@click.pass_obj
def status(
    invocation: Invocation,
    /,
    mesh: str | None,
    watch: int | None,
    profiles: tuple[str, ...],
    role_arns: tuple[str, ...],
    **options: Any,
) -> int:
    """Show how a mesh stands: each site's members, age and copies, its group's rules and room.

    Reads only. Exit code 2: something is unknown, missing, too much, or not the same everywhere.
    """
    configured = configuration_of(invocation).mesh(mesh)
    if options["record_"] is not None:
        check_writable(Path(options["record_"]), "the recording")
    doors = None if options["from_"] is not None else open_doors(configured, profiles, role_arns)
    while True:
        is_right = _show(invocation, configured, doors, **options)
        if watch is None:
            return 0 if is_right else 2
        world_of(invocation).clock.sleep(watch)


def _show(
    invocation: Invocation,
    configured: Configured,
    doors: AwsMeshDoors | None,
    from_: str | None,
    record_: str | None,
) -> bool:
    """``doors``: None where a recording is shown."""
    now = None if doors is None else world_of(invocation).clock.now()
    found = recording(from_ or "") if doors is None else record(around(configured, doors, "", ignore))
    if record_ is not None:
        write_private(Path(record_), json_text(found), "the recording")
    told = status_of(configured.mesh, found, now)
    for place, why in (found.get("failed") or {}).items():
        output.tell(f"{place}: {why}")
    if invocation.json:
        output.document(told)
    else:
        output.result(mesh_status_text(told))
    reporting.write([partial(reporting.of_mesh, told)], invocation)
    return bool(told["right"])
