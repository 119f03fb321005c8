"""How many rules a rule counts for (aws-facts 1.7)."""

from collections.abc import Iterable, Sequence

from twinwall.emulator.index import Tally
from twinwall.emulator.refusal import refuse
from twinwall.emulator.state import Call, Holdings, ListState
from twinwall.emulator.switches import RULES_PER_GROUP, Switches
from twinwall.model.firewall import SecurityGroup
from twinwall.model.rules import SecurityGroupRule

Cost = tuple[int, int]
"""(IPv4, IPv6)."""


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


def cost(tally: Tally, held: Holdings, switches: Switches) -> Cost:
    """What the rules of one direction count for."""
    four, six = tally.ipv4 + tally.groups, tally.ipv6
    if switches.group_reference_counts_in_both_families:
        six += tally.groups
    for list_id, times in tally.lists.items():
        of_list = list_cost(held.lists.get(list_id), switches)
        four, six = four + times * of_list[0], six + times * of_list[1]
    return four, six


def check_rule_quota(
    call: Call,
    group: SecurityGroup,
    come: Sequence[SecurityGroupRule],
    gone: Iterable[SecurityGroupRule] = (),
) -> None:
    """Of the directions that rules come into."""
    here, limit = call.here, call.quota(RULES_PER_GROUP)
    for direction in {rule.direction for rule in come}:
        tally = here.index(group).tallies[direction].copy()
        for rule in come:
            tally.count(rule, 1)
        for rule in gone:
            tally.count(rule, -1)
        if max(cost(tally, here, call.world.switches)) > limit:
            refuse(
                "RulesPerSecurityGroupLimitExceeded",
                "The maximum number of rules per security group has been reached.",
            )
