"""Are the replicas in step? As text, as the JSON of ``drift``, and as SARIF.

A firewall has no lines, but a replica has: its table in the configuration. That is where SARIF's physical
locations point, which code scanning services ask for.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from twinwall.model.firewall import Resource
from twinwall.planning.findings import Finding
from twinwall.planning.lint import Check
from twinwall.planning.proof import VerifyReport, verify_document
from twinwall.report.blocks import columns, counted, folded, heading, without_refs
from twinwall.report.sarif import Told, run_document
from twinwall.report.verify import verify_text

Json = dict[str, Any]


@dataclass(frozen=True)
class Drift:
    """One target of one replica: ``report``, or the ``error`` that kept it from being compared. ``seconds``:
    how long it took."""

    replica: str
    source: str
    target: str
    vpc_id: str
    exit_code: int
    report: VerifyReport | None = None
    error: str = ""
    seconds: float = 0.0

    @property
    def state(self) -> str:
        """One word or two, the same in every tongue."""
        if self.report is None:
            return "refused" if self.exit_code == 3 else "failed"
        if self.report.differences:
            return "drifted"
        if self.report.undecided:
            return "undecided"
        return "incomplete" if self.exit_code else "in step"

    @property
    def words(self) -> str:
        """What is behind the state, in a line."""
        if self.report is None:
            return self.error
        parts = [
            (len(self.report.differences), "difference"),
            (len(self.report.undecided), "undecided flow"),
        ]
        told = [counted(number, what) for number, what in parts if number]
        told += [f"{len(self.report.not_compared)} not compared"] if self.report.not_compared else []
        return ", ".join(told) or counted(self.report.compared.groups, "group") + " compared"


# --- text


_STYLES = {"in step": "green", "drifted": "red", "undecided": "yellow", "incomplete": "yellow"}


def drift_text(drifts: Sequence[Drift]) -> RenderableType:
    rows = [
        (Text(one.state, style=_STYLES.get(one.state, "red")), one.replica, one.target, one.words)
        for one in drifts
    ]
    out = sum(1 for one in drifts if one.exit_code)
    verdict = f"{out} of {counted(len(drifts), 'target')} not in step" if out else "all in step"
    told = [one for one in drifts if one.report and one.exit_code]
    return Group(
        heading("Drift"),
        Padding(Text(verdict, style="red" if out else "green"), (0, 0, 0, 2)),
        Padding(columns(rows), (0, 0, 0, 2)),
        *(block for one in told for block in _told(one)),
    )


def _told(one: Drift) -> Iterator[RenderableType]:
    assert one.report is not None
    yield Text()
    yield folded(f"{one.replica}: {one.source} → {one.target}", style="bold")
    yield verify_text(one.report)


# --- JSON


def drift_document(drifts: Sequence[Drift], exit_code: int) -> Json:
    names = list(dict.fromkeys(one.replica for one in drifts))
    return {
        "replicas": [_replica(name, [one for one in drifts if one.replica == name]) for name in names],
        "exit_code": exit_code,
    }


def _replica(name: str, drifts: Sequence[Drift]) -> Json:
    return {"name": name, "source": drifts[0].source, "targets": list(map(_target, drifts))}


def _target(one: Drift) -> Json:
    proof = verify_document(one.report) if one.report else {"error": one.error}
    return {"name": one.target, "state": one.state, **proof, "exit_code": one.exit_code}


# --- SARIF


DIFFERENCE = Check(
    "drift-difference",
    "error",
    "A copy admits other packets than its source",
    "One packet is named that source and target treat differently. twinwall migrate --replica NAME puts it right.",
)
UNDECIDED = Check(
    "drift-undecided",
    "warning",
    "Whether a copy admits what its source admits hangs on members that are not known",
    "The condition is named under which both are equal.",
)
NOT_COMPARED = Check(
    "drift-not-compared",
    "note",
    "Something was left out of the comparison",
    "An error under --complete.",
)
FAILED = Check(
    "drift-failed",
    "error",
    "A replica could not be compared",
    "What was found and the way out are named.",
)
CHECKS = (DIFFERENCE, UNDECIDED, NOT_COMPARED, FAILED)


def drift_sarif(drifts: Sequence[Drift], *, version: str, file: str, lines: dict[str, int]) -> Json:
    """``file``: the configuration; ``lines``: where each replica's table begins in it."""
    told = [
        Told(finding, "/".join(filter(None, (one.replica, one.target, one.vpc_id))), file, lines[one.replica])
        for one in drifts
        for finding in _findings(one)
    ]
    return run_document(told, CHECKS, version)


def _findings(one: Drift) -> Iterator[Finding]:
    replica = f"replica {one.replica}, {one.source} → {one.target}"
    way = f"twinwall migrate --replica {one.replica}"
    report = one.report
    if report is None:
        yield FAILED.finding(Resource("vpc", one.vpc_id or one.target), f"{replica}: {one.error}", "")
        return
    for item in report.differences:
        flow = f"only the {item.only_in} admits {item.flow}" if item.flow else f"only in the {item.only_in}"
        rule = item.decided_by.source if item.only_in == "source" else item.decided_by.target
        yield DIFFERENCE.finding(item.resource, f"{replica}: {without_refs(flow)}", way, without_refs(rule))
    for undecided in report.undecided:
        words = f"{replica}: {undecided.flow}: {undecided.condition}"
        yield UNDECIDED.finding(undecided.resource, without_refs(words), "", str(undecided.flow))
    for left_out in report.not_compared:
        yield NOT_COMPARED.finding(left_out.resource, f"{replica}: {left_out.why}", "", left_out.rule)
