"""The way through an ACL, and back."""

from collections.abc import Iterable
from typing import Any

import firewalls as f
import pytest

from twinwall.model.firewall import NetworkAcl, Subnet, Vpc
from twinwall.model.net import parse_cidr
from twinwall.model.rules import Direction
from twinwall.model.wire import parse_acl
from twinwall.packets.traffic import NO_TRAFFIC, detail_span, protocol_span
from twinwall.packets.witness import Address, Packet
from twinwall.planning.passage import EPHEMERAL, Ports, acl_passage, replies, unfiltered

IN, OUT = Direction.INGRESS, Direction.EGRESS
OPEN = ("in 100 allow -1 - 0.0.0.0/0", "out 100 allow -1 - 0.0.0.0/0")


def acl(*entries: str) -> NetworkAcl:
    return parse_acl(f.acl("acl-1", *entries, subnets=("subnet-1",)))


def packet(text: str) -> Packet:
    """``tcp 443 10.0.0.1``, ``icmp 8:0 10.0.0.1``, ``47 - 10.0.0.1``."""
    protocol, detail, address = text.split()
    number = {"tcp": 6, "udp": 17, "icmp": 1, "icmpv6": 58}.get(protocol) or int(protocol)
    if ":" in detail:
        kind, code = map(int, detail.split(":"))
        first = kind * 256 + code
    else:
        first = 0 if detail == "-" else int(detail)
    point = detail_span(number, first, first)[0]
    cidr = parse_cidr(f"{address}/{128 if ':' in address else 32}")
    return Packet(Address(cidr.family, cidr.first), point)


def grade(guard: NetworkAcl, direction: Direction, asked: str, ephemeral: Ports = EPHEMERAL) -> str:
    passage = acl_passage(guard, direction, ephemeral)
    fully, partly = (some.admits(packet(asked)) for some in (passage.fully, passage.partly))
    assert not (fully and partly)
    return "fully" if fully else "partly" if partly else "not"


@pytest.mark.parametrize(
    ("entries", "asked", "wanted"),
    [
        (OPEN, "tcp 443 10.0.0.1", "fully"),
        (OPEN, "tcp 443 2001:db8::1", "not"),
        ((OPEN[0],), "tcp 443 10.0.0.1", "not"),
        ((OPEN[1],), "tcp 443 10.0.0.1", "not"),
        ((OPEN[0], "out 1 allow tcp 1024-65535 10.0.0.0/8"), "tcp 443 10.0.0.1", "fully"),
        ((OPEN[0], "out 1 allow tcp 1024-65535 10.0.0.0/8"), "udp 53 10.0.0.1", "not"),
        ((OPEN[0], "out 1 allow tcp 1024-65535 10.0.0.0/8"), "tcp 443 11.0.0.1", "not"),
        ((OPEN[0], "out 1 allow tcp 32768-61000 0.0.0.0/0"), "tcp 443 10.0.0.1", "partly"),
        ((OPEN[0], "out 1 deny tcp 3389-3389 0.0.0.0/0", OPEN[1]), "tcp 443 10.0.0.1", "partly"),
        ((OPEN[0], "out 1 deny tcp 22-22 0.0.0.0/0", OPEN[1]), "tcp 443 10.0.0.1", "fully"),
        ((OPEN[0], "out 1 allow tcp 443 0.0.0.0/0"), "tcp 443 10.0.0.1", "not"),
        ((OPEN[0], "out 1 allow icmp 0:0 0.0.0.0/0"), "icmp 8:0 10.0.0.1", "fully"),
        ((OPEN[0], "out 1 allow icmp 8:0 0.0.0.0/0"), "icmp 8:0 10.0.0.1", "not"),
        ((OPEN[0],), "icmp 3:4 10.0.0.1", "fully"),
        ((OPEN[0], "out 1 allow 47 - 10.0.0.0/8"), "47 - 10.0.0.1", "fully"),
        ((OPEN[0],), "47 - 10.0.0.1", "not"),
        (("in 1 allow -1 - ::/0", "out 1 allow icmpv6 129:0 ::/0"), "icmpv6 128:0 2001:db8::1", "fully"),
    ],
)
def test_an_acl_judges_replies_too(entries: Iterable[str], asked: str, wanted: str) -> None:
    assert grade(acl(*entries), IN, asked) == wanted


def test_the_clients_range_of_ephemeral_ports_can_be_said() -> None:
    linux = acl(OPEN[0], "out 1 allow tcp 32768-61000 0.0.0.0/0")
    assert grade(linux, IN, "tcp 443 10.0.0.1", (32768, 60999)) == "fully"
    assert grade(linux, IN, "tcp 443 10.0.0.1", (1024, 2047)) == "not"


def test_the_other_direction_is_the_mirror() -> None:
    outward = acl("out 1 allow tcp 443 0.0.0.0/0", "in 1 allow tcp 1024-65535 0.0.0.0/0")
    assert grade(outward, OUT, "tcp 443 10.0.0.1") == "fully"
    assert grade(outward, IN, "tcp 443 10.0.0.1") == "not"


def test_what_answers_and_what_is_answered_are_one_table() -> None:
    assert replies(protocol_span(6)) == detail_span(6, 1024, 65535)
    assert replies(detail_span(1, 8 * 256, 8 * 256)) == detail_span(1, 0, 0)
    assert replies(detail_span(1, 3 * 256, 3 * 256)) == NO_TRAFFIC
    assert replies(protocol_span(50)) == protocol_span(50)


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("10.0.1.1", "the subnet router's own address"),
        ("10.0.1.7", "traffic within a subnet"),
        ("10.0.0.2", "Amazon DNS"),
        ("169.254.169.254", "an address of AWS's own services on the instance's link"),
        ("fd00:ec2::254", "an address of AWS's own services on the instance's link"),
        ("10.0.2.1", None),
        ("8.8.8.8", None),
    ],
)
def test_some_traffic_never_meets_an_acl(address: str, why: Any) -> None:
    subnet = Subnet("subnet-1", "vpc-1", "1", "a", parse_cidr("10.0.1.0/24"))
    vpc = Vpc("vpc-1", "1", (parse_cidr("10.0.0.0/16"),))
    place = packet(f"tcp 443 {address}").place
    assert isinstance(place, Address)
    assert unfiltered(place, subnet, vpc) == why
