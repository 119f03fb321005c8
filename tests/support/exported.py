"""What an export says, read by nothing of ours: Terraform's text through python-hcl2, a template as JSON. Both
become ``Facts``, as what EC2 describes does; there things go by name, and what lies outside by id."""

import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import hcl2
from worlds import flat_acl, flat_entry, flat_rules, flat_traffic, tags_of

Json = dict[str, Any]
_ID = re.compile(r"\b(?:sg|pl|subnet|acl)-[\w-]+|amazon-elb/[\w-]+")
NOTHING_OUT = ("out", "1", 252, 86, ("cidr", "255.255.255.255/32"))


@dataclass
class Facts:
    groups: dict[str, Any] = field(default_factory=dict)
    acls: dict[str, Any] = field(default_factory=dict)
    lists: dict[str, Any] = field(default_factory=dict)
    subnets: dict[str, str] = field(default_factory=dict)


def described(document: Mapping[str, Any], *, defaults: bool = False) -> Facts:
    """Of a document as EC2 describes a VPC. Without ``defaults`` they are only named by others."""
    groups = {g["GroupId"]: g["GroupName"] for g in document["SecurityGroups"]}
    lists = {item["PrefixListId"]: item for item in document.get("PrefixLists") or ()}
    facts = Facts()
    for group in document["SecurityGroups"]:
        if group["GroupName"] == "default" and not defaults:
            continue
        rules = {}
        for (*head, (kind, value)), item in flat_rules(group):
            name = groups.get(value, value) if kind == "group" else value
            name = lists[value]["PrefixListName"] if kind == "list" and value in lists else name
            rules.setdefault((*head, (kind, name)), item.get("Description", ""))
        facts.groups[group["GroupName"]] = (group["Description"], _copied(group), rules)
    for acl in document.get("NetworkAcls") or ():
        if not acl["IsDefault"] or defaults:
            name = tags_of(acl).get("Name") or acl["NetworkAclId"]
            facts.acls[name] = (_copied(acl), flat_acl(acl))
            facts.subnets |= {a["SubnetId"]: name for a in acl["Associations"]}
    named = {rule[-1][1] for _, _, rules in facts.groups.values() for rule in rules if rule[-1][0] == "list"}
    for item in lists.values():
        if item["OwnerId"] != "AWS" and item["PrefixListName"] in named:
            entries = {entry["Cidr"]: entry.get("Description", "") for entry in item["Entries"]}
            facts.lists[item["PrefixListName"]] = (
                item["AddressFamily"],
                item["MaxEntries"],
                entries,
                _copied(item),
            )
    return facts


def _copied(item: Mapping[str, Any]) -> Json:
    kept = ("aws:", "twinwall:", "kubernetes.io/cluster/")
    return {key: value for key, value in tags_of(item).items() if not key.startswith(kept)}


# --- Terraform


def plain(value: Any) -> Any:
    """hcl2's values with their quotes and escapes undone, and without its own marks."""
    match value:
        case str() if value.startswith('"<<-'):
            body = "\n".join(value.splitlines()[1:-1])
            return textwrap.dedent(body.replace("$${", "${").replace("%%{", "%{"))
        case str() if value.startswith('"'):
            return json.loads(value.replace("$${", "${").replace("%%{", "%{"))
        case dict():
            return {str(plain(key)): plain(item) for key, item in value.items() if key != "__is_block__"}
        case list():
            return [plain(item) for item in value]
        case _:
            return value


class Terraform:
    def __init__(self, text: str, region: str) -> None:
        self.raw = hcl2.loads(text)
        self.region = region
        self.variables = {name: body for one in self.raw["variable"] for name, body in plain(one).items()}
        self.resources = self._of("resource")
        self.data = self._of("data")

    def _of(self, kind: str) -> dict[str, dict[str, Json]]:
        found: dict[str, dict[str, Json]] = {}
        for one in self.raw.get(kind, ()):
            for type_, bodies in plain(one).items():
                for name, body in bodies.items():
                    assert name not in found.setdefault(type_, {}), f"two {type_} {name}"
                    found[type_][name] = body
        return found

    def name(self, expression: str) -> str:
        """The name of the thing that an expression stands for; an id for what is outside."""
        source, name, *_ = expression.removeprefix("${").removesuffix("}").removeprefix("data.").split(".")
        if source == "var":
            found = _ID.search(self.variables[name]["description"])
            assert found, self.variables[name]
            return found.group()
        if source == "aws_network_acl":
            return self.resources[source][name].get("tags", {}).get("Name", name)
        if source == "aws_default_security_group":
            return "default"
        body = self.resources.get(source, {}).get(name) or self.data[source][name]
        return str(body["name"]).replace("${data.aws_region.current.id}", self.region)

    def facts(self) -> Facts:
        facts = Facts()
        for name, group in self._group_bodies():
            facts.groups[name] = (group.get("description", ""), group.get("tags", {}), {})
        for direction in ("ingress", "egress"):
            for rule in self.resources.get(f"aws_vpc_security_group_{direction}_rule", {}).values():
                of = self.name(rule["security_group_id"])
                facts.groups[of][2][self._rule(direction, rule)] = rule.get("description", "")
        for item in self.resources.get("aws_ec2_managed_prefix_list", {}).values():
            entries = {entry["cidr"]: entry.get("description", "") for entry in item.get("entry", ())}
            facts.lists[item["name"]] = (
                item["address_family"],
                item["max_entries"],
                entries,
                item.get("tags", {}),
            )
        self._acls(facts)
        return facts

    def _group_bodies(self) -> Iterator[tuple[str, Json]]:
        for group in self.resources.get("aws_security_group", {}).values():
            yield group["name"], group
        for group in self.resources.get("aws_default_security_group", {}).values():
            yield "default", group | {"description": "default VPC security group"}

    def _rule(self, direction: str, rule: Json) -> tuple[Any, ...]:
        traffic = {
            "IpProtocol": rule["ip_protocol"],
            "FromPort": rule.get("from_port"),
            "ToPort": rule.get("to_port"),
        }
        if "prefix_list_id" in rule:
            peer = ("list", self.name(rule["prefix_list_id"]))
        elif "referenced_security_group_id" in rule:
            peer = ("group", self.name(rule["referenced_security_group_id"]))
        else:
            peer = ("cidr", rule.get("cidr_ipv4") or rule["cidr_ipv6"])
        return ("in" if direction == "ingress" else "out", *flat_traffic(traffic), peer)

    def _acls(self, facts: Facts) -> None:
        for name, acl in self.resources.get("aws_network_acl", {}).items():
            facts.acls[self.name(f"aws_network_acl.{name}.id")] = (acl.get("tags", {}), set())
        for rule in self.resources.get("aws_network_acl_rule", {}).values():
            facts.acls[self.name(rule["network_acl_id"])][1].add(_entry(rule, rule["egress"]))
        for acl in self.resources.get("aws_default_network_acl", {}).values():
            entries = {_entry(one, True) for one in acl.get("egress", ())}
            entries |= {_entry(one, False) for one in acl.get("ingress", ())}
            facts.acls["default"] = (acl.get("tags", {}), entries)
        for one in self.resources.get("aws_network_acl_association", {}).values():
            facts.subnets[self.name(one["subnet_id"])] = self.name(one["network_acl_id"])


