"""The command reference, written from the commands themselves: ``python -m twinwall.cli.reference FILE``."""

import sys
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path

import click

from twinwall.cli.main import root

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

Written by `python -m twinwall.cli.reference docs/commands.md` from the commands themselves.

`twinwall COMMAND [OPTIONS]`. The general options stand before or behind the command.

{exit_codes}

With several targets: the worst, in the order 1, 3, 2, 0. Where `FILE` is named for one target, several need a folder.
"""


def reference() -> str:
    rows = "\n".join(f"| {code} | {words} |" for code, words in EXIT_CODES)
    parts = [HEAD.format(exit_codes=f"| exit code | means |\n|---|---|\n{rows}")]
    parts += ["\n".join(_command(command, context)) for command, context in commands()]
    return "\n".join(parts)


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


def sections(command: click.Command, context: click.Context) -> dict[str, list[tuple[str, str]]]:
    """Title → options with their words."""
    found: dict[str, list[tuple[str, str]]] = {}
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            found.setdefault(getattr(parameter, "section", "Options"), []).append(record)
    return found


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


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(reference(), encoding="utf-8")
