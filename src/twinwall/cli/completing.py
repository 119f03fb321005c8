"""What a shell is offered where a word is missing: files, and the names of ``twinwall.toml``.

Runs while somebody presses a key: it says nothing, and what is wrong offers nothing.
"""

from collections.abc import Sequence
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from twinwall.documents import configuration as configurations
from twinwall.documents.configuration import Configuration
from twinwall.errors import TwinwallError


def files(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The shell completes a path itself."""
    return [CompletionItem(incomplete, type="file")]


def replicas(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return _named(list(_configuration(ctx).replicas), incomplete)


def places(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Locations; where none begins so, a snapshot."""
    return _named(list(_configuration(ctx).locations), incomplete) or files(ctx, parameter, incomplete)


def _named(names: Sequence[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def _configuration(ctx: click.Context) -> Configuration:
    named = getattr(ctx.find_object(object), "config", None)
    try:
        return configurations.load(Path(named) if named else None)
    except TwinwallError:
        return Configuration()
