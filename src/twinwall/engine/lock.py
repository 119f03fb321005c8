"""One run at a time in a VPC: an empty group named ``twinwall-lock`` is the lock, and its tags say who holds it.

    taken      CreateSecurityGroup: a name is unique in a VPC, so that of two only one succeeds
    kept       CreateTags with a later expiry, once a minute; a run that cannot stops before the expiry
    released   DeleteSecurityGroup, by id
    over a     Duplicate, read, DeleteSecurityGroup by id, CreateSecurityGroup: of two that find it dead both may
    dead one   delete the dead one (an id never comes again), and only one creates

Two calls, five over a dead one. The expiry is read by another machine's clock: clocks may be ``SKEW`` seconds apart.
A holder that was stopped for longer than its expiry (a machine that slept) finds that out before its next call; a call
that was on its way meanwhile is not held back by any lock.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from math import inf
from typing import TypeVar

from twinwall.boundary import LATE_SECONDS, Clock, Document, Journal
from twinwall.engine.settling import Look
from twinwall.engine.sides import LiveSide
from twinwall.errors import (
    AccessDenied,
    AlreadyExists,
    AwsError,
    Interfered,
    LockHeld,
    NotFound,
    OutcomeUnknown,
    Throttled,
)
from twinwall.model.firewall import Resource, SecurityGroup, make_tags, new_id, tag
from twinwall.model.ownership import (
    LOCK_EXPIRES_TAG,
    LOCK_GROUP_NAME,
    LOCK_HOLDER_TAG,
    LOCK_JOURNAL_TAG,
    LOCK_TAG,
)
from twinwall.model.rules import Tags
from twinwall.model.wire import parse_group
from twinwall.planning import changes as c

T = TypeVar("T")

LIFE = 180.0
KEEP_EVERY = 60.0
SKEW = 30.0
_ATTEMPTS = 8
_PAUSE = 1.0
LAG = 10.0
"""For how long a group that was made may not be found."""
_LONGEST_VALUE = 256  # of a tag (aws-facts 1.2)


@dataclass(frozen=True)
class Holder:
    """``name``: who, in words. ``journal``: its path. ``nonce``: of this one run and no other."""

    name: str
    journal: str
    nonce: str

    def tags(self, expires: float) -> Tags:
        pairs = {
            LOCK_TAG: self.nonce,
            LOCK_HOLDER_TAG: self.name[:_LONGEST_VALUE],
            LOCK_JOURNAL_TAG: self.journal[-_LONGEST_VALUE:],
            LOCK_EXPIRES_TAG: _written(expires),
        }
        return make_tags(pairs.items())


@dataclass
class Lock:
    """Held. ``keep`` is told often, ``release`` once."""

    id: str
    expires: float
    holder: Holder
    target: LiveSide
    clock: Clock
    next_try: float = 0.0

    def keep(self) -> None:
        """Extends the lock where it is time to. Raises ``Interfered`` where it is lost, or cannot be kept."""
        now = self.clock.now()
        if now < max(self.expires - LIFE + KEEP_EVERY, self.next_try):
            return
        self.next_try = now + KEEP_EVERY / 6
        if now + LATE_SECONDS > self.expires:
            raise Interfered(
                f"writing to {self.target.vpc_id}: the lock could not be kept in time; resume or undo by the journal"
            )
        try:
            _send(self.target, _tagging(self.id, self.holder.tags(now + LIFE)))
        except NotFound:
            raise Interfered(
                f"writing to {self.target.vpc_id}: the lock {self.id} was taken away, so another run may be "
                "writing; see that it is over, then resume or undo by the journal"
            ) from None
        except AwsError as error:
            if not (error.transient or isinstance(error, OutcomeUnknown)):
                raise
        else:
            self.expires = now + LIFE

    def release(self) -> None:
        """Raises ``AwsError``'s children; a lock that is gone is released. One that EC2 does not let go is left when it
        has expired."""
        _repeated(self._let_go, self.clock, until=self.expires)

    def _let_go(self) -> None:
        """A group that was made a moment ago may not be found yet (aws-facts 3.2), and would stay."""
        shows = self.expires - LIFE + LAG
        while not _deleted(self.target, self.id) and self.clock.now() < shows:
            self.clock.sleep(_PAUSE)


def acquire(target: LiveSide, holder: Holder, journal: Journal, clock: Clock, own: str = "") -> Lock:
    """``own``: the id of the lock that the same journal's last run held: taken over at once. Raises ``LockHeld``, and
    ``AwsError``'s children."""
    if own:
        _repeated(partial(_deleted, target, own), clock)
    journal.record("locking", {"nonce": holder.nonce})
    for _ in range(_ATTEMPTS):
        try:
            id_, expires = _repeated(partial(_create, target, holder, clock), clock)
        except AlreadyExists:
            id_, expires = _over(target, holder, clock)
        except AccessDenied as denied:
            raise AccessDenied(
                f"{denied}; or --no-lock, if nobody else writes to the VPC", code=denied.code
            ) from None
        if id_:
            journal.record("locked", {"id": id_, "expires": _written(expires)})
            return Lock(id_, expires, holder, target, clock)
        clock.sleep(_PAUSE)
    raise LockHeld(
        f"locking {target.vpc_id}: others took and left the lock {_ATTEMPTS} times meanwhile; run again later"
    )


