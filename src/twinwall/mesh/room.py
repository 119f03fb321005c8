"""Room: how many more inbound rules a group takes.

EC2 counts IPv4 and IPv6 apart; a referenced group counts as one rule, here in both families (aws-facts 1.7: which of
them is unsettled, so the stricter is taken). The rules quota times the groups of an interface is at most 1,000.
"""

from collections.abc import Iterable

from twinwall.mesh.roster import Rules, is_marked, placeholders
from twinwall.mesh.settings import Mesh
from twinwall.model.members import Site
from twinwall.model.net import ICMP, ICMPV6
from twinwall.model.rules import CidrPeer, Direction, SecurityGroupRule, Traffic

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


def room_left(groups: Iterable[Rules], quota: int) -> int:
    """Of a site's groups together."""
    return sum(quota - max(used(rules)) for rules in groups)


def room_of_interface(groups: Iterable[Rules]) -> int:
    return PER_INTERFACE - sum(max(used(rules)) for rules in groups)


def ports_of(mesh: Mesh, site: Site, rules: Rules) -> tuple[Traffic, ...]:
    """Configured, or the group's placeholders; none: nobody is admitted."""
    return mesh.ports or placeholders(rules, site.group_id)


def needed(mesh: Mesh, site: Site, rules: Rules, members: int) -> int:
    """Inbound rules of the family that has the most: for so many members of all sites, beside what is not ours. A
    single host on a port of the mesh may be a member's, whoever let it in, and is not counted twice."""
    ports = ports_of(mesh, site, rules)
    foreign = [rule for rule in rules if not is_marked(rule, mesh.name)]
    hosts_four, hosts_six = used(rule for rule in foreign if _is_host_on(rule, ports))
    four, six = used(rule for rule in foreign if not _is_host_on(rule, ports))
    kinds = len(mesh.addresses - {"ipv6"})
    ours_four = members * kinds * sum(port.protocol != ICMPV6 for port in ports)
    ours_six = members * len(mesh.addresses & {"ipv6"}) * sum(port.protocol != ICMP for port in ports)
    return max(four + max(ours_four, hosts_four), six + max(ours_six, hosts_six))


def _is_host_on(rule: SecurityGroupRule, ports: tuple[Traffic, ...]) -> bool:
    host = isinstance(rule.peer, CidrPeer) and rule.peer.cidr.length == rule.peer.cidr.bits
    return host and rule.traffic in ports


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
