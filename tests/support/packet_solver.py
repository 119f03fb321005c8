"""z3 as an oracle of rule lists: is there a packet that one list admits and the other does not?

kind      0 IPv4, 1 IPv6, 2 … one for each symbol
address   128 bits, what the kind lacks of them zero
protocol  8 bits
detail    16 bits: port, or type and code, zero for other protocols
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import z3
from packet_cases import Kind, Place, Rule

from twinwall.model.net import Cidr
from twinwall.model.rules import NetworkAclEntry, RuleAction

SYMBOLS = ("pl-a", "sg-a", "sg-b")
KIND, ADDRESS = z3.BitVec("kind", 3), z3.BitVec("address", 128)
PROTOCOL, DETAIL = z3.BitVec("protocol", 8), z3.BitVec("detail", 16)


class Solver:
    def __init__(self) -> None:
        self._solver = z3.SolverFor("QF_BV")
        self._solver.add(
            z3.ULT(KIND, 2 + len(SYMBOLS)),
            z3.Implies(KIND == 0, z3.ULT(ADDRESS, 1 << 32)),
            z3.Implies(z3.UGE(KIND, 2), ADDRESS == 0),
            z3.Or(DETAIL == 0, *(number == PROTOCOL for number in (1, 6, 17, 58))),
        )

    def packet(self, ours: Sequence[Rule], theirs: Sequence[Rule]) -> tuple[Place, Kind] | None:
        """One that ``ours`` admit and ``theirs`` do not."""
        self._solver.push()
        try:
            self._solver.add(_admitted(ours), z3.Not(_admitted(theirs)))
            if self._solver.check() == z3.unsat:
                return None
            return _packet(self._solver.model())
        finally:
            self._solver.pop()


def _admitted(rules: Sequence[Rule]) -> Any:
    answer = z3.BoolVal(False)
    for rule in sorted(rules, key=lambda rule: -getattr(rule, "rule_number", 0)):
        allow = getattr(rule, "action", RuleAction.ALLOW) is RuleAction.ALLOW
        hit = z3.And(_place(rule), _traffic(rule))
        answer = z3.Or(answer, hit) if allow else z3.And(answer, z3.Not(hit))
    return answer


def _place(rule: Rule) -> Any:
    cidr: Cidr | None = rule.cidr if isinstance(rule, NetworkAclEntry) else getattr(rule.peer, "cidr", None)
    if cidr is None:
        return 2 + SYMBOLS.index(str(rule.peer)) == KIND
    family = (0 if cidr.family == 4 else 1) == KIND
    fixed = ~((1 << ((32 if cidr.family == 4 else 128) - cidr.length)) - 1) & ((1 << 128) - 1)
    return z3.And(family, ADDRESS & fixed == cidr.first)


def _traffic(rule: Rule) -> Any:
    protocol, first, last = rule.traffic
    if protocol == -1:
        return z3.BoolVal(True)
    named = protocol == PROTOCOL
    if protocol in (6, 17):
        return z3.And(named, z3.UGE(DETAIL, first), z3.ULE(DETAIL, last))
    on_ipv4 = isinstance(rule, NetworkAclEntry) and rule.cidr.family == 4
    if protocol not in (1, 58) or first == -1 or (protocol == 58 and on_ipv4):
        return named
    kind = z3.Extract(15, 8, DETAIL) == first
    return z3.And(named, kind) if last == -1 else z3.And(named, kind, z3.Extract(7, 0, DETAIL) == last)


def _packet(model: Any) -> tuple[Place, Kind]:
    kind, address, protocol, detail = (
        model.eval(variable, model_completion=True).as_long()
        for variable in (KIND, ADDRESS, PROTOCOL, DETAIL)
    )
    place = _place_of(kind, address)
    if protocol in (1, 58):
        return place, (protocol, divmod(detail, 256))
    return place, (protocol, detail if protocol in (6, 17) else None)


def _place_of(kind: int, address: int) -> Place:
    if kind >= 2:
        return SYMBOLS[kind - 2]
    return IPv4Address(address) if kind == 0 else IPv6Address(address)
