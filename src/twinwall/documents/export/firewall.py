"""What is exported: the groups, ACLs and lists of one VPC, or of what a plan makes of its target."""

from dataclasses import dataclass, field, replace

from twinwall.model.firewall import Location, NetworkAcl, PrefixList, Resource, SecurityGroup, Snapshot
from twinwall.planning.plan import Plan
from twinwall.replica.selection import select_acls, select_groups
from twinwall.replica.settings import Selection


@dataclass(frozen=True)
class Exported:
    """``groups`` and ``acls`` are those selected. ``lists``: those known, AWS's too. ``known``: every group
    that was read, by id, to name what a rule refers to. ``associations``: (subnet, ACL id)."""

    at: Location
    groups: tuple[SecurityGroup, ...] = ()
    acls: tuple[NetworkAcl, ...] = ()
    lists: tuple[PrefixList, ...] = ()
    known: dict[str, SecurityGroup] = field(default_factory=dict)
    associations: tuple[tuple[Resource, str], ...] = ()

    def without_associations(self) -> "Exported":
        return replace(self, associations=())


def of_snapshot(snapshot: Snapshot, at: Location, selection: Selection) -> Exported:
    """Raises ``ConfigError`` for a selection of nothing."""
    acls = select_acls(snapshot, selection)
    subnets = {subnet.subnet_id: subnet.resource for subnet in snapshot.subnets or ()}
    return Exported(
        at=at,
        groups=select_groups(snapshot, selection),
        acls=acls,
        lists=snapshot.prefix_lists or (),
        known=snapshot.group_by_id,
        associations=tuple(
            (subnets.get(a.subnet_id, Resource("subnet", a.subnet_id)), acl.network_acl_id)
            for acl in acls
            for a in acl.associations
        ),
    )


def of_plan(plan: Plan, selection: Selection) -> Exported:
    """The firewall that the plan's target will have, as far as the plan is about it."""
    desired, target = plan.desired, plan.target
    whole = Snapshot(target.region, target.account, desired.groups, desired.acls, prefix_lists=desired.lists)
    at = Location(target.account, target.region, target.vpc_id)
    found = of_snapshot(whole, at, selection)
    kept = {acl.network_acl_id for acl in found.acls}
    wanted = tuple((a.subnet, a.network_acl_id) for a in desired.associations if a.network_acl_id in kept)
    moved = {subnet.id for subnet, _ in wanted}
    staying = tuple(pair for pair in found.associations if pair[0].id not in moved)
    return replace(found, associations=(*staying, *wanted))
