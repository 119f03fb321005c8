"""The workflows, as a face calls them. Each is loaded when it is asked for: a proof needs nothing of an apply."""

from importlib import import_module
from typing import Any

_HOMES = {
    "comparing": ("opened", "snapshot", "verify"),
    "lock": ("acquire", "find", "is_dead", "leave", "remove"),
    "replica": ("apply", "begin", "check_fresh", "check_lists_agree", "plan"),
    "rates": ("rated",),
    "proving": ("prove", "prove_unchanged"),
    "turning": ("arrival", "check_account", "resume", "undo"),
}
_HOME_OF = {name: f"twinwall.engine.{home}" for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)
