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
| 2 | differences or undecided: `verify`, `drift`, `migrate`, `plan --detailed-exitcode`, `explain`, `lint --fail-on` |
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
            parts.append("\n".join(_command(command, click.Context(command, context, name))))
    return "\n".join(parts)


def _command(command: click.Command, context: click.Context) -> Iterator[str]:
    yield f"## twinwall {command.name}\n"
    yield f"{cleandoc(command.help or '')}\n"
    arguments = [p.make_metavar(context) for p in command.params if isinstance(p, click.Argument)]
    yield f"    twinwall {command.name} {' '.join([*arguments, '[OPTIONS]'])}\n"
    for title, rows in _sections(command, context).items():
        yield f"### {command.name}: {title[0].lower()}{title[1:]}\n"
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
