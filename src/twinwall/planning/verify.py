"""Does the target admit the same packets as the desired firewall? A proof, or packets that show it does not.

Desired and target are in the same terms, so things are paired by id. Per group, ACL and direction
``equality`` proves that both rule lists admit the same packets. Where they do not, both become sets of
packets, ``compare`` tells what unknown members change in that, and every rule that admits what the other
side lacks is a difference with one packet as witness. A thing that is not there admits nothing. In the
report "source" is the desired side, "target" the existing one.
"""

from collections.abc import Iterator
from dataclasses import replace

from twinwall.model.firewall import NetworkAcl, PrefixList, Resource, SecurityGroup, Snapshot
from twinwall.model.rules import Direction, SecurityGroupRule
from twinwall.planning.compare import Universe
from twinwall.planning.desired import Desired, DesiredAssociation
from twinwall.planning.differences import Subject, compared, on_one_side, unread
from twinwall.planning.equality import clash_of_acls, clash_of_groups
from twinwall.planning.pairing import Pair, universe_of
from twinwall.planning.proof import (
    Compared,
    DecidedBy,
    Difference,
    Outcome,
    VerifyReport,
    merged,
    verdict_of,
)
from twinwall.planning.semantics import AclEntries, GroupRules, Lists, RuleList, list_entries

_DIRECTIONS = (Direction.INGRESS, Direction.EGRESS)


def verify(
    desired: Desired, existing: Snapshot, universe: Universe | None = None, today: tuple[Lists, ...] = ()
) -> VerifyReport:
    """``universe`` says which addresses a symbol's members can have; left out, what both sides tell of it.
    ``today``: memberships that are known from interfaces (``Pair``); what is undecided is decided by them."""
    pair = Pair(desired, existing, universe or universe_of(desired, existing), today)
    outcome = merged(_outcomes(pair))
    acls_known = existing.acls is not None
    counts = Compared(
        groups=len(desired.groups),
        acls=len(desired.acls) if acls_known else 0,
        subnets=len(desired.associations) if acls_known else 0,
    )
    return VerifyReport(
        verdict=verdict_of(outcome),
        compared=counts,
        symbols=tuple(sorted(outcome.symbols)),
        not_compared=(*desired.not_compared, *outcome.not_compared),
        undecided=outcome.undecided,
        differences=outcome.differences,
        truncated=outcome.truncated,
    )


def _outcomes(pair: Pair) -> Iterator[Outcome]:
    desired = pair.desired
    yield from (_group(pair, group) for group in desired.groups)
    yield from (_acl(pair, acl) for acl in desired.acls)
    yield from (_list(pair, item) for item in desired.lists)
    yield from (_association(pair, association) for association in desired.associations)
    yield from _deletions(pair)


# --- groups


def _group(pair: Pair, wanted: SecurityGroup) -> Outcome:
    found = pair.existing.group_by_id.get(wanted.group_id)
    symbols = Outcome(symbols=pair.symbols_of(wanted, *([found] if found else ())))
    if found is None:
        return merged([symbols, on_one_side(wanted.resource, _group_sides(pair, wanted), "source")])
    return merged([symbols, *_group_pair(pair, wanted, found)])


def _group_pair(pair: Pair, wanted: SecurityGroup, found: SecurityGroup) -> Iterator[Outcome]:
    if wanted.rules == found.rules:
        return
    for way in _DIRECTIONS:
        subject = Subject(pair, wanted.resource, way, wanted.resource)
        yield _group_rules(subject, wanted.rules_of(way), found.rules_of(way))


def _group_rules(
    subject: Subject, wanted: tuple[SecurityGroupRule, ...], found: tuple[SecurityGroupRule, ...]
) -> Outcome:
    """Known lists are opened only where that can matter: where the sums with all lists as symbols differ."""
    if clash_of_groups(GroupRules(wanted), GroupRules(found)) is None:
        return Outcome()
    wanted_lists, found_lists = subject.pair.known_lists
    outcome = compared(subject, GroupRules(wanted, wanted_lists), GroupRules(found, found_lists))
    if not outcome.undecided or not subject.pair.today:
        return outcome
    return _with_todays_members(subject, wanted, found, outcome)


def _with_todays_members(
    subject: Subject,
    wanted: tuple[SecurityGroupRule, ...],
    found: tuple[SecurityGroupRule, ...],
    outcome: Outcome,
) -> Outcome:
    """What depends on members, decided with those that the groups have now, on either side."""
    wanted_lists, found_lists = subject.pair.known_lists
    parts = [
        compared(
            subject, GroupRules(wanted, {**wanted_lists, **now}), GroupRules(found, {**found_lists, **now})
        )
        for now in subject.pair.today
    ]
    told = {(item.only_in, _own_rule(item)): item for part in parts for item in part.differences}
    told |= {(item.only_in, _own_rule(item)): item for item in outcome.differences}
    undecided = {(item.flow, item.condition): item for part in parts for item in part.undecided}
    return replace(outcome, differences=tuple(told.values()), undecided=tuple(undecided.values()), today=True)


