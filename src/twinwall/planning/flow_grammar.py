"""A flow in a person's words → ``FlowPattern``.

    TRAFFIC from PEER to THING      packets that come to a thing          tcp/5432 from 10.2.0.0/16 to web
    TRAFFIC to PEER from THING      connections that it opens             tcp/443 to 0.0.0.0/0 from web

    TRAFFIC   all | tcp | tcp/443 | udp/8000-8099 | icmp | icmp/8 | icmp/8:0 | icmpv6/128:0 | a number, 0 to 255
    PEER      a CIDR block, one address, a group or prefix list by name or id
    THING     a group by name or id, a subnet by id or Name tag

A name may stand as plans print it, with its id behind: ``web (sg-1)``. A name that itself holds " from " or
" to " is given by its id.
"""

import re
from dataclasses import dataclass

from twinwall.errors import ConfigError
from twinwall.model.net import (
    ALL_PROTOCOLS,
    ICMP_PROTOCOLS,
    PORT_PROTOCOLS,
    Cidr,
    parse_cidr,
    parse_protocol,
    protocol_name,
)
from twinwall.model.rules import Direction, Traffic, make_traffic

FORMS = "tcp/5432 from 10.2.0.0/16 to web, or tcp/443 to 0.0.0.0/0 from web"


@dataclass(frozen=True, slots=True)
class FlowPattern:
    """``peer`` and ``thing`` are names or ids until ``resolve`` finds what they are; ``text`` is as given."""

    text: str
    direction: Direction
    traffic: Traffic
    peer: Cidr | str
    thing: str


_WORDS = re.compile(r"(?P<traffic>\S+)\s+(?P<way>from|to)\s+(?P<rest>\S.*)\Z", re.DOTALL)
_OTHER = {"from": "to", "to": "from"}
_WITH_ID = re.compile(r".* \(((?:sg|pl|subnet)-[^ ()]+)\)\Z", re.DOTALL)


def parse_flow(text: str) -> FlowPattern:
    """Raises ``ConfigError`` with what was found and what is allowed."""
    found = _WORDS.match(text.strip())
    if found is None:
        raise ConfigError(f"{text!r} is not a flow; write it as {FORMS}")
    parts = re.split(rf"\s+{_OTHER[found['way']]}\s+", found["rest"])
    if len(parts) != 2 or not all(parts):
        many = "has more than one" if len(parts) > 2 else "lacks"
        hint = "; give a name that holds it by its id" if len(parts) > 2 else ""
        raise ConfigError(f"{text!r} {many} {_OTHER[found['way']]!r}; write it as {FORMS}{hint}")
    direction = Direction.INGRESS if found["way"] == "from" else Direction.EGRESS
    return FlowPattern(
        text, direction, parse_traffic(found["traffic"]), _peer(parts[0]), _id_or_name(parts[1])
    )


def _id_or_name(text: str) -> str:
    named = _WITH_ID.match(text.strip())
    return named[1] if named else text.strip()


_LOOKS_LIKE_ADDRESS = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){3}(/.*)?\Z|[0-9a-fA-F]*:[0-9a-fA-F:.]*(/.*)?\Z")


def _peer(text: str) -> Cidr | str:
    if not _LOOKS_LIKE_ADDRESS.match(text):
        return _id_or_name(text)
    if "/" in text:
        return parse_cidr(text)
    return parse_cidr(f"{text}/{128 if ':' in text else 32}")


# --- traffic

_RANGE = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?\Z")
_TYPE = re.compile(r"([0-9]{1,3}|\*)(?::([0-9]{1,3}|\*))?\Z")


def parse_traffic(text: str) -> Traffic:
    """``tcp/80-90``, ``icmp/8:0``, ``all``, ``47``. Raises ``ConfigError``."""
    name, slash, detail = text.partition("/")
    protocol = parse_protocol(name)
    if not slash:
        return Traffic(ALL_PROTOCOLS) if protocol == ALL_PROTOCOLS else make_traffic(protocol, None, None)
    if protocol in PORT_PROTOCOLS and (ports := _RANGE.match(detail)):
        return make_traffic(protocol, int(ports[1]), int(ports[2] or ports[1]))
    if protocol in ICMP_PROTOCOLS and (kind := _TYPE.match(detail)):
        return make_traffic(protocol, _number(kind[1]), _number(kind[2]))
    raise ConfigError(f"{text!r}: {_allowed(protocol)}")


def _number(text: str | None) -> int:
    return -1 if text in (None, "*") else int(str(text))


def _allowed(protocol: int) -> str:
    name = protocol_name(protocol)
    if protocol in PORT_PROTOCOLS:
        return f"after {name}/ a port or a range of ports is wanted, {name}/443 or {name}/8000-8099"
    if protocol in ICMP_PROTOCOLS:
        return f"after {name}/ a type, or type:code, is wanted, {name}/8 or {name}/8:0"
    return f"{'all protocols have' if protocol == ALL_PROTOCOLS else f'protocol {name} has'} no ports here"
