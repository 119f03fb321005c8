"""``explain`` against brute force: every address of both sides, every client port where something changes.

The oracle works on EC2's own documents with ``ipaddress`` and shares no code with the product.
"""

import copy
import functools
import ipaddress
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinwall.engine import inspecting
from twinwall.engine.sides import FileSide
from twinwall.model import wire
from twinwall.model.rules import Direction, NetworkAclEntry, SecurityGroupRule
from twinwall.planning.answer import Answer
from twinwall.planning.asking import parse_ask

Json = dict[str, Any]

SUBNETS = {"subnet-a": "10.0.0.0/28", "subnet-b": "10.0.0.16/28"}
INTERFACES = {
    "eni-1": ("subnet-a", "10.0.0.5"),
    "eni-2": ("subnet-b", "10.0.0.20"),
    "eni-3": ("subnet-b", "10.0.0.21"),
}
LIST = ["10.0.0.20/32", "203.0.113.0/30"]
CIDRS = [
    "0.0.0.0/0",
    "10.0.0.0/28",
    "10.0.0.16/28",
    "10.0.0.20/31",
    "10.0.0.20/32",
    "203.0.113.0/29",
    "203.0.113.2/31",
]
GROUPS = ["sg-1", "sg-2", "sg-3"]
RANGES = [(22, 22), (0, 65535), (20, 80), (1024, 65535), (1024, 40000), (40001, 65535), (2000, 2000)]
TRAFFIC = [("-1", None), ("icmp", (-1, -1)), ("icmp", (8, 0)), ("icmp", (0, -1))]
TRAFFIC += [(protocol, ports) for protocol in ("tcp", "udp") for ports in RANGES]
OPEN: Json = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
MOSTLY = st.sampled_from([True, True, True, False])
NUMBERS = {"tcp": "6", "udp": "17", "icmp": "1", "-1": "-1"}


@st.composite
def rules(draw: st.DrawFn) -> Json:
    protocol, ports = draw(st.sampled_from(TRAFFIC))
    peer = draw(st.sampled_from([*CIDRS, *GROUPS, "pl-1"]))
    key, item = ("IpRanges", {"CidrIp": peer})
    if peer.startswith("sg-"):
        key, item = "UserIdGroupPairs", {"GroupId": peer, "UserId": "1"}
    if peer.startswith("pl-"):
        key, item = "PrefixListIds", {"PrefixListId": peer}
    spoken = {"FromPort": ports[0], "ToPort": ports[1]} if ports else {}
    return {"IpProtocol": protocol, **spoken, key: [item]}


@st.composite
def entries(draw: st.DrawFn, egress: bool) -> list[Json]:
    made = []
    for number in draw(st.lists(st.integers(2, 40), max_size=4, unique=True)):
        protocol, ports = draw(st.sampled_from(TRAFFIC))
        entry: Json = {"RuleNumber": number, "Egress": egress, "Protocol": NUMBERS[protocol]}
        entry |= {
            "CidrBlock": draw(st.sampled_from(CIDRS)),
            "RuleAction": draw(st.sampled_from(["allow", "deny"])),
        }
        if protocol in ("tcp", "udp"):
            entry["PortRange"] = {"From": ports[0], "To": ports[1]}
        if protocol == "icmp":
            entry["IcmpTypeCode"] = {"Type": ports[0], "Code": ports[1]}
        made.append(entry)
    if draw(MOSTLY):
        every: Json = {"RuleNumber": 100, "Egress": egress, "Protocol": "-1", "CidrBlock": "0.0.0.0/0"}
        made.append(every | {"RuleAction": "allow"})
    return made


