"""Do two rule lists admit the same packets, whoever the members of their symbols are? No set is made for it."""

from collections import defaultdict
from collections.abc import Iterable

from twinwall.model.rules import CidrPeer, PrefixListPeer, RuleAction
from twinwall.packets import traffic
from twinwall.packets.boxes import Block
from twinwall.packets.comparison import Clash, clash_of_orders, clash_of_unions
from twinwall.packets.lockstep import Entry, Said
from twinwall.packets.traffic import LINE, Span
from twinwall.packets.witness import Packet
from twinwall.planning.semantics import AclEntries, GroupRules, entry_span, span_of

_Named = tuple[str, Span]


def clash_of_groups(left: GroupRules, right: GroupRules) -> Clash | None:
    """A packet that one side alone admits, symbols being places of their own; None if there is none."""
    ours, theirs = set[_Named](), set[_Named]()
    return clash_of_unions(_said(left, ours), _said(right, theirs)) or _clash_of_symbols(ours, theirs)


def _said(group: GroupRules, symbols: set[_Named]) -> Said:
    """The rules that speak of addresses; those that speak of symbols go into ``symbols``. Rules are sorted by
    their traffic."""
    said: dict[Span, set[Block]] = {}
    last, span, blocks = None, LINE, set[Block]()
    for rule in group.rules:
        peer = rule.peer
        if rule.traffic is not last:
            last = rule.traffic
            span = span_of(last)
            blocks = said.setdefault(span, set())
        if type(peer) is CidrPeer:
            blocks.add(peer.cidr)
        elif isinstance(peer, PrefixListPeer) and peer.prefix_list_id in group.lists:
            blocks |= set(group.lists[peer.prefix_list_id])
        else:
            symbols.add((str(peer), span))
    return said


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


def _entries(acl: AclEntries) -> list[Entry]:
    allow = RuleAction.ALLOW
    return [
        (entry.action is allow, entry.cidr, entry_span(entry.cidr, entry.traffic)) for entry in acl.ordered
    ]
