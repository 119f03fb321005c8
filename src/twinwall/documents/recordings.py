"""Recordings of a mesh, which ``mesh status --record`` writes: read back, with the shape that ``status`` relies on.

A recording may be another's, or edited. What a row says is judged where rows are read; here stands what makes it one.
"""

from pathlib import Path
from typing import Any

import msgspec

from twinwall.documents.files import read_object
from twinwall.errors import DocumentError


class _Named(msgspec.Struct):
    """A tag."""

    key: str = msgspec.field(name="Key")
    value: str = msgspec.field(name="Value", default="")


class _Referenced(msgspec.Struct):
    group: str = msgspec.field(name="GroupId")
    owner: str | None = msgspec.field(name="UserId", default=None)


class _Rule(msgspec.Struct):
    """A ``SecurityGroupRule`` (API shape of that name), as far as it is read."""

    protocol: str = msgspec.field(name="IpProtocol")
    is_egress: bool = msgspec.field(name="IsEgress", default=False)
    first: int | None = msgspec.field(name="FromPort", default=None)
    last: int | None = msgspec.field(name="ToPort", default=None)
    ipv4: str | None = msgspec.field(name="CidrIpv4", default=None)
    ipv6: str | None = msgspec.field(name="CidrIpv6", default=None)
    prefix_list: str | None = msgspec.field(name="PrefixListId", default=None)
    group: _Referenced | None = msgspec.field(name="ReferencedGroupInfo", default=None)
    tags: list[_Named] | None = msgspec.field(name="Tags", default=None)

    def __post_init__(self) -> None:
        if not (self.ipv4 or self.ipv6 or self.prefix_list or self.group):
            raise ValueError(
                "a rule without its other side: CidrIpv4, CidrIpv6, PrefixListId, ReferencedGroupInfo"
            )


class _Row(msgspec.Struct):
    region: str
    asg: str


class _Table(msgspec.Struct):
    rows: list[_Row]
    unknown: dict[str, float] | None = None


class _Recording(msgspec.Struct):
    tables: dict[str, _Table | None]
    groups: dict[str, list[_Rule] | None]
    at: float = 0.0
    failed: dict[str, str] | None = None


def load(path: Path) -> dict[str, Any]:
    """Raises ``DocumentError``."""
    found = read_object(path, "the recording")
    try:
        msgspec.convert(found, _Recording)
    except msgspec.ValidationError as wrong:
        raise DocumentError(
            f"the recording {path} is none of a mesh: {wrong}; make it again with twinwall mesh status --record"
        ) from None
    return found
