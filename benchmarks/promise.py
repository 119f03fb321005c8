"""What is said of the promise, counted: how often a nearer way of keeping it fails, and that ours does not.
``make bench`` runs it and writes the counts into docs/performance.md. Cases are small and seeded, so that counts
are the same on every machine; who admits what is decided packet by packet, by no code
of ours (``tests/support/promised``).
"""

import itertools
import random
from collections.abc import Iterator

import works  # noqa: F401 - finds tests/support
from measure import note, table, write

import estate_pairs as pairs  # isort: skip
import firewalls as fw  # isort: skip
import promised  # isort: skip
from twinwall.model.net import ANY_IPV4, ANY_IPV6
from twinwall.model.rules import NetworkAclEntry, SecurityGroupRule
from twinwall.model.wire import parse_entry
from twinwall.planning.acl_entries import packets_of
from twinwall.planning.promise.gapless import excess, lost
from twinwall.planning.routing import acl_paths
from twinwall.planning.routing.full_paths import crowd_path
from twinwall.planning.routing.standing import Ends, Standing, Views
from twinwall.planning.semantics import GroupRules

Rules = frozenset[SecurityGroupRule]
Entries = tuple[NetworkAclEntry, ...]
SYMBOLS = ("sg-a", "sg-b")
BLOCKS = ("10.20.1.0/24", "10.20.0.0/16", "192.0.2.7/32")
PORTS = ("tcp 1-4", "tcp 3-6", "tcp 5-8")

TEXT = """\
## The promise, counted

Random cases of a few rules that meet, seeded: the same on every machine."""


def drawn_rules(drawn: random.Random, most: int, peers: tuple[str, ...], least: int = 0) -> Rules:
    count = drawn.randint(least, most)
    every = [f"in {traffic} {peer}" for traffic in PORTS for peer in peers]
    return frozenset(fw.rule(text) for text in drawn.sample(every, min(count, len(every))))


# --- symbols

PLACES = [
    (address, frozenset(members))
    for address in promised.addresses_at([fw.rule(f"in tcp 1 {block}").peer.cidr for block in BLOCKS])
    for size in range(3)
    for members in itertools.combinations(SYMBOLS, size)
    if not members or promised.inside(promised.PRIVATE[0], address)
]
PACKETS = [(6, port, 0) for port in (1, 3, 5, 7)]


def admitted(rules: Rules) -> frozenset[tuple[object, object]]:
    return frozenset(
        (place, packet)
        for place in PLACES
        for packet in PACKETS
        if any(promised.rule_admits(rule, packet, *place, {}) for rule in rules)
    )


def symbols(cases: int) -> tuple[int, int, int]:
    """(right, unsafe cases, unsafe cases that pass where symbols are taken to be apart from addresses)."""
    drawn = random.Random(3)
    right = unsafe = passed = 0
    for _ in range(cases):
        old, new, between = (drawn_rules(drawn, 4, (*BLOCKS, *SYMBOLS)) for _ in range(3))
        gap = bool((admitted(old) & admitted(new)) - admitted(between))
        one, two, three = (GroupRules(tuple(rules)).packets for rules in (old, new, between))
        right += gap == (lost(one, two, three, lambda _: promised.PRIVATE[:1]) is not None)
        unsafe += gap
        passed += gap and not (one & two) - three
    return right, unsafe, passed


# --- full groups


def full_pairs(cases: int) -> tuple[int, int]:
    """Pairs of full groups without a gap-free order of adds and removals alone; and with changes in place."""
    drawn = random.Random(4)
    without = gaps = 0
    for _ in range(cases):
        quota = drawn.choice((2, 3, 4))
        old, new = (drawn_rules(drawn, quota, pairs.CIDRS[:5], quota) for _ in range(2))
        without += not reachable(old, new, quota)
        gaps += any(closed(now, new, later) for now, later in itertools.pairwise(states(old, new, quota)))
    return without, gaps


def closed(now: Rules, new: Rules, later: Rules) -> bool:
    one, goal, after = (GroupRules(tuple(rules)).packets for rules in (now, new, later))
    return bool((one & goal) - after) or excess(one, goal, after) is not None


