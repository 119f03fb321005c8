"""The workflows, as a face calls them."""

from twinwall.engine.lock import acquire, find, is_dead, leave, remove
from twinwall.engine.replica import (
    apply,
    check_fresh,
    check_lists_agree,
    opened,
    plan,
    prove,
    prove_unchanged,
    snapshot,
    verify,
)
from twinwall.engine.turning import arrival, check_account, resume, undo

__all__ = [
    "acquire",
    "apply",
    "arrival",
    "check_account",
    "check_fresh",
    "check_lists_agree",
    "find",
    "is_dead",
    "leave",
    "opened",
    "plan",
    "prove",
    "prove_unchanged",
    "remove",
    "resume",
    "snapshot",
    "undo",
    "verify",
]
