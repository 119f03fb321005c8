"""A plan together with what it was made from."""

from dataclasses import dataclass
from typing import Literal

from twinwall.model.firewall import Snapshot
from twinwall.planning.history import History
from twinwall.planning.plan import Plan


@dataclass(frozen=True)
class Planned:
    """A plan, and the target as it was read for it: a plan without changes is proven by that read. ``history``: of the
    journal that is resumed or undone."""

    plan: Plan
    existing: Snapshot
    purpose: Literal["apply", "undo", "resume"] = "apply"
    history: History | None = None

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
