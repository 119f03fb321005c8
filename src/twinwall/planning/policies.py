"""A policy is a function from changes to changes: ``--policy``, ``--max-change``.

policy         adds   changes descriptions, tags, entries   removes
sync           yes    yes                                    yes
upsert-only    yes    yes                                    no: told as a finding
create-only    new    no                                     no
"""

from collections import Counter
from collections.abc import Sequence

from twinwall.errors import TooMuchChange
from twinwall.model.firewall import Snapshot, new_id, ref_name
from twinwall.planning import changes as c
from twinwall.planning.findings import Finding

MIN_RULES = 10
"""Below this many existing rules ``--max-change`` does not speak."""


def apply_policy(
    changes: Sequence[c.Change], policy: str
) -> tuple[tuple[c.Change, ...], tuple[Finding, ...]]:
    """The changes that the policy allows, and a finding for each removal that it does not."""
    if policy == "sync":
        return tuple(changes), ()
    if policy == "upsert-only":
        kept = tuple(change for change in changes if not removes(change))
        return kept, tuple(_stays(change) for change in changes if removes(change))
    new = {new_id(change.resource.type, name) for change in changes if (name := _creates(change)) is not None}
    return tuple(
        change for change in changes if change.resource.id in new or _associates_new(change, new)
    ), ()


def _creates(change: c.Change) -> str | None:
    if isinstance(change, c.CreateSecurityGroup | c.CreateNetworkAcl | c.CreateManagedPrefixList):
        return ref_name(change.resource.id)
    return None


def _associates_new(change: c.Change, new: set[str]) -> bool:
    return isinstance(change, c.ReplaceNetworkAclAssociation) and change.network_acl_id in new


def removes(change: c.Change) -> bool:
    """Takes something away that existed before the plan."""
    match change:
        case c.RevokeRules(missing_ok=missing_ok):
            return not missing_ok
        case c.ModifyManagedPrefixList(remove=remove, reason=reason):
            return bool(remove) or reason == c.SHRINK
        case (
            c.DeleteNetworkAclEntry()
            | c.DeleteSecurityGroup()
            | c.DeleteNetworkAcl()
            | c.DeleteManagedPrefixList()
        ):
            return True
        case _:
            return False


def _stays(change: c.Change) -> Finding:
    what = ", ".join(map(str, removed(change))) or "its size"
    return Finding(
        "extra-stays", "warning", change.resource, f"not in the source, but --policy upsert-only keeps {what}"
    )


def removed(change: c.Change) -> tuple[object, ...]:
    """The rules or entries that a change takes away."""
    match change:
        case c.RevokeRules(rules=rules, missing_ok=False):
            return rules
        case c.DeleteNetworkAclEntry(entry=entry):
            return (entry,)
        case c.ModifyManagedPrefixList(remove=remove):
            return remove
        case _:
            return ()


def check_max_change(changes: Sequence[c.Change], existing: Snapshot, percent: float) -> None:
    """Refuses more removals *without replacement* than ``percent`` of the existing rules, per group or ACL
    and in all; fewer than ten existing rules are nobody's worry. A removal is replaced where its object
    gains a rule of the same direction in the same plan. Copies that ``--prune`` deletes guard nothing and do
    not count. Raises ``TooMuchChange``."""
    sizes = {group.group_id: (group.resource, len(group.rules)) for group in existing.groups}
    sizes |= {acl.network_acl_id: (acl.resource, len(acl.entries)) for acl in existing.acls or ()}
    lists = [item for item in existing.prefix_lists or () if not item.aws_managed]
    sizes |= {item.prefix_list_id: (item.resource, len(item.entries or ())) for item in lists}
    lost = _net_losses(changes)
    for id_, count in sorted(lost.items()):
        if id_ in sizes:
            _check(count, sizes[id_][1], percent, str(sizes[id_][0]))
    _check(sum(lost.values()), sum(size for _, size in sizes.values()), percent, "the whole target")


def _net_losses(changes: Sequence[c.Change]) -> Counter[str]:
    gained: Counter[tuple[str, object]] = Counter()
    lost: Counter[tuple[str, object]] = Counter()
    for change in changes:
        if isinstance(change, c.AuthorizeRules):
            gained[change.resource.id, change.direction] += len(change.rules)
        elif isinstance(change, c.CreateNetworkAclEntry):
            gained[change.resource.id, change.entry.direction] += 1
        elif isinstance(change, c.ModifyManagedPrefixList):
            gained[change.resource.id, None] += len(change.add)
        for item in removed(change):
            lost[change.resource.id, getattr(item, "direction", None)] += 1
    net: Counter[str] = Counter()
    for (id_, direction), count in lost.items():
        net[id_] += max(0, count - gained[id_, direction])
    return net


def _check(lost: int, size: int, percent: float, what: str) -> None:
    if size >= MIN_RULES and lost * 100 > percent * size:
        raise TooMuchChange(
            f"planning {what}: {lost} of {size} existing rules would go without replacement, "
            f"{lost * 100 / size:.0f} % where --max-change allows {percent:g} %; look at the plan, then --force"
        )
