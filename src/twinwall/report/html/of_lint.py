"""What lint found as a part of a page, with the firewall that it found it in."""

from twinwall.planning.inspected import Firewall
from twinwall.planning.lint import LintReport
from twinwall.planning.lint.run import SEVERITIES
from twinwall.report.blocks import counted
from twinwall.report.html.blocks import findings_section, scene_sections
from twinwall.report.html.page import Figure, Part, Section, Tone, Verdict, sections
from twinwall.report.html.scene import scene_of_one

_TONES: dict[str, Tone] = {"error": "bad", "warning": "warn", "note": "calm"}


def lint_part(id_: str, report: LintReport, firewall: Firewall) -> Part:
    return Part(
        id_,
        report.label,
        _verdict(report),
        [("VPC", report.vpc_id if report.label == report.vpc_id else f"{report.label}: {report.vpc_id}")],
        _figures(report),
        sections(
            findings_section(id_, report.findings),
            _not_checked(id_, report),
            *scene_sections(id_, scene_of_one(firewall.snapshot)),
        ),
    )


def _verdict(report: LintReport) -> Verdict:
    checked = f"{counted(report.groups, 'group')} and {counted(report.acls, 'ACL')} checked"
    found = [(severity, report.counted(severity)) for severity in SEVERITIES if report.counted(severity)]
    if not found:
        return Verdict("good", "Nothing found", f"{checked}.")
    words = ", ".join(counted(number, severity) for severity, number in found)
    return Verdict(_TONES[found[0][0]], words, f"{checked} for rules that cannot do what their author meant.")


def _figures(report: LintReport) -> list[Figure]:
    counts = [(severity, report.counted(severity)) for severity in SEVERITIES]
    return [
        *(Figure(f"{n:,}", f"{severity}s", _TONES[severity] if n else None) for severity, n in counts),
        Figure(f"{report.groups:,}", "groups"),
        Figure(f"{report.acls:,}", "ACLs"),
    ]


def _not_checked(part: str, report: LintReport) -> Section | None:
    if not report.not_checked:
        return None
    rows = [f"{', '.join(one.checks)}: {one.why}" for one in report.not_checked]
    return Section("notes", f"{part}-not-checked", "Not checked", rows, len(rows))
