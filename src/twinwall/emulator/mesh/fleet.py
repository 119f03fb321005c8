"""Auto Scaling and the instances of one place, in memory: states, hooks with tokens and heartbeats, events.

    Pending ─▶ Pending:Wait ─▶ Pending:Proceed ─▶ InService ◀─▶ Standby
                    │ ABANDON                        │
                    ▼                                ▼
               Terminating:Proceed ◀─ Terminating:Wait ◀─ Terminating          (aws-facts 5)

A Describe call may see the fleet as it stood up to ``lag`` seconds ago.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from twinwall.emulator.simulation import Process, Simulation
from twinwall.model.members import Place

GROUP_TAG = "aws:autoscaling:groupName"
HOLDS = frozenset({"pending", "running"})
"""An instance in these states has its address (API: InstanceStateName)."""
MEMBERS = frozenset(
    {
        "Pending:Wait",
        "Pending:Proceed",
        "InService",
        "Standby",
        "EnteringStandby",
        "Terminating",
        "Terminating:Wait",
    }
)


@dataclass(frozen=True)
class Machine:
    """``asg`` "" once it is detached; ``action``: the lifecycle action that waits, by its token."""

    id: str
    asg: str
    state: str
    power: str = "running"
    address: str = ""
    action: str = ""
    kind: str = ""
    told: bool = False
    """The event of the waiting action was delivered."""


@dataclass
class Addresses:
    """The pool of all places: small, so that addresses come back soon, to whomever."""

    free: list[str]

    def take(self, sim: Simulation) -> str:
        return self.free.pop(sim.random.randrange(max(0, len(self.free) - 3), len(self.free)))


class Fleet:
    def __init__(
        self,
        sim: Simulation,
        place: Place,
        hook: str,
        pool: Addresses,
        tell: Callable[[Place, dict[str, Any]], None],
    ) -> None:
        self.sim, self.place, self.hook, self._pool, self._tell = sim, place, hook, pool, tell
        self.heartbeat = 300.0
        self.lag = 0.0
        self.machines: dict[str, Machine] = {}
        self.groups: set[str] = set()
        self.by_itself: Callable[[Machine, str], None] | None = None
        """Told when a heartbeat ran out, with the default result."""
        self._past: list[tuple[float, dict[str, Machine]]] = []
        self._world = Process(f"auto scaling {place}")
        self._count = 0

    # --- asked

    def states(self, names: Sequence[str]) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {name: {} for name in names if name in self.groups}
        for machine in self._seen().values():
            if machine.asg in found and machine.state != "Terminated":
                found[machine.asg][machine.id] = machine.state
        return found

    def instances(self, groups: Sequence[str], ids: Sequence[str]) -> list[dict[str, Any]]:
        seen = self._seen().values()
        return [_document(m) for m in seen if (m.asg in groups if groups else m.id in ids)]

    def answer(self, asg: str, hook: str, result: str, token: str, instance: str) -> Machine | None:
        """The machine whose action this ended, as it was; None: there is no such action."""
        for machine in self.machines.values():
            is_meant = machine.action and (machine.action == token if token else machine.id == instance)
            if is_meant and machine.asg == asg and hook == f"{self.hook}-{machine.kind}":
                self._go_on(machine, result)
                return machine
        return None

    def _seen(self) -> dict[str, Machine]:
        if not self.lag or self.sim.random.random() < 0.5:
            return self.machines
        moment = self.sim.monotonic() - self.sim.random.uniform(0, self.lag)
        seen = self.machines
        for at, before in reversed(self._past):
            if at <= moment:
                break
            seen = before
        return seen

    # --- what happens

    def launch(self, asg: str) -> None:
        self._count += 1
        id_ = f"i-{self.place.region}-{self._count:04d}"
        self._put(Machine(id_, asg, "Pending", "pending", self._pool.take(self.sim)))
        self._later(self.sim.random.uniform(0.5, 2), lambda: self._wait(id_, "Pending:Wait", "launch"))

    def terminate(self, id_: str) -> None:
        machine = self.machines[id_]
        self._put(replace(machine, state="Terminating", action="", kind=""))
        self._later(self.sim.random.uniform(0.1, 1), lambda: self._wait(id_, "Terminating:Wait", "terminate"))

    def attach(self, asg: str) -> None:
        """In service without any hook."""
        self.launch(asg)
        id_ = next(reversed(self.machines))
        self._put(replace(self.machines[id_], state="InService", power="running"))

    def detach(self, id_: str) -> None:
        """The instance lives on, outside; for the simulation it ends, and its address goes to somebody."""
        self._put(replace(self.machines[id_], asg="", state="Detached"))
        self._later(1.0, lambda: self._end(id_))

    def change_state(self, id_: str, state: str) -> None:
        self._put(replace(self.machines[id_], state=state))

    def stop_and_start(self, id_: str) -> None:
        """A public address does not survive it (aws-facts 5.5)."""
        machine = self.machines[id_]
        self._pool.free.append(machine.address)
        self._put(replace(machine, power="stopped", address=""))

        def start() -> None:
            if self.machines[id_].power == "stopped":
                self._put(replace(self.machines[id_], power="running", address=self._pool.take(self.sim)))

        self._later(self.sim.random.uniform(1, 20), start)

    def terminate_at_once(self, id_: str) -> None:
        """A spot reclaim, or somebody's TerminateInstances: no hook waits."""
        self._put(replace(self.machines[id_], state="Terminating:Proceed", action=""))
        self._later(0.5, lambda: self._end(id_))

    def _wait(self, id_: str, state: str, kind: str) -> None:
        machine = self.machines[id_]
        if machine.state not in ("Pending", "Terminating"):
            return
        self._count += 1
        token = f"token-{self.place.region}-{self._count}"
        power = machine.power if machine.power != "pending" else "running"
        machine = replace(machine, state=state, power=power, action=token, kind=kind, told=False)
        self._put(machine)
        self._tell(self.place, self._event(machine, f"EC2 Instance-{kind} Lifecycle Action"))
        self._later(self.heartbeat, lambda: self._run_out(id_, token))

    def _run_out(self, id_: str, token: str) -> None:
        machine = self.machines[id_]
        if machine.action == token:
            result = "ABANDON" if machine.kind == "launch" else "CONTINUE"
            if self.by_itself is not None:
                self.by_itself(machine, result)
            self._go_on(machine, result)

    def _go_on(self, machine: Machine, result: str) -> None:
        serves = machine.kind == "launch" and result == "CONTINUE"
        state = "Pending:Proceed" if serves else "Terminating:Proceed"
        self._put(replace(machine, state=state, action="", kind=""))
        after = self.sim.random.uniform(0.5, 3)
        if serves:
            self._later(after, lambda: self._serve(machine.id))
        else:
            self._later(after, lambda: self._end(machine.id))

    def _serve(self, id_: str) -> None:
        if self.machines[id_].state == "Pending:Proceed":
            self.change_state(id_, "InService")

    def _end(self, id_: str) -> None:
        machine = self.machines[id_]
        if machine.power == "terminated":
            return
        if machine.address:
            self._pool.free.append(machine.address)
        self._put(replace(machine, state="Terminated", power="terminated", address="", action=""))
        if machine.asg:
            self._tell(self.place, self._event(machine, "EC2 Instance Terminate Successful"))

    def _event(self, machine: Machine, kind: str) -> dict[str, Any]:
        detail = {"AutoScalingGroupName": machine.asg, "EC2InstanceId": machine.id}
        if machine.action:
            detail |= {
                "LifecycleActionToken": machine.action,
                "LifecycleHookName": f"{self.hook}-{machine.kind}",
            }
        self._count += 1
        return {
            "version": "0",
            "id": f"event-{self.place.region}-{self._count}",
            "detail-type": kind,
            "source": "aws.autoscaling",
            "account": self.place.account,
            "region": self.place.region,
            "time": datetime.fromtimestamp(self.sim.now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "detail": detail,
        }

    def _later(self, seconds: float, job: Callable[[], None]) -> None:
        self.sim.spawn(job, self._world, seconds)

    def _put(self, machine: Machine) -> None:
        if self.lag:
            self._past.append((self.sim.monotonic(), dict(self.machines)))
            if len(self._past) > 40:
                del self._past[:20]
        self.machines[machine.id] = machine

    # --- the truth

    def members(self, asg: str) -> list[Machine]:
        return [m for m in self.machines.values() if m.asg == asg and m.state in MEMBERS and m.address]

    def settled(self) -> bool:
        return all(
            m.state in ("InService", "Standby", "Terminated", "Detached") for m in self.machines.values()
        )


def _document(machine: Machine) -> dict[str, Any]:
    document: dict[str, Any] = {
        "InstanceId": machine.id,
        "State": {"Name": machine.power},
        "Tags": [{"Key": GROUP_TAG, "Value": machine.asg}] if machine.asg else [],
    }
    if machine.address:
        document["PublicIpAddress"] = machine.address
    return document
