"""The rules of a group: authorized, revoked, modified, described anew (aws-facts 1.1, 1.4 to 1.8)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from twinwall.emulator.index import identity
from twinwall.emulator.refusal import Refusal, invalid, missing, not_found, refuse, unsuitable
from twinwall.emulator.rulebook.counting import check_rule_quota
from twinwall.emulator.rulebook.names import check_rule_description, tags_for
from twinwall.emulator.rulebook.permissions import given_permissions, read_permissions
from twinwall.emulator.rulebook.references import (
    addressed_group,
    group_in_default_vpc,
    named_pair,
    resolve_list,
    resolve_pair,
)
from twinwall.emulator.rulebook.show import revoked_document, rule_document
from twinwall.emulator.state import Answer, Call, Put, Rewrite, with_rules
from twinwall.model.firewall import SecurityGroup
from twinwall.model.net import protocol_name
from twinwall.model.rules import CidrPeer, Direction, GroupPeer, Peer, SecurityGroupRule
from twinwall.model.wire import permissions

IN, OUT = Direction.INGRESS, Direction.EGRESS
ABSENT = "The specified rule does not exist in this security group."


def authorize(call: Call, direction: Direction) -> Answer:
    """All or nothing, unless a switch says otherwise. A twin inside the request is InvalidParameterValue, one in
    the group InvalidPermission.Duplicate; the description is no part of a rule (aws-facts 1.5)."""
    group = addressed_group(call)
    given = given_permissions(call.params, direction)
    if not given:
        missing("ipPermissions")
    tags = tags_for(call, "security-group-rule")
    rules = read_permissions(
        given,
        direction,
        lambda item: resolve_pair(call, group, item),
        lambda list_id: resolve_list(call, list_id),
        call.world.switches.ampersand_in_peer_descriptions,
    )
    rules, refusal = _taken(call, group, rules)
    ids = call.world.ids
    made = tuple(
        SecurityGroupRule(direction, rule.traffic, rule.peer, rule.description, tags, ids("sgr"))
        for rule in rules
    )
    effect = Rewrite(with_rules(group, (*group.rules, *made)), made)
    if refusal is not None:
        refusal.done = (effect,)
        raise refusal
    shown = [rule_document(call, group, rule) for rule in made]
    return Answer({"Return": True, "SecurityGroupRules": shown}, (effect,))


def _taken(
    call: Call, group: SecurityGroup, rules: list[SecurityGroupRule]
) -> tuple[list[SecurityGroupRule], Refusal | None]:
    """The rules that come into the group, and why the others do not."""
    step = len(rules) if call.world.switches.authorize_all_or_nothing else 1
    for end in range(step, len(rules) + 1, step):
        try:
            _check_new(call, group, rules[:end])
            check_rule_quota(call, group, rules[:end])
        except Refusal as refusal:
            return rules[: end - step], refusal
    return rules, None


def _check_new(call: Call, group: SecurityGroup, rules: Sequence[SecurityGroupRule]) -> None:
    given = {identity(rule): rule for rule in rules}
    if len(given) < len(rules):
        invalid("The same permission must not appear multiple times")
    existing = call.here.index(group).rules
    for key, rule in given.items():
        if key in existing:
            refuse("InvalidPermission.Duplicate", f'the specified rule "{spelled(rule)}" already exists')


def spelled(rule: SecurityGroupRule) -> str:
    """``peer: 0.0.0.0/0, TCP, from port: 22, to port: 22, ALLOW``, as EC2 words it."""
    traffic = rule.traffic
    name = "ALL" if traffic.protocol == -1 else protocol_name(traffic.protocol).upper()
    ports = "" if traffic.first is None else f", from port: {traffic.first}, to port: {traffic.last}"
    return f"peer: {rule.peer}, {name}{ports}, ALLOW"


# --- revoked


def revoke(call: Call, direction: Direction) -> Answer:
    """By rule ids or by properties. A property that matches nothing: in the default VPC it is answered in
    UnknownIpPermissions, elsewhere it fails and nothing is revoked (aws-facts trap 3)."""
    group = addressed_group(call)
    ids = call.params.get("SecurityGroupRuleIds") or ()
    given = given_permissions(call.params, direction)
    if ids and given:
        unsuitable("The parameters securityGroupRuleIds and ipPermissions may not be used together")
    if ids:
        gone = [_rule_with_id(call, group, id_, direction) for id_ in ids]
        return _revoked(group, gone, ())
    if not given:
        missing("ipPermissions")
    wanted = read_permissions(given, direction, lambda item: _standing_pair(call, item))
    existing = call.here.index(group).rules
    unknown = [rule for rule in wanted if identity(rule) not in existing]
    if unknown and not _in_default_vpc(call, group):
        refuse("InvalidPermission.NotFound", ABSENT)
    known = [existing[key] for key in map(identity, wanted) if key in existing]
    return _revoked(group, known, unknown)


def _standing_pair(call: Call, item: Any) -> GroupPeer:
    if item.get("GroupId") or item.get("UserId") == "amazon-elb":
        return named_pair(item)
    return GroupPeer(group_in_default_vpc(call, item.get("GroupName") or missing("groupId")).group_id)


def _in_default_vpc(call: Call, group: SecurityGroup) -> bool:
    vpc = call.network.vpc(call.account, call.region, group.vpc_id)
    return vpc is not None and vpc.is_default


def _revoked(
    group: SecurityGroup, gone: Iterable[SecurityGroupRule], unknown: Iterable[SecurityGroupRule]
) -> Answer:
    leaving = {rule.rule_id for rule in gone}
    kept = tuple(rule for rule in group.rules if rule.rule_id not in leaving)
    left = tuple(rule for rule in group.rules if rule.rule_id in leaving)
    output = {
        "Return": True,
        "UnknownIpPermissions": permissions(unknown),
        "RevokedSecurityGroupRules": [revoked_document(group, rule) for rule in left],
    }
    return Answer(output, (Rewrite(with_rules(group, kept), (), left),))


def _rule_with_id(
    call: Call, group: SecurityGroup, rule_id: str, direction: Direction | None = None
) -> SecurityGroupRule:
    rule = call.here.index(group).by_id.get(rule_id)
    if rule is None or direction not in (None, rule.direction):
        not_found("sgr", rule_id)
    return rule


# --- modified in place


def modify(call: Call) -> Answer:
    """API: ModifySecurityGroupRules. The body replaces the rule; the kind of its peer may not change."""
    group = addressed_group(call)
    updates: dict[str, SecurityGroupRule] = {}
    for update in call.params["SecurityGroupRules"]:
        rule_id = update.get("SecurityGroupRuleId") or missing("SecurityGroupRuleId")
        old = _rule_with_id(call, group, rule_id)
        if rule_id in updates:
            invalid("The same permission must not appear multiple times")
        updates[rule_id] = _modified(call, group, old, update.get("SecurityGroupRule") or {})
    switches = call.world.switches
    if switches.modify_all_or_nothing and not switches.modify_refuses_passing_twins:
        return Answer({"Return": True}, (_rewritten(call, group, updates),))
    return _one_after_another(call, group, updates)


def _rewritten(call: Call, group: SecurityGroup, updates: Mapping[str, SecurityGroupRule]) -> Rewrite:
    changed = tuple(updates.get(rule.rule_id, rule) for rule in group.rules)
    if len(set(changed)) < len(changed):
        refuse("InvalidPermission.Duplicate", "the specified rule already exists")
    gone = tuple(rule for rule in group.rules if rule.rule_id in updates)
    come = tuple(updates[rule.rule_id] for rule in gone)
    check_rule_quota(call, group, come, gone)
    return Rewrite(with_rules(group, changed), come, gone)


def _one_after_another(call: Call, group: SecurityGroup, updates: Mapping[str, SecurityGroupRule]) -> Answer:
    done: dict[str, SecurityGroupRule] = {}
    effect: Rewrite | None = None
    for rule_id, rule in updates.items():
        done[rule_id] = rule
        try:
            effect = _rewritten(call, group, done)
        except Refusal as refusal:
            if effect is not None and not call.world.switches.modify_all_or_nothing:
                refusal.done = (effect,)
            raise
    return Answer({"Return": True}, (effect,) if effect else ())


def _modified(call: Call, group: SecurityGroup, old: SecurityGroupRule, body: Any) -> SecurityGroupRule:
    sections = {
        "CidrIpv4": ("IpRanges", "CidrIp"),
        "CidrIpv6": ("Ipv6Ranges", "CidrIpv6"),
        "PrefixListId": ("PrefixListIds", "PrefixListId"),
        "ReferencedGroupId": ("UserIdGroupPairs", "GroupId"),
    }
    given = [key for key in sections if body.get(key)]
    if len(given) != 1:
        unsuitable("A security group rule has exactly one of cidrIpv4, cidrIpv6, prefixListId, groupId")
    section, key = sections[given[0]]
    description = body.get("Description")
    if description is None and call.world.switches.modify_keeps_description:
        description = old.description
    permission = {name: body[name] for name in ("IpProtocol", "FromPort", "ToPort") if name in body}
    permission[section] = [{key: body[given[0]], "Description": description or ""}]
    (rule,) = read_permissions(
        [permission],
        old.direction,
        lambda item: resolve_pair(call, group, item),
        lambda list_id: resolve_list(call, list_id),
        call.world.switches.ampersand_in_peer_descriptions,
    )
    if _kind(rule.peer) != _kind(old.peer):
        invalid("You cannot change the type of the source or destination of a security group rule")
    return replace(rule, rule_id=old.rule_id, tags=old.tags)


def _kind(peer: Peer) -> tuple[type, int]:
    return type(peer), peer.cidr.family if isinstance(peer, CidrPeer) else 0


# --- described anew


def update_descriptions(call: Call, direction: Direction) -> Answer:
    """API: UpdateSecurityGroupRuleDescriptions…: set, or removed where the field is left out."""
    group = addressed_group(call)
    texts = _texts_by_id(call, group, direction) | _texts_by_rule(call, group, direction)
    if not texts:
        missing("ipPermissions")
    rules = tuple(
        replace(rule, description=texts[rule.rule_id]) if rule.rule_id in texts else rule
        for rule in group.rules
    )
    return Answer({"Return": True}, (Put(replace(group, rules=rules)),))


def _texts_by_id(call: Call, group: SecurityGroup, direction: Direction) -> dict[str, str]:
    items = call.params.get("SecurityGroupRuleDescriptions") or ()
    return {
        _rule_with_id(
            call, group, item.get("SecurityGroupRuleId") or "", direction
        ).rule_id: check_rule_description(item.get("Description") or "")
        for item in items
    }


def _texts_by_rule(call: Call, group: SecurityGroup, direction: Direction) -> dict[str, str]:
    given = call.params.get("IpPermissions") or ()
    wanted = read_permissions(
        given,
        direction,
        named_pair,
        ampersand=call.world.switches.ampersand_in_peer_descriptions,
    )
    standing = {rule: rule.rule_id for rule in group.rules}
    for rule in wanted:
        if rule not in standing:
            refuse("InvalidPermission.NotFound", ABSENT)
    return {standing[rule]: rule.description for rule in wanted}
