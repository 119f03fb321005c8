"""existing + desired → changes → the allowed ones → the order → refused if unsafe → ``Plan``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from twinwall.model.firewall import Endpoint, Snapshot, ref_name
from twinwall.model.rules import PrefixListPeer
from twinwall.planning import changes as c
from twinwall.planning.briefly import briefly_open
from twinwall.planning.desired import Desired
from twinwall.planning.diff import diff
from twinwall.planning.digest import digest, parts, touched_by
from twinwall.planning.findings import Finding
from twinwall.planning.flow_grammar import FlowPattern
from twinwall.planning.guards import check_quotas
from twinwall.planning.list_room import check_list_room
from twinwall.planning.opening import opening
from twinwall.planning.order import Step
from twinwall.planning.pairing import Pair, universe_of
from twinwall.planning.passage import EPHEMERAL, Ports
from twinwall.planning.plan import Plan, Summary
from twinwall.planning.policies import apply_policy, check_max_change, removes
from twinwall.planning.promise.prove import check_promise
from twinwall.planning.protect import check_protected
from twinwall.planning.pruning import pruned
from twinwall.planning.quotas import Quotas
from twinwall.planning.routing.calls import Calls
from twinwall.planning.routing.given import Given
from twinwall.planning.routing.ordered import order


@dataclass(frozen=True)
class Allowed:
    """What the user lets a plan do. ``max_change`` in percent, None = whatever it takes. ``protect``: flows
    that no call may close, with replies to ``client_ports``. ``strict``: ACLs go through the intersection of
    both ends. ``allow_gap``: what cannot be kept open is told and done."""

    policy: str = "sync"
    prune: bool = False
    max_change: float | None = 30.0
    protect: tuple[FlowPattern, ...] = ()
    client_ports: Ports = EPHEMERAL
    strict: bool = False
    allow_gap: bool = False

    @property
    def redescribes(self) -> bool:
        """Entries of lists that differ only in their description: each is gone for a moment."""
        return self.allow_gap and self.policy == "sync"


Needed = Literal["NetworkInterfaces", "SecurityGroupRules"]


def sections_needed(
    desired: Desired, existing: Snapshot, allowed: Allowed, quotas: Quotas
) -> tuple[Needed, ...]:
    """What a plan that removes, or edits in place, looks at besides: where groups are, and, for groups without
    room, the ids of their rules."""
    desired, _ = pruned(desired, existing, allowed.prune)
    changes, _ = apply_policy(diff(desired, existing, redescribe=allowed.redescribes), allowed.policy)
    if not any(removes(change) or _edits_in_place(change) for change in changes):
        return ()
    full = Calls(Given(changes, desired, existing, quotas)).full
    return ("NetworkInterfaces", "SecurityGroupRules") if full else ("NetworkInterfaces",)


def lists_needed(desired: Desired, existing: Snapshot, allowed: Allowed) -> tuple[str, ...]:
    """Lists that were not read, and that rules name of groups which gain rules: they weigh there."""
    desired, _ = pruned(desired, existing, allowed.prune)
    changes, _ = apply_policy(diff(desired, existing, redescribe=allowed.redescribes), allowed.policy)
    gaining = {change.resource.id for change in changes if isinstance(change, c.AuthorizeRules)}
    groups = (group for group in (*existing.groups, *desired.groups) if group.group_id in gaining)
    peers = (rule.peer for group in groups for rule in group.rules)
    named = {peer.prefix_list_id for peer in peers if isinstance(peer, PrefixListPeer)}
    known = existing.list_by_id.keys() | {item.prefix_list_id for item in desired.lists}
    return tuple(sorted(id_ for id_ in named - known if ref_name(id_) is None))


def _edits_in_place(change: c.Change) -> bool:
    kinds = c.CreateNetworkAclEntry | c.ReplaceNetworkAclEntry | c.ModifyManagedPrefixList
    return isinstance(change, kinds) and ref_name(change.resource.id) is None


def make_plan(
    desired: Desired,
    existing: Snapshot,
    allowed: Allowed,
    quotas: Quotas,
    source: Endpoint,
    target: Endpoint,
    findings: Sequence[Finding] = (),
) -> Plan:
    """Raises ``UnsafePlan``'s children. ``estimated_seconds`` and ``reads`` are the workflow's to fill in."""
    desired, kept = pruned(desired, existing, allowed.prune)
    wanted, staying = apply_policy(diff(desired, existing, redescribe=allowed.redescribes), allowed.policy)
    if allowed.max_change is not None:
        check_max_change(wanted, existing, allowed.max_change)
    warnings = check_quotas(desired, existing, wanted, quotas)
    pair = Pair(desired, existing, universe_of(desired, existing))
    given = Given(wanted, desired, existing, quotas, allowed.strict, allowed.allow_gap)
    ordered = order(given)
    check_list_room(ordered.route, existing, quotas)
    gaps = check_promise(ordered.route, pair, allow_gap=allowed.allow_gap)
    calls = tuple(step.change for step in ordered.route if isinstance(step, Step))
    touched = touched_by(calls, ordered.desired)
    shut = check_protected(allowed.protect, pair, calls, allowed.client_ports)
    told = opening(pair, wanted)
    return Plan(
        source=source,
        target=target,
        route=ordered.route,
        desired=ordered.desired,
        summary=summarise(desired, wanted),
        digest=digest(existing, touched),
        touched=touched,
        parts=parts(existing, touched),
        findings=(*desired.findings, *findings, *kept, *staying, *gaps, *shut, *warnings),
        not_compared=desired.not_compared,
        quotas=quotas.own,
        opens=told.opens,
        closes=told.closes,
        may_cut_live=told.may_cut_live,
        lingers=told.lingers,
        briefly_open=briefly_open(given),
        than_before=told.than_before,
        than_source=told.than_source,
    )


def summarise(desired: Desired, changes: Sequence[c.Change]) -> Summary:
    """Resources by what happens to them."""
    made = {ch.resource.id for ch in changes if ch.action.startswith("Create") and ref_name(ch.resource.id)}
    gone = {
        ch.resource.id
        for ch in changes
        if isinstance(ch, c.DeleteSecurityGroup | c.DeleteNetworkAcl | c.DeleteManagedPrefixList)
    }
    changed = {ch.resource.id for ch in changes} - made - gone
    all_ = {group.group_id for group in desired.groups} | {acl.network_acl_id for acl in desired.acls}
    all_ |= {item.prefix_list_id for item in desired.lists}
    return Summary(len(made), len(changed), len(gone), len(all_ - made - changed))
