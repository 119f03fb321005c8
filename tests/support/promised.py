"""The promise, held against what the AWS in memory really holds after every single call.

A route is walked in a random order that it allows. Then each packet out of the cells that all borders of all rules
cut the space into is followed through all states, group by group, interface by interface, subnet by subnet. Who
admits what is decided here, rule by rule, with no code of the product's algebra: an address is in turn a member of
no symbol, of one, of two.

What the promise says comes down to one sentence: the verdict on a packet changes at most once.
"""

import itertools
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from twinwall.emulator.memory import MemoryAws
from twinwall.model.net import parse_cidr
from twinwall.model.rules import CidrPeer, Direction, GroupPeer, PrefixListPeer, RuleAction
from twinwall.planning import changes as c
from twinwall.planning.order import Barrier, Route, Step
from twinwall.planning.plan import Plan

PRIVATE = (parse_cidr("10.20.0.0/16"), parse_cidr("2001:db8::/56"))
"""Of the VPC: where members of its groups are."""

DIRECTIONS = (Direction.INGRESS, Direction.EGRESS)


@dataclass
class State:
    """``lists``: id → the contents that a group may see now, one, or two while the list is in progress."""

    call: str
    groups: dict
    acls: dict
    subnets: dict
    lists: dict


@dataclass
class Walk:
    aws: MemoryAws
    account: str
    region: str
    states: list[State] = field(default_factory=list)
    ids: dict = field(default_factory=dict)
    lagging: dict = field(default_factory=dict)

    def look(self, call: str) -> None:
        held = self.aws.world.at(self.account, self.region)
        lists = {id_: [frozenset(e.cidr for e in s.value.entries or ())] for id_, s in held.lists.items()}
        for id_, old in self.lagging.items():
            lists[id_].append(old)
        self.states.append(
            State(
                call,
                {id_: frozenset(group.rules) for id_, group in held.groups.items()},
                {id_: tuple(sorted(acl.entries)) for id_, acl in held.acls.items()},
                {a.subnet_id: id_ for id_, acl in held.acls.items() for a in acl.associations},
                lists,
            )
        )

    def send(self, change: c.Change) -> None:
        resolved = c.resolve(change, self.ids)
        written = self.aws.doors(self.account, self.region).writer.carry_out(resolved)
        if change.resource.id.startswith("new:") and change.action.startswith("Create") and written.id:
            self.ids.setdefault(change.resource.id, written.id)
        if isinstance(change, c.ReplaceNetworkAclAssociation):
            self.ids[c.association_ref(change.resource.id)] = written.id


def walk(route: Route, aws: MemoryAws, account: str, region: str, source: random.Random) -> list[State]:
    """A random order that the route allows. A list is in progress from its call until, at random, later; only then
    it is done."""
    run = Walk(aws, account, region)
    run.look("before")
    done: set[int] = set()
    open_: dict[int, str] = {}
    waiting = set(range(len(route)))
    while waiting or open_:
        ready = sorted(n for n in waiting if done.issuperset(route[n].after))
        if open_ and (not ready or source.random() < 0.5):
            position, list_id = open_.popitem()
            run.lagging.pop(list_id, None)
            done.add(position)
            run.look(f"{list_id} complete")
            continue
        position = source.choice(ready)
        waiting.discard(position)
        item = route[position]
        if isinstance(item, Barrier):
            done.add(position)
            continue
        before = run.states[-1]
        run.send(item.change)
        list_id = run.ids.get(item.change.resource.id, item.change.resource.id)
        if isinstance(item.change, c.ModifyManagedPrefixList) and list_id in before.lists:
            run.lagging[list_id] = before.lists[list_id][0]
            open_[position] = list_id
        else:
            done.add(position)
        run.look(f"{position}: {item.change.action} of {item.change.resource}")
    return run.states


def one_order(plan: Plan) -> Route:
    """The plan's calls strictly one after the other."""
    return tuple(Step(change, (n - 1,) if n else ()) for n, change in enumerate(plan.changes))


# --- who admits what


def matches(traffic, packet) -> bool:
    protocol, first, last = traffic
    number, one, other = packet
    if protocol == -1:
        return True
    if protocol != number:
        return False
    if protocol in (6, 17):
        return first <= one <= last
    if protocol in (1, 58):
        return first == -1 or (first == one and last in (-1, other))
    return True


def rule_admits(rule, packet, address, members, lists) -> bool:
    if not matches(rule.traffic, packet):
        return False
    match rule.peer:
        case CidrPeer(cidr=cidr):
            return address is not None and inside(cidr, address)
        case PrefixListPeer(prefix_list_id=id_) if id_ in lists:
            return address is not None and any(inside(cidr, address) for cidr in lists[id_])
        case PrefixListPeer(prefix_list_id=id_) | GroupPeer(group_id=id_):
            return id_ in members
    raise AssertionError(rule)


def inside(cidr, address) -> bool:
    family, value = address
    return family == cidr.family and cidr.first <= value <= cidr.last


def acl_admits(entries, direction, packet, address) -> bool:
    for entry in entries:
        if entry.direction is direction and entry_matches(entry, packet) and inside(entry.cidr, address):
            return entry.action is RuleAction.ALLOW
    return False


def entry_matches(entry, packet) -> bool:
    if entry.traffic.protocol == 58 and entry.cidr.family == 4:
        return packet[0] == 58
    return matches(entry.traffic, packet)


# --- cells


