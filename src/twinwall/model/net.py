"""Protocols, ports, ICMP types and CIDRs: one spelling per value, parsed once at the border.

``ipaddress`` is kept off this path: a large estate holds hundreds of thousands of CIDRs, and
``inet_pton`` with integers is several times as fast. For the same reason values that exist in such numbers
are tuples: those are made, hashed and ordered without a line of Python.
"""

import re
from functools import lru_cache
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton
from typing import Literal, NamedTuple

from twinwall.errors import ConfigError

ALL_PROTOCOLS = -1
ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58
PORT_PROTOCOLS = frozenset({TCP, UDP})
ICMP_PROTOCOLS = frozenset({ICMP, ICMPV6})
MAX_PORT = 65535

_NAMES = {"icmp": ICMP, "tcp": TCP, "udp": UDP, "icmpv6": ICMPV6, "all": ALL_PROTOCOLS, "-1": ALL_PROTOCOLS}
_SPELLINGS = {ICMP: "icmp", TCP: "tcp", UDP: "udp", ICMPV6: "icmpv6"}


def parse_protocol(text: str | int) -> int:
    """``tcp``, ``6``, ``-1`` → the protocol's number, -1 for all (API: IpPermission.IpProtocol)."""
    spelled = str(text).strip().lower()
    if spelled in _NAMES:
        return _NAMES[spelled]
    if spelled.isascii() and spelled.isdigit() and int(spelled) <= 255:
        return int(spelled)
    raise ConfigError(f"protocol {text!r} is none of tcp, udp, icmp, icmpv6, -1 or a number from 0 to 255")


def protocol_name(number: int) -> str:
    """The spelling EC2 answers with: tcp, udp, icmp, icmpv6, -1, else the number."""
    return _SPELLINGS.get(number, str(number))


Family = Literal[4, 6]


class Cidr(NamedTuple):
    """A block of addresses, host bits zero. ``first`` is the network's address as an integer."""

    family: Family
    first: int
    length: int

    @property
    def bits(self) -> int:
        return 32 if self.family == 4 else 128

    @property
    def last(self) -> int:
        return self.first | ((1 << (self.bits - self.length)) - 1)

    def contains(self, other: "Cidr") -> bool:
        """True if every address of ``other`` lies in this block."""
        return (
            self.family == other.family
            and self.length <= other.length
            and other.first >> (self.bits - self.length) == self.first >> (self.bits - self.length)
        )

    def overlaps(self, other: "Cidr") -> bool:
        return self.contains(other) or other.contains(self)

    def __str__(self) -> str:
        return f"{format_address(self.family, self.first)}/{self.length}"


@lru_cache(maxsize=1 << 16)
def format_address(family: Family, value: int) -> str:
    """An address in EC2's spelling (IPv6 compressed, lower case)."""
    if family == 4:
        return inet_ntop(AF_INET, value.to_bytes(4, "big"))
    return inet_ntop(AF_INET6, value.to_bytes(16, "big"))


ANY_IPV4 = Cidr(4, 0, 0)
ANY_IPV6 = Cidr(6, 0, 0)

_LENGTH = re.compile(r"[0-9]{1,3}\Z")
_LENGTHS = {str(length): (length, -1 << (32 - length)) for length in range(33)}
"""IPv4's prefix lengths as they are written, with their masks."""
_new = tuple.__new__


def parse_cidr(text: str) -> Cidr:
    """``10.0.0.5/8`` → ``10.0.0.0/8``, as EC2 does (API: IpRange.CidrIp). A lone address is refused:
    EC2 asks for its /32 or /128."""
    address, _, length_text = text.partition("/")
    if length_text in _LENGTHS:
        length, mask = _LENGTHS[length_text]
        try:
            return _new(Cidr, (4, int.from_bytes(inet_pton(AF_INET, address), "big") & mask, length))
        except (OSError, ValueError):
            pass
    return _parse_cidr(text)


@lru_cache(maxsize=1 << 12)
def _parse_cidr(text: str) -> Cidr:
    """Any spelling of either family, and what is wrong with it; the way of most blocks is shorter."""
    address, slash, length_text = text.strip().partition("/")
    family: Family = 6 if ":" in address else 4
    bits = 128 if family == 6 else 32
    try:
        value = int.from_bytes(inet_pton(AF_INET6 if family == 6 else AF_INET, address), "big")
    except (OSError, ValueError):
        raise ConfigError(f"{text!r} is not a CIDR block such as 10.0.0.0/16 or 2001:db8::/56") from None
    if not slash:
        raise ConfigError(f"{text!r} has no prefix length; a single address is written {address}/{bits}")
    if not _LENGTH.match(length_text) or int(length_text) > bits:
        raise ConfigError(f"{text!r} has the prefix length {length_text!r}; allowed are 0 to {bits}")
    length = int(length_text)
    return Cidr(family, value >> (bits - length) << (bits - length), length)
