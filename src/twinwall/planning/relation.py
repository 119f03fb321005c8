"""How one firewall stands to another, in a word."""

from typing import Literal

Relation = Literal["equal", "looser", "stricter", "looser and stricter"]


def relation(*, looser: bool, stricter: bool) -> Relation:
    """``looser``: it admits what the other does not; ``stricter``: the other way round."""
    if looser:
        return "looser and stricter" if stricter else "looser"
    return "stricter" if stricter else "equal"
