"""``twinwall export``: a firewall in another tool's words."""

from pathlib import Path
from typing import Any

import click

from twinwall.cli import options as o
from twinwall.cli import output
from twinwall.cli.invocation import Invocation
from twinwall.cli.replicas import Options, configuration_of, world_of
from twinwall.cli.sides import open_sides, wanted
from twinwall.documents import plans
from twinwall.documents.export.blueprint import Blueprint, blueprint
from twinwall.documents.export.firewall import Exported, of_plan, of_snapshot
from twinwall.documents.export.formats import FORMATS, Format, export_text, remarks
from twinwall.documents.files import check_writable, write_private
from twinwall.documents.settings import parse_settings
from twinwall.engine import inspecting
from twinwall.errors import ConfigError


@o.command("export")
@o.at
@o.option(
    "--plan", "plan_file", metavar="PLAN", help="Instead of --at: what a saved plan makes of its target."
)
@o.endpoint_url
@click.option("--format", "format_", type=click.Choice(FORMATS), required=True, help="The tool.")
@o.option("-o", "--out", metavar="FILE", help="Where it goes; else to stdout.")
@click.option(
    "--with-associations", is_flag=True, help="Also which subnets have the ACLs; each becomes a variable."
)
@click.option(
    "--with-default",
    is_flag=True,
    help="Take over the default group and the default ACL too (terraform only).",
)
@o.selection
@o.side_options("at")
@o.general
@click.pass_obj
def export(
    invocation: Invocation,
    /,
    format_: Format,
    out: str | None,
    with_associations: bool,
    with_default: bool,
    **options: Any,
) -> int:
    """Say a firewall in Terraform's, CloudFormation's or the AWS CLI's words.

    Groups with each rule, ACLs with each entry, and the prefix lists that rules name, as Terraform
    configuration, as a CloudFormation template, or as a script of AWS CLI calls. References go by name; what
    the export does not make is a variable. --at may be a snapshot. Reads only.
    """
    if with_default and format_ != "terraform":
        raise ConfigError(
            f"--with-default: {format_} can only make things, and default groups and ACLs are there already; "
            "leave it out, or take --format terraform"
        )
    if out is not None:
        check_writable(Path(out), "the export")
    exported = _exported(options, invocation, with_associations)
    made = blueprint(exported, defaults=with_default)
    text = export_text(made, format_)
    _show(made, format_, text, out, invocation)
    return 0


def _exported(options: Options, invocation: Invocation, with_associations: bool) -> Exported:
    at, plan_file = options["at"], options["plan_file"]
    if (at is None) == (plan_file is None):
        raise ConfigError("name what to export: either --at X (a VPC, a location, a snapshot) or --plan PLAN")
    selection = parse_settings(options).selection
    if plan_file is not None:
        found = of_plan(plans.load(Path(plan_file)), selection)
        return found if with_associations else found.without_associations()
    place = wanted(at, "at", options, configuration_of(invocation))
    (side,) = open_sides([place], world_of(invocation))
    snapshot, where = inspecting.firewall(side, selection, subnets=with_associations)
    found = of_snapshot(snapshot, where, selection)
    return found if with_associations else found.without_associations()


def _show(made: Blueprint, format_: Format, text: str, out: str | None, invocation: Invocation) -> None:
    told = remarks(made, format_, text)
    if out is not None:
        write_private(Path(out), text, "the export")
        output.remark(f"export saved: {out}", invocation)
    if invocation.json:
        output.document({"format": format_, "text": text, "remarks": told})
    else:
        for remark in told:
            output.remark(f"note: {remark}", invocation)
        if out is None:
            output.verbatim(text)
