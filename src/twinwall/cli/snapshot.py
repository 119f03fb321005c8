"""``twinwall snapshot``: a firewall into a file."""

from pathlib import Path
from typing import Any

import click

from twinwall.cli import options as o
from twinwall.cli import output
from twinwall.cli.invocation import Invocation
from twinwall.cli.replicas import configuration_of, world_of
from twinwall.cli.sides import open_sides, wanted
from twinwall.documents import snapshots
from twinwall.documents.files import check_writable
from twinwall.documents.settings import parse_settings


@o.command("snapshot")
@o.required_source
@o.endpoint_url
@o.option("-o", "--out", metavar="FILE", help="Where the snapshot goes; else to stdout.")
@o.selection
@o.side_options("source")
@o.general
@click.pass_obj
def snapshot(invocation: Invocation, /, source: str, out: str | None, **options: Any) -> int:
    """Read a firewall into a snapshot file.

    The file is JSON in EC2's own shapes. It can stand for the source, or for the target of a plan, wherever a
    VPC can.
    """
    settings = parse_settings(options)
    if out is not None:
        check_writable(Path(out), "the snapshot")
    world = world_of(invocation)
    (side,) = open_sides([wanted(source, "source", options, configuration_of(invocation))], world)
    document = world.engine.snapshot(side, settings)
    if out is None or invocation.json:
        output.document(document)
    if out is not None:
        snapshots.save(document, Path(out))
        output.remark(f"snapshot saved: {out}", invocation)
    return 0
