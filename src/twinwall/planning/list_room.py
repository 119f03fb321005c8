"""A list that grows weighs more in every group that names it, from that call on: is there room, in any order that the
route allows? EC2 would refuse the call, in the middle of the run."""

from collections.abc import Iterator

from twinwall.errors import QuotaExceeded
from twinwall.model.firewall import Resource, SecurityGroup, Snapshot
from twinwall.planning import changes as c
from twinwall.planning.order import Route, Step
from twinwall.planning.promise.moves import Move, Rules, moves_of
from twinwall.planning.promise.reach import Reach
from twinwall.planning.quotas import Quotas, list_weight, rule_counts

Growth = tuple[int, Resource, int]
"""Position, list, MaxEntries from then on."""


def check_list_room(route: Route, existing: Snapshot, quotas: Quotas) -> None:
    """Raises ``QuotaExceeded``."""
    grown = list(_growths(route, existing))
    if not grown:
        return
    own, reach = moves_of(route)[0], Reach.of(route)
    weights = {item.prefix_list_id: list_weight(item) for item in existing.prefix_lists or ()}
    for position, resource, size in grown:
        weights[resource.id] = size
        for group in existing.groups:
            rules = _may_hold(group, own.get(group.group_id, ()), reach, position)
            if not any(str(rule.peer) == resource.id for rule in rules):
                continue
            for (way, family), count in sorted(rule_counts(rules, weights).items(), key=str):
                if count > quotas.rules_per_group:
                    raise QuotaExceeded(
                        f"planning {resource}: while it holds both its old and its new entries, {group.resource} would "
                        f"have {count} IPv{family} {way.value} rules, the quota is {quotas.rules_per_group}; ask AWS "
                        "for a higher quota, or change the group's other rules first"
                    )


def _growths(route: Route, existing: Snapshot) -> Iterator[Growth]:
    """Of lists that are there. A list's calls are one after the other."""
    sizes = {item.prefix_list_id: item.max_entries or 0 for item in existing.prefix_lists or ()}
    for position, item in enumerate(route):
        change = item.change if isinstance(item, Step) else None
        if (
            isinstance(change, c.ModifyManagedPrefixList)
            and change.max_entries
            and change.resource.id in sizes
        ):
            if change.max_entries > sizes[change.resource.id]:
                yield position, change.resource, change.max_entries
            sizes[change.resource.id] = change.max_entries


def _may_hold(group: SecurityGroup, moves: list[Move] | tuple[()], reach: Reach, position: int) -> Rules:
    """All that it may hold when that call is carried out."""
    rules = set(group.rules)
    for move in moves:
        if reach.before[position] >> move.position & 1:
            rules -= move.losses
        if not reach.before[move.position] >> position & 1:
            rules |= move.gains
    return frozenset(rules)
