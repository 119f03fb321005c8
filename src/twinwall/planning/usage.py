"""What guards packets today: groups on interfaces, ACLs with subnets. What is not known counts as used."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from twinwall.model.firewall import Snapshot


@dataclass(frozen=True)
class Usage:
    """``beside``: group → the groups that share an interface with it, itself among them; None where interfaces
    were not read. ``groups``: all that exist."""

    groups: frozenset[str]
    beside: Mapping[str, frozenset[str]] | None

    @staticmethod
    def of(existing: Snapshot) -> "Usage":
        groups = frozenset(existing.group_by_id)
        if existing.interfaces is None:
            return Usage(groups, None)
        beside: dict[str, set[str]] = defaultdict(set)
        for together in {frozenset(interface.group_ids) for interface in existing.interfaces}:
            for group_id in together:
                beside[group_id] |= together
        return Usage(groups, {id_: frozenset(others) for id_, others in beside.items()})

    def guards(self, group_id: str) -> bool:
        """What a plan creates guards nothing until somebody attaches it."""
        if self.beside is None:
            return group_id in self.groups
        return group_id in self.beside

    def sharing(self, group_id: str) -> frozenset[str]:
        if self.beside is None:
            return self.groups
        return self.beside.get(group_id, frozenset({group_id}))
