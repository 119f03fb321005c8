"""The journal's last run as calls on a line of time.

call ─── refused, unknown, unclear ─── done, settled, failed, skipped
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Record = Mapping[str, Any]

_ENDS = {"done": "done", "settled": "done, found by reading", "failed": "failed", "skipped": "not needed"}
_DOUBTS = {"refused": "EC2 asked for patience", "unknown": "no answer", "unclear": "unclear answer"}
_MARKS = {
    "locked": "lock taken",
    "unlocked": "lock let go",
    "stopped": "stopped",
    "interrupted": "stopped by hand",
    "end": "all calls done",
}


@dataclass
class Call:
    """One call from its first sending to its end. Seconds since the run began. ``outcome`` is empty while it is
    open."""

    action: str
    thing: str
    start: float
    end: float
    outcome: str = ""
    troubles: list[str] = field(default_factory=list)
    detail: str = ""

    @property
    def seconds(self) -> float:
        return max(0.0, self.end - self.start)

    @property
    def good(self) -> bool:
        return self.outcome in ("done", _ENDS["skipped"])


@dataclass(frozen=True)
class Timeline:
    """``marks``: (seconds, what). ``journal``: its path."""

    journal: str
    began: str
    seconds: float
    calls: Sequence[Call]
    marks: Sequence[tuple[float, str]]

    def place(self, at: float) -> float:
        """In percent of the whole."""
        return round(100 * at / self.seconds, 2) if self.seconds else 0.0

    def width(self, call: Call) -> float:
        return max(0.6, round(self.place(call.end) - self.place(call.start), 2))


def timeline_of(journal: str, records: Sequence[Record]) -> Timeline | None:
    """Of the last run in the records; None if it sent nothing."""
    starts = [at for at, record in enumerate(records) if record["event"] == "journal"]
    run = list(records[starts[-1] :]) if starts else []
    calls, marks = list(_calls(run)), list(_marks(run))
    if not calls:
        return None
    ends = [*(call.end for call in calls), *(at for at, _ in marks)]
    return Timeline(journal, str(run[0]["time"]), max(ends), calls, marks)


def _calls(run: Sequence[Record]) -> Iterator[Call]:
    began = _seconds(run[0]) if run else 0.0
    last = _seconds(run[-1]) - began if run else 0.0
    open_: dict[Any, Call] = {}
    for record in run:
        at, step = _seconds(record) - began, record.get("step")
        event = record["event"]
        if event == "call" and step not in open_:
            open_[step] = Call(str(record.get("action", "")), _thing(record), at, last)
        elif event in _DOUBTS and step in open_:
            open_[step].troubles.append(_DOUBTS[event])
        elif event in _ENDS:
            call = open_.pop(step, None) or Call(str(record.get("action", "")), "", at, at)
            call.end, call.outcome = at, _ENDS[event]
            call.detail = str(record.get("error") or record.get("why") or "")
            yield call
    yield from open_.values()


def _marks(run: Sequence[Record]) -> Iterator[tuple[float, str]]:
    for record in run:
        if record["event"] in _MARKS:
            yield _seconds(record) - _seconds(run[0]), _MARKS[record["event"]]


def _thing(record: Record) -> str:
    resource = record.get("resource")
    if not isinstance(resource, Mapping):
        return ""
    id_ = resource.get("id")
    ref = id_.get("ref", "") if isinstance(id_, Mapping) else str(id_ or "")
    return str(resource.get("name") or ref)


def _seconds(record: Record) -> float:
    return datetime.fromisoformat(str(record["time"])).timestamp()
