"""A group's rules at hand: by what they say, by id, and how much they count. Kept up rule by rule, so that a write
to a large group costs no more than one to a small group."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from twinwall.model.firewall import SecurityGroup
from twinwall.model.rules import CidrPeer, Direction, PrefixListPeer, SecurityGroupRule


@dataclass(slots=True)
class Tally:
    """Rules of one direction by the kind of their peer; lists by id, for their size may change."""

    ipv4: int = 0
    ipv6: int = 0
    groups: int = 0
    lists: dict[str, int] = field(default_factory=dict)

    def count(self, rule: SecurityGroupRule, by: int) -> None:
        """``by``: 1 for a rule that comes, -1 for one that goes."""
        peer = rule.peer
        if isinstance(peer, CidrPeer):
            if peer.cidr.family == 4:
                self.ipv4 += by
            else:
                self.ipv6 += by
        elif isinstance(peer, PrefixListPeer):
            self.lists[peer.prefix_list_id] = self.lists.get(peer.prefix_list_id, 0) + by
        else:
            self.groups += by

    def copy(self) -> "Tally":
        return Tally(self.ipv4, self.ipv6, self.groups, dict(self.lists))


Identity = tuple[object, ...]


def identity(rule: SecurityGroupRule) -> Identity:
    """What makes a rule this one and no other, as a tuple: hashed several times as fast as the rule."""
    traffic, peer = rule.traffic, rule.peer
    egress = rule.direction is Direction.EGRESS
    if isinstance(peer, CidrPeer):
        cidr = peer.cidr
        return egress, traffic.protocol, traffic.first, traffic.last, cidr.family, cidr.first, cidr.length
    id_ = peer.prefix_list_id if isinstance(peer, PrefixListPeer) else peer.group_id
    return egress, traffic.protocol, traffic.first, traffic.last, id_


class Index:
    """``rules`` by identity, ``by_id`` by their ids, ``tallies`` by direction."""

    __slots__ = ("by_id", "group", "rules", "tallies")

    def __init__(self, group: SecurityGroup) -> None:
        self.group = group
        self.rules: dict[Identity, SecurityGroupRule] = {}
        self.by_id: dict[str, SecurityGroupRule] = {}
        self.tallies = {Direction.INGRESS: Tally(), Direction.EGRESS: Tally()}
        self.change(group, group.rules, ())

    def change(
        self, group: SecurityGroup, come: Iterable[SecurityGroupRule], gone: Iterable[SecurityGroupRule]
    ) -> None:
        for rule in gone:
            self.rules.pop(identity(rule), None)
            self.by_id.pop(rule.rule_id, None)
            self.tallies[rule.direction].count(rule, -1)
        for rule in come:
            self.rules[identity(rule)] = rule
            self.by_id[rule.rule_id] = rule
            self.tallies[rule.direction].count(rule, 1)
        self.group = group