def _own_rule(item: Difference) -> str:
    return item.decided_by.source if item.only_in == "source" else item.decided_by.target


def _group_sides(pair: Pair, group: SecurityGroup) -> list[tuple[Subject, RuleList]]:
    return [
        (Subject(pair, group.resource, way, group.resource), GroupRules(group.rules_of(way)))
        for way in _DIRECTIONS
    ]


# --- network ACLs and subnets


def _acl(pair: Pair, wanted: NetworkAcl) -> Outcome:
    if pair.existing.acls is None:
        return unread(wanted.resource, "the target's network ACLs were not read")
    found = pair.acl_by_id.get(wanted.network_acl_id)
    if found is None:
        return on_one_side(wanted.resource, _acl_sides(pair, wanted), "source")
    return merged(_acl_pair(pair, wanted.resource, _guarded_subnet(pair, wanted), wanted, found))


def _acl_pair(
    pair: Pair, resource: Resource, subnet: Resource | None, wanted: NetworkAcl, found: NetworkAcl
) -> Iterator[Outcome]:
    for way in _DIRECTIONS:
        ours, theirs = AclEntries(wanted.entries_of(way)), AclEntries(found.entries_of(way))
        if ours.entries != theirs.entries and clash_of_acls(ours, theirs):
            yield compared(Subject(pair, resource, way, subnet), ours, theirs)


def _acl_sides(pair: Pair, acl: NetworkAcl) -> list[tuple[Subject, RuleList]]:
    subnet = _guarded_subnet(pair, acl)
    return [
        (Subject(pair, acl.resource, way, subnet), AclEntries(acl.entries_of(way))) for way in _DIRECTIONS
    ]


def _guarded_subnet(pair: Pair, acl: NetworkAcl) -> Resource | None:
    """One of the subnets that the ACL guards in the target, or is to guard."""
    found = pair.acl_by_id.get(acl.network_acl_id, acl)
    subnets = [pair.subnet(association.subnet_id) for association in found.associations]
    subnets += [a.subnet for a in pair.desired.associations if a.network_acl_id == acl.network_acl_id]
    return min(subnets, default=None)


def _association(pair: Pair, wanted: DesiredAssociation) -> Outcome:
    """A subnet by what its ACL admits, whichever ACL that is."""
    if pair.existing.acls is None:
        return unread(wanted.subnet, "the target's network ACLs were not read")
    acls = dict(pair.acl_by_id) | {acl.network_acl_id: acl for acl in pair.desired.acls}
    ours, theirs = acls.get(wanted.network_acl_id), pair.acl_of_subnet.get(wanted.subnet.id)
    if ours is not None and theirs is not None:
        return merged(_acl_pair(pair, wanted.subnet, wanted.subnet, ours, theirs))
    source = f"network ACL {ours.resource if ours else wanted.network_acl_id}"
    target = f"network ACL {theirs.resource}" if theirs else "no network ACL is associated"
    return Outcome((Difference(wanted.subnet, None, "source", None, DecidedBy(source, target)),))


# --- prefix lists


def _list(pair: Pair, wanted: PrefixList) -> Outcome:
    if pair.existing.prefix_lists is None:
        return unread(wanted.resource, "the target's prefix lists were not read")
    found = pair.existing.list_by_id.get(wanted.prefix_list_id)
    if wanted.entries is None or (found is not None and found.entries is None):
        side = "source" if wanted.entries is None else "target"
        return unread(wanted.resource, f"the entries of the {side}'s list cannot be read")
    subject = Subject(pair, wanted.resource, None, None)
    if found is None:
        return on_one_side(wanted.resource, [(subject, list_entries(wanted))], "source")
    if wanted.family != found.family and not (wanted.entries or found.entries):
        families = DecidedBy(f"an IPv{wanted.family} list", f"an IPv{found.family} list")
        return Outcome((Difference(wanted.resource, None, "source", None, families),))
    return compared(subject, list_entries(wanted), list_entries(found))


# --- what should be gone


def _deletions(pair: Pair) -> Iterator[Outcome]:
    desired, existing = pair.desired, pair.existing
    for id_ in desired.delete_groups:
        if group := existing.group_by_id.get(id_):
            yield on_one_side(group.resource, _group_sides(pair, group), "target")
    for id_ in desired.delete_acls:
        if existing.acls is None:
            yield unread(Resource("network-acl", id_), "the target's network ACLs were not read")
        elif acl := pair.acl_by_id.get(id_):
            yield on_one_side(acl.resource, _acl_sides(pair, acl), "target")
    for id_ in desired.delete_lists:
        if existing.prefix_lists is None:
            yield unread(Resource("prefix-list", id_), "the target's prefix lists were not read")
        elif item := existing.list_by_id.get(id_):
            rules = list_entries(replace(item, entries=item.entries or ()))
            subject = Subject(pair, item.resource, None, None)
            yield on_one_side(item.resource, [(subject, rules)], "target")
