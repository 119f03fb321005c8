"""What a mesh would be put upon, looked at before anything is made. Reads only; the first thing wrong is one line.

credentials ─▶ of the account that the site names?
group       ─▶ there? nobody else's? in the VPC of the Auto Scaling group?
hooks       ─▶ free, or ours, or the same?
table       ─▶ free, or ours, or one that can be used?
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from twinwall.documents.deployment.settings import Hook, settings_of
from twinwall.engine.deployment.ground import Document, Ground, Land, is_alive, is_busy, settled, status_of
from twinwall.errors import ConfigError, ForeignOwner, NotFound, WrongAccount
from twinwall.mesh.adoption import check_owner
from twinwall.mesh.settings import Mesh
from twinwall.model.members import Node, Site
from twinwall.model.wire import parse_tags


@dataclass(frozen=True)
class Found:
    """What stands at a node. ``stream``: of a table that is there and not the stack's own."""

    node: Node
    stack: Document | None
    stream: str


@dataclass(frozen=True)
class Looked:
    """``scaling``: each site's Auto Scaling group, as it was read."""

    nodes: tuple[Found, ...]
    scaling: Mapping[Site, Document]


def inspect(land: Land) -> Looked:
    """Raises ``ConfigError``, ``ForeignOwner``, ``NotFound``, ``WrongAccount``."""
    check_accounts(land)
    mesh = land.configured.mesh
    scaling = {site: _checked(land.at(site.place), site, mesh) for site in mesh.sites}
    return Looked(tuple(_found(land, node) for node in land.nodes), scaling)


def check_accounts(land: Land) -> None:
    """Raises ``WrongAccount``."""
    for place in sorted({site.place for site in land.configured.mesh.sites}):
        account = land.at(place).account()
        if account != place.account:
            raise WrongAccount(
                f"deploying to {place}: the credentials are of account {account}; way out: --profile "
                f"{place.account}=NAME, or --role-arn of a role in {place.account}"
            )


def _checked(ground: Ground, site: Site, mesh: Mesh) -> Document:
    """The site's Auto Scaling group."""
    groups = [_owned(ground, site, group_id, mesh) for group_id in site.groups]
    scaling = ground.scaling_group(site.key.asg)
    if scaling is None:
        raise NotFound(
            f"the Auto Scaling group {site.key.asg} is not in {site.place}; correct asg, region or account"
        )
    for group in groups:
        _check_vpc(ground, site, group, scaling)
    return scaling


def _owned(ground: Ground, site: Site, group_id: str, mesh: Mesh) -> Document:
    group = ground.group(group_id)
    if group is None:
        raise NotFound(f"the group {group_id} of the site {site.key} is not in {site.place}; correct group")
    check_owner(mesh, site, group_id, parse_tags(group.get("Tags")), f"deploying to {site.place}")
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
