"""Changes → the route that carries them out, and what the desired state is called then."""

from dataclasses import dataclass

from twinwall.planning import changes as c
from twinwall.planning.desired import Desired
from twinwall.planning.order import Route
from twinwall.planning.routing.assemble import assemble
from twinwall.planning.routing.given import Given
from twinwall.planning.routing.lane import Lane


@dataclass(frozen=True)
class Ordered:
    """``desired`` speaks of the ACLs that take the place of others by their refs."""

    route: Route
    desired: Desired


def order(given: Given) -> Ordered:
    lanes = []
    for changes in given.by_thing.values():
        lane = Lane()
        for change in sorted(changes, key=_stage):
            if change.resource.type in ("network-acl", "subnet") and not isinstance(change, c.CreateTags):
                lane.chain(change, -1 if c.ref_name(change.resource.id) else 0)
        if lane.legs:
            lanes.append(lane)
    return Ordered(assemble(given, lanes, (), ()), given.desired)


def _stage(change: c.Change) -> int:
    return isinstance(change, c.DeleteNetworkAclEntry | c.DeleteNetworkAcl)
