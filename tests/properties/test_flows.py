"""Laws of what plans tell and keep open, against an oracle that reads rules one by one and enumerates members.

The oracle shares no code with what it checks: addresses are ``ipaddress``'s, a rule is asked of one packet at a
time, and who belongs to a group is tried out in full over a VPC of four addresses.
"""

import itertools
from ipaddress import ip_address, ip_network

import firewalls as fw
import interpreter
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinwall.model.firewall import Endpoint, NetworkAcl, NetworkAclAssociation, SecurityGroup, Snapshot, Vpc
from twinwall.model.net import ANY_IPV4, parse_cidr
from twinwall.model.rules import Direction, NetworkAclEntry, RuleAction
from twinwall.packets.traffic import detail_span
from twinwall.packets.witness import Address, Packet
from twinwall.planning.compare import Members
from twinwall.planning.desired import Desired
from twinwall.planning.flows import Protocols
from twinwall.planning.kept_open import Judge, Peers
from twinwall.planning.making import Allowed, make_plan
from twinwall.planning.passage import acl_passage
from twinwall.planning.quotas import Quotas
from twinwall.planning.semantics import GroupRules, span_of

VPC = "10.2.0.0/30"
MEMBERS = ["10.2.0.0", "10.2.0.1", "10.2.0.2", "10.2.0.3"]
ADDRESSES = [*MEMBERS, "10.1.255.255", "10.2.0.4", "10.9.9.9", "192.0.2.1", "2001:db8::1"]
CIDRS = ["10.2.0.0/30", "10.2.0.0/31", "10.2.0.2/32", "10.0.0.0/8", "0.0.0.0/0", "192.0.2.0/24", "::/0"]
TRAFFIC = ["tcp 22", "tcp 20-23", "tcp 0-65535", "udp 53", "-1 -", "icmp 8:0", "icmp -1", "47 -"]
PACKETS = [
    (6, 19),
    (6, 20),
    (6, 22),
    (6, 23),
    (6, 24),
    (17, 53),
    (1, 8 * 256),
    (1, 9 * 256),
    (47, 0),
    (255, 0),
]
IN = Direction.INGRESS

rules_of = st.lists(
    st.tuples(st.sampled_from(["in", "out"]), st.sampled_from(TRAFFIC), st.sampled_from([*CIDRS, "sg-1", "sg-2"])),
    max_size=5,
    unique=True,
).map(lambda texts: tuple(dict.fromkeys(fw.rule(" ".join(text)) for text in texts)))  # fmt: skip


def point(packet):
    protocol, detail = packet
    return detail_span(protocol, detail, detail)[0]


def holds_traffic(words, packet):
    protocol, detail = packet
    if isinstance(words, Protocols):
        return words.first <= protocol <= words.last
    if words.protocol == -1 or words.first in (None, -1):
        return words.protocol in (-1, protocol)
    if words.protocol != protocol:
        return False
    if protocol in (6, 17):
        return words.first <= detail <= words.last
    return detail // 256 == words.first and words.last in (-1, detail % 256)


def holds_peer(peer, address, members):
    """``peer``: a block, or the name of a group, by ``members`` or the addresses that may be its."""
    if "/" in peer:
        block, place = ip_network(peer), ip_address(address)
        return block.version == place.version and place in block
    return address in members.get(peer.rpartition("(")[2].rstrip(")"), ())


def admits(rules, way, address, packet, members=()):
    return any(
        rule.direction is way
        and holds_traffic(rule.traffic, packet)
        and holds_peer(str(rule.peer), address, dict(members))
        for rule in rules
    )


def first_match(entries, way, address, packet):
    for entry in sorted(entries, key=lambda entry: entry.rule_number):
        mine = entry.direction is way and holds_peer(str(entry.cidr), address, {})
        if mine and holds_traffic(entry.traffic, packet):
            return entry.action is RuleAction.ALLOW
    return False


# --- opens, closes

GROUPS = ("sg-1", "sg-2", "sg-3")


def firewall(*rules):
    groups = tuple(
        SecurityGroup(id_, id_[3:], "", "1", "vpc-1", own) for id_, own in zip(GROUPS, rules, strict=True)
    )
    return Snapshot("eu-west-1", "1", groups, acls=(), vpcs=(Vpc("vpc-1", "1", (parse_cidr(VPC),)),))


def planned(desired, existing):
    return make_plan(
        desired,
        existing,
        Allowed(max_change=None),
        Quotas(rules_per_group=1000),
        Endpoint("s"),
        Endpoint("t"),
    )