def packets_at(traffics) -> list:
    """One packet of each cell of traffic."""
    found = {(50, 0, 0)}
    for protocol, first, last in traffics:
        if protocol in (6, 17):
            found |= {
                (protocol, port, 0) for port in (first - 1, first, last, last + 1) if 0 <= port <= 65535
            }
        elif protocol in (1, 58):
            kinds = (0, 8, 11) if first == -1 else (first, (first + 1) % 256)
            codes = (0, 1) if last == -1 else (last, (last + 1) % 256)
            found |= {(protocol, kind, code) for kind in kinds for code in codes}
        elif protocol != -1:
            found.add((protocol, 0, 0))
    return sorted(found)


def addresses_at(cidrs) -> list:
    found = {(4, 0xC6336409)}
    for cidr in cidrs:
        most = (1 << cidr.bits) - 1
        edges = (cidr.first - 1, cidr.first, cidr.last, cidr.last + 1)
        found |= {(cidr.family, value) for value in edges if 0 <= value <= most}
    return sorted(found)


def memberships(symbols: Iterable[str]) -> Iterator[frozenset]:
    some = sorted(symbols)
    for size in range(3):
        yield from map(frozenset, itertools.combinations(some, size))


# --- the promise


class Broken(AssertionError):
    pass


def check(states: list[State], interfaces: Iterable[frozenset], private=PRIVATE) -> None:
    """``interfaces``: the groups of each; ``private``: the VPC's blocks. Raises ``Broken``."""
    interfaces = set(map(frozenset, interfaces))
    used = frozenset().union(*interfaces) if interfaces else frozenset()
    changed = {id_ for id_ in used if len({state.groups.get(id_) for state in states}) > 1}
    changed |= {id_ for id_ in used if names_changing_list(id_, states)}
    for direction in DIRECTIONS:
        for id_ in sorted(changed):
            follow(states, (id_,), direction, private, once=True)
        for together in sorted(interfaces, key=sorted):
            if len(together) > 1 and together & changed:
                follow(states, sorted(together), direction, private, once=False)
        for subnet in sorted(states[0].subnets):
            follow_acl(states, subnet, direction)
        for acl in sorted({acl for state in states for acl in state.subnets.values()}):
            follow_acl([s for s in states if acl in s.subnets.values()], acl, direction)


def names_changing_list(group_id: str, states: list[State]) -> bool:
    named = {str(rule.peer) for state in states for rule in state.groups.get(group_id, ())}
    return any(len({tuple(map(frozenset, s.lists.get(id_, ()))) for s in states}) > 1 for id_ in named)


def seen(state: State, group_id: str) -> list:
    """What a group may see of the lists now."""
    named = {str(rule.peer) for rule in state.groups.get(group_id, ()) if str(rule.peer) in state.lists}
    readable = {id_: state.lists[id_] for id_ in named}
    return [dict(zip(readable, one, strict=True)) for one in itertools.product(*readable.values())]


def follow(states: list[State], group_ids, direction: Direction, private, *, once: bool) -> None:
    rules = {
        rule
        for s in states
        for id_ in group_ids
        for rule in s.groups.get(id_, ())
        if rule.direction is direction
    }
    named = {str(rule.peer) for rule in rules}
    cidrs = {rule.peer.cidr for rule in rules if isinstance(rule.peer, CidrPeer)}
    cidrs |= {cidr for s in states for id_ in named & s.lists.keys() for one in s.lists[id_] for cidr in one}
    listed = {id_ for s in states for id_ in s.lists}
    symbols = {str(rule.peer) for rule in rules if not isinstance(rule.peer, CidrPeer)} - listed
    views = [[(s.groups.get(id_, frozenset()), seen(s, id_)) for id_ in group_ids] for s in states]
    places = [
        (address, members)
        for address in addresses_at({*cidrs, *private})
        for members in (
            memberships(symbols) if any(inside(cidr, address) for cidr in private) else [frozenset()]
        )
    ]
    # a group's members have addresses of the VPC; whose a list's are that cannot be read, nobody knows
    places += [(None, frozenset({symbol})) for symbol in symbols if not symbol.startswith("sg-")]
    for packet in packets_at({rule.traffic for rule in rules}):
        near = [rule for rule in rules if matches(rule.traffic, packet)]
        if not near:
            continue
        for address, members in places:
            verdicts = [verdict_of(view, set(near), packet, address, members) for view in views]
            judge(verdicts, states, once, (group_ids, direction.value, packet, address, set(members)))


def verdict_of(view, near, packet, address, members) -> set:
    """Both, while a list is in progress that decides it."""
    of_each = [
        {any(rule_admits(rule, packet, address, members, lists) for rule in held & near) for lists in many}
        for held, many in view
    ]
    return {any(one) for one in itertools.product(*of_each)}


def follow_acl(states: list[State], id_: str, direction: Direction) -> None:
    entries = [s.acls[s.subnets.get(id_, id_)] for s in states]
    if len(set(entries)) == 1:
        return
    every = {entry for one in entries for entry in one if entry.direction is direction}
    for packet in packets_at({entry.traffic for entry in every}):
        for address in addresses_at({entry.cidr for entry in every}):
            verdicts = [{acl_admits(one, direction, packet, address)} for one in entries]
            judge(verdicts, states, True, (id_, direction.value, packet, address))


def judge(verdicts: list[set], states: list[State], once: bool, what) -> None:
    (first,), (last,) = verdicts[0], verdicts[-1]
    for verdict, state in zip(verdicts, states, strict=True):
        if first == last and verdict != {first}:
            raise Broken(f"{'gap' if first else 'excess'} for {what} after {state.call}")
    if once and all(len(verdict) == 1 for verdict in verdicts):
        flat = [next(iter(verdict)) for verdict in verdicts]
        if sum(one != other for one, other in itertools.pairwise(flat)) > 1:
            raise Broken(f"twice for {what}: {flat}")
