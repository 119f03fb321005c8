"""What Terraform keeps, by its state, is not changed unless both are told to keep it.

A mark of Terraform is only a guess of ``model.ownership``; a state says it. So it counts for our own copies too:
somebody imported them.
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase

from twinwall.errors import ForeignOwner
from twinwall.model.firewall import NetworkAcl, PrefixList, Resource, SecurityGroup
from twinwall.planning.desired import Desired
from twinwall.replica.matching import adopts
from twinwall.replica.notes import Notes
from twinwall.replica.scene import Scene, name_key

MOST = 5
"""Things named in one line."""


def check_terraform(scene: Scene, desired: Desired) -> None:
    """Raises ``ForeignOwner`` with the first of them. Does nothing where nothing is written."""
    owned = dict(scene.settings.limits.terraform)
    if not scene.writing or not owned:
        return
    found = [resource for resource in _touched(scene, desired) if resource.id in owned]
    refused = [resource for resource in found if not _both_may(scene, resource)]
    if refused:
        named = ", ".join(f"{resource} as {owned[resource.id]}" for resource in refused[:MOST])
        more = f" and {len(refused) - MOST} more" if len(refused) > MOST else ""
        raise ForeignOwner(
            f"planning {scene.target_at}: by its state Terraform keeps {named}{more}, and would put it back; "
            "--adopt NAME with --adopt-managed if both may keep it, or --exclude it"
        )


def tell_terraform(scene: Scene, notes: Notes) -> None:
    """A state of which nothing is there is probably another place's."""
    owned = {id_ for id_, _ in scene.settings.limits.terraform}
    target = scene.target
    known = {*target.group_by_id, *target.list_by_id, *(acl.network_acl_id for acl in target.acls or ())}
    if owned and not owned & known:
        message = (
            f"none of the {len(owned)} things of the Terraform state is in the target; is it another VPC's?"
        )
        notes.note("terraform-state-elsewhere", Resource("vpc", scene.target_at.vpc_id), message)


def _touched(scene: Scene, desired: Desired) -> Iterator[Resource]:
    """What the plan will hold to its source, and what it may delete; as the target calls it."""
    deleted = (*desired.delete_groups, *desired.delete_acls, *desired.delete_lists)
    if not scene.settings.limits.prune:
        deleted = ()
    ids = {group.group_id for group in desired.groups} | {acl.network_acl_id for acl in desired.acls}
    ids |= {item.prefix_list_id for item in desired.lists} | set(deleted)
    yield from (group.resource for group in scene.target.groups if group.group_id in ids)
    yield from (acl.resource for acl in scene.target.acls or () if acl.network_acl_id in ids)
    yield from (item.resource for item in scene.target.prefix_lists or () if item.prefix_list_id in ids)
    now = {a.subnet_id: acl.network_acl_id for acl in scene.target.acls or () for a in acl.associations}
    yield from (a.subnet for a in desired.associations if now.get(a.subnet.id) != a.network_acl_id)


def _both_may(scene: Scene, resource: Resource) -> bool:
    """Subnets have no name that --adopt could mean."""
    if not scene.settings.limits.adopt_managed:
        return False
    if resource.type == "subnet":
        return True
    if (item := scene.target.list_by_id.get(resource.id)) is not None:
        return _adopts_list(scene, item)
    things: list[SecurityGroup | NetworkAcl] = [*scene.target.groups, *(scene.target.acls or ())]
    return any(adopts(scene, thing) for thing in things if thing.resource == resource)


def _adopts_list(scene: Scene, item: PrefixList) -> bool:
    patterns = (pattern for pattern in scene.settings.limits.adopt if pattern != "default")
    return any(
        pattern == item.prefix_list_id or fnmatchcase(name_key(item.name), name_key(pattern))
        for pattern in patterns
    )
