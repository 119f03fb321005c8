"""What the things of a node are called. Every name follows from the configuration, so that policies can name their
resources before those exist, and a second deployment finds what the first one made.

In one account and Region ``twinwall-MESH``; what belongs to a whole account (roles, dashboards) or to the whole world
(buckets) says where it is from.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from twinwall.documents.permissions import partition_of
from twinwall.errors import ConfigError
from twinwall.mesh.configure import Configured
from twinwall.model.members import Node, Place, Site

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,24}\Z")
"""A stack's name has letters, digits and hyphens; ``twinwall-MESH-ACCOUNT-REGION`` is a bucket's, of at most 63."""


@dataclass(frozen=True)
class Names:
    """Of one node."""

    mesh: str
    place: Place
    table: str
    hook: str

    @property
    def base(self) -> str:
        """Of stack, function, queue, schedule; what begins so is ours."""
        return f"twinwall-{self.mesh}"

    @property
    def here(self) -> str:
        return f"{self.base}-{self.place.region}"

    @property
    def dead_letters(self) -> str:
        return f"{self.base}-dead"

    @property
    def hooks_rule(self) -> str:
        return f"{self.base}-hooks"

    @property
    def ends_rule(self) -> str:
        return f"{self.base}-ends"

    @property
    def log_group(self) -> str:
        return f"/aws/lambda/{self.base}"

    @property
    def function_role(self) -> str:
        return self.here

    @property
    def schedule_role(self) -> str:
        return f"{self.here}-schedule"

    @property
    def dashboard(self) -> str:
        return self.here

    @property
    def bucket(self) -> str:
        return f"{self.base}-{self.place.account}-{self.place.region}".lower()

    def arn(self, service: str, resource: str) -> str:
        return arn(service, self.place, resource)

    def role_arn(self, name: str) -> str:
        return f"arn:{partition_of(self.place.region)}:iam::{self.place.account}:role/{name}"

    @property
    def function_arn(self) -> str:
        return self.arn("lambda", f"function:{self.base}")

    @property
    def queue_arn(self) -> str:
        return self.arn("sqs", self.base)

    @property
    def dead_letters_arn(self) -> str:
        return self.arn("sqs", self.dead_letters)

    @property
    def table_arn(self) -> str:
        return self.arn("dynamodb", f"table/{self.table}")

    def rule_arn(self, name: str) -> str:
        return self.arn("events", f"rule/{name}")


def arn(service: str, place: Place, resource: str) -> str:
    return f"arn:{partition_of(place.region)}:{service}:{place.region}:{place.account}:{resource}"


def names_of(configured: Configured, node: Node) -> Names:
    mesh = configured.mesh
    return Names(mesh.name, node.place, configured.ways[node.name].table, mesh.hook)


def local_sites(configured: Configured, node: Node) -> tuple[Site, ...]:
    """The sites of a node that lie where its stack is: only there can it make hooks and hear events."""
    return tuple(site for site in configured.mesh.sites_of(node.name) if site.place == node.place)


def check_deployable(configured: Configured) -> None:
    """Raises ``ConfigError`` for what can be configured, but not deployed."""
    name = configured.mesh.name
    if not _NAME.match(name):
        raise ConfigError(
            f"deploying the mesh {name!r}: its name becomes part of the names of stacks and buckets; allowed are "
            "letters, digits and hyphens, a letter first, at most 25"
        )
    for node in configured.mesh.nodes:
        _check_ways(configured, node)


def _check_ways(configured: Configured, node: Node) -> None:
    """Every other place can be reached, and a role is the place's own."""
    for place in places(configured.mesh.sites):
        role = configured.ways[str(place)].role_arn
        if not role and place.account != node.place.account:
            raise ConfigError(
                f"deploying the mesh {configured.mesh.name}: {node.name} cannot reach {place}, another account; write "
                f'role_arn = "arn:aws:iam::{place.account}:role/NAME" for its sites'
            )
        if role and role.split(":")[4] != place.account:
            raise ConfigError(
                f"deploying the mesh {configured.mesh.name}: role_arn of {place} is {role}, a role of another account; "
                f"name one of {place.account}"
            )


def places(sites: Iterable[Site]) -> list[Place]:
    return sorted({site.place for site in sites})
