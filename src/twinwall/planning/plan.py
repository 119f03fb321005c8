"""The plan as a value: what would be done to a target, why, at what cost, and what it relies on."""

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property

from twinwall.model.firewall import Endpoint
from twinwall.planning.changes import Change
from twinwall.planning.desired import Desired
from twinwall.planning.findings import Finding, NotCompared
from twinwall.planning.flows import Flow
from twinwall.planning.order import Route, Step
from twinwall.planning.relation import Relation

PLAN_VERSION = 1


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts of resources (groups, ACLs, prefix lists, subnets whose ACL changes)."""

    create: int = 0
    update: int = 0
    delete: int = 0
    unchanged: int = 0


@dataclass(frozen=True, slots=True)
class Touched:
    """What a plan's digest covers: things it changes, by id; ``referenced`` ids, which need only exist; and
    what it relies on being absent: group names (lower case), marks. ``subnets``: their ACL associations."""

    groups: tuple[str, ...] = ()
    referenced: tuple[str, ...] = ()
    acls: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    subnets: tuple[str, ...] = ()
    absent_names: tuple[str, ...] = ()
    absent_marks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """``route``: the calls and their partial order. ``reads``: the API calls besides group and ACL calls that
    making and applying the plan takes, by operation. ``estimated_seconds``: under EC2's documented
    throttle, from the first write to the last. ``opens``, ``closes``: what the target will admit that it does
    not now, and the other way round; ``than_before``, ``than_source`` say it in a word (``opening``), and what is
    tracked and what is not stands in ``may_cut_live`` and ``lingers``. ``briefly_open``: what two gates may admit
    together for a moment (``briefly``). ``quotas``: the account's that it was held to, where they are not AWS's
    documented ones (``Quotas.own``); the way back from it is held to them too."""

    source: Endpoint
    target: Endpoint
    route: Route
    desired: Desired
    summary: Summary
    digest: str
    touched: Touched
    parts: dict[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    not_compared: tuple[NotCompared, ...] = ()
    reads: dict[str, int] = field(default_factory=dict)
    quotas: dict[str, int] = field(default_factory=dict)
    estimated_seconds: float = 0.0
    opens: tuple[Flow, ...] = ()
    closes: tuple[Flow, ...] = ()
    may_cut_live: tuple[Flow, ...] = ()
    lingers: tuple[Flow, ...] = ()
    briefly_open: tuple[Flow, ...] = ()
    than_before: Relation = "equal"
    than_source: Relation = "equal"

    @cached_property
    def changes(self) -> tuple[Change, ...]:
        """In one order that is allowed."""
        return tuple(step.change for step in self.route if isinstance(step, Step))

    @property
    def api_calls(self) -> dict[str, int]:
        """Writes by operation, in the operation's own name."""
        return dict(sorted(Counter(change.action for change in self.changes).items()))

    @property
    def empty(self) -> bool:
        return not self.changes
