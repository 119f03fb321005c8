"""Will everybody fit? The members that the Auto Scaling groups are to have, and may have, against the quotas.

members wanted now, all sites ─ rules that they need ─▶ more than its groups may have?  refused
members at most                                     ─▶ more than its groups may have?  told: who comes last is refused
further groups of a site                            ─▶ on no interface of its members?  refused
groups of an interface × rules that one may have    ─▶ more than 1,000?             refused
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from twinwall.ec2.codes import QUOTA_CODES
from twinwall.engine.deployment.ground import Document, Ground, Land
from twinwall.errors import AwsError, ConfigError, QuotaExceeded
from twinwall.mesh.room import PER_INTERFACE, needed, ports_of
from twinwall.mesh.settings import Mesh
from twinwall.model.members import Site
from twinwall.model.rules import SecurityGroupRule
from twinwall.model.wire import parse_rule

_QUOTA = QUOTA_CODES["rules_per_group"]


@dataclass(frozen=True)
class _Limit:
    """Of a group's rules, and who says so."""

    rules: int
    told: str


def check_room(land: Land, scaling: Mapping[Site, Document]) -> None:
    """``scaling``: each site's Auto Scaling group. Raises ``QuotaExceeded`` for the first site in whose groups the
    mesh's members do not fit, ``ConfigError`` for one whose members do not carry all of them."""
    now = sum(
        max(int(found.get("DesiredCapacity") or 0), len(found.get("Instances") or ()))
        for found in scaling.values()
    )
    most = sum(int(found.get("MaxSize") or 0) for found in scaling.values())
    for site, found in scaling.items():
        ground = land.at(site.place)
        rules = [parse_rule(item) for group_id in site.groups for item in ground.rules(group_id)]
        limit = _limit(land, site, ground)
        _check_interface(land, site, ground, found, limit)
        _check_groups(land, site, rules, limit, now, max(now, most))


def _limit(land: Land, site: Site, ground: Ground) -> _Limit:
    """The account's own, else what the configuration says of it."""
    try:
        found = ground.quota(_QUOTA)
    except AwsError as failed:
        configured = land.configured.mesh.rules_per_group
        land.tell(
            f"{site.key}: the quota of rules of a group cannot be read, rules_per_group = {configured} counts: {failed}"
        )
        return _Limit(configured, "rules_per_group of twinwall.toml allows")
    return _Limit(found, f"the account's quota {_QUOTA} allows")


def _check_groups(
    land: Land, site: Site, rules: Sequence[SecurityGroupRule], limit: _Limit, now: int, most: int
) -> None:
    mesh = land.configured.mesh
    ports = len(ports_of(mesh, site, rules))
    if not ports:
        land.tell(
            f"{site.key}: {site.group_id} has no placeholder rule (a reference to itself), and the mesh has no ports: "
            'nobody is admitted; way out: write ports = ["tcp/443", …]'
        )
        return
    at_once, in_all = (needed(mesh, site, rules, members) for members in (now, most))
    names, room = ", ".join(site.groups), len(site.groups) * limit.rules
    allowed = f"{limit.told} {limit.rules}" + (f" in each of {len(site.groups)}" if site.further else "")
    if at_once > room:
        raise QuotaExceeded(
            f"deploying to {site.key}: {names} would need {at_once} inbound rules ({_sum(mesh, now, ports)}, "
            f"beside those that are there), {allowed}; {_WAY_OUT}"
        )
    if in_all > room:
        land.tell(
            f"{site.key}: with all groups at their MaxSize, {names} would need {in_all} inbound rules "
            f"({_sum(mesh, most, ports)}), {allowed}: members beyond it are refused; {_WAY_OUT}"
        )


_WAY_OUT = (
    f"way out: merge ports into ranges, drop ports, name further_groups, or ask for a higher quota {_QUOTA}"
)


def _sum(mesh: Mesh, members: int, ports: int) -> str:
    kinds = f" × {len(mesh.addresses)} addresses" if len(mesh.addresses) > 1 else ""
    return f"{members} members{kinds} × {ports} ports"


def _check_interface(land: Land, site: Site, ground: Ground, found: Document, limit: _Limit) -> None:
    """Quotas can only be had so that an interface has at most 1,000 rules."""
    try:
        groups = ground.launch_groups(found)
    except AwsError as failed:
        land.tell(f"{site.key}: how many groups its members' interfaces carry is not known: {failed}")
        return
    if groups is None:
        return
    if site.further and not any(carried.issuperset(site.groups) for carried in groups):
        lacking = [group_id for group_id in site.groups if group_id not in set().union(*groups)]
        raise ConfigError(
            f"instances of {site.key} do not carry {', '.join(lacking or site.groups)}: of the groups of a site each "
            f"admits some of the members, so all stand on one interface; add them to the launch template of "
            f"{site.key.asg}, or take them out of further_groups"
        )
    for carried in groups:
        if site.group_id not in carried:
            land.tell(
                f"{site.key}: its launch template does not carry {site.group_id}, so nothing guards its members"
            )
        elif len(carried) * limit.rules > PER_INTERFACE:
            raise QuotaExceeded(
                f"deploying to {site.key}: an interface of its members carries {len(carried)} groups, each of which "
                f"may have {limit.rules} rules ({limit.told} {limit.rules}), AWS allows {PER_INTERFACE} an interface; "
                f"way out: at most {PER_INTERFACE // limit.rules or 1} groups in the launch template, or a smaller "
                f"quota {_QUOTA}"
            )