def _entry(rule: Json, egress: bool) -> tuple[Any, ...]:
    fields = {
        "Egress": egress,
        "RuleNumber": rule.get("rule_number") or rule["rule_no"],
        "Protocol": rule["protocol"],
        "RuleAction": rule.get("rule_action") or rule["action"],
        "CidrBlock": rule.get("cidr_block") or rule["ipv6_cidr_block"],
    }
    if "icmp_type" in rule:
        fields["IcmpTypeCode"] = {"Type": rule["icmp_type"], "Code": rule["icmp_code"]}
    elif rule["protocol"] in ("6", "17"):
        fields["PortRange"] = {"From": rule["from_port"], "To": rule["to_port"]}
    return flat_entry(fields, {})


# --- CloudFormation


class Template:
    def __init__(self, text: str) -> None:
        self.raw: Json = json.loads(text)

    def _each(self, kind: str) -> Iterator[tuple[str, Json]]:
        for name, body in self.raw["Resources"].items():
            if body["Type"] == f"AWS::EC2::{kind}":
                yield name, body["Properties"]

    def name(self, expression: Json) -> str:
        if "Ref" in expression:
            words = self.raw["Parameters"][expression["Ref"]]["Description"]
            listed = re.search(r"com\.amazonaws\.[\w.-]+", words)
            found = listed or _ID.search(words)
            return (
                found.group().rstrip(",")
                if found
                else "default"
                if "default security group" in words
                else words
            )
        logical, _ = expression["Fn::GetAtt"]
        fields = self.raw["Resources"][logical]["Properties"]
        return (
            fields.get("GroupName") or fields.get("PrefixListName") or tags_of(fields).get("Name") or logical
        )

    def facts(self) -> Facts:
        facts = Facts()
        for _, group in self._each("SecurityGroup"):
            rules = dict(self._inline(group))
            rules.pop(NOTHING_OUT, None)
            facts.groups[group["GroupName"]] = (group["GroupDescription"], tags_of(group), rules)
        for way, side in (("Ingress", "Source"), ("Egress", "Destination")):
            for _, rule in self._each(f"SecurityGroup{way}"):
                peer = ("group", self.name(rule[f"{side}SecurityGroupId"]))
                key = ("in" if way == "Ingress" else "out", *flat_traffic(rule), peer)
                facts.groups[self.name(rule["GroupId"])][2][key] = rule.get("Description", "")
        for _, item in self._each("PrefixList"):
            entries = {entry["Cidr"]: entry.get("Description", "") for entry in item.get("Entries", ())}
            facts.lists[item["PrefixListName"]] = (
                item["AddressFamily"],
                item["MaxEntries"],
                entries,
                tags_of(item),
            )
        for name, acl in self._each("NetworkAcl"):
            facts.acls[tags_of(acl).get("Name") or name] = (tags_of(acl), set())
        for _, entry in self._each("NetworkAclEntry"):
            fields = {**entry, "Protocol": str(entry["Protocol"]), "IcmpTypeCode": entry.get("Icmp")}
            facts.acls[self.name(entry["NetworkAclId"])][1].add(flat_entry(fields, {}))
        for _, one in self._each("SubnetNetworkAclAssociation"):
            facts.subnets[self.name(one["SubnetId"])] = self.name(one["NetworkAclId"])
        return facts

    def _inline(self, group: Json) -> Iterator[tuple[tuple[Any, ...], str]]:
        for way, key in (("in", "SecurityGroupIngress"), ("out", "SecurityGroupEgress")):
            for rule in group.get(key, ()):
                listed = rule.get("SourcePrefixListId") or rule.get("DestinationPrefixListId")
                peer = (
                    ("list", self.name(listed))
                    if listed
                    else ("cidr", rule.get("CidrIp") or rule["CidrIpv6"])
                )
                yield (way, *flat_traffic(rule), peer), rule.get("Description", "")
