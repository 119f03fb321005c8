"""Everything Twinwall raises.

    TwinwallError
    ├── ConfigError                 the input is wrong whatever AWS holds
    │   └── DocumentError           a file is cut short, edited, of another version, not what it should be
    ├── Refused                     understood, and refused before any write
    │   ├── TranslationError        the source cannot be said in the target's terms
    │   │   ├── UnmappedGroup       an outside reference under ``--outside fail``
    │   │   ├── UnmappedPrefixList  a list that cannot be found or read
    │   │   └── AmbiguousName       several candidates, all named
    │   ├── UnsafePlan              the plan would hurt
    │   │   ├── TooMuchChange
    │   │   ├── WouldClose
    │   │   ├── QuotaExceeded
    │   │   └── ForeignOwner        not marked as ours, or marked as somebody else's
    │   ├── StalePlan               what the plan touches has moved
    │   ├── WrongAccount            another account than the plan's
    │   ├── LockHeld                another run writes to the target
    │   └── NotConfirmed            nobody said yes
    ├── Interfered                  somebody else changed, during a write, what was being written
    ├── EventError                  an event that is not what its shape says
    └── AwsError                    AWS said no, or nothing
        ├── AccessDenied
        ├── CredentialsError        no, wrong or expired credentials
        ├── NotFound
        ├── AlreadyExists
        ├── DependencyViolation
        ├── Throttled               transient
        ├── Unavailable             transient: a connection that failed before the call was sent, or a 5xx
        └── OutcomeUnknown          sent, never answered

A message says what was being done, on which thing, what was found against what was allowed, and the way
out; it is one line. ``exit_code`` is the process's (contract, chapter 2).
"""

from typing import ClassVar


class TwinwallError(Exception):
    """Base of all of ours. ``str()`` is the one line a user reads."""

    exit_code: ClassVar[int] = 1


class ConfigError(TwinwallError):
    """The input is wrong whatever AWS holds."""


class DocumentError(ConfigError):
    """A file that is cut short, edited, of another version, or not what it should be."""


class Refused(TwinwallError):
    """Understood, and refused before any write."""

    exit_code = 3


class TranslationError(Refused):
    """The source cannot be said in the target's terms."""


class UnmappedGroup(TranslationError):
    """A referenced group that was not found in the target."""


class UnmappedPrefixList(TranslationError):
    """A prefix list that cannot be found or read."""


class AmbiguousName(TranslationError):
    """Several candidates where there must be one."""


class UnsafePlan(Refused):
    """The plan would hurt."""


class TooMuchChange(UnsafePlan):
    """More removals than ``--max-change`` allows."""


class WouldClose(UnsafePlan):
    """A protected flow would close."""


class QuotaExceeded(UnsafePlan):
    """An AWS quota would be exceeded."""


class ForeignOwner(UnsafePlan):
    """The thing is not marked as ours, or is marked as somebody else's."""


class StalePlan(Refused):
    """What the plan touches has moved since it was made."""


class WrongAccount(Refused):
    """The credentials lead to another account or Region than the plan's."""


class LockHeld(Refused):
    """Another run writes to the target, or may still do so."""


class NotConfirmed(Refused):
    """Nobody said yes."""


class Interfered(TwinwallError):
    """Somebody else changed, during a write, what was being written."""


class EventError(TwinwallError):
    """An event that is not what its shape says."""


class AwsError(TwinwallError):
    """AWS said no, or nothing.

    ``code`` is EC2's error code (``InvalidGroup.NotFound``), empty where there was no answer.
    """

    transient: ClassVar[bool] = False

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class AccessDenied(AwsError):
    """The credentials may not do this."""


class CredentialsError(AwsError):
    """No, wrong or expired credentials."""


class NotFound(AwsError):
    """The thing named does not exist (yet)."""


class AlreadyExists(AwsError):
    """The thing to be made exists."""


class DependencyViolation(AwsError):
    """Somebody still uses the thing to be removed."""


class Throttled(AwsError):
    """EC2 asks for fewer calls."""

    transient = True


class Unavailable(AwsError):
    """The service could not be reached, or answered 5xx to a call that changes nothing."""

    transient = True


class OutcomeUnknown(AwsError):
    """The call was sent and never answered: it may have been carried out, or may still be."""
