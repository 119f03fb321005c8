"""``Flow``: packets as a person reads them, and as the contract's JSON says them (chapter 3)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twinwall.model.firewall import Resource
from twinwall.model.net import ICMP_PROTOCOLS, PORT_PROTOCOLS, format_address, protocol_name
from twinwall.model.rules import Direction, Traffic
from twinwall.packets.traffic import locate
from twinwall.packets.witness import Packet, Place


@dataclass(frozen=True, slots=True)
class Flow:
    """``peer`` is an address, a CIDR block, or a group or list by name and id. ``guarded`` is what the
    packets come to (ingress) or leave (egress): a group or a subnet; None for an ACL without subnets.
    ``direction`` is None where both are meant: a prefix list by itself."""

    direction: Direction | None
    traffic: Traffic
    peer: str
    guarded: Resource | None

    def __str__(self) -> str:
        if self.direction is None:
            return f"{self.traffic} with {self.peer}"
        inward = self.direction is Direction.INGRESS
        thing = "" if self.guarded is None else f" {'to' if inward else 'from'} {self.guarded}"
        return f"{self.traffic} {'from' if inward else 'to'} {self.peer}{thing}"


def traffic_of(point: int) -> Traffic:
    """One point of the traffic line as a rule would say it: one port, one ICMP type and code."""
    protocol, detail = locate(point)
    if protocol in PORT_PROTOCOLS:
        return Traffic(protocol, detail, detail)
    if protocol in ICMP_PROTOCOLS:
        return Traffic(protocol, *divmod(detail, 256))
    return Traffic(protocol)


def peer_text(place: Place, symbol_text: Callable[[str], str]) -> str:
    """An address in EC2's spelling, or the symbol's name; never an invented address."""
    if isinstance(place, str):
        return symbol_text(place)
    return format_address(place.family, place.value)


def flow_of(
    packet: Packet, direction: Direction, guarded: Resource | None, symbol_text: Callable[[str], str]
) -> Flow:
    return Flow(direction, traffic_of(packet.point), peer_text(packet.place, symbol_text), guarded)


def flow_document(flow: Flow) -> dict[str, Any]:
    """The contract's ``flow``. ``ports`` and ``icmp`` stand only where the protocol has them."""
    traffic, guarded = flow.traffic, flow.guarded
    document: dict[str, Any] = {
        "direction": flow.direction.value if flow.direction else None,
        "protocol": protocol_name(traffic.protocol),
    }
    if traffic.protocol in PORT_PROTOCOLS:
        document["ports"] = [traffic.first, traffic.last]
    elif traffic.protocol in ICMP_PROTOCOLS:
        document["icmp"] = [traffic.first, traffic.last]
    document["peer"] = flow.peer
    key = "group" if guarded is not None and guarded.type == "security-group" else "subnet"
    document[key] = None if guarded is None else str(guarded)
    return document
