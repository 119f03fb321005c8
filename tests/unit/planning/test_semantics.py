"""What rules admit, one meaning of EC2's at a time."""

import pytest

from twinwall.model.net import parse_cidr
from twinwall.model.rules import (
    CidrPeer,
    Direction,
    GroupPeer,
    NetworkAclEntry,
    Peer,
    PrefixListPeer,
    RuleAction,
    SecurityGroupRule,
    Traffic,
    make_traffic,
)
from twinwall.packets.traffic import ALL_TRAFFIC, LINE, detail_span, protocol_span
from twinwall.packets.witness import Address, Packet
from twinwall.planning.flows import Flow, flow_document, traffic_of
from twinwall.planning.semantics import AclEntries, GroupRules, span_of

IN = Direction.INGRESS


def rule(traffic: Traffic, peer: Peer | str) -> SecurityGroupRule:
    return SecurityGroupRule(IN, traffic, CidrPeer(parse_cidr(peer)) if isinstance(peer, str) else peer)


def entry(number: int, action: str, traffic: Traffic, cidr: str) -> NetworkAclEntry:
    return NetworkAclEntry(IN, number, RuleAction(action), traffic, parse_cidr(cidr))


@pytest.mark.parametrize(
    ("traffic", "span"),
    [
        (make_traffic(-1, None, None), LINE),
        (make_traffic(6, None, None), protocol_span(6)),
        (make_traffic(17, 53, 53), detail_span(17, 53, 53)),
        (make_traffic(1, -1, -1), protocol_span(1)),
        (make_traffic(1, 3, -1), detail_span(1, 3 * 256, 3 * 256 + 255)),
        (make_traffic(58, 128, 0), detail_span(58, 128 * 256, 128 * 256)),
        (make_traffic(50, 1, 2), protocol_span(50)),
    ],
    ids=str,
)
def test_every_traffic_is_one_span(traffic: Traffic, span: tuple[int, int]) -> None:
    assert span_of(traffic) == span


def test_one_point_reads_as_one_port_one_type_one_protocol() -> None:
    assert traffic_of(detail_span(6, 443, 443)[0]) == Traffic(6, 443, 443)
    assert traffic_of(detail_span(1, 8 * 256, 8 * 256)[0]) == Traffic(1, 8, 0)
    assert traffic_of(protocol_span(47)[0]) == Traffic(47)


def test_all_protocols_and_each_protocol_are_the_same() -> None:
    each = tuple(rule(make_traffic(number, None, None), "10.0.0.0/8") for number in range(256))
    assert GroupRules(each).packets == GroupRules((rule(Traffic(-1), "10.0.0.0/8"),)).packets


def test_icmp_codes_of_a_type_add_up_to_the_type() -> None:
    codes = tuple(rule(make_traffic(1, 3, code), "0.0.0.0/0") for code in range(256))
    assert GroupRules(codes).packets == GroupRules((rule(make_traffic(1, 3, -1), "0.0.0.0/0"),)).packets


def test_an_odd_pair_of_protocol_and_family_is_not_lost() -> None:
    assert GroupRules((rule(make_traffic(1, -1, -1), "::/0"),)).packets.ipv6


def test_groups_and_unknown_lists_are_symbols_and_known_lists_are_addresses() -> None:
    rules = (rule(Traffic(-1), GroupPeer("sg-1")), rule(Traffic(-1), PrefixListPeer("pl-1")))
    assert GroupRules(rules).packets.symbols == (("pl-1", ALL_TRAFFIC), ("sg-1", ALL_TRAFFIC))
    known = GroupRules(rules, {"pl-1": (parse_cidr("10.0.0.0/8"),)})
    assert known.packets.symbols == (("sg-1", ALL_TRAFFIC),)
    assert known.packets.addresses == GroupRules((rule(Traffic(-1), "10.0.0.0/8"),)).packets


def test_a_known_list_without_entries_admits_nothing() -> None:
    assert not GroupRules((rule(Traffic(-1), PrefixListPeer("pl-1")),), {"pl-1": ()}).packets


def test_icmpv6_types_are_ignored_on_an_ipv4_block_only() -> None:
    typed, untyped = make_traffic(58, 128, 0), make_traffic(58, -1, -1)
    on_ipv4 = [AclEntries((entry(1, "allow", t, "0.0.0.0/0"),)).packets for t in (typed, untyped)]
    on_ipv6 = [AclEntries((entry(1, "allow", t, "::/0"),)).packets for t in (typed, untyped)]
    assert on_ipv4[0] == on_ipv4[1]
    assert on_ipv6[0] != on_ipv6[1]


def test_an_acl_goes_by_number_not_by_position() -> None:
    entries = (
        entry(200, "allow", Traffic(-1), "0.0.0.0/0"),
        entry(100, "deny", make_traffic(6, 22, 22), "10.0.0.0/8"),
    )
    assert AclEntries(entries).packets == AclEntries(entries[::-1]).packets
    ssh = Packet(Address(4, (10 << 24) + 1), detail_span(6, 22, 22)[0])
    assert not AclEntries(entries).packets.admits(ssh)
    decision = AclEntries(entries).decision(ssh)
    assert (decision.admitted, decision.rule) == (False, "ingress 100 deny tcp/22 from 10.0.0.0/8")


@pytest.mark.parametrize(("address", "number"), [(Address(4, 1), 32767), (Address(6, 1), 32768)])
def test_the_final_deny_decides_what_no_entry_holds(address: Address, number: int) -> None:
    decision = AclEntries(()).decision(Packet(address, 0))
    assert (decision.admitted, decision.rule) == (False, f"the final deny ({number})")


def test_an_entry_decides_only_what_earlier_ones_leave() -> None:
    entries = (
        entry(100, "allow", make_traffic(6, 80, 80), "10.0.0.0/8"),
        entry(200, "allow", make_traffic(6, 80, 81), "10.0.0.0/8"),
    )
    decision = AclEntries(entries).decision(Packet(Address(4, 10 << 24), detail_span(6, 81, 81)[0]))
    assert decision.region == AclEntries((entry(1, "allow", make_traffic(6, 81, 81), "10.0.0.0/8"),)).packets


def test_a_flow_has_the_keys_of_the_contract() -> None:
    assert flow_document(Flow(IN, Traffic(6, 80, 80), "10.0.0.1", None)) == {
        "direction": "ingress",
        "protocol": "tcp",
        "ports": [80, 80],
        "peer": "10.0.0.1",
        "subnet": None,
    }
    assert flow_document(Flow(IN, Traffic(1, 8, 0), "10.0.0.1", None))["icmp"] == [8, 0]
    assert not {"ports", "icmp"} & flow_document(Flow(IN, Traffic(47), "10.0.0.1", None)).keys()
