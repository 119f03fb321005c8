"""Run inside a network namespace of its own: loads an nftables ruleset, sends packets to the loopback, and
tells which came through its input hook. Imports nothing but the standard library.

stdin   {"ruleset": text, "packets": [[source, protocol, first 8 bytes behind the IP header as hex], …]}
stdout  the numbers of the packets that arrived, as JSON

A raw socket gets a packet behind the input hook and before any protocol looks at it, and what goes through
the loopback is not asked where it came from: so every source, and every port, can be tried.
"""

import json
import os
import socket
import struct
import subprocess
import sys
from ipaddress import ip_address

HOME = {4: "192.0.2.1", 6: "2001:db8:ffff::1"}
FRIEND = {4: "192.0.2.2", 6: "2001:db8:ffff::2"}
"""The ruleset has to accept all from here."""
LAST = 0xFFFFFFFF
FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
IPV6_HDRINCL = 36


def main() -> None:
    asked = json.load(sys.stdin)
    for command in (
        "ip link set lo up",
        f"ip addr add {HOME[4]}/32 dev lo",
        f"ip -6 addr add {HOME[6]}/128 dev lo nodad",
    ):
        subprocess.run(command.split(), check=True)
    subprocess.run(["nft", "-f", "-"], input=asked["ruleset"], text=True, check=True)
    packets = [
        (ip_address(source), protocol, bytes.fromhex(head)) for source, protocol, head in asked["packets"]
    ]
    json.dump(sorted(passed(packets)), sys.stdout)


def passed(packets) -> set[int]:
    """Behind each packet goes one that the ruleset always accepts: when that is heard, the one before it has
    come through or never will. On one processor they cannot overtake each other."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    ears = {place: ear(*place) for place in {(source.version, protocol) for source, protocol, _ in packets}}
    mouths = {version: mouth(version) for version in FAMILIES}
    heard: set[int] = set()
    for number, (source, protocol, head) in enumerate(packets):
        version = source.version
        for place, sign in ((source, number), (ip_address(FRIEND[version]), LAST)):
            payload = head + struct.pack("!I", sign)
            mouths[version].sendto(header(place, protocol, payload), (HOME[version], 0))
        while (sign := hear(ears[version, protocol])) != LAST:
            heard.add(sign)
    return heard


def hear(one: socket.socket) -> int:
    return int(struct.unpack("!I", one.recv(2048)[-4:])[0])


def ear(version: int, protocol: int) -> socket.socket:
    made = socket.socket(FAMILIES[version], socket.SOCK_RAW, protocol)
    made.settimeout(10)
    return made


def mouth(version: int) -> socket.socket:
    made = socket.socket(FAMILIES[version], socket.SOCK_RAW, socket.IPPROTO_RAW)
    if version == 6:
        made.setsockopt(socket.IPPROTO_IPV6, IPV6_HDRINCL, 1)
    return made


def header(source, protocol: int, payload: bytes) -> bytes:
    home = ip_address(HOME[source.version])
    if source.version == 4:
        length = 20 + len(payload)
        return (
            struct.pack("!BBHHHBBH", 0x45, 0, length, 1, 0, 64, protocol, 0)
            + source.packed
            + home.packed
            + payload
        )
    if protocol == socket.IPPROTO_ICMPV6:
        pseudo = source.packed + home.packed + struct.pack("!II", len(payload), protocol)
        payload = payload[:2] + struct.pack("!H", checksum(pseudo + payload)) + payload[4:]
    return struct.pack("!IHBB", 6 << 28, len(payload), protocol, 64) + source.packed + home.packed + payload


def checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


if __name__ == "__main__":
    main()
