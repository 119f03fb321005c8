"""What the embedded AWS holds of groups, ACLs and prefix lists: accounts × Regions of frozen values.

The rulebook reads this and never writes it: an accepted request comes back as an ``Answer`` whose effects
``apply`` carries out. VPCs, subnets, interfaces and peerings are moto's; they are read through ``Network``.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, TypeVar

from twinwall.emulator.index import Index
from twinwall.emulator.network import Network
from twinwall.emulator.switches import LIMITS, QUOTAS, Switches
from twinwall.model.firewall import NetworkAcl, PrefixList, PrefixListEntry, SecurityGroup
from twinwall.model.rules import SecurityGroupRule, Tags
from twinwall.model.throttle import Bucket, bucket_of

Given = TypeVar("Given")

Params = Mapping[str, Any]


@dataclass(frozen=True)
class VpcAssociation:
    """A group used in another VPC of the Region (aws-facts 1.9)."""

    group_id: str
    vpc_id: str
    vpc_owner_id: str
    state: str = "associated"

    @property
    def key(self) -> tuple[str, str]:
        return self.group_id, self.vpc_id


@dataclass(frozen=True)
class ListState:
    """A prefix list with its history: entries by version, and what the next reads will see."""

    value: PrefixList
    history: tuple[tuple[int, tuple[PrefixListEntry, ...]], ...] = ()
    becomes: PrefixList | None = None
    message: str = ""
    """Why the last change failed."""

    @property
    def key(self) -> str:
        return self.value.prefix_list_id


@dataclass
class Holdings:
    """One account's Region."""

    account: str
    region: str
    groups: dict[str, SecurityGroup] = field(default_factory=dict)
    acls: dict[str, NetworkAcl] = field(default_factory=dict)
    lists: dict[str, ListState] = field(default_factory=dict)
    associations: dict[tuple[str, str], VpcAssociation] = field(default_factory=dict)
    tokens: dict[tuple[str, str], tuple[Any, Mapping[str, Any]]] = field(default_factory=dict)
    rule_owner: dict[str, str] = field(default_factory=dict)
    """Rule id → group id."""
    indexes: dict[str, Index] = field(default_factory=dict, compare=False, repr=False)

    def index(self, group: SecurityGroup) -> Index:
        """Of a group held here; made on first use, and anew where the group was put by hand."""
        found = self.indexes.get(group.group_id)
        if found is None or found.group is not group:
            found = self.indexes[group.group_id] = Index(group)
        return found


@dataclass
class World:
    network: Network
    accounts: frozenset[str] = frozenset()
    """The accounts held here; of others nothing is known."""
    switches: Switches = field(default_factory=Switches)
    quotas: dict[tuple[str, str, str], int] = field(default_factory=dict)
    """(account, Region, code) → value; ``*`` stands for any account or Region."""
    buckets: dict[tuple[str, str, str], Bucket] = field(default_factory=dict)
    """(account, Region, action) → the account's own request bucket; ``*`` stands for any account or Region."""
    ids: Callable[[str], str] = field(default_factory=lambda: make_ids(random.Random()))
    holdings: dict[tuple[str, str], Holdings] = field(default_factory=dict)

    def at(self, account: str, region: str) -> Holdings:
        found = self.holdings.get((account, region))
        if found is None:
            found = self.holdings[account, region] = Holdings(account, region)
        return found

    def in_region(self, region: str) -> Iterator[Holdings]:
        return (held for (_, name), held in self.holdings.items() if name == region)

    def quota(self, account: str, region: str, code: str) -> int:
        own = _own(self.quotas, account, region, code)
        if own is not None:
            return own
        return QUOTAS[code][1] if code in QUOTAS else LIMITS[code]

    def bucket(self, account: str, region: str, action: str, *, unfiltered: bool = False) -> Bucket:
        """Whoever has a bucket of their own has it for filtered requests: what is documented of the others stays."""
        own = None if unfiltered else _own(self.buckets, account, region, action)
        return own or bucket_of(action, unfiltered=unfiltered)


def _own(given: Mapping[tuple[str, str, str], Given], account: str, region: str, name: str) -> Given | None:
    keys = ((account, region, name), (account, "*", name), ("*", "*", name))
    return next((given[key] for key in keys if key in given), None)


def make_ids(source: random.Random) -> Callable[[str], str]:
    """``ids("sg")`` → ``sg-`` and 17 hexadecimal digits that begin with 0, as EC2's new ids do."""
    return lambda prefix: f"{prefix}-0{source.getrandbits(64):016x}"


