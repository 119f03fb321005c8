"""A firewall as Terraform configuration for the provider hashicorp/aws.

Each rule and each entry is a resource of its own, so that groups may name each other in any circle and a
change of one shows as one. ``aws_security_group`` takes away the egress rule that EC2 gives a new group
(provider documentation, aws_security_group), so a group without egress rules has none. Taking over the default
ACL is the exception: ``aws_default_network_acl`` holds its entries itself.
"""

from collections.abc import Iterator

from twinwall.documents.export import hcl
from twinwall.documents.export.blueprint import Blueprint, Outside, thing_name
from twinwall.documents.export.naming import Unique, snake
from twinwall.model.firewall import NetworkAcl, PrefixList, Resource, SecurityGroup
from twinwall.model.net import ICMP_PROTOCOLS, PORT_PROTOCOLS, Cidr, protocol_name
from twinwall.model.rules import (
    CidrPeer,
    Direction,
    GroupPeer,
    NetworkAclEntry,
    Peer,
    PrefixListPeer,
    SecurityGroupRule,
    Traffic,
)


def terraform_text(made: Blueprint, title: str) -> str:
    """The whole file. ``title`` is the comment at its head."""
    writer = _Writer(made)
    blocks = [hcl.comment(title), _providers(), *writer.blocks()]
    return "\n".join(hcl.joined(blocks)) + "\n"


def _providers() -> hcl.Lines:
    aws = ["aws = {", *(f"  {line}" for line in hcl.attributes(_PROVIDER)), "}"]
    return hcl.block("terraform", hcl.block("required_providers", aws))


_PROVIDER = (("source", '"hashicorp/aws"'), ("version", '">= 5.0"'))


