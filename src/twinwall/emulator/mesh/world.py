"""The world of one run: places with their groups and fleets, nodes with tables and functions, and the wire between."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from twinwall.boundary import Clock, Crew, MeshDoors, Row
from twinwall.emulator.memory import MemoryAws
from twinwall.emulator.mesh.doors import Doors
from twinwall.emulator.mesh.fleet import Fleet
from twinwall.emulator.mesh.function import Function
from twinwall.emulator.mesh.habits import Habits
from twinwall.emulator.mesh.instances import Pools
from twinwall.emulator.mesh.table import MemoryTable
from twinwall.emulator.mesh.watch import Watch
from twinwall.emulator.mesh.weather import Weather
from twinwall.emulator.mesh.wire import Environment, Wire
from twinwall.emulator.simulation import Simulation
from twinwall.mesh.settings import Mesh
from twinwall.model.members import Node, Place, Site, SiteKey
from twinwall.model.net import Cidr, parse_cidr
from twinwall.model.wire import traffic_fields

Handler = Callable[[object, Any], Any]
"""An event and what a function stands in → Lambda's answer."""

Surround = Callable[..., Any]
"""(mesh, node, doors, clock, crew, token, log) → what a handler takes as its second argument."""

REGIONS = (
    "eu-west-1",
    "us-east-1",
    "ap-south-1",
    "sa-east-1",
    "eu-north-1",
    "ca-central-1",
    "me-south-1",
    "af-south-1",
)


class ShiftedClock:
    """``boundary.Clock``: a clock that is ahead."""

    def __init__(self, clock: Clock, ahead: float) -> None:
        self._clock, self._ahead = clock, ahead

    def now(self) -> float:
        return self._clock.now() + self._ahead

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def sleep(self, seconds: float) -> None:
        self._clock.sleep(seconds)