def reachable(old: Rules, new: Rules, quota: int) -> bool:
    """By whole rules of both: what is tried is all there is."""
    seen, near = {old}, [old]
    while near:
        now = near.pop()
        if now == new:
            return True
        steps = [now | {rule} for rule in new - now if len(now) < quota]
        steps += [now - {rule} for rule in now if not closed(now, new, now - {rule})]
        near += [step for step in steps if step not in seen]
        seen.update(steps)
    return False


def states(old: Rules, new: Rules, quota: int) -> Iterator[Rules]:
    ends = Ends(old, new, Views(), lambda _: (ANY_IPV4, ANY_IPV6), lambda rules: len(rules) <= quota)
    rules = old
    yield rules
    for _, turn in crowd_path(Standing({"g": ends}, lambda *_: iter(()))):
        rules = turn.of(rules)
        yield rules


# --- ACLs


def drawn_entries(drawn: random.Random, count: int) -> Entries:
    texts = []
    for number in drawn.sample(range(100, 130), count):
        verdict = drawn.choice(("allow", "allow", "deny"))
        texts.append(f"in {number} {verdict} {drawn.choice(PORTS)} {drawn.choice(BLOCKS)}")
    return tuple(sorted(parse_entry(fw.entry(text)) for text in texts))


def in_front(cases: int) -> tuple[int, int, int]:
    """(paths, those with a breach, those of more than |O| + 3|N| calls or max(|O| + |N|, 2|N|) entries)."""
    drawn = random.Random(6)
    paths = breaches = odd = 0
    for _ in range(cases):
        old, new = drawn_entries(drawn, drawn.randint(1, 4)), drawn_entries(drawn, drawn.randint(1, 4))
        path = acl_paths.in_front(old, new, 20) if {*old}.isdisjoint(new) else None
        if path is None:
            continue
        paths += 1
        odd += len(path) > len(old) + 3 * len(new)
        odd += max(map(len, path)) > max(len(old) + len(new), 2 * len(new))
        goal = packets_of(new)
        breaches += any(
            not acl_paths.keeps_promise(packets_of(now), goal, packets_of(later))
            for now, later in itertools.pairwise((old, *path))
        )
    return paths, breaches, odd


def full_acls(cases: int) -> int:
    """Pairs of full ACLs of two entries for which no path of single edits is found."""
    drawn = random.Random(7)
    found = 0
    for _ in range(cases):
        old, new = drawn_entries(drawn, 2), drawn_entries(drawn, 2)
        found += old != new and acl_paths.best_path(old, new, 2) is None
    return found


def lines() -> list[str]:
    cases = 4_000
    right, unsafe, passed = symbols(cases)
    without, gaps = full_pairs(cases)
    paths, breaches, odd = in_front(cases)
    pathless = full_acls(cases)
    rows = [
        ["the check of symbols says what brute force over members says", cases, right],
        ["unsafe cases, of these", cases, unsafe],
        ["unsafe cases that a check passes which holds symbols apart from addresses", unsafe, passed],
        ["pairs of full groups with no gap-free order of whole rules", cases, without],
        ["pairs of full groups for which ours leaves a gap, with changes in place", cases, gaps],
        ["ACLs rewritten in place with room: paths that break the promise", paths, breaches],
        [
            "… that take more than &#124;O&#124; + 3&#124;N&#124; calls, or entries at once than the rule says",
            paths,
            odd,
        ],
        ["pairs of full ACLs for which no path is found", cases, pathless],
    ]
    note("the check of symbols is right", right, "cases", more_is_better=True)
    note("full groups with a gap", 1 + gaps, "cases and one")
    note("ACLs that break the promise", 1 + breaches + odd, "cases and one")
    note("full ACLs without a path", 1 + pathless, "cases and one")
    told = [[what, f"{of:,}", f"{found:,}"] for what, of, found in rows]
    return [*TEXT.splitlines(), "", *table(["", "of", "cases"], told)]


if __name__ == "__main__":
    write(__file__, lines())
