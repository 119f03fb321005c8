"""A mesh taken out: stacks, then the mesh's own rules, then buckets; tables only if asked for. Again where one was cut
off.

The stacks go first and all of them, for a function that still lives would add again what is revoked.
"""

from twinwall.engine.deployment.ground import Land, settled, status_of, why_failed
from twinwall.errors import AwsError
from twinwall.mesh.roster import is_marked
from twinwall.model.firewall import tag
from twinwall.model.members import Node, Site
from twinwall.model.ownership import MESH_TAG
from twinwall.model.wire import parse_rule, parse_tags

_AT_ONCE = 100
"""Rules of one call."""


def remove(land: Land, *, tables: bool) -> None:
    """Raises ``AwsError`` at the first thing that cannot go; what went stays gone."""
    for node in reversed(land.nodes):
        _remove_stack(land, node)
    for site in land.configured.mesh.sites:
        for group_id in site.groups:
            _clear(land, site, group_id)
    for node in land.nodes:
        _remove_bucket(land, node)
        if tables:
            _remove_table(land, node)


def _remove_stack(land: Land, node: Node) -> None:
    ground, name = land.of(node), land.names(node).base
    stack = ground.stack(name)
    if stack is None:
        land.tell(f"{node.name}: stack {name}: not there")
        return
    ground.delete_stack(name)
    left = settled(land, node, name)
    if left is not None and status_of(left) != "DELETE_COMPLETE":
        why = why_failed(ground.events(str(left["StackId"])))
        raise AwsError(
            f"removing {node.name}: the stack {name} stands at {status_of(left)}: {why}; remove again goes on"
        )


def _clear(land: Land, site: Site, group_id: str) -> None:
    """What carries this mesh's mark, and nothing else. A group that is gone has no rules."""
    ground, mesh = land.at(site.place), land.configured.mesh.name
    group = ground.group(group_id)
    if group is None:
        land.tell(f"{site.key}: group {group_id}: not there")
        return
    rules = [parse_rule(item) for item in ground.rules(group_id)]
    ours = [rule.rule_id for rule in rules if is_marked(rule, mesh)]
    for start in range(0, len(ours), _AT_ONCE):
        ground.revoke(group_id, ours[start : start + _AT_ONCE])
    if tag(parse_tags(group.get("Tags")), MESH_TAG) == mesh:
        ground.untag_group(group_id, MESH_TAG)
    land.tell(f"{site.key}: group {group_id}: {len(ours)} rules of the mesh are gone")


def _remove_bucket(land: Land, node: Node) -> None:
    ground, bucket = land.of(node), land.names(node).bucket
    if ground.has_bucket(bucket):
        ground.delete_bucket(bucket)
        land.tell(f"{node.name}: bucket {bucket}: gone")


def _remove_table(land: Land, node: Node) -> None:
    ground, name = land.of(node), land.names(node).table
    if ground.table(name) is not None:
        ground.delete_table(name)
        land.tell(f"{node.name}: table {name}: gone")
