"""What the user calls PEER and TARGET → a ``Party``. Raises ``ConfigError`` where there is no such thing."""

import re

from twinwall.errors import ConfigError
from twinwall.model.firewall import NetworkInterface, SecurityGroup, Subnet
from twinwall.model.net import Cidr, parse_cidr
from twinwall.model.rules import CidrPeer, GroupPeer, Peer
from twinwall.planning.addresses import address_ends, address_text
from twinwall.planning.ends import (
    Kind,
    Party,
    empty_subnet_end,
    interface_ends,
    interfaces_text,
    lone_ends,
    subnet_blocks,
)
from twinwall.planning.inspected import Firewall

_ADDRESS = re.compile(r"[0-9a-fA-F]*[.:][0-9a-fA-F.:]*(/.*)?\Z|[0-9]+/[0-9]*\Z")


def party(firewall: Firewall, option: str, text: str, *, target: bool) -> Party:
    """``option`` is ``--from`` or ``--to``. Ids come before addresses, addresses before names."""
    found = _by_id(firewall, text)
    if found is None and _ADDRESS.match(text):
        found = _address_party(firewall, text, _cidr(option, text), target=target)
    if found is None:
        found = _by_name(firewall, option, text)
    if found is None:
        raise ConfigError(f"{option} {text}: {_missing(firewall, text)}")
    return found


def _by_id(firewall: Firewall, text: str) -> Party | None:
    for interface in firewall.interfaces:
        if interface.interface_id == text:
            return _interfaces_party(firewall, "interface", text, (interface,))
    own = tuple(one for one in firewall.interfaces if one.instance_id == text)
    if own:
        return _interfaces_party(firewall, "instance", text, own)
    if group := firewall.snapshot.group_by_id.get(text):
        return _group_party(firewall, text, group)
    subnet = firewall.subnets.get(text)
    return None if subnet is None else _subnet_party(firewall, text, subnet)


def _by_name(firewall: Firewall, option: str, text: str) -> Party | None:
    groups = [group for group in firewall.snapshot.groups if group.group_name == text]
    subnets = [subnet for subnet in firewall.snapshot.subnets or () if subnet.name == text]
    ids = [group.group_id for group in groups] + [subnet.subnet_id for subnet in subnets]
    if len(ids) > 1:
        raise ConfigError(f"{option} {text}: {', '.join(ids)} have this name; say which by its id")
    if groups:
        return _group_party(firewall, text, groups[0])
    return _subnet_party(firewall, text, subnets[0]) if subnets else None


def _missing(firewall: Firewall, text: str) -> str:
    if text.startswith(("eni-", "i-")):
        kind = "network interface" if text.startswith("eni-") else "instance"
        if firewall.snapshot.interfaces is None:
            return (
                f"{firewall.label} has no NetworkInterfaces, so no {kind} is known; add the answer of "
                "aws ec2 describe-network-interfaces"
            )
        return f"no such {kind} among the {len(firewall.interfaces)} network interfaces of {_place(firewall)}"
    return (
        f"no interface, instance, subnet or group of {_place(firewall)} has this id or name, "
        "and it is no address or CIDR block"
    )


def _place(firewall: Firewall) -> str:
    """A VPC that was named by its id is named once."""
    same = firewall.label == firewall.vpc_id
    return firewall.vpc_id if same else f"{firewall.vpc_id} in {firewall.label}"


def _cidr(option: str, text: str) -> Cidr:
    """A lone address is its own block here."""
    try:
        return parse_cidr(text if "/" in text else f"{text}/{128 if ':' in text else 32}")
    except ConfigError:
        raise ConfigError(
            f"{option} {text}: not an address or CIDR block such as 10.0.0.7, 10.0.0.0/16 or 2001:db8::/56"
        ) from None


# --- one kind each


def _interfaces_party(
    firewall: Firewall, kind: Kind, text: str, interfaces: tuple[NetworkInterface, ...]
) -> Party:
    ends = interface_ends(firewall, interfaces)
    named = interfaces_text(interfaces)
    told = text if text == named else f"{text}, {named}"
    addresses = [str(address).partition("/")[0] for one in interfaces for address in one.addresses]
    peers = tuple(CidrPeer(address) for one in interfaces for address in one.addresses)
    return Party(kind, text, ", ".join([told, *addresses[:3]]), ends, peers)


def _group_party(firewall: Firewall, text: str, group: SecurityGroup) -> Party:
    peers: tuple[Peer, ...] = (GroupPeer(group.group_id, group.owner_id),)
    members = firewall.members.get(group.group_id, ())
    told = f"{group.resource}, {len(members)} interface{'' if len(members) == 1 else 's'}"
    if members:
        return Party("group", text, told, interface_ends(firewall, members), peers)
    why = "nobody has it" if firewall.membership_known else f"{firewall.label} does not say who has it"
    note = (
        f"{group.resource} is judged as an interface that has it alone: {why}; further groups of an interface "
        "can only admit more"
    )
    ends = lone_ends(firewall, group)
    return Party("group", text, str(group.resource), ends, peers, every=False, notes=(note,))


def _subnet_party(firewall: Firewall, text: str, subnet: Subnet) -> Party:
    own = tuple(one for one in firewall.interfaces if one.subnet_id == subnet.subnet_id)
    peers: tuple[Peer, ...] = tuple(CidrPeer(block) for block in subnet_blocks(subnet))
    if own:
        told = f"{subnet.resource}, {len(own)} interface{'' if len(own) == 1 else 's'}"
        return Party("subnet", text, told, interface_ends(firewall, own), peers)
    return Party("subnet", text, str(subnet.resource), (empty_subnet_end(firewall, subnet),), peers)


def _address_party(firewall: Firewall, text: str, cidr: Cidr, *, target: bool) -> Party:
    holders = tuple(one for one in firewall.interfaces if cidr in one.addresses)
    if cidr.length == cidr.bits and holders:
        at_it = tuple(_only(one, cidr) for one in holders[:1])
        note = f"{text} is {interfaces_text(at_it)}"
        ends = interface_ends(firewall, at_it)
        return Party(
            "address", text, f"{text}, {interfaces_text(at_it)}", ends, (CidrPeer(cidr),), notes=(note,)
        )
    return Party(
        "address", text, address_text(cidr), address_ends(firewall, cidr, target=target), (CidrPeer(cidr),)
    )


def _only(interface: NetworkInterface, address: Cidr) -> NetworkInterface:
    return NetworkInterface(
        interface.interface_id,
        interface.vpc_id,
        interface.subnet_id,
        interface.group_ids,
        (address,),
        interface.instance_id,
        interface.owner_id,
    )
