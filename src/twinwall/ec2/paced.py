"""Reads that wait for their token, so that they and the writes of a run share what EC2 allows."""

from collections.abc import Callable, Mapping
from typing import Any

from twinwall.boundary import Identity
from twinwall.ec2.calls import Ec2, Output
from twinwall.ec2.faults import Place


class Paced:
    """``calls.Ec2``. ``wait`` sleeps until a call of this action may be sent. Writes have their token already: who
    sends them knows which of them comes next."""

    def __init__(self, ec2: Ec2, wait: Callable[[str], None]) -> None:
        self._ec2 = ec2
        self._wait = wait

    @property
    def place(self) -> Place:
        return self._ec2.place

    @property
    def region(self) -> str:
        return self._ec2.region

    def identity(self) -> Identity:
        return self._ec2.identity()

    def ask(self, action: str, request: Mapping[str, Any], doing: str, thing: str) -> Output:
        self._wait(action)
        return self._ec2.ask(action, request, doing, thing)

    def send(self, action: str, request: Mapping[str, Any], doing: str, thing: str) -> Output:
        return self._ec2.send(action, request, doing, thing)
