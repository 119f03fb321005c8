"""Rules: what a security group admits, and the ordered entries of a network ACL.

The two are different things and never share a name: a group's rules are stateful, unordered and only
allow; an ACL's entries are stateless, ordered and allow or deny.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple

from twinwall.errors import ConfigError
from twinwall.model.net import (
    ALL_PROTOCOLS,
    ICMP_PROTOCOLS,
    MAX_PORT,
    PORT_PROTOCOLS,
    Cidr,
    protocol_name,
)

Tags = tuple[tuple[str, str], ...]
"""Sorted (key, value) pairs."""


class Direction(Enum):
    INGRESS = "ingress"
    EGRESS = "egress"

    __hash__ = object.__hash__  # an enum's own is slower, and every rule hashes its direction

    def __lt__(self, other: "Direction") -> bool:
        return self.value > other.value  # ingress before egress, as EC2 lists them


class RuleAction(Enum):
    ALLOW = "allow"
    DENY = "deny"


class Traffic(NamedTuple):
    """Protocol and, where it has them, ports or ICMP type and code.

    ``first``, ``last`` are the ports of tcp and udp (0 to 65535), type and code of ICMP and ICMPv6 (-1 =
    all), and None for every other protocol, whose ports EC2 ignores (API: IpPermission.IpProtocol).
    """

    protocol: int
    first: int | None = None
    last: int | None = None

    def __str__(self) -> str:
        name = "all" if self.protocol == ALL_PROTOCOLS else protocol_name(self.protocol)
        if self.first is None:
            return f"protocol {name}" if name.isdigit() else name
        if self.protocol in ICMP_PROTOCOLS:
            return (
                name if self.first == -1 else f"{name}/{self.first}:{'*' if self.last == -1 else self.last}"
            )
        if (self.first, self.last) == (0, MAX_PORT):
            return name
        return f"{name}/{self.first}" if self.first == self.last else f"{name}/{self.first}-{self.last}"


def make_traffic(protocol: int, first: int | None, last: int | None) -> Traffic:
    """The one spelling of (protocol, ports): what EC2 ignores is dropped, what it fills in is filled in.

    Raises ``ConfigError`` for ports upside down or out of range, and for an ICMP code without a type.
    """
    if protocol in PORT_PROTOCOLS:
        if (first is None and last is None) or (first, last) == (-1, -1):
            first, last = 0, MAX_PORT
        if first is None or last is None or not 0 <= first <= last <= MAX_PORT:
            raise ConfigError(
                f"{protocol_name(protocol)} ports {first} to {last}: allowed are 0 to {MAX_PORT}, the lower first"
            )
        return Traffic(protocol, first, last)
    if protocol in ICMP_PROTOCOLS:
        kind, code = -1 if first is None else first, -1 if last is None else last
        if not (-1 <= kind <= 255 and -1 <= code <= 255) or (kind == -1 and code != -1):
            raise ConfigError(
                f"{protocol_name(protocol)} type {kind} code {code}: allowed are 0 to 255 or -1 for all, "
                "and all types only with all codes"
            )
        return Traffic(protocol, kind, code)
    return Traffic(protocol)


class CidrPeer(NamedTuple):
    cidr: Cidr

    def __str__(self) -> str:
        return str(self.cidr)


@dataclass(frozen=True, slots=True, order=True)
class PrefixListPeer:
    prefix_list_id: str

    def __str__(self) -> str:
        return self.prefix_list_id


@dataclass(frozen=True, slots=True, order=True)
class GroupPeer:
    """A referenced group. Only the id (and, for groups of AWS's own such as ``amazon-elb``, nothing else)
    is identity; the rest is what EC2 knows of it (API: UserIdGroupPair)."""

    group_id: str
    user_id: str = field(default="", compare=False)
    vpc_id: str = field(default="", compare=False)
    peering_connection_id: str = field(default="", compare=False)
    peering_status: str = field(default="", compare=False)
    group_name: str = field(default="", compare=False)

    def __str__(self) -> str:
        return self.group_id


Peer = CidrPeer | PrefixListPeer | GroupPeer
"""The other side of a rule."""

_PEER_ORDER = {CidrPeer: 0, PrefixListPeer: 1, GroupPeer: 2}


@dataclass(frozen=True, slots=True, init=False)
class SecurityGroupRule:
    """One direction, one traffic, one peer: that is its identity and its equality. Description, tags and
    rule id are not (``aws-facts``: EC2 refuses a second rule that differs in its description only)."""

    direction: Direction
    traffic: Traffic
    peer: Peer
    description: str = field(default="", compare=False)
    tags: Tags = field(default=(), compare=False)
    rule_id: str = field(default="", compare=False)

    def __init__(
        self,
        direction: Direction,
        traffic: Traffic,
        peer: Peer,
        description: str = "",
        tags: Tags = (),
        rule_id: str = "",
    ) -> None:
        """As the generated one, which takes twice the time: it looks each slot up by name."""
        _set_direction(self, direction)
        _set_traffic(self, traffic)
        _set_peer(self, peer)
        _set_description(self, description)
        _set_tags(self, tags)
        _set_rule_id(self, rule_id)

    @property
    def sort_key(self) -> tuple[Any, ...]:
        protocol, first, last = self.traffic
        return (
            self.direction is Direction.EGRESS,
            protocol,
            -1 if first is None else first,
            -1 if last is None else last,
            *self.peer_key,
        )

    @property
    def peer_key(self) -> tuple[Any, ...]:
        """``sort_key`` among rules of one direction and traffic."""
        peer = self.peer
        return _PEER_ORDER[type(peer)], peer.cidr if isinstance(peer, CidrPeer) else str(peer)

    def __lt__(self, other: "SecurityGroupRule") -> bool:
        return self.sort_key < other.sort_key

    def __str__(self) -> str:
        way = "from" if self.direction is Direction.INGRESS else "to"
        return f"{self.direction.value} {self.traffic} {way} {self.peer}"


_set_direction, _set_traffic, _set_peer, _set_description, _set_tags, _set_rule_id = (
    getattr(SecurityGroupRule, name).__set__ for name in SecurityGroupRule.__slots__
)

MAX_RULE_NUMBER = 32766
"""Numbers above are EC2's own: the final denies 32767 (IPv4) and 32768 (IPv6)."""


@dataclass(frozen=True, slots=True)
class NetworkAclEntry:
    """One entry. Its key in the ACL is (direction, rule_number); IPv4 and IPv6 share the numbers."""

    direction: Direction
    rule_number: int
    action: RuleAction
    traffic: Traffic
    cidr: Cidr

    @property
    def key(self) -> tuple[Direction, int]:
        return self.direction, self.rule_number

    def __lt__(self, other: "NetworkAclEntry") -> bool:
        return self.key < other.key

    def __str__(self) -> str:
        way = "from" if self.direction is Direction.INGRESS else "to"
        return (
            f"{self.direction.value} {self.rule_number} {self.action.value} {self.traffic} {way} {self.cidr}"
        )
