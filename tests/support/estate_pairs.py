"""Pairs of small firewalls for the promise: a source, and a target that holds copies of it in any state.

Everything is drawn from few values, so that rules meet, groups and ACLs are full, symbols coincide.
"""

import random
from dataclasses import dataclass
from typing import Any

import firewalls as fw

from twinwall.emulator.memory import MemoryAws
from twinwall.emulator.switches import ACLS_PER_VPC, ENTRIES_PER_ACL, RULES_PER_GROUP, Switches
from twinwall.engine import replica
from twinwall.engine.pace import Paces
from twinwall.engine.sides import FileSide, LiveSide
from twinwall.planning.plan import Plan

REGION = fw.TARGET_REGION
CIDRS = ("10.20.1.0/24", "10.20.1.0/25", "10.20.0.0/16", "192.0.2.7/32", "0.0.0.0/0", "2001:db8::/56")
TRAFFIC = ("tcp 1-4", "tcp 3-6", "tcp 5-8", "tcp 1-8", "udp 53", "-1 -", "icmp 8:0")
NAMES = ("a", "b", "c")
SUBNETS = ("subnet-1", "subnet-2", "subnet-3")


@dataclass
class Case:
    source: dict[str, Any]
    target: dict[str, Any]
    rules: int
    entries: int
    acls: int
    interfaces: list[tuple[str, ...]] | None

    def stage(self, switches: Switches | None = None) -> tuple[MemoryAws, LiveSide]:
        quotas = {RULES_PER_GROUP: self.rules, ENTRIES_PER_ACL: self.entries, ACLS_PER_VPC: self.acls}
        aws = MemoryAws((fw.SOURCE, fw.TARGET), quotas=quotas, switches=switches)
        aws.load(fw.TARGET, REGION, self.target)
        for groups in self.interfaces or ():
            aws.attach(fw.TARGET, REGION, SUBNETS[0], groups)
        doors = aws.doors(fw.TARGET, REGION)
        return aws, LiveSide(
            "target",
            fw.TARGET_VPC,
            doors.reader,
            doors.account,
            doors.writer,
            Paces(aws.clock).of(fw.TARGET, REGION),
        )

    def plan(self, side: LiveSide, **options: Any) -> Plan:
        asked = fw.settings(associate="auto", force=True, **options)
        return replica.plan(FileSide("source", self.source), side, asked).plan


def pair(
    source: random.Random, *, symbols: bool = True, lists: bool = True, acls: bool = True, full: bool = True
) -> Case:
    held = [name for name in NAMES if source.random() < 0.8] or ["a"]
    wanted = [name for name in NAMES if source.random() < 0.9] or ["a"]
    rules = source.choice((2, 3, 4, 60)) if full else 60
    entries = source.choice((2, 3, 4, 20)) if full else 20
    use_lists = ["pl-1"] if lists and source.random() < 0.6 else []
    cidr_lists = [sample(source, ("172.16.0.0/24", "10.20.1.0/24", "192.0.2.0/24"), 1, 2) for _ in range(2)]
    if use_lists:
        rules = max(rules, 4)
    return Case(
        fw.source(
            *(fw.group(f"sg-{n}", n, *texts(source, "sg-{}", wanted, rules, use_lists, symbols)) for n in wanted),
            acls=source_acls(source, entries) if acls else (),
            lists=[fw.prefix_list("pl-1", "office", *cidr_lists[0], size=2)] if use_lists else (),
            subnets=[fw.subnet(s, f"10.0.{n}.0/24", name=s) for n, s in enumerate(SUBNETS)],
        ),
        fw.target(
            *(
                fw.there(f"sg-0{n}", n, *texts(source, "sg-0{}", held, rules, ["pl-01"] if use_lists else [], symbols),
                         marked=f"sg-{n}")
                for n in held
            ),
            acls=target_acls(source, entries) if acls else (),
            lists=[
                fw.prefix_list("pl-01", "office", *cidr_lists[1], size=2, owner=fw.TARGET,
                               tags={"twinwall:source": fw.mark("pl-1", vpc="-")})
            ] if use_lists else (),
            subnets=[fw.subnet(s, f"10.20.{n}.0/24", name=s, vpc=fw.TARGET_VPC) for n, s in enumerate(SUBNETS)],
            ipv6="2001:db8::/56",
        ),
        rules,
        entries,
        source.choice((3, 4, 200)),
        interfaces(source, [f"sg-0{n}" for n in held]),
    )  # fmt: skip


def sample(source: random.Random, many: Any, least: int, most: int) -> list[Any]:
    return source.sample(list(many), source.randint(least, most))


def interfaces(source: random.Random, ids: list[str]) -> list[tuple[str, ...]]:
    return [tuple(sample(source, ids, 1, len(ids))) for _ in range(source.randint(1, 3))]


def texts(
    source: random.Random, form: str, names: Any, quota: int, lists: list[str], symbols: bool
) -> list[str]:
    """At most ``quota`` rules of one direction and family."""
    peers = [*CIDRS, *([form.format(name) for name in names] if symbols else [])]
    found: list[str] = []
    for way in ("in", "out"):
        count = min(quota, 5)
        some = {(source.choice(TRAFFIC), source.choice(peers)) for _ in range(source.randint(1, count))}
        if lists and source.random() < 0.6:
            some = set(sorted(some)[: max(0, count - 2)]) | {(source.choice(TRAFFIC), lists[0])}
        found += [f"{way} {traffic} {peer}" for traffic, peer in sorted(some)]
    return found


def entries_of(source: random.Random, quota: int) -> list[str]:
    found = []
    for way in ("in", "out"):
        numbers = sample(source, range(source.choice((1, 90)), 97), 1, min(quota, 4))
        for number in numbers:
            verdict, traffic = source.choice(("allow", "allow", "deny")), source.choice(TRAFFIC[:6])
            found.append(f"{way} {number} {verdict} {traffic} {source.choice(CIDRS)}")
    return found


def placed(source: random.Random) -> tuple[list[str], list[str]]:
    where = {subnet: source.choice("xy-") for subnet in SUBNETS}
    return [s for s in SUBNETS if where[s] == "x"], [s for s in SUBNETS if where[s] == "y"]


def source_acls(source: random.Random, quota: int) -> list[dict[str, Any]]:
    first, second = placed(source)
    return [
        fw.acl("acl-x", *entries_of(source, quota), subnets=first, tags={"Name": "x"}),
        fw.acl("acl-y", *entries_of(source, quota), subnets=second, tags={"Name": "y"}),
    ]


def target_acls(source: random.Random, quota: int) -> list[dict[str, Any]]:
    first, second = placed(source)
    some = [
        fw.acl(f"acl-0{name}", *entries_of(source, quota), subnets=subnets, vpc=fw.TARGET_VPC,
               tags={"Name": name, "twinwall:source": fw.mark(f"acl-{name}")})
        for name, subnets in (("x", first), ("y", second))
    ]  # fmt: skip
    return some[: source.choice((0, 1, 2, 2))]
