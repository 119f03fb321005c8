"""Held against the promise before the first call: a route that would break it is refused, or told.

``--allow-gap`` lets gaps pass, each named as a finding; an excess is never let pass.
"""

from collections.abc import Sequence

from twinwall.errors import UnsafePlan
from twinwall.planning.findings import Finding
from twinwall.planning.order import Route
from twinwall.planning.pairing import Pair
from twinwall.planning.promise.acls import AclProof
from twinwall.planning.promise.breach import Breach
from twinwall.planning.promise.groups import GroupProof
from twinwall.planning.promise.reach import Reach
from twinwall.planning.usage import Usage

_TOLD = 20


def breaches(route: Route, pair: Pair) -> list[Breach]:
    """All that the route would break, for some order that it allows."""
    reach = Reach.of(route)
    groups = GroupProof(route, pair, Usage.of(pair.existing), reach)
    return [*groups.breaches(), *AclProof(route, pair, reach).breaches()]


def check_promise(route: Route, pair: Pair, *, allow_gap: bool) -> tuple[Finding, ...]:
    """Raises ``UnsafePlan``; returns what ``--allow-gap`` allows."""
    found = breaches(route, pair)
    refused = [breach for breach in found if breach.kind == "excess" or not allow_gap]
    if refused:
        raise UnsafePlan(refusal(refused))
    return tuple(
        Finding("gap-allowed", "warning", breach.resource, str(breach), breach.ways_out, breach.rule)
        for breach in found[:_TOLD]
    )


def refusal(found: Sequence[Breach]) -> str:
    first = found[0]
    more = f"; and {len(found) - 1} more" if len(found) > 1 else ""
    way = f"{first.ways_out}, or --allow-gap" if first.kind == "gap" else first.ways_out
    return f"planning {first.resource}: {first}{more}; ways out: {way}"
