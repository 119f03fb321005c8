"""What a route is made from: the allowed changes, and the two firewalls between which they lead."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from twinwall.model.firewall import Snapshot, ref_name
from twinwall.model.rules import SecurityGroupRule
from twinwall.planning import changes as c
from twinwall.planning.compare import Universe
from twinwall.planning.desired import Desired
from twinwall.planning.guards import peak_weights
from twinwall.planning.pairing import universe_of
from twinwall.planning.quotas import Quotas, rule_counts
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
        """Whether a group may hold these rules at one moment."""
        return all(
            count <= self.quotas.rules_per_group for count in rule_counts(rules, self.weights).values()
        )
