"""The options that commands share, in sections, each with its line of help."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import click

from twinwall.cli.invocation import Invocation
from twinwall.cli.lazy import SectionedCommand, SectionedOption
from twinwall.cli.numbers import Finite

Function = TypeVar("Function", bound=Callable[..., Any])
Decorator = Callable[[Function], Function]

command = partial(click.command, cls=SectionedCommand)
option = partial(click.option, cls=SectionedOption)


def _section(title: str) -> Callable[..., Decorator[Any]]:
    return partial(click.option, cls=SectionedOption, section=title)


def _all(*options: Decorator[Any]) -> Decorator[Any]:
    """The decorators as one; the first stands first in the help."""

    def decorate(function: Any) -> Any:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


CLIENT_PORTS = "What clients pick their ports from (default 1024-65535)."
ALLOW_GAP = "Where no order keeps a flow open throughout, close it for a moment, and say so."


# --- everywhere


def _note(ctx: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """Puts a general option where everybody finds it."""
    if value is not None and value is not False and parameter.name:
        setattr(ctx.ensure_object(Invocation), parameter.name, value)
    return value


def _note_config(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """A file that is not there is an error of every command, also of one that has no use for it."""
    if value is not None and not ctx.resilient_parsing:
        from pathlib import Path  # noqa: PLC0415 - only where a file is named

        from twinwall.documents.files import check_readable  # noqa: PLC0415 - likewise

        check_readable(Path(value), "the configuration")
    _note(ctx, parameter, value)
    return value


_general = partial(_section("General"), callback=_note, expose_value=False)


def _general_options(*formats: str, words: str) -> Decorator[Any]:
    return _all(
        _general("--output", type=click.Choice(formats), help=words),
        _general(
            "--config",
            metavar="FILE",
            callback=_note_config,
            help="Configuration; else twinwall.toml of this folder, if there is one.",
        ),
        _general(
            "--quiet",
            "-q",
            is_flag=True,
            help="No progress and no remarks; errors, and what a write must show, stay.",
        ),
        _general("--verbose", "-v", is_flag=True, help="Also say each call as it is made."),
        _general(
            "--debug", is_flag=True, is_eager=True, help="On an error show where in the program it happened."
        ),
    )


general = _general_options("text", "json", words="Text (default), or JSON alone on stdout.")
general_with_sarif = _general_options(
    "text", "json", "sarif", words="Text (default), or JSON or SARIF 2.1.0 alone on stdout."
)
general_for_ci = _general_options(
    "text",
    "json",
    "sarif",
    "junit",
    words="Text (default), or JSON, SARIF 2.1.0 or JUnit XML alone on stdout.",
)


def _note_report(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """What is wrong with it is told before anything is done."""
    if value is not None and not ctx.resilient_parsing:
        from twinwall.cli import reporting  # noqa: PLC0415 - only where a report is asked for

        reporting.check(value)
        ctx.ensure_object(Invocation).command = ctx.command_path
    _note(ctx, parameter, value)
    return value


report = _section("Output")(
    "--report",
    metavar="FILE",
    callback=_note_report,
    expose_value=False,
    help="Write the result as one HTML file too, to look at in a browser: offline, printable, private.",
)


# --- where


def side_options(side: str) -> Decorator[Any]:
    """``--SIDE-vpc`` and the way to the account."""
    option = _section("The way to it" if side == "at" else f"The way to the {side}")
    return _all(
        option(f"--{side}-vpc", metavar="ID", help="The VPC that is meant in a snapshot of several."),
        option(f"--{side}-profile", metavar="NAME", help="Profile of the AWS configuration."),
        option(f"--{side}-region", metavar="REGION", help="Region; else the profile's or the environment's."),
        option(f"--{side}-role-arn", metavar="ARN", help="Role to assume."),
        option(f"--{side}-external-id", metavar="ID", help="External id that the role asks for."),
    )


def scope_options(side: str) -> Decorator[Any]:
    """What a side's policy is narrowed to."""
    option = _section("Only where --at is" if side == "at" else f"Only where the {side} is")
    return _all(
        option(f"--{side}-account", metavar="ID", help="Account of the policy's resources."),
        option(f"--{side}-region", metavar="REGION", help="Region of the policy's resources."),
        option(f"--{side}-vpc", metavar="ID", help="VPC of the policy's resources."),
    )


_where = _section("Where")
source = _where(
    "--source",
    metavar="X",
    help="VPC id, location of the configuration, or snapshot: file, folder, or a,b,c.",
)
required_source = _where(
    "--source",
    metavar="X",
    required=True,
    help="VPC id, location of the configuration, or snapshot: file, folder, or a,b,c.",
)
required_at = _where(
    "--at",
    metavar="X",
    required=True,
    help="VPC id, location of the configuration, or snapshot: file, folder, or a,b,c.",
)
at = _where(
    "--at",
    metavar="X",
    help="VPC id, location of the configuration, or snapshot: file, folder, or a,b,c.",
)
target = _where("--target", metavar="Y", multiple=True, help="The same for the target; may be repeated.")
one_target = _where("--target", metavar="Y", required=True, help="VPC id, or location of the configuration.")
replica = _where(
    "--replica", metavar="NAME", help="Source, targets and options of a replica of the configuration."
)
endpoint_url = _where(
    "--endpoint-url", metavar="URL", help="Endpoint of AWS; where there are two sides, of both."
)

