"""What ``explain`` is asked: the first packet of one flow, and what comes back."""

from collections.abc import Mapping
from dataclasses import dataclass

from twinwall.errors import ConfigError
from twinwall.model.net import (
    ALL_PROTOCOLS,
    ICMP,
    ICMP_PROTOCOLS,
    ICMPV6,
    MAX_PORT,
    PORT_PROTOCOLS,
    Family,
    parse_protocol,
    protocol_name,
)
from twinwall.model.rules import Traffic, make_traffic
from twinwall.packets.traffic import Span, Spans
from twinwall.planning.flows import traffic_of
from twinwall.planning.passage import EPHEMERAL, Ports, parse_ports, replies
from twinwall.planning.semantics import span_of

ECHO_REQUEST: Mapping[int, int] = {ICMP: 8, ICMPV6: 128}


@dataclass(frozen=True)
class Ask:
    """``request`` is one point of traffic: one port, one ICMP type and code. ``families``: the IP versions
    that are asked about, the first one first."""

    request: Traffic
    client_ports: Ports = EPHEMERAL
    families: tuple[Family, ...] = (4, 6)

    @property
    def span(self) -> Span:
        """The request on the traffic line."""
        return span_of(self.request)

    @property
    def answered(self) -> bool:
        """Whether anything is expected to come back."""
        return bool(replies(self.span, self.client_ports))

    @property
    def carrier(self) -> Spans:
        """The traffic in which a way is reckoned: what comes back, else the request's own."""
        return replies(self.span, self.client_ports) or self.span

    def spoken(self, spans: Spans) -> Traffic:
        """A part of the request or of the carrier as one rule would say it, what lies between included."""
        protocol = self.request.protocol
        if protocol not in PORT_PROTOCOLS:
            return traffic_of(spans[0])
        return Traffic(protocol, traffic_of(spans[0]).first, traffic_of(spans[-1] - 1).first)


def parse_ask(
    protocol: str,
    port: str | None = None,
    icmp_type: str | None = None,
    icmp_code: str | None = None,
    client_ports: str | None = None,
    family: str | None = None,
) -> Ask:
    """The command line's words → an ``Ask``. Raises ``ConfigError``."""
    number = parse_protocol(protocol)
    if number == ALL_PROTOCOLS:
        raise ConfigError(
            f"--protocol {protocol}: one packet has one protocol; name tcp, udp, icmp or a number"
        )
    _refuse_strangers(number, {"--port": port, "--client-ports": client_ports}, PORT_PROTOCOLS)
    _refuse_strangers(number, {"--icmp-type": icmp_type, "--icmp-code": icmp_code}, ICMP_PROTOCOLS)
    families = _families(number, family)
    if number in PORT_PROTOCOLS:
        return Ask(_port(number, port), parse_client_ports(client_ports), families)
    if number in ICMP_PROTOCOLS:
        return Ask(_icmp(number, icmp_type, icmp_code), families=families)
    return Ask(Traffic(number), families=families)


def _refuse_strangers(number: int, said: Mapping[str, str | None], protocols: frozenset[int]) -> None:
    for option, value in said.items():
        if value is not None and number not in protocols:
            names = " and ".join(protocol_name(one) for one in sorted(protocols))
            raise ConfigError(
                f"{option} {value}: protocol {protocol_name(number)} has none, only {names} have; leave it out"
            )


def _families(number: int, family: str | None) -> tuple[Family, ...]:
    bound: Mapping[int, Family] = {ICMP: 4, ICMPV6: 6}
    own = bound.get(number)
    if family is None:
        return (4, 6) if own is None else (own,)
    if family not in ("4", "6"):
        raise ConfigError(f"--ip-version {family}: give 4 or 6")
    asked: Family = 4 if family == "4" else 6
    if own not in (None, asked):
        other = "icmpv6" if asked == 6 else "icmp"
        raise ConfigError(
            f"--ip-version {family}: {protocol_name(number)} goes over IPv{own}; say --protocol {other}"
        )
    return (asked,)


def _port(number: int, text: str | None) -> Traffic:
    if text is None:
        raise ConfigError(
            f"--protocol {protocol_name(number)} without --port: name the server's port, as --port 443"
        )
    port = _number("--port", text, MAX_PORT)
    return make_traffic(number, port, port)


def parse_client_ports(text: str | None) -> Ports:
    """What ``--client-ports`` says."""
    try:
        return EPHEMERAL if text is None else parse_ports(text)
    except ConfigError as wrong:
        raise ConfigError(f"--client-ports {wrong}") from None


def _icmp(number: int, kind: str | None, code: str | None) -> Traffic:
    """Nothing said: a ping."""
    if kind is None and code is not None:
        raise ConfigError(f"--icmp-code {code} without --icmp-type: a code belongs to a type; name both")
    type_ = ECHO_REQUEST[number] if kind is None else _number("--icmp-type", kind, 255)
    return Traffic(number, type_, 0 if code is None else _number("--icmp-code", code, 255))


def _number(option: str, text: str, largest: int) -> int:
    if text.isascii() and text.isdigit() and int(text) <= largest:
        return int(text)
    raise ConfigError(f"{option} {text}: {text!r} is not a number from 0 to {largest}")
