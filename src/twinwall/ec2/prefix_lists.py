"""Waiting for customer-managed prefix lists: they change asynchronously, one change at a time.

create-in-progress ─▶ create-complete ─▶ modify-in-progress ─▶ modify-complete      (aws-facts 4)
         └──────────▶ create-failed             └────────────▶ modify-failed
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from twinwall.boundary import Clock, Written
from twinwall.ec2.calls import Ec2
from twinwall.errors import AwsError, NotFound, OutcomeUnknown

_FIRST_WAIT = 0.5
_LONGEST_WAIT = 5.0
_PATIENCE = 300.0

Item = Mapping[str, Any]


class PrefixLists:
    def __init__(self, ec2: Ec2, clock: Clock) -> None:
        self._ec2 = ec2
        self._clock = clock

    def version(self, list_id: str) -> int:
        """The version that the list has once nothing is in progress."""
        item = self._poll({"PrefixListId": list_id}, lambda item: not _in_progress(item))
        return int(item["Version"])

    def wait(self, item: Item, version: int) -> Written:
        """Polls until the list stands in ``version`` or a later one. Raises ``AwsError`` if it failed."""

        def done(item: Item) -> bool:
            self._refuse_failed(item)
            return not _in_progress(item) and int(item.get("Version") or 0) >= version

        item = self._poll(item, done)
        return Written(id=str(item["PrefixListId"]), version=item.get("Version"))

    def _poll(self, item: Item, done: Callable[[Item], bool]) -> Item:
        list_id = str(item["PrefixListId"])
        started, wait = self._clock.monotonic(), 0.0
        while not done(item):
            if self._clock.monotonic() - started > _PATIENCE:
                raise OutcomeUnknown(
                    f"waiting for the prefix list {list_id} ({self._ec2.place.side}): its state is still "
                    f"{item.get('State')!r} after {_PATIENCE:.0f} s; way out: run again later"
                )
            if item.get("State"):
                wait = min(max(wait * 2, _FIRST_WAIT), _LONGEST_WAIT)
                self._clock.sleep(wait)
            item = self._describe(list_id)
        return item

    def _describe(self, list_id: str) -> Item:
        """The list; one that EC2 does not show yet is in progress."""
        request = {"PrefixListIds": [list_id]}
        try:
            answer = self._ec2.ask("DescribeManagedPrefixLists", request, "reading the prefix list", list_id)
            found: Sequence[Any] = answer["PrefixLists"]
        except NotFound:
            found = ()
        return found[0] if found else {"PrefixListId": list_id, "State": "not-visible-in-progress"}

    def _refuse_failed(self, item: Item) -> None:
        state = str(item.get("State", ""))
        if state.endswith("-failed"):
            message = " ".join(str(item.get("StateMessage") or "no reason was given").split())
            raise AwsError(
                f"changing the prefix list {item['PrefixListId']} ({self._ec2.place.side}): its state is "
                f"{state}: {message}; way out: mend the cause, then run again",
                code=state,
            )


def _in_progress(item: Item) -> bool:
    """Also while nothing is known of the list yet."""
    return not item.get("State") or str(item["State"]).endswith("-in-progress")
