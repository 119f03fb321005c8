"""Rules to measure with: seeded, drawn as real groups are, and the same packets said in other rules.

Sizes are counts of rules. Nothing here is measured.
"""

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from twinwall.model.firewall import NetworkAcl, SecurityGroup, Snapshot
from twinwall.model.net import TCP, UDP, Cidr
from twinwall.model.rules import (
    CidrPeer,
    Direction,
    NetworkAclEntry,
    RuleAction,
    SecurityGroupRule,
    Traffic,
)

COMMON = [
    *((443, 443), (22, 22), (80, 80), (3306, 3306), (5432, 5432), (8080, 8080), (3389, 3389), (6379, 6379)),
    *((9200, 9300), (0, 65535), (1024, 65535), (9092, 9094), (30000, 32767), (25, 25), (636, 636)),
]
LENGTHS = [8, 12, 16, 16, 19, 20, 20, 21, 22, 23, 24, 24, 24, 25, 26, 28, 32, 32, 32]
HOMES = [(10 << 24, 8), ((172 << 8 | 16) << 16, 12), ((192 << 8 | 168) << 16, 16), (0, 0)]


def cidr(rng: random.Random, ipv6: float = 0) -> Cidr:
    """``ipv6``: the share of IPv6 blocks."""
    if rng.random() < ipv6:
        return Cidr(6, (0x20010DB8 << 96 | rng.getrandbits(40) << 56) >> 64 << 64, 64)
    home, shortest = rng.choice(HOMES)
    length = max(rng.choice(LENGTHS), shortest)
    first = home | rng.getrandbits(32 - shortest)
    return Cidr(4, first >> (32 - length) << (32 - length), length)


def ports(rng: random.Random, borders: int | None) -> tuple[int, int]:
    """A range: a common one, or with its ends among so many evenly spread ``borders``."""
    if borders is None:
        return rng.choice(COMMON)
    step = 65536 / borders
    one, other = sorted(rng.sample(range(borders), 2)) if borders > 1 else (0, 0)
    return int(one * step), int(other * step)


def traffic(rng: random.Random, borders: int | None) -> Traffic:
    return Traffic(TCP if rng.random() < 0.85 else UDP, *ports(rng, borders))


def group_rules(
    count: int, seed: int, borders: int | None = None, kinds: int | None = None, ipv6: float = 0
) -> list[SecurityGroupRule]:
    """Distinct rules. ``borders`` None: the ports that real groups name. ``kinds``: no more different traffics
    than so many. ``ipv6``: the share of IPv6 blocks."""
    rng = random.Random(seed)
    some = [traffic(rng, borders) for _ in range(kinds)] if kinds else None
    rules: dict[SecurityGroupRule, None] = {}
    while len(rules) < count:
        said = rng.choice(some) if some else traffic(rng, borders)
        rules[SecurityGroupRule(Direction.INGRESS, said, CidrPeer(cidr(rng, ipv6)))] = None
    return list(rules)


def acl_entries(count: int, seed: int, borders: int | None = None) -> list[NetworkAclEntry]:
    """Entries that differ in more than their action, three in ten of them a deny."""
    rng = random.Random(seed)
    said: dict[tuple[Traffic, Cidr], None] = {}
    while len(said) < count:
        said[traffic(rng, borders), cidr(rng)] = None
    actions = (RuleAction.DENY if rng.random() < 0.3 else RuleAction.ALLOW for _ in said)
    return [
        NetworkAclEntry(Direction.INGRESS, number, action, what, where)
        for number, ((what, where), action) in enumerate(zip(said, actions, strict=True), 1)
    ]


def halves(block: Cidr) -> tuple[Cidr, Cidr]:
    step = 1 << (block.bits - block.length - 1)
    return Cidr(block.family, block.first, block.length + 1), Cidr(
        block.family, block.first + step, block.length + 1
    )


def split(wide: Traffic, rng: random.Random) -> tuple[Traffic, Traffic]:
    assert wide.first is not None
    assert wide.last is not None
    middle = rng.randrange(wide.first, wide.last)
    return Traffic(wide.protocol, wide.first, middle), Traffic(wide.protocol, middle + 1, wide.last)


def rewritten(rules: list[Any], seed: int, every: bool = False) -> list[Any]:
    """The same packets in other rules: 15 % of the CIDRs halved, 10 % of the port ranges split, 5 % said
    twice; ``every``: all halved, split, or said again in part where that can be done. Groups are shuffled,
    ACLs numbered anew in order."""
    rng = random.Random(seed)
    parts = [part for rule in rules for part in _said_otherwise(rule, rng, every)]
    if isinstance(rules[0], NetworkAclEntry):
        return [replace(part, rule_number=number) for number, part in enumerate(parts, 1)]
    rng.shuffle(parts)
    return parts


