"""A plan's changes sorted by what they do to what guards packets: gains, losses, and the rest."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from twinwall.model.net import Cidr
from twinwall.model.rules import Direction, SecurityGroupRule
from twinwall.packets.packetset import PacketSet
from twinwall.planning import changes as c
from twinwall.planning.replay import addresses_of
from twinwall.planning.routing.given import Given
from twinwall.planning.semantics import GroupRules


@dataclass
class ListCalls:
    """The calls on one list, each kind in the order in which they are made."""

    gains: list[c.Change]
    losses: list[c.Change]

    @property
    def removed(self) -> tuple[Cidr, ...]:
        calls = [call for call in self.losses if isinstance(call, c.ModifyManagedPrefixList)]
        back = {entry.cidr for call in calls for entry in call.add}
        return tuple(entry.cidr for call in calls for entry in call.remove if entry.cidr not in back)

    @property
    def added(self) -> tuple[Cidr, ...]:
        calls = [call for call in self.gains if isinstance(call, c.ModifyManagedPrefixList)]
        return tuple(entry.cidr for call in calls for entry in call.add)


@dataclass(frozen=True)
class Calls:
    given: Given

    @cached_property
    def lists(self) -> dict[str, ListCalls]:
        """All adds before removes, grown before, shrunk after."""
        found: dict[str, ListCalls] = defaultdict(lambda: ListCalls([], []))
        for change in self.given.changes:
            match change:
                case c.CreateManagedPrefixList():
                    found[change.resource.id].gains.append(change)
                case c.ModifyManagedPrefixList(remove=remove, reason=reason):
                    calls = found[change.resource.id]
                    loses = remove or reason in (c.SHRINK, c.REDESCRIBE)
                    (calls.losses if loses else calls.gains).append(change)
                case _:
                    pass
        return dict(found)

    @cached_property
    def creations(self) -> dict[str, c.CreateSecurityGroup]:
        made = (change for change in self.given.changes if isinstance(change, c.CreateSecurityGroup))
        return {change.resource.id: change for change in made}

    @cached_property
    def born(self) -> list[c.RevokeRules]:
        """What EC2 gives new groups and nobody asked for."""
        return [ch for ch in self.given.changes if isinstance(ch, c.RevokeRules) and ch.missing_ok]

    @cached_property
    def remarks(self) -> list[c.Change]:
        """What changes no packet's verdict."""
        return [
            ch
            for ch in self.given.changes
            if isinstance(ch, c.CreateTags | c.DeleteTags | c.UpdateRuleDescriptions)
        ]

    @cached_property
    def full(self) -> dict[str, tuple[frozenset[SecurityGroupRule], frozenset[SecurityGroupRule]]]:
        """Groups without room for all of their gains before their losses: id → (gains, losses)."""
        found = {}
        for id_, changes in self.given.by_thing.items():
            group = self.given.before.groups.get(id_)
            gains = [rule for ch in changes if isinstance(ch, c.AuthorizeRules) for rule in ch.rules]
            losses = [rule for ch in changes if isinstance(ch, c.RevokeRules) for rule in ch.rules]
            if group and gains and losses and not self.given.fits({*group.rules, *gains}):
                found[id_] = frozenset(gains), frozenset(losses)
        return found

    @cached_property
    def gains(self) -> list[c.AuthorizeRules]:
        """Of groups that exist, or will, and have room."""
        return [
            change
            for change in self.given.changes
            if isinstance(change, c.AuthorizeRules) and change.resource.id not in self.full
        ]

    @cached_property
    def losses(self) -> list[c.RevokeRules]:
        return [
            change
            for change in self.given.changes
            if isinstance(change, c.RevokeRules)
            and not change.missing_ok
            and change.resource.id not in self.full
        ]

    @cached_property
    def deletions(self) -> list[c.Change]:
        """Groups, then lists: what names them goes before."""
        kinds = (c.DeleteSecurityGroup, c.DeleteManagedPrefixList)
        return [change for kind in kinds for change in self.given.changes if isinstance(change, kind)]

    # --- rules that name a list which changes both ways

    def must_wait(self, change: c.AuthorizeRules) -> frozenset[str]:
        """Lists that this gain names and that still hold what neither end admits here: they lose it first."""
        named = {rule: self.lists.get(str(rule.peer)) for rule in change.rules}
        return frozenset(
            str(rule.peer)
            for rule, calls in named.items()
            if calls and self._strange(change, rule, calls.removed)
        )

    def must_go_first(self, change: c.RevokeRules) -> frozenset[str]:
        """Lists that this loss names and that gain what neither end admits here: they gain it afterwards."""
        named = {rule: self.lists.get(str(rule.peer)) for rule in change.rules}
        return frozenset(
            str(rule.peer)
            for rule, calls in named.items()
            if calls and self._strange(change, rule, calls.added)
        )

    def _strange(
        self, change: c.AuthorizeRules | c.RevokeRules, rule: SecurityGroupRule, entries: tuple[Cidr, ...]
    ) -> bool:
        id_ = change.resource.id
        if not entries or not self.given.usage.guards(id_):
            return False
        through = GroupRules((rule,), {str(rule.peer): entries}).packets
        return not through <= self._ends(id_, change.direction)

    def _ends(self, group_id: str, direction: Direction) -> PacketSet:
        packets = PacketSet()
        for state in (self.given.before, self.given.goal):
            lists = addresses_of(state.lists.values())
            packets |= GroupRules(state.groups[group_id].rules_of(direction), lists).packets
        return packets


def split(change: c.AuthorizeRules, lists: Iterable[str]) -> tuple[c.AuthorizeRules | None, c.AuthorizeRules]:
    """The rules that name none of the lists, and those that do."""
    named = set(lists)
    now = tuple(rule for rule in change.rules if str(rule.peer) not in named)
    later = tuple(rule for rule in change.rules if str(rule.peer) in named)
    return (replace(change, rules=now) if now else None), replace(change, rules=later)


def split_loss(change: c.RevokeRules, lists: Iterable[str]) -> tuple[c.RevokeRules, c.RevokeRules | None]:
    """The rules that name one of the lists, and the others."""
    named = set(lists)
    first = tuple(rule for rule in change.rules if str(rule.peer) in named)
    rest = tuple(rule for rule in change.rules if str(rule.peer) not in named)
    return replace(change, rules=first), (replace(change, rules=rest) if rest else None)