def told(flows, way, thing, address, packet, members=()):
    """The flows that hold the packet: (some does, some that is told whole does)."""
    found = [
        flow
        for flow in flows
        if flow.direction is way
        and flow.guarded.id == thing
        and holds_traffic(flow.traffic, packet)
        and holds_peer(flow.peer, address, dict(members))
    ]
    return bool(found), any(not flow.in_part for flow in found)


@given(rules_of, rules_of)
def test_what_opens_and_closes_is_what_the_rules_say_address_by_address(before, after):
    """With groups that have no members: then references admit nothing, and addresses alone count."""
    existing = firewall(before, (), ())
    plan = planned(Desired(groups=(firewall(after, (), ()).groups[0],)), existing)
    left = interpreter.interpret(plan.changes, existing).groups[0].rules
    for way, address, packet in itertools.product(Direction, ADDRESSES, PACKETS):
        was, is_ = (admits(rules, way, address, packet) for rules in (before, left))
        for flows, more in ((plan.opens, is_ and not was), (plan.closes, was and not is_)):
            some, whole = told(flows, way, "sg-1", address, packet)
            assert some or not more
            assert more or not whole
        assert not told(plan.opens, way, "sg-1", address, packet)[0] or is_
        assert not told(plan.closes, way, "sg-1", address, packet)[0] or was


MEMBERSHIPS = [
    {"sg-1": one, "sg-2": other}
    for one in itertools.chain.from_iterable(itertools.combinations(MEMBERS, n) for n in range(5))
    for other in ((), MEMBERS[:1], MEMBERS[2:], MEMBERS)
]


@given(rules_of, rules_of)
def test_whoever_the_members_are_nothing_opens_or_closes_untold(before, after):
    existing = firewall((), (), before)
    plan = planned(Desired(groups=(firewall((), (), after).groups[2],)), existing)
    for way, address, packet in itertools.product(Direction, MEMBERS, PACKETS[1::3]):
        for members in MEMBERSHIPS:
            was, is_ = (admits(rules, way, address, packet, members) for rules in (before, after))
            if is_ and not was:
                assert told(plan.opens, way, "sg-3", address, packet, members)[0]
            if was and not is_:
                assert told(plan.closes, way, "sg-3", address, packet, members)[0]


entries_of = st.lists(
    st.tuples(
        st.sampled_from(list(Direction)), st.sampled_from(list(RuleAction)), st.sampled_from(TRAFFIC),
        st.sampled_from(CIDRS),
    ),
    max_size=6,
)  # fmt: skip


def acl(texts, id_="acl-1", subnets=()):
    entries = tuple(
        NetworkAclEntry(way, number, action, fw.rule(f"in {words} {cidr}").traffic, parse_cidr(cidr))
        for number, (way, action, words, cidr) in enumerate(texts, 1)
    )
    there = tuple(NetworkAclAssociation(subnet, f"as-{subnet}") for subnet in subnets)
    return NetworkAcl(id_, "vpc-1", "1", False, entries, there)


@given(entries_of, entries_of)
def test_an_acl_opens_and_closes_for_its_subnets(before, after):
    existing = Snapshot("eu-west-1", "1", acls=(acl(before, subnets=("subnet-1",)),))
    plan = planned(Desired(acls=(acl(after),)), existing)
    for way, address, packet in itertools.product(Direction, ADDRESSES, PACKETS):
        was, is_ = (first_match(acl(texts).entries, way, address, packet) for texts in (before, after))
        for flows, more in ((plan.opens, is_ and not was), (plan.closes, was and not is_)):
            some, whole = told(flows, way, "subnet-1", address, packet)
            assert some or not more
            assert more or not whole


# --- protected flows


def block(cidr):
    return parse_cidr(cidr)


def judge():
    def universe(symbol):
        return (block(VPC),) if symbol.startswith("sg-") else (ANY_IPV4,)

    return Judge(Members(universe, universe), str)


def lost(before, after, peers, traffic):
    ingress = [GroupRules(tuple(r for r in rules if r.direction is IN)) for rules in (before, after)]
    return judge().lost(*ingress, peers, span_of(fw.rule(f"in {traffic} 0.0.0.0/0").traffic))


