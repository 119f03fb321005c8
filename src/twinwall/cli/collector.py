"""Python's collector of cyclic garbage, kept still while much is made and nothing is thrown away."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused() -> Iterator[None]:
    """For work that turns large files into values that all stay: the collector would look through all of
    them time and again, for as long as the work itself takes, and find nothing; nor does it later."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()
