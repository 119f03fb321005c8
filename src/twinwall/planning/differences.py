"""Gaps between two rule lists → what the report says of them: a flow, and the rules that decide it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from twinwall.model.firewall import Resource
from twinwall.model.net import ALL_PROTOCOLS
from twinwall.model.rules import Direction, Traffic
from twinwall.packets.witness import Packet
from twinwall.planning.compare import Gap, Witness, condition, gap_between, witnesses
from twinwall.planning.findings import NotCompared
from twinwall.planning.flows import Flow, flow_of, peer_text
from twinwall.planning.pairing import Pair
from twinwall.planning.proof import DecidedBy, Difference, Outcome, Side, Undecided, merged
from twinwall.planning.semantics import RuleList

MAX_WITNESSES = 10
"""Differences told per resource, direction and side; the report names the resources that have more."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is compared, and what its flows come to or leave."""

    pair: Pair
    resource: Resource
    direction: Direction | None
    guarded: Resource | None

    def flow(self, packet: Packet) -> Flow:
        if self.direction is None:
            peer = peer_text(packet.place, self.pair.symbol_text)
            return Flow(None, Traffic(ALL_PROTOCOLS), peer, None)
        return flow_of(packet, self.direction, self.guarded, self.pair.symbol_text)

    def difference(self, packet: Packet, only_in: Side, own: str, other: str) -> Difference:
        decided_by = _decided_by(only_in, own, other)
        return Difference(self.resource, self.direction, only_in, self.flow(packet), decided_by)

    def undecided(self, witness: Witness, other: RuleList) -> Undecided:
        members, text = self.pair.members, self.pair.symbol_text
        unless = condition(witness, other.packets, members, text)
        return Undecided(self.resource, self.direction, self.flow(witness.packet), unless)


def compared(subject: Subject, wanted: RuleList, found: RuleList) -> Outcome:
    members = subject.pair.members
    ours = gap_between(wanted.packets, found.packets, members)
    theirs = gap_between(found.packets, wanted.packets, members)
    return merged(
        [_told(subject, ours, "source", wanted, found), _told(subject, theirs, "target", found, wanted)]
    )


def _told(subject: Subject, gap: Gap, only_in: Side, own: RuleList, other: RuleList) -> Outcome:
    """A rule that makes a difference is not told as undecided too."""
    surely, more_surely = _first(witnesses(gap.surely, own))
    perhaps = gap.perhaps
    for witness in surely:
        perhaps -= witness.decision.region
    open_, more_open = _first(witnesses(perhaps, own))
    return Outcome(
        differences=tuple(
            subject.difference(w.packet, only_in, w.decision.rule, other.decision(w.packet).rule)
            for w in surely
        ),
        undecided=tuple(subject.undecided(w, other) for w in open_),
        truncated=(subject.resource,) if more_surely or more_open else (),
    )


def _first(found: Iterator[Witness]) -> tuple[list[Witness], bool]:
    """The witnesses to tell, and whether there are more."""
    return list(islice(found, MAX_WITNESSES)), next(found, None) is not None


_ABSENCE = {
    "security-group": "there is no such security group",
    "network-acl": "there is no such network ACL",
    "prefix-list": "there is no such prefix list",
}


def on_one_side(resource: Resource, sides: Iterable[tuple[Subject, RuleList]], only_in: Side) -> Outcome:
    """A thing that the other side lacks: one witness for each direction in which it admits something; if
    there is none, a difference without a flow."""
    absence = _ABSENCE[resource.type]
    differences = tuple(
        subject.difference(packet, only_in, rules.decision(packet).rule, absence)
        for subject, rules in sides
        if (packet := rules.packets.witness())
    )
    if differences:
        return Outcome(differences)
    decided_by = _decided_by(only_in, "it is there and admits nothing", absence)
    return Outcome((Difference(resource, None, only_in, None, decided_by),))


def _decided_by(only_in: Side, own: str, other: str) -> DecidedBy:
    return DecidedBy(own, other) if only_in == "source" else DecidedBy(other, own)


def unread(resource: Resource, why: str) -> Outcome:
    return Outcome(not_compared=(NotCompared(resource, why),))
