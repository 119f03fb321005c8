"""A firewall as a CloudFormation template.

Rules that name addresses or lists stand in their group; rules that name groups are resources of their own, so
that groups may name each other in any circle. CloudFormation gives a group whose template has no egress rule
one that lets everything out (resource reference, AWS::EC2::SecurityGroup), and there is no way to ask for
none: such a group gets ``NOTHING_OUT``, a rule that fits no packet anybody sends, as the AWS CDK does it.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from twinwall.documents.export.blueprint import Blueprint, thing_name
from twinwall.documents.export.naming import Unique, pascal
from twinwall.documents.files import json_text
from twinwall.errors import QuotaExceeded
from twinwall.model.firewall import NetworkAcl, PrefixList, SecurityGroup
from twinwall.model.rules import Direction, GroupPeer, NetworkAclEntry, SecurityGroupRule, Tags
from twinwall.model.wire import entry_fields, list_entry_fields, peer_fields, tag_list, traffic_fields

Json = dict[str, Any]

MAX_RESOURCES, MAX_PARAMETERS = 500, 200
MAX_BYTES, MAX_BODY = 1_000_000, 51_200
"""Of a template in S3, and of one sent with the call (CloudFormation User Guide, "CloudFormation quotas")."""

NOTHING_OUT = {
    "IpProtocol": "icmp",
    "FromPort": 252,
    "ToPort": 86,
    "CidrIp": "255.255.255.255/32",
    "Description": "Nothing goes out: CloudFormation would let everything out of a group without egress rules",
}


NOTHING: Json = {"Nothing": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}
"""A template has at least one resource; this one is nothing outside of its stack."""


def cloudformation_text(made: Blueprint, title: str) -> str:
    """Raises ``QuotaExceeded`` for what no stack can hold."""
    template = _Writer(made).template(title)
    text = json_text(template)
    way = "narrow it with --group, --nacl, --only: a group of another template becomes a parameter"
    for what, count, most in (
        ("resources", len(template["Resources"]), MAX_RESOURCES),
        ("parameters", len(template.get("Parameters", ())), MAX_PARAMETERS),
        ("bytes", len(text.encode()), MAX_BYTES),
    ):
        if count > most:
            raise QuotaExceeded(
                f"exporting {made.at} for CloudFormation: {count} {what}, a template may have {most}; {way}"
            )
    return text


def without_egress(made: Blueprint) -> list[SecurityGroup]:
    """The groups that get ``NOTHING_OUT``."""
    return [group for group in made.groups if not _inline(group, Direction.EGRESS)]


def _inline(group: SecurityGroup, way: Direction) -> list[SecurityGroupRule]:
    return [rule for rule in group.rules_of(way) if not isinstance(rule.peer, GroupPeer)]


class _Writer:
    """``ids``: a thing's id → the template's expression for it. ``names``: its logical id."""

    def __init__(self, made: Blueprint) -> None:
        self.made = made
        self.logical = Unique(pascal, "Id")
        self.names: dict[str, str] = {}
        self.ids: dict[str, Any] = {}
        self.owners: dict[str, Json] = {}
        self.parameters: dict[str, Json] = {}
        self.vpc = self._parameter(
            "VpcId", "AWS::EC2::VPC::Id", f"The VPC that gets the firewall; it was {made.at}"
        )
        self._name_things()
        self._name_outside()

    def _name_things(self) -> None:
        made = self.made
        kinds: tuple[tuple[Sequence[Any], str, str], ...] = (
            (made.groups, "Group", "GroupId"),
            (made.acls, "Acl", "Id"),
            (made.lists, "List", "PrefixListId"),
        )
        for things, suffix, attribute in kinds:
            for resource in (thing.resource for thing in things):
                name = self.logical.name(f"{thing_name(resource)} {suffix}")
                self.names[resource.id] = name
                self.ids[resource.id] = {"Fn::GetAtt": [name, attribute]}

    def _name_outside(self) -> None:
        made = self.made
        for one in made.outside:
            group = one.resource.type == "security-group"
            type_, suffix = ("AWS::EC2::SecurityGroup::Id", "GroupId") if group else ("String", "ListId")
            words = f"{one.words}; this template does not make it"
            name = f"{thing_name(one.resource)} {suffix}"
            # a group of another account is none that CloudFormation finds when it checks the parameter
            self.ids[one.resource.id] = self._parameter(name, "String" if one.owner else type_, words)
            if one.owner:
                owner = f"Account of {one.resource}; it was {one.owner}"
                self.owners[one.resource.id] = self._parameter(f"{name} Owner", "String", owner)
        for item in made.aws_lists:
            words = f"AWS's prefix list {item.name}, as the Region calls it"
            self.ids[item.prefix_list_id] = self._parameter(f"{item.name} ListId", "String", words)
        if made.needs_default_group:
            words = "The default security group of the VPC"
            default = self._parameter("DefaultGroupId", "AWS::EC2::SecurityGroup::Id", words)
            self.ids |= dict.fromkeys(made.default_ids, default)

    def _parameter(self, name: str, type_: str, words: str) -> Json:
        logical = self.logical.name(name)
        self.parameters[logical] = {"Type": type_, "Description": words}
        return {"Ref": logical}

    def template(self, title: str) -> Json:
        resources = dict(self._resources())  # before the parameters, to which subnets come
        if not (self.made.groups or self.made.acls):
            del self.parameters[self.vpc["Ref"]]  # nobody asks for it
        return {
            "AWSTemplateFormatVersion": "2010-09-09",
            "Description": title[:1024],
            **({"Parameters": self.parameters} if self.parameters else {}),
            "Resources": resources or dict(NOTHING),
        }

    def _resources(self) -> Iterator[tuple[str, Json]]:
        for item in self.made.lists:
            yield self.names[item.prefix_list_id], _resource("PrefixList", _list(item))
        for group in self.made.groups:
            yield self.names[group.group_id], _resource("SecurityGroup", self._group(group))
        for group in self.made.groups:
            yield from (self._rule(group, rule) for rule in group.rules if isinstance(rule.peer, GroupPeer))
        for acl in self.made.acls:
            fields = {"VpcId": self.vpc, **_tags(acl.tags)}
            yield self.names[acl.network_acl_id], _resource("NetworkAcl", fields)
        for acl in self.made.acls:
            yield from (self._entry(acl, entry) for entry in acl.entries)
        for subnet, acl in self.made.associations:
            words = f"Subnet; it was {subnet}"
            name = f"{thing_name(subnet)} SubnetId"
            fields = {
                "SubnetId": self._parameter(name, "AWS::EC2::Subnet::Id", words),
                "NetworkAclId": self.ids[acl.network_acl_id],
            }
            logical = self.logical.name(f"{thing_name(subnet)} Association")
            yield logical, _resource("SubnetNetworkAclAssociation", fields)

    def _group(self, group: SecurityGroup) -> Json:
        fields: Json = {
            "GroupName": group.group_name,
            "GroupDescription": group.description,
            "VpcId": self.vpc,
        }
        if ingress := [self._inside(rule) for rule in _inline(group, Direction.INGRESS)]:
            fields["SecurityGroupIngress"] = ingress
        egress = [self._inside(rule) for rule in _inline(group, Direction.EGRESS)]
        fields["SecurityGroupEgress"] = egress or [NOTHING_OUT]
        return {**fields, **_tags(group.tags)}

    def _inside(self, rule: SecurityGroupRule) -> Json:
        """A rule that names addresses or a list."""
        _, peer = peer_fields(rule.peer)
        if "PrefixListId" in peer:
            side = "Source" if rule.direction is Direction.INGRESS else "Destination"
            peer = {f"{side}PrefixListId": self.ids[peer["PrefixListId"]]}
        return {**traffic_fields(rule.traffic), **peer, **_described(rule.description)}

    def _rule(self, group: SecurityGroup, rule: SecurityGroupRule) -> tuple[str, Json]:
        """A rule that names a group."""
        peer = str(rule.peer)
        fields: Json = {"GroupId": self.ids[group.group_id], **traffic_fields(rule.traffic)}
        if rule.direction is Direction.INGRESS:
            fields["SourceSecurityGroupId"] = self.ids[peer]
            if owner := self.owners.get(peer):
                fields["SourceSecurityGroupOwnerId"] = owner
        else:
            fields["DestinationSecurityGroupId"] = self.ids[peer]
        name = self.logical.name(f"{thing_name(group.resource)} {self.made.words(rule)}")
        kind = f"SecurityGroup{rule.direction.value.capitalize()}"
        return name, _resource(kind, {**fields, **_described(rule.description)})

    def _entry(self, acl: NetworkAcl, entry: NetworkAclEntry) -> tuple[str, Json]:
        fields = entry_fields(entry)
        fields["Protocol"] = int(fields["Protocol"])
        if "IcmpTypeCode" in fields:
            fields["Icmp"] = fields.pop("IcmpTypeCode")
        base = self.names[acl.network_acl_id]
        name = self.logical.name(f"{base} {entry.direction.value} {entry.rule_number}")
        return name, _resource("NetworkAclEntry", {"NetworkAclId": self.ids[acl.network_acl_id], **fields})


def _list(item: PrefixList) -> Json:
    entries = [list_entry_fields(entry) for entry in item.entries or ()]
    return {
        "PrefixListName": item.name,
        "AddressFamily": f"IPv{item.family}",
        "MaxEntries": item.max_entries or max(len(entries), 1),
        **({"Entries": entries} if entries else {}),
        **_tags(item.tags),
    }


def _resource(type_: str, fields: Json) -> Json:
    return {"Type": f"AWS::EC2::{type_}", "Properties": fields}


def _described(description: str) -> Json:
    return {"Description": description} if description else {}


def _tags(tags: Tags) -> Json:
    return {"Tags": tag_list(tags)} if tags else {}
