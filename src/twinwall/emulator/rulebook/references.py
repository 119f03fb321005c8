"""Which groups and lists a rule may name, and what becomes of the names (aws-facts 1.8)."""

from collections.abc import Iterator, Mapping
from typing import Any

from twinwall.emulator.network import Peering
from twinwall.emulator.refusal import invalid, missing, not_found, refuse
from twinwall.emulator.rulebook.names import check_group_id
from twinwall.emulator.state import Call
from twinwall.model.firewall import SecurityGroup
from twinwall.model.rules import GroupPeer, Peer, PrefixListPeer, SecurityGroupRule


def find_group(call: Call, group_id: str) -> SecurityGroup:
    """The caller's own group in this Region, or EC2's refusal."""
    found = call.here.groups.get(group_id)
    if found is None:
        check_group_id(group_id)
        not_found("sg", group_id)
    return found


def addressed_group(call: Call) -> SecurityGroup:
    """By GroupId, or by GroupName in the default VPC (API: AuthorizeSecurityGroupIngressRequest)."""
    if call.params.get("GroupId"):
        return find_group(call, call.params["GroupId"])
    name = call.params.get("GroupName")
    if not name:
        missing("groupId")
    return group_in_default_vpc(call, name)


def group_in_default_vpc(call: Call, name: str) -> SecurityGroup:
    vpc = call.network.default_vpc(call.account, call.region)
    for group in call.here.groups.values():
        if vpc and group.vpc_id == vpc.vpc_id and same_name(group.group_name, name):
            return group
    return refuse("InvalidGroup.NotFound", f"The security group '{name}' does not exist in default VPC")


def same_name(name: str, other: str) -> bool:
    """Names are compared without case, trailing spaces cut (aws-facts 1.2)."""
    return name.rstrip(" ").lower() == other.rstrip(" ").lower()


def named_pair(item: Mapping[str, Any]) -> GroupPeer:
    """A pair as it is written, unchecked: to find a rule that stands, stale ones too."""
    group_id = item.get("GroupId") or item.get("GroupName") or missing("groupId")
    return GroupPeer(group_id)


def resolve_pair(call: Call, group: SecurityGroup, item: Mapping[str, Any]) -> GroupPeer:
    """A pair in a new rule of ``group``: same VPC, an associated one, or one peered with it."""
    if not item.get("GroupId"):
        return _pair_by_name(call, group, item)
    group_id = str(item["GroupId"])
    user_id = item.get("UserId")
    for account in [user_id] if user_id else [call.account, *sorted(call.world.accounts - {call.account})]:
        found = call.world.at(account, call.region).groups.get(group_id) if _held(call, account) else None
        if found:
            return _reach(call, group, found)
    check_group_id(group_id)
    if _is_beyond(call, user_id) and call.world.switches.trust_unknown_accounts:
        vpc_id, peering_id = item.get("VpcId") or "", item.get("VpcPeeringConnectionId") or ""
        return GroupPeer(group_id, str(user_id), vpc_id, peering_id)
    return not_found("sg", group_id)


def _is_beyond(call: Call, account: str | None) -> bool:
    """An account (12 digits, unlike ``amazon-elb``) of which nothing is known here."""
    return account is not None and account.isdigit() and not _held(call, account)


def _held(call: Call, account: str) -> bool:
    return account in call.world.accounts


def _pair_by_name(call: Call, group: SecurityGroup, item: Mapping[str, Any]) -> GroupPeer:
    name = item.get("GroupName") or missing("groupId")
    vpc = call.network.vpc(call.account, call.region, group.vpc_id)
    if vpc is None or not vpc.is_default:
        invalid(
            f"Invalid value '{name}' for groupName. You may not reference Amazon VPC security groups by name. "
            "Please use the corresponding id for this operation."
        )
    return GroupPeer(group_in_default_vpc(call, name).group_id, call.account)


def _reach(call: Call, group: SecurityGroup, other: SecurityGroup) -> GroupPeer:
    if _share_a_vpc(call, group, other):
        return GroupPeer(other.group_id, other.owner_id)
    peering = active_peering(call, group.vpc_id, other.vpc_id)
    if peering is None:
        not_found("sg", other.group_id)
    return GroupPeer(other.group_id, other.owner_id, other.vpc_id, peering.id, peering.status)


def _share_a_vpc(call: Call, group: SecurityGroup, other: SecurityGroup) -> bool:
    """Of one account, or of two in a VPC that is shared between them (aws-facts 1.9)."""
    if other.owner_id != group.owner_id:
        return other.vpc_id == group.vpc_id
    return bool(usable_vpcs(call, group) & usable_vpcs(call, other))


def usable_vpcs(call: Call, group: SecurityGroup) -> set[str]:
    """The VPC of its creation and those it is associated with (aws-facts 1.9)."""
    associated = {
        association.vpc_id
        for association in call.here.associations.values()
        if association.group_id == group.group_id and association.state == "associated"
    }
    return {group.vpc_id, *associated}


def active_peering(call: Call, vpc_id: str, other: str) -> Peering | None:
    for peering in call.network.peerings(call.account, call.region):
        if peering.joins(vpc_id, other) and peering.status == "active":
            return peering
    return None


def resolve_list(call: Call, list_id: str) -> PrefixListPeer:
    """emulators.md: an unknown list in a rule is InvalidPrefixListId.NotFound (with a small d)."""
    if list_id not in call.here.lists:
        refuse("InvalidPrefixListId.NotFound", f"The prefix list ID '{list_id}' does not exist")
    return PrefixListPeer(list_id)


# --- what has become of a reference


def group_anywhere(call: Call, peer: GroupPeer) -> SecurityGroup | None:
    account = peer.user_id or call.account
    return call.world.at(account, call.region).groups.get(peer.group_id) if _held(call, account) else None


def current_peer(call: Call, peer: GroupPeer, statuses: Mapping[str, str]) -> GroupPeer:
    """A pair across a peering as it stands today: its status, and no account once the group is gone
    (API: UserIdGroupPair)."""
    if not peer.peering_connection_id or peer.peering_connection_id not in statuses:
        return peer
    gone = group_anywhere(call, peer) is None
    return GroupPeer(
        peer.group_id,
        "" if gone else peer.user_id,
        peer.vpc_id,
        peer.peering_connection_id,
        statuses[peer.peering_connection_id],
        peer.group_name,
    )


def is_stale(call: Call, group: SecurityGroup, rule: SecurityGroupRule) -> bool:
    """It names a deleted group, or one across a peering that is gone, or through a VPC association that is
    (API: DescribeStaleSecurityGroups). A re-created peering makes it good again."""
    peer = rule.peer
    if not isinstance(peer, GroupPeer) or peer.group_id == group.group_id:
        return False
    other = group_anywhere(call, peer)
    if other is None:
        return peer.user_id in call.world.accounts
    if _share_a_vpc(call, group, other):
        return False
    return active_peering(call, group.vpc_id, other.vpc_id) is None


def referring(call: Call, named: SecurityGroup) -> Iterator[tuple[SecurityGroup, SecurityGroupRule]]:
    """Rules of other groups in this Region, of any account, that name this one."""
    peer = GroupPeer(named.group_id)
    for held in call.world.in_region(call.region):
        for group in held.groups.values():
            for rule in group.rules if group is not named else ():
                if rule.peer == peer and _account_of(rule.peer, group) == named.owner_id:
                    yield group, rule


def _account_of(peer: Peer, group: SecurityGroup) -> str:
    """Of a pair that names no account, the group's own."""
    return peer.user_id or group.owner_id if isinstance(peer, GroupPeer) else ""