throttle_share = _where(
    "--throttle-share",
    type=Finite(1, 100),
    metavar="PERCENT",
    help="How much of EC2's throttle to use; the rest is left to others (default 100).",
)

pair = _all(source, target, replica, endpoint_url, throttle_share)
pair_ways = _all(side_options("source"), side_options("target"))


# --- which


_which = _section("Which (nothing said: every group and every ACL)")
selection = _all(
    _which("--group", metavar="ID|NAME|GLOB", multiple=True, help="Only these groups."),
    _which("--tag", metavar="KEY=VALUE", multiple=True, help="Only what has this tag."),
    _which("--nacl", metavar="ID", multiple=True, help="Only these ACLs."),
    _which("--exclude", metavar="ID|NAME|GLOB", multiple=True, help="Leave these groups or ACLs out."),
    _which("--only", type=click.Choice(["groups", "nacls"]), help="Only groups, or only ACLs."),
)


# --- translation


_translation = _section("In the target's terms")
translation = _all(
    _translation(
        "--map-cidr",
        metavar="FROM=TO",
        multiple=True,
        help="Addresses of FROM become those of TO; most specific wins.",
    ),
    _translation(
        "--map-vpc-cidr", is_flag=True, help="Map the source VPC's primary block onto the target's."
    ),
    _translation(
        "--map-group",
        metavar="SRC=DST",
        multiple=True,
        help="DST (group of the target, or CIDRs a,b) stands for SRC.",
    ),
    _translation(
        "--map-account", metavar="A=B", multiple=True, help="Groups of account A have counterparts in B."
    ),
    _translation("--map-prefix-list", metavar="SRC=DST", multiple=True, help="DST stands for the list SRC."),
    _translation("--match-by-name", is_flag=True, help="Groups without a mark are found by their name too."),
    _translation(
        "--match-cloudformation", is_flag=True, help="Find counterparts by their CloudFormation logical id."
    ),
    _translation(
        "--outside",
        type=click.Choice(["fail", "follow", "skip", "keep"]),
        help="A reference that is not found: refuse (default), bring its group, leave the rule out, keep the id.",
    ),
    _translation(
        "--rename", metavar="GLOB=PATTERN", multiple=True, help="Rename copies; * is what GLOB's * matched."
    ),
    _translation(
        "--associate",
        metavar="none|auto|SUBNET=SUBNET",
        multiple=True,
        help="Give target subnets the copied ACLs: none (default), auto, or the pairs named.",
    ),
    _translation(
        "--copy-tag", metavar="GLOB", multiple=True, help="Copy these tags although controllers act on them."
    ),
    _translation("--rule-tags", is_flag=True, help="Copy the tags of rules too."),
)


# --- what may be changed


_limits = _section("What may be changed")
adoption = _all(
    _limits(
        "--adopt", metavar="GLOB", multiple=True, help="Take over what has such a name and no mark of ours."
    ),
    _limits(
        "--adopt-managed", is_flag=True, help="Adopt also what CloudFormation, Terraform and others keep."
    ),
)
terraform_state = _limits(
    "--terraform-state",
    metavar="FILE",
    multiple=True,
    help="Refuse to change what this state (or `terraform show -json`) holds, unless --adopt and --adopt-managed.",
)
limits = _all(
    _limits(
        "--policy",
        type=click.Choice(["sync", "upsert-only", "create-only"]),
        help="Add, change and remove (sync, default), never remove, or only make what is missing.",
    ),
    adoption,
    terraform_state,
    _limits(
        "--prune",
        is_flag=True,
        help="Delete unused copies (groups, ACLs, prefix lists) whose source is gone.",
    ),
    _limits(
        "--max-change", metavar="PERCENT", help="Refuse to remove more of the existing rules (default 30)."
    ),
    _limits("--force", is_flag=True, help="Change more than --max-change allows."),
    _limits(
        "--protect",
        metavar="FLOW",
        multiple=True,
        help="Refuse to close this flow: 'tcp/5432 from 10.2.0.0/16 to web', 'tcp/443 to 0.0.0.0/0 from web'.",
    ),
    _limits(
        "--strict",
        is_flag=True,
        help="Change ACLs through what both ends admit, so that they open nothing together with groups.",
    ),
    _limits("--allow-gap", is_flag=True, help=ALLOW_GAP),
    _limits(
        "--client-ports",
        metavar="FIRST-LAST",
        help=f"With --protect: {CLIENT_PORTS[0].lower()}{CLIENT_PORTS[1:]}",
    ),
)


# --- a packet

packet = _section("The packet")


# --- writing


_writing = _section("Writing")
yes = _writing("--yes", "-y", is_flag=True, help="Do not ask.")
journal = _writing("--journal", metavar="FILE", help="Where the journal goes; a folder with several targets.")
allow_gap = _writing("--allow-gap", is_flag=True, help=ALLOW_GAP)
_seconds = Finite(0, 3600)
resuming = _all(
    yes,
    _writing(
        "--settle",
        type=_seconds,
        default=5.0,
        metavar="SECONDS",
        help="Wait so long between what is added and what is removed after it (default 5).",
    ),
    _writing(
        "--late",
        type=_seconds,
        default=35.0,
        metavar="SECONDS",
        help="How long a call without an answer may still arrive (default 35).",
    ),
    _writing(
        "--no-lock",
        is_flag=True,
        help="Do not lock the target, where the credentials may not; nobody else may write to it meanwhile.",
    ),
)
writing = _all(journal, resuming)
