"""Memberships of all sites → the rules that one group should have, and what it lacks and has too much."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from twinwall.model.firewall import make_tags
from twinwall.model.members import Membership, Site
from twinwall.model.net import ICMP, ICMPV6, Cidr
from twinwall.model.ownership import MESH_TAG
from twinwall.model.rules import CidrPeer, Direction, GroupPeer, SecurityGroupRule, Tags, Traffic

SITE_TAG, GENERATION_TAG = "twinwall:site", "twinwall:generation"

Rules = Collection[SecurityGroupRule]
"""Of one group, with ids and tags."""


def mark(mesh: str, site: Site, generation: int) -> Tags:
    """Site and generation are for the audit: never compared."""
    return make_tags([(MESH_TAG, mesh), (SITE_TAG, str(site.key)), (GENERATION_TAG, str(generation))])


def is_marked(rule: SecurityGroupRule, mesh: str) -> bool:
    return (MESH_TAG, mesh) in rule.tags


def placeholders(rules: Rules, group_id: str) -> tuple[Traffic, ...]:
    """What the group admits from itself: the ports of a mesh that configures none."""
    own = {rule.traffic for rule in rules if _is_inbound(rule) and _names(rule, group_id)}
    return tuple(sorted(own, key=lambda traffic: (traffic.protocol, traffic.first or 0, traffic.last or 0)))


def _is_inbound(rule: SecurityGroupRule) -> bool:
    return rule.direction is Direction.INGRESS


def _names(rule: SecurityGroupRule, group_id: str) -> bool:
    return isinstance(rule.peer, GroupPeer) and rule.peer.group_id == group_id


def wanted(addresses: Iterable[Cidr], ports: Iterable[Traffic]) -> list[SecurityGroupRule]:
    """One for each address and port of its family, in the addresses' order."""
    return [SecurityGroupRule(Direction.INGRESS, traffic, peer) for traffic, peer in _pairs(addresses, ports)]


def _pairs(addresses: Iterable[Cidr], ports: Iterable[Traffic]) -> Iterator[tuple[Traffic, CidrPeer]]:
    traffics = tuple(ports)
    for address in addresses:
        peer, other = CidrPeer(address), ICMP if address.family == 6 else ICMPV6
        yield from ((traffic, peer) for traffic in traffics if traffic.protocol != other)


@dataclass(frozen=True)
class Difference:
    """``missing``: own members' rules first, in the addresses' order; ``extra``: marked rules whose address nobody
    claims."""

    missing: tuple[SecurityGroupRule, ...] = ()
    extra: tuple[SecurityGroupRule, ...] = ()


def compare(
    existing: Rules, claims: Collection[Cidr], own: Collection[Cidr], ports: Collection[Traffic], mesh: str
) -> Difference:
    """A foreign rule that is identical to a wanted one satisfies it; a broader one does not."""
    inbound = [rule for rule in existing if _is_inbound(rule)]
    standing = {(rule.traffic, rule.peer) for rule in inbound}
    lacking = {pair[1].cidr for pair in _pairs({*own, *claims}, ports) if pair not in standing}
    ordered = (*sorted(lacking & {*own}), *sorted(lacking - {*own}))
    missing = [rule for rule in wanted(ordered, ports) if (rule.traffic, rule.peer) not in standing]
    extra = [rule for rule in inbound if not _claimed(rule, claims) and is_marked(rule, mesh)]
    return Difference(tuple(missing), tuple(sorted(extra)))


def _claimed(rule: SecurityGroupRule, claims: Collection[Cidr]) -> bool:
    return isinstance(rule.peer, CidrPeer) and rule.peer.cidr in claims


def elsewhere(
    existing: Rules, ports: Collection[Traffic], claims: Collection[Cidr], mesh: str
) -> list[SecurityGroupRule]:
    """Rules of ours for members, on ports that the mesh no longer names: they stay as long as their address is
    claimed, for what is claimed is never revoked."""
    return sorted(
        rule
        for rule in existing
        if _is_inbound(rule)
        and is_marked(rule, mesh)
        and rule.traffic not in ports
        and _claimed(rule, claims)
    )


def shown(existing: Rules) -> frozenset[Cidr]:
    """The addresses that stand in inbound rules, whoever wrote them."""
    return frozenset(
        rule.peer.cidr for rule in existing if _is_inbound(rule) and isinstance(rule.peer, CidrPeer)
    )


def by_site(
    missing: Iterable[SecurityGroupRule], rows: Mapping[Site, Membership | None]
) -> dict[Site, list[SecurityGroupRule]]:
    """Rules by the site whose row lists their address: one call writes the marks of one site."""
    owner = {address: site for site, row in rows.items() if row for address in row.listed}
    found: dict[Site, list[SecurityGroupRule]] = {}
    for rule in missing:
        if isinstance(rule.peer, CidrPeer) and rule.peer.cidr in owner:
            found.setdefault(owner[rule.peer.cidr], []).append(rule)
    return found
