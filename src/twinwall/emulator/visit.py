"""A request whose caller is known, and the rooms that answer for a service."""

from collections.abc import Callable
from dataclasses import dataclass

from twinwall.emulator.credentials import Principal, Signed
from twinwall.emulator.http import Request, Response


@dataclass(frozen=True)
class Visit:
    """``protocol``: ``ec2``, ``query`` or ``json`` (with REST or without)."""

    request: Request
    signed: Signed
    caller: Principal
    action: str
    protocol: str
    id: str

    def text(self) -> str:
        return self.request.body.decode("utf-8", "replace")

    @property
    def account(self) -> str:
        return self.caller.account

    @property
    def region(self) -> str:
        return self.signed.region

    @property
    def service(self) -> str:
        return self.signed.service


Room = Callable[[Visit], Response]
"""Answers every call of one service, or raises ``Refusal``."""
