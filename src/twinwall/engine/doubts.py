"""Calls that may still arrive: sent, never answered, and not found done when the target was read.

Such a call must not meet what the run has made since. A later call that takes away or rewrites what the doubtful one
would write waits until it cannot arrive any more; one that writes the same content need not (promise: answers that
never come).
"""

from dataclasses import dataclass, field

from twinwall.planning import changes as c


@dataclass
class Doubts:
    """``until``: when the last of them cannot arrive any more (monotonic); 0 where there were none."""

    until: float = 0.0
    _open: dict[int, tuple[c.Change, float]] = field(default_factory=dict)

    def sent(self, position: int, change: c.Change, until: float) -> None:
        """Nobody answered. ``until``: it cannot arrive later than that. Of two tries the later one counts."""
        self._open[position] = (change, until)

    def cleared(self, position: int) -> None:
        """It was found done, the one time that it was sent."""
        self._open.pop(position, None)

    def done(self, position: int, change: c.Change) -> None:
        """A further try of it was answered: the first may still arrive."""
        if position in self._open and not _harmless(change):
            self.until = max(self.until, self._open[position][1])

    def safe_at(self, position: int, change: c.Change) -> float:
        """When this call may be sent; 0: at once."""
        return max(
            (until for at, (open_, until) in self._open.items() if at != position and _clash(open_, change)),
            default=0.0,
        )


def _harmless(change: c.Change) -> bool:
    """Whatever becomes of a second one of the same, nothing is otherwise: its token, its version, its old association
    or the deleted thing's id make it nothing."""
    return not isinstance(
        change,
        c.AuthorizeRules
        | c.RevokeRules
        | c.ModifySecurityGroupRules
        | c.CreateNetworkAclEntry
        | c.ReplaceNetworkAclEntry
        | c.DeleteNetworkAclEntry
        | c.CreateSecurityGroup,
    )


def _clash(doubtful: c.Change, later: c.Change) -> bool:
    """Would the doubtful call, arriving after the later one, change what that one made?"""
    if doubtful.resource.id != later.resource.id:
        return False
    match doubtful, later:
        case (
            c.CreateNetworkAclEntry() | c.ReplaceNetworkAclEntry() | c.DeleteNetworkAclEntry(),
            c.CreateNetworkAclEntry() | c.ReplaceNetworkAclEntry() | c.DeleteNetworkAclEntry(),
        ):
            return doubtful.entry.key == later.entry.key
        case c.AuthorizeRules(), c.RevokeRules():
            return not set(doubtful.rules).isdisjoint(later.rules)
        case c.RevokeRules(by_id=False), c.AuthorizeRules():
            return not set(doubtful.rules).isdisjoint(later.rules)
        case (
            c.ModifySecurityGroupRules(),
            c.ModifySecurityGroupRules() | c.RevokeRules() | c.AuthorizeRules(),
        ):
            return True
        case c.AuthorizeRules(), c.ModifySecurityGroupRules():
            return later.rule in doubtful.rules
        case c.ModifyManagedPrefixList(), c.ModifyManagedPrefixList():
            return doubtful.max_entries is not None and later.max_entries is not None
        case _:
            return False
