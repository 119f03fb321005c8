"""What a mesh would be put upon, looked at before anything is made. Reads only; the first thing wrong is one line.

credentials ─▶ of the account that the site names?
group       ─▶ there? nobody else's? in the VPC of the Auto Scaling group?
hooks       ─▶ free, or ours, or the same?
table       ─▶ free, or ours, or one that can be used?
"""

from dataclasses import dataclass
from typing import Any

from twinwall.documents.deployment.settings import Hook, settings_of
from twinwall.engine.deployment.ground import Document, Ground, Land, is_alive, is_busy, settled, status_of
from twinwall.errors import ConfigError, ForeignOwner, NotFound, WrongAccount
from twinwall.mesh.room import PER_INTERFACE
from twinwall.model.firewall import tag
from twinwall.model.members import Node, Site
from twinwall.model.ownership import MESH_TAG, SOURCE_TAG
from twinwall.model.wire import parse_tags


@dataclass(frozen=True)
class Found:
    """What stands at a node. ``stream``: of a table that is there and not the stack's own."""

    node: Node
    stack: Document | None
    stream: str


def inspect(land: Land) -> tuple[Found, ...]:
    """Raises ``ConfigError``, ``ForeignOwner``, ``NotFound``, ``WrongAccount``."""
    check_accounts(land)
    for site in land.configured.mesh.sites:
        mesh = land.configured.mesh
        _check_site(land.at(site.place), site, mesh.name, mesh.rules_per_group)
    return tuple(_found(land, node) for node in land.nodes)


def check_accounts(land: Land) -> None:
    """Raises ``WrongAccount``."""
    for place in sorted({site.place for site in land.configured.mesh.sites}):
        account = land.at(place).account()
        if account != place.account:
            raise WrongAccount(
                f"deploying to {place}: the credentials are of account {account}; way out: --profile "
                f"{place.account}=NAME, or --role-arn of a role in {place.account}"
            )


def _check_site(ground: Ground, site: Site, mesh: str, most: int) -> None:
    groups = [_owned(ground, site, group_id, mesh) for group_id in site.groups]
    scaling = ground.scaling_group(site.key.asg)
    if scaling is None:
        raise NotFound(
            f"the Auto Scaling group {site.key.asg} is not in {site.place}; correct asg, region or account"
        )
    for group in groups:
        _check_vpc(ground, site, group, scaling)
    if site.further:
        _check_carried(ground, site, scaling, most)


def _check_carried(ground: Ground, site: Site, scaling: Document, most: int) -> None:
    """Members are reached by what any group of the set admits: so each instance must carry all of them, and the rules
    of all its groups together have a ceiling (aws-facts 1.7)."""
    carried = ground.carried(scaling)
    if carried is None:
        return
    lacking = [group_id for group_id in site.groups if group_id not in carried]
    if lacking:
        raise ConfigError(
            f"instances of {site.key} do not carry {', '.join(lacking)}: the launch template of {site.key.asg} has "
            f"{', '.join(sorted(carried)) or 'no group'}; add the group there, or take it out of the site"
        )
    if len(carried) * most > PER_INTERFACE:
        raise ConfigError(
            f"instances of {site.key} carry {len(carried)} groups of {most} rules (rules_per_group): "
            f"{len(carried) * most} an interface; EC2 allows {PER_INTERFACE}: take a group out, or lower the quota"
        )


def _owned(ground: Ground, site: Site, group_id: str, mesh: str) -> Document:
    group = ground.group(group_id)
    if group is None:
        raise NotFound(f"the group {group_id} of the site {site.key} is not in {site.place}; correct group")
    _check_owner(group, site, mesh)
    return group


def _check_vpc(ground: Ground, site: Site, group: Document, scaling: Document) -> None:
    group_id = group["GroupId"]
    subnets = [
        part for part in str(scaling.get("VPCZoneIdentifier") or "").replace(" ", "").split(",") if part
    ]
    vpcs = ground.vpcs_of_subnets(subnets) if subnets else set()
    if vpcs and not vpcs <= {group["VpcId"]} and not vpcs <= {group["VpcId"]} | ground.vpcs_of(group_id):
        raise ConfigError(
            f"the group {group_id} of the site {site.key} is in {group['VpcId']}, the Auto Scaling group in "
            f"{', '.join(sorted(vpcs))}; name a group of that VPC"
        )


def _check_owner(group: Document, site: Site, mesh: str) -> None:
    tags = parse_tags(group.get("Tags"))
    other = tag(tags, MESH_TAG)
    if other not in (None, mesh):
        raise ForeignOwner(
            f"the group {group['GroupId']} of the site {site.key} belongs to the mesh {other}; a group has one mesh: "
            f"name another, or twinwall mesh remove --mesh {other} first"
        )
    source = tag(tags, SOURCE_TAG)
    if source is not None:
        raise ForeignOwner(
            f"the group {group['GroupId']} of the site {site.key} is kept as a copy of {source}; a replica removes "
            "what a mesh adds: name another group"
        )


def _found(land: Land, node: Node) -> Found:
    ground, names = land.of(node), land.names(node)
    stack = ground.stack(names.base)
    if is_busy(status_of(stack)):
        stack = settled(land, node, names.base)
    status = status_of(stack)
    if status in ("UPDATE_ROLLBACK_FAILED", "DELETE_FAILED", "ROLLBACK_FAILED"):
        raise ConfigError(
            f"the stack {names.base} at {node.name} stands at {status}; way out: continue or delete it in "
            "CloudFormation, then run the command again"
        )
    lives = is_alive(status)
    if not lives:
        for hook in settings_of(land.configured, node).hooks:
            _check_hook(ground, hook)
    before = {one["ParameterKey"]: one["ParameterValue"] for one in (stack or {}).get("Parameters") or ()}
    made = lives and not before.get("TableStream")
    return Found(node, stack, "" if made else _stream(ground, names.table, node))


def _check_hook(ground: Ground, hook: Hook) -> None:
    """CloudFormation would change another's hook unasked."""
    wanted: dict[str, Any] = {
        "LifecycleTransition": hook.transition,
        "HeartbeatTimeout": hook.heartbeat,
        "DefaultResult": hook.default,
    }
    for found in ground.hooks(hook.site.key.asg):
        if found["LifecycleHookName"] != hook.name:
            continue
        for key, value in wanted.items():
            if found.get(key) != value:
                raise ForeignOwner(
                    f"the hook {hook.name} of {hook.site.key} exists, with {key} {found.get(key)} where {value} is "
                    "wanted; way out: delete it, or choose another name with hook in twinwall.toml"
                )


def _stream(ground: Ground, name: str, node: Node) -> str:
    """Of a table that is there already; empty if none is."""
    table = ground.table(name)
    if table is None:
        return ""
    keys = [(key["AttributeName"], key["KeyType"]) for key in table["KeySchema"]]
    if keys != [("region", "HASH"), ("asg", "RANGE")]:
        raise ForeignOwner(
            f"the table {name} at {node.name} exists and has the keys {', '.join(key for key, _ in keys)}, not region "
            "and asg; way out: choose another name with table in twinwall.toml"
        )
    stream = table.get("StreamSpecification") or {}
    if not stream.get("StreamEnabled") or not str(stream.get("StreamViewType")).startswith("NEW_"):
        raise ConfigError(
            f"the table {name} at {node.name} exists and has no stream of new images; way out: aws dynamodb "
            f"update-table --table-name {name} --stream-specification StreamEnabled=true,StreamViewType=NEW_IMAGE"
        )
    return str(table["LatestStreamArn"])
