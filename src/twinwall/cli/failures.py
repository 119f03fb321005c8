"""Whatever ends a run early → one line on stderr and the exit code (contract, "Exit codes" and "Errors").

TwinwallError        its own line, its own code
wrong usage          click's line and where help is; 1, not click's 2
Ctrl-C               what was done so far; 130
a file that fails    its name and the system's words, where nothing nearer to it spoke; 1
anything else        "internal error", and how to see more; 1
"""

import re
import sys
import traceback

import click

from twinwall.cli.invocation import Invocation
from twinwall.errors import TwinwallError

INTERRUPTED = 130


class Stopped(KeyboardInterrupt):
    """Raised in a worker's thread when the run was stopped: Ctrl-C itself reaches the main thread only."""


def told(failure: BaseException, invocation: Invocation) -> int:
    """Says it, and answers the exit code."""
    if invocation.debug and not isinstance(failure, click.exceptions.Exit):
        traceback.print_exception(failure, file=sys.stderr)
    match failure:
        case TwinwallError():
            return _line(str(failure), failure.exit_code)
        case click.exceptions.Exit():
            return failure.exit_code
        case click.exceptions.NoArgsIsHelpError():
            click.echo(failure.format_message(), err=True)
            return 1
        case click.UsageError():
            return _line(_usage(failure), 1)
        case click.ClickException():
            return _line(failure.format_message(), 1)
        case KeyboardInterrupt() | click.Abort():
            return _line(f"stopped; {invocation.done or 'nothing was written'}", INTERRUPTED)
        case BrokenPipeError():
            return 1
        case Exception():
            return _line(_unforeseen(failure), 1)
        case _:
            raise failure


def _unforeseen(failure: Exception) -> str:
    match failure:
        case OSError(filename=str() as name, strerror=str() as words):
            return f"{name}: {words}; check the name and what you may do there"
        case _:
            words = f"{type(failure).__name__}: {failure}"
            return f"internal error: {words}; run it again with --debug and report what it prints"


def _usage(failure: click.UsageError) -> str:
    command = failure.ctx.command_path if failure.ctx else "twinwall"
    words = one_line(failure.format_message())
    return f"{words}{'' if words.endswith(('.', '?', ')')) else '.'} See {command} --help"


def one_line(text: str) -> str:
    """click breaks its lists of choices into lines, each with a tab before it."""
    return re.sub(r"[ \t]*[\n\t][ \t]*", " ", text).strip()


def _line(text: str, code: int) -> int:
    click.echo(f"twinwall: {one_line(text)}", err=True)
    return code
