"""Room: how many more inbound rules a group takes.

EC2 counts IPv4 and IPv6 apart; a referenced group counts as one rule, here in both families (aws-facts 1.7: which of
them is unsettled, so the stricter is taken). The rules quota times the groups of an interface is at most 1,000.
"""

from collections.abc import Collection, Iterable

from twinwall.model.rules import CidrPeer, Direction, SecurityGroupRule

PER_INTERFACE = 1000

Rules = Collection[SecurityGroupRule]


def used(rules: Iterable[SecurityGroupRule]) -> tuple[int, int]:
    """Inbound rules that count, (IPv4, IPv6)."""
    four = six = 0
    for rule in rules:
        if rule.direction is Direction.INGRESS:
            family = rule.peer.cidr.family if isinstance(rule.peer, CidrPeer) else 0
            four += family != 6
            six += family != 4
    return four, six


def room_left(groups: Iterable[Rules], quota: int) -> int:
    """Of a site's groups together."""
    return sum(quota - max(used(rules)) for rules in groups)


def room_of_interface(groups: Iterable[Rules]) -> int:
    return PER_INTERFACE - sum(max(used(rules)) for rules in groups)


def fitting(
    rules: Iterable[SecurityGroupRule], standing: Rules, quota: int
) -> tuple[list[SecurityGroupRule], list[SecurityGroupRule]]:
    """Those that a group with these rules has room for, in their order, and the rest."""
    fits, rest = [], []
    left = [quota - count for count in used(standing)]
    for rule in rules:
        family = [bool(count) for count in used([rule])]
        if all(room > 0 for room, counts in zip(left, family, strict=True) if counts):
            left = [room - counts for room, counts in zip(left, family, strict=True)]
            fits.append(rule)
        else:
            rest.append(rule)
    return fits, rest
