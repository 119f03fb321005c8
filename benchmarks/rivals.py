"""The same question put to z3 (a solver) and to CUDD (binary decision diagrams, through ``dd``), each as one
writes it, and for CUDD also in the form that served it best. IPv4, tcp and udp only. All take parsed rules
and answer True for equal."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import dd.cudd
import z3

from twinwall.model.net import Cidr
from twinwall.model.rules import NetworkAclEntry, RuleAction, SecurityGroupRule, Traffic

ADDRESS_BITS, PROTOCOL_BITS, PORT_BITS = 32, 8, 16
Rules = Sequence[SecurityGroupRule] | Sequence[NetworkAclEntry]


def place(rule: SecurityGroupRule | NetworkAclEntry) -> Cidr:
    return rule.cidr if isinstance(rule, NetworkAclEntry) else rule.peer.cidr


def balanced(items: list[Any], join: Callable[[Any, Any], Any], nothing: Any) -> Any:
    while len(items) > 1:
        items = [join(*pair) if len(pair) == 2 else pair[0] for pair in _pairs(items)]
    return items[0] if items else nothing


def _pairs(items: list[Any]) -> list[list[Any]]:
    return [items[at : at + 2] for at in range(0, len(items), 2)]


# --- z3


def z3_equal(left: Rules, right: Rules) -> bool:
    context = z3.Context()
    address = z3.BitVec("address", ADDRESS_BITS, context)
    protocol = z3.BitVec("protocol", PROTOCOL_BITS, context)
    port = z3.BitVec("port", PORT_BITS, context)

    @cache
    def of_traffic(traffic: Traffic) -> Any:
        low, high = z3.BitVecVal(traffic.first, 16, context), z3.BitVecVal(traffic.last, 16, context)
        return z3.And(protocol == traffic.protocol, z3.ULE(low, port), z3.ULE(port, high))

    @cache
    def of_block(block: Cidr) -> Any:
        if block.length == 0:
            return z3.BoolVal(True, context)
        shift = ADDRESS_BITS - block.length
        return z3.Extract(ADDRESS_BITS - 1, shift, address) == block.first >> shift

    def admitted(rules: Rules) -> Any:
        if rules and isinstance(rules[0], NetworkAclEntry):
            answer = z3.BoolVal(False, context)
            for entry in reversed(rules):
                allow = z3.BoolVal(entry.action is RuleAction.ALLOW, context)
                answer = z3.If(z3.And(of_block(place(entry)), of_traffic(entry.traffic)), allow, answer)
            return answer
        return z3.Or(*(z3.And(of_block(place(rule)), of_traffic(rule.traffic)) for rule in rules))

    solver = z3.SolverFor("QF_BV", ctx=context)
    solver.add(admitted(left) != admitted(right))
    return bool(solver.check() == z3.unsat)


# --- CUDD


class _Diagrams:
    """A manager with the variables of a packet, address before protocol before port (the best of the orders
    tried; reordering on the way only costs)."""

    def __init__(self) -> None:
        self.manager = dd.cudd.BDD()
        self.manager.configure(reordering=False)
        self.address = [f"a{bit}" for bit in range(ADDRESS_BITS)]
        self.protocol = [f"p{bit}" for bit in range(PROTOCOL_BITS)]
        self.port = [f"t{bit}" for bit in range(PORT_BITS)]
        self.manager.declare(*self.address, *self.protocol, *self.port)

    def _at_most(self, value: int) -> Any:
        diagram = self.manager.true
        for bit in range(PORT_BITS):
            name = self.manager.var(self.port[PORT_BITS - 1 - bit])
            diagram = (~name | diagram) if value >> bit & 1 else (~name & diagram)
        return diagram

    def traffic(self, traffic: Traffic) -> Any:
        assert traffic.first is not None
        assert traffic.last is not None
        cube = {name: bool(traffic.protocol >> (7 - bit) & 1) for bit, name in enumerate(self.protocol)}
        within = self.manager.cube(cube) & self._at_most(traffic.last)
        return within & ~self._at_most(traffic.first - 1) if traffic.first else within

    def block(self, block: Cidr) -> Any:
        bits = {self.address[bit]: bool(block.first >> (31 - bit) & 1) for bit in range(block.length)}
        return self.manager.cube(bits)


def cudd_equal(left: Rules, right: Rules) -> bool:
    """Rule after rule, as one writes it."""
    diagrams = _Diagrams()
    return bool(_joined(left, diagrams, diagrams.traffic) == _joined(right, diagrams, diagrams.traffic))


def _joined(rules: Rules, diagrams: _Diagrams, traffic: Callable[[Traffic], Any]) -> Any:
    if isinstance(rules[0], NetworkAclEntry):
        answer = diagrams.manager.false
        for entry in reversed(rules):
            hit = diagrams.block(place(entry)) & traffic(entry.traffic)
            answer = answer | hit if entry.action is RuleAction.ALLOW else answer & ~hit
        return answer
    answer = diagrams.manager.false
    for rule in rules:
        answer |= diagrams.block(place(rule)) & traffic(rule.traffic)
    return answer


def cudd_equal_tuned(left: Rules, right: Rules) -> bool:
    """The diagram of each traffic is made once; of a group, the traffics of one block are joined first, then
    the blocks in the order of addresses, in a balanced tree."""
    diagrams = _Diagrams()
    traffic = cache(diagrams.traffic)
    if isinstance(left[0], NetworkAclEntry):
        return bool(_joined(left, diagrams, traffic) == _joined(right, diagrams, traffic))
    return bool(_by_block(left, diagrams, traffic) == _by_block(right, diagrams, traffic))


def _by_block(rules: Rules, diagrams: _Diagrams, traffic: Callable[[Traffic], Any]) -> Any:
    found: dict[Cidr, Any] = {}
    for rule in rules:
        block = place(rule)
        found[block] = found.get(block, diagrams.manager.false) | traffic(rule.traffic)
    parts = [diagrams.block(block) & found[block] for block in sorted(found)]
    return balanced(parts, lambda one, other: one | other, diagrams.manager.false)
