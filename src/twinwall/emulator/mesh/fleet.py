"""Auto Scaling and the instances of one place, in memory: states, hooks with tokens and heartbeats, events.

    Pending ─▶ Pending:Wait ─▶ Pending:Proceed ─▶ InService ◀─▶ Standby
       ▲            │ ABANDON                        │
       │            ▼                                ▼
       │       Terminating:Proceed ◀─ Terminating:Wait ◀─ Terminating          (aws-facts 5)
       │
    warm pool: the same with Warmed: before it, in by a launch hook, or by a terminate hook from the group, ending in
    Warmed:Stopped; from there by Pending into the group, or out by Warmed:Terminating

A Describe call may see the fleet as it stood up to ``lag`` seconds ago.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from twinwall.emulator.mesh.habits import Habits
from twinwall.emulator.mesh.instances import Held, Machine, Pools, document
from twinwall.emulator.simulation import Process, Simulation
from twinwall.model.members import Place

GROUP, POOL, EC2 = "AutoScalingGroup", "WarmPool", "EC2"
WARMED = "Warmed:"
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
RESTING = frozenset({"InService", "Standby", "Terminated", "Detached", "Warmed:Stopped"})


class Fleet:
    def __init__(
        self,
        sim: Simulation,
        place: Place,
        hook: str,
        pool: Pools,
        tell: Callable[[Place, dict[str, Any]], None],
        habits: Habits,
    ) -> None:
        self.sim, self.place, self.hook, self.pool, self._tell = sim, place, hook, pool, tell
        self.habits = habits
        self.heartbeat = 300.0
        self.lag = 0.0
        self.machines: dict[str, Machine] = {}
        self.groups: set[str] = set()
        self.by_itself: Callable[[Machine, str], None] | None = None
        """Told when a heartbeat ran out, with the default result."""
        self.back: Callable[[Machine], None] | None = None
        """Told when one comes into the group again, from the warm pool."""
        self._past: list[tuple[float, dict[str, Machine]]] = []
        self._world = Process(f"auto scaling {place}")
        self._count = 0

    # --- asked

    def states(self, names: Sequence[str]) -> dict[str, dict[str, str]]:
        """Without the warm pool, which only DescribeWarmPool shows (aws-facts 5.4)."""
        found: dict[str, dict[str, str]] = {name: {} for name in names if name in self.groups}
        for machine in self._seen().values():
            if machine.asg in found and machine.state != "Terminated" and not machine.is_warm:
                found[machine.asg][machine.id] = machine.state
        return found

    def instances(self, groups: Sequence[str], ids: Sequence[str]) -> list[dict[str, Any]]:
        seen = self._seen().values()
        return [document(m) for m in seen if (m.asg in groups if groups else m.id in ids)]

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

    # --- in

    def launch(self, asg: str, *, to: str = GROUP) -> None:
        """Into the group, or its warm pool."""
        self._count += 1
        id_ = f"i-{self.place.region}-{self._count:04d}"
        prefix = WARMED if to == POOL else ""
        self.put(Machine(id_, asg, f"{prefix}Pending", "pending", to=to))
        held = self._taken(())
        if self.habits.late:
            self._later(self.sim.random.uniform(1, 6), lambda: self._give(id_, held))
        else:
            self._give(id_, held)
        self._later(self.sim.random.uniform(0.5, 2), lambda: self._wait(id_, "launch"))

    def _taken(self, held: tuple[Held, ...]) -> tuple[Held, ...]:
        """Out of the pool: what an instance with these lacks of the addresses that it is to have."""
        has = {(one.kind, one.first) for one in held}
        orders = (True, False) if self.habits.several else (True,)
        wanted = [(kind, first) for kind in sorted(self.habits.addresses) for first in orders]
        return tuple(
            self.pool.take(self.sim, kind, self.place, first=first)
            for kind, first in wanted
            if (kind, first) not in has
        )

    def _give(self, id_: str, held: tuple[Held, ...]) -> None:
        machine = self.machines[id_]
        if machine.power == "terminated":
            for one in held:
                self.pool.give_back(self.place, one)
        else:
            self.put(replace(machine, held=(*machine.held, *held)))

    def wake(self, id_: str) -> None:
        """From the warm pool into the group."""
        self.put(replace(self.machines[id_], state="Pending", power="running", origin=POOL, to=GROUP))
        self._give(id_, self._taken(self.machines[id_].held))
        if self.back is not None:
            self.back(self.machines[id_])
        self._later(self.sim.random.uniform(0.5, 2), lambda: self._wait(id_, "launch"))

    def attach(self, asg: str) -> None:
        """In service without any hook."""
        self.launch(asg)
        id_ = next(reversed(self.machines))
        self.put(replace(self.machines[id_], state="InService", power="running"))

    # --- out

    def terminate(self, id_: str, *, to: str = EC2) -> None:
        """To its end, or back to the warm pool."""
        machine = self.machines[id_]
        prefix = WARMED if to == POOL or machine.is_warm else ""
        state = f"{prefix}{'Pending' if to == POOL else 'Terminating'}"
        origin = POOL if machine.is_warm else GROUP
        self.put(replace(machine, state=state, action="", kind="", origin=origin, to=to))
        self._later(self.sim.random.uniform(0.1, 1), lambda: self._wait(id_, "terminate"))

    def detach(self, id_: str) -> None:
        """The instance lives on, outside; for the simulation it ends, and its address goes to somebody."""
        machine = self.machines[id_]
        self.put(replace(machine, asg="", state="Detached"))
        self._tell(self.place, self._event(machine, "EC2 Instance Detach Successful"))
        self._later(1.0, lambda: self._end(id_))

    def terminate_at_once(self, id_: str) -> None:
        """A spot reclaim, or somebody's TerminateInstances: no hook waits."""
        self.put(replace(self.machines[id_], state="Terminating:Proceed", action="", to=EC2))
        self._later(0.5, lambda: self._end(id_))

    # --- between

    def change_state(self, id_: str, state: str) -> None:
        self.put(replace(self.machines[id_], state=state))

    def stop_and_start(self, id_: str) -> None:
        """A public address does not survive it (aws-facts 5.5)."""
        self._stop(id_)

        def start() -> None:
            if self.machines[id_].power == "stopped" and not self.machines[id_].is_warm:
                self.put(replace(self.machines[id_], power="running"))
                self._give(id_, self._taken(self.machines[id_].held))

        self._later(self.sim.random.uniform(1, 20), start)

    def _stop(self, id_: str) -> None:
        machine = self.machines[id_]
        lost = [one for one in machine.held if one.kind == "public" and one.first]
        for one in lost:
            self.pool.give_back(self.place, one)
        held = tuple(one for one in machine.held if one not in lost)
        self.put(replace(machine, power="stopped", held=held))

    # --- hooks

    def _wait(self, id_: str, kind: str) -> None:
        machine = self.machines[id_]
        if machine.state.removeprefix(WARMED) not in ("Pending", "Terminating"):
            return
        self._count += 1
        token = f"token-{self.place.region}-{self._count}"
        power = machine.power if machine.power != "pending" else "running"
        machine = replace(machine, state=f"{machine.state}:Wait", power=power, action=token, kind=kind)
        self.put(machine)
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
        is_refused = machine.kind == "launch" and result != "CONTINUE"
        to = EC2 if is_refused else machine.to
        lives = to in (GROUP, POOL)
        prefix = WARMED if machine.is_warm else ""
        state = f"{prefix}{'Pending' if lives else 'Terminating'}:Proceed"
        self.put(replace(machine, state=state, action="", to=to))
        arrive = self._arrive if lives else self._end
        self._later(self.sim.random.uniform(0.5, 3), lambda: arrive(machine.id))

    def _arrive(self, id_: str) -> None:
        """In the group, or at rest in its warm pool."""
        machine = self.machines[id_]
        if not machine.state.endswith("Pending:Proceed"):
            return
        if machine.to == GROUP:
            self.change_state(id_, "InService")
            return
        self._stop(id_)
        self.change_state(id_, "Warmed:Stopped")
        if machine.kind == "terminate":
            self._tell(self.place, self._event(machine, "EC2 Instance Terminate Successful"))

    def _end(self, id_: str) -> None:
        machine = self.machines[id_]
        if machine.power == "terminated":
            return
        for one in machine.held:
            self.pool.give_back(self.place, one)
        self.put(replace(machine, state="Terminated", power="terminated", held=(), action=""))
        if machine.asg:
            self._tell(self.place, self._event(machine, "EC2 Instance Terminate Successful"))

    def _event(self, machine: Machine, kind: str) -> dict[str, Any]:
        detail = {"AutoScalingGroupName": machine.asg, "EC2InstanceId": machine.id}
        detail |= {"Origin": machine.origin, "Destination": machine.to}
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

    def put(self, machine: Machine) -> None:
        if self.lag:
            self._past.append((self.sim.monotonic(), dict(self.machines)))
            if len(self._past) > 40:
                del self._past[:20]
        before = self.machines.get(machine.id)
        had = {one.text: one.since for one in before.held} if before else {}
        now = self.sim.monotonic()
        held = tuple(replace(one, since=had.get(one.text, now)) for one in machine.held)
        self.machines[machine.id] = replace(machine, held=held)

    # --- the truth

    def members(self, asg: str) -> list[Machine]:
        return [m for m in self.machines.values() if m.asg == asg and m.state in MEMBERS and m.held]

    def settled(self) -> bool:
        return all(m.state in RESTING for m in self.machines.values())
