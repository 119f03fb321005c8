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
from typing import assert_never

from twinwall.planning import changes as c


def order(changes: Sequence[c.Change]) -> tuple[c.Change, ...]:
    """Stable within a stage: the order in which ``diff`` found them."""
    return tuple(sorted(changes, key=stage))


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
        case c.AuthorizeRules() | c.UpdateRuleDescriptions() | c.CreateTags():
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
