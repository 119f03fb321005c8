"""``boundary.MeshDoors`` of one environment: every verb is a call on the wire."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from twinwall.boundary import MemberTable, MeshEc2, Row, ScalingGroups, Table
from twinwall.ec2.faults import Place as Side
from twinwall.ec2.faults import Said, Told, answered
from twinwall.ec2.mesh import Ec2Mesh
from twinwall.emulator.mesh.wire import Environment
from twinwall.emulator.refusal import Refusal
from twinwall.errors import AwsError
from twinwall.model.members import Place

if TYPE_CHECKING:
    from twinwall.emulator.mesh.world import World

T = TypeVar("T")


class Doors:
    """``boundary.MeshDoors``."""

    def __init__(self, world: "World", env: Environment) -> None:
        self._world, self._env = world, env
        self._tables = {name: TableDoor(world, env, name) for name in world.tables}
        self._scaling = {place: ScalingDoor(world, env, place) for place in world.fleets}
        self._ec2 = {place: Ec2Mesh(Ec2Caller(world, env, place)) for place in world.fleets}

    def table(self, node: str) -> MemberTable:
        return self._tables[node]

    def scaling(self, place: Place) -> ScalingGroups:
        return self._scaling[place]

    def ec2(self, place: Place) -> MeshEc2:
        return self._ec2[place]

    def hide(self, receipts: Sequence[str], seconds: float, within: float) -> None:
        queue = self._world.functions[self._env.node].queue
        serve = lambda: queue.hide(receipts, seconds)  # noqa: E731
        self._world.wire.call(self._env, self._env.node, "ChangeMessageVisibility", within, True, serve)


class TableDoor:
    def __init__(self, world: "World", env: Environment, node: str) -> None:
        self._world, self._env, self._node = world, env, node
        self._table = world.tables[node]

    def _call(self, action: str, within: float, mutation: bool, serve: Callable[[], T]) -> T:
        return self._world.wire.call(self._env, self._node, action, within, mutation, serve)

    def read(self, within: float) -> Table:
        found = self._call("Scan", within, False, self._table.read)
        self._world.watch.table_read(self._env, self._node, found)
        return found

    def take(self, token: str, now: float, until: float, within: float) -> float | None:
        return self._call("TakeLease", within, True, lambda: self._table.take(token, now, until))

    def release(self, token: str, unknown: Mapping[str, float] | None, within: float) -> None:
        self._call("ReleaseLease", within, True, lambda: self._table.release(token, unknown))

    def write(self, rows: Sequence[tuple[Row, int | None]], token: str, within: float) -> bool:
        return self._call("WriteRows", within, True, lambda: self._table.write(rows, token))

    def push(self, rows: Sequence[Row], within: float) -> Sequence[Row | None]:
        found = self._call("PushRows", within, True, lambda: self._table.push(rows))
        for row, standing in zip(rows, found, strict=True):
            self._world.watch.pushed(self._env, self._node, row, standing)
        return found


class ScalingDoor:
    def __init__(self, world: "World", env: Environment, place: Place) -> None:
        self._world, self._env, self._place = world, env, place
        self._fleet = world.fleets[place]

    def _call(self, action: str, within: float, mutation: bool, serve: Callable[[], T]) -> T:
        to = self._world.node_at(self._place)
        return self._world.wire.call(self._env, to, action, within, mutation, serve)

    def states(self, names: Sequence[str], within: float) -> Mapping[str, Mapping[str, str]]:
        return self._call("DescribeAutoScalingGroups", within, False, lambda: self._fleet.states(names))

    def answer(
        self, asg: str, hook: str, result: str, *, token: str = "", instance: str = "", within: float
    ) -> bool:
        notes = self._world.watch.notes(self._env)

        def serve() -> bool:
            ended = self._fleet.answer(asg, hook, result, token, instance)
            if ended is not None:
                self._world.watch.answered(notes, self._place, ended, result)
            return ended is not None

        return self._call("CompleteLifecycleAction", within, True, serve)


class Ec2Caller:
    """``ec2.mesh.Caller``: rules are the rulebook's, instances the fleet's."""

    def __init__(self, world: "World", env: Environment, place: Place) -> None:
        self._world, self._env, self._place = world, env, place
        self._fleet = world.fleets[place]

    def call(
        self,
        action: str,
        request: Mapping[str, Any],
        doing: str,
        thing: str,
        within: float,
        *,
        mutation: bool,
    ) -> dict[str, Any]:
        begun = self._world.sim.monotonic()
        self._world.watch.ec2_sent(self._env, self._place, action, request)

        def serve() -> dict[str, Any]:
            if action == "DescribeInstances":
                return self._instances(request)
            return self._ask(action, request)

        to = self._world.node_at(self._place)
        try:
            answer = self._world.wire.call(self._env, to, action, within, mutation, serve)
        except Refusal as refusal:
            raise self._told(refusal, action, doing, thing, mutation) from refusal
        self._world.watch.ec2_answered(self._env, action, request, answer, begun)
        return answer

    def _ask(self, action: str, request: Mapping[str, Any]) -> dict[str, Any]:
        answer = dict(self._world.aws.request(self._place.account, self._place.region, action, request))
        if action == "AuthorizeSecurityGroupIngress":
            self._world.watch.authorized(answer)
        return answer

    def _told(self, refusal: Refusal, action: str, doing: str, thing: str, mutation: bool) -> AwsError:
        said = Said(action, refusal.code, refusal.message, refusal.status)
        return answered(said, Told(doing, thing, Side(region=self._place.region), mutation))

    def _instances(self, request: Mapping[str, Any]) -> dict[str, Any]:
        (only,) = request["Filters"]
        names, ids = (only["Values"], ()) if only["Name"].startswith("tag:") else ((), only["Values"])
        return {"Reservations": [{"Instances": self._fleet.instances(names, ids)}]}
