"""What is carried out where applying is measured: W(G, R, N, E), a VPC of G groups of R rules and N ACLs of E entries,
each ACL with a subnet of its own. A third of the groups has restricted egress. Group refers to group along a graph:

    ring       each to the next: one cycle through all
    hub        all to the same three
    cluster    each to three of its own ten
    random     each to three, drawn evenly
"""

import random
import sys
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "tests" / "support"))
from estates import w

Json = dict[str, Any]

GRAPHS = ("hub", "cluster", "ring", "random")
RULES, ACLS, ENTRIES = 20, 5, 20
SOURCE_REGION = "us-west-1"
SOURCE, TARGET = "111111111111", "222222222222"
TARGET_CIDR = "10.90.0.0/16"


def work(groups: int, graph: str = "ring") -> Json:
    """W(groups, 20, 5, 20) as a snapshot document."""
    document = w(groups, RULES, ACLS, ENTRIES)
    drawn = random.Random(groups)
    for number, group in enumerate(document["SecurityGroups"]):
        for permission in group["IpPermissions"]:
            if "UserIdGroupPairs" in permission:
                permission["UserIdGroupPairs"] = [
                    {"GroupId": f"sg-w{other:04}", "UserId": SOURCE}
                    for other in referred(number, groups, graph, drawn)
                ]
    return document


def referred(number: int, groups: int, graph: str, drawn: random.Random) -> list[int]:
    first = number // 10 * 10
    match graph:
        case "hub":
            return [0, 1, 2]
        case "cluster":
            return sorted({first + (number + step) % min(10, groups - first) for step in (1, 2, 3)})
        case "ring":
            return [(number + 1) % groups]
        case _:
            return drawn.sample(range(groups), 3)


def subnets(document: Json) -> list[tuple[str, str, str]]:
    """(CIDR, zone, Name) of the target's, named as the source's are."""
    return [
        (f"10.90.{number}.0/24", "ab"[number % 2], subnet["Tags"][0]["Value"])
        for number, subnet in enumerate(document["Subnets"])
    ]
