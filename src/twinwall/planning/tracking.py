"""Which flows a security group leaves untracked: AWS's words, "Security group connection tracking".

TCP and UDP that a rule admits from (or to) everywhere, if a rule of the other direction lets all answers through:
such a flow is judged packet by packet. Every other admitted flow is tracked, and lives on when its rule goes.
"""

from twinwall.model.firewall import SecurityGroup
from twinwall.model.net import ANY_IPV4, ANY_IPV6, Cidr
from twinwall.model.rules import CidrPeer, Direction
from twinwall.packets import traffic
from twinwall.packets.packetset import PacketSet
from twinwall.packets.traffic import NO_TRAFFIC, Spans, protocol_span
from twinwall.planning.semantics import block_of, span_of

_UNTRACKED = (6, 17)
"""tcp, udp"""


def untracked(group: SecurityGroup | None, direction: Direction) -> PacketSet:
    packets = PacketSet()
    if group is None:
        return packets
    other = Direction.EGRESS if direction is Direction.INGRESS else Direction.INGRESS
    for anywhere in (ANY_IPV4, ANY_IPV6):
        open_ = _everywhere(group, direction, anywhere)
        answers = _everywhere(group, other, anywhere) if open_ else NO_TRAFFIC
        for protocol in _UNTRACKED:
            whole: Spans = protocol_span(protocol)
            if not traffic.difference(whole, answers):
                packets |= PacketSet.product([block_of(anywhere)], traffic.intersection(open_, whole))
    return packets


def _everywhere(group: SecurityGroup, direction: Direction, anywhere: Cidr) -> Spans:
    peer = CidrPeer(anywhere)
    return traffic.union_of(span_of(rule.traffic) for rule in group.rules_of(direction) if rule.peer == peer)
