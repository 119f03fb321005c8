"""What a journal knows: the firewall before, the plan, and each call that was sent, with what came of it.

Its own work is what those calls made; everything else that differs from before is somebody else's, and neither
``resume`` nor ``undo`` may touch that.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from twinwall.model.firewall import NetworkAcl, PrefixList, Resource, SecurityGroup, Snapshot, ref_name
from twinwall.model.net import Cidr
from twinwall.model.rules import Direction, NetworkAclEntry, SecurityGroupRule
from twinwall.planning import changes as c
from twinwall.planning.diff import default_egress
from twinwall.planning.findings import Finding
from twinwall.planning.plan import Plan

Purpose = Literal["apply", "undo"]
Thing = SecurityGroup | NetworkAcl | PrefixList


@dataclass(frozen=True)
class Sent:
    """A call with real ids. ``answered`` False: it may have been carried out, or may still be. ``at``: when the journal
    was told of it last (seconds since the epoch)."""

    change: c.Change
    answered: bool
    at: float = 0.0


@dataclass(frozen=True)
class History:
    """``ids``: what refs became, as far as was answered. ``unanswered_at``: when the last call without an answer was
    sent (seconds since the epoch), None where there is none; ``last_at``: when the last line was written. ``lock_id``:
    the lock that the run holds, or held last; ``lock_nonce``: the tag of the one that it was about to make.
    ``ended``: the run came to its end. ``shared``: ids of lists that it uses, and another target's run made.
    ``allow_gap``: on the way on or back what cannot be kept open is told and done."""

    purpose: Purpose
    plan: Plan
    before: Snapshot
    sent: tuple[Sent, ...] = ()
    ids: Mapping[str, str] = field(default_factory=dict)
    unanswered_at: float | None = None
    last_at: float = 0.0
    lock_id: str = ""
    lock_nonce: str = ""
    ended: bool = False
    shared: frozenset[str] = frozenset()
    allow_gap: bool = False


@dataclass
class Own:
    """What the journal's calls made, by id. An entry None: its number was freed."""

    created: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    added: dict[str, set[SecurityGroupRule]] = field(default_factory=dict)
    revoked: dict[str, set[SecurityGroupRule]] = field(default_factory=dict)
    entries: dict[str, dict[tuple[Direction, int], set[NetworkAclEntry | None]]] = field(default_factory=dict)
    acls_of: dict[str, set[str]] = field(default_factory=dict)
    list_added: dict[str, set[Cidr]] = field(default_factory=dict)
    list_removed: dict[str, set[Cidr]] = field(default_factory=dict)
    tagged: dict[str, set[str]] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)


def own_work(history: History) -> Own:
    own = Own()
    for sent in history.sent:
        _take(own, sent.change)
    own.created = {
        real
        for ref, real in history.ids.items()
        if ref_name(ref) is not None and real not in _held(history.before) | history.shared
    }
    own.touched |= own.created
    return own


def _held(before: Snapshot) -> set[str]:
    return set(things_in(before))


def _take(own: Own, change: c.Change) -> None:
    id_ = change.resource.id
    if ref_name(id_) is None:
        own.touched.add(id_)
    come, gone = rules_by(change)
    own.added.setdefault(id_, set()).update(come)
    own.revoked.setdefault(id_, set()).update(gone)
    match change:
        case c.CreateNetworkAclEntry(entry=entry) | c.ReplaceNetworkAclEntry(entry=entry):
            own.entries.setdefault(id_, {}).setdefault(entry.key, set()).add(entry)
        case c.DeleteNetworkAclEntry(entry=entry):
            own.entries.setdefault(id_, {}).setdefault(entry.key, set()).add(None)
        case c.ReplaceNetworkAclAssociation(network_acl_id=acl_id):
            own.acls_of.setdefault(id_, set()).add(acl_id)
        case c.ModifyManagedPrefixList(add=add, remove=remove):
            own.list_added.setdefault(id_, set()).update(entry.cidr for entry in add)
            own.list_removed.setdefault(id_, set()).update(entry.cidr for entry in remove)
        case c.CreateTags(tags=tags, resource_ids=()):
            own.tagged.setdefault(id_, set()).update(key for key, _ in tags)
        case c.DeleteSecurityGroup() | c.DeleteNetworkAcl() | c.DeleteManagedPrefixList():
            own.deleted.add(id_)
        case _:
            pass


def rules_by(change: c.Change) -> tuple[tuple[SecurityGroupRule, ...], tuple[SecurityGroupRule, ...]]:
    """The rules that a call adds, and those that it takes away."""
    match change:
        case c.AuthorizeRules(rules=rules):
            return rules, ()
        case c.RevokeRules(rules=rules):
            return (), rules
        case c.ModifySecurityGroupRules(rule=rule, into=into):
            return (into,), (rule,)
        case _:
            return (), ()


def lists_of(history: History) -> tuple[frozenset[str], frozenset[str]]:
    """Ids of the lists that its plan speaks of; names of those that it made without an answer, or that somebody may
    have made again since the run deleted them."""
    plan, ids, names = history.plan, history.ids, set[str]()
    concerned = {item.prefix_list_id for item in plan.desired.lists} | {*plan.desired.delete_lists}
    for change in (*plan.changes, *(sent.change for sent in history.sent)):
        if change.resource.type == "prefix-list":
            concerned.add(change.resource.id)
        match change:
            case c.CreateManagedPrefixList(name=name) if change.resource.id not in ids:
                names.add(name)
            case c.DeleteManagedPrefixList(resource=resource) if resource.id in history.before.list_by_id:
                names.add(history.before.list_by_id[resource.id].name)
            case _:
                pass
    real = {ids.get(id_, id_) for id_ in concerned}
    return frozenset(id_ for id_ in real if ref_name(id_) is None), frozenset(names)


