"""A whole document, section by section; what is wrong in it is told with the place it stands in."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any

from twinwall.errors import ConfigError
from twinwall.model.firewall import SecurityGroup, Snapshot
from twinwall.model.rules import GroupPeer, SecurityGroupRule
from twinwall.model.wire.acls import parse_acl
from twinwall.model.wire.groups import parse_group, parse_rule
from twinwall.model.wire.lists import parse_prefix_list
from twinwall.model.wire.network import parse_interface, parse_subnet, parse_vpc
from twinwall.model.wire.shape import kind, misfits, text
from twinwall.model.wire.tags import Json

_peer = attrgetter("peer")


def parse_snapshot(document: Json) -> Snapshot:
    """A document with any of the sections of the contract's chapter 3 → values. A section that is missing
    stays unknown: None, and for groups ``groups_known`` False."""
    region = str(document.get("Region") or "")
    owner = text(document, "OwnerId")
    if "SecurityGroups" in document and document["SecurityGroups"] is None:
        raise ConfigError("section SecurityGroups is null; a list is wanted")
    return Snapshot(
        region=region,
        owner_id=owner,
        groups=_resolved(sorted(_each(document, "SecurityGroups", parse_group), key=lambda g: g.group_id)),
        acls=_optional(document, "NetworkAcls", parse_acl, lambda acl: acl.network_acl_id),
        vpcs=_optional(document, "Vpcs", parse_vpc, lambda vpc: vpc.vpc_id),
        subnets=_optional(document, "Subnets", parse_subnet, lambda subnet: subnet.subnet_id),
        prefix_lists=_optional(document, "PrefixLists", parse_prefix_list, lambda pl: pl.prefix_list_id),
        interfaces=_optional(document, "NetworkInterfaces", parse_interface, lambda eni: eni.interface_id),
        groups_known=document.get("SecurityGroups") is not None,
    )


def _resolved(groups: Sequence[SecurityGroup]) -> tuple[SecurityGroup, ...]:
    """Pairs that give a group's name and no id (API: UserIdGroupPair), as groups of the same VPC."""
    ids = {(group.vpc_id, group.owner_id, group.group_name): group.group_id for group in groups}

    def resolved(group: SecurityGroup, rule: SecurityGroupRule) -> SecurityGroupRule:
        peer = rule.peer
        if not isinstance(peer, GroupPeer) or peer.group_id != peer.group_name:
            return rule
        known = ids.get((group.vpc_id, peer.user_id, peer.group_name), peer.group_id)
        return replace(rule, peer=replace(peer, group_id=known))

    return tuple(
        replace(g, rules=tuple(resolved(g, rule) for rule in g.rules))
        if any(isinstance(rule.peer, GroupPeer) for rule in g.referring_rules)
        else g
        for g in groups
    )


def _each(document: Json, section: str, parse: Any) -> Iterator[Any]:
    items = () if document.get(section) is None else document[section]
    if not isinstance(items, list | tuple):
        raise ConfigError(f"section {section} is {kind(items)}; a list is wanted")
    for index, item in enumerate(items):
        if not isinstance(item, Mapping):
            raise ConfigError(f"{section}[{index}] is {kind(item)}; an object is wanted")
        try:
            yield parse(item)
        except KeyError as missing:
            raise ConfigError(f"{_label(section, index, item)} has no key {missing}") from None
        except ConfigError as wrong:
            raise ConfigError(f"{_label(section, index, item)}: {wrong}") from None
        except (TypeError, ValueError, AttributeError, OverflowError):
            raise ConfigError(f"{_label(section, index, item)}: {_misfit(item)}") from None


def _misfit(item: Json) -> str:
    """Looked for only after it was in the way."""
    return next(misfits(item), "a value in it is not of the kind that aws ec2 describe-* answers")


_STALE = ("StaleIpPermissions", "StaleIpPermissionsEgress", "UserIdGroupPairs")
_PEERED = ("Status", "RequesterVpcInfo", "AccepterVpcInfo")


def check_raw_sections(document: Json) -> None:
    """The sections that are used as they are, without a value of the model: their shape alone."""
    checks: dict[str, Any] = {
        "SecurityGroupVpcAssociations": _check_association,
        "SecurityGroupRules": _check_rule,
        "StaleSecurityGroups": lambda item: _check_shape(item, lists=_STALE, objects=()),
        "VpcPeeringConnections": lambda item: _check_shape(item, lists=(), objects=_PEERED),
    }
    for section, check in checks.items():
        for _ in _each(document, section, check):
            pass


def _check_association(item: Json) -> None:
    if not isinstance(item["GroupId"], str):
        raise ConfigError(f"GroupId is {kind(item['GroupId'])}; a string is wanted")


def _check_rule(item: Json) -> None:
    _check_association(item)
    parse_rule(item)


def _check_shape(item: Json, lists: Collection[str], objects: Collection[str]) -> None:
    for wrong in misfits(item, lists=lists, objects=objects):
        raise ConfigError(wrong)


_ID_KEYS = ("GroupId", "NetworkAclId", "PrefixListId", "SubnetId", "NetworkInterfaceId", "VpcId")


def _label(section: str, index: int, item: Json) -> str:
    id_ = next((str(item[key]) for key in _ID_KEYS if item.get(key)), "")
    return f"{section}[{index}]{f' ({id_})' if id_ else ''}"


def _optional(document: Json, section: str, parse: Any, key: Any) -> tuple[Any, ...] | None:
    if document.get(section) is None:
        return None
    return tuple(sorted(_each(document, section, parse), key=key))
