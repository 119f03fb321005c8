"""The embedded AWS without HTTP and without moto: ``boundary``'s doors in memory, on the same rulebook.

    aws = MemoryAws(("111122223333",), seed=7, throttle=True, read_lag=3.0)
    vpc = aws.make_vpc("111122223333", "eu-west-1", subnets=[("10.0.1.0/24", "a", "app")])
    reader, writer, account = aws.doors("111122223333", "eu-west-1", side="target")
    aws.trouble.add(Fault("AuthorizeSecurityGroupIngress", Kind.LATE, skip=2, seconds=20))

Everything is seeded, and time is the clock's: with a virtual one a run takes no time and is the same each time.

    request ─ late ones due? ─ counted ─ denied? ─ fault? ─ latency ─ throttle ─ rulebook ─ latency ─ answer
                                                                          reads: as of up to ``read_lag`` s ago
"""

import random
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from twinwall.boundary import Clock, FirewallReader, FirewallWriter
from twinwall.ec2.reader import Ec2Reader
from twinwall.ec2.writer import Ec2Writer
from twinwall.emulator import memory_network as around
from twinwall.emulator import memory_seed
from twinwall.emulator.faults import Counts, Fault, Kind, Trouble, denial
from twinwall.emulator.in_force import InForce, in_force
from twinwall.emulator.late import Late
from twinwall.emulator.memory_doors import MemoryAccount, MemorySide
from twinwall.emulator.past import Past
from twinwall.emulator.refusal import NoAnswer, Refusal, missing
from twinwall.emulator.rulebook import quotas
from twinwall.emulator.rulebook.actions import ACTIONS, check_dry_run
from twinwall.emulator.simulation import Simulation
from twinwall.emulator.state import Answer, Call, Effect, Params, Retag, World, apply, make_ids
from twinwall.emulator.switches import Switches
from twinwall.emulator.throttle import Throttle
from twinwall.model.throttle import is_read

USER = "twinwall"


class Doors(NamedTuple):
    """One account's Region."""

    reader: FirewallReader
    writer: FirewallWriter
    account: MemoryAccount


