"""All checks of one firewall, and their JSON.

{"findings": [{"id", "severity", "resource", "rule", "message", "way_out"}],
 "summary": {"error", "warning", "note"}, "checked": {"groups", "acls"},
 "not_checked": [{"checks": [ID], "why"}]}
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from twinwall.planning.findings import Finding, Severity
from twinwall.planning.inspected import Firewall
from twinwall.planning.lint import catalog
from twinwall.planning.lint.acls import acl_findings
from twinwall.planning.lint.exposure import exposure_findings
from twinwall.planning.lint.groups import group_findings
from twinwall.planning.lint.quotas import quota_findings
from twinwall.planning.passage import EPHEMERAL, Ports
from twinwall.planning.quotas import Quotas

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""The worst first."""


@dataclass(frozen=True)
class NotChecked:
    """Checks that could not be made, or not fully."""

    checks: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class LintReport:
    label: str
    vpc_id: str
    groups: int
    acls: int
    findings: tuple[Finding, ...]
    not_checked: tuple[NotChecked, ...] = ()

    def counted(self, severity: Severity) -> int:
        return sum(finding.severity == severity for finding in self.findings)


def lint(firewall: Firewall, quotas: Quotas | None = None, client_ports: Ports = EPHEMERAL) -> LintReport:
    snapshot = firewall.snapshot
    return LintReport(
        firewall.label,
        firewall.vpc_id,
        len(snapshot.groups),
        len(snapshot.acls or ()),
        tuple(sorted(_findings(firewall, quotas or Quotas(), client_ports), key=_order)),
        tuple(_not_checked(firewall)),
    )


def _findings(firewall: Firewall, quotas: Quotas, client_ports: Ports) -> Iterator[Finding]:
    for group in firewall.snapshot.groups:
        yield from group_findings(firewall, group)
    for acl in firewall.snapshot.acls or ():
        yield from acl_findings(acl, client_ports)
    yield from quota_findings(firewall, quotas)
    yield from exposure_findings(firewall)


def _order(finding: Finding) -> tuple[int, Finding]:
    return SEVERITIES.index(finding.severity), finding


def _not_checked(firewall: Firewall) -> Iterator[NotChecked]:
    of_acls = (catalog.SHADOWED, catalog.WRONG_FAMILY, catalog.NO_REPLY, catalog.ACL_FULL, catalog.IPV6_HOLE)
    if firewall.snapshot.acls is None:
        why = f"{firewall.label} has no network ACLs"
        yield NotChecked(tuple(check.id for check in of_acls), why)
    if not firewall.membership_known:
        why = f"{firewall.label} does not say which interfaces there are"
        yield NotChecked((catalog.UNUSED.id,), why)
    if not firewall.whole:
        why = f"{firewall.label} does not hold all groups of the VPC, so a missing one may exist"
        yield NotChecked((catalog.DEAD_GROUP.id,), why)


def reaches(report: LintReport, severity: Severity) -> bool:
    """Whether a finding is at least as bad."""
    worst = SEVERITIES[: SEVERITIES.index(severity) + 1]
    return any(finding.severity in worst for finding in report.findings)


def lint_document(report: LintReport) -> dict[str, Any]:
    return {
        "findings": [finding_document(finding) for finding in report.findings],
        "summary": {severity: report.counted(severity) for severity in SEVERITIES},
        "checked": {"groups": report.groups, "acls": report.acls},
        "not_checked": [{"checks": list(one.checks), "why": one.why} for one in report.not_checked],
    }


def finding_document(finding: Finding) -> dict[str, Any]:
    """The contract's ``findings`` item."""
    resource = finding.resource
    return {
        "id": finding.id,
        "severity": finding.severity,
        "resource": {"type": resource.type, "id": resource.id, "name": resource.name},
        "rule": finding.rule or None,
        "message": finding.message,
        "way_out": finding.way_out,
    }