class _Writer:
    """Names everything first, then writes it. ``ids``: a thing's id → the expression that stands for it."""

    def __init__(self, made: Blueprint) -> None:
        self.made = made
        self.ids: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self.variables = Unique(snake, "id_")
        self.rules = {way: Unique(snake, "rule_") for way in Direction}
        self.entries = Unique(snake, "entry_")
        self.vpc = self.variables.name("vpc_id")
        self._name_all()

    def _name_all(self) -> None:
        groups, acls, lists, looked_up = (Unique(snake, before) for before in ("sg_", "acl_", "pl_", "pl_"))
        self.default_group = groups.name("default") if self.made.default_group else ""
        self.default_acl = acls.name("default") if self.made.default_acl else ""
        for group in self.made.groups:
            self._name(group.resource, groups, "aws_security_group", "id")
        for acl in self.made.acls:
            self._name(acl.resource, acls, "aws_network_acl", "id")
        for item in self.made.lists:
            self._name(item.resource, lists, "aws_ec2_managed_prefix_list", "id")
        for item in self.made.aws_lists:
            self._name(item.resource, looked_up, "data.aws_ec2_managed_prefix_list", "id")
        for one in self.made.outside:
            suffix = "_id" if one.resource.name else ""
            name = self.variables.name(f"{thing_name(one.resource)}{suffix}", one.resource.id)
            self.names[one.resource.id], self.ids[one.resource.id] = name, f"var.{name}"
        default = "aws_default_security_group" if self.made.default_group else "data.aws_security_group"
        self.ids |= dict.fromkeys(self.made.default_ids, f"{default}.default.id")

    def _name(self, thing: Resource, among: Unique, type_: str, attribute: str) -> None:
        name = among.name(thing_name(thing), thing.id)
        self.names[thing.id], self.ids[thing.id] = name, f"{type_}.{name}.{attribute}"

    def blocks(self) -> Iterator[hcl.Lines]:
        subnets = {
            subnet: self.variables.name(f"{thing_name(subnet)} subnet id")
            for subnet, _ in self.made.associations
        }
        yield _variable(self.vpc, f"The VPC that gets the firewall; it was {self.made.at}")
        yield from (self._outside(one) for one in self.made.outside)
        yield from (_variable(name, f"Subnet; it was {subnet}") for subnet, name in subnets.items())
        yield from self._lookups()
        yield from map(self._list, self.made.lists)
        yield from map(self._group, self.made.groups)
        if self.made.default_group:
            yield self._default_group(self.made.default_group)
        for group in self.made.ruled:
            yield from (self._rule(group, rule) for rule in group.rules)
        yield from map(self._acl, self.made.acls)
        for acl in self.made.acls:
            yield from (self._entry(acl, entry) for entry in acl.entries)
        if self.made.default_acl:
            yield self._default_acl(self.made.default_acl)
        for subnet, acl in self.made.associations:
            if not acl.is_default:
                yield self._association(subnets[subnet], acl)

    # --- what is not made

    def _outside(self, one: Outside) -> hcl.Lines:
        return _variable(self.names[one.resource.id], f"{one.words}; this export does not make it")

    def _lookups(self) -> Iterator[hcl.Lines]:
        if any(self.made.at.region in item.name for item in self.made.aws_lists):
            yield hcl.block('data "aws_region" "current"')
        for item in self.made.aws_lists:
            name = hcl.text(item.name)
            if self.made.at.region:
                name = name.replace(self.made.at.region, "${data.aws_region.current.id}")
            head = f'data "aws_ec2_managed_prefix_list" "{self.names[item.prefix_list_id]}"'
            yield hcl.block(head, hcl.attributes([("name", name)]))
        if self.made.needs_default_group:
            rows = [("name", '"default"'), ("vpc_id", f"var.{self.vpc}")]
            yield hcl.block('data "aws_security_group" "default"', hcl.attributes(rows))
        if self.made.default_acl:
            only = hcl.attributes([("name", '"default"'), ("values", '["true"]')])
            vpc = hcl.attributes([("vpc_id", f"var.{self.vpc}")])
            yield hcl.block('data "aws_network_acls" "default"', vpc, hcl.block("filter", only))

    # --- lists and groups

    def _list(self, item: PrefixList) -> hcl.Lines:
        entries = item.entries or ()
        rows = [
            ("name", hcl.text(item.name)),
            ("address_family", f'"IPv{item.family}"'),
            ("max_entries", str(item.max_entries or max(len(entries), 1))),
        ]
        inner = [
            hcl.block("entry", hcl.attributes([("cidr", hcl.text(str(e.cidr))), *_described(e.description)]))
            for e in entries
        ]
        head = _head("aws_ec2_managed_prefix_list", self.names[item.prefix_list_id])
        return hcl.block(head, hcl.attributes(rows), *inner, hcl.mapping("tags", item.tags))

    def _group(self, group: SecurityGroup) -> hcl.Lines:
        rows = [
            ("name", hcl.text(group.group_name)),
            ("description", hcl.text(group.description)),
            ("vpc_id", f"var.{self.vpc}"),
        ]
        head = _head("aws_security_group", self.names[group.group_id])
        return hcl.block(head, hcl.attributes(rows), hcl.mapping("tags", group.tags))

    def _default_group(self, group: SecurityGroup) -> hcl.Lines:
        rows = hcl.attributes([("vpc_id", f"var.{self.vpc}")])
        head = _head("aws_default_security_group", self.default_group)
        return hcl.block(head, rows, hcl.mapping("tags", group.tags))

    def _rule(self, group: SecurityGroup, rule: SecurityGroupRule) -> hcl.Lines:
        way = rule.direction
        of = self.names.get(group.group_id, self.default_group)
        name = self.rules[way].name(f"{of} {self.made.words(rule)}")
        traffic = [*_ports(rule.traffic), ("ip_protocol", f'"{protocol_name(rule.traffic.protocol)}"')]
        rows = [("security_group_id", self.ids[group.group_id]), *_described(rule.description)]
        head = _head(f"aws_vpc_security_group_{way.value}_rule", name)
        return hcl.block(head, hcl.attributes([*rows, self._peer(rule.peer), *traffic]))

    def _peer(self, peer: Peer) -> tuple[str, str]:
        match peer:
            case CidrPeer(cidr=cidr):
                return f"cidr_ipv{cidr.family}", hcl.text(str(cidr))
            case PrefixListPeer():
                return "prefix_list_id", self.ids[str(peer)]
            case GroupPeer():
                return "referenced_security_group_id", self.ids[str(peer)]

    # --- ACLs

    def _acl(self, acl: NetworkAcl) -> hcl.Lines:
        rows = hcl.attributes([("vpc_id", f"var.{self.vpc}")])
        head = _head("aws_network_acl", self.names[acl.network_acl_id])
        return hcl.block(head, rows, hcl.mapping("tags", acl.tags))

    def _entry(self, acl: NetworkAcl, entry: NetworkAclEntry) -> hcl.Lines:
        of = self.names[acl.network_acl_id]
        name = self.entries.name(f"{of} {entry.direction.value} {entry.rule_number}")
        rows = [
            ("network_acl_id", self.ids[acl.network_acl_id]),
            ("rule_number", str(entry.rule_number)),
            ("egress", "true" if entry.direction is Direction.EGRESS else "false"),
            ("rule_action", f'"{entry.action.value}"'),
            ("protocol", f'"{entry.traffic.protocol}"'),
            *_entry_traffic(entry.traffic),
            ("cidr_block" if entry.cidr.family == 4 else "ipv6_cidr_block", _cidr(entry.cidr)),
        ]
        return hcl.block(_head("aws_network_acl_rule", name), hcl.attributes(rows))

    def _default_acl(self, acl: NetworkAcl) -> hcl.Lines:
        rows = hcl.attributes([("default_network_acl_id", "one(data.aws_network_acls.default.ids)")])
        entries = [_inline_entry(entry) for entry in acl.entries]
        # subnets come to it and leave it by associations elsewhere
        stays = hcl.block("lifecycle", hcl.attributes([("ignore_changes", "[subnet_ids]")]))
        head = _head("aws_default_network_acl", self.default_acl)
        return hcl.block(head, rows, *entries, hcl.mapping("tags", acl.tags), stays)

    def _association(self, variable: str, acl: NetworkAcl) -> hcl.Lines:
        rows = [("network_acl_id", self.ids[acl.network_acl_id]), ("subnet_id", f"var.{variable}")]
        name = variable.removesuffix("_subnet_id")
        return hcl.block(_head("aws_network_acl_association", name), hcl.attributes(rows))


