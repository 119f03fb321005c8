"""Flows in words."""

import pytest

from twinwall.errors import ConfigError
from twinwall.model.net import ANY_IPV4, Cidr, parse_cidr
from twinwall.model.rules import Direction, Traffic, make_traffic
from twinwall.planning.flow_grammar import parse_flow, parse_traffic

IN, OUT = Direction.INGRESS, Direction.EGRESS
TCP5432 = make_traffic(6, 5432, 5432)


@pytest.mark.parametrize(
    ("text", "direction", "peer", "thing"),
    [
        ("tcp/5432 from 10.2.0.0/16 to web", IN, parse_cidr("10.2.0.0/16"), "web"),
        ("tcp/5432  from 10.2.0.9  to  sg-1", IN, parse_cidr("10.2.0.9/32"), "sg-1"),
        ("tcp/5432 to 0.0.0.0/0 from web", OUT, ANY_IPV4, "web"),
        ("tcp/5432 from 2001:db8::1 to subnet-1", IN, parse_cidr("2001:db8::1/128"), "subnet-1"),
        ("tcp/5432 from app (sg-2) to web [old] (sg-1)", IN, "sg-2", "sg-1"),
        ("tcp/5432 to offices (pl-1) from cache cluster", OUT, "pl-1", "cache cluster"),
        ("tcp/5432 from fromage to tomorrow", IN, "fromage", "tomorrow"),
    ],
)
def test_a_flow_is_traffic_a_peer_and_a_thing(
    text: str, direction: Direction, peer: Cidr | str, thing: str
) -> None:
    found = parse_flow(text)
    assert (found.direction, found.traffic, found.peer, found.thing) == (direction, TCP5432, peer, thing)
    assert found.text == text


@pytest.mark.parametrize(
    ("text", "traffic"),
    [
        ("all", Traffic(-1)),
        ("-1", Traffic(-1)),
        ("tcp", make_traffic(6, 0, 65535)),
        ("udp/8000-8099", make_traffic(17, 8000, 8099)),
        ("UDP/53", make_traffic(17, 53, 53)),
        ("6/22", make_traffic(6, 22, 22)),
        ("icmp", make_traffic(1, -1, -1)),
        ("icmp/8", make_traffic(1, 8, -1)),
        ("icmp/8:0", make_traffic(1, 8, 0)),
        ("icmp/8:*", make_traffic(1, 8, -1)),
        ("icmpv6/128:0", make_traffic(58, 128, 0)),
        ("47", Traffic(47)),
    ],
)
def test_traffic_is_spelled_as_rules_are_shown(text: str, traffic: Traffic) -> None:
    assert parse_traffic(text) == traffic


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "'' is not a flow; write it as tcp/5432 from 10.2.0.0/16 to web, or"),
        ("tcp/443", "'tcp/443' is not a flow"),
        ("tcp/443 into web", "is not a flow"),
        ("tcp/443 from 10.0.0.0/8", "lacks 'to'"),
        ("tcp/443 to web", "lacks 'from'"),
        ("tcp/443 from a to b to c", "more than one 'to'; write it as"),
        ("http from 10.0.0.0/8 to web", "protocol 'http' is none of tcp, udp"),
        ("tcp/ from 10.0.0.0/8 to web", "after tcp/ a port or a range"),
        ("tcp/x from 10.0.0.0/8 to web", "'tcp/x': after tcp/ a port or a range of ports is wanted"),
        ("tcp/70000 from 10.0.0.0/8 to web", "allowed are 0 to 65535"),
        ("tcp/90-80 from 10.0.0.0/8 to web", "the lower first"),
        ("icmp/8:0:0 from 10.0.0.0/8 to web", "after icmp/ a type, or type:code"),
        ("icmp/*:0 from 10.0.0.0/8 to web", "all types only with all codes"),
        ("all/80 from 10.0.0.0/8 to web", "all protocols have no ports"),
        ("47/80 from 10.0.0.0/8 to web", "protocol 47 has no ports"),
        ("256 from 10.0.0.0/8 to web", "protocol '256'"),
        ("tcp/80 from 10.0.0.0/33 to web", "prefix length '33'"),
        ("tcp/80 from 10.0.0.300 to web", "is not a CIDR block"),
        ("tcp/80 from 2001::db8::1 to web", "is not a CIDR block"),
    ],
)
def test_what_cannot_be_read_is_one_line(text: str, why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_flow(text)
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)
