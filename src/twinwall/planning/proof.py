"""What ``verify`` answers: values, and the contract's JSON of them (chapter 3)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from twinwall.model.firewall import Resource, ref_name
from twinwall.model.rules import Direction
from twinwall.planning.findings import NotCompared
from twinwall.planning.flows import Flow, flow_document

Verdict = Literal["equal", "equal-every-membership", "equal-today", "undecided", "different"]
EQUAL_VERDICTS: frozenset[Verdict] = frozenset({"equal", "equal-every-membership", "equal-today"})
Side = Literal["source", "target"]


@dataclass(frozen=True, slots=True)
class DecidedBy:
    """The words of the rule that decides the flow on each side, or why none does."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Difference:
    """``only_in`` admits the flow, the other side does not. ``direction`` is None for a prefix list and
    where ``flow`` is None: the thing itself is there on one side only, and admits nothing."""

    resource: Resource
    direction: Direction | None
    only_in: Side
    flow: Flow | None
    decided_by: DecidedBy


@dataclass(frozen=True, slots=True)
class Undecided:
    resource: Resource
    direction: Direction | None
    flow: Flow
    condition: str


@dataclass(frozen=True, slots=True)
class Compared:
    """How many of each the proof speaks of."""

    groups: int = 0
    acls: int = 0
    subnets: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What comparing some resources found. ``truncated`` are those with more differences than are told.
    ``today``: it holds with the members that groups have now, not with any."""

    differences: tuple[Difference, ...] = ()
    undecided: tuple[Undecided, ...] = ()
    symbols: frozenset[Resource] = frozenset()
    not_compared: tuple[NotCompared, ...] = ()
    truncated: tuple[Resource, ...] = ()
    today: bool = False


def merged(parts: Iterable[Outcome]) -> Outcome:
    outcomes = tuple(parts)
    return Outcome(
        tuple(item for outcome in outcomes for item in outcome.differences),
        tuple(item for outcome in outcomes for item in outcome.undecided),
        frozenset(item for outcome in outcomes for item in outcome.symbols),
        tuple(item for outcome in outcomes for item in outcome.not_compared),
        tuple(dict.fromkeys(item for outcome in outcomes for item in outcome.truncated)),
        any(outcome.today for outcome in outcomes),
    )


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """``symbols`` are the groups and lists that the compared rules name and whose members are left open."""

    verdict: Verdict
    compared: Compared
    symbols: tuple[Resource, ...] = ()
    not_compared: tuple[NotCompared, ...] = ()
    undecided: tuple[Undecided, ...] = ()
    differences: tuple[Difference, ...] = ()
    truncated: tuple[Resource, ...] = ()

    @property
    def equal(self) -> bool:
        """Equal in what was compared."""
        return self.verdict in EQUAL_VERDICTS

    @property
    def complete(self) -> bool:
        return not self.not_compared


def verdict_of(outcome: Outcome) -> Verdict:
    """The worst of what was found."""
    if outcome.differences:
        return "different"
    if outcome.undecided:
        return "undecided"
    if outcome.today:
        return "equal-today"
    return "equal-every-membership" if outcome.symbols else "equal"


def verify_document(report: VerifyReport) -> dict[str, Any]:
    """The contract's ``verify``."""
    return {
        "equal": report.equal,
        "complete": report.complete,
        "verdict": report.verdict,
        "symbols": [_resource_document(symbol) for symbol in report.symbols],
        "compared": {
            "groups": report.compared.groups,
            "acls": report.compared.acls,
            "subnets": report.compared.subnets,
        },
        "not_compared": [
            {"resource": _resource_document(item.resource), "rule": item.rule or None, "why": item.why}
            for item in report.not_compared
        ],
        "undecided": [_undecided_document(item) for item in report.undecided],
        "differences": [_difference_document(item) for item in report.differences],
        "truncated": [_resource_document(resource) for resource in report.truncated],
    }


def _resource_document(resource: Resource) -> dict[str, Any]:
    ref = ref_name(resource.id)
    id_ = resource.id if ref is None else {"ref": ref}
    return {"type": resource.type, "id": id_, "name": resource.name}


def _undecided_document(item: Undecided) -> dict[str, Any]:
    return {
        "resource": _resource_document(item.resource),
        "direction": item.direction.value if item.direction else None,
        "flow": flow_document(item.flow),
        "condition": item.condition,
    }


def _difference_document(item: Difference) -> dict[str, Any]:
    return {
        "resource": _resource_document(item.resource),
        "direction": item.direction.value if item.direction else None,
        "only_in": item.only_in,
        "flow": flow_document(item.flow) if item.flow else None,
        "decided_by": {"source": item.decided_by.source, "target": item.decided_by.target},
    }
