"""stdout and stderr: results go to the first, everything else to the second."""

import json
import os
import sys
from collections.abc import Sequence
from typing import Any, TextIO

import click
from rich.console import Console, RenderableType

from twinwall.cli.failures import one_line
from twinwall.cli.invocation import Invocation
from twinwall.errors import ConfigError
from twinwall.report.blocks import plain


def result(text: RenderableType) -> None:
    """A result for people. On a terminal with its width and colours, in a pipe 80 columns of plain text."""
    _write(lambda: _print(text, sys.stdout))


def document(value: Any) -> None:
    """A result for programs: JSON, alone on stdout."""
    _write(lambda: sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n"))


def lines(texts: Sequence[str]) -> None:
    """A result that is lines to copy: never wrapped, never coloured."""
    _write(lambda: sys.stdout.write("\n".join(texts) + "\n"))


def verbatim(text: str) -> None:
    """A result for programs that is no JSON."""
    _write(lambda: sys.stdout.write(text))


def _write(write: Any) -> None:
    """A reader that has gone away (``| head``) is no error of ours, and what was done stays done. A full disk is."""
    try:
        write()
        sys.stdout.flush()
    except BrokenPipeError:
        _to_nowhere()
    except OSError as failed:
        _to_nowhere()
        raise ConfigError(
            f"the result cannot be written to stdout: {failed.strerror or failed}; send it elsewhere and run again"
        ) from None


def _to_nowhere() -> None:
    """What is still held back goes there too, so that the interpreter's end does not fail on it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def tell(text: str) -> None:
    """What must be seen, on stderr."""
    click.echo(one_line(text), err=True)


def remark(text: str, invocation: Invocation) -> None:
    """What is good to know, on stderr, unless --quiet."""
    if not invocation.quiet:
        tell(text)


def show_beside(text: RenderableType, invocation: Invocation) -> None:
    """Something for people while stdout is kept for the result."""
    if not invocation.quiet:
        _print(text, sys.stderr)


def _print(text: RenderableType, stream: TextIO) -> None:
    if stream.isatty():
        Console(file=stream, highlight=False, markup=False, emoji=False).print(text, crop=False)
    else:
        stream.write(plain(text))
