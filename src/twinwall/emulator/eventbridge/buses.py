"""Events on their way: onto a bus, through its rules, to their targets; and a bus as a target of rules elsewhere.

moto keeps buses and rules; its own delivery is never called.
"""

import json
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from moto.events.models import EventBus, Rule, events_backends

from twinwall.emulator.delivery import Arn, parse_arn
from twinwall.emulator.eventbridge.courier import Courier, Parcel
from twinwall.emulator.eventbridge.pattern import matches, parse_pattern
from twinwall.emulator.eventbridge.shape import shaped
from twinwall.emulator.policies import Caller, admits
from twinwall.emulator.refusal import Refusal
from twinwall.emulator.roles import Roles

Event = dict[str, Any]
Target = Mapping[str, Any]


def find_bus(account: str, region: str, name: str) -> EventBus:
    """``name``: a name or an ARN. Raises ``ResourceNotFoundException``."""
    found = events_backends[account][region].event_buses.get(name.rpartition("/")[2])
    if found is None:
        raise Refusal("ResourceNotFoundException", f"Event bus {name.rpartition('/')[2]} does not exist.")
    return found


class Buses:
    """``Receiver`` for ``events``. ``lock``: moto's event backends are not made for more than one."""

    def __init__(
        self, courier: Courier, roles: Roles, lock: threading.RLock, now: Callable[[], datetime]
    ) -> None:
        self._courier = courier
        self._roles = roles
        self._lock = lock
        self._now = now

    # --- onto a bus

    def emit(
        self,
        account: str,
        region: str,
        source: str,
        kind: str,
        resources: Iterable[str],
        detail: Mapping[str, Any],
        *,
        bus: EventBus | None = None,
        at: datetime | None = None,
    ) -> str:
        """An event of this account and Region, onto its default bus or another; returns its id. The bus's rules
        have been looked at when this returns."""
        event: Event = {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": kind,
            "source": source,
            "account": account,
            "time": (at or self._now()).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": region,
            "resources": list(resources),
            "detail": dict(detail),
        }
        with self._lock:
            self._route(bus or find_bus(account, region, "default"), event)
        return str(event["id"])

    def put_in(self, account: str, region: str, entry: Mapping[str, Any]) -> str:
        """One entry of PutEvents, onto this account's bus or, if the entry names it by its ARN, another's. The
        event says who sent it."""
        name = entry.get("EventBusName") or "default"
        arn = parse_arn(name)
        with self._lock:
            bus = find_bus(arn.account if arn else account, arn.region if arn else region, name)
            self._check_entry(bus, account)
        return self.emit(
            account,
            region,
            entry["Source"],
            entry["DetailType"],
            entry.get("Resources") or (),
            json.loads(entry["Detail"]),
            bus=bus,
            at=entry.get("Time"),
        )

    def _check_entry(self, bus: EventBus, account: str) -> None:
        if bus.account_id == account or admits(bus.policy, Caller(account), "events:PutEvents", bus.arn):
            return
        raise Refusal(
            "AccessDeniedException",
            f"account {account} is not authorized to perform: events:PutEvents on resource: {bus.arn} because no "
            "resource-based policy allows the events:PutEvents action",
        )

    def deliver(self, arn: str, payload: bytes, source_arn: str) -> None:
        """An event of a rule elsewhere: it keeps its own account and Region (aws-facts 6.1)."""
        target, source = _parts(arn), _parts(source_arn)
        with self._lock:
            bus = find_bus(target.account, target.region, target.resource)
            self._check_entry(bus, source.account)
            self._route(bus, json.loads(payload))

    # --- through its rules

    def _route(self, bus: EventBus, event: Event) -> None:
        for rule in list(bus.rules.values()):
            pattern = rule.event_pattern.dump()
            if pattern and rule.state != "DISABLED" and matches(parse_pattern(pattern), event):
                self.fire(rule, event)

    def fire(self, rule: Rule, event: Event) -> None:
        """To every target of the rule."""
        for target in list(rule.targets):
            self._courier.send(self._parcel(rule, target, event))

    def _parcel(self, rule: Rule, target: Target, event: Event) -> Parcel:
        return Parcel.to(
            target,
            shaped(target, event, rule.arn),
            rule.arn,
            original=json.dumps(event).encode(),
            labels={"RULE_ARN": rule.arn},
            check=lambda: self._check_way(rule, target, event),
        )

    def _check_way(self, rule: Rule, target: Target, event: Event) -> None:
        """No second hop to a third account or Region, and a role that exists (aws-facts 6.1)."""
        to = _parts(target["Arn"])
        if to.service != "events":
            return
        if to.account != rule.account_id and event["account"] != rule.account_id:
            raise Refusal("THIRD_ACCOUNT_HOP_DETECTED", "the event has come from another account already")
        if to.region != rule.region_name and event["region"] != rule.region_name:
            raise Refusal("THIRD_REGION_HOP_DETECTED", "the event has come from another Region already")
        if target.get("RoleArn"):
            self._roles.check(target["RoleArn"], "events.amazonaws.com", rule.account_id)
            self._roles.check_handing_over(target["RoleArn"], target["Arn"])


def _parts(text: str) -> Arn:
    found = parse_arn(text)
    if found is None:
        raise Refusal("InvalidParameterValue", f"{text} is no ARN")
    return found
