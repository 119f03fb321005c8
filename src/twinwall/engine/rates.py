"""What a long run asks before it begins: the account's own request buckets, and how long it takes with them."""

from dataclasses import replace

from twinwall.engine.means import SETTLE_SECONDS
from twinwall.engine.pace import WHOLE
from twinwall.engine.planned import Planned
from twinwall.engine.sides import LiveSide
from twinwall.planning.makespan import makespan

LONG_SECONDS = 20.0
"""Asking takes some twenty calls, one after the other: about two seconds."""


def rated(planned: Planned, target: LiveSide) -> Planned:
    """With the seconds that it takes with what is ours of the account's own buckets; ``target.pace`` knows them then.
    What is not told stays as documented."""
    plan, pace = planned.plan, target.pace
    if plan.estimated_seconds > LONG_SECONDS:
        actions = pace.unasked({change.action for change in plan.changes})
        if actions:
            pace.told(target.account.buckets(actions))
    if pace.share == WHOLE and not pace.has_own:
        return planned
    return replace(
        planned, plan=replace(plan, estimated_seconds=makespan(plan.route, SETTLE_SECONDS, pace.bucket))
    )
