"""The entries of one direction of an ACL, and what they admit."""

from collections.abc import Iterable
from functools import lru_cache

from twinwall.model.rules import Direction, NetworkAclEntry
from twinwall.packets.packetset import PacketSet
from twinwall.planning.semantics import AclEntries

Entries = tuple[NetworkAclEntry, ...]
"""Of one direction, by number."""

DIRECTIONS = (Direction.INGRESS, Direction.EGRESS)


def of_direction(entries: Iterable[NetworkAclEntry], direction: Direction) -> Entries:
    return tuple(sorted(entry for entry in entries if entry.direction is direction))


@lru_cache(maxsize=1 << 12)
def packets_of(entries: Entries) -> PacketSet:
    return AclEntries(entries).packets
