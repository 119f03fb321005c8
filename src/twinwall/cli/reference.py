"""The reference, written from the program itself: ``python -m twinwall.cli.reference docs`` (``make reference``)."""

import json
import sys
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path

import click

from twinwall.cli import permissions as least
from twinwall.cli.lazy import sections
from twinwall.cli.main import root
from twinwall.documents.permissions import permissions as policies
from twinwall.errors import AwsError, TwinwallError

EXIT_CODES = (
    (0, "done, or no difference"),
    (1, "the input is wrong whatever AWS holds, wrong usage, AWS failed, or stopped midway"),
    (
        2,
        "differences or undecided: verify, drift, migrate, explain, plan --detailed-exitcode, lint --fail-on",
    ),
    (3, "understood, and refused before any write"),
    (130, "Ctrl-C"),
)

HEAD = """\
# Commands

Written by `make reference` from the commands themselves.

`twinwall COMMAND [OPTIONS]`. The general options stand before or behind the command.

{exit_codes}

With several targets: the worst, in the order 1, 3, 2, 0. Where `FILE` is named for one target, several need a folder.
"""


def reference() -> str:
    parts = [HEAD.format(exit_codes=exit_codes())]
    parts += ["\n".join(_command(command, context)) for command, context in commands()]
    return "\n".join(parts)


def exit_codes() -> str:
    rows = "\n".join(f"| {code} | {words} |" for code, words in EXIT_CODES)
    return f"| exit code | means |\n|---|---|\n{rows}"


def commands() -> Iterator[tuple[click.Command, click.Context]]:
    """Each command, a group before what is in it."""
    yield from _commands(root, click.Context(root, info_name="twinwall", **root.context_settings))


def _commands(group: click.Group, context: click.Context) -> Iterator[tuple[click.Command, click.Context]]:
    for name in group.list_commands(context):
        if (command := group.get_command(context, name)) is None:
            continue
        own = click.Context(command, context, name)
        yield command, own
        if isinstance(command, click.Group):
            yield from _commands(command, own)


def name_of(context: click.Context) -> str:
    """As it is said after ``twinwall``."""
    return context.command_path.removeprefix("twinwall ")


def synopsis(command: click.Command, context: click.Context) -> str:
    arguments = [p.make_metavar(context) for p in command.params if isinstance(p, click.Argument)]
    words = ["COMMAND"] if isinstance(command, click.Group) else arguments
    return " ".join(["twinwall", name_of(context), *words, "[OPTIONS]"])


def _command(command: click.Command, context: click.Context) -> Iterator[str]:
    yield f"## twinwall {name_of(context)}\n"
    yield f"{cleandoc(command.help or '')}\n"
    yield f"    {synopsis(command, context)}\n"
    for title, records in sections(command, context).items():
        yield f"### {name_of(context)}: {title[0].lower()}{title[1:]}\n"
        yield "| option | |\n|---|---|"
        for names, text in ([part.replace("|", "\\|") for part in record] for record in records):
            yield f"| `{names}` | {text} |"
        yield ""


# --- errors

ERRORS = """\
# Exit codes and errors

Written by `make reference` from the program itself.

{exit_codes}

Every error is one line on stderr: what was being done, on which thing, what was found against what is allowed, and
the way out. stdout then stays empty, also with `--output json`; of several targets, the one that could not be done has
the line as its `error`. `--debug` adds where in the program it happened, and the type of this table.

| type | is a | exit code | means |
|---|---|---|---|
{rows}

*retried*: Twinwall waits and asks again by itself; you see it only if that did not help.
"""


def errors() -> str:
    rows = "\n".join(_error(kind) for kind in _kinds(TwinwallError))
    return ERRORS.format(exit_codes=exit_codes(), rows=rows)


def _kinds(kind: type[TwinwallError]) -> Iterator[type[TwinwallError]]:
    for one in (kind for kind in kind.__subclasses__() if kind.__module__ == TwinwallError.__module__):
        yield one
        yield from _kinds(one)


def _error(kind: type[TwinwallError]) -> str:
    said = cleandoc(kind.__doc__ or "").splitlines()[0]
    retried = " *retried*" if issubclass(kind, AwsError) and kind.transient else ""
    (parent,) = kind.__bases__
    above = "" if parent is TwinwallError else f"`{parent.__name__}`"
    return f"| `{kind.__name__}` | {above} | {kind.exit_code} | {said}{retried} |"


# --- permissions

PERMISSIONS = """\
# Permissions

Written by `make reference` from the program itself: what `twinwall permissions COMMAND` prints, a side each.
`--source-region`, `--source-account`, `--source-vpc` (and the same of the other sides) narrow it to one place. That
each policy is enough, and that each line of it is needed, is tested on the embedded AWS with IAM enforced.
"""


def permissions() -> str:
    parts = [PERMISSIONS]
    for command in least.COMMANDS:
        parts.append(f"## {command}\n")
        for side, policy in policies(command).items():
            parts.append(f"### {command}: {side}\n\n```json\n{json.dumps(policy, indent=2)}\n```\n")
    return "\n".join(parts)


PAGES = {"commands.md": reference, "errors.md": errors, "permissions.md": permissions}


if __name__ == "__main__":
    for name, written in PAGES.items():
        (Path(sys.argv[1]) / name).write_text(written(), encoding="utf-8")
