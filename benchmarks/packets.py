"""How fast "do both admit the same packets?" is answered, beside z3 and CUDD. ``make bench`` runs it and
writes the figures into docs/performance.md.

Every figure is the median of seven rounds, in processor time (all of this is single-threaded and waits for
nothing, and the machine may be shared); a round measures all rivals one after the other on rules of its
own seed, so that neither a busy moment nor a cache of ours favours anybody. Groups and ACLs are parsed
before the clock starts, unless it says "text". What is compared is equal, and every answer is checked.
"""

import argparse
import ipaddress
import json
import platform
import statistics
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from typing import Any

import msgspec

import material
import rivals
from measure import ROUNDS, child, interleaved, milliseconds, note, shown, table, write, yardstick
from twinwall.model.firewall import SecurityGroup
from twinwall.model.net import parse_cidr, parse_protocol
from twinwall.model.rules import Direction, NetworkAclEntry, make_traffic
from twinwall.model.wire import group_document, parse_group
from twinwall.packets.boxes import Block
from twinwall.packets.comparison import clash_of_unions
from twinwall.packets.traffic import Span
from twinwall.planning.equality import clash_of_acls, clash_of_groups
from twinwall.planning.semantics import AclEntries, GroupRules, span_of

Rules = Sequence[Any]
Answer = Callable[[Rules, Rules], bool]


def ours(left: Rules, right: Rules) -> bool:
    if isinstance(left[0], NetworkAclEntry):
        return clash_of_acls(AclEntries(tuple(left)), AclEntries(tuple(right))) is None
    return clash_of_groups(GroupRules(tuple(left)), GroupRules(tuple(right))) is None


# --- beside z3 and CUDD

RIVALS: dict[str, Answer] = {
    "z3": rivals.z3_equal,
    "CUDD": rivals.cudd_equal,
    "CUDD, tuned": rivals.cudd_equal_tuned,
}


def pairs(make: Any, size: int, rounds: int, every: bool) -> Iterator[tuple[Rules, Rules]]:
    for seed in range(rounds):
        rules = make(size, 100 * size + seed)
        yield rules, material.rewritten(rules, seed, every)


def compared(name: str, make: Any, size: int, *, every: bool = False) -> list[str]:
    methods = [ours, *RIVALS.values()]
    medians = interleaved(
        [lambda m=method, a=left, b=right: m(a, b) for method in methods]
        for left, right in pairs(make, size, ROUNDS, every)
    )
    own = medians[0]
    name += ", every rule rewritten" if every else ""
    note(name, own, "ms", beside=yardstick())
    ratios = [f"{shown(rival)} ({rival / own:,.0f}×)" for rival in medians[1:]]
    return [name, shown(own), *ratios]


def beside_rivals() -> list[str]:
    sizes = (60, 1_000, 10_000)
    rows = [compared(f"two groups of {size:,}", material.group_rules, size) for size in sizes]
    rows += [compared(f"two ACLs of {size:,}", material.acl_entries, size) for size in (40, 1_000)]
    rows += [compared("two groups of 1,000", material.group_rules, 1_000, every=True)]
    rows += [compared("two ACLs of 1,000", material.acl_entries, 1_000, every=True)]
    return table(["ms", "Twinwall", *RIVALS], rows)


# --- from text


