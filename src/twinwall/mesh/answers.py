"""What is said to a lifecycle hook, and when: only what a proof shows.

launch      its addresses stand in the group, and all that the rows claim         CONTINUE
            its own addresses are definitely refused                              ABANDON (or as configured)
            no address yet                                                        later
            released or gone meanwhile                                            nothing: nobody waits any more
terminate   the group is right without it                                         CONTINUE
warm pool   it serves nobody                                                      CONTINUE
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from twinwall.mesh.events import Hook
from twinwall.mesh.members import Observation
from twinwall.model.members import Membership
from twinwall.model.net import Cidr

Result = Literal["CONTINUE", "ABANDON"]


@dataclass(frozen=True)
class Answer:
    hook: Hook
    result: Result


def of_launch(
    hook: Hook,
    row: Membership | None,
    seen: Observation | None,
    shown: Collection[Cidr],
    refused: Collection[Cidr],
) -> Answer | Literal["later"] | None:
    """None: nothing is to be said. ``shown``: what the proof shows; ``refused``: addresses of ours that EC2
    definitely refuses and that are to stay all the same."""
    if seen is not None and any(release.instance == hook.instance for release in seen.released):
        return None
    own = {member.address for member in row.members if member.instance == hook.instance} if row else set()
    if own:
        return Answer(hook, "CONTINUE") if own <= {*shown, *refused} else "later"
    return "later" if seen is None or hook.instance in seen.not_ready else None
