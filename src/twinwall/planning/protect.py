"""``--protect FLOW``: no call of the plan may close it, at any moment between the first and the last.

What each gate of a flow (``gates``) admits before the first call it must admit after each. Where that depends on
who the members are, or on where interfaces are that were not read, the flow counts as closed and the condition
is told. What a gate does not admit today is not asked of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from twinwall.errors import AmbiguousName, UnsafePlan, WouldClose
from twinwall.model.firewall import Resource, ref_name
from twinwall.model.net import Cidr
from twinwall.planning import changes as c
from twinwall.planning.findings import Finding
from twinwall.planning.flow_grammar import FlowPattern
from twinwall.planning.flows import flow_of
from twinwall.planning.gates import AclGate, Ends, Gate, GroupGate, gates
from twinwall.planning.kept_open import Lost, Peers, listed
from twinwall.planning.pairing import Pair
from twinwall.planning.passage import EPHEMERAL, Ports
from twinwall.planning.replay import Replay, addresses_of
from twinwall.planning.semantics import GroupRules, RuleList, span_of


def check_protected(
    patterns: Sequence[FlowPattern],
    pair: Pair,
    changes: Sequence[c.Change],
    client_ports: Ports = EPHEMERAL,
) -> tuple[Finding, ...]:
    """Raises ``WouldClose`` with the change that would close a flow, ``UnsafePlan`` for a name that nothing
    has, ``AmbiguousName`` for one that several have. Returns a warning for each flow that is not open at all."""
    findings: list[Finding] = []
    for pattern in patterns:
        ends = replace(_ends(pattern, pair), client_ports=client_ports)
        walk = _Walk(pattern, ends, pair, changes)
        walk.check()
        findings += walk.findings()
    return tuple(findings)


# --- names


def _ends(pattern: FlowPattern, pair: Pair) -> Ends:
    thing = _named(pattern, pattern.thing, {**_groups(pair), **_subnets(pair)}, "group or subnet")
    spans = span_of(pattern.traffic)
    if isinstance(pattern.peer, Cidr):
        return Ends(pattern.direction, spans, thing, Peers((pattern.peer,)))
    lists = {item.prefix_list_id: item for item in pair.existing.prefix_lists or ()}
    names = {**_groups(pair), **{id_: item.resource for id_, item in lists.items()}}
    peer = _named(pattern, pattern.peer, names, "group or prefix list")
    if peer.type == "security-group":
        return Ends(pattern.direction, spans, thing, Peers(symbol=peer.id), peer)
    known = addresses_of(lists.values()).get(peer.id)
    return Ends(pattern.direction, spans, thing, Peers(symbol=peer.id) if known is None else Peers(known))


def _groups(pair: Pair) -> dict[str, Resource]:
    return {group.group_id: group.resource for group in (*pair.desired.groups, *pair.existing.groups)}


def _subnets(pair: Pair) -> dict[str, Resource]:
    known = {subnet.subnet_id: subnet.resource for subnet in pair.existing.subnets or ()}
    return {**{id_: Resource("subnet", id_) for id_ in pair.acl_of_subnet}, **known}


def _named(pattern: FlowPattern, wanted: str, things: dict[str, Resource], what: str) -> Resource:
    if wanted in things:
        return things[wanted]
    found = [thing for thing in things.values() if thing.name.casefold() == wanted.casefold()]
    if len(found) > 1:
        names = ", ".join(map(str, found))
        raise AmbiguousName(f"--protect {pattern.text!r}: {wanted} is the name of {names}; give one's id")
    if not found:
        raise UnsafePlan(
            f"--protect {pattern.text!r}: the target has no {what} {wanted}, so nothing can be said of the flow; "
            "name one that is there"
        )
    return found[0]


# --- call by call


@dataclass(frozen=True)
class _Walk:
    pattern: FlowPattern
    ends: Ends
    pair: Pair
    changes: Sequence[c.Change]

    def check(self) -> None:
        """Raises ``WouldClose`` at the first call after which a gate admits less of the flow than it did."""
        state = Replay.of(self.pair.existing)
        passed = [(gate, gate.rules(state)) for gate in gates(self.ends, self.pair, self.changes)]
        for change in self.changes:
            touched = [item for item in passed if item[0].touched_by(change, state)]
            state.step(change)
            for gate, before in touched:
                now = gate.rules(state)
                if lost := gate.lost(before, now):
                    raise WouldClose(self._words(gate, change, lost, (before, now)))

    def findings(self) -> list[Finding]:
        state = Replay.of(self.pair.existing)
        own = next(gates(self.ends, self.pair, ()), None)
        if not isinstance(own, GroupGate) or own.open(own.rules(state)):
            return []
        message = (
            f"--protect {self.pattern.text!r}: its rules do not admit that today, so nothing is protected"
        )
        return [Finding("protected-not-open", "warning", self.ends.thing, message)]

    def _words(self, gate: Gate, change: c.Change, lost: Lost, sides: tuple[RuleList, RuleList]) -> str:
        packet = flow_of(lost.packet, gate.direction, gate.guarded, self.pair.symbol_text)
        before, now = sides[0].decision(lost.packet).rule, sides[1].decision(lost.packet).rule
        if isinstance(lost.packet.place, str) and not sides[0].decision(lost.packet).admitted:
            before = "its addresses are admitted"
        reply = "the reply " if isinstance(gate, AclGate) and gate.reply else ""
        unless = f" {lost.unless}" if lost.unless else ""
        return (
            f"planning {gate.guarded}: {_change_words(change, lost)} would close {reply}{packet}{unless}, which "
            f"--protect {self.pattern.text!r} keeps open (now: {before}; then: {now}); keep what admits it in "
            "the source, or take the protection away"
        )


def _change_words(change: c.Change, lost: Lost) -> str:
    """The call by name, with those of its rules that matter to the packet."""
    match change:
        case c.RevokeRules(rules=rules):
            admitting = [rule for rule in rules if GroupRules((rule,)).packets.admits(lost.packet)] or rules
            return f"{change.action} of {'; '.join(map(str, admitting))}"
        case c.ModifySecurityGroupRules(rule=rule, into=into):
            return f"{change.action} of {rule} into {into}"
        case (
            c.CreateNetworkAclEntry(entry=entry)
            | c.ReplaceNetworkAclEntry(entry=entry)
            | c.DeleteNetworkAclEntry(entry=entry)
        ):
            return f"{change.action} of {entry} in {change.resource}"
        case c.ReplaceNetworkAclAssociation(network_acl_id=acl_id):
            return f"{change.action} with {ref_name(acl_id) or acl_id}"
        case c.ModifyManagedPrefixList(remove=remove) if remove:
            return f"{change.action} of {change.resource} without {listed(entry.cidr for entry in remove)}"
        case _:
            return f"{change.action} of {change.resource}"