class World:
    def __init__(
        self,
        seed: int,
        sites: int,
        weather: Weather,
        handler: Handler,
        surround: Surround,
        *,
        expiry: float = 3600.0,
        policy: str = "drop",
        tight: bool = False,
        together: int = 1,
        habits: Habits | None = None,
        trace: Callable[[str], None] | None = None,
    ) -> None:
        self.sim, self.habits = Simulation(seed), habits or Habits()
        self._hosts = 4 + 2 * sites if self.habits.further else 10 + 5 * sites
        self.weather, self.handler, self._surround = weather, handler, surround
        self.quiet, self.tight = weather.quiet, tight
        self._trace, self.answers, self.calm_since = trace, 0, float("inf")
        self.aws = MemoryAws(
            [f"{1 + number % 2}" * 12 for number in range(2)],
            seed=seed,
            clock=self.sim,
            quotas={"L-0EA8095F": self._quota(sites, tight)},
            throttle=weather.throttle and not weather.quiet,
            read_lag=0.0 if weather.quiet else weather.lag,
        )
        self.pool = Pools(
            [f"203.0.113.{number}" for number in range(1, 1 + self._hosts)],
            [f"2001:db8::{number:x}" for number in range(1, 1 + self._hosts)],
        )
        self.tables: dict[str, MemoryTable] = {}
        self.functions: dict[str, Function] = {}
        self.fleets: dict[Place, Fleet] = {}
        self.watch = Watch(self)
        self.wire = Wire(self.sim, weather, lambda env: self.functions[env.node].kill(env), self.log)
        self.events = 0
        self._tokens = 0
        self.undated: dict[tuple[str, SiteKey], float] = {}
        self.mesh = self._found(sites, together, expiry, policy)
        self.all_sites = self.mesh.sites
        self._meshes = {node.name: self.mesh for node in self.mesh.nodes}

    def _found(self, sites: int, together: int, expiry: float, policy: str) -> Mesh:
        """One node for each site, but the first ``together`` share one, and the last two now and then."""
        shared = sites > 2 and self.sim.random.random() < 0.3
        nodes, found = [], []
        for number in range(sites):
            at = max(number - together + 1, 0)
            at -= shared and at > 0 and number == sites - 1
            place = Place(self.aws.accounts[at % 2], REGIONS[at % len(REGIONS)])
            name = place.region
            if name not in self.tables:
                nodes.append(Node(name, place))
                self._open(name, place)
            self.fleets[place].groups.add(f"asg-{number}")
            groups = [self._group(place) for _ in range(1 + self.habits.further)]
            key = SiteKey(place.region, f"asg-{number}")
            found.append(Site(key, place.account, groups[0], name, self._ranges(place), tuple(groups[1:])))
        self.ports = self.habits.ports(1 + self.sim.random.randrange(2))
        if self.habits.placeholders:
            for site in found:
                self._hold_places(site)
        return self._mesh(tuple(nodes), tuple(found), expiry, policy)

    def _quota(self, sites: int, tight: bool) -> int:
        """Rules of one group. Where there are further ones, two together just hold all that may be wanted."""
        if tight or not self.habits.further:
            return 12 if tight else 400
        ipv4 = sum({"public": 1, "private": sites}.get(kind, 0) for kind in self.habits.addresses)
        return 3 + max(1, ipv4) * self._hosts * len(self.habits.ports(2)) // 2

    def _mesh(self, nodes: tuple[Node, ...], sites: tuple[Site, ...], expiry: float, policy: Any) -> Mesh:
        return Mesh(
            "web",
            nodes,
            sites,
            () if self.habits.placeholders else self.ports,
            self.habits.addresses,
            self.habits.interfaces,
            expiry=expiry,
            policy=policy,
            remove=self.habits.remove,
            rules_per_group=self.aws.world.quotas["*", "*", "L-0EA8095F"],
        )

    def _ranges(self, place: Place) -> tuple[Cidr, ...]:
        """Private addresses are believed only where the configuration expects them."""
        if "private" not in self.habits.addresses:
            return ()
        private = self.pool.private[place][0].rpartition(".")[0]
        return tuple(map(parse_cidr, ("203.0.113.0/24", f"{private}.0/24")))

    def _hold_places(self, site: Site) -> None:
        """The ports as references of the group to itself, as the published solution has it."""
        own = {"UserIdGroupPairs": [{"GroupId": site.group_id}]}
        request = {
            "GroupId": site.group_id,
            "IpPermissions": [{**traffic_fields(port), **own} for port in self.ports],
        }
        self.aws.request(site.account, site.key.region, "AuthorizeSecurityGroupIngress", request)

    def _open(self, name: str, place: Place) -> None:
        table = self.tables[name] = MemoryTable()
        self.pool.open(place, len(self.tables), self._hosts)
        self.functions[name] = Function(self, name)
        fleet = self.fleets[place] = Fleet(self.sim, place, "twinwall", self.pool, self._tell, self.habits)
        fleet.lag = 0.0 if self.quiet else self.weather.lag
        fleet.by_itself, fleet.back = self.watch.ran_out, self.watch.came_back

        def written(before: Row | None, after: Row) -> None:
            self.watch.wrote(name, before, after)
            if after.get("writer") != name:
                self.functions[name].stream.put()

        table.listeners.append(written)

    def _group(self, place: Place) -> str:
        vpcs = self.aws.network.at(place.account, place.region).vpcs
        vpc = next(iter(vpcs), None) or self.aws.make_vpc(place.account, place.region)
        request = {
            "GroupName": f"guard-{len(self.aws.world.at(place.account, place.region).groups)}",
            "Description": "a site",
            "VpcId": vpc,
        }
        return str(self.aws.request(place.account, place.region, "CreateSecurityGroup", request)["GroupId"])

    # --- for the others

    def node_at(self, place: Place) -> str:
        return place.region

    def mesh_of(self, node: str) -> Mesh:
        """As this node's function is configured."""
        return self._meshes[node]

    def configure(self, node: str, sites: tuple[Site, ...]) -> None:
        self._meshes[node] = replace(self.mesh, sites=sites)

    def around(self, env: Environment) -> Any:
        doors: MeshDoors = Doors(self, env)
        clock: Clock = ShiftedClock(self.sim, env.clock)
        crew: Callable[[], Crew] = lambda: self.sim.crew(env.process)  # noqa: E731
        env.notes["mesh"] = self.mesh_of(env.node)
        return self._surround(env.notes["mesh"], env.node, doors, clock, crew, self._token, self._audit(env))

    def _token(self) -> str:
        self._tokens += 1
        return f"lease-{self._tokens}"

    def _audit(self, env: Environment) -> Callable[[Mapping[str, Any]], None]:
        def line(fields: Mapping[str, Any]) -> None:
            if self._trace is not None:
                told = {
                    key: value
                    for key, value in fields.items()
                    if key not in ("mesh", "node", "cause", "at", "event_id", "_aws")
                }
                self.log(f"   {env.process.name} says {told}")

        return line

    def log(self, text: str) -> None:
        if self._trace is not None:
            self._trace(f"{self.sim.monotonic():10.3f}  {text}")

    def trace(self, text: str) -> None:
        self.log(text)

    def _tell(self, place: Place, event: dict[str, Any]) -> None:
        """EventBridge: at least once, mostly, and in no order."""
        self.events += 1
        trouble = self.weather.event(self.events)
        function = self.functions[place.region]
        detail = event["detail"]
        self.log(
            f"event {event['detail-type']} {detail['EC2InstanceId']}"
            + (f"  !{trouble.kind}" if trouble else "")
        )
        if trouble is not None and trouble.kind == "drop":
            return
        wait = trouble.seconds if trouble is not None and trouble.kind == "delay" else 0.0
        function.later(self.sim.random.uniform(0.05, 0.5) + wait, lambda: function.queue.put(event))
        if trouble is not None and trouble.kind == "twice":
            function.later(trouble.seconds, lambda: function.queue.put(event))
