"""Existence is shared with moto, content is not.

A VPC, a subnet, or a group that CloudFormation made in moto appears in ours; a group that the rulebook made
appears in moto, so that RunInstances can name it. Rules and entries are ours alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

from moto.ec2.models import EC2Backend
from moto.ec2.models.network_acls import NetworkAcl as MotoAcl
from moto.ec2.models.security_groups import SecurityGroup as MotoGroup

from twinwall.emulator.network import VpcFacts
from twinwall.emulator.rulebook.acls import default_acl, default_entries
from twinwall.emulator.rulebook.groups import default_group, open_egress
from twinwall.emulator.state import Drop, Effect, Holdings, Put, World, apply, with_rule_ids
from twinwall.model.firewall import NetworkAcl, NetworkAclAssociation, SecurityGroup
from twinwall.model.rules import Direction
from twinwall.model.wire import parse_group


@dataclass
class Seen:
    """What of one account's Region has been taken over: VPC → has it IPv6, and the subnets."""

    vpcs: dict[str, bool] = field(default_factory=dict)
    subnets: dict[str, str] = field(default_factory=dict)


def has_ipv6(vpc: Any) -> bool:
    return any(
        ":" in association["cidr_block"] and association["cidr_block_state"]["state"] == "associated"
        for association in vpc._cidr_block_association_set.values()  # noqa: SLF001 - copies cost ten times
    )


def facts_of(vpc: Any) -> VpcFacts:
    return VpcFacts(vpc.id, vpc.owner_id, has_ipv6(vpc), bool(vpc.is_default))


_make_group: Any = MotoGroup  # abstract in its types only


def show_group(source: EC2Backend, group: SecurityGroup) -> None:
    if group.group_id not in source.groups[group.vpc_id]:
        source.groups[group.vpc_id][group.group_id] = _make_group(
            source, group.group_id, group.group_name, group.description, group.vpc_id, None, group.is_default
        )


def show_acl(source: EC2Backend, acl: NetworkAcl) -> None:
    if acl.network_acl_id not in source.network_acls:
        source.network_acls[acl.network_acl_id] = MotoAcl(
            source, acl.network_acl_id, acl.vpc_id, acl.is_default
        )


def sync_vpcs(world: World, held: Holdings, source: EC2Backend, seen: Seen) -> None:
    for vpc_id, vpc in source.vpcs.items():
        facts = facts_of(vpc)
        if facts.owner_id != held.account:
            continue  # shared with us: its default group and ACLs are the owner's
        if vpc_id not in seen.vpcs:
            _adopt_group(world, held, source, facts)
            _adopt_acl(world, held, source, facts)
        elif facts.has_ipv6 and not seen.vpcs[vpc_id]:
            _widen(world, held, facts)
    for vpc_id in seen.vpcs.keys() - source.vpcs.keys():
        _let_go(held, source, vpc_id)
    seen.vpcs = {vpc_id: has_ipv6(vpc) for vpc_id, vpc in source.vpcs.items()}


def _adopt_group(world: World, held: Holdings, source: EC2Backend, vpc: VpcFacts) -> None:
    """A VPC comes with its default group; moto's id for it, if it has one (aws-facts 1.3)."""
    if any(group.vpc_id == vpc.vpc_id and group.is_default for group in held.groups.values()):
        return
    theirs = source.get_security_group_from_name("default", vpc.vpc_id)
    group = default_group(held.account, vpc, theirs.id if theirs else world.ids("sg"))
    apply(held, [Put(with_rule_ids(group, world.ids))])
    show_group(source, group)


def _adopt_acl(world: World, held: Holdings, source: EC2Backend, vpc: VpcFacts) -> None:
    if any(acl.vpc_id == vpc.vpc_id and acl.is_default for acl in held.acls.values()):
        return
    theirs = [a.id for a in source.network_acls.values() if a.default and a.vpc_id == vpc.vpc_id]
    acl = default_acl(held.account, vpc, theirs[0] if theirs else world.ids("acl"))
    apply(held, [Put(acl)])
    show_acl(source, acl)


def _widen(world: World, held: Holdings, vpc: VpcFacts) -> None:
    """The VPC got an IPv6 block: 101 and ::/0 are added where the direction was never edited (aws-facts 2)."""
    for acl in list(held.acls.values()):
        if acl.vpc_id == vpc.vpc_id and acl.is_default:
            apply(held, [Put(replace(acl, entries=_widened(acl)))])
    for group in list(held.groups.values()):
        untouched = group.rules_of(Direction.EGRESS) == open_egress(has_ipv6=False)
        if group.vpc_id == vpc.vpc_id and group.is_default and untouched:
            added = open_egress(has_ipv6=True)[1]
            wider = replace(group, rules=(*group.rules, added))
            apply(held, [Put(with_rule_ids(wider, world.ids))])


def _widened(acl: NetworkAcl) -> tuple[Any, ...]:
    narrow, wide = default_entries(has_ipv6=False), default_entries(has_ipv6=True)
    entries = list(acl.entries)
    for direction in Direction:
        if acl.entries_of(direction) == tuple(e for e in narrow if e.direction is direction):
            entries += [e for e in wide if e.direction is direction and e not in entries]
    return tuple(sorted(entries))


