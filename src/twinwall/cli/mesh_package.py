"""``twinwall mesh package``: the zip that the functions of a mesh run."""

from pathlib import Path

import click

from twinwall.aws.models import cut_models
from twinwall.cli import options as o
from twinwall.cli import output
from twinwall.cli.invocation import Invocation
from twinwall.documents.deployment import package as packages
from twinwall.documents.files import anything, check_writable, write_private_bytes

_NAME = "twinwall-mesh.zip"


@o.command("package")
@click.option("-o", "--out", metavar="FILE", default=_NAME, show_default=True, help="Where it goes.")
@o.general
@click.pass_obj
def package(invocation: Invocation, /, out: str) -> int:
    """Make the zip that the functions of a mesh run: what the handler imports, and nothing else.

    The same bytes each time. Lambda's own boto3 carries the calls, with service models that are cut to the operations
    that are used. Tells its size and the processor time of its import on this machine. Needs no account and no network.
    """
    ours = packages.is_package if out == _NAME else anything
    check_writable(Path(out), "the package", ours)
    made = packages.build(cut_models())
    seconds = packages.import_seconds(made)
    write_private_bytes(Path(out), made.body, "the package", ours)
    told = {
        "file": out,
        "bytes": len(made.body),
        "unpacked_bytes": made.unpacked,
        "sha256": made.digest,
        "modules": made.modules,
        "runtime": made.python,
        "import_ms": round(1000 * seconds),
    }
    if invocation.json:
        output.document(told)
    else:
        output.lines(
            [
                f"package saved: {out}, {len(made.body):,} bytes ({made.unpacked:,} unpacked), {made.modules} modules",
                f"sha256 {made.digest}, compiled for {made.python}",
                f"importing it takes {1000 * seconds:.0f} ms of processor time here",
            ]
        )
    return 0