@st.composite
def firewalls(draw: st.DrawFn) -> Json:
    def group(id_: str) -> Json:
        some = st.lists(rules(), max_size=3)
        name = "default" if id_ == "sg-1" else id_
        made = {"GroupId": id_, "GroupName": name, "OwnerId": "1", "VpcId": "vpc-1", "Description": "d"}
        inward, outward = draw(some), draw(some)
        inward += [OPEN] if draw(st.booleans()) else []
        outward += [OPEN] if draw(MOSTLY) else []
        return made | {"IpPermissions": inward, "IpPermissionsEgress": outward}

    def acl(id_: str, subnet: str) -> Json:
        associations = [{"SubnetId": subnet, "NetworkAclAssociationId": f"as-{subnet}"}]
        own = [*draw(entries(egress=False)), *draw(entries(egress=True))]
        return {"NetworkAclId": id_, "VpcId": "vpc-1", "Entries": own, "Associations": associations}

    def interface(id_: str) -> Json:
        subnet, address = INTERFACES[id_]
        groups = draw(st.lists(st.sampled_from(GROUPS), min_size=1, max_size=2, unique=True))
        made = {"NetworkInterfaceId": id_, "SubnetId": subnet, "VpcId": "vpc-1"}
        return made | {
            "PrivateIpAddresses": [{"PrivateIpAddress": address}],
            "Groups": [{"GroupId": one} for one in groups],
        }

    return {
        "Region": "eu-west-1",
        "OwnerId": "1",
        "Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/24", "OwnerId": "1"}],
        "Subnets": [{"SubnetId": id_, "VpcId": "vpc-1", "CidrBlock": cidr} for id_, cidr in SUBNETS.items()],
        "SecurityGroups": [group(id_) for id_ in GROUPS],
        "NetworkAcls": [acl("acl-a", "subnet-a"), acl("acl-b", "subnet-b")],
        "PrefixLists": [
            {
                "PrefixListId": "pl-1",
                "PrefixListName": "office",
                "AddressFamily": "IPv4",
                "OwnerId": "1",
                "MaxEntries": 5,
                "Entries": [{"Cidr": cidr} for cidr in LIST],
            }
        ],
        "NetworkInterfaces": [interface(id_) for id_ in INTERFACES],
    }


PEERS = [
    "eni-1",
    "eni-2",
    "sg-1",
    "sg-2",
    "subnet-b",
    "10.0.0.20",
    "10.0.0.16/29",
    "203.0.113.2",
    "203.0.113.0/30",
]
TARGETS = ["eni-1", "eni-3", "sg-2", "sg-3", "subnet-b"]
ASKS = [("tcp", 22), ("tcp", 2000), ("udp", 53), ("icmp", None)]
CLIENT_PORTS = [None, "1024-40000", "40001-50000", "39999-40002"]


# --- the oracle


