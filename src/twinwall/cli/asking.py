"""Saying yes: asked on a terminal, skipped with --yes, refused where nobody can answer."""

import sys

import click

from twinwall.errors import NotConfirmed


def confirm(doing: str, *, yes: bool) -> None:
    """Returns if the answer is yes. Raises ``NotConfirmed``. ``doing``: ``making 3 calls that change web``."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise NotConfirmed(f"{doing}: not confirmed, because there is no terminal to ask on; say --yes")
    click.echo(f"{doing[0].upper()}{doing[1:]}: go on? [y/N] ", err=True, nl=False)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise NotConfirmed(f"{doing}: not confirmed; nothing was written")
