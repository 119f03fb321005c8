"""What a firewall weighs against AWS's quotas (aws-facts 1.7, 2, 4)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from twinwall.model.firewall import NetworkAcl, PrefixList
from twinwall.model.net import Family
from twinwall.model.rules import CidrPeer, Direction, GroupPeer, PrefixListPeer, SecurityGroupRule


@dataclass(frozen=True)
class Quotas:
    """AWS's documented defaults; ``live`` names the fields read from Service Quotas."""

    rules_per_group: int = 60
    groups_per_region: int = 2500
    acls_per_vpc: int = 200
    entries_per_acl: int = 20
    lists_per_region: int = 100
    entries_per_list: int = 1000
    tags_per_resource: int = 50
    live: frozenset[str] = frozenset()

    @staticmethod
    def of(own: Mapping[str, int]) -> "Quotas":
        """An account's, by what ``own`` says of them; what is no quota here is left out."""
        known: dict[str, Any] = {name: own[name] for name in Quotas().values if name in own}
        return replace(Quotas(), **known)

    @property
    def values(self) -> dict[str, int]:
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name != "live"}

    @property
    def own(self) -> dict[str, int]:
        """Those that are not AWS's documented defaults, by field: what makes of AWS's the account's."""
        documented = Quotas().values
        return {name: value for name, value in self.values.items() if value != documented[name]}


AWS_MANAGED_WEIGHTS_AS_OF = "2025-11"
AWS_MANAGED_WEIGHTS: Mapping[str, int] = {
    "s3": 1,
    "dynamodb": 1,
    "cloudfront.origin-facing": 55,
    "groundstation": 5,
    "route53-healthchecks": 25,
    "ipv6.route53-healthchecks": 25,
    "vpc-lattice": 10,
    "ipv6.vpc-lattice": 10,
}
"""Rules that an AWS-managed list counts as (VPC guide, "AWS-managed prefix list weight"), as of the date above.
The first three stand there in a stored copy, the others are from memory; a list that is not here gives a
warning."""


def managed_weight(name: str) -> int | None:
    """``com.amazonaws.eu-west-1.s3`` → its weight, None where it is not known."""
    parts = name.removeprefix("com.amazonaws.").split(".")
    for start in range(len(parts)):
        if (weight := AWS_MANAGED_WEIGHTS.get(".".join(parts[start:]))) is not None:
            return weight
    return None


def list_weight(item: PrefixList | None) -> int | None:
    """What a rule that names the list counts: MaxEntries, or AWS's weight; None where neither is known."""
    if item is None:
        return None
    return managed_weight(item.name) if item.aws_managed else item.max_entries


def rule_counts(
    rules: Iterable[SecurityGroupRule], weights: Mapping[str, int | None]
) -> dict[tuple[Direction, Family], int]:
    """Rules per direction and family. A group counts in both families; a list of unknown weight as one, in
    both where its family is not known."""
    counts: dict[tuple[Direction, Family], int] = {}

    def count(direction: Direction, families: tuple[Family, ...], weight: int) -> None:
        for family in families:
            counts[direction, family] = counts.get((direction, family), 0) + weight

    for rule in rules:
        match rule.peer:
            case CidrPeer(cidr=cidr):
                count(rule.direction, (cidr.family,), 1)
            case GroupPeer():
                count(rule.direction, (4, 6), 1)
            case PrefixListPeer(prefix_list_id=list_id):
                count(rule.direction, (4, 6), weights.get(list_id) or 1)
    return counts


def entry_counts(acl: NetworkAcl) -> dict[Direction, int]:
    """Entries per direction, both families together: whether AWS counts the families apart today is not
    settled (aws-facts 11)."""
    return {direction: len(acl.entries_of(direction)) for direction in Direction}
