"""What guards packets today: groups on interfaces, ACLs with subnets. What is not known counts as used."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from twinwall.model.firewall import Snapshot

Together = frozenset[str]
"""The groups of one interface."""


@dataclass(frozen=True)
class Usage:
    """``together``: group → the interfaces it is on, by their groups; None where interfaces were not read. ``groups``:
    all that exist."""

    groups: frozenset[str]
    together: Mapping[str, tuple[Together, ...]] | None

    @staticmethod
    def of(existing: Snapshot) -> "Usage":
        groups = frozenset(existing.group_by_id)
        if existing.interfaces is None:
            return Usage(groups, None)
        together: dict[str, list[Together]] = defaultdict(list)
        for some in dict.fromkeys(frozenset(interface.group_ids) for interface in existing.interfaces):
            for group_id in some:
                together[group_id].append(some)
        return Usage(groups, {id_: tuple(some) for id_, some in together.items()})

    def guards(self, group_id: str) -> bool:
        """What a plan creates guards nothing until somebody attaches it."""
        if self.together is None:
            return group_id in self.groups
        return group_id in self.together

    def sharing(self, group_id: str) -> Together:
        """The groups that may stand on an interface with this one, itself among them."""
        if self.together is None:
            return self.groups
        return frozenset({group_id}).union(*self.together.get(group_id, ()))

    def interfaces(self, group_id: str, near: Collection[str]) -> Iterator[Together]:
        """The groups of each interface that may hold this one and one of ``near``; where interfaces are not known, any
        two groups may be alone on one."""
        if self.together is None:
            yield from (frozenset({group_id, other}) for other in sorted(near))
            return
        for some in self.together.get(group_id, ()) if near else ():
            if not some.isdisjoint(near):
                yield some
