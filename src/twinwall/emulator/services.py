"""The services that live beside EC2, wired to each other: SQS, EventBridge and its Scheduler, Auto Scaling."""

from collections.abc import Callable, Iterable
from datetime import datetime
from random import Random

from twinwall.emulator.delivery import Deliveries
from twinwall.emulator.eventbridge.courier import Courier
from twinwall.emulator.eventbridge.room import EventBridge
from twinwall.emulator.front import Front
from twinwall.emulator.moto_sync import agree_on_instances
from twinwall.emulator.moto_view import backend
from twinwall.emulator.queues import Queues
from twinwall.emulator.roles import Roles
from twinwall.emulator.scaling.room import Scaling
from twinwall.emulator.visit import Visit


class Services:
    """Of one embedded AWS, from one reset to the next."""

    def __init__(
        self, front: Front, accounts: Iterable[str], now: Callable[[], datetime], random: Random
    ) -> None:
        self._front = front
        pace = front.pace
        self.deliveries = Deliveries()
        self.queues = Queues(front.on_behalf, pace.time, self._strict)
        courier = Courier(self.deliveries, self.queues, pace, front.trouble)
        roles = Roles(lambda arn: arn in front.identities.roles)
        self.events = EventBridge(
            accounts, self.deliveries, courier, front.by_moto, roles, pace, now, random, self._strict
        )
        self.scaling = Scaling(
            self.events, front.by_moto, pace, front.ec2, now, lambda: front.world.switches, random
        )
        self._open()

    def _open(self) -> None:
        self.deliveries.register("sqs", self.queues)
        self.deliveries.register("events", self.events.buses)
        rooms = self._front.rooms
        rooms["sqs"] = self.queues
        rooms["events"] = self.events.events
        rooms["scheduler"] = self.events.scheduler
        rooms["autoscaling"] = self.scaling
        self._front.after_ec2 = self._after_ec2
        self._front.enforcer.group_of = self.scaling.asked_about

    def stop(self) -> None:
        """Nobody waits for a message any longer."""
        self.queues.stop()

    def _after_ec2(self, visit: Visit) -> None:
        agree_on_instances(backend(visit.account, visit.region), visit.action)
        if visit.action in ("StopInstances", "TerminateInstances"):
            self.scaling.look(visit.account, visit.region)

    def _strict(self) -> bool:
        return self._front.world.switches.deliveries_need_permission
