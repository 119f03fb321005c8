"""A snapshot document's firewall as an account's own: what both embedded AWS put into their state.

Nothing is validated: what a document holds (stale references, equal names, odd ones, groups over quota) is what a
real account was found to hold.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from twinwall.emulator.rulebook.show import flat_rule
from twinwall.emulator.state import Holdings, ListState, Put, apply
from twinwall.model.firewall import NetworkAcl, PrefixList, SecurityGroup, Snapshot, Vpc
from twinwall.model.net import parse_cidr
from twinwall.model.rules import GroupPeer, SecurityGroupRule
from twinwall.model.wire import parse_tags

FALLBACK = parse_cidr("10.0.0.0/16")
"""The block of a VPC that a document mentions and does not describe."""


def vpcs_of(snapshot: Snapshot) -> list[Vpc]:
    known = {vpc.vpc_id: vpc for vpc in snapshot.vpcs or ()}
    return [known.get(vpc_id) or Vpc(vpc_id, "", (FALLBACK,)) for vpc_id in snapshot.vpc_ids()]


def owned_groups(snapshot: Snapshot, document: Mapping[str, Any], account: str) -> Iterator[SecurityGroup]:
    """The groups of its VPCs as ``account``'s, with the rule ids and tags that the document holds."""
    groups = [_owned(group, snapshot.owner_id, account) for group in snapshot.groups if group.vpc_id]
    return _with_known_rules(groups, document.get("SecurityGroupRules") or ())


def _owned(group: SecurityGroup, owner: str, account: str) -> SecurityGroup:
    olds = {owner, group.owner_id}

    def moved(rule: SecurityGroupRule) -> SecurityGroupRule:
        if isinstance(rule.peer, GroupPeer) and rule.peer.user_id in olds:
            return replace(rule, peer=replace(rule.peer, user_id=account))
        return rule

    return replace(group, owner_id=account, rules=tuple(map(moved, group.rules)))


def _with_known_rules(
    groups: Iterable[SecurityGroup], items: Iterable[Mapping[str, Any]]
) -> Iterator[SecurityGroup]:
    """The ids and tags that DescribeSecurityGroupRules answered, where the document holds them."""
    known = {_rule_key(item): item for item in items}
    for group in groups:
        rules = []
        for rule in group.rules:
            item = known.get(_key_of(group, rule))
            if item is not None:
                rule_id = str(item["SecurityGroupRuleId"])
                rule = replace(rule, rule_id=rule_id, tags=parse_tags(item.get("Tags")))  # noqa: PLW2901
            rules.append(rule)
        yield replace(group, rules=tuple(rules))


def _rule_key(item: Mapping[str, Any]) -> tuple[Any, ...]:
    referenced = (item.get("ReferencedGroupInfo") or {}).get("GroupId")
    peer = item.get("CidrIpv4") or item.get("CidrIpv6") or item.get("PrefixListId") or referenced
    ends = (item.get("FromPort", -1), item.get("ToPort", -1))
    return item["GroupId"], bool(item["IsEgress"]), str(item["IpProtocol"]), ends, str(peer)


def _key_of(group: SecurityGroup, rule: SecurityGroupRule) -> tuple[Any, ...]:
    shown = flat_rule(rule)
    ends = (shown["FromPort"], shown["ToPort"])
    return group.group_id, shown["IsEgress"], shown["IpProtocol"], ends, str(rule.peer)


def owned_acl(acl: NetworkAcl, account: str, ids: Callable[[str], str]) -> NetworkAcl:
    associations = tuple(
        replace(a, association_id=a.association_id or ids("aclassoc")) for a in acl.associations
    )
    return replace(acl, owner_id=account, associations=associations)


def put_list(held: Holdings, item: PrefixList, old_region: str, owner: str) -> None:
    """AWS's own take the place of the one of that name here; the others are the account's."""
    if item.aws_managed:
        name = item.name.replace(f"com.amazonaws.{old_region}.", f"com.amazonaws.{held.region}.")
        same = [state for state in held.lists.values() if state.value.name == name]
        for state in same:
            del held.lists[state.key]
        entries = item.entries if item.entries is not None else (same[0].value.entries if same else None)
        value = replace(item, name=name, owner_id="AWS", state="create-complete", entries=entries)
    else:
        value = replace(
            item,
            owner_id=held.account if item.owner_id in ("", owner) else item.owner_id,
            max_entries=item.max_entries or max(1, len(item.entries or ())),
            version=item.version or 1,
            state=item.state or "create-complete",
        )
    history = ((value.version or 1, value.entries or ()),)
    apply(held, [Put(ListState(value, history))])
