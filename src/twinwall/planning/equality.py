"""Do two rule lists admit the same packets, whoever the members of their symbols are? No set is made for it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from twinwall.model.rules import CidrPeer, PrefixListPeer, RuleAction
from twinwall.packets import traffic
from twinwall.packets.boxes import Box
from twinwall.packets.comparison import Clash, clash_of_orders, clash_of_unions
from twinwall.packets.lockstep import Entry
from twinwall.packets.traffic import LINE, Span
from twinwall.packets.witness import Packet
from twinwall.planning.semantics import AclEntries, GroupRules, entry_span, span_of

_Named = tuple[str, Span]


def clash_of_groups(left: GroupRules, right: GroupRules) -> Clash | None:
    """A packet that one side alone admits, symbols being places of their own; None if there is none."""
    ours, theirs = set[_Named](), set[_Named]()
    return clash_of_unions(_boxes(left, ours), _boxes(right, theirs)) or _clash_of_symbols(ours, theirs)


def _boxes(group: GroupRules, symbols: set[_Named]) -> Iterator[Box]:
    """The rules that speak of addresses; those that speak of symbols go into ``symbols``."""
    said, span = None, LINE
    for rule in group.rules:
        peer = rule.peer
        if rule.traffic is not said:
            said = rule.traffic
            span = span_of(said)
        if type(peer) is CidrPeer:
            yield peer.cidr, span
        elif isinstance(peer, PrefixListPeer) and peer.prefix_list_id in group.lists:
            yield from ((cidr, span) for cidr in group.lists[peer.prefix_list_id])
        else:
            symbols.add((str(peer), span))


def _clash_of_symbols(left: set[_Named], right: set[_Named]) -> Clash | None:
    if left == right:
        return None
    ours, theirs = _by_symbol(left), _by_symbol(right)
    for symbol in sorted(ours.keys() | theirs.keys()):
        here, there = ours[symbol], theirs[symbol]
        if here != there:
            lacking = traffic.difference(here, there) or traffic.difference(there, here)
            return Clash(Packet(symbol, lacking[0]), traffic.holds(here, lacking[0]))
    return None


def _by_symbol(named: Iterable[_Named]) -> defaultdict[str, traffic.Spans]:
    found = defaultdict[str, traffic.Spans](lambda: traffic.NO_TRAFFIC)
    for symbol, span in named:
        found[symbol] = traffic.union(found[symbol], span)
    return found


def clash_of_acls(left: AclEntries, right: AclEntries) -> Clash | None:
    """A packet that one side alone admits; None if there is none. Rule numbers only order the entries."""
    return clash_of_orders(_entries(left), _entries(right))


def _entries(acl: AclEntries) -> Iterator[Entry]:
    allow = RuleAction.ALLOW
    for entry in acl.ordered:
        yield entry.action is allow, entry.cidr, entry_span(entry.cidr, entry.traffic)
