"""What a copy is called: ``--rename``, and the spellings that EC2 accepts."""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

from twinwall.errors import ConfigError
from twinwall.replica.scene import name_key
from twinwall.replica.settings import Rename

MAX_LENGTH = 255
_REFUSED = re.compile(r"[^a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]")
"""What GroupName and Description may not hold (API: CreateSecurityGroup)."""


def renamed(name: str, id_: str, renames: Sequence[Rename]) -> str:
    """The first GLOB that matches the name (as EC2 compares names) or is the id decides."""
    for item in renames:
        if item.glob == id_ or fnmatchcase(name_key(name), name_key(item.glob)):
            return _fill(item, name)
    return name


def _fill(item: Rename, name: str) -> str:
    starred = name
    if item.glob.count("*") == 1:
        before, _, after = item.glob.partition("*")
        if name_key(name).startswith(name_key(before)) and len(name) >= len(before) + len(after):
            starred = name[len(before) : len(name) - len(after)]
    new = item.pattern.replace("{name}", name).replace("*", starred, 1)
    if not new.strip():
        raise ConfigError(
            f"--rename {item.glob}={item.pattern}: {name!r} would have no name; give a pattern with more than *"
        )
    return new


def accepted(text: str, otherwise: str = "") -> str:
    """The text as EC2 would take it for a name or description: what it refuses becomes ``-``, the length is
    cut; ``otherwise`` where nothing is left (EC2 wants a description)."""
    if not text:
        return otherwise
    clean = _REFUSED.sub("-", text)[:MAX_LENGTH]
    return clean if clean.strip() else otherwise