def _let_go(held: Holdings, source: EC2Backend, vpc_id: str) -> None:
    gone: list[Effect] = [Drop(g) for g in held.groups.values() if g.vpc_id == vpc_id]
    gone += [Drop(acl) for acl in held.acls.values() if acl.vpc_id == vpc_id]
    gone += [Drop(a) for a in held.associations.values() if a.vpc_id == vpc_id]
    apply(held, gone)
    source.groups.pop(vpc_id, None)
    for acl_id in [a.id for a in source.network_acls.values() if a.vpc_id == vpc_id]:
        source.network_acls.pop(acl_id)


def sync_groups(world: World, held: Holdings, source: EC2Backend) -> None:
    theirs = {id_ for groups in source.groups.values() for id_ in groups}
    if held.groups.keys() == theirs:
        return
    for groups in list(source.groups.values()):
        for group in [group for id_, group in groups.items() if id_ not in held.groups]:
            apply(held, [Put(with_rule_ids(_taken_over(group), world.ids))])
    apply(held, [Drop(group) for id_, group in held.groups.items() if id_ not in theirs])


def _taken_over(group: Any) -> SecurityGroup:
    """A group that moto made by itself (CloudFormation), with its rules and tags."""
    return parse_group(
        {
            "GroupId": group.id,
            "GroupName": group.name,
            "Description": group.description,
            "OwnerId": group.owner_id,
            "VpcId": group.vpc_id,
            "IpPermissions": [_permission(view) for view in group.ip_permissions],
            "IpPermissionsEgress": [_permission(view) for view in group.ip_permissions_egress],
            "Tags": [{"Key": tag["key"], "Value": tag["value"]} for tag in group.get_tags()],
        }
    )


def _permission(view: Any) -> dict[str, Any]:
    return {
        "IpProtocol": view.ip_protocol,
        "FromPort": view.from_port,
        "ToPort": view.to_port,
        "IpRanges": view.ip_ranges,
        "Ipv6Ranges": view.ipv6_ranges,
        "PrefixListIds": view.prefix_list_ids,
        "UserIdGroupPairs": view.user_id_group_pairs,
    }


def sync_acls(held: Holdings, source: EC2Backend) -> None:
    if held.acls.keys() == source.network_acls.keys():
        return
    for acl_id, acl in list(source.network_acls.items()):
        if acl_id not in held.acls:
            tags = tuple(sorted((tag["key"], tag["value"]) for tag in acl.get_tags()))
            apply(held, [Put(NetworkAcl(acl_id, acl.vpc_id, held.account, acl.default, tags=tags))])
    apply(held, [Drop(acl) for id_, acl in held.acls.items() if id_ not in source.network_acls])


def sync_subnets(world: World, held: Holdings, subnets: Mapping[str, str]) -> None:
    """A new subnet has the VPC's default ACL; one that is gone has none (aws-facts 2)."""
    associated = {a.subnet_id for acl in held.acls.values() for a in acl.associations}
    for acl in list(held.acls.values()):
        kept = [a for a in acl.associations if a.subnet_id in subnets]
        if acl.is_default:
            kept += [
                NetworkAclAssociation(subnet_id, world.ids("aclassoc"))
                for subnet_id, vpc_id in subnets.items()
                if vpc_id == acl.vpc_id and subnet_id not in associated
            ]
        if tuple(sorted(kept)) != acl.associations:
            apply(held, [Put(replace(acl, associations=tuple(sorted(kept))))])


def agree_on_instances(source: EC2Backend, action: str) -> None:
    """Called after each call: what moto shows of instances is what EC2 shows."""
    if action == "TerminateInstances":
        _without_addresses(source)
    _agree_on_groups(source, action)


class _NoInterfaces(dict[int, Any]):
    """What moto keeps by device: nothing, and whoever asks for the first device finds it without addresses."""

    def __missing__(self, _: int) -> Any:
        return SimpleNamespace(private_ip_address=None, public_ip=None)


def _without_addresses(source: EC2Backend) -> None:
    """A terminated instance is described for a while, without addresses or interfaces (aws-facts 5.5)."""
    for reservation in source.reservations.values():
        for instance in reservation.instances:
            if instance.state == "terminated" and instance.nics:
                instance.nics = _NoInterfaces()
                instance._subnet_id = None  # noqa: SLF001 - moto has no door to it


def _agree_on_groups(source: EC2Backend, action: str) -> None:
    """An instance's groups are those of its primary interface; moto keeps both and shows their union."""
    if action not in ("RunInstances", "ModifyInstanceAttribute", "ModifyNetworkInterfaceAttribute"):
        return
    for interface in source.enis.values():
        instance: Any = interface.instance
        if instance is None or interface.device_index != 0:
            continue
        if action == "ModifyInstanceAttribute":
            interface._group_set = list(instance.security_groups)  # noqa: SLF001 - moto has no door to either
        else:
            instance.security_groups = list(interface._group_set)  # noqa: SLF001 - likewise
