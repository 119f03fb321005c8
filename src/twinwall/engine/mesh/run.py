"""One handler's run: what it stands in, what time it has left, and jobs at once."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from twinwall.boundary import Clock, Crew, Ended, MemberTable, MeshDoors
from twinwall.errors import TwinwallError
from twinwall.mesh.settings import Mesh
from twinwall.model.members import Membership, Node, Release, Site, SiteKey
from twinwall.model.rules import SecurityGroupRule

T = TypeVar("T")


class NotDone(TwinwallError):
    """This run could not bring it to an end; the queue brings it again. ``after``: not before so many seconds."""

    def __init__(self, message: str, after: float = 0.0) -> None:
        super().__init__(message)
        self.after = after


@dataclass(frozen=True)
class Around:
    """What a node's function stands in. ``crew`` makes a crew of threads, ``token`` a name that nobody else has,
    ``log`` takes one line of the audit."""

    mesh: Mesh
    node: str
    doors: MeshDoors
    clock: Clock
    crew: Callable[[], Crew]
    token: Callable[[], str]
    log: Callable[[Mapping[str, Any]], None]

    @property
    def table(self) -> MemberTable:
        return self.doors.table(self.node)

    @property
    def sites(self) -> tuple[Site, ...]:
        return self.mesh.sites_of(self.node)


@dataclass
class Run:
    """``floor``: generations that rows of ours must go above; ``refused``: rules of our own addresses that EC2
    definitely refuses; ``let_go``: releases of this run."""

    around: Around
    started: float
    failed: set[str] = field(default_factory=set)
    remote_until: float | None = None
    unsent: bool = False
    """A row of ours was not sent to a node that answers: the time for other nodes was over before."""
    floor: dict[SiteKey, int] = field(default_factory=dict)
    let_go: dict[SiteKey, list[Release]] = field(default_factory=dict)
    refused: dict[str, set[SecurityGroupRule]] = field(default_factory=dict)
    unheard: float = 0.0
    """Since when this node, lost or restored, has not heard all others: so long it only adds."""
    event_id: str = ""
    cause: str = ""
    """What happened, in a word."""

    def within(self) -> float:
        """Seconds for one call here. Raises ``NotDone`` when the handler's time is over."""
        mesh = self.around.mesh
        left = self.started + mesh.deadline - self.around.clock.monotonic()
        if left <= 0:
            raise NotDone("the handler's time is over")
        return min(mesh.call_timeout, left)

    def within_remote(self) -> float:
        """Seconds for one call elsewhere: one deadline for the whole handler, from its first call elsewhere on."""
        now = self.around.clock.monotonic()
        if self.remote_until is None:
            self.remote_until = now + self.around.mesh.remote_deadline
        left = self.remote_until - now
        if left <= 0:
            raise NotDone("the time for other nodes is over")
        return left

    def now(self) -> float:
        return self.around.clock.now()

    def log(self, event: str, **fields: Any) -> None:
        known = {
            "event": event,
            "at": round(self.now(), 3),
            "mesh": self.around.mesh.name,
            "node": self.around.node,
        }
        self.around.log({**known, "event_id": self.event_id, "cause": self.cause, **fields})

    def log_rules(self, event: str, site: Site, rules: Collection[SecurityGroupRule], **fields: Any) -> None:
        """One line for one decision: rules of one group, the site's first if none is named."""
        addresses = sorted({str(rule.peer) for rule in rules})
        said = sorted({str(rule.traffic) for rule in rules})
        where = {"site": str(site.key), "group": site.group_id}
        self.log(event, **{**where, "addresses": addresses, "rules": said, **fields})

    def log_added(
        self,
        site: Site,
        row: Membership | None,
        into: Mapping[str, Collection[SecurityGroupRule]],
        refused: Collection[SecurityGroupRule],
    ) -> None:
        of = {"of": str(row.key), "generation": row.generation} if row else {}
        call = "AuthorizeSecurityGroupIngress"
        for group_id, added in into.items():
            if added:
                self.log_rules("added", site, added, call=call, group=group_id, **of)
        if refused:
            self.log_rules("refused", site, refused, call=call, **of)

    def reachable(self) -> tuple[Node, ...]:
        """The other nodes that have not failed in this run."""
        return tuple(n for n in self.around.mesh.others(self.around.node) if n.name not in self.failed)


def at_once(crew: Crew, jobs: Sequence[Callable[[], T]]) -> list[T]:
    """What each job gave, in their order, when all have ended. Raises what the first of them raised."""
    if len(jobs) == 1:
        return [jobs[0]()]
    for key, job in enumerate(jobs):
        crew.start(key, job)
    ended: dict[int, Ended] = {}
    while len(ended) < len(jobs):
        end = crew.next()
        if end is not None:
            ended[end.key] = end
    for key in range(len(jobs)):
        error = ended[key].error
        if error is not None:
            raise error
    return [ended[key].value for key in range(len(jobs))]  # type: ignore[misc]
