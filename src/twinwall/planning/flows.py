"""``Flow``: packets as a person reads them, and as the contract's JSON says them (chapter 3)."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from twinwall.model.firewall import Resource, new_id, ref_name
from twinwall.model.net import (
    ICMP_PROTOCOLS,
    PORT_PROTOCOLS,
    format_address,
    parse_protocol,
    protocol_name,
)
from twinwall.model.rules import Direction, Traffic, make_traffic
from twinwall.packets.traffic import locate
from twinwall.packets.witness import Packet, Place


@dataclass(frozen=True, slots=True, order=True)
class Protocols:
    """All traffic of the protocols from the first number to the last, both included."""

    first: int
    last: int

    def __str__(self) -> str:
        return f"protocols {self.first}-{self.last}"


@dataclass(frozen=True, slots=True)
class Flow:
    """``peer`` is an address, a CIDR block, or a group or list by name and id. ``guarded`` is what the
    packets come to (ingress) or leave (egress): a group or a subnet; None for an ACL without subnets.
    ``direction`` is None where both are meant: a prefix list by itself. ``in_part``: not all of it is meant."""

    direction: Direction | None
    traffic: Traffic | Protocols
    peer: str
    guarded: Resource | None
    in_part: bool = False

    def __str__(self) -> str:
        if self.direction is None:
            return f"{self.traffic} with {self.peer}"
        thing = "" if self.guarded is None else thing_text(self.guarded)
        return flow_words(self.direction, str(self.traffic), self.peer, thing)


def flow_words(direction: Direction, traffic: str, peer: str, thing: str) -> str:
    """``tcp/5432 from 10.2.0.0/16 to web``, ``tcp/443 to 0.0.0.0/0 from web``."""
    toward, away = ("from", "to") if direction is Direction.INGRESS else ("to", "from")
    return f"{traffic} {toward} {peer}{f' {away} {thing}' if thing else ''}"


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
    """The contract's ``flow``. ``ports`` and ``icmp`` stand only where the protocol has them; several whole
    protocols in a row are ``"0-5"``. What does not exist yet stands by its name."""
    guarded = flow.guarded
    document: dict[str, Any] = {"direction": flow.direction.value if flow.direction else None}
    match flow.traffic:
        case Protocols(first=first, last=last):
            document["protocol"] = f"{first}-{last}"
        case Traffic(protocol=protocol, first=first_, last=last_):
            document["protocol"] = protocol_name(protocol)
            if protocol in PORT_PROTOCOLS:
                document["ports"] = [first_, last_]
            elif protocol in ICMP_PROTOCOLS:
                document["icmp"] = [first_, last_]
    document["peer"] = flow.peer
    key = "group" if guarded is not None and guarded.type == "security-group" else "subnet"
    document[key] = None if guarded is None else thing_text(guarded)
    if flow.in_part:
        document["in_part"] = True
    return document


_NEW = " (new)"
_NAMED = re.compile(r"(?P<name>.*) \((?P<id>(?:sg|subnet)-[^ ()]+)\)\Z", re.DOTALL)
_SPAN = re.compile(r"([0-9]{1,3})-([0-9]{1,3})\Z")


def thing_text(resource: Resource) -> str:
    """``web (sg-1)``, ``sg-1`` without a name, ``web (new)`` for what does not exist yet."""
    ref = ref_name(resource.id)
    return str(resource) if ref is None else f"{ref}{_NEW}"


def flow_from_document(raw: Mapping[str, Any]) -> Flow:
    """What ``flow_document`` wrote. Raises ``KeyError``, ``TypeError``, ``ValueError``, ``ConfigError``."""
    direction = Direction(raw["direction"]) if raw["direction"] is not None else None
    type_ = "security-group" if "group" in raw else "subnet"
    thing = raw.get("group", raw.get("subnet"))
    guarded = None if thing is None else _thing(type_, thing)
    return Flow(direction, _traffic(raw), raw["peer"], guarded, bool(raw.get("in_part")))


def _traffic(raw: Mapping[str, Any]) -> Traffic | Protocols:
    if several := _SPAN.match(raw["protocol"]):
        return Protocols(int(several[1]), int(several[2]))
    first, last = raw.get("ports") or raw.get("icmp") or (None, None)
    return make_traffic(parse_protocol(raw["protocol"]), first, last)


def _thing(type_: Any, text: str) -> Resource:
    if text.endswith(_NEW):
        name = text.removesuffix(_NEW)
        return Resource(type_, new_id(type_, name), name)
    named = _NAMED.match(text)
    return Resource(type_, named["id"], named["name"]) if named else Resource(type_, text)
