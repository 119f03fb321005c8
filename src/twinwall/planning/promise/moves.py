"""What each call of a route does to the rules of a group, and to the lists that they name."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from twinwall.model.firewall import PrefixList, PrefixListEntry
from twinwall.model.net import Cidr
from twinwall.model.rules import Direction, PrefixListPeer, SecurityGroupRule
from twinwall.packets.packetset import PacketSet
from twinwall.planning import changes as c
from twinwall.planning.order import Route, Step
from twinwall.planning.semantics import GroupRules

Rules = frozenset[SecurityGroupRule]
Lists = Mapping[str, frozenset[Cidr]]
"""Lists that are addresses, by id."""

NO_RULES: Rules = frozenset()


@dataclass(frozen=True, slots=True)
class Move:
    """``lists``: id → entries (gained, lost)."""

    position: int
    gains: Rules = NO_RULES
    losses: Rules = NO_RULES
    list_id: str = ""
    added: frozenset[Cidr] = frozenset()
    removed: frozenset[Cidr] = frozenset()

    @property
    def gaining(self) -> bool:
        return bool(self.gains or self.added)

    @property
    def losing(self) -> bool:
        return bool(self.losses or self.removed)


@dataclass(frozen=True)
class State:
    """A group's rules at one moment, with what the lists hold that they name."""

    rules: Rules
    lists: Lists = field(default_factory=dict)

    def then(self, moves: Iterable[Move], *, gains: bool = True, losses: bool = True) -> "State":
        rules, lists = set(self.rules), {id_: set(held) for id_, held in self.lists.items()}
        for move in moves:
            if losses:
                rules -= move.losses
            if gains:
                rules |= move.gains
            if move.list_id in lists:
                if losses:
                    lists[move.list_id] -= move.removed
                if gains:
                    lists[move.list_id] |= move.added
        return State(frozenset(rules), {id_: frozenset(held) for id_, held in lists.items()})

    @cached_property
    def _entries(self) -> Mapping[str, tuple[Cidr, ...]]:
        return {id_: tuple(sorted(held)) for id_, held in self.lists.items()}

    def rules_of(self, direction: Direction) -> GroupRules:
        rules = tuple(sorted(rule for rule in self.rules if rule.direction is direction))
        return GroupRules(rules, self._entries)

    def packets_of(self, some: Iterable[SecurityGroupRule]) -> PacketSet:
        """Of one direction's."""
        return GroupRules(tuple(some), self._entries).packets

    def names_list(self, rule: SecurityGroupRule) -> bool:
        """One that is addresses here."""
        return str(rule.peer) in self.lists


def moves_of(route: Route) -> tuple[dict[str, list[Move]], dict[str, list[Move]]]:
    """Group id → its moves, and list id → its moves, by position."""
    groups: dict[str, list[Move]] = defaultdict(list)
    lists: dict[str, list[Move]] = defaultdict(list)
    for position, item in enumerate(route):
        if not isinstance(item, Step):
            continue
        id_ = item.change.resource.id
        match item.change:
            case c.AuthorizeRules(rules=rules):
                groups[id_].append(Move(position, gains=frozenset(rules)))
            case c.RevokeRules(rules=rules):
                groups[id_].append(Move(position, losses=frozenset(rules)))
            case c.ModifySecurityGroupRules(rule=rule, into=into):
                move = Move(position, gains=frozenset({into}), losses=frozenset({rule}))
                groups[id_].append(move)
            case c.CreateManagedPrefixList(entries=entries):
                lists[id_].append(Move(position, list_id=id_, added=_cidrs(entries)))
            case c.ModifyManagedPrefixList(add=add, remove=remove):
                moved = Move(position, list_id=id_, added=_cidrs(add), removed=_cidrs(remove))
                lists[id_].append(moved)
            case _:
                pass
    return groups, lists


def _cidrs(entries: Iterable[PrefixListEntry]) -> frozenset[Cidr]:
    return frozenset(entry.cidr for entry in entries)


def addresses_of(lists: Iterable[PrefixList]) -> dict[str, frozenset[Cidr]]:
    """The lists that are addresses and no symbols."""
    return {
        item.prefix_list_id: frozenset(entry.cidr for entry in item.entries)
        for item in lists
        if item.entries is not None and not item.aws_managed
    }


def lists_named(rules: Iterable[SecurityGroupRule]) -> set[str]:
    return {rule.peer.prefix_list_id for rule in rules if isinstance(rule.peer, PrefixListPeer)}