@given(rules_of, rules_of, st.sampled_from(CIDRS), st.sampled_from(TRAFFIC))
def test_a_flow_from_addresses_that_is_kept_is_kept_for_every_membership(before, after, cidr, words):
    flow = fw.rule(f"in {words} {cidr}")
    found = lost(before, after, Peers((block(cidr),)), words)
    asked = [
        (address, packet)
        for address, packet in itertools.product(ADDRESSES, PACKETS)
        if admits([flow], IN, address, packet)
    ]
    if found is None:
        for (address, packet), members in itertools.product(asked, MEMBERSHIPS):
            assert not admits(before, IN, address, packet, members) or admits(
                after, IN, address, packet, members
            )
    elif not found.unless:
        address, packet = found.packet.place, _packet(found.packet.point)
        text = str(
            ip_address(address.value)
            if address.family == 4
            else ip_address(address.value.to_bytes(16, "big"))
        )
        assert admits([flow], IN, text, packet)
        for members in MEMBERSHIPS:
            assert admits(before, IN, text, packet, members)
            assert not admits(after, IN, text, packet, members)


def _packet(place):
    return next(packet for packet in _EVERY if point(packet) == place)


_EVERY = [
    (protocol, detail)
    for protocol in range(256)
    for detail in (range(65536) if protocol in (1, 6, 17, 58) else (0,))
    if protocol not in (1, 6, 17, 58)
    or detail < 25
    or detail in (53, 80, 443, 2048, 2304, 32768)
    or detail == 65535
]


@given(rules_of, rules_of, st.sampled_from(TRAFFIC))
def test_a_flow_from_a_group_that_is_kept_is_kept_for_each_member(before, after, words):
    found = lost(before, after, Peers(symbol="sg-1"), words)
    flow = fw.rule(f"in {words} sg-1")
    for members, packet in itertools.product(MEMBERSHIPS, PACKETS):
        for address in members["sg-1"]:
            if not admits([flow], IN, address, packet, members):
                continue
            kept = not admits(before, IN, address, packet, members) or admits(
                after, IN, address, packet, members
            )
            assert kept or found is not None
    if found is not None and not found.unless:
        packet = _packet(found.packet.point)
        for members in MEMBERSHIPS:
            for address in members["sg-1"]:
                assert admits(before, IN, address, packet, members)
                assert not admits(after, IN, address, packet, members)


# --- the way through an ACL, and back

ANSWERS = {(1, 8 * 256): (1, 0), (1, 9 * 256): None}


def reply_ports(packet):
    """The packets that answer it: at every ephemeral port, or the one answer; none where none is given."""
    protocol, _ = packet
    if protocol in (6, 17):
        return [(protocol, port) for port in PORTS]
    answer = ANSWERS.get(packet, packet)
    return [] if answer is None else [answer]


PORTS = [1024, 2999, 3000, 4000, 4001, 65535]
"""One for each piece that the ports of ``BACK`` cut the ephemeral range into."""
BACK = ["tcp 3000-4000", "tcp 1024-65535", "udp 0-65535", "icmp 0:0", "-1 -", "47 -"]
back_of = st.lists(
    st.tuples(
        st.just(Direction.EGRESS),
        st.sampled_from(list(RuleAction)),
        st.sampled_from(BACK),
        st.sampled_from(CIDRS),
    ),
    max_size=5,
)


@given(entries_of, back_of)
def test_an_acl_lets_through_what_it_admits_there_and_back(entries, back):
    guard = acl([entry for entry in entries if entry[0] is IN] + back)
    passage = acl_passage(guard, IN)
    for address, packet in itertools.product(ADDRESSES, PACKETS):
        there = first_match(guard.entries, IN, address, packet)
        passing = [
            first_match(guard.entries, Direction.EGRESS, address, reply) for reply in reply_ports(packet)
        ]
        cidr = parse_cidr(f"{address}/{128 if ':' in address else 32}")
        asked = Packet(Address(cidr.family, cidr.first), point(packet))
        assert passage.fully.admits(asked) == (there and all(passing))
        assert passage.partly.admits(asked) == (there and any(passing) and not all(passing))


LAWS = (
    test_what_opens_and_closes_is_what_the_rules_say_address_by_address,
    test_whoever_the_members_are_nothing_opens_or_closes_untold,
    test_an_acl_opens_and_closes_for_its_subnets,
    test_a_flow_from_addresses_that_is_kept_is_kept_for_every_membership,
    test_a_flow_from_a_group_that_is_kept_is_kept_for_each_member,
    test_an_acl_lets_through_what_it_admits_there_and_back,
)


@pytest.mark.soak
@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_at_length(law):
    """As many examples as the profile says."""
    law()