def _said_otherwise(rule: Any, rng: random.Random, every: bool) -> Iterator[Any]:
    block: Cidr = rule.cidr if isinstance(rule, NetworkAclEntry) else rule.peer.cidr
    choice = rng.random() * (0.3 if every else 1)
    if choice < 0.15 and block.length < block.bits:
        yield from (_at(rule, half) for half in halves(block))
    elif choice < 0.25 and rule.traffic.first < rule.traffic.last:
        yield from (replace(rule, traffic=part) for part in split(rule.traffic, rng))
    elif choice < 0.3:
        yield rule
        yield _at(rule, halves(block)[0]) if every and block.length < block.bits else rule
    elif every and block.length < block.bits:
        yield from (_at(rule, half) for half in halves(block))
    else:
        yield rule


def _at(rule: Any, block: Cidr) -> Any:
    if isinstance(rule, NetworkAclEntry):
        return replace(rule, cidr=block)
    return replace(rule, peer=CidrPeer(block))


# --- firewalls


def one_group(count: int, borders: int | None = None) -> Snapshot:
    return Snapshot("r", "1", (_named(1, group_rules(count, count, borders)),), acls=())


def groups(count: int, rules: int) -> Snapshot:
    """Nobody has any of them."""
    made = tuple(_named(number, group_rules(rules, number)) for number in range(count))
    return Snapshot("r", "1", made, acls=(), interfaces=())


def _named(number: int, rules: list[SecurityGroupRule]) -> SecurityGroup:
    return SecurityGroup(f"sg-{number}", f"group-{number}", "", "1", "vpc-1", tuple(rules))


def one_acl(count: int) -> Snapshot:
    """So many entries in each direction."""
    back = (replace(entry, direction=Direction.EGRESS) for entry in acl_entries(count, count + 1))
    acl = NetworkAcl("acl-1", "vpc-1", "1", False, (*acl_entries(count, count), *back))
    return Snapshot("r", "1", acls=(acl,))


# --- snapshots


def snapshots(groups: int, rules: int, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """A source, and a target whose marked copies are literally equal in one half and rewritten in the other;
    both in the shape of ``aws ec2 describe-security-groups``."""
    rng = random.Random(seed)
    here, there = _frame("1", "eu-west-1"), _frame("2", "us-east-1")
    for number in range(groups):
        own = group_rules(rules, rng.getrandbits(32), kinds=10, ipv6=0.03)
        other = list(dict.fromkeys(rewritten(own, rng.getrandbits(32)))) if number % 2 else own
        here["SecurityGroups"].append(_group("1", number, own, []))
        mark = f"{'1' * 12}/eu-west-1/vpc-1/sg-1{number:08x}"
        there["SecurityGroups"].append(
            _group("2", number, other, [{"Key": "twinwall:source", "Value": mark}])
        )
    return here, there


def _frame(digit: str, region: str) -> dict[str, Any]:
    vpc = {"VpcId": f"vpc-{digit}", "CidrBlock": "10.0.0.0/16", "OwnerId": digit * 12}
    default = _group(digit, 0, [], []) | {
        "GroupId": f"sg-{digit}default",
        "GroupName": "default",
        "Description": "default VPC security group",
    }
    return {
        "Region": region,
        "OwnerId": digit * 12,
        "Vpcs": [vpc],
        "SecurityGroups": [default],
        "NetworkAcls": [],
    }


def _group(digit: str, number: int, rules: list[SecurityGroupRule], tags: list[Any]) -> dict[str, Any]:
    permissions: dict[Traffic, dict[str, Any]] = {}
    for rule in rules:
        said = permissions.setdefault(
            rule.traffic,
            {
                "IpProtocol": "tcp" if rule.traffic.protocol == TCP else "udp",
                "FromPort": rule.traffic.first,
                "ToPort": rule.traffic.last,
                "IpRanges": [],
                "Ipv6Ranges": [],
                "PrefixListIds": [],
                "UserIdGroupPairs": [],
            },
        )
        block = rule.peer.cidr
        if block.family == 4:
            said["IpRanges"].append({"CidrIp": str(block)})
        else:
            said["Ipv6Ranges"].append({"CidrIpv6": str(block)})
    return {
        "GroupId": f"sg-{digit}{number:08x}",
        "GroupName": f"group-{number}",
        "Description": f"about group {number}",
        "OwnerId": digit * 12,
        "VpcId": f"vpc-{digit}",
        "IpPermissions": list(permissions.values()),
        "IpPermissionsEgress": [],
        "Tags": tags,
    }
