"""What we say a rule list admits, and what a kernel lets through: rules are said again in nftables, in a
network namespace that the test makes, and packets that sit on the rules' borders are sent at them."""

import json
import random
import shutil
import struct
import subprocess
import sys
from functools import cache
from itertools import product
from pathlib import Path

import namespace_probe
import pytest
from packet_cases import Kind, Place, Rule, numbered, packet_of, random_entry, random_group_rule

from twinwall.model import wire
from twinwall.model.net import ICMPV6, Cidr, parse_cidr
from twinwall.model.rules import Direction, NetworkAclEntry, RuleAction, SecurityGroupRule, Traffic
from twinwall.planning.semantics import AclEntries, GroupRules, RuleList

PROTOCOLS = (1, 6, 17, 47, 50, 58)
"""Those whose packets a raw socket can be asked for in both families."""
MOST_PACKETS = 400
RESERVED = (*namespace_probe.HOME.values(), *namespace_probe.FRIEND.values())
UNSHARE = ("unshare", "--map-root-user", "--net")


@cache
def obstacle() -> str | None:
    """Why no namespace of ours can filter packets here."""
    missing = [tool for tool in ("unshare", "ip", "nft") if shutil.which(tool) is None]
    if missing:
        return f"{', '.join(missing)} not found; Debian: apt-get install nftables iproute2 util-linux"
    try:
        came, here = sent("add table inet probe", [("192.0.2.9", 17, "00" * 8)]), [0]
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as failed:
        said = failed.stderr.strip().splitlines() if isinstance(failed.stderr, str) else []
        return f"no network namespace of our own: {said[-1] if said else failed}"
    return None if came == here else "packets do not come through the loopback of a namespace of our own"


def sent(ruleset: str, packets: list[tuple[str, int, str]]) -> list[int]:
    """The numbers of the packets that came through."""
    asked = json.dumps({"ruleset": ruleset, "packets": packets})
    command = [*UNSHARE, sys.executable, namespace_probe.__file__]
    done = subprocess.run(command, input=asked, capture_output=True, text=True, check=True, timeout=60)
    return list(json.loads(done.stdout))


@pytest.fixture
def namespaces() -> None:
    if why := obstacle():
        pytest.skip(why)


# --- rules in nftables' words

CHAIN = (
    "type filter hook input priority 0; policy drop;",
    f"ip saddr {namespace_probe.FRIEND[4]} accept",
    f"ip6 saddr {namespace_probe.FRIEND[6]} accept",
)


def said(rules: list[Rule], members: dict[str, Place]) -> str:
    """First match for entries; for a group's rules, which only accept, the order does not matter."""
    ordered = sorted(rules, key=lambda rule: getattr(rule, "rule_number", 0))
    lines = [line(rule, members) for rule in ordered]
    return "\n".join(["table inet probe {", "chain input {", *CHAIN, *lines, "}", "}", ""])


def line(rule: Rule, members: dict[str, Place]) -> str:
    action = getattr(rule, "action", RuleAction.ALLOW)
    verdict = "accept" if action is RuleAction.ALLOW else "drop"
    block = block_of(rule)
    place = str(block) if block else f"{members[str(rule.peer)]}/32"
    family = "ip6" if ":" in place else "ip"
    everywhere = f"meta nfproto {'ipv6' if family == 'ip6' else 'ipv4'}"
    source = everywhere if place.endswith("/0") else f"{family} saddr {place}"
    typeless = isinstance(rule, NetworkAclEntry) and rule.traffic.protocol == ICMPV6 and family == "ip"
    return f"{source} {traffic(rule.traffic, typeless)} {verdict}"


def block_of(rule: Rule) -> Cidr | None:
    return rule.cidr if isinstance(rule, NetworkAclEntry) else getattr(rule.peer, "cidr", None)


def traffic(what: Traffic, typeless: bool) -> str:
    if what.protocol == -1:
        return ""
    words = f"meta l4proto {what.protocol}"
    if what.protocol in (6, 17):
        return (
            f"{words} th dport {what.first}-{what.last}"
            if what.first != what.last
            else f"{words} th dport {what.first}"
        )
    if what.protocol not in (1, 58) or what.first == -1 or typeless:
        return words
    code = "" if what.last == -1 else f" @th,8,8 {what.last}"
    return f"{words} @th,0,8 {what.first}{code}"


# --- packets on the borders


def border_packets(
    rules: list[Rule], members: dict[str, Place], rng: random.Random
) -> list[tuple[Place, Kind]]:
    places = {place for rule in rules if (block := block_of(rule)) for place in around(block)}
    places |= {*members.values(), *around(parse_cidr("10.9.8.7/32"))}
    kinds = {kind for rule in rules for kind in kinds_around(rule.traffic)}
    cells = sorted(product((place for place in places if sendable(place)), kinds), key=str)
    return rng.sample(cells, min(len(cells), MOST_PACKETS))


