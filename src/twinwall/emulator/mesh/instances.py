"""Instances of the simulated mesh and their addresses: small pools, so that addresses come back soon, to whomever.

public    one on the instance itself, others as Elastic IPs on secondary addresses
private   of the place's own range
ipv6      of one range for all
"""

from dataclasses import dataclass, field
from typing import Any

from twinwall.emulator.mesh.habits import Habits
from twinwall.emulator.simulation import Simulation
from twinwall.mesh.settings import Addresses, Mesh
from twinwall.model.members import Place

GROUP_TAG = "aws:autoscaling:groupName"


@dataclass(frozen=True)
class Held:
    """An address of an instance. ``first``: the one that Describe calls name at the instance itself; ``since``: when
    this instance got it, on the simulation's clock."""

    text: str
    kind: Addresses
    first: bool = True
    since: float = field(default=0.0, compare=False)

    @property
    def cidr(self) -> str:
        return f"{self.text}/{128 if ':' in self.text else 32}"


@dataclass(frozen=True)
class Machine:
    """``asg`` "" once it is detached; ``action``: the lifecycle action that waits, by its token; ``origin`` and
    ``to``: from where it comes and where it goes (aws-facts 5.1)."""

    id: str
    asg: str
    state: str
    power: str = "running"
    held: tuple[Held, ...] = ()
    action: str = ""
    kind: str = ""
    origin: str = "EC2"
    to: str = "AutoScalingGroup"

    @property
    def address(self) -> str:
        """The public one, "" without."""
        return next((one.text for one in self.held if one.kind == "public" and one.first), "")

    @property
    def is_warm(self) -> bool:
        return self.state.startswith("Warmed")

    def counted(self, mesh: Mesh, until: float = float("inf")) -> set[str]:
        """The blocks that the mesh's configuration counts, of those that it had then."""
        return {
            one.cidr
            for one in self.held
            if one.kind in mesh.addresses and (one.first or mesh.interfaces == "all") and one.since <= until
        }


@dataclass
class Pools:
    """``free``: public addresses of all places; ``private``: by place."""

    free: list[str]
    ipv6: list[str] = field(default_factory=list)
    private: dict[Place, list[str]] = field(default_factory=dict)

    def open(self, place: Place, number: int, count: int) -> None:
        self.private[place] = [f"10.{number}.0.{host}" for host in range(10, 10 + count)]

    def _of(self, kind: Addresses, place: Place) -> list[str]:
        return {"public": self.free, "ipv6": self.ipv6, "private": self.private[place]}[kind]

    def has(self, habits: Habits, place: Place) -> bool:
        """Enough for one more instance of this kind, and a bit."""
        each = 2 if habits.several else 1
        return all(len(self._of(kind, place)) > 2 * each for kind in habits.addresses)

    def take(self, sim: Simulation, kind: Addresses, place: Place, *, first: bool = True) -> Held:
        """One of the last that were given back."""
        free = self._of(kind, place)
        return Held(free.pop(sim.random.randrange(max(0, len(free) - 3), len(free))), kind, first)

    def give_back(self, place: Place, held: Held) -> None:
        self._of(held.kind, place).append(held.text)


# --- as EC2 shows it (API: Instance)

_FIRST = {"public": "PublicIpAddress", "private": "PrivateIpAddress", "ipv6": "Ipv6Address"}


def document(machine: Machine) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "InstanceId": machine.id,
        "State": {"Name": machine.power},
        "Tags": [{"Key": GROUP_TAG, "Value": machine.asg}] if machine.asg else [],
    }
    shown |= {_FIRST[one.kind]: one.text for one in machine.held if one.first}
    first = _interface([one for one in machine.held if one.first])
    second = _interface([one for one in machine.held if not one.first])
    return {**shown, "NetworkInterfaces": [first, *([second] if any(second.values()) else [])]}


def _interface(held: list[Held]) -> dict[str, Any]:
    """API: InstanceNetworkInterface. A public address is that of a private one."""
    private = next((one.text for one in held if one.kind == "private"), "10.255.0.4")
    public = next((one.text for one in held if one.kind == "public"), None)
    told: dict[str, Any] = {"PrivateIpAddress": private}
    if public:
        told["Association"] = {"PublicIp": public}
    has_private = public or any(one.kind == "private" for one in held)
    return {
        "PrivateIpAddresses": [told] if has_private else [],
        "Ipv6Addresses": [{"Ipv6Address": one.text} for one in held if one.kind == "ipv6"],
    }
