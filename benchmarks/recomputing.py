"""What a mesh computes when something has happened: rows and evidence into what one group lacks and has too much,
without any call. ``make bench`` runs it and writes the figures into docs/performance.md.

    recomputing.py [--child full|rows]
"""

import functools
import gc
import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from measure import child, note, peak, table, write, yardstick
from twinwall.mesh.addresses import instance_of
from twinwall.mesh.configure import configure
from twinwall.mesh.members import Seen, observe
from twinwall.mesh.roster import compare
from twinwall.mesh.rows import item_of, judge
from twinwall.model.members import Member, Membership, Site, addresses_of
from twinwall.model.net import parse_cidr
from twinwall.model.wire import parse_rule

SITES, ROUNDS, NOW = 8, 5, 1_767_225_600.0
CASES = {"full": (110, 0.2, 128), "rows": (1_000, 1.0, 200)}
"""Members of each site, and the goals: seconds of processor time, MB that the process may ever hold."""

TEXT = """\
## One recomputation of a mesh

Eight sites, one group. `full`: the answers of Auto Scaling and EC2 read, rows judged, members observed, the new row
written, rules compared, none missing and one too much. `rows`: rows alone, judged, and one of them written anew. Each
in a process that has read nothing before, medians of {rounds}, without calls."""


def mesh_table() -> dict[str, Any]:
    sites = [
        {"region": f"eu-west-{number}", "asg": "web", "account": "111122223333", "group": f"sg-{number:08x}"}
        for number in range(1, SITES + 1)
    ]
    return {"ports": ["tcp/7000"], "max_members": 5000, "rules_per_group": 1000, "sites": sites}


def address(site: int, number: int) -> str:
    return f"203.{site}.{number // 250}.{number % 250}"


def row_of(site: Site, place: int, members: int) -> Membership:
    found = tuple(
        sorted(Member(parse_cidr(f"{address(place, n)}/32"), f"i-{place:04x}{n:08x}") for n in range(members))
    )
    return Membership(site.key, found, 7, NOW - 60, writer=site.node, listed=addresses_of(found))


def rule(number: int, cidr: str) -> dict[str, Any]:
    """API: SecurityGroupRule."""
    tags = [{"Key": f"twinwall:{key}", "Value": value} for key, value in (("mesh", "web"), ("site", "x"))]
    ports = {"IpProtocol": "tcp", "FromPort": 7000, "ToPort": 7000}
    return {
        "SecurityGroupRuleId": f"sgr-{number:017x}",
        "IsEgress": False,
        **ports,
        "CidrIpv4": cidr,
        "Tags": tags,
    }


def instance(number: int) -> dict[str, Any]:
    tags = [{"Key": "aws:autoscaling:groupName", "Value": "web"}]
    id_ = f"i-{0:04x}{number:08x}"
    return {
        "InstanceId": id_,
        "State": {"Name": "running"},
        "PublicIpAddress": address(0, number),
        "Tags": tags,
    }


def full(members: int) -> Callable[[], bool]:
    """As the first site's node does it, with what its calls answered."""
    mesh = configure("web", mesh_table()).mesh
    items = [item_of(row_of(site, place, members)) for place, site in enumerate(mesh.sites)]
    cidrs = [f"{address(place, n)}/32" for place in range(SITES) for n in range(members)]
    rules = [rule(number, cidr) for number, cidr in enumerate([*cidrs, "198.51.100.9/32"])]
    instances = [instance(number) for number in range(members)]
    site = mesh.sites[0]

    def work() -> bool:
        roster = judge(items, mesh, NOW, {})
        known = {one.id: one for one in (instance_of(document, mesh) for document in instances)}
        seen = Seen(dict.fromkeys(known, "InService"), known)
        found = observe(roster.row(site.key), site, seen, (), NOW)
        item_of(Membership(site.key, found.members, 8, NOW, listed=addresses_of(found.members)))
        row = roster.row(site.key)
        own = row.listed if row else frozenset()
        difference = compare([parse_rule(one) for one in rules], roster.claims, own, mesh.ports, mesh.name)
        return (len(difference.missing), len(difference.extra)) == (0, 1)

    return work


def rows(members: int) -> Callable[[], bool]:
    mesh = configure("web", mesh_table()).mesh
    made = [row_of(site, place, members) for place, site in enumerate(mesh.sites)]
    items: list[Mapping[str, Any]] = [item_of(row) for row in made]

    def work() -> bool:
        roster = judge(items, mesh, NOW, {})
        item_of(made[0])
        return len(roster.claims) == SITES * members

    return work


WORKS = {"full": full, "rows": rows}


def measured(name: str) -> dict[str, float]:
    work = WORKS[name](CASES[name][0])
    forget()
    began = time.process_time()
    if not work():
        raise AssertionError(f"{name}: not what it should be")
    return {"seconds": time.process_time() - began, "peak": peak()}


def forget() -> None:
    """What making the material has left in caches."""
    kind = type(functools.cache(int))
    for cached in [one for one in gc.get_objects() if isinstance(one, kind)]:
        cached.cache_clear()


def main() -> None:
    lines, missed = [], []
    for name, (members, most, memory) in CASES.items():
        rounds = [child(__file__, name) for _ in range(ROUNDS)]
        found = {key: statistics.median(one[key] for one in rounds) for key in ("seconds", "peak")}
        note(name, found["seconds"] * 1000, "ms", beside=yardstick())
        told = [f"{name}, 8 × {members:,} members", f"{found['seconds'] * 1000:.0f}", f"{most * 1000:.0f}"]
        lines.append([*told, f"{found['peak']:.0f}", str(memory)])
        if found["seconds"] > most or found["peak"] > memory:
            missed.append(f"{name}: {found['seconds']:.2f} s, {found['peak']:.0f} MB")
    head = ["", "ms of processor time", "goal", "MB at most", "goal"]
    write(__file__, [*TEXT.format(rounds=ROUNDS).splitlines(), "", *table(head, lines)])
    if missed:
        sys.exit(f"recomputing misses its goals: {'; '.join(missed)}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        sys.stdout.write(json.dumps(measured(sys.argv[2])))
    else:
        main()
