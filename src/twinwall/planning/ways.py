"""The way of one packet from one place to another, and of what comes back.

    request   out through PEER's groups · out through PEER's subnet's ACL
              in through TARGET's subnet's ACL · in through TARGET's groups
    reply     TARGET's groups: stateful, not asked · out through TARGET's subnet's ACL
              in through PEER's subnet's ACL · PEER's groups: stateful, not asked

What PEER's guards say hangs on TARGET's address, and the other way round. So a way is two sets: for each of
PEER's addresses the replies that TARGET's guards leave it, and for each of TARGET's those that PEER's do.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from twinwall.model.firewall import Subnet
from twinwall.model.net import Cidr, Family, parse_cidr
from twinwall.model.rules import Direction
from twinwall.packets.packetset import PacketSet
from twinwall.packets.profiles import spans_at
from twinwall.packets.traffic import intersection
from twinwall.packets.witness import Address
from twinwall.planning.asking import Ask
from twinwall.planning.ends import End
from twinwall.planning.inspected import Firewall
from twinwall.planning.passage import unfiltered
from twinwall.planning.steps import Space, Step, Verdict, acl_step, free_step, groups_step

IN, OUT = Direction.INGRESS, Direction.EGRESS

_LINK_DNS = tuple(map(parse_cidr, ("169.254.169.253/32", "fd00:ec2::253/128")))
"""Amazon DNS on the instance's link (aws-facts 2); its other address is the VPC's second."""


@dataclass(frozen=True)
class Way:
    """Between two ends, over one family. ``steps`` in the order in which the packets meet them."""

    peer: End
    target: End
    family: Family
    steps: tuple[Step, ...]
    at_peer: Space
    at_target: Space

    def _left(self, place: End, space: Space, *, sure: bool) -> PacketSet:
        left = space.packets
        for step in self.steps:
            if step.place is place:
                left &= step.sure if sure else step.possible
        return left

    @cached_property
    def _peers(self) -> tuple[PacketSet, PacketSet]:
        """(sure, possible) replies for each of PEER's addresses: what TARGET's guards leave."""
        return self._left(self.target, self.at_peer, sure=True), self._left(
            self.target, self.at_peer, sure=False
        )

    @cached_property
    def _targets(self) -> tuple[PacketSet, PacketSet]:
        return self._left(self.peer, self.at_target, sure=True), self._left(
            self.peer, self.at_target, sure=False
        )

    @cached_property
    def verdict(self) -> Verdict:
        exact = self._exact()
        if exact != "partly":
            return exact
        unsure = self.peer.somewhere and not _uniform(self.at_peer, self._peers)
        unsure = unsure or (self.target.somewhere and not _uniform(self.at_target, self._targets))
        return "unknown" if unsure else "partly"

    def _exact(self) -> Verdict:
        """As if all addresses of both ends were meant."""
        (peers, peers_perhaps), (targets, targets_perhaps) = self._peers, self._targets
        whole_peer, whole_target = self.at_peer.packets, self.at_target.packets
        if whole_peer <= peers and whole_target <= targets:
            return "passes"
        if not self._meet(peers_perhaps, targets_perhaps):
            return "refused"
        fails = bool(whole_peer - peers_perhaps or whole_target - targets_perhaps)
        return "partly" if fails and self._meet(peers, targets) else "unknown"

    def _meet(self, left: PacketSet, right: PacketSet) -> bool:
        """Whether an address of the one and another of the other have traffic in common."""
        ours, theirs = left.profile(self.family), right.profile(self.family)
        if not self._same_interfaces:
            return any(
                intersection(one, other)
                for one in {spans for _, spans in ours}
                for other in {spans for _, spans in theirs}
            )
        addresses = [block.first for block in self.at_peer.blocks]
        return any(
            intersection(spans_at(ours, one), spans_at(theirs, other))
            for one in addresses
            for other in addresses
            if one != other
        )

    @property
    def _same_interfaces(self) -> bool:
        """The interfaces of one group among each other: none of them sends itself anything."""
        known = self.peer.member_of is not None and not self.peer.somewhere
        return known and self.peer.label == self.target.label and self.peer.blocks == self.target.blocks

    @cached_property
    def replies(self) -> Verdict:
        """Of the replies alone, whatever becomes of the request."""
        legs = [step for step in self.steps if step.leg == "reply"]
        verdicts = {step.verdict for step in legs}
        if verdicts == {"passes"}:
            return "passes"
        peers = _through(legs, self.target, self.at_peer)
        targets = _through(legs, self.peer, self.at_target)
        if not self._meet(peers[1], targets[1]):
            return "refused"
        return "partly" if "partly" in verdicts else "unknown"


def _through(steps: list[Step], place: End, space: Space) -> tuple[PacketSet, PacketSet]:
    sure = possible = space.packets
    for step in steps:
        if step.place is place:
            sure, possible = sure & step.sure, possible & step.possible
    return sure, possible


def _uniform(space: Space, left: tuple[PacketSet, PacketSet]) -> bool:
    """Whether every address of the space fares alike."""
    sure, possible = left
    return (
        sure
        == possible
        == PacketSet.product(((b.family, b.first, b.length) for b in space.blocks), sure.traffic)
    )


def make_way(firewall: Firewall, ask: Ask, peer: End, target: End, family: Family) -> Way:
    at_peer = Space(family, peer.of_family(family), ask.carrier)
    at_target = Space(family, target.of_family(family), ask.carrier)
    steps = tuple(_steps(firewall, ask, peer, target, at_peer, at_target))
    return Way(peer, target, family, steps, at_peer, at_target)


def _steps(
    firewall: Firewall, ask: Ask, peer: End, target: End, at_peer: Space, at_target: Space
) -> Iterator[Step]:
    family = at_peer.family
    from_peer, to_target = Space(family, at_peer.blocks, ask.span), Space(family, at_target.blocks, ask.span)
    exempt = _exempt(firewall, peer, target, family)
    if _is_dns(firewall, peer, at_target.blocks):
        yield free_step("request", "groups", OUT, peer, at_target.packets, "groups cannot block Amazon DNS")
    else:
        yield groups_step(firewall, peer, target, OUT, to_target, ask.carrier)
    yield acl_step("request", peer, OUT, to_target, ask.carrier, exempt)
    yield acl_step("request", target, IN, from_peer, ask.carrier, exempt)
    yield groups_step(firewall, target, peer, IN, from_peer, ask.carrier)
    yield from _reply_steps(ask, peer, target, at_peer, at_target, exempt)


def _reply_steps(
    ask: Ask, peer: End, target: End, at_peer: Space, at_target: Space, exempt: str
) -> Iterator[Step]:
    if not ask.answered:
        exempt = f"nothing answers {ask.request}"
    stateful = "stateful: what answers an admitted packet passes"
    yield free_step("reply", "groups", OUT, target, at_peer.packets, stateful)
    yield acl_step("reply", target, OUT, at_peer, ask.carrier, exempt)
    yield acl_step("reply", peer, IN, at_target, ask.carrier, exempt)
    yield free_step("reply", "groups", IN, peer, at_target.packets, stateful)


def _exempt(firewall: Firewall, peer: End, target: End, family: Family) -> str:
    """Why no ACL is asked, empty where one is."""
    if peer.subnet is not None and target.subnet is not None and peer.subnet.id == target.subnet.id:
        return f"inside {target.subnet}: no ACL is asked"
    for place, other in ((peer, target), (target, peer)):
        reason = _service(firewall, place, other.of_family(family))
        if reason:
            return f"{reason}: no ACL is asked"
    return ""


def _service(firewall: Firewall, place: End, blocks: tuple[Cidr, ...]) -> str:
    """Whose address it is, where it is one that no ACL filters."""
    single = blocks[0] if len(blocks) == 1 and blocks[0].length == blocks[0].bits else None
    if single is None or place.subnet is None:
        return ""
    subnet = firewall.subnets.get(place.subnet.id, Subnet(place.subnet.id, "", "", "", None))
    vpc = firewall.snapshot.vpc_by_id.get(firewall.vpc_id)
    return unfiltered(Address(single.family, single.first), subnet, vpc) or ""


def _is_dns(firewall: Firewall, place: End, blocks: tuple[Cidr, ...]) -> bool:
    return blocks[:1] in [(one,) for one in _LINK_DNS] or _service(firewall, place, blocks) == "Amazon DNS"
