"""Options that name something nobody has: a misspelling would otherwise pass in silence."""

from collections.abc import Iterator

from twinwall.model.firewall import Resource
from twinwall.model.rules import CidrPeer, GroupPeer
from twinwall.replica.notes import Notes
from twinwall.replica.scene import Scene
from twinwall.replica.selection import matches


def tell_unused(scene: Scene, notes: Notes) -> None:
    for option, why in _unused(scene):
        resource = Resource("vpc", scene.source_at.vpc_id)
        notes.note(
            "option-unused", resource, f"{option}: {why}", severity="warning", way_out="check the spelling"
        )


def _unused(scene: Scene) -> Iterator[tuple[str, str]]:
    asked = scene.settings.translation
    sources = [(group.group_id, group.group_name) for group in scene.source.groups]
    known = _known_names(scene) if asked.map_group or asked.map_prefix_list else set()
    for item in asked.map_group:
        if item.source not in known:
            yield f"--map-group {item.source}=…", "the source has no such group and no rule that names it"
    for wanted, _ in asked.map_prefix_list:
        if wanted not in known:
            yield f"--map-prefix-list {wanted}=…", "no rule of the source names such a list"
    for rename in asked.rename:
        if not any(matches(rename.glob, *source) for source in sources):
            yield f"--rename {rename.glob}=…", "no group of the source is called so"
    targets = [(group.group_id, group.group_name) for group in scene.target.groups]
    targets += [(acl.network_acl_id, acl.name) for acl in scene.target.acls or ()]
    for pattern in scene.settings.limits.adopt:
        if not any(matches(pattern, *target) for target in targets):
            yield f"--adopt {pattern}", "nothing in the target is called so"


def _known_names(scene: Scene) -> set[str]:
    """Ids and names of the source's groups and lists, and of what its rules name."""
    names = {name for group in scene.source.groups for name in (group.group_id, group.group_name)}
    for item in scene.source.prefix_lists or ():
        names |= {item.prefix_list_id, item.name}
    for group in scene.source.groups:
        for peer in [rule.peer for rule in group.rules if not isinstance(rule.peer, CidrPeer)]:
            names |= {str(peer), peer.group_name} if isinstance(peer, GroupPeer) else {str(peer)}
    return names
