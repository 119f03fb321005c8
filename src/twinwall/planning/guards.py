"""What a plan is held against before its first call: quotas. Refused if unsafe, warned if near or unknown."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from twinwall.errors import QuotaExceeded
from twinwall.model.firewall import NetworkAcl, SecurityGroup, Snapshot
from twinwall.model.rules import PrefixListPeer, SecurityGroupRule
from twinwall.planning import changes as c
from twinwall.planning.desired import Desired
from twinwall.planning.findings import Finding
from twinwall.planning.quotas import AWS_MANAGED_WEIGHTS_AS_OF, Quotas, entry_counts, list_weight, rule_counts
from twinwall.planning.replay import Replay, after


def check_quotas(
    desired: Desired, existing: Snapshot, changes: Sequence[c.Change], quotas: Quotas
) -> tuple[Finding, ...]:
    """Raises ``QuotaExceeded`` before any call; returns warnings (at the limit, weight unknown)."""
    return tuple(_Check(desired, existing, changes, quotas).findings())


def peak_weights(desired: Desired, existing: Snapshot, changes: Sequence[c.Change]) -> dict[str, int | None]:
    """List id → what a rule that names it counts while the changes are made, at most; None if not known."""
    known: dict[str, int | None] = {
        item.prefix_list_id: list_weight(item) for item in existing.prefix_lists or ()
    }
    for item in desired.lists:
        known[item.prefix_list_id] = max(known.get(item.prefix_list_id) or 0, item.max_entries or 0)
    for change in changes:  # a list that is to lose and gain entries is larger for a while
        if isinstance(change, c.ModifyManagedPrefixList) and change.max_entries:
            known[change.resource.id] = max(known.get(change.resource.id) or 0, change.max_entries)
    return known


@dataclass(frozen=True)
class _Check:
    desired: Desired
    existing: Snapshot
    changes: Sequence[c.Change]
    quotas: Quotas

    @cached_property
    def goal(self) -> Replay:
        """What will stand there: a policy that removes nothing leaves more than is desired."""
        return after(self.existing, self.changes)

    @cached_property
    def grown(self) -> frozenset[str]:
        """Lists whose size changes."""
        sized = (ch for ch in self.changes if isinstance(ch, c.ModifyManagedPrefixList) and ch.max_entries)
        return frozenset(change.resource.id for change in sized)

    def findings(self) -> Iterator[Finding]:
        self._count(
            "CreateNetworkAcl",
            len(self.existing.acls or ()),
            self.quotas.acls_per_vpc,
            "network ACLs in the VPC",
        )
        self._count(
            "CreateSecurityGroup",
            len(self.existing.groups),
            self.quotas.groups_per_region,
            "groups in the Region (those of this VPC alone)",
        )
        own_lists = [item for item in self.existing.prefix_lists or () if not item.aws_managed]
        self._count(
            "CreateManagedPrefixList",
            len(own_lists),
            self.quotas.lists_per_region,
            "prefix lists in the Region",
        )
        weights = peak_weights(self.desired, self.existing, self.changes)
        self._bystanders(weights)
        self._groups(weights)
        yield from self._unknown_weights(weights)
        touched = {change.resource.id for change in self.changes}
        for acl in self.goal.acls.values():
            if acl.network_acl_id in touched:
                yield from self._acl(acl)
        self._lists()

    def _count(self, action: str, existing: int, limit: int, what: str) -> None:
        made = sum(1 for change in self.changes if change.action == action)
        if made and existing + made > limit:
            raise QuotaExceeded(
                f"making {made} more {what}: {existing} are there, the quota is {limit}; ask AWS for a higher one"
            )

    def _groups(self, weights: Mapping[str, int | None]) -> None:
        """Those that gain, held to what they come to; the room on the way there is the order's."""
        gaining = {change.resource.id for change in self.changes if isinstance(change, c.AuthorizeRules)}
        way = "split it, or ask AWS for a higher quota"
        for id_, group in self.goal.groups.items():
            if id_ in gaining or any(str(rule.peer) in self.grown for rule in group.rules):
                self._rules(group, group.rules, weights, way)

    def _rules(
        self,
        group: SecurityGroup,
        rules: Sequence[SecurityGroupRule],
        weights: Mapping[str, int | None],
        way_out: str,
    ) -> None:
        limit = self.quotas.rules_per_group
        for (direction, family), count in sorted(rule_counts(rules, weights).items(), key=str):
            if count > limit:
                raise QuotaExceeded(
                    f"planning {group.resource}: it would have {count} IPv{family} {direction.value} rules, the quota "
                    f"is {limit} (a prefix list counts its MaxEntries, one of AWS's its weight as of "
                    f"{AWS_MANAGED_WEIGHTS_AS_OF}); {way_out}"
                )

    def _bystanders(self, weights: Mapping[str, int | None]) -> None:
        """Groups that the plan leaves alone but that name a list which grows."""
        desired = {group.group_id for group in self.desired.groups}
        for group in self.existing.groups:
            if group.group_id not in desired and any(str(rule.peer) in self.grown for rule in group.rules):
                way = "map its list to another one with --map-prefix-list, or ask AWS for a higher quota"
                self._rules(group, group.rules, weights, way)

    def _unknown_weights(self, weights: Mapping[str, int | None]) -> Iterator[Finding]:
        for group in self.desired.groups:
            for rule in group.rules:
                if isinstance(rule.peer, PrefixListPeer) and weights.get(rule.peer.prefix_list_id) is None:
                    message = (
                        f"how many rules {rule.peer} counts as is not known; EC2 may refuse it at the quota"
                    )
                    yield Finding("list-weight-unknown", "warning", group.resource, message, rule=str(rule))

    def _acl(self, acl: NetworkAcl) -> Iterator[Finding]:
        limit = self.quotas.entries_per_acl
        for direction, count in entry_counts(acl).items():
            if count > limit:
                raise QuotaExceeded(
                    f"planning {acl.resource}: it would have {count} {direction.value} entries, the quota is {limit}; "
                    "merge entries, or ask AWS for a higher quota (up to 40)"
                )
            if count == limit:
                message = (
                    f"{count} {direction.value} entries, the quota itself; EC2 may count its default deny too"
                )
                yield Finding("acl-at-quota", "warning", acl.resource, message)

    def _lists(self) -> None:
        for item in (self.goal.lists.get(item.prefix_list_id, item) for item in self.desired.lists):
            if len(item.entries or ()) > self.quotas.entries_per_list:
                raise QuotaExceeded(
                    f"planning {item.resource}: {len(item.entries or ())} entries, the quota of a list is "
                    f"{self.quotas.entries_per_list}; split it"
                )
