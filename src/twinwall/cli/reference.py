"""The command reference, written from the commands themselves: ``python -m twinwall.cli.reference FILE``."""

import sys
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path

import click

from twinwall.cli.lazy import LazyGroup
from twinwall.cli.main import root

HEAD = """\
# Commands

Written by `python -m twinwall.cli.reference docs/commands.md` from the commands themselves.

`twinwall COMMAND [OPTIONS]`. The general options stand before or behind the command.

| exit code | means |
|---|---|
| 0 | done, or no difference |
| 1 | the input is wrong whatever AWS holds, wrong usage, AWS failed, or stopped midway |
| 2 | differences or undecided: `verify`, `plan --detailed-exitcode`, a failed proof, `explain`, `lint --fail-on` |
| 3 | understood, and refused before any write |
| 130 | Ctrl-C |

With several targets: the worst, in the order 1, 3, 2, 0. Where `FILE` is named for one target, several need a folder.
"""


def reference() -> str:
    context = click.Context(root, info_name="twinwall", **root.context_settings)
    assert isinstance(root, LazyGroup)
    parts = [HEAD]
    for name in root.list_commands(context):
        command = root.get_command(context, name)
        if command is not None:
            parts += _parts(command, click.Context(command, context, name), name)
    return "\n".join(parts)


def _parts(command: click.Command, context: click.Context, name: str) -> Iterator[str]:
    """The command, and those of its own."""
    yield "\n".join(_command(command, context, name))
    if not isinstance(command, click.Group):
        return
    for own in command.list_commands(context):
        found = command.get_command(context, own)
        if found is not None:
            yield from _parts(found, click.Context(found, context, own), f"{name} {own}")


def _command(command: click.Command, context: click.Context, name: str) -> Iterator[str]:
    yield f"## twinwall {name}\n"
    yield f"{cleandoc(command.help or '')}\n"
    arguments = [p.make_metavar(context) for p in command.params if isinstance(p, click.Argument)]
    words = ["COMMAND"] if isinstance(command, click.Group) else arguments
    yield f"    twinwall {name} {' '.join([*words, '[OPTIONS]'])}\n"
    for title, rows in _sections(command, context).items():
        yield f"### {name}: {title[0].lower()}{title[1:]}\n"
        yield "| option | |\n|---|---|"
        yield from rows
        yield ""


def _sections(command: click.Command, context: click.Context) -> dict[str, list[str]]:
    sections: dict[str, list[str]] = {}
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            names, text = (part.replace("|", "\\|") for part in record)
            sections.setdefault(getattr(parameter, "section", "Options"), []).append(
                f"| `{names}` | {text} |"
            )
    return sections


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(reference(), encoding="utf-8")