@functools.cache
def within(address: str, block: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(block)


class Oracle:
    def __init__(
        self, document: Json, protocol: str, port: int | None, client_ports: tuple[int, int]
    ) -> None:
        self.document, self.protocol, self.port, self.client_ports = document, protocol, port, client_ports
        self.groups = {group["GroupId"]: group for group in document["SecurityGroups"]}
        self.interfaces = {one["NetworkInterfaceId"]: one for one in document["NetworkInterfaces"]}

    def places(self, said: str) -> list[tuple[str | None, str]]:
        """(interface or None, address)"""
        if said in self.interfaces:
            return [(said, INTERFACES[said][1])]
        if said.startswith("sg-"):
            return [(i, INTERFACES[i][1]) for i in self.interfaces if said in self._groups_of(i)]
        if said.startswith("subnet-"):
            return [(i, INTERFACES[i][1]) for i in self.interfaces if INTERFACES[i][0] == said]
        block = ipaddress.ip_network(said)
        holder = next(
            (
                i
                for i, (_, address) in INTERFACES.items()
                if block.num_addresses == 1 and address in str(block)
            ),
            None,
        )
        return [(holder, str(address)) for address in block]

    def _groups_of(self, interface: str) -> list[str]:
        return [group["GroupId"] for group in self.interfaces[interface]["Groups"]]

    def ports(self) -> Iterator[int | None]:
        if self.protocol not in ("tcp", "udp"):
            yield None
            return
        first, last = self.client_ports
        borders = {
            port for _, ports in TRAFFIC if ports and ports[0] >= 0 for port in (ports[0], ports[1] + 1)
        }
        yield from sorted({first, *(port for port in borders if first <= port <= last)})

    def outcomes(self, peer: str, target: str) -> Iterator[bool]:
        for one, address in self.places(peer):
            for other, there in self.places(target):
                if one is None or one != other:
                    assert other is not None
                    yield from (self.passes(one, address, other, there, port) for port in self.ports())

    def passes(self, peer: str | None, at: str, target: str, there: str, client: int | None) -> bool:
        request, reply = (self.protocol, self.port), (self.protocol, client)
        if self.protocol == "icmp":
            request, reply = ("icmp", (8, 0)), ("icmp", (0, 0))
        home, away = self._subnet(at), self._subnet(there)
        ok = self._group(target, "IpPermissions", at, request)
        ok = ok and (peer is None or self._group(peer, "IpPermissionsEgress", there, request))
        if home == away:
            return ok
        ok = ok and self._acl(away, False, at, request) and self._acl(away, True, at, reply)
        return ok and (
            home is None or (self._acl(home, True, there, request) and self._acl(home, False, there, reply))
        )

    def _subnet(self, address: str) -> str | None:
        inside = [i for i, cidr in SUBNETS.items() if within(address, cidr)]
        return inside[0] if inside else None

    def _group(self, interface: str, key: str, other: str, packet: Any) -> bool:
        return any(
            self._speaks(
                permission["IpProtocol"], (permission.get("FromPort"), permission.get("ToPort")), packet
            )
            and self._named(permission, other)
            for group in self._groups_of(interface)
            for permission in self.groups[group][key]
        )

    def _named(self, permission: Json, address: str) -> bool:
        blocks = [item["CidrIp"] for item in permission.get("IpRanges", ())]
        blocks += LIST if permission.get("PrefixListIds") else []
        named = [item["GroupId"] for item in permission.get("UserIdGroupPairs", ())]
        members = [a for i, (_, a) in INTERFACES.items() if set(named) & set(self._groups_of(i))]
        return address in members or any(within(address, b) for b in blocks)

    def _acl(self, subnet: str | None, egress: bool, other: str, packet: Any) -> bool:
        (acl,) = [a for a in self.document["NetworkAcls"] if a["Associations"][0]["SubnetId"] == subnet]
        names = {number: name for name, number in NUMBERS.items()}
        for entry in sorted(acl["Entries"], key=lambda one: one["RuleNumber"]):
            ports = entry.get("PortRange") or {}
            icmp = entry.get("IcmpTypeCode") or {}
            said = (ports.get("From", icmp.get("Type")), ports.get("To", icmp.get("Code")))
            if entry["Egress"] is not egress or not self._speaks(names[entry["Protocol"]], said, packet):
                continue
            if within(other, entry["CidrBlock"]):
                return bool(entry["RuleAction"] == "allow")
        return False

    @staticmethod
    def _speaks(protocol: str, said: tuple[Any, Any], packet: Any) -> bool:
        if protocol == "-1":
            return True
        if protocol != packet[0]:
            return False
        if protocol == "icmp":
            return said[0] == -1 or (said[0] == packet[1][0] and said[1] in (-1, packet[1][1]))
        return bool(said[0] <= packet[1] <= said[1])


def expected(outcomes: set[bool]) -> str:
    return {frozenset({True}): "passes", frozenset({False}): "refused"}.get(frozenset(outcomes), "partly")


# --- the laws


def asked(
    document: Json, ask: tuple[str, int | None], client_ports: str | None, peer: str, target: str
) -> Answer:
    protocol, port = ask
    ports = client_ports if port is not None else None
    words = parse_ask(protocol, None if port is None else str(port), client_ports=ports)
    return inspecting.explain(FileSide("case.json", document), words, peer, target)[0]


QUESTIONS = st.tuples(
    st.sampled_from(ASKS), st.sampled_from(CLIENT_PORTS), st.sampled_from(PEERS), st.sampled_from(TARGETS)
)


def check_verdict(document: Json, question: Any) -> None:
    ask, client_ports, peer, target = question
    first, last = (int(part) for part in (client_ports or "1024-65535").split("-"))
    oracle = Oracle(document, ask[0], ask[1], (first, last))
    outcomes = set(oracle.outcomes(peer, target))
    if not outcomes or not oracle.places(target) or not oracle.places(peer):
        return  # a group that nobody has, an interface to itself: told in tests/unit
    assert asked(document, ask, client_ports, peer, target).verdict == expected(outcomes)


def askable(document: Json, peer: str, target: str) -> bool:
    """An interface to itself is no question."""
    oracle = Oracle(document, "icmp", None, (1, 1))
    both = oracle.places(peer), oracle.places(target)
    return not all(both) or both[0] != both[1] or len(both[0]) > 1


def check_remedies(document: Json, question: Any) -> None:
    ask, client_ports, peer, target = question
    if not askable(document, peer, target):
        return
    answer = asked(document, ask, client_ports, peer, target)
    if answer.verdict not in ("refused", "partly"):
        assert not answer.remedies
        return
    mended = copy.deepcopy(document)
    for remedy in answer.remedies:
        apply(mended, remedy.resource.id, remedy.rule)
    assert answer.remedies
    assert asked(mended, ask, client_ports, peer, target).verdict == "passes"


def apply(document: Json, id_: str, rule: SecurityGroupRule | NetworkAclEntry | None) -> None:
    match rule:
        case SecurityGroupRule():
            (group,) = [group for group in document["SecurityGroups"] if group["GroupId"] == id_]
            key = "IpPermissions" if rule.direction is Direction.INGRESS else "IpPermissionsEgress"
            group[key] = [*group[key], *wire.permissions([rule])]
        case NetworkAclEntry():
            (acl,) = [acl for acl in document["NetworkAcls"] if acl["NetworkAclId"] == id_]
            assert rule.rule_number not in [
                entry["RuleNumber"]
                for entry in acl["Entries"]
                if entry["Egress"] is (rule.direction is Direction.EGRESS)
            ]
            acl["Entries"] = [*acl["Entries"], wire.entry_fields(rule)]


@settings(max_examples=250)
@given(firewalls(), QUESTIONS)
def test_the_verdict_is_that_of_brute_force(document: Json, question: Any) -> None:
    check_verdict(document, question)


@settings(max_examples=120)
@given(firewalls(), QUESTIONS)
def test_the_smallest_change_lets_it_pass(document: Json, question: Any) -> None:
    check_remedies(document, question)


@settings(max_examples=60)
@given(firewalls(), QUESTIONS)
def test_what_is_not_known_is_never_open(document: Json, question: Any) -> None:
    """Without ACLs, or without interfaces, an answer is the one of the whole document, or weaker."""
    ask, client_ports, peer, target = question
    if not askable(document, peer, target):
        return
    whole = asked(document, ask, client_ports, peer, target).verdict
    without = {key: value for key, value in document.items() if key != "NetworkAcls"}
    found = asked(without, ask, client_ports, peer, target).verdict
    assert found != "passes" or all_inside(document, peer, target)
    assert found in (whole, "unknown")


def all_inside(document: Json, peer: str, target: str) -> bool:
    """Nothing crosses the border of a subnet."""
    oracle = Oracle(document, "tcp", 1, (1, 1))
    homes = {oracle._subnet(address) for side in (peer, target) for _, address in oracle.places(side)}
    return len(homes) == 1 and bool(oracle.places(target))


@pytest.mark.soak
@settings(max_examples=5_000)
@given(firewalls(), QUESTIONS)
def test_the_verdict_is_that_of_brute_force_many_times(document: Json, question: Any) -> None:
    check_verdict(document, question)
    check_remedies(document, question)
