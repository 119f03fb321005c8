"""The order of a plan's calls: things before what names them, adds before removes, deletes last.

0  prefix lists made and grown, their entries added
1  groups made                       (all of them, so that rules may name each other in any circle)
2  what EC2 gave a new group revoked  (nothing is behind it yet, and it may need the room)
3  rules added, described; tags
4  ACLs made, filled, changed        (a new ACL is complete before a subnet gets it)
5  subnets get their ACLs
6  rules revoked, ACL entries deleted
7  list entries removed, lists shrunk
8  groups, ACLs, lists deleted
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from twinwall.planning import changes as c


@dataclass(frozen=True, slots=True)
class Step:
    """One call, and the positions in the route of what must be known to be done before it is sent."""

    change: c.Change
    after: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Barrier:
    """What stands before it (``after``) is read back, and settles, before anything that stands after it."""

    after: tuple[int, ...]


Route = tuple[Step | Barrier, ...]
"""A partial order of calls: each names earlier positions only, so that the route itself is one allowed order."""


def order(changes: Sequence[c.Change]) -> Route:
    """Stable within a stage: the order in which ``diff`` found them."""
    found = sorted(changes, key=stage)
    return tuple(Step(change, (at - 1,) if at else ()) for at, change in enumerate(found))


def stage(change: c.Change) -> int:
    match change:
        case c.CreateManagedPrefixList():
            return 0
        case c.ModifyManagedPrefixList(remove=remove):
            return 7 if remove or change.reason == c.SHRINK else 0
        case c.CreateSecurityGroup():
            return 1
        case c.RevokeRules(missing_ok=True):
            return 2
        case c.AuthorizeRules() | c.UpdateRuleDescriptions() | c.CreateTags() | c.DeleteTags():
            return 3
        case c.CreateNetworkAcl() | c.CreateNetworkAclEntry() | c.ReplaceNetworkAclEntry():
            return 4
        case c.ReplaceNetworkAclAssociation():
            return 5
        case c.RevokeRules() | c.DeleteNetworkAclEntry():
            return 6
        case c.DeleteSecurityGroup() | c.DeleteNetworkAcl() | c.DeleteManagedPrefixList():
            return 8
        case _:
            assert_never(change)
