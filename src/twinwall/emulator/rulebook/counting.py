"""How many rules a rule counts for (aws-facts 1.7)."""

from collections.abc import Iterable

from twinwall.emulator.refusal import refuse
from twinwall.emulator.state import Call, Holdings, ListState
from twinwall.emulator.switches import RULES_PER_GROUP, Switches
from twinwall.model.rules import CidrPeer, Direction, Peer, PrefixListPeer, SecurityGroupRule

Cost = tuple[int, int]
"""(IPv4, IPv6)."""


def peer_cost(peer: Peer, held: Holdings, switches: Switches) -> Cost:
    match peer:
        case CidrPeer(cidr=cidr):
            return (1, 0) if cidr.family == 4 else (0, 1)
        case PrefixListPeer(prefix_list_id=list_id):
            return list_cost(held.lists.get(list_id), switches)
        case _:
            return _both(1, switches)


def list_cost(found: ListState | None, switches: Switches) -> Cost:
    """MaxEntries of a customer's list in its family; the weight of an AWS-managed one; 1 for a list that is
    not known here."""
    if found is None:
        return 1, 0
    value = found.value
    if value.aws_managed:
        return _both(aws_weight(value.name, switches), switches)
    entries = value.max_entries or 1
    return (entries, 0) if value.family == 4 else (0, entries)


def _both(count: int, switches: Switches) -> Cost:
    return count, count if switches.group_reference_counts_in_both_families else 0


def aws_weight(name: str, switches: Switches) -> int:
    """``com.amazonaws.eu-west-1.s3`` and ``com.amazonaws.global.cloudfront.origin-facing`` → its weight."""
    service = name.removeprefix("com.amazonaws.").partition(".")[2]
    return switches.weights.get(service, 1)


def total(rules: Iterable[SecurityGroupRule], held: Holdings, switches: Switches) -> dict[Direction, Cost]:
    sums = {Direction.INGRESS: (0, 0), Direction.EGRESS: (0, 0)}
    for rule in rules:
        four, six = peer_cost(rule.peer, held, switches)
        sums[rule.direction] = (sums[rule.direction][0] + four, sums[rule.direction][1] + six)
    return sums


def check_rule_quota(call: Call, rules: Iterable[SecurityGroupRule]) -> None:
    limit = call.quota(RULES_PER_GROUP)
    for four, six in total(rules, call.here, call.world.switches).values():
        if four > limit or six > limit:
            refuse(
                "RulesPerSecurityGroupLimitExceeded",
                "The maximum number of rules per security group has been reached.",
            )