# --- somebody else's


@dataclass(frozen=True)
class Foreign:
    """``there``: somebody put it there; else somebody took it away. ``thing`` is None for the whole resource."""

    resource: Resource
    thing: SecurityGroupRule | NetworkAclEntry | Cidr | str | None
    there: bool

    def __str__(self) -> str:
        what = f"{self.thing} of {self.resource}" if self.thing is not None else str(self.resource)
        return f"{what} was {'added' if self.there else 'taken away'} by somebody else"

    def finding(self) -> Finding:
        message = f"{self}; it was left alone"
        return Finding("changed-meanwhile", "warning", self.resource, message, rule=str(self.thing or ""))


def foreign(history: History, own: Own, now: Snapshot) -> Iterator[Foreign]:
    """What in the things that the journal touched is not as its own calls left it, whichever of them were carried
    out."""
    before = history.before
    for id_ in sorted(own.touched - own.deleted):
        if id_.startswith("sg-"):
            yield from _group(before.group_by_id.get(id_), now.group_by_id.get(id_), own, now)
        elif id_.startswith("acl-"):
            yield from _acl(_acl_in(before, id_), _acl_in(now, id_), own)
        elif id_.startswith("pl-"):
            yield from _list(before.list_by_id.get(id_), now.list_by_id.get(id_), own)
    yield from _associations(history, own, now)


def _acl_in(snapshot: Snapshot, id_: str) -> NetworkAcl | None:
    return next((acl for acl in snapshot.acls or () if acl.network_acl_id == id_), None)


def _group(
    was: SecurityGroup | None, is_: SecurityGroup | None, own: Own, now: Snapshot
) -> Iterator[Foreign]:
    if is_ is None:
        if was is not None:
            yield Foreign(was.resource, None, there=False)
        return
    vpc = now.vpc_by_id.get(is_.vpc_id)
    ipv6 = vpc is None or bool(vpc.ipv6_cidrs)
    known = set(was.rules) if was is not None else set(default_egress(ipv6=ipv6))
    for rule in sorted(set(is_.rules) - known - own.added.get(is_.group_id, set())):
        yield Foreign(is_.resource, rule, there=True)
    for rule in sorted(set(was.rules if was else ()) - set(is_.rules) - own.revoked.get(is_.group_id, set())):
        yield Foreign(is_.resource, rule, there=False)


def _acl(was: NetworkAcl | None, is_: NetworkAcl | None, own: Own) -> Iterator[Foreign]:
    if is_ is None:
        if was is not None:
            yield Foreign(was.resource, None, there=False)
        return
    held = {entry.key: entry for entry in is_.entries}
    had = {entry.key: entry for entry in was.entries} if was else {}
    written = own.entries.get(is_.network_acl_id, {})
    for key in sorted({*held, *had}):
        if held.get(key) == had.get(key) or held.get(key) in written.get(key, set()):
            continue
        if found := held.get(key):
            yield Foreign(is_.resource, found, there=True)
        else:
            yield Foreign(is_.resource, had[key], there=False)


def _associations(history: History, own: Own, now: Snapshot) -> Iterator[Foreign]:
    had, has = acl_of(history.before), acl_of(now)
    twins = twins_of(own, history.before, now)
    for subnet, ours in sorted(own.acls_of.items()):
        found = has.get(subnet, "")
        old = had.get(subnet, "")
        if found not in {*ours, old, twins.get(old)}:
            yield Foreign(Resource("subnet", subnet), f"the ACL {found or 'none'}", there=True)


def things_in(snapshot: Snapshot) -> dict[str, Thing]:
    acls = {acl.network_acl_id: acl for acl in snapshot.acls or ()}
    return {**snapshot.group_by_id, **acls, **snapshot.list_by_id}


def twins_of(own: Own, before: Snapshot, now: Snapshot) -> dict[str, str]:
    """Old id → the id of what stands there by the same name and tags and did not before: what the run deleted, and an
    earlier undo has made again. What the run itself put in its place has name and tags in common with it, too."""
    had = things_in(before)
    others = had.keys() | own.created
    new = {id_: thing for id_, thing in sorted(things_in(now).items()) if id_ not in others}
    return {
        old: id_
        for old in sorted(own.deleted & had.keys())
        for id_, thing in new.items()
        if (thing.resource.type, thing.resource.name, thing.tags)
        == (had[old].resource.type, had[old].resource.name, had[old].tags)
        and (thing.tags or thing.resource.type == "security-group")
    }


def acl_of(snapshot: Snapshot) -> dict[str, str]:
    return {a.subnet_id: acl.network_acl_id for acl in snapshot.acls or () for a in acl.associations}


def _list(was: PrefixList | None, is_: PrefixList | None, own: Own) -> Iterator[Foreign]:
    if is_ is None or was is None:
        if was is not None:
            yield Foreign(was.resource, None, there=False)
        return
    held = {entry.cidr for entry in is_.entries or ()}
    had = {entry.cidr for entry in was.entries or ()}
    for cidr in sorted(held - had - own.list_added.get(is_.prefix_list_id, set())):
        yield Foreign(is_.resource, cidr, there=True)
    for cidr in sorted(had - held - own.list_removed.get(is_.prefix_list_id, set())):
        yield Foreign(is_.resource, cidr, there=False)
