"""What a test asks for beside the truth: denials, failures on demand, and how often each call was made."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase
from typing import Any

from twinwall.emulator.refusal import Refusal


class Counts:
    """How many calls came in, by (account, Region, action), refused ones too."""

    def __init__(self) -> None:
        self._counter: Counter[tuple[str, str, str]] = Counter()
        self._lock = threading.Lock()

    def add(self, account: str, region: str, action: str) -> None:
        with self._lock:
            self._counter[account, region, action] += 1

    def reset(self) -> None:
        with self._lock:
            self._counter.clear()

    def snapshot(self) -> Counter[tuple[str, str, str]]:
        with self._lock:
            return Counter(self._counter)

    def by_action(self, account: str | None = None, region: str | None = None) -> Counter[str]:
        """Action → calls, of one account or Region or of all."""
        found: Counter[str] = Counter()
        for (of_account, of_region, action), count in self.snapshot().items():
            if account in (None, of_account) and region in (None, of_region):
                found[action] += count
        return found

    def total(self, *actions: str) -> int:
        """Of the actions named, or of all."""
        return sum(count for action, count in self.by_action().items() if not actions or action in actions)

    def __getitem__(self, key: tuple[str, str, str]) -> int:
        with self._lock:
            return self._counter[key]

    def document(self) -> list[dict[str, Any]]:
        return [
            {"account": account, "region": region, "action": action, "count": count}
            for (account, region, action), count in sorted(self.snapshot().items())
        ]


class Kind(Enum):
    """What befalls a call, and what the client may know of it."""

    REFUSED = "refused"  # answered with a code; nothing was done
    UNSENT = "unsent"  # no connection: the client knows that it never left
    CUT = "cut"  # left, never carried out, no answer
    LOST = "lost"  # carried out, no answer
    LATE = "late"  # no answer; carried out ``seconds`` later
    SLOW = "slow"  # carried out, and answered after ``seconds``
    TWICE = "twice"  # of deliveries only: handed over, and once more after ``seconds``
    NEVER = "never"  # of deliveries only: never handed over, and nobody hears of it


@dataclass
class Fault:
    """Waits for ``action`` (``*`` allowed): lets ``skip`` calls pass, then befalls ``times`` of them (None:
    all). ``contains``: only calls whose request holds this text."""

    action: str
    kind: Kind
    refusal: Refusal | None = None
    times: int | None = 1
    skip: int = 0
    account: str | None = None
    region: str | None = None
    contains: str = ""
    seconds: float = 0.0

    def concerns(self, account: str, region: str, action: str, text: Callable[[], str]) -> bool:
        return (
            fnmatchcase(action, self.action)
            and self.account in (None, account)
            and self.region in (None, region)
            and self.contains in (text() if self.contains else "")
        )

    def document(self) -> dict[str, Any]:
        return {
            "action": self.action,
            "kind": self.kind.value,
            "code": self.refusal.code if self.refusal else None,
            "times": self.times,
            "skip": self.skip,
            "account": self.account,
            "region": self.region,
            "seconds": self.seconds,
        }


@dataclass(frozen=True)
class Denial:
    """``principal``: access key id, ARN (user or role, ``*`` allowed) or account; ``action``: ``CreateTags``,
    ``ec2:Create*``."""

    principal: str
    action: str

    def meets(self, names: Iterable[str], service: str, action: str) -> bool:
        called = (action, f"{service}:{action}")
        return any(fnmatchcase(name, self.principal) for name in names) and any(
            fnmatchcase(name, self.action) for name in called
        )


class Trouble:
    """The faults and denials that were asked for. Safe to use from several threads."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._denials: list[Denial] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def deny(self, denial: Denial) -> None:
        with self._lock:
            self._denials.append(denial)

    def unreachable(self, region: str, account: str | None = None, *, seconds: float = 0.0) -> None:
        """No call gets through to this Region until ``reachable``; ``seconds``: so long a try takes."""
        self.add(Fault("*", Kind.UNSENT, None, None, 0, account, region, seconds=seconds))

    def reachable(self, region: str) -> None:
        with self._lock:
            self._faults = [f for f in self._faults if (f.region, f.kind) != (region, Kind.UNSENT)]

    def no_faults(self) -> None:
        with self._lock:
            self._faults.clear()

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()
            self._denials.clear()

    def pending(self) -> list[Fault]:
        """Those that may still befall a call."""
        with self._lock:
            return [fault for fault in self._faults if fault.times != 0]

    def __bool__(self) -> bool:
        """Is there anything that may befall a call?"""
        return bool(self._faults or self._denials)

    def denied(self, names: Iterable[str], service: str, action: str) -> bool:
        return any(denial.meets(names, service, action) for denial in self._denials)

    def next(self, account: str, region: str, action: str, text: Callable[[], str]) -> Fault | None:
        """The fault that befalls this call, used up by one."""
        if not self._faults:
            return None
        with self._lock:
            for fault in self._faults:
                if fault.times == 0 or not fault.concerns(account, region, action, text):
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None


def denial(arn: str, action: str, resource: str, why: str = "") -> Refusal:
    """AWS's words for a caller (its ARN) that no policy lets through, or that one keeps out; EC2 has a code of
    its own. ``action`` is ``ec2:CreateTags``."""
    why = why or f"because no identity-based policy allows the {action} action"
    message = f"User: {arn} is not authorized to perform: {action} on resource: {resource} {why}"
    if action.startswith("ec2:"):
        return Refusal(
            "UnauthorizedOperation", f"You are not authorized to perform this operation. {message}", 403
        )
    return Refusal("AccessDenied", message, 403)


_BY_PROTOCOL: Mapping[str, Mapping[str, tuple[str, str | None, int]]] = {
    "query": {
        "AuthFailure": (
            "InvalidClientTokenId",
            "The security token included in the request is invalid.",
            403,
        ),
        "RequestExpired": ("ExpiredToken", "The security token included in the request is expired", 403),
    },
    "json": {
        "AuthFailure": (
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
            400,
        ),
        "RequestExpired": (
            "ExpiredTokenException",
            "The security token included in the request is expired",
            400,
        ),
        "SignatureDoesNotMatch": ("InvalidSignatureException", None, 403),
        "AccessDenied": ("AccessDeniedException", None, 400),
        "MissingAuthenticationToken": ("MissingAuthenticationTokenException", None, 403),
        "InvalidAction": ("UnknownOperationException", None, 400),
    },
    "ec2": {"SignatureDoesNotMatch": ("SignatureDoesNotMatch", None, 403)},
}


def in_words_of(protocol: str, refusal: Refusal) -> Refusal:
    """The same refusal as a service of another protocol would word it."""
    if refusal.code not in _BY_PROTOCOL[protocol]:
        return refusal
    code, message, status = _BY_PROTOCOL[protocol][refusal.code]
    return Refusal(code, message or refusal.message, status)
