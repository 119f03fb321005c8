"""``twinwall mesh permissions``: what each role of a mesh may do, line by line, each with its reason."""

from collections.abc import Iterator
from typing import Any

import click

from twinwall.cli import options as o
from twinwall.cli import output
from twinwall.cli.invocation import Invocation
from twinwall.cli.mesh_around import mesh_option, node_option, nodes_of
from twinwall.cli.replicas import configuration_of
from twinwall.documents.deployer_permissions import deployer_lines
from twinwall.documents.mesh_permissions import Line, Role, policy_of, roles_of
from twinwall.errors import ConfigError


@o.command("permissions")
@mesh_option
@node_option
@click.option("--policy", metavar="ROLE", help="Only this role's policy, ready to paste.")
@click.option(
    "--deployer", is_flag=True, help="Instead: what whoever runs mesh deploy and mesh remove needs."
)
@o.general
@click.pass_obj
def permissions(
    invocation: Invocation, /, mesh: str | None, node: tuple[str, ...], policy: str | None, deployer: bool
) -> int:
    """Print what each role of a mesh may do, with the reason of each line.

    A node has a role for its function and one for its schedule; where an account is entered from others, one of its
    nodes has the role for them too. These are the policies that mesh template writes. With --deployer: the policy of
    whoever deploys, node by node, of which mesh deploy asks IAM beforehand. Needs no account and no network.
    """
    configured = configuration_of(invocation).mesh(mesh)
    wanted = [configured.mesh.node(name) for name in nodes_of(configured, node)]
    if deployer:
        if policy is not None:
            raise ConfigError("--deployer prints no role's policy; leave out --policy")
        _tell_deployer(invocation, {one.name: deployer_lines(configured, one) for one in wanted})
        return 0
    roles = {one.name: roles_of(configured, one).all for one in wanted}
    if policy is not None:
        output.document(_one(roles, policy).policy)
    elif invocation.json:
        output.document({name: [_document(role) for role in found] for name, found in roles.items()})
    else:
        output.lines([line for name, found in roles.items() for line in _told(name, found)])
    return 0


def _tell_deployer(invocation: Invocation, found: dict[str, tuple[Line, ...]]) -> None:
    if invocation.json:
        output.document(
            {
                name: {"policy": policy_of(lines), "reasons": {line.sid: line.reason for line in lines}}
                for name, lines in found.items()
            }
        )
        return
    for name, lines in found.items():
        output.lines([f"node {name}", "  whoever deploys", *(told for line in lines for told in _line(line))])


def _one(roles: dict[str, tuple[Role, ...]], wanted: str) -> Role:
    """By its name or ARN; one name may be used in several accounts."""
    every = [role for found in roles.values() for role in found]
    fitting = [role for role in every if wanted in (role.name, role.arn)]
    if len(fitting) != 1:
        several = f"{len(fitting)} roles have that name" if fitting else "there is no such role"
        raise ConfigError(
            f"--policy {wanted}: {several}; name one of {', '.join(role.arn for role in every)}"
        )
    return fitting[0]


def _document(role: Role) -> dict[str, Any]:
    return {"role": role.arn, "trust": role.trust, "policy": role.policy, "reasons": role.reasons}


def _told(node: str, roles: tuple[Role, ...]) -> Iterator[str]:
    yield f"node {node}"
    for role in roles:
        yield f"  role {role.arn}"
        for line in role.lines:
            yield from _line(line)


def _line(line: Line) -> Iterator[str]:
    yield f"    {line.sid}: {', '.join(line.actions)}"
    for resource in line.resources:
        yield f"      on {resource}"
    for operator, keys in line.condition.items():
        for key, value in keys.items():
            yield f"      if {key} {operator} {', '.join(value) if isinstance(value, list) else value}"
    yield f"      because {line.reason}"
