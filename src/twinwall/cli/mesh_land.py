"""The accounts that a mesh is deployed to."""

from collections.abc import Sequence
from functools import cache

from twinwall.aws.deploying import AwsGround
from twinwall.aws.places import account_sessions
from twinwall.cli import output
from twinwall.cli.invocation import Invocation
from twinwall.cli.mesh_ways import profiles_of, roles_of
from twinwall.cli.replicas import world_of
from twinwall.engine.deployment.ground import Ground, Land
from twinwall.mesh.configure import Configured
from twinwall.model.members import Place


def land_of(
    invocation: Invocation, configured: Configured, profiles: Sequence[str], role_arns: Sequence[str]
) -> Land:
    session = account_sessions(profiles_of(profiles), roles_of(role_arns))

    @cache
    def at(place: Place) -> Ground:
        return AwsGround(session(place), place)

    return Land(configured, at, world_of(invocation).clock, lambda line: output.remark(line, invocation))