def _head(type_: str, name: str) -> str:
    return f'resource "{type_}" "{name}"'


def _variable(name: str, words: str) -> hcl.Lines:
    rows = hcl.attributes([("description", hcl.text(words)), ("type", "string")])
    return hcl.block(f'variable "{name}"', rows)


def _described(description: str) -> list[tuple[str, str]]:
    return [("description", hcl.text(description))] if description else []


def _ports(traffic: Traffic) -> list[tuple[str, str]]:
    """ICMP's type and code stand where ports do (provider documentation of the rule resources)."""
    if traffic.first is None:
        return []
    return [("from_port", str(traffic.first)), ("to_port", str(traffic.last))]


def _entry_traffic(traffic: Traffic) -> list[tuple[str, str]]:
    if traffic.protocol in PORT_PROTOCOLS:
        return [("from_port", str(traffic.first)), ("to_port", str(traffic.last))]
    if traffic.protocol in ICMP_PROTOCOLS:
        return [("icmp_type", str(traffic.first)), ("icmp_code", str(traffic.last))]
    return []


def _inline_entry(entry: NetworkAclEntry) -> hcl.Lines:
    """``ingress`` and ``egress`` want ports always; 0 where there are none."""
    ports = _entry_traffic(entry.traffic)
    if entry.traffic.protocol not in PORT_PROTOCOLS:
        ports = [("from_port", "0"), ("to_port", "0"), *ports]
    rows = [
        ("rule_no", str(entry.rule_number)),
        ("action", f'"{entry.action.value}"'),
        ("protocol", f'"{entry.traffic.protocol}"'),
        *ports,
        ("cidr_block" if entry.cidr.family == 4 else "ipv6_cidr_block", _cidr(entry.cidr)),
    ]
    return hcl.block(entry.direction.value, hcl.attributes(rows))


def _cidr(cidr: Cidr) -> str:
    return hcl.text(str(cidr))
