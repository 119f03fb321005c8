"""Existing + desired → changes, unordered and not yet judged: what each object lacks and has too much.

desired            existing         changes
group, new         –                create; what EC2 would give it is known (the default egress)
group              group            authorize, describe, revoke, tag
ACL, new           –                create, entries
ACL                ACL              entries created, replaced, deleted; tag
list, new          –                create with up to 100 entries, the rest in further calls
list               list             grow, add, remove, shrink; tag
association        another ACL      replace
delete_*           unused           references revoked, deleted
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from twinwall.model.firewall import (
    NetworkAcl,
    PrefixList,
    PrefixListEntry,
    SecurityGroup,
    Snapshot,
)
from twinwall.model.net import ALL_PROTOCOLS, ANY_IPV4, ANY_IPV6
from twinwall.model.rules import CidrPeer, Direction, GroupPeer, SecurityGroupRule, Tags, Traffic
from twinwall.planning import changes as c
from twinwall.planning.desired import Desired

LIST_BATCH = 100
"""Entries one Create- or ModifyManagedPrefixList takes (API)."""


def default_egress(*, ipv6: bool) -> tuple[SecurityGroupRule, ...]:
    """What EC2 gives a new group: all traffic to anywhere, IPv6 where the VPC has it (aws-facts 1.3)."""
    blocks = (ANY_IPV4, ANY_IPV6) if ipv6 else (ANY_IPV4,)
    return tuple(
        SecurityGroupRule(Direction.EGRESS, Traffic(ALL_PROTOCOLS), CidrPeer(cidr)) for cidr in blocks
    )


def diff(desired: Desired, existing: Snapshot, *, redescribe: bool = False) -> tuple[c.Change, ...]:
    """Every change that would make ``existing`` what is desired, whatever the policy. ``redescribe``: also entries of
    prefix lists that differ only in their description, which have to go and come back."""
    return tuple(_Diff(desired, existing, redescribe).changes())


def lacking(wanted: Tags, existing: Tags) -> Tags:
    """The tags that are missing or have another value; the target's own stay."""
    held = dict(existing)
    return tuple((key, value) for key, value in wanted if held.get(key) != value)


