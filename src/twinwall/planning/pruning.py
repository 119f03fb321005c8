"""Which copies may be deleted whose source is gone: those that nobody uses, and only with ``--prune``."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from twinwall.model.firewall import PrefixList, Resource, Snapshot
from twinwall.planning.desired import Desired
from twinwall.planning.findings import Finding


def pruned(desired: Desired, existing: Snapshot, prune: bool) -> tuple[Desired, list[Finding]]:
    """The desired state without deletions that nobody asked for or that somebody would feel."""
    findings: list[Finding] = []
    groups = _deletable_groups(desired, existing, prune, findings)
    acls = _deletable_acls(desired, existing, prune, findings)
    lists = _deletable_lists(replace(desired, delete_groups=groups), existing, prune, findings)
    return replace(desired, delete_groups=groups, delete_acls=acls, delete_lists=lists), findings


def _deletable_groups(
    desired: Desired, existing: Snapshot, prune: bool, findings: list[Finding]
) -> tuple[str, ...]:
    wanted = {g for g in desired.delete_groups if g in existing.group_by_id}
    used = _all_users(desired, existing, wanted)
    for id_ in sorted(wanted):
        group = existing.group_by_id[id_]
        if not prune:
            findings.append(_orphan(group.resource))
        elif users := used.get(id_):
            findings.append(_in_use(group.resource, users))
    return tuple(id_ for id_ in desired.delete_groups if prune and id_ in wanted and not used.get(id_))


def _all_users(desired: Desired, existing: Snapshot, doomed: Collection[str]) -> dict[str, list[str]]:
    """By doomed group. One that is used stays with its rules, and so do those that these name."""
    used: dict[str, list[str]] = {}
    left = set(doomed)
    while more := {id_: users for id_, users in _users(desired, existing, left).items() if users}:
        used |= more
        left -= more.keys()
    return used


def _users(desired: Desired, existing: Snapshot, doomed: Collection[str]) -> dict[str, list[str]]:
    """Who still uses the doomed groups: interfaces, and rules of groups that stay. Interfaces that were not
    read count as users."""
    users: dict[str, list[str]] = {id_: [] for id_ in doomed}
    if existing.interfaces is None:
        return {id_: ["interfaces that were not read"] for id_ in doomed}
    for interface in existing.interfaces:
        for id_ in set(interface.group_ids) & set(doomed):
            users[id_].append(interface.interface_id)
    final = {group.group_id: group for group in existing.groups} | {g.group_id: g for g in desired.groups}
    for group in final.values():
        if group.group_id in doomed:
            continue
        for rule in group.rules:
            if (id_ := str(rule.peer)) in users:
                users[id_].append(f"a rule of {group.resource}")
    return users


def _deletable_acls(
    desired: Desired, existing: Snapshot, prune: bool, findings: list[Finding]
) -> tuple[str, ...]:
    kept: list[str] = []
    moved = {a.subnet.id: a.network_acl_id for a in desired.associations}
    for acl in existing.acls or ():
        if acl.network_acl_id not in desired.delete_acls:
            continue
        subnets = [
            a.subnet_id
            for a in acl.associations
            if moved.get(a.subnet_id, acl.network_acl_id) == acl.network_acl_id
        ]
        if not prune:
            findings.append(_orphan(acl.resource))
        elif subnets:
            findings.append(_in_use(acl.resource, subnets))
        else:
            kept.append(acl.network_acl_id)
    return tuple(kept)


def _deletable_lists(
    desired: Desired, existing: Snapshot, prune: bool, findings: list[Finding]
) -> tuple[str, ...]:
    kept: list[str] = []
    for id_ in desired.delete_lists:
        item = existing.list_by_id.get(id_)
        if item is None:
            continue
        users = _list_users(item, desired, existing)
        if not prune:
            findings.append(_orphan(item.resource))
        elif users:
            findings.append(_in_use(item.resource, users))
        else:
            kept.append(id_)
    return tuple(kept)


def _list_users(item: PrefixList, desired: Desired, existing: Snapshot) -> list[str]:
    """Groups here whose rules name it in the end, and whatever else names it, in other VPCs or accounts. Who was not
    asked for counts as a user."""
    if item.users is None:
        return ["something that may not be read (GetManagedPrefixListAssociations)"]
    final = existing.group_by_id | {group.group_id: group for group in desired.groups}
    for gone in desired.delete_groups:
        final.pop(gone, None)
    here = [
        f"a rule of {group.resource}"
        for group in final.values()
        if any(str(rule.peer) == item.prefix_list_id for rule in group.rules)
    ]
    return here + [user for user in item.users if user not in existing.group_by_id]


def _orphan(resource: Resource) -> Finding:
    return Finding(
        "copy-without-source", "note", resource, "its source is gone", "--prune deletes it if it is unused"
    )


def _in_use(resource: Resource, users: Sequence[str]) -> Finding:
    more = f" and {len(users) - 3} more" if len(users) > 3 else ""
    message = f"its source is gone, but {', '.join(users[:3])}{more} still uses it, so it stays"
    return Finding("prune-in-use", "warning", resource, message)
