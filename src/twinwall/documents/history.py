"""A journal's records → ``planning.history.History``: of the last undertaking in the file, with all runs of it.

``begin`` starts an undertaking (an apply, or an undo), ``resume`` goes on with the last one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from twinwall.documents.journal import read_journal
from twinwall.documents.plans import parse_plan, plan_document
from twinwall.errors import ConfigError, DocumentError
from twinwall.model import wire
from twinwall.model.firewall import Snapshot, new_id, ref_name
from twinwall.planning import changes as c
from twinwall.planning.history import History, Purpose, Sent
from twinwall.planning.plan import Plan
from twinwall.planning.recorded import change_from_document

Record = Mapping[str, Any]


def begin_fields(purpose: Purpose, plan: Plan, before: Snapshot) -> dict[str, Any]:
    """What a journal's ``begin`` holds: the plan, and the target's whole firewall before the first call."""
    return {"purpose": purpose, "plan": plan_document(plan), "before": image(before)}


def image(before: Snapshot) -> dict[str, Any]:
    """A firewall in EC2's shapes. What is not known is left out."""
    document: dict[str, Any] = {
        "Region": before.region,
        "OwnerId": before.owner_id,
        "SecurityGroups": list(map(wire.group_document, before.groups)),
    }
    if before.acls is not None:
        document["NetworkAcls"] = [wire.acl_document(acl) for acl in before.acls]
    if before.prefix_lists is not None:
        document["PrefixLists"] = list(map(wire.prefix_list_document, before.prefix_lists))
    if before.vpcs is not None:
        document["Vpcs"] = list(map(wire.vpc_document, before.vpcs))
    return document


def load_history(path: Path) -> History:
    """Raises ``DocumentError`` for what is no journal, edited, or holds no undertaking."""
    records = read_journal(path)
    starts = [at for at, record in enumerate(records) if record["event"] == "begin"]
    if not starts:
        raise DocumentError(
            f"the journal {path}: nothing was begun, so nothing is to be resumed or undone; name another journal"
        )
    try:
        return _history(records[starts[-1] :], _lock_of(records), _nonce_of(records), path)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, ConfigError) as wrong:
        why = f"no key {wrong}" if isinstance(wrong, KeyError) else str(wrong)
        raise DocumentError(
            f"the journal {path} is not what a journal should be: {why}; name another, or an unedited copy"
        ) from None


def _lock_of(records: Sequence[Record]) -> str:
    """The lock that was taken and not let go, whichever undertaking that was for."""
    last = next((record for record in reversed(records) if record["event"] in ("locked", "unlocked")), None)
    return str(last["id"]) if last and last["event"] == "locked" else ""


def _nonce_of(records: Sequence[Record]) -> str:
    """Of the lock that was about to be taken when the records end."""
    last = next((r for r in reversed(records) if r["event"] in ("locking", "locked", "unlocked")), None)
    return str(last["nonce"]) if last and last["event"] == "locking" else ""


@dataclass
class _Calls:
    """``open``: calls of one run that wait for their end, by step, with the time they were sent. ``lost``: when calls
    were sent that may still arrive. ``shared``: lists that another target's run made."""

    open: dict[int, tuple[c.Change, float]] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)
    lost: list[float] = field(default_factory=list)
    shared: dict[str, str] = field(default_factory=dict)
    ended: bool = False

    def take(self, record: Record) -> None:
        event, step = record["event"], int(record.get("step", -1))
        if event == "call":
            self.open[step] = (change_from_document(dict(record)), _seconds(record["time"]))
        elif event == "done" or event == "settled":
            self._carried_out(*self.open.pop(step), record)
        elif event == "unknown":
            change, time = self.open[step]
            self.sent.append(Sent(change, answered=False, at=time))
            self.lost.append(time)
        elif event in ("refused", "failed", "skipped"):
            self.open.pop(step, None)
            if "ref" in record:
                self.shared[new_id("prefix-list", record["ref"])] = record["id"]
        elif event == "journal":
            self.close()
        elif event == "end":
            self.ended = True

    def _carried_out(self, change: c.Change, time: float, record: Record) -> None:
        """What settled because somebody else had made it so is not ours. A call that was found done does not arrive
        any more."""
        if record.get("ours", True):
            self.sent.append(Sent(change, answered=True, at=_seconds(record["time"])))
        if record["event"] == "settled" and time in self.lost:
            self.lost.remove(time)
        if ref_name(change.resource.id) is not None:
            self.ids[change.resource.id] = record["id"]

    def close(self) -> None:
        """The run is over, one way or the other."""
        for change, time in self.open.values():
            self.sent.append(Sent(change, answered=False, at=time))
            self.lost.append(time)
        self.open = {}


def _history(records: Sequence[Record], lock_id: str, nonce: str, path: Path) -> History:
    begin, state = records[0], _Calls()
    for record in records[1:]:
        state.take(record)
    state.close()
    return History(
        purpose=begin["purpose"],
        plan=parse_plan(begin["plan"], path),
        before=wire.parse_snapshot(begin["before"]),
        sent=tuple(state.sent),
        ids={**state.shared, **state.ids},
        shared=frozenset(state.shared.values()),
        unanswered_at=max(state.lost, default=None),
        last_at=_seconds(records[-1]["time"]),
        lock_id=lock_id,
        lock_nonce=nonce,
        ended=state.ended,
    )


def _seconds(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()
