"""How many calls a second the doors in memory carry out, at 100 groups, throttle and faults off.

    .venv/bin/python benchmarks/memory_doors.py [ROUNDS]    ``make bench`` writes it into docs/performance.md

Goals: 20,000 one-rule writes or reads by id a second, 3,000 Authorize calls of 20 rules. Seconds are
the processor's, and each figure is the best of the rounds: what else the machine does can only slow one down. Exit
code 1 where a goal is missed.
"""

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import product

from measure import note, table, write, yardstick
from twinwall.boundary import FirewallWriter
from twinwall.emulator.memory import MemoryAws
from twinwall.emulator.memory_doors import MemorySide
from twinwall.model.firewall import Resource, new_id
from twinwall.model.net import parse_cidr
from twinwall.model.rules import CidrPeer, Direction, SecurityGroupRule, Traffic
from twinwall.planning import changes as c

ACCOUNT, REGION, GROUPS = "111122223333", "eu-west-1", 100
ONE, TWENTY = 20_000, 3_000
"""Calls a second."""

TEXT = """\
## The embedded AWS in memory

Calls a second of processor time, at 100 groups, throttle and faults off; the best of the rounds."""

BLOCK = CidrPeer(parse_cidr("10.0.0.0/8"))


class Estate:
    """100 groups with 20 rules each, besides the one that EC2 gives them."""

    def __init__(self) -> None:
        aws = MemoryAws((ACCOUNT,), quotas={"L-0EA8095F": 1000})
        vpc = aws.make_vpc(ACCOUNT, REGION)
        self.ec2: MemorySide = aws.side(ACCOUNT, REGION)
        self.writer: FirewallWriter = aws.doors(ACCOUNT, REGION).writer
        self.groups = [self._group(vpc, f"group-{n}") for n in range(GROUPS)]
        for group in self.groups:
            self.writer.carry_out(authorize(group, range(1000, 1020)))
        answer = self.ec2.ask("DescribeSecurityGroupRules", {}, "reading", "rules")
        self.rules = [rule["SecurityGroupRuleId"] for rule in answer["SecurityGroupRules"]]

    def _group(self, vpc: str, name: str) -> Resource:
        ref = Resource("security-group", new_id("security-group", name), name)
        made = c.CreateSecurityGroup(resource=ref, group_name=name, description="d", vpc_id=vpc)
        return Resource("security-group", self.writer.carry_out(made).id, name)


def rules_of(ports: Iterable[int]) -> tuple[SecurityGroupRule, ...]:
    return tuple(SecurityGroupRule(Direction.INGRESS, Traffic(6, p, p), BLOCK, "a rule") for p in ports)


def authorize(group: Resource, ports: Iterable[int]) -> c.Change:
    return c.AuthorizeRules(resource=group, direction=Direction.INGRESS, rules=rules_of(ports))


def revoke(group: Resource, ports: Iterable[int]) -> c.Change:
    return c.RevokeRules(resource=group, direction=Direction.INGRESS, rules=rules_of(ports))


def a_second(carry_out: Callable[[object], object], calls: Sequence[object]) -> float:
    start = time.process_time()
    for call in calls:
        carry_out(call)
    return len(calls) / (time.process_time() - start)


def measure() -> dict[str, float]:
    estate = Estate()
    ec2, write = estate.ec2, estate.writer.carry_out
    few = list(product(range(1, 21), estate.groups))
    chunks = [range(2000 + 20 * n, 2020 + 20 * n) for n in range(3)]
    figures = {
        "authorize one rule": a_second(write, [authorize(group, [port]) for port, group in few]),
        "revoke one rule": a_second(write, [revoke(group, [port]) for port, group in few]),
        "authorize 20 rules": a_second(
            write, [authorize(g, ports) for ports, g in product(chunks, estate.groups)]
        ),
    }
    for ports, group in product(chunks, estate.groups):
        write(revoke(group, ports))
    reads = {
        "read a rule by id": ("DescribeSecurityGroupRules", "SecurityGroupRuleIds", estate.rules),
        "read a group by id": ("DescribeSecurityGroups", "GroupIds", [g.id for g in estate.groups] * 20),
    }
    for name, (action, key, ids) in reads.items():
        figures[name] = a_second(lambda id_, a=action, k=key: ec2.ask(a, {k: [id_]}, "reading", "it"), ids)
    return figures


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    runs = [measure() for _ in range(rounds)]
    missed, rows = 0, []
    for name in runs[0]:
        best, goal = max(run[name] for run in runs), TWENTY if "20" in name else ONE
        missed += best < goal
        note(name, best, "a second", beside=1e3 / yardstick(), more_is_better=True)
        rows.append([name, f"{best:,.0f}", f"{goal:,}"])
        sys.stdout.write(f"{name:20} {best:8,.0f} a second   (goal {goal:,})\n")
    write(__file__, [*TEXT.splitlines(), "", *table(["", "calls a second", "goal"], rows)])
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
