"""The way through groups and an ACL, and back."""

from collections.abc import Iterable
from typing import Any

import firewalls as f
import pytest

from twinwall.model.firewall import NetworkAcl, NetworkInterface, SecurityGroup, Snapshot, Subnet, Vpc
from twinwall.model.net import Cidr, parse_cidr
from twinwall.model.rules import Direction
from twinwall.model.wire import parse_acl, parse_group
from twinwall.packets.traffic import NO_TRAFFIC, detail_span, protocol_span
from twinwall.packets.witness import Address, Packet, Place
from twinwall.planning.passage import (
    Grade,
    Guards,
    acl_passage,
    guards_of_interface,
    guards_of_subnet,
    replies,
    unfiltered,
)

IN, OUT = Direction.INGRESS, Direction.EGRESS
OPEN = ("in 100 allow -1 - 0.0.0.0/0", "out 100 allow -1 - 0.0.0.0/0")


def acl(*entries: str) -> NetworkAcl:
    return parse_acl(f.acl("acl-1", *entries, subnets=("subnet-1",)))


def group(*rules: str, id_: str = "sg-1", name: str = "web") -> SecurityGroup:
    return parse_group(f.group(id_, name, *rules))


def packet(text: str, place: Place | None = None) -> Packet:
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
    return Packet(Address(cidr.family, cidr.first) if place is None else place, point)


def universe(_: str) -> tuple[Cidr, ...]:
    return (parse_cidr("10.0.0.0/16"),)


@pytest.mark.parametrize(
    ("entries", "asked", "grade"),
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
def test_an_acl_judges_replies_too(entries: Iterable[str], asked: str, grade: Grade) -> None:
    assert acl_passage(acl(*entries), IN).grade(packet(asked)) == grade


def test_the_clients_range_of_ephemeral_ports_can_be_said() -> None:
    linux = acl(OPEN[0], "out 1 allow tcp 32768-61000 0.0.0.0/0")
    assert acl_passage(linux, IN, (32768, 60999)).grade(packet("tcp 443 10.0.0.1")) == "fully"
    assert acl_passage(linux, IN, (1024, 2047)).grade(packet("tcp 443 10.0.0.1")) == "not"


def test_the_other_direction_is_the_mirror() -> None:
    outward = acl("out 1 allow tcp 443 0.0.0.0/0", "in 1 allow tcp 1024-65535 0.0.0.0/0")
    assert acl_passage(outward, OUT).grade(packet("tcp 443 10.0.0.1")) == "fully"
    assert acl_passage(outward, IN).grade(packet("tcp 443 10.0.0.1")) == "not"


def test_what_answers_and_what_is_answered_are_one_table() -> None:
    assert replies(protocol_span(6)) == detail_span(6, 1024, 65535)
    assert replies(detail_span(1, 8 * 256, 8 * 256)) == detail_span(1, 0, 0)
    assert replies(detail_span(1, 3 * 256, 3 * 256)) == NO_TRAFFIC
    assert replies(protocol_span(50)) == protocol_span(50)


# --- an interface


def grade_of(guards: Guards, asked: str, place: Place | None = None) -> Grade:
    return guards.passage(IN, universe).grade(packet(asked, place))


def test_an_interface_admits_what_any_of_its_groups_and_the_acl_admit() -> None:
    groups = (group("in tcp 443 10.0.0.0/8"), group("in tcp 22 10.0.0.0/8", id_="sg-2", name="ssh"))
    guards = Guards(groups, acl("in 1 deny tcp 22-22 10.9.0.0/16", *OPEN))
    assert [grade_of(guards, text) for text in ("tcp 443 10.9.0.1", "tcp 22 10.1.0.1")] == ["fully"] * 2
    assert [grade_of(guards, text) for text in ("tcp 22 10.9.0.1", "tcp 80 10.1.0.1")] == ["not"] * 2
    united = guards.group_rules(IN)
    assert united is not None
    assert united.decision(packet("tcp 22 10.1.0.1")).rule == "ssh (sg-2): ingress tcp/22 from 10.0.0.0/8"
    assert united.decision(packet("tcp 80 10.1.0.1")).rule == "no rule of web (sg-1), ssh (sg-2) admits it"


def test_an_interface_without_groups_admits_nothing_and_a_subnet_what_its_acl_does() -> None:
    assert grade_of(Guards((), acl(*OPEN)), "tcp 443 10.0.0.1") == "not"
    assert grade_of(Guards(None, acl(*OPEN)), "tcp 443 10.0.0.1") == "fully"


@pytest.mark.parametrize(
    ("entries", "grade"),
    [
        (OPEN, "fully"),
        ((OPEN[0], "out 1 allow tcp 1024-2000 10.0.0.0/8"), "partly"),
        (("in 1 deny -1 - 10.0.0.0/24", *OPEN), "unknown"),
        (("in 1 deny -1 - 10.0.0.0/8", *OPEN), "not"),
    ],
)
def test_members_of_a_group_pass_where_all_they_can_be_does(entries: Iterable[str], grade: Grade) -> None:
    guards = Guards((group("in tcp 443 sg-9"),), acl(*entries))
    assert grade_of(guards, "tcp 443 10.0.0.1", "sg-9") == grade


def test_what_was_not_read_is_unknown_and_never_open() -> None:
    web = group("in tcp 443 10.0.0.0/8")
    assert grade_of(Guards((web,), None), "tcp 443 10.0.0.1") == "unknown"
    assert grade_of(Guards((web,), None), "tcp 80 10.0.0.1") == "not"
    part = Guards((web,), acl(*OPEN), missing=("sg-2",))
    assert [grade_of(part, text) for text in ("tcp 443 10.0.0.1", "tcp 80 10.0.0.1")] == ["fully", "unknown"]
    assert grade_of(part, "tcp 80 2001:db8::1") == "not"
    assert grade_of(Guards((web,), None, missing=("sg-2",)), "tcp 80 10.0.0.1") == "unknown"


def test_guards_come_from_a_snapshot() -> None:
    snapshot = Snapshot("eu-west-1", "1", groups=(group(),), acls=(acl(*OPEN),))
    interface = NetworkInterface("eni-1", "vpc-source", "subnet-1", ("sg-1", "sg-7"))
    guards = guards_of_interface(snapshot, interface)
    assert (guards.groups, guards.missing) == ((group(),), ("sg-7",))
    assert guards.acl == guards_of_subnet(snapshot, "subnet-1").acl == acl(*OPEN)
    assert guards_of_subnet(snapshot, "subnet-2").acl is None
    assert guards_of_subnet(Snapshot("", ""), "subnet-1").acl is None


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
