"""The workflows, as a face calls them."""

from twinwall.engine.lock import acquire, find, is_dead, leave, remove
from twinwall.engine.proving import prove, prove_unchanged
from twinwall.engine.replica import (
    apply,
    begin,
    check_fresh,
    check_lists_agree,
    opened,
    plan,
    snapshot,
    verify,
)
from twinwall.engine.turning import arrival, check_account, resume, undo

__all__ = [
    "acquire",
    "apply",
    "arrival",
    "begin",
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
