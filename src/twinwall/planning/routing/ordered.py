"""Changes → the route that carries them out, and what the desired state is called then."""

from dataclasses import dataclass, replace

from twinwall.planning import changes as c
from twinwall.planning.desired import Desired
from twinwall.planning.order import Route
from twinwall.planning.routing.acls import acl_lanes, renamed
from twinwall.planning.routing.assemble import assemble
from twinwall.planning.routing.full import full_lanes
from twinwall.planning.routing.given import Given
from twinwall.planning.routing.strict import strict_lanes


@dataclass(frozen=True)
class Ordered:
    """``desired`` speaks of the ACLs that take the place of others by their refs."""

    route: Route
    desired: Desired


def order(given: Given) -> Ordered:
    acls = strict_lanes(given) if given.strict and given.groups_move else acl_lanes(given)
    kept = tuple(
        change
        for change in given.changes
        if not (isinstance(change, c.CreateTags) and change.resource.id in acls.replaced)
    )
    remaining = replace(given, changes=kept)
    route = assemble(remaining, acls.closing, acls.opening, full_lanes(remaining))
    return Ordered(route, renamed(given.desired, acls.replaced))
