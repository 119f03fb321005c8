"""What one run of the command line knows before any command does: how to speak, and to whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twinwall.cli.world import World


@dataclass
class Invocation:
    """The context's object. ``world`` is what the run reaches outside itself; None: the real one, made on
    first use. ``command`` is the one that was called, as far as a report needs it, and ``reported``: whether that is
    written. ``done`` says what was done so far, for the line that Ctrl-C gets."""

    config: str | None = None
    output: str = "text"
    report: str | None = None
    reported: bool = False
    command: str = "twinwall"
    quiet: bool = False
    verbose: bool = False
    debug: bool = False
    done: str = ""
    world: World | None = None

    @property
    def json(self) -> bool:
        return self.output == "json"
