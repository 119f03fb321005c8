"""``twinwall completion``: what a shell must know to complete our command lines."""

import click
from click.shell_completion import get_completion_class

from twinwall.cli import options as o
from twinwall.cli import output
from twinwall.cli.invocation import Invocation

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_TWINWALL_COMPLETE"
"""The one that click looks at for a program of this name."""


@o.command("completion")
@click.argument("shell", metavar="SHELL", type=click.Choice(SHELLS))
@o.general
@click.pass_context
def completion(ctx: click.Context, /, shell: str) -> int:
    """Print a script that lets a shell complete our commands.

    SHELL is bash (4.4 or newer), zsh or fish. In ~/.bashrc: eval "$(twinwall completion bash)". In ~/.zshrc the
    same with zsh. For fish: twinwall completion fish > ~/.config/fish/completions/twinwall.fish. Commands, options
    and their values are completed, files, and the names of twinwall.toml.
    """
    found = get_completion_class(shell)
    assert found is not None
    script = found(ctx.find_root().command, {}, "twinwall", VARIABLE).source()
    if ctx.ensure_object(Invocation).json:
        output.document({"shell": shell, "script": script})
    else:
        output.verbatim(script)
    return 0