def leave(target: LiveSide, own: str, clock: Clock) -> None:
    """Takes away the lock that a journal's last run left behind, where there is nothing more to do."""
    if own:
        _repeated(partial(_deleted, target, own), clock)


def find_own(document: Document, nonce: str) -> str:
    """The id of the lock that a run made and did not come to note; empty where there is none."""
    groups = map(parse_group, document.get("SecurityGroups") or ())
    return next((group.group_id for group in groups if nonce and tag(group.tags, LOCK_TAG) == nonce), "")


def find(target: LiveSide) -> SecurityGroup | None:
    """The group that is the lock, or that is in its place."""
    found = Look(target.reader, target.vpc_id).groups()
    return next((group for group in found if group.group_name.casefold() == LOCK_GROUP_NAME), None)


def is_dead(group: SecurityGroup, now: float) -> bool:
    return now > expires_of(group) + SKEW


def expires_of(group: SecurityGroup) -> float:
    """0 where the tags do not say."""
    try:
        return datetime.fromisoformat(tag(group.tags, LOCK_EXPIRES_TAG) or "").timestamp()
    except ValueError:
        return 0.0


def told(group: SecurityGroup) -> str:
    """Who holds it, until when, in words."""
    holder = tag(group.tags, LOCK_HOLDER_TAG) or "nobody knows who"
    until = tag(group.tags, LOCK_EXPIRES_TAG) or "nobody knows when"
    return f"{holder} (journal {tag(group.tags, LOCK_JOURNAL_TAG) or 'unknown'}) until {until}"


def remove(target: LiveSide, group: SecurityGroup, clock: Clock) -> None:
    _repeated(lambda: _deleted(target, group.group_id), clock)


# --- calls


_NONE = "", 0.0


def _over(target: LiveSide, holder: Holder, clock: Clock) -> tuple[str, float]:
    """There is one: ours after all (its id, and when it expires), a dead one, which goes, or somebody's. No id: try
    again."""
    group = _repeated(partial(find, target), clock)
    if group is None:
        return _NONE
    if tag(group.tags, LOCK_TAG) == holder.nonce:
        return group.group_id, expires_of(group)
    if tag(group.tags, LOCK_TAG) is None:
        raise LockHeld(
            f"locking {target.vpc_id}: {group.resource} has the lock's name and is no lock; rename or delete it, or "
            "--no-lock"
        )
    if not is_dead(group, clock.now()):
        raise LockHeld(
            f"locking {target.vpc_id}: {told(group)} holds the lock; wait, finish or take back that run (twinwall "
            "resume or undo with its journal), or, if it is dead, twinwall unlock"
        )
    remove(target, group, clock)
    return _NONE


def _create(target: LiveSide, holder: Holder, clock: Clock) -> tuple[str, float]:
    expires = clock.now() + LIFE
    change = c.CreateSecurityGroup(
        resource=Resource("security-group", new_id("security-group", LOCK_GROUP_NAME), LOCK_GROUP_NAME),
        group_name=LOCK_GROUP_NAME,
        description="Held by Twinwall while it writes to this VPC",
        vpc_id=target.vpc_id,
        tags=holder.tags(expires),
    )
    return _send(target, change), expires


def _deleted(target: LiveSide, id_: str) -> bool:
    """Whether there was anything to delete."""
    try:
        _send(target, c.DeleteSecurityGroup(resource=Resource("security-group", id_, LOCK_GROUP_NAME)))
    except NotFound:
        return False
    return True


def _tagging(id_: str, tags: Tags) -> c.CreateTags:
    return c.CreateTags(resource=Resource("security-group", id_, LOCK_GROUP_NAME), tags=tags)


def _send(target: LiveSide, change: c.Change) -> str:
    target.pace.wait(change.action)
    return target.writer.carry_out(change).id


def _repeated(call: Callable[[], T], clock: Clock, until: float = inf) -> T:
    """Again where nobody answered: a second creation is refused, a second deletion finds nothing. And for as long as
    EC2 asks for fewer calls, until that moment."""
    left = _ATTEMPTS
    while True:
        try:
            return call()
        except Throttled:
            if clock.now() >= until:
                raise
        except AwsError as error:
            left -= 1
            if not left or not (error.transient or isinstance(error, OutcomeUnknown)):
                raise
        clock.sleep(_PAUSE)


def _written(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
