"""The services that live beside EC2, wired to each other: SQS, EventBridge and its Scheduler, Auto Scaling, Lambda
with its event sources, DynamoDB, CloudFormation, CloudTrail."""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from random import Random

from twinwall.emulator.delivery import Deliveries
from twinwall.emulator.eventbridge.courier import Courier
from twinwall.emulator.eventbridge.room import EventBridge
from twinwall.emulator.front import Front
from twinwall.emulator.functions.service import LambdaService
from twinwall.emulator.iam.policies import Right
from twinwall.emulator.iam.room import make_room
from twinwall.emulator.iam.simulation import Simulator
from twinwall.emulator.inside import Inside
from twinwall.emulator.moto_sync import agree_on_instances
from twinwall.emulator.moto_view import backend
from twinwall.emulator.queues import Queues
from twinwall.emulator.roles import Roles
from twinwall.emulator.scaling.room import Scaling
from twinwall.emulator.stacks.marks import mark
from twinwall.emulator.stacks.service import StackService
from twinwall.emulator.tables.service import TableService
from twinwall.emulator.trail.room import Trail
from twinwall.emulator.visit import Visit


class Services:
    """Of one embedded AWS, from one reset to the next."""

    def __init__(
        self,
        front: Front,
        accounts: Iterable[str],
        now: Callable[[], datetime],
        random: Random,
        endpoint: Callable[[], str],
    ) -> None:
        """``endpoint``: its URL, once it is known."""
        self._front = front
        pace = front.pace
        self.deliveries = Deliveries()
        self.queues = Queues(front.on_behalf, pace.time, self._strict)
        courier = Courier(self.deliveries, self.queues, pace, front.trouble)
        inside = Inside(front.handle, front.within, front.identities)

        def may(role_arn: str, region: str, right: Right) -> None:
            front.enforcer.check_right(inside.session(role_arn, "twinwall"), region, right)

        roles = Roles(lambda arn: arn in front.identities.roles, may)
        self.events = EventBridge(
            accounts, self.deliveries, courier, front.by_moto, roles, pace, now, random, self._strict
        )
        self.scaling = Scaling(
            self.events, front.by_moto, pace, front.ec2, now, lambda: front.world.switches, random
        )
        self.functions = LambdaService(roles, inside, pace, endpoint, self.deliveries, self.queues)
        self.stacks = StackService(roles, inside, partial(mark, front.world, front.ec2))
        self.trail = Trail(now, front.by_moto)
        self._open()

    def _open(self) -> None:
        self.deliveries.register("sqs", self.queues)
        self.deliveries.register("events", self.events.buses)
        rooms = self._front.rooms
        rooms["sqs"] = self.queues
        rooms["events"] = self.events.events
        rooms["scheduler"] = self.events.scheduler
        rooms["autoscaling"] = self.scaling
        rooms["dynamodb"] = TableService(self._front.moto, self._front.pace).answer
        rooms["iam"] = make_room(self._front.by_moto, Simulator(self._front.enforcer, self._front.trouble))
        rooms["lambda"] = self.functions.answer
        rooms["cloudformation"] = self.stacks.answer
        rooms["cloudtrail"] = self.trail.answer
        self._front.record = self.trail.record
        self._front.processes = self.functions.fleet.document
        self._front.after_ec2 = self._after_ec2
        self._front.enforcer.group_of = self.scaling.asked_about

    def stop(self) -> None:
        """Nobody waits for a message any longer; no stack, function or poller is at work."""
        self.stacks.stop()
        self.functions.stop()
        self.queues.stop()

    def _after_ec2(self, visit: Visit) -> None:
        agree_on_instances(backend(visit.account, visit.region), visit.action)
        if visit.action in ("StopInstances", "TerminateInstances"):
            self.scaling.look(visit.account, visit.region)

    def _strict(self) -> bool:
        return self._front.enforcer.on or self._front.world.switches.deliveries_need_permission
