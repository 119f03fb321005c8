"""A mesh's ports as the configuration writes them → traffic, as few rules as can be."""

from collections.abc import Callable, Iterable
from typing import Any

from twinwall.errors import ConfigError
from twinwall.model.net import parse_protocol
from twinwall.model.rules import Traffic, make_traffic


def ports_of(texts: Iterable[Any]) -> tuple[Traffic, ...]:
    """``tcp/443``, ``udp/7000-7100``, ``icmp``, ``icmp/8``, ``icmpv6``, ``-1``; ranges that touch are one."""
    return _merged(sorted({_port(str(text)) for text in texts}, key=_order))


def _order(traffic: Traffic) -> tuple[int, int, int]:
    return traffic.protocol, traffic.first or 0, traffic.last or 0


def _port(text: str) -> Traffic:
    name, _, ports = text.partition("/")
    protocol = parse_protocol(name)
    try:
        first, last = _numbers(ports, _whole)
    except ValueError:
        raise ConfigError(f"ports has {text!r}; write tcp/443, udp/7000-7100, icmp or icmp/8") from None
    if protocol in (1, 58):
        return make_traffic(protocol, first, -1 if last == first else last)
    return make_traffic(protocol, first, last)


def _whole(text: str) -> int:
    return int(text)


def _numbers(text: str, number: Callable[[str], int]) -> tuple[int | None, int | None]:
    if not text:
        return None, None
    first, dash, last = text.partition("-")
    return number(first), number(last if dash else first)


def _merged(ports: list[Traffic]) -> tuple[Traffic, ...]:
    """Room: each port of each address is a rule (performance and quota both)."""
    found: list[Traffic] = []
    for port in ports:
        last = found[-1] if found else None
        joins = last is not None and last.protocol == port.protocol and port.protocol in (6, 17)
        if joins and last is not None and (port.first or 0) <= (last.last or 0) + 1:
            found[-1] = make_traffic(port.protocol, last.first, max(last.last or 0, port.last or 0))
        else:
            found.append(port)
    return tuple(found)
