"""Pairs of small firewalls by a seed: a source as it was when it was copied, and as it is now, so that a plan adds,
removes, describes, tags, moves subnets and deletes, in a dozen calls."""

import random
from typing import Any

import firewalls as f

from twinwall.replica.settings import Limits, Settings, Translation

Json = dict[str, Any]
SETTINGS = Settings(
    translation=Translation(map_vpc_cidr=True, associate="auto"),
    limits=Limits(prune=True, force=True, adopt=("old-*",)),
)
_CIDRS = ("0.0.0.0/0", "192.0.2.0/24", "198.51.100.0/25", "203.0.113.7/32")
_PORTS = (22, 80, 443, 5432)
_ANY_IN, _ANY_OUT = "in 100 allow -1 - 0.0.0.0/0", "out 100 allow -1 - 0.0.0.0/0"


def target() -> Json:
    """An empty VPC with two subnets, and a group of somebody's that may be adopted."""
    vpc = f.TARGET_VPC
    return {
        "Region": f.TARGET_REGION,
        "OwnerId": f.TARGET,
        "Vpcs": [{"VpcId": vpc, "CidrBlock": "10.9.0.0/16", "OwnerId": f.TARGET}],
        "Subnets": [
            f.subnet("subnet-t1", "10.9.1.0/24", "a", "app", vpc=vpc),
            f.subnet("subnet-t2", "10.9.2.0/24", "b", "db", vpc=vpc),
        ],
        "SecurityGroups": [
            f.group("sg-0000000000000000a", "default", "out -1 - 0.0.0.0/0", vpc=vpc, owner=f.TARGET),
            f.group("sg-0000000000000000b", "old-web", "in tcp 8080 192.0.2.0/24", vpc=vpc, owner=f.TARGET),
        ],
        "NetworkAcls": [
            f.acl(
                "acl-0000000000000000a",
                _ANY_IN,
                _ANY_OUT,
                default=True,
                subnets=["subnet-t1", "subnet-t2"],
                vpc=vpc,
            )
        ],
    }


def source(groups: list[Json], acls: list[Json], lists: list[Json]) -> Json:
    return {
        "Region": f.SOURCE_REGION,
        "OwnerId": f.SOURCE,
        "Vpcs": [{"VpcId": f.SOURCE_VPC, "CidrBlock": "10.0.0.0/16", "OwnerId": f.SOURCE}],
        "Subnets": [
            f.subnet("subnet-s1", "10.0.1.0/24", "a", "app"),
            f.subnet("subnet-s2", "10.0.2.0/24", "b", "db"),
        ],
        "SecurityGroups": [f.group("sg-0", "default", "out -1 - 0.0.0.0/0"), *groups],
        "NetworkAcls": acls,
        "PrefixLists": lists,
    }


def pair(seed: int) -> tuple[Json, Json]:
    """(as it was, as it is)"""
    chance = random.Random(seed)
    names = ["web", "app", "db"] + (["old-web"] if seed % 3 == 0 else [])
    was = [name for name in names if chance.random() < 0.7]
    is_ = [name for name in names if chance.random() < 0.8] or ["web"]
    lists = seed % 4 == 1
    return _one(chance, was, lists), _one(chance, is_, lists)


def _one(chance: random.Random, names: list[str], lists: bool) -> Json:
    groups = [_group(chance, name, names, lists) for name in names]
    taken: list[str] = []
    acls = []
    for id_, subnet in (("acl-1", "subnet-s1"), ("acl-2", "subnet-s2")):
        if chance.random() < 0.6:
            acls.append(_acl(chance, id_, subnet))
            taken.append(subnet)
    free = [subnet for subnet in ("subnet-s1", "subnet-s2") if subnet not in taken]
    default = f.acl("acl-0", _ANY_IN, _ANY_OUT, default=True, subnets=free)
    offices = [
        f.prefix_list("pl-1", "offices", *chance.sample(("10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"), 2))
    ]
    return source(groups, [default, *acls], offices if lists else [])


def _group(chance: random.Random, name: str, names: list[str], lists: bool) -> Json:
    peers = [*_CIDRS, *(f"sg-{other}" for other in names), *(["pl-1"] if lists else [])]
    rules = {f"in tcp {chance.choice(_PORTS)} {chance.choice(peers)}" for _ in range(chance.randint(1, 3))}
    out = chance.choice(("out -1 - 0.0.0.0/0", "out tcp 443 0.0.0.0/0"))
    words = f" {chance.choice(('first', 'second'))}" if chance.random() < 0.3 else ""
    tags = {"tier": chance.choice("ab")} if chance.random() < 0.5 else None
    return f.group(f"sg-{name}", name, *(f"{rule}{words}" for rule in sorted(rules)), out, tags=tags)


def _acl(chance: random.Random, id_: str, subnet: str) -> Json:
    numbers = sorted(chance.sample((100, 110, 120, 130), chance.randint(1, 2)))
    entries = [
        f"in {number} {chance.choice(('allow', 'allow', 'deny'))} tcp {chance.choice(_PORTS)} {chance.choice(_CIDRS)}"
        for number in numbers
    ]
    return f.acl(id_, *entries, "out 100 allow -1 - 0.0.0.0/0", subnets=[subnet], tags={"Name": id_})