class MemoryAws:
    """Accounts and their Regions. Safe to use from several threads; one call at a time is carried out.

    ``quotas``: code → value for all, or (account, Region, code) → value. The others are seconds:
    ``read_lag``: every other read, at random, sees the firewall as of some moment in the last so many;
    ``effect_delay``: each change is in force on each interface after a random part of it (``in_force``);
    ``latency``: what each call takes, there and back, or what gives the seconds of each way; ``patience``: how
    long a client waits for an answer that never comes.
    """

    def __init__(
        self,
        accounts: Iterable[str],
        *,
        seed: int = 0,
        clock: Clock | None = None,
        quotas: Mapping[Any, int] | None = None,
        switches: Switches | None = None,
        throttle: bool = False,
        read_lag: float = 0.0,
        effect_delay: float = 0.0,
        latency: float | Callable[[], float] = 0.0,
        patience: float = 0.0,
    ) -> None:
        self.accounts = tuple(accounts)
        self.seed = seed
        self.clock: Clock = clock or Simulation(seed)
        self.random = random.Random(seed)
        self.network = around.MemoryNetwork()
        self.world = World(
            self.network, frozenset(self.accounts), switches or Switches(), ids=make_ids(self.random)
        )
        for key, value in (quotas or {}).items():
            self.world.quotas[key if isinstance(key, tuple) else ("*", "*", key)] = value
        self.counts = Counts()
        self.trouble = Trouble()
        self.throttle = Throttle(self.clock.monotonic, self.world, on=throttle)
        self.read_lag, self.effect_delay = read_lag, effect_delay
        self.latency, self.patience = latency, patience
        self.past = Past(max(read_lag, effect_delay))
        self.late = Late()
        self._arriving: float | None = None
        self._lock = threading.RLock()
        self._actions = {**ACTIONS, **around.describe(self.network)}

    # --- doors

    def side(self, account: str, region: str, side: str = "target") -> MemorySide:
        """``ec2.calls.Ec2``."""
        return MemorySide(self, account, region, side)

    def doors(self, account: str, region: str, side: str = "target") -> Doors:
        """``side`` is the word of messages: source, target, at."""
        ec2 = self.side(account, region, side)
        return Doors(Ec2Reader(ec2), Ec2Writer(ec2, self.clock), MemoryAccount(ec2))

    # --- asked

    def request(self, account: str, region: str, action: str, params: Params) -> Mapping[str, Any]:
        """One request as EC2 gets it, once. Raises ``Refusal`` and ``NoAnswer``."""
        if self.late:
            self._arrive()
        self.counts.add(account, region, action)
        fault = self._trouble(account, region, action, params) if self.trouble else None
        self._travel()
        try:
            if fault is not None:
                return self._befallen(fault, account, region, action, params)
            return self._answer(account, region, action, params)
        finally:
            self._travel()

    def _travel(self) -> None:
        """One way, there or back."""
        if self.latency:
            self.clock.sleep(self.latency() if callable(self.latency) else self.latency / 2)

    def _trouble(self, account: str, region: str, action: str, params: Params) -> Fault | None:
        arn = f"arn:aws:iam::{account}:user/{USER}"
        service = "servicequotas" if action in quotas.ACTIONS else "ec2"
        if self.trouble.denied((account, arn), service, action):
            raise denial(arn, f"{service}:{action}", f"arn:aws:{service}:{region}:{account}:*")
        return self.trouble.next(account, region, action, lambda: str(params))

    def _befallen(
        self, fault: Fault, account: str, region: str, action: str, params: Params
    ) -> Mapping[str, Any]:
        match fault.kind:
            case Kind.REFUSED:
                raise fault.refusal or Refusal("InternalError", "as asked for", 500)
            case Kind.UNSENT:
                self.clock.sleep(fault.seconds)
                raise NoAnswer(sent=False)
            case Kind.TWICE | Kind.NEVER:  # of deliveries only
                return self._answer(account, region, action, params)
            case Kind.SLOW:
                answer = self._answer(account, region, action, params)
                self.clock.sleep(fault.seconds)
                return answer
            case Kind.LATE:
                self.late.add(self.clock.monotonic() + fault.seconds, (account, region, action, params))
            case Kind.LOST:
                self._answer(account, region, action, params)
            case Kind.CUT:
                pass
        self.clock.sleep(self.patience)
        raise NoAnswer(sent=True)

    def arrive_all(self) -> None:
        """Every call that is still on its way is carried out now."""
        self._arrive(everything=True)

    def _arrive(self, *, everything: bool = False) -> None:
        """Found only now, but carried out when it arrived: so reads have long seen it."""
        for moment, call in self.late.due(float("inf") if everything else self.clock.monotonic()):
            with self._lock:
                self._arriving = moment
                try:
                    self._answer(*call)
                except Refusal:
                    continue  # nobody is there any more to hear it
                finally:
                    self._arriving = None

    def _answer(self, account: str, region: str, action: str, params: Params) -> Mapping[str, Any]:
        if action in quotas.ACTIONS:
            return quotas.ACTIONS[action](Call(self.world, account, region, params), sorted(self._actions))
        if self.throttle.on:
            self.throttle.check(account, region, action, params)
        with self._lock:
            return self._carry_out(account, region, action, params)

    def _carry_out(self, account: str, region: str, action: str, params: Params) -> Mapping[str, Any]:
        memory_seed.open_region(self.world, account, region)
        if [] in params.values():  # an empty list is no parameter on the wire
            params = {key: value for key, value in params.items() if value != []}
        world = self._as_seen(region) if self.read_lag and is_read(action) else self.world
        try:
            answer = self._by_the_book(Call(world, account, region, params), action)
        except Refusal as refusal:
            self._keep(account, region, refusal.done)
            raise
        if world is self.world:  # what a read of the past would settle has passed
            self._keep(account, region, answer.effects)
        return answer.output

    def _keep(self, account: str, region: str, effects: Sequence[Effect]) -> None:
        if effects:
            held = self.world.at(account, region)
            now = self.clock.monotonic()
            self.past.record(held, effects, now if self._arriving is None else min(now, self._arriving))
            apply(held, effects)
            for effect in effects:
                if isinstance(effect, Retag):
                    self.network.retag(account, region, effect.resource_id, effect.tags)

    def _as_seen(self, region: str) -> World:
        """Half of the reads, at random, meet a replica that lags behind."""
        if self.random.random() < 0.5:
            return self.world
        moment = self.clock.monotonic() - self.random.uniform(0.0, self.read_lag)
        return self.past.world_at(self.world, region, moment)

    def _by_the_book(self, call: Call, action: str) -> Answer:
        handle = self._actions.get(action)
        if handle is None:
            raise Refusal("InvalidAction", f"The action {action} is not implemented in memory.")
        check_dry_run(call.params)
        try:
            return handle(call)
        except KeyError as absent:
            name = str(absent.args[0])
            if name in call.params:
                raise
            missing(name[:1].lower() + name[1:])

    # --- put there by hand

    def make_vpc(
        self,
        account: str,
        region: str,
        cidr: str = "10.0.0.0/16",
        ipv6_cidr: str | None = None,
        subnets: Sequence[tuple[str, str, str]] = (),
        *,
        name: str = "",
        default: bool = False,
    ) -> str:
        """As ``seed.empty_vpc``: ``subnets`` are (CIDR, zone or its letter, Name). ``default``: the Region's
        default VPC, which no Region has here by itself."""
        return memory_seed.make_vpc(self, account, region, cidr, ipv6_cidr, subnets, name, default=default)

    def load(self, account: str, region: str, document: Mapping[str, Any]) -> list[str]:
        """As ``seed.load_document``: every VPC of a snapshot document, with its ids. Returns the VPCs' ids."""
        return memory_seed.load(self, account, region, document)

    def attach(self, account: str, region: str, subnet_id: str, group_ids: Iterable[str]) -> str:
        """A new interface; returns its id."""
        return memory_seed.attach(self, account, region, subnet_id, group_ids)

    def peer(self, one: tuple[str, str, str], other: tuple[str, str, str], status: str = "active") -> str:
        """Joins two (account, Region, VPC); returns the connection's id."""
        return memory_seed.peer(self, one, other, status)

    def in_force(self, account: str, region: str, interface_id: str) -> InForce:
        """The groups and the ACL as this interface enforces them now (``effect_delay``)."""
        return in_force(self, account, region, interface_id)
