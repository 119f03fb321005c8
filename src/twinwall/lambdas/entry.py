"""Where a function's process begins. Nothing of what a start makes is ever garbage, and to look through it again and
again takes a tenth of the start: the collector rests until the first event is dealt with, and never looks there."""

import gc

gc.disable()

from typing import Any  # noqa: E402 - the collector is to rest before anything is loaded

from twinwall.lambdas.handlers import mesh as handled  # noqa: E402 - likewise


def mesh(event: Any, context: object) -> Any:
    try:
        return handled(event, context)
    finally:
        if not gc.isenabled():
            gc.freeze()
            gc.enable()
