"""How long a plan takes where groups are full, so that an order must be looked for that leaves no gap. ``make bench``
runs it and writes the figures into docs/performance.md.
"""

import copy
import random
import statistics
import time
from collections import Counter

import works  # noqa: F401 - finds tests/support
from measure import note, shown, table, write, yardstick

import firewalls as fw  # isort: skip
from twinwall.engine import replica
from twinwall.engine.sides import FileSide
from twinwall.planning.plan import Plan

Json = dict[str, object]
RULES, CHANGED = 60, 10
"""Rules of a full group, and how many of them are to be others: half of these lie in the block that they replace."""

TEXT = """\
## plan

Two thirds of the groups are full (60 rules), and ten rules of every group are to be others, half of them within the
block of the one that goes. In seconds of processor time, medians of 3, from documents to the proven order; with five
groups on each interface, or none known, when any two groups may share one."""


def pair(count: int, together: int) -> tuple[Json, Json]:
    """Source and target. ``together``: groups on each interface, 0: not known."""
    drawn = random.Random(count)
    source, target = [], []
    for number in range(count):
        rules = _rules(number, count, RULES if number < count * 2 // 3 else RULES // 2)
        later = _changed(rules, number, drawn)
        mark = [{"Key": "twinwall:source", "Value": fw.mark(f"sg-a{number:04}")}]
        source.append(_group("a", number, fw.SOURCE, fw.SOURCE_VPC, later, []))
        target.append(_group("b", number, fw.TARGET, fw.TARGET_VPC, rules, mark))
    document = fw.target(*target)
    document["NetworkInterfaces"] = _interfaces(target, together) if together else None
    return fw.source(*source), document


def _rules(number: int, count: int, many: int) -> list[Json]:
    """Every tenth names a group."""
    return [
        {"traffic": 2000 + n, "group": (number + n) % count}
        if n % 10 == 0
        else {"traffic": 1000 + n, "cidr": f"10.{number % 200}.{n}.0/24"}
        for n in range(many)
    ]


def _changed(rules: list[Json], number: int, drawn: random.Random) -> list[Json]:
    later = copy.deepcopy(rules)
    for n in drawn.sample(range(len(later)), CHANGED):
        if "cidr" in later[n]:
            half = f"10.{number % 200}.{n}.{drawn.choice((0, 128))}/25"
            later[n]["cidr"] = drawn.choice((half, f"172.16.{n}.0/24"))
    return later


def _group(kind: str, number: int, owner: str, vpc: str, rules: list[Json], tags: list[Json]) -> Json:
    permissions = [
        {
            "IpProtocol": "tcp",
            "FromPort": rule["traffic"],
            "ToPort": rule["traffic"],
            **(
                {"IpRanges": [{"CidrIp": rule["cidr"]}]}
                if "cidr" in rule
                else {"UserIdGroupPairs": [{"GroupId": f"sg-{kind}{rule['group']:04}", "UserId": owner}]}
            ),
        }
        for rule in rules
    ]
    return {
        "GroupId": f"sg-{kind}{number:04}",
        "GroupName": f"app-{number}",
        "Description": f"app {number}",
        "OwnerId": owner,
        "VpcId": vpc,
        "IpPermissions": permissions,
        "IpPermissionsEgress": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
        "Tags": tags,
    }


def _interfaces(groups: list[Json], together: int) -> list[Json]:
    return [
        {
            "NetworkInterfaceId": f"eni-{number}",
            "Groups": [
                {"GroupId": groups[(number * 7 + step * 13) % len(groups)]["GroupId"]}
                for step in range(together)
            ],
            "VpcId": fw.TARGET_VPC,
            "SubnetId": "subnet-1",
            "Status": "in-use",
            "OwnerId": fw.TARGET,
        }
        for number in range(len(groups))
    ]


def planned(count: int, together: int) -> tuple[float, Plan]:
    source, target = pair(count, together)
    began = time.process_time()
    made = replica.plan(FileSide("source", source), FileSide("target", target), fw.settings(force=True)).plan
    return time.process_time() - began, made


def lines() -> list[str]:
    rows = []
    for count in (100, 300, 1_000):
        row = [f"{count:,} groups, {count * 2 // 3} of them full"]
        for together, said in ((5, "five on an interface"), (0, "interfaces not known")):
            runs = [planned(count, together) for _ in range(3)]
            seconds, plan = statistics.median(spent for spent, _ in runs), runs[0][1]
            row.append(shown(seconds))
            note(f"{row[0]}, {said}", seconds * 1e3, "ms", beside=yardstick())
        calls = Counter(change.action for change in plan.changes)
        rows.append([*row, f"{calls.total():,}", f"{calls['ModifySecurityGroupRules']:,}"])
    head = ["", "five on each interface, s", "not known, s", "calls", "of them in place"]
    return [*TEXT.splitlines(), "", *table(head, rows)]


if __name__ == "__main__":
    write(__file__, lines())
