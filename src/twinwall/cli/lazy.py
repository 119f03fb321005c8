"""A group whose commands are loaded when they are called, and help told in sections.

``twinwall --help`` needs their names and one line each, so both stand in a table; the modules, and what they
import, come later.
"""

import difflib
import importlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import click
from click.shell_completion import CompletionItem


class Lazy(NamedTuple):
    """``target`` is ``module:attribute``; ``help`` is the first line of the command's own."""

    target: str
    help: str


class LazyGroup(click.Group):
    def __init__(self, *args: Any, lazy: Mapping[str, Lazy] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lazy = dict(lazy or {})

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self.lazy, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.lazy:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = self.lazy[cmd_name].target.partition(":")
        command = getattr(importlib.import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{self.lazy[cmd_name].target} is not a command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """A name that nearly is one gets told which."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as wrong:
            near = difflib.get_close_matches(args[0], self.list_commands(ctx), 1)
            if not near or "Did you mean" in wrong.message:
                raise
            raise click.UsageError(f"{wrong.message} (Did you mean '{near[0]}'?)", ctx) from None

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Their names from the table too, and the group's own options."""
        names = [
            CompletionItem(name, help=lazy.help)
            for name, lazy in self.lazy.items()
            if name.startswith(incomplete)
        ]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """From the table; what was added in the usual way follows."""
        rows = [(name, lazy.help) for name, lazy in self.lazy.items()]
        rows += [(name, command.get_short_help_str(80)) for name, command in self.commands.items()]
        with formatter.section("Commands" if ctx.parent is None else "Subcommands"):
            formatter.write_dl(rows)


class SectionedOption(click.Option):
    """An option that says under which heading of the help it stands."""

    def __init__(self, *args: Any, section: str = "Options", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.section = section

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        from twinwall.cli import completing  # noqa: PLC0415 - only where a shell asks

        match self.name, self.metavar:
            case "source" | "target" | "at", _:
                return completing.places(ctx, self, incomplete)
            case "replica", _:
                return completing.replicas(ctx, self, incomplete)
            case _, "FILE" | "PLAN":
                return completing.files(ctx, self, incomplete)
            case _:
                return super().shell_complete(ctx, incomplete)


class SectionedCommand(click.Command):
    """Shows its options by section, in the order of the sections' first options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """click leaves out of some of its complaints which command they are about."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as wrong:
            wrong.ctx = wrong.ctx or ctx
            raise

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, records in sections(self, ctx).items():
            with formatter.section(title):
                formatter.write_dl(records)


def sections(command: click.Command, ctx: click.Context) -> dict[str, list[tuple[str, str]]]:
    """Title → options with their words. Arguments are told in the command's own text."""
    found: dict[str, list[tuple[str, str]]] = {}
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx)
        if record is not None and not isinstance(parameter, click.Argument):
            found.setdefault(getattr(parameter, "section", "Options"), []).append(record)
    return found
