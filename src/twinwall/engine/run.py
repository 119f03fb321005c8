"""A run of calls: what it has sent, made and still has to do, and the few things that can be done to it.

``apply`` decides what goes next, ``answers`` what an end means; both speak to the run in its verbs. All of it happens
in one thread.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from typing import Any

from twinwall.boundary import FirewallWriter, Written
from twinwall.engine.agenda import Agenda
from twinwall.engine.doubts import Doubts
from twinwall.engine.ground import Ground
from twinwall.engine.means import Applied, Means, Settle
from twinwall.engine.readback import FIRST_PAUSE, LONGEST_PAUSE, VISIBLE_SECONDS
from twinwall.engine.settling import Look
from twinwall.errors import AwsError
from twinwall.model.firewall import ref_name, tag
from twinwall.model.ownership import SOURCE_TAG
from twinwall.planning import changes as c
from twinwall.planning.history import Sent
from twinwall.planning.recorded import change_document
from twinwall.planning.unanswered import asked_about

READING = -1
"""The key of a reading that no barrier asks for."""


@dataclass
class Flight:
    """What the crew is at: a call, or the question what became of one. ``told``: as ``settling.settle`` has it."""

    change: c.Change
    sent: float
    asking: bool = False
    told: bool = False


@dataclass
class Trouble:
    """A step that did not go at once: since when, and what is left of it."""

    since: float
    pause: float = FIRST_PAUSE
    change: c.Change | None = None
    unknown: bool = False


@dataclass
class Run:
    """``done`` of ``of`` calls. ``flights``: what the crew has, a reading being None. ``relying``: positions of steps
    that a reading has to come before."""

    agenda: Agenda
    look: Look
    writer: FirewallWriter
    means: Means
    ground: Ground
    settle: Settle
    calls: Counter[str] = field(default_factory=Counter)
    ids: dict[str, str] = field(default_factory=dict)
    throttled: int = 0
    done: int = 0
    flights: dict[int, Flight | None] = field(default_factory=dict)
    troubles: dict[int, Trouble] = field(default_factory=dict)
    doubts: Doubts = field(default_factory=Doubts)
    sent: list[Sent] = field(default_factory=list)
    first: float | None = None
    last: float = 0.0
    lines: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    outbox: list[tuple[int, Callable[[], object]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        steps = {at: change for at in range(len(self.agenda.route)) if (change := self.step_at(at))}
        self.of = len(steps)
        self.asked = asked_about(self.agenda.route)
        self.relying = {
            at
            for at, change in steps.items()
            if self.ground.relies(change) or change.resource.id in self.asked
        }
        seed = f"{self.means.journal.path} {self.means.clock.now()}"
        self.nonce = sha256(seed.encode()).hexdigest()[:24]

    def step_at(self, position: int) -> c.Change | None:
        return getattr(self.agenda.route[position], "change", None)

    def applied(self) -> Applied:
        seconds = self.last - self.first if self.first is not None else 0.0
        return Applied(
            dict(sorted(self.calls.items())),
            seconds,
            self.throttled,
            self.ids,
            tuple(self.ground.findings.values()),
            self.doubts.until,
            tuple(self.sent),
        )

    # --- the journal

    def tell(self, event: str, **fields: Any) -> None:
        """Into the journal, with the next ``flush``."""
        self.lines.append((event, fields))

    def record(self, event: str, position: int, **fields: str | bool) -> None:
        self.tell(event, step=position, **fields)

    def flush(self) -> None:
        """What was told goes to disk, then what is ready goes out: no call is sent that the journal does not hold."""
        lines, self.lines = self.lines, []
        if lines:
            self.means.journal.record_all(lines)
        outbox, self.outbox = self.outbox, []
        for key, job in outbox:
            self.means.crew.start(key, job)

    # --- out

    def next_change(self, position: int) -> c.Change:
        """The step as it is to be sent next: what is left of it, with real ids, in the association it is by now."""
        trouble = self.troubles.get(position)
        change = trouble.change if trouble and trouble.change else self.agenda.step(position).change
        change = c.resolve(change, self.ids)
        match change:
            case c.CreateNetworkAcl(client_token="") | c.CreateManagedPrefixList(client_token=""):
                return replace(change, client_token=f"twinwall-{self.nonce}-{position}")
            case _:
                return change

    def send(self, position: int, change: c.Change, now: float) -> None:
        self.tell("call", step=position, **change_document(change))
        self.first = now if self.first is None else self.first
        self.flights[position] = Flight(change, now)
        self.ground.sent(change)
        self.sent.append(Sent(change, answered=False))
        self.outbox.append((position, partial(self.writer.carry_out, change)))

    def ask(self, position: int, change: c.Change, sent: float, *, told: bool) -> None:
        """What became of it?"""
        before = self.ground.replay.acl_of_subnet.get(change.resource.id, "")
        self.flights[position] = Flight(change, sent, asking=True, told=told)
        self.outbox.append((position, partial(self.settle, change, self.look, before, told=told)))

    def read(self, key: int, *, acls_too: bool = False) -> None:
        """Starts a reading, unless it is under way."""
        if key in self.flights:
            return
        relying = [c.resolve(self.agenda.step(at).change, self.ids) for at in sorted(self.relying)]
        coming = [change for change in relying if ref_name(change.resource.id) is None]
        wanted = self.ground.wanted(coming, self.means.clock.monotonic(), acls_too=acls_too)
        self.flights[key] = None
        self.outbox.append((key, partial(wanted.read, self.look, self.means.clock)))

    # --- done

    def carried_out(self, position: int, change: c.Change, written: Written, *, counted: bool = True) -> None:
        if isinstance(change, c.CreateSecurityGroup | c.CreateNetworkAcl | c.CreateManagedPrefixList):
            ref = self.agenda.step(position).change.resource.id
            self.ids[ref] = written.id
            self._remember(position)
            if ref in self.asked:
                self.ground.met(written.id, self.means.clock.monotonic())
        if isinstance(change, c.ReplaceNetworkAclAssociation):
            self.ids[c.association_ref(change.resource.id)] = written.id
        elif isinstance(change, c.ModifyManagedPrefixList):
            self._remember(position)
        if counted:
            self.calls[change.action] += 1
            self.last = self.means.clock.monotonic()
            self.record("done", position, action=change.action, id=written.id)
        self.ground.done(c.resolve(self.agenda.step(position).change, self.ids))
        self.doubts.done(position, change)
        self._finish(position, change)

    def arrived(self, position: int, change: c.Change) -> None:
        """Nobody answered it, and it was carried out all the same."""
        self.record("skipped", position, action=change.action, why="it was carried out without an answer")
        self.ground.done(c.resolve(self.agenda.step(position).change, self.ids))
        self._finish(position, change)

    def skip(self, position: int, change: c.Change, why: str) -> None:
        self.record("skipped", position, action=change.action, why=why)
        self._finish(position, change)

    def _finish(self, position: int, change: c.Change) -> None:
        self.done += 1
        self.relying.discard(position)
        self.troubles.pop(position, None)
        self.agenda.done(position)
        self.means.progress(change.action, self.done, self.of)

    def only_asks(self, position: int) -> bool:
        """A creation that is sent once more to learn what became of it."""
        return self.agenda.step(position).change.resource.id in self.asked

    def is_void(self, change: c.Change) -> bool:
        """The deletion of what was not made."""
        return change.action.startswith("Delete") and ref_name(change.resource.id) is not None

    # --- again

    def trouble(self, position: int, error: AwsError | None, change: c.Change) -> Trouble:
        """Raises the error where it has lasted too long."""
        now = self.means.clock.monotonic()
        trouble = self.troubles.setdefault(position, Trouble(now))
        if error is not None and now - trouble.since > VISIBLE_SECONDS:
            self.record("failed", position, action=change.action, error=str(error))
            raise error
        return trouble

    def unheard(self, position: int) -> None:
        """EC2 asked for fewer calls: how long the step's trouble lasts counts from now."""
        self.throttled += 1
        if position in self.troubles:
            self.troubles[position].since = self.means.clock.monotonic()

    def later(self, position: int, error: AwsError, rest: c.Change) -> None:
        trouble = self.trouble(position, error, rest)
        trouble.change = rest
        self.agenda.again(position, self.means.clock.monotonic() + trouble.pause)
        trouble.pause = min(trouble.pause * 2, LONGEST_PAUSE)

    # --- lists that another target of this run made

    def already_made(self, position: int, change: c.Change) -> bool:
        """A prefix list is one per account and Region."""
        step = self.agenda.step(position).change
        if not isinstance(step, c.CreateManagedPrefixList | c.ModifyManagedPrefixList):
            return False
        known = self.means.made.get(_list_key(step))
        if known is None:
            return False
        if known:
            self.ids[step.resource.id] = known
            name, why = ref_name(step.resource.id) or "", "another target of this run made it"
            self.record("skipped", position, action=step.action, why=why, id=known, ref=name)
        self.ground.done(c.resolve(step, self.ids))
        self._finish(position, change)
        return True

    def _remember(self, position: int) -> None:
        step = self.agenda.step(position).change
        if isinstance(step, c.CreateManagedPrefixList | c.ModifyManagedPrefixList):
            self.means.made.setdefault(_list_key(step), self.ids.get(step.resource.id, ""))


def _list_key(change: c.CreateManagedPrefixList | c.ModifyManagedPrefixList) -> str:
    if isinstance(change, c.CreateManagedPrefixList):
        return tag(change.tags, SOURCE_TAG) or change.name
    return str(change_document(change))
