"""What each function of a mesh may do, line by line, each with its reason: one source for templates and for people.

The calls are those of ``aws.mesh_doors``; resources and condition keys: aws-facts 9.2 (Service Authorization
Reference). A node's function acts in its own place, and in the others' directly (one account) or through their role
(``role_arn``); then the rights are that role's, and the function may only assume it.

                   own sites                                        sites of other nodes
    table          scan, rows, lease                                scan, push rows of own Regions
    group          read, add, revoke                                read, add
    members        Auto Scaling states, instances, answers          -
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from twinwall.documents.deployment.names import Names, arn, check_deployable, names_of, places
from twinwall.documents.mesh_rights import (
    ADD,
    ADD_MARKED,
    ANSWER,
    ASSUME,
    HIDE,
    INSTANCES,
    INVOKE,
    LEASE,
    LIST_STREAMS,
    LOG,
    MARK,
    OWN_ROWS,
    PUSH,
    QUEUE,
    READ_TABLE,
    REVOKE,
    RULES,
    STATES,
    STREAM,
    Right,
)
from twinwall.documents.permissions import Policy, Statement
from twinwall.mesh.configure import Configured
from twinwall.model.members import Node, Place, Site


@dataclass(frozen=True)
class Line:
    """One statement of a policy, and what breaks without it."""

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    reason: str
    condition: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def statement(self) -> Statement:
        said: Statement = {
            "Sid": self.sid,
            "Effect": "Allow",
            "Action": list(self.actions),
            "Resource": list(self.resources),
        }
        return said | ({"Condition": dict(self.condition)} if self.condition else {})


@dataclass(frozen=True)
class Role:
    """An IAM role of the mesh. ``of``: the node whose stack makes it; ``trust``: who may take it on."""

    name: str
    arn: str
    of: Node
    trust: Policy
    lines: tuple[Line, ...]

    @property
    def policy(self) -> Policy:
        return policy_of(self.lines)

    @property
    def reasons(self) -> dict[str, str]:
        return {line.sid: line.reason for line in self.lines}


@dataclass(frozen=True)
class NodeRoles:
    """``neighbours``: the role by which the other nodes come to this account; one stack of an account makes it."""

    function: Role
    schedule: Role
    neighbours: Role | None = None

    @property
    def all(self) -> tuple[Role, ...]:
        return (self.function, self.schedule, *([self.neighbours] if self.neighbours else []))


def policy_of(lines: Iterable[Line]) -> Policy:
    return {"Version": "2012-10-17", "Statement": [line.statement for line in lines]}


def roles_of(configured: Configured, node: Node) -> NodeRoles:
    """Raises ``ConfigError`` for a mesh that cannot be deployed."""
    check_deployable(configured)
    names = names_of(configured, node)
    return NodeRoles(
        _function_role(configured, node, names),
        _schedule_role(node, names),
        _neighbours(configured, node),
    )


# --- needs

_LEASE_REGION = "-"
"""Key ``region`` of the lease's item (``aws.mesh_table.LEASE``)."""


@dataclass(frozen=True)
class _Need:
    right: Right
    resource: str
    value: str = ""


def _lines(needs: Iterable[_Need]) -> tuple[Line, ...]:
    """One line for each right, in the order of their first need."""
    by_right: dict[Right, list[_Need]] = {}
    for need in needs:
        by_right.setdefault(need.right, []).append(need)
    return tuple(_line(right, found) for right, found in by_right.items())


def _line(right: Right, needs: list[_Need]) -> Line:
    operator, key = right.narrowed
    values = sorted({need.value for need in needs})
    condition = {operator: {key: values if len(values) > 1 else values[0]}} if operator else {}
    resources = tuple(sorted({need.resource for need in needs}))
    return Line(right.sid, right.actions, resources, right.reason, condition)


# --- who needs what where


def _own(mesh: str, site: Site) -> Iterator[_Need]:
    """Of a node's own site, wherever it is."""
    region = site.key.region
    yield _Need(STATES, "*", region)
    yield _Need(INSTANCES, "*", region)
    yield from _adding(mesh, site)
    yield from (_Need(REVOKE, group) for group in _groups(site))
    group = f"autoScalingGroup:*:autoScalingGroupName/{_literal(site.key.asg)}"
    yield _Need(ANSWER, arn("autoscaling", site.place, group))


