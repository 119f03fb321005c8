"""From one resource to another by its ARN: an event to a function, a message to a queue, an event to a bus.

Who hands over (a rule, a schedule, a lifecycle hook) knows the target's ARN alone; the service of the ARN says
which receiver takes it. A receiver never waits for what it sets off: a queue stores, a bus and a function line up.
"""

from dataclasses import dataclass
from typing import Protocol

from twinwall.emulator.refusal import Refusal


class Receiver(Protocol):
    """Takes what is meant for the resources of one service (``sqs``, ``events``, ``lambda``)."""

    def deliver(self, arn: str, payload: bytes, source_arn: str) -> None:
        """``payload``: JSON text in UTF-8. ``source_arn``: of the rule, schedule or group that hands it over.

        What the resource's policy lets in is the receiver's to check: a rule comes as ``events.amazonaws.com``
        and needs to be let in; a schedule comes with a role of its own, which was checked before. Returns once
        the payload is taken. Raises ``Refusal``: with a status of 500 or more, or 429, worth another try.
        """
        ...


@dataclass(frozen=True)
class Arn:
    """``arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE``"""

    service: str
    region: str
    account: str
    resource: str


def parse_arn(text: str) -> Arn | None:
    """None for what is no ARN."""
    parts = text.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn" or not parts[1].startswith("aws"):
        return None
    return Arn(*parts[2:])


class Deliveries:
    """The receivers of one embedded AWS, by service."""

    def __init__(self) -> None:
        self._receivers: dict[str, Receiver] = {}

    def register(self, service: str, receiver: Receiver) -> None:
        self._receivers[service] = receiver

    @property
    def services(self) -> tuple[str, ...]:
        return tuple(sorted(self._receivers))

    def reaches(self, arn: str) -> bool:
        """Is there a receiver for the ARN's service?"""
        found = parse_arn(arn)
        return found is not None and found.service in self._receivers

    def deliver(self, arn: str, payload: bytes, source_arn: str) -> None:
        """Raises ``Refusal``; ``ResourceNotFoundException`` where nobody takes anything for this service."""
        found = parse_arn(arn)
        if found is None or found.service not in self._receivers:
            raise Refusal(
                "ResourceNotFoundException",
                f"{arn} takes no deliveries in the embedded AWS; {', '.join(self.services)} do",
            )
        self._receivers[found.service].deliver(arn, payload, source_arn)