def around(block: Cidr) -> list[Place]:
    make = type(namespace_probe.ip_address("::" if block.family == 6 else "0.0.0.0"))
    return [
        make(value)
        for value in (block.first - 1, block.first, block.last, block.last + 1)
        if 0 < value < 1 << block.bits
    ]


def sendable(place: Place) -> bool:
    return not isinstance(place, str) and not place.is_multicast and str(place) not in RESERVED


def kinds_around(what: Traffic) -> set[Kind]:
    protocols = PROTOCOLS if what.protocol == -1 else (what.protocol,)
    first, last = -1 if what.first is None else what.first, -1 if what.last is None else what.last
    found: set[Kind] = set()
    for protocol in set(protocols) & set(PROTOCOLS):
        if protocol in (6, 17):
            ports = {first - 1, first, last, last + 1, 443}
            found |= {(protocol, port) for port in ports if 0 <= port < 65536}
        elif protocol in (1, 58):
            found |= {(protocol, pair) for pair in product({first % 256, 3}, {last % 256, 0, 1})}
        else:
            found.add((protocol, None))
    return found


def head(kind: Kind) -> str:
    """The first eight bytes behind the IP header."""
    protocol, detail = kind
    if protocol in (6, 17):
        return struct.pack("!HHI", 40000, detail, 0).hex()
    return struct.pack("!BBHI", *(detail or (0, 0)), 0, 0).hex()


def check(rules: list[Rule], own: RuleList, rng: random.Random) -> int:
    """How many packets were sent."""
    symbols = sorted({str(r.peer) for r in rules if isinstance(r, SecurityGroupRule) and block_of(r) is None})
    members: dict[str, Place] = {
        symbol: namespace_probe.ip_address(f"10.250.0.{number}") for number, symbol in enumerate(symbols, 1)
    }
    packets = border_packets(rules, members, rng)
    came = sent(said(rules, members), [(str(place), kind[0], head(kind)) for place, kind in packets])
    expected = [
        number
        for number, (place, kind) in enumerate(packets)
        if any(own.packets.admits(packet_of(at, kind)) for at in (place, *names(place, members)))
    ]
    assert [packets[number] for number in came] == [packets[number] for number in expected]
    return len(packets)


def names(place: Place, members: dict[str, Place]) -> list[str]:
    return [symbol for symbol, member in members.items() if member == place]


# --- the tests


@pytest.mark.usefixtures("namespaces")
@pytest.mark.parametrize("seed", range(5))
def test_a_kernel_lets_through_what_random_groups_admit(seed: int) -> None:
    rng = random.Random(5000 + seed)
    rules = [random_group_rule(rng) for _ in range(10)]
    assert check([*rules], GroupRules(tuple(rules)), rng)


@pytest.mark.usefixtures("namespaces")
@pytest.mark.parametrize("seed", range(5))
def test_a_kernel_lets_through_what_random_acls_admit(seed: int) -> None:
    rng = random.Random(6000 + seed)
    entries = numbered([random_entry(rng) for _ in range(10)], 10)
    assert check([*entries], AclEntries(entries), rng)


@pytest.mark.usefixtures("namespaces")
def test_a_kernel_lets_through_what_entries_for_icmp_admit() -> None:
    """Types and codes of both kinds of ICMP on blocks of both families; on IPv4 those of ICMPv6 are ignored."""
    entries = numbered(
        NetworkAclEntry(Direction.INGRESS, 0, action, Traffic(protocol, *detail), parse_cidr(cidr))
        for action, protocol, detail, cidr in (
            (RuleAction.DENY, 58, (128, 0), "10.0.0.0/30"),
            (RuleAction.ALLOW, 58, (129, 0), "10.0.0.0/29"),
            (RuleAction.ALLOW, 58, (128, -1), "2001:db8::/127"),
            (RuleAction.DENY, 1, (8, 1), "10.0.0.0/30"),
            (RuleAction.ALLOW, 1, (8, -1), "10.0.0.0/29"),
            (RuleAction.ALLOW, 1, (8, 0), "2001:db8::/127"),
        )
    )
    assert check([*entries], AclEntries(entries), random.Random(8))


@pytest.mark.usefixtures("namespaces")
def test_a_kernel_lets_through_what_real_groups_and_acls_admit(shared_cases: Path) -> None:
    """The five longest of each."""
    groups, acls = [], []
    for path in sorted(shared_cases.glob("*.json")):
        snapshot = wire.parse_snapshot(json.loads(path.read_text()))
        groups += [group.rules_of(way) for group in snapshot.groups for way in Direction]
        acls += [acl.entries_of(way) for acl in snapshot.acls or () for way in Direction]
    rng = random.Random(7)
    for rules in sorted(groups, key=len)[-5:]:
        assert check([*rules], GroupRules(rules), rng)
    for entries in sorted(acls, key=len)[-5:]:
        assert check([*entries], AclEntries(entries), rng)
