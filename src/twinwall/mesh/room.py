"""Room: how many more inbound rules a group takes.

EC2 counts IPv4 and IPv6 apart; a referenced group counts as one rule, here in both families (aws-facts 1.7: which of
them is unsettled, so the stricter is taken). The rules quota times the groups of an interface is at most 1,000.
"""

from collections.abc import Iterable

from twinwall.model.rules import CidrPeer, Direction, SecurityGroupRule

PER_INTERFACE = 1000


def used(rules: Iterable[SecurityGroupRule]) -> tuple[int, int]:
    """Inbound rules that count, (IPv4, IPv6)."""
    four = six = 0
    for rule in rules:
        if rule.direction is Direction.INGRESS:
            family = rule.peer.cidr.family if isinstance(rule.peer, CidrPeer) else 0
            four += family != 6
            six += family != 4
    return four, six


def room_left(rules: Iterable[SecurityGroupRule], quota: int) -> int:
    return quota - max(used(rules))