@dataclass(frozen=True)
class _Diff:
    desired: Desired
    existing: Snapshot
    redescribe: bool = False

    def changes(self) -> Iterator[c.Change]:
        for item in self.desired.lists:
            yield from self._list(item)
        for group in self.desired.groups:
            yield from self._group(group)
        for acl in self.desired.acls:
            yield from self._acl(acl)
        yield from self._associations()
        yield from self._untagged()
        yield from self._deletions()

    def _copying(self, id_: str) -> str:
        source = self.desired.sources.get(id_)
        return self.desired.purpose or (f"copy of {source}" if source else "wanted")

    def _extra(self) -> str:
        return self.desired.purpose or "not in the source"

    # --- groups

    def _group(self, group: SecurityGroup) -> Iterator[c.Change]:
        existing = self.existing.group_by_id.get(group.group_id)
        why = self._copying(group.group_id)
        if existing is None:
            yield c.CreateSecurityGroup(
                resource=group.resource,
                reason=why,
                group_name=group.group_name,
                description=group.description,
                vpc_id=group.vpc_id,
                tags=group.tags,
            )
            yield from self._rules(group, self._born_with(group), why)
            return
        if tags := lacking(group.tags, existing.tags):
            yield c.CreateTags(resource=existing.resource, reason=why, tags=tags)
        yield from self._rules(group, existing.rules, why)

    def _born_with(self, group: SecurityGroup) -> tuple[SecurityGroupRule, ...]:
        vpc = self.existing.vpc_by_id.get(group.vpc_id)
        return default_egress(ipv6=bool(vpc and vpc.ipv6_cidrs))

    def _rules(
        self, group: SecurityGroup, existing: Sequence[SecurityGroupRule], why: str
    ) -> Iterator[c.Change]:
        new = group.group_id not in self.existing.group_by_id
        tagged = {rule for rule in group.rules if new and rule.tags}  # EC2's own would have no tags
        held = {rule: rule for rule in existing if rule not in tagged}
        wanted = set(group.rules) - tagged
        for direction in Direction:
            add = [rule for rule in group.rules if rule.direction is direction and rule not in held]
            extra = [rule for rule in existing if rule.direction is direction and rule not in wanted]
            describe = [
                rule
                for rule in group.rules
                if rule.direction is direction and rule in held and rule.description != held[rule].description
            ]
            for rules in _by_tags(add):
                yield c.AuthorizeRules(resource=group.resource, reason=why, direction=direction, rules=rules)
            if describe:
                yield c.UpdateRuleDescriptions(
                    resource=group.resource,
                    reason=self.desired.purpose or "its description changed",
                    direction=direction,
                    rules=tuple(describe),
                )
            if extra:
                reason = "EC2 gives it to every new group, the source lacks it" if new else self._extra()
                yield c.RevokeRules(
                    resource=group.resource,
                    reason=reason,
                    direction=direction,
                    rules=tuple(extra),
                    missing_ok=new,
                )
        yield from self._rule_tags(group, held, why)

    def _rule_tags(
        self, group: SecurityGroup, held: dict[SecurityGroupRule, SecurityGroupRule], why: str
    ) -> Iterator[c.Change]:
        """Tags of rules that exist; rule ids are known only where they were read (``--rule-tags``)."""
        for rule in group.rules:
            twin = held.get(rule)
            if twin and twin.rule_id and (tags := lacking(rule.tags, twin.tags)):
                yield c.CreateTags(
                    resource=group.resource, reason=why, tags=tags, resource_ids=(twin.rule_id,)
                )

    # --- ACLs

    def _acl(self, acl: NetworkAcl) -> Iterator[c.Change]:
        existing = next((a for a in self.existing.acls or () if a.network_acl_id == acl.network_acl_id), None)
        why = self._copying(acl.network_acl_id)
        if existing is None:
            yield c.CreateNetworkAcl(resource=acl.resource, reason=why, vpc_id=acl.vpc_id, tags=acl.tags)
        elif tags := lacking(acl.tags, existing.tags):
            yield c.CreateTags(resource=existing.resource, reason=why, tags=tags)
        held = {entry.key: entry for entry in existing.entries} if existing else {}
        wanted = {entry.key for entry in acl.entries}
        for entry in acl.entries:
            if entry.key not in held:
                yield c.CreateNetworkAclEntry(resource=acl.resource, reason=why, entry=entry)
            elif held[entry.key] != entry:
                yield c.ReplaceNetworkAclEntry(
                    resource=acl.resource, reason=f"was {held[entry.key]}", entry=entry
                )
        for key, entry in held.items():
            if key not in wanted:
                yield c.DeleteNetworkAclEntry(resource=acl.resource, reason=self._extra(), entry=entry)

    def _associations(self) -> Iterator[c.Change]:
        now = {
            association.subnet_id: (acl, association)
            for acl in self.existing.acls or ()
            for association in acl.associations
        }
        for wanted in self.desired.associations:
            if wanted.subnet.id not in now:
                continue
            acl, association = now[wanted.subnet.id]
            if acl.network_acl_id != wanted.network_acl_id:
                yield c.ReplaceNetworkAclAssociation(
                    resource=wanted.subnet,
                    reason=self.desired.purpose or f"as {wanted.source_subnet} is; was {acl.resource}",
                    association_id=association.association_id,
                    network_acl_id=wanted.network_acl_id,
                )

    # --- prefix lists

    def _list(self, item: PrefixList) -> Iterator[c.Change]:
        existing = self.existing.list_by_id.get(item.prefix_list_id)
        why = self._copying(item.prefix_list_id)
        entries = item.entries or ()
        if existing is None:
            yield c.CreateManagedPrefixList(
                resource=item.resource,
                reason=why,
                name=item.name,
                family=item.family,
                max_entries=item.max_entries or len(entries),
                entries=entries[:LIST_BATCH],
                tags=item.tags,
            )
            for batch in _batches(entries[LIST_BATCH:], LIST_BATCH):
                yield c.ModifyManagedPrefixList(resource=item.resource, reason=why, add=batch)
            return
        if tags := lacking(item.tags, existing.tags):
            yield c.CreateTags(resource=existing.resource, reason=why, tags=tags)
        yield from self._list_entries(item, existing, why)

    def _list_entries(self, item: PrefixList, existing: PrefixList, why: str) -> Iterator[c.Change]:
        held = {entry.cidr for entry in existing.entries or ()}
        wanted = {entry.cidr for entry in item.entries or ()}
        add = [entry for entry in item.entries or () if entry.cidr not in held]
        remove = [entry for entry in existing.entries or () if entry.cidr not in wanted]
        resource = existing.resource
        room = max(item.max_entries or 0, len(held) + len(add))
        if add and room > (existing.max_entries or 0):
            yield c.ModifyManagedPrefixList(
                resource=resource, reason="room for more entries", max_entries=room
            )
        for batch in _batches(add, LIST_BATCH):
            yield c.ModifyManagedPrefixList(resource=resource, reason=why, add=batch)
        for batch in _batches(remove, LIST_BATCH):
            yield c.ModifyManagedPrefixList(resource=resource, reason=self._extra(), remove=batch)
        if self.redescribe:
            yield from _redescribed(item, existing)
        before = room if add and room > (existing.max_entries or 0) else existing.max_entries
        if item.max_entries is not None and before is not None and item.max_entries != before:
            reason = c.SHRINK if item.max_entries < before else "the source's size"
            yield c.ModifyManagedPrefixList(resource=resource, reason=reason, max_entries=item.max_entries)

    # --- what is gone

    def _deletions(self) -> Iterator[c.Change]:
        why = self.desired.purpose or "its source is gone"
        for group_id in self.desired.delete_groups:
            group = self.existing.group_by_id[group_id]
            yield from self._unlink(group, why)
            yield c.DeleteSecurityGroup(resource=group.resource, reason=why)
        for acl_id in self.desired.delete_acls:
            acl = next(a for a in self.existing.acls or () if a.network_acl_id == acl_id)
            yield c.DeleteNetworkAcl(resource=acl.resource, reason=why)
        for list_id in self.desired.delete_lists:
            yield c.DeleteManagedPrefixList(resource=self.existing.list_by_id[list_id].resource, reason=why)

    def _untagged(self) -> Iterator[c.Change]:
        things: dict[str, SecurityGroup | NetworkAcl | PrefixList] = {**self.existing.group_by_id}
        things |= {acl.network_acl_id: acl for acl in self.existing.acls or ()}
        things |= self.existing.list_by_id
        for id_, keys in self.desired.drop_tags.items():
            held = dict(things[id_].tags)
            if gone := tuple(key for key in keys if key in held):
                yield c.DeleteTags(resource=things[id_].resource, reason=self.desired.purpose, keys=gone)

    def _unlink(self, group: SecurityGroup, why: str) -> Iterator[c.Change]:
        """A group that names another one that goes too keeps it from going (DependencyViolation)."""
        doomed = set(self.desired.delete_groups)
        for direction in Direction:
            rules = tuple(
                rule
                for rule in group.rules_of(direction)
                if isinstance(rule.peer, GroupPeer) and rule.peer.group_id in doomed - {group.group_id}
            )
            if rules:
                yield c.RevokeRules(resource=group.resource, reason=why, direction=direction, rules=rules)


