"""What a route is made from: the allowed changes, and the two firewalls between which they lead."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from twinwall.model.firewall import Snapshot, ref_name
from twinwall.model.net import Family
from twinwall.model.rules import Direction, SecurityGroupRule
from twinwall.planning import changes as c
from twinwall.planning.compare import Universe
from twinwall.planning.desired import Desired
from twinwall.planning.guards import peak_weights
from twinwall.planning.pairing import universe_of
from twinwall.planning.quotas import Quotas, list_weight, rule_counts
from twinwall.planning.replay import Replay, after
from twinwall.planning.usage import Usage


@dataclass(frozen=True)
class Given:
    """``strict``: ACLs go through the intersection. ``allow_gap``: where no gap-free order is found, one with
    the smallest gap is taken, and told."""

    changes: Sequence[c.Change]
    desired: Desired
    existing: Snapshot
    quotas: Quotas
    strict: bool = False
    allow_gap: bool = False

    @cached_property
    def goal(self) -> Replay:
        """The target when all changes were made."""
        return after(self.existing, self.changes)

    @cached_property
    def before(self) -> Replay:
        return Replay.of(self.existing)

    @cached_property
    def usage(self) -> Usage:
        return Usage.of(self.existing)

    @cached_property
    def weights(self) -> dict[str, int | None]:
        """What a rule that names a list counts while the plan is carried out, at most."""
        return peak_weights(self.desired, self.existing, self.changes)

    @cached_property
    def universe(self) -> Universe:
        return universe_of(self.desired, self.existing)

    @cached_property
    def by_thing(self) -> dict[str, list[c.Change]]:
        found: dict[str, list[c.Change]] = defaultdict(list)
        for change in self.changes:
            found[change.resource.id].append(change)
        return found

    @cached_property
    def groups_move(self) -> bool:
        """Rules of groups that guard packets change, or lists."""
        rules, lists = c.AuthorizeRules | c.RevokeRules, c.ModifyManagedPrefixList
        return any(
            (isinstance(change, rules) and self.usage.guards(change.resource.id))
            or (isinstance(change, lists) and ref_name(change.resource.id) is None)
            for change in self.changes
        )

    def fits(self, rules: Iterable[SecurityGroupRule]) -> bool:
        """Whether a group may hold these rules at any moment."""
        return not self._over(rules, self.weights)

    def fits_before_growth(
        self, start: Iterable[SecurityGroupRule]
    ) -> Callable[[Iterable[SecurityGroupRule]], bool]:
        """Whether a group that holds ``start`` may hold other rules while no list has grown yet: if that brings it no
        further from what fits then."""
        most = self._over(start, self.weights)
        now = {item.prefix_list_id: list_weight(item) for item in self.existing.prefix_lists or ()}

        def fits(rules: Iterable[SecurityGroupRule]) -> bool:
            over = self._over(rules, self.weights)
            return all(over[key] <= most.get(key, 0) for key in over) and not self._over(
                rules, {**self.weights, **now}
            )

        return fits

    def _over(
        self, rules: Iterable[SecurityGroupRule], weights: Mapping[str, int | None]
    ) -> dict[tuple[Direction, Family], int]:
        """By how many rules it is too much."""
        limit = self.quotas.rules_per_group
        return {key: count - limit for key, count in rule_counts(rules, weights).items() if count > limit}