def from_text() -> list[str]:
    """Both ways from text: the blocks and the traffic alone, and the rules that plans are made of."""

    def rounds() -> Iterator[Sequence[Callable[[], bool]]]:
        for left, right in pairs(material.group_rules, 10_000, ROUNDS, every=False):
            texts = [described(left), described(right)]
            cidrs = [str(rule.peer.cidr) for rule in (*left, *right)]
            yield (
                lambda texts=texts: clash_of_unions(*map(blocks_in, texts)) is None,
                lambda texts=texts: clash_of_groups(*map(rules_in, texts)) is None,
                lambda cidrs=cidrs: bool([ipaddress.ip_network(cidr) for cidr in cidrs]),
            )

    blocks, rules, rival = interleaved(rounds())
    note("from text, by blocks", blocks, "ms", beside=rival)
    note("from text, by rules", rules, "ms", beside=rival)
    row = ["10,000 against 10,000 rules, JSON text to the verdict", *map(shown, (blocks, rules, rival))]
    row[1] += f" ({blocks / rival:.2f})"
    row[2] += f" ({rules / rival:.2f})"
    return table(["ms", "by blocks", "by rules of the model", "`ipaddress.ip_network` on their CIDRs"], [row])


def described(rules: Rules) -> str:
    """In EC2's grouped shape."""
    group = SecurityGroup("sg-1", "web", "web", "1" * 12, "vpc-1", tuple(dict.fromkeys(rules)))
    return json.dumps(group_document(group))


def blocks_in(text: str) -> dict[Span, set[Block]]:
    said: dict[Span, set[Block]] = {}
    for item in msgspec.json.decode(text)["IpPermissions"]:
        span = span_of(make_traffic(parse_protocol(item["IpProtocol"]), item["FromPort"], item["ToPort"]))
        said.setdefault(span, set()).update(parse_cidr(block["CidrIp"]) for block in item["IpRanges"])
    return said


def rules_in(text: str) -> GroupRules:
    return GroupRules(parse_group(msgspec.json.decode(text)).rules_of(Direction.INGRESS))


# --- curves


def curves() -> list[str]:
    rows = []
    for size in (1_000, 3_000, 10_000, 30_000, 100_000):
        rows.append([f"{size:,}"])
        for borders in (1_000, size):
            for every in ("", "every"):
                measured = child(__file__, "curve", size, borders, every)
                rows[-1].append(f"{shown(measured['ms'])} ms, {shown(measured['mb'])} MB")
    names = (
        f"{borders}{what}" for borders in ("1,000 borders", "as many") for what in ("", ", all rewritten")
    )
    return table(["rules", *names], rows)


def curve(size: int, borders: int, every: bool) -> dict[str, float]:
    """The peak of memory is above that of the rules; it is taken in a round of its own, because to trace is
    slow."""
    rules = material.group_rules(size, size, borders)
    other = material.rewritten(rules, 1, every)
    median = statistics.median(milliseconds(lambda: ours(rules, other)) for _ in range(3))
    tracemalloc.start()
    ours(rules, other)
    return {"ms": median, "mb": tracemalloc.get_traced_memory()[1] / 1e6}


# --- the page

TEXT = """
## Do two rule sets admit the same packets?

Medians of 7 interleaved rounds, in ms of processor time, each round on rules of its own seed; in brackets
how many times as long as Twinwall. Rules are parsed before the clock starts. One side is the other rewritten
into other rules for the same packets: 15 % of the CIDRs halved, 10 % of the port ranges split, 5 % said
twice, groups shuffled; or all of them cut in one of these ways.
z3 {z3} (QF_BV, unsat), CUDD through dd {dd}: rule after rule as one writes it, and tuned (one diagram for
each traffic, blocks joined in the order of addresses in a balanced tree). CPython {python}.
"""


def page() -> list[str]:
    said = TEXT.format(z3=version("z3-solver"), dd=version("dd"), python=platform.python_version())
    lines = [*said.splitlines()[1:], ""]
    lines += beside_rivals()
    lines += ["In brackets: Twinwall's time as a multiple of the other's.", ""]
    lines += from_text()
    lines += [
        "Growth with the rules, and with the port borders that they name (medians of 3; peak memory above the rules).",
        "",
    ]
    lines += curves()
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    asked = parser.parse_args().child
    match asked:
        case None:
            write(__file__, page())
        case ["curve", size, borders, every]:
            print(json.dumps(curve(int(size), int(borders), bool(every))))


if __name__ == "__main__":
    main()
