"""An address or a CIDR block as a side of ``explain``: in which subnets it lies, and what lies outside.

What stands behind an address is not looked at, unless an interface is known to have it. A packet is taken as
it comes from there; a packet that goes to such an address of the VPC meets groups that nobody knows.
"""

from collections.abc import Iterator

from twinwall.model.firewall import NetworkAcl
from twinwall.model.net import Cidr, parse_cidr
from twinwall.packets.packetset import PacketSet
from twinwall.packets.profiles import blocks_of
from twinwall.packets.traffic import ALL_TRAFFIC
from twinwall.planning.ends import End, NotAsked, Unknown, acl_at, subnet_blocks
from twinwall.planning.inspected import Firewall
from twinwall.planning.semantics import block_of

_PRIVATE = tuple(map(parse_cidr, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "::/0")))
"""Where a VPC may be whose blocks were not read."""

_OUTSIDE = NotAsked("outside of the VPC")
_NOT_LOOKED_AT = NotAsked("what has this address is not looked at")
_NOBODY_KNOWN = Unknown("no interface is known to have this address, so its groups are unknown")


def address_ends(firewall: Firewall, cidr: Cidr, *, target: bool) -> tuple[End, ...]:
    groups = _NOBODY_KNOWN if target else _NOT_LOOKED_AT
    inside = list(_inside(firewall, cidr, groups))
    rest = _without(cidr, [end.blocks[0] for end in inside])
    if not rest:
        return tuple(inside)
    text = f"the rest of {cidr}" if inside else address_text(cidr)
    acl = _acl_of_rest(firewall, cidr)
    if isinstance(acl, NotAsked):
        return (*inside, End(text, rest, _OUTSIDE, acl, entry_blocks=(cidr,)))
    return (*inside, End(text, rest, groups, acl, entry_blocks=(cidr,)))


def address_text(cidr: Cidr) -> str:
    """A single address without its prefix length."""
    return str(cidr).partition("/")[0] if cidr.length == cidr.bits else str(cidr)


def _inside(firewall: Firewall, cidr: Cidr, groups: Unknown | NotAsked) -> Iterator[End]:
    """The parts of the block that lie in subnets."""
    for subnet in sorted(firewall.subnets.values(), key=lambda one: one.subnet_id):
        for block in subnet_blocks(subnet):
            if block.overlaps(cidr):
                part = cidr if block.contains(cidr) else block
                yield End(
                    label=f"{address_text(part)} in {subnet.resource}",
                    blocks=(part,),
                    groups=groups,
                    acl=acl_at(firewall, subnet.subnet_id),
                    subnet=subnet.resource,
                    entry_blocks=(part,),
                )


def _without(cidr: Cidr, parts: list[Cidr]) -> tuple[Cidr, ...]:
    whole = PacketSet.product([block_of(cidr)], ALL_TRAFFIC)
    left = whole - PacketSet.product(map(block_of, parts), ALL_TRAFFIC)
    return tuple(Cidr(cidr.family, *block) for block in blocks_of(left.ranges(cidr.family, 0), cidr.family))


def _acl_of_rest(firewall: Firewall, cidr: Cidr) -> NetworkAcl | Unknown | NotAsked:
    """Of what no known subnet holds. Where the subnets were not read it may be in one all the same."""
    if firewall.snapshot.subnets is not None:
        return _OUTSIDE
    where = firewall.blocks or _PRIVATE
    if any(block.overlaps(cidr) for block in where):
        return Unknown(f"{firewall.label} has no subnets, so whether an ACL guards {cidr} is unknown")
    return _OUTSIDE
