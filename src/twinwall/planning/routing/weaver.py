"""A route in the making: calls put one behind the other, each with what it waits for."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from twinwall.planning import changes as c
from twinwall.planning.order import Barrier, Route, Step


@dataclass
class Weaver:
    """``made``: where each ref becomes an id."""

    items: list[Step | Barrier] = field(default_factory=list)
    made: dict[str, int] = field(default_factory=dict)

    @property
    def route(self) -> Route:
        return tuple(self.items)

    def send(self, change: c.Change, after: Iterable[int] = ()) -> int:
        """The call's position. It waits for ``after``, and for the refs in it to be ids."""
        refs = (self.made[id_] for id_ in named_by(change) if id_ in self.made)
        self.items.append(Step(change, _sorted((*after, *refs))))
        position = len(self.items) - 1
        if isinstance(change, c.CreateSecurityGroup | c.CreateNetworkAcl | c.CreateManagedPrefixList):
            self.made[change.resource.id] = position
        return position

    def calls_on(self, id_: str) -> list[int]:
        return [position for position, item in enumerate(self.items) if _on(item, id_)]

    def settle(self, after: Iterable[int]) -> tuple[int, ...]:
        """A barrier behind these calls; none where there is nothing to wait for. What comes next waits for what
        this returns."""
        found = set(after)
        waited = {position for item in found for position in self.items[item].after}
        if not found:
            return ()
        self.items.append(Barrier(_sorted(found - waited)))
        return (len(self.items) - 1,)


def _on(item: Step | Barrier, id_: str) -> bool:
    return isinstance(item, Step) and item.change.resource.id == id_


def _sorted(positions: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(set(positions)))


def named_by(change: c.Change) -> set[str]:
    """The ids that EC2 must know for this call."""
    ids = {change.resource.id}
    match change:
        case (
            c.AuthorizeRules(rules=rules) | c.RevokeRules(rules=rules) | c.UpdateRuleDescriptions(rules=rules)
        ):
            ids.update(str(rule.peer) for rule in rules)
        case c.ModifySecurityGroupRules(into=into):
            ids.add(str(into.peer))
        case c.ReplaceNetworkAclAssociation(network_acl_id=acl_id):
            ids.add(acl_id)
        case _:
            pass
    return ids