@dataclass(frozen=True)
class Call:
    """One request as the rulebook sees it."""

    world: World
    account: str
    region: str
    params: Params

    @property
    def here(self) -> Holdings:
        return self.world.at(self.account, self.region)

    @property
    def network(self) -> Network:
        return self.world.network

    def quota(self, code: str) -> int:
        return self.world.quota(self.account, self.region, code)

    def arn(self, kind: str, id_: str) -> str:
        return f"arn:{partition(self.region)}:ec2:{self.region}:{self.account}:{kind}/{id_}"


@lru_cache
def partition(region: str) -> str:
    """aws-facts 9.1: never ``aws`` alone."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


Value = SecurityGroup | NetworkAcl | ListState | VpcAssociation


@dataclass(frozen=True)
class Put:
    value: Value


@dataclass(frozen=True)
class Drop:
    value: Value


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A group with other rules: ``come`` are new in it, ``gone`` are no more."""

    value: SecurityGroup
    come: tuple[SecurityGroupRule, ...] = ()
    gone: tuple[SecurityGroupRule, ...] = ()


@dataclass(frozen=True)
class Remember:
    """A client token with what was asked and what was answered."""

    action: str
    token: str
    asked: Any
    answer: Mapping[str, Any]


@dataclass(frozen=True)
class Retag:
    """Something of the network around now has these tags; ``Network.retag`` sees to it."""

    resource_id: str
    tags: Tags


Effect = Put | Drop | Rewrite | Remember | Retag


@dataclass(frozen=True)
class Answer:
    output: Mapping[str, Any]
    effects: tuple[Effect, ...] = ()


def apply(held: Holdings, effects: Iterable[Effect]) -> None:
    for effect in effects:
        match effect:
            case Rewrite():
                _rewrite(held, effect)
            case Put(value):
                _put(held, value)
            case Drop(value):
                _drop(held, value)
            case Remember(action, token, asked, answer):
                held.tokens[action, token] = (asked, answer)
            case Retag():
                pass


def standing(held: Holdings, value: Value) -> Value | None:
    """What is held in its place."""
    match value:
        case SecurityGroup(group_id=group_id):
            return held.groups.get(group_id)
        case NetworkAcl(network_acl_id=acl_id):
            return held.acls.get(acl_id)
        case ListState():
            return held.lists.get(value.key)
        case VpcAssociation():
            return held.associations.get(value.key)


def _rewrite(held: Holdings, effect: Rewrite) -> None:
    group_id = effect.value.group_id
    index = held.index(held.groups[group_id])
    for rule in effect.gone:
        held.rule_owner.pop(rule.rule_id, None)
    for rule in effect.come:
        held.rule_owner[rule.rule_id] = group_id
    held.groups[group_id] = effect.value
    index.change(effect.value, effect.come, effect.gone)


def _put(held: Holdings, value: Value) -> None:
    match value:
        case SecurityGroup(group_id=group_id):
            _forget_rules(held, held.groups.get(group_id))
            held.groups[group_id] = value
            held.rule_owner.update((rule.rule_id, group_id) for rule in value.rules)
        case NetworkAcl(network_acl_id=acl_id):
            held.acls[acl_id] = value
        case ListState():
            held.lists[value.key] = value
        case VpcAssociation():
            held.associations[value.key] = value


def _drop(held: Holdings, value: Value) -> None:
    match value:
        case SecurityGroup(group_id=group_id):
            _forget_rules(held, held.groups.pop(group_id, None))
            held.indexes.pop(group_id, None)
        case NetworkAcl(network_acl_id=acl_id):
            held.acls.pop(acl_id, None)
        case ListState():
            held.lists.pop(value.key, None)
        case VpcAssociation():
            held.associations.pop(value.key, None)


def _forget_rules(held: Holdings, group: SecurityGroup | None) -> None:
    for rule in group.rules if group else ():
        held.rule_owner.pop(rule.rule_id, None)


def with_rule_ids(group: SecurityGroup, ids: Callable[[str], str]) -> SecurityGroup:
    """The group with an id for each rule that has none."""
    if all(rule.rule_id for rule in group.rules):
        return group
    return replace(
        group,
        rules=tuple(rule if rule.rule_id else replace(rule, rule_id=ids("sgr")) for rule in group.rules),
    )


def with_rules(group: SecurityGroup, rules: tuple[SecurityGroupRule, ...]) -> SecurityGroup:
    """The group with these rules instead: ``replace``, several times as fast."""
    return SecurityGroup(
        group.group_id,
        group.group_name,
        group.description,
        group.owner_id,
        group.vpc_id,
        rules,
        group.tags,
    )