def _by_tags(rules: Sequence[SecurityGroupRule]) -> list[tuple[SecurityGroupRule, ...]]:
    """Rules of one Authorize call share their tags (API: TagSpecifications)."""
    batches: dict[Tags, list[SecurityGroupRule]] = {}
    for rule in rules:
        batches.setdefault(rule.tags, []).append(rule)
    return [tuple(batch) for batch in batches.values()]


def _redescribed(item: PrefixList, existing: PrefixList) -> Iterator[c.Change]:
    """EC2 has no call for an entry's description, and refuses one block in both halves of a call (aws-facts 4)."""
    held = {entry.cidr: entry for entry in existing.entries or ()}
    stays = [entry for entry in item.entries or () if entry.cidr in held]
    changed = [entry for entry in stays if entry.description != held[entry.cidr].description]
    for batch in _batches(changed, LIST_BATCH):
        old = tuple(held[entry.cidr] for entry in batch)
        yield c.ModifyManagedPrefixList(resource=existing.resource, reason=c.REDESCRIBE, remove=old)
        yield c.ModifyManagedPrefixList(resource=existing.resource, reason=c.REDESCRIBE, add=batch)


def _batches(entries: Sequence[PrefixListEntry], size: int) -> list[tuple[PrefixListEntry, ...]]:
    return [tuple(entries[start : start + size]) for start in range(0, len(entries), size)]
