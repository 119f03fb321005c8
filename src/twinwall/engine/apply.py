"""Carries a plan out, call by call, at the throttle's pace, each call in the journal before and after.

for each change in order:
    refs → ids    wait for a token    journal "call"    send    journal "done"    remember new ids
Throttled         slows, never fails
anything else     journal "stopped"; what was done stays, running again goes on
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from twinwall.boundary import Clock, FirewallWriter, Journal, Progress, Written
from twinwall.engine.pace import Pace
from twinwall.errors import NotFound, Throttled, TwinwallError
from twinwall.model.firewall import tag
from twinwall.model.ownership import SOURCE_TAG
from twinwall.planning import changes as c
from twinwall.planning.requests import change_document


@dataclass(frozen=True)
class Applied:
    """``calls``: writes by operation, as sent. ``throttled``: how often EC2 asked for fewer. ``ids``: what
    the plan's refs became."""

    calls: dict[str, int]
    seconds: float
    throttled: int
    ids: dict[str, str] = field(default_factory=dict)


@dataclass
class _Run:
    writer: FirewallWriter
    journal: Journal
    clock: Clock
    pace: Pace
    calls: Counter[str] = field(default_factory=Counter)
    ids: dict[str, str] = field(default_factory=dict)
    throttled: int = 0

    def carry_out(self, change: c.Change) -> None:
        resolved = c.resolve(change, self.ids)
        try:
            written = self._send(resolved)
        except NotFound:
            if not (isinstance(resolved, c.RevokeRules) and resolved.missing_ok):
                raise
            self._one_by_one(resolved)
            return
        if isinstance(change, c.CreateSecurityGroup | c.CreateNetworkAcl | c.CreateManagedPrefixList):
            self.ids[change.resource.id] = written.id

    def _one_by_one(self, change: c.RevokeRules) -> None:
        """EC2 revokes nothing where one of several rules is missing (aws-facts 1.6)."""
        for rule in change.rules if len(change.rules) > 1 else ():
            try:
                self._send(replace(change, rules=(rule,)))
            except NotFound:
                continue

    def _send(self, change: c.Change) -> Written:
        while True:
            self.pace.wait(change.action)
            self.journal.record("call", change_document(change))
            try:
                written = self.writer.carry_out(change)
            except Throttled as refused:
                self.throttled += 1
                self.journal.record("refused", {"action": change.action, "code": refused.code})
                self.pace.refused(change.action)
                continue
            except TwinwallError as error:
                self.journal.record("failed", {"action": change.action, "error": str(error)})
                raise
            self.calls[change.action] += 1
            self.journal.record("done", {"action": change.action, "id": written.id})
            return written


def carry_out(
    changes: Sequence[c.Change],
    writer: FirewallWriter,
    journal: Journal,
    clock: Clock,
    progress: Progress,
    made: dict[str, str] | None = None,
) -> Applied:
    """``made``: prefix lists that another target of this run has made in the same account and Region, by
    mark; filled and used. Raises ``AwsError``'s children with what was done in the message, and
    ``KeyboardInterrupt`` likewise."""
    run = _Run(writer, journal, clock, Pace(clock))
    started = clock.monotonic()
    shared: dict[str, str] = {} if made is None else made
    done = 0
    for change in changes:
        try:
            if not _already_made(change, shared, run.ids):
                run.carry_out(change)
            _remember(change, shared, run.ids)
            done += 1
            progress(change.action, done, len(changes))
        except TwinwallError as error:
            journal.record("stopped", {"done": done, "of": len(changes)})
            raise _told(error, done, len(changes)) from error
        except KeyboardInterrupt:
            journal.record("interrupted", {"done": done, "of": len(changes)})
            raise KeyboardInterrupt(_left(done, len(changes))) from None
    return Applied(dict(sorted(run.calls.items())), clock.monotonic() - started, run.throttled, run.ids)


def _already_made(change: c.Change, made: dict[str, str], ids: dict[str, str]) -> bool:
    """A prefix list is one per account and Region: another target of this run may have made it."""
    if not isinstance(change, c.CreateManagedPrefixList | c.ModifyManagedPrefixList):
        return False
    known = made.get(_list_key(change))
    if known:
        ids[change.resource.id] = known
    return known is not None


def _remember(change: c.Change, made: dict[str, str], ids: dict[str, str]) -> None:
    if isinstance(change, c.CreateManagedPrefixList | c.ModifyManagedPrefixList):
        made.setdefault(_list_key(change), ids.get(change.resource.id, ""))


def _list_key(change: c.CreateManagedPrefixList | c.ModifyManagedPrefixList) -> str:
    if isinstance(change, c.CreateManagedPrefixList):
        return tag(change.tags, SOURCE_TAG) or change.name
    return str(change_document(change))


def _left(done: int, of: int) -> str:
    return f"{done} of {of} calls were done; running the same command again goes on from there"


def _told(error: TwinwallError, done: int, of: int) -> TwinwallError:
    """The same error with what was done in its line."""
    told = type(error).__new__(type(error))
    told.__dict__.update(error.__dict__)
    Exception.__init__(told, f"{error}; {_left(done, of)}")
    return told
