"""PEER and TARGET of ``explain`` → the places in the network that they mean.

    said                        is
    --------------------------  ---------------------------------------------------------------------------
    interface, instance         its interfaces: their addresses, groups, subnets
    group                       its members; where nobody is known to be one, an interface with this group
                                alone, in any of the VPC's subnets
    subnet                      its interfaces; where none is known, any address of it, behind unknown groups
    address, CIDR block         the interface that has the address; else the address in the subnet that holds
                                it, else outside of the VPC; what is behind it is not looked at

Interfaces with the same groups in the same subnet are one ``End``: every packet meets the same rules there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from twinwall.model.firewall import NetworkAcl, NetworkInterface, Resource, SecurityGroup, Subnet
from twinwall.model.net import ANY_IPV4, ANY_IPV6, Cidr, Family
from twinwall.model.rules import Peer
from twinwall.planning.inspected import Firewall

SHOWN = 3


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something guards this place, and what it admits cannot be told."""

    why: str


@dataclass(frozen=True, slots=True)
class NotAsked:
    """Nothing guards this place, or nothing that this firewall holds."""

    why: str


@dataclass(frozen=True)
class Groups:
    """The groups of an interface. ``missing``: those whose rules were not read."""

    known: tuple[SecurityGroup, ...]
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class End:
    """One kind of place. ``member_of``: the groups it is a member of; None where its address tells.
    ``somewhere``: it is at one of ``blocks``'s addresses, and nobody knows at which; else at all of them.
    ``entry_blocks``: how an ACL's entry would name it, shortly. ``single``: one known interface."""

    label: str
    blocks: tuple[Cidr, ...]
    groups: Groups | Unknown | NotAsked
    acl: NetworkAcl | Unknown | NotAsked
    subnet: Resource | None = None
    member_of: frozenset[str] | None = None
    somewhere: bool = False
    entry_blocks: tuple[Cidr, ...] = ()
    single: bool = False

    def of_family(self, family: Family) -> tuple[Cidr, ...]:
        return tuple(block for block in self.blocks if block.family == family)


Kind = Literal["interface", "instance", "subnet", "group", "address"]


@dataclass(frozen=True)
class Party:
    """One side of the question. ``every``: all of ``ends`` are meant; else one of them, and nobody knows
    which. ``peers``: how a group's rule would name it."""

    kind: Kind
    asked: str
    text: str
    ends: tuple[End, ...]
    peers: tuple[Peer, ...] = ()
    every: bool = True
    notes: tuple[str, ...] = ()

    @property
    def families(self) -> frozenset[Family]:
        return frozenset(block.family for end in self.ends for block in end.blocks)

    @property
    def outside(self) -> bool:
        """No part of it lies in the VPC."""
        return all(isinstance(end.acl, NotAsked) and end.subnet is None for end in self.ends)


def interface_ends(firewall: Firewall, interfaces: Iterable[NetworkInterface]) -> tuple[End, ...]:
    classes: dict[tuple[str, tuple[str, ...]], list[NetworkInterface]] = {}
    for interface in interfaces:
        classes.setdefault((interface.subnet_id, interface.group_ids), []).append(interface)
    return tuple(_class_end(firewall, alike) for _, alike in sorted(classes.items()))


def _class_end(firewall: Firewall, alike: Sequence[NetworkInterface]) -> End:
    first = alike[0]
    addresses = tuple(sorted({address for one in alike for address in one.addresses}))
    subnet = firewall.subnets.get(first.subnet_id)
    known = tuple(
        firewall.snapshot.group_by_id[g] for g in first.group_ids if g in firewall.snapshot.group_by_id
    )
    missing = tuple(g for g in first.group_ids if g not in firewall.snapshot.group_by_id)
    return End(
        label=interfaces_text(alike),
        blocks=addresses,
        groups=Groups(known, missing),
        acl=acl_at(firewall, first.subnet_id),
        subnet=Resource("subnet", first.subnet_id, subnet.name if subnet else "")
        if first.subnet_id
        else None,
        member_of=frozenset(first.group_ids),
        entry_blocks=_short(addresses, subnet),
        single=len(alike) == 1,
    )


def interfaces_text(interfaces: Sequence[NetworkInterface]) -> str:
    shown = ", ".join(interface.interface_id for interface in interfaces[:SHOWN])
    return f"{shown} and {len(interfaces) - SHOWN} more" if len(interfaces) > SHOWN else shown


def _short(addresses: tuple[Cidr, ...], subnet: Subnet | None) -> tuple[Cidr, ...]:
    """The addresses; many of them by the subnet's blocks instead."""
    if len(addresses) <= SHOWN or subnet is None:
        return addresses
    blocks = subnet_blocks(subnet)
    held = all(any(block.contains(address) for block in blocks) for address in addresses)
    return blocks if held else addresses


def subnet_blocks(subnet: Subnet) -> tuple[Cidr, ...]:
    return (*((subnet.cidr,) if subnet.cidr else ()), *subnet.ipv6_cidrs)


def acl_at(firewall: Firewall, subnet_id: str) -> NetworkAcl | Unknown:
    if firewall.snapshot.acls is None:
        return Unknown(f"{firewall.label} has no network ACLs, so what they admit is unknown")
    acl = firewall.acl_of_subnet.get(subnet_id)
    if acl is None:
        return Unknown(f"no network ACL of {firewall.label} says that it guards {subnet_id or 'its subnet'}")
    return acl


# --- where no interface tells


def lone_ends(firewall: Firewall, group: SecurityGroup) -> tuple[End, ...]:
    """An interface with this group alone, in each subnet that it can be in."""
    subnets = sorted(firewall.subnets.values(), key=lambda subnet: subnet.subnet_id)
    if not subnets:
        why = Unknown("which subnet it is in is not known")
        return (
            _lone_end(firewall, group, None, acl_at(firewall, "") if firewall.snapshot.acls is None else why),
        )
    return tuple(_lone_end(firewall, group, one, acl_at(firewall, one.subnet_id)) for one in subnets)


def _lone_end(
    firewall: Firewall, group: SecurityGroup, subnet: Subnet | None, acl: NetworkAcl | Unknown
) -> End:
    blocks = (subnet_blocks(subnet) if subnet else ()) or firewall.blocks or (ANY_IPV4, ANY_IPV6)
    where = f" in {subnet.resource}" if subnet else ""
    return End(
        label=f"an interface with {group.resource}{where}",
        blocks=blocks,
        groups=Groups((group,)),
        acl=acl,
        subnet=subnet.resource if subnet else None,
        member_of=frozenset({group.group_id}),
        somewhere=True,
        entry_blocks=blocks,
    )


def empty_subnet_end(firewall: Firewall, subnet: Subnet) -> End:
    blocks = subnet_blocks(subnet) or firewall.blocks or (ANY_IPV4, ANY_IPV6)
    told = firewall.membership_known
    why = "no interface is in it now" if told else f"{firewall.label} does not say which interfaces are in it"
    return End(
        label=f"an address of {subnet.resource}",
        blocks=blocks,
        groups=Unknown(f"{why}, so the groups are unknown"),
        acl=acl_at(firewall, subnet.subnet_id),
        subnet=subnet.resource,
        somewhere=True,
        entry_blocks=blocks,
    )