def _adding(mesh: str, site: Site) -> Iterator[_Need]:
    rules = arn("ec2", site.place, "security-group-rule/*")
    yield _Need(RULES, "*", site.key.region)
    yield from (_Need(ADD, group) for group in _groups(site))
    yield _Need(ADD_MARKED, rules, mesh)
    yield _Need(MARK, rules, mesh)


def _groups(site: Site) -> list[str]:
    return [arn("ec2", site.place, f"security-group/{group_id}") for group_id in site.groups]


def _literal(name: str) -> str:
    """IAM user guide, "Policy variables": signs that a policy would take for more than themselves."""
    return "".join(f"${{{char}}}" if char in "*?$" else char for char in name)


def _acting(configured: Configured, node: Node) -> Iterator[tuple[Place, _Need]]:
    """Everything that a node's function needs of sites and tables, and where."""
    mesh = configured.mesh
    regions = sorted({site.key.region for site in mesh.sites_of(node.name)})
    for site in mesh.sites_of(node.name):
        yield from ((site.place, need) for need in _own(mesh.name, site))
    for other in mesh.others(node.name):
        table = names_of(configured, other).table_arn
        yield other.place, _Need(READ_TABLE, table)
        yield from ((other.place, _Need(PUSH, table, region)) for region in regions)
        for site in mesh.sites_of(other.name):
            yield from ((site.place, need) for need in _adding(mesh.name, site))


def _at_home(names: Names) -> Iterator[_Need]:
    yield _Need(READ_TABLE, names.table_arn)
    yield _Need(OWN_ROWS, names.table_arn)
    yield _Need(LEASE, names.table_arn, _LEASE_REGION)
    yield _Need(STREAM, f"{names.table_arn}/stream/*")
    yield _Need(LIST_STREAMS, "*")
    yield _Need(QUEUE, names.queue_arn)
    yield _Need(HIDE, names.queue_arn)
    yield _Need(LOG, f"{names.arn('logs', f'log-group:{names.log_group}')}:*")


# --- roles


def _function_role(configured: Configured, node: Node, names: Names) -> Role:
    needs, through = [], []
    for place, need in _acting(configured, node):
        role = configured.ways[str(place)].role_arn
        if place == node.place or not role:
            needs.append(need)
        else:
            through.append(_Need(ASSUME, role))
    trust = _trust({"Service": "lambda.amazonaws.com"})
    lines = _lines([*_at_home(names), *needs, *through])
    return Role(names.function_role, names.role_arn(names.function_role), node, trust, lines)


def _schedule_role(node: Node, names: Names) -> Role:
    only = {"StringEquals": {"aws:SourceAccount": node.place.account}}
    trust = _trust({"Service": "scheduler.amazonaws.com"}, only)
    lines = _lines([_Need(INVOKE, names.function_arn)])
    return Role(names.schedule_role, names.role_arn(names.schedule_role), node, trust, lines)


def _neighbours(configured: Configured, node: Node) -> Role | None:
    """Places of one account may share a role: the first node among them makes it, for all of them."""
    role = configured.ways[node.name].role_arn
    mesh = configured.mesh
    if not role or next(n for n in mesh.nodes if configured.ways[n.name].role_arn == role) != node:
        return None
    at = {place for place in places(mesh.sites) if configured.ways[str(place)].role_arn == role}
    needs: list[_Need] = []
    guests: list[str] = []
    for other in mesh.nodes:
        here = [need for place, need in _acting(configured, other) if place in at and place != other.place]
        if here:
            guest = names_of(configured, other)
            guests.append(guest.role_arn(guest.function_role))
            needs += here
    if not needs:
        return None
    return Role(role.rpartition("/")[2], role, node, _guest_trust(guests), _lines(needs))


def _guest_trust(guests: list[str]) -> Policy:
    """Their accounts, narrowed to their functions' roles: IAM refuses a principal that does not exist yet, and forgets
    one that was made anew (IAM user guide, "AWS JSON policy elements: Principal")."""
    accounts = sorted({guest.rpartition(":role/")[0] + ":root" for guest in guests})
    only = {"ArnEquals": {"aws:PrincipalArn": sorted(guests)}}
    return _trust({"AWS": accounts}, only)


def _trust(principal: Mapping[str, Any], condition: Mapping[str, Any] | None = None) -> Policy:
    statement = {"Effect": "Allow", "Principal": dict(principal), "Action": "sts:AssumeRole"}
    return {
        "Version": "2012-10-17",
        "Statement": [statement | ({"Condition": dict(condition)} if condition else {})],
    }
