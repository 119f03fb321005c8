"""What a route would do to the promise, in words."""

from dataclasses import dataclass
from typing import Literal

from twinwall.model.firewall import Resource

Kind = Literal["gap", "excess"]

WAYS_OUT = (
    "ask AWS for a higher quota, put addresses into a prefix list, or spread the rules over a second group"
)
ACL_WAYS_OUT = "ask AWS for more entries or one more ACL in the VPC, or merge entries"


@dataclass(frozen=True, slots=True)
class Breach:
    """``flow`` is closed for a moment although both ends admit it (*gap*), or open although neither does
    (*excess*). ``moment`` names the call after which, ``rule`` what admits it elsewhere."""

    kind: Kind
    resource: Resource
    flow: str
    rule: str
    moment: str
    ways_out: str = WAYS_OUT

    def __str__(self) -> str:
        what = (
            "would for a moment be closed, although the old and the new firewall both admit it"
            if self.kind == "gap"
            else "would for a moment be admitted, although neither the old nor the new firewall admits it"
        )
        return f"after {self.moment}, {self.flow} {what} (now: {self.rule})"
