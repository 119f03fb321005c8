"""Groups and ACLs that use more than 80 % of a quota."""

from collections.abc import Iterator, Mapping

from twinwall.model.firewall import NetworkAcl, SecurityGroup
from twinwall.planning.findings import Finding
from twinwall.planning.inspected import Firewall
from twinwall.planning.lint.catalog import ACL_FULL, GROUP_FULL
from twinwall.planning.quotas import Quotas, entry_counts, list_weight, rule_counts

NEAR = 80
"""Percent."""


def quota_findings(firewall: Firewall, quotas: Quotas) -> Iterator[Finding]:
    lists = firewall.snapshot.prefix_lists or ()
    weights = {item.prefix_list_id: list_weight(item) for item in lists}
    for group in firewall.snapshot.groups:
        yield from _group(group, weights, quotas.rules_per_group)
    for acl in firewall.snapshot.acls or ():
        yield from _acl(acl, quotas.entries_per_acl)


def _near(count: int, limit: int) -> bool:
    return count * 100 > limit * NEAR


def _group(group: SecurityGroup, weights: Mapping[str, int | None], limit: int) -> Iterator[Finding]:
    for (direction, family), count in sorted(rule_counts(group.rules, weights).items()):
        if _near(count, limit):
            message = f"{count} IPv{family} {direction.value} rules of {limit} ({count * 100 // limit} %)"
            way_out = "merge rules, name a prefix list or a group instead of addresses, or ask AWS for a higher quota"
            yield GROUP_FULL.finding(group.resource, message, way_out)


def _acl(acl: NetworkAcl, limit: int) -> Iterator[Finding]:
    for direction, count in sorted(entry_counts(acl).items()):
        if _near(count, limit):
            message = f"{count} {direction.value} entries of {limit} ({count * 100 // limit} %)"
            way_out = "merge entries, or ask AWS for a higher quota (up to 40)"
            yield ACL_FULL.finding(acl.resource, message, way_out)
