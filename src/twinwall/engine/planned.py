"""A plan together with what it was made from."""

from dataclasses import dataclass
from typing import Literal

from twinwall.model.firewall import Snapshot
from twinwall.planning.findings import Finding
from twinwall.planning.history import History
from twinwall.planning.plan import Plan
from twinwall.planning.proof import VerifyReport


@dataclass(frozen=True)
class Planned:
    """A plan, and the target as it was read for it: a plan without changes is proven by that read. ``history``: of the
    journal that is resumed or undone. ``read_at``: when it was read (monotonic), None where that is not known."""

    plan: Plan
    existing: Snapshot
    purpose: Literal["apply", "undo", "resume"] = "apply"
    history: History | None = None
    read_at: float | None = None

    @property
    def proven(self) -> Plan:
        """The plan by whose desired state the end is judged."""
        if self.purpose == "resume" and self.history is not None:
            return self.history.plan
        return self.plan

    @property
    def known_ids(self) -> dict[str, str]:
        """What refs of ``proven`` became before this run."""
        return dict(self.history.ids) if self.purpose == "resume" and self.history is not None else {}


@dataclass(frozen=True)
class Proof:
    """What a run came to. ``meanwhile``: what somebody else did to what it touched."""

    report: VerifyReport
    meanwhile: tuple[Finding, ...] = ()
