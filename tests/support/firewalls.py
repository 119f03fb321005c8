"""Small firewalls for tests: documents in EC2's shapes, built from a few words."""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from twinwall.engine import comparing, replica
from twinwall.engine.sides import FileSide
from twinwall.model.rules import Direction, SecurityGroupRule
from twinwall.model.wire import parse_permission
from twinwall.planning.plan import Plan
from twinwall.replica.settings import Limits, Selection, Settings, Translation

SOURCE, TARGET = "111111111111", "222222222222"
SOURCE_REGION, TARGET_REGION = "eu-west-1", "us-east-1"
SOURCE_VPC, TARGET_VPC = "vpc-source", "vpc-target"

Json = dict[str, Any]


def permission(text: str, owner: str = "") -> tuple[str, Json]:
    """``in tcp 443 10.0.0.0/8 [description]`` → the direction's key and an IpPermission. Ports: ``443``,
    ``80-90``, ``8:0`` (ICMP), ``-`` for none. Peers: a CIDR, ``sg-…``, ``ACCOUNT/sg-…[@VPC[@STATUS]]``,
    ``pl-…``."""
    way, protocol, ports, peer, *words = text.split(" ", 4)
    fields: Json = {"IpProtocol": protocol}
    if ports != "-":
        first, _, last = (
            ports.replace(":", "~").replace("-", "~", 1).partition("~")
            if not ports.startswith("-")
            else ("-1", "", "-1")
        )
        fields |= {"FromPort": int(first), "ToPort": int(last or first)}
    section, item = _peer(peer, owner)
    if words:
        item["Description"] = words[0]
    return ("IpPermissions" if way == "in" else "IpPermissionsEgress"), {**fields, section: [item]}


def _peer(peer: str, owner: str) -> tuple[str, Json]:
    if peer.startswith("pl-"):
        return "PrefixListIds", {"PrefixListId": peer}
    if "sg-" in peer:
        place, _, id_ = peer.rpartition("/")
        id_, _, rest = id_.partition("@")
        vpc, _, status = rest.partition("@")
        pair = {"GroupId": id_, "UserId": place or owner}
        if vpc:
            pair |= {"VpcId": vpc, "VpcPeeringConnectionId": "pcx-1"}
        return "UserIdGroupPairs", pair | ({"PeeringStatus": status} if status else {})
    return ("Ipv6Ranges", {"CidrIpv6": peer}) if ":" in peer else ("IpRanges", {"CidrIp": peer})


def rule(text: str, owner: str = "") -> SecurityGroupRule:
    key, item = permission(text, owner)
    direction = Direction.INGRESS if key == "IpPermissions" else Direction.EGRESS
    return next(parse_permission(item, direction, owner))


def group(
    id_: str,
    name: str,
    *rules: str,
    vpc: str = SOURCE_VPC,
    owner: str = SOURCE,
    tags: Json | None = None,
    description: str = "",
) -> Json:
    made: Json = {
        "GroupId": id_,
        "GroupName": name,
        "Description": description
        or ("default VPC security group" if name == "default" else f"about {name}"),
        "OwnerId": owner,
        "VpcId": vpc,
        "IpPermissions": [],
        "IpPermissionsEgress": [],
        "Tags": [{"Key": key, "Value": value} for key, value in (tags or {}).items()],
    }
    for text in rules:
        key, item = permission(text, owner)
        made[key].append(item)
    return made


def entry(text: str) -> Json:
    """``in 100 allow tcp 443 0.0.0.0/0``."""
    way, number, action, protocol, ports, cidr = text.split()
    fields: Json = {
        "Egress": way == "out",
        "RuleNumber": int(number),
        "RuleAction": action,
        "Protocol": {"tcp": "6", "udp": "17", "icmp": "1", "icmpv6": "58"}.get(protocol, protocol),
        "Ipv6CidrBlock" if ":" in cidr else "CidrBlock": cidr,
    }
    if fields["Protocol"] in ("6", "17"):
        first, _, last = ports.partition("-")
        fields["PortRange"] = {"From": int(first), "To": int(last or first)}
    if fields["Protocol"] in ("1", "58"):
        kind, _, code = ports.partition(":")
        fields["IcmpTypeCode"] = {"Type": int(kind), "Code": int(code)}
    return fields


def acl(
    id_: str,
    *entries: str,
    default: bool = False,
    subnets: Iterable[str] = (),
    vpc: str = SOURCE_VPC,
    tags: Json | None = None,
) -> Json:
    return {
        "NetworkAclId": id_,
        "IsDefault": default,
        "VpcId": vpc,
        "OwnerId": SOURCE if vpc == SOURCE_VPC else TARGET,
        "Entries": [entry(text) for text in entries],
        "Associations": [
            {"SubnetId": subnet, "NetworkAclId": id_, "NetworkAclAssociationId": f"aclassoc-{subnet}"}
            for subnet in subnets
        ],
        "Tags": [{"Key": key, "Value": value} for key, value in (tags or {}).items()],
    }


def subnet(id_: str, cidr: str, zone: str = "a", name: str = "", vpc: str = SOURCE_VPC) -> Json:
    region = SOURCE_REGION if vpc == SOURCE_VPC else TARGET_REGION
    return {
        "SubnetId": id_,
        "VpcId": vpc,
        "CidrBlock": cidr,
        "AvailabilityZone": region + zone,
        "Tags": [{"Key": "Name", "Value": name}] if name else [],
    }


def prefix_list(
    id_: str,
    name: str,
    *cidrs: str,
    owner: str = SOURCE,
    size: int | None = 10,
    tags: Json | None = None,
    **more: Any,
) -> Json:
    made: Json = {
        "PrefixListId": id_,
        "PrefixListName": name,
        "AddressFamily": "IPv4",
        "OwnerId": owner,
        "Version": 1,
        "State": "create-complete",
        "Entries": [{"Cidr": cidr} for cidr in cidrs],
        "Tags": [{"Key": key, "Value": value} for key, value in (tags or {}).items()],
    }
    return made | ({"MaxEntries": size} if size is not None else {}) | more


DEFAULT_EGRESS = "out -1 - 0.0.0.0/0"


def source(
    *groups: Json,
    acls: Iterable[Json] = (),
    lists: Iterable[Json] = (),
    subnets: Iterable[Json] = (),
    region: str = SOURCE_REGION,
    account: str = SOURCE,
    cidr: str = "10.0.0.0/16",
    **more: Any,
) -> Json:
    default = group("sg-default", "default", "in -1 - sg-default", DEFAULT_EGRESS)
    return {
        "Region": region,
        "OwnerId": account,
        "Vpcs": [{"VpcId": SOURCE_VPC, "CidrBlock": cidr, "OwnerId": account}],
        "Subnets": list(subnets),
        "SecurityGroups": [default, *groups],
        "NetworkAcls": [
            acl("acl-default", "in 100 allow -1 - 0.0.0.0/0", "out 100 allow -1 - 0.0.0.0/0", default=True),
            *acls,
        ],
        "PrefixLists": list(lists),
    } | more


def target(
    *groups: Json,
    acls: Iterable[Json] = (),
    lists: Iterable[Json] = (),
    subnets: Iterable[Json] = (),
    region: str = TARGET_REGION,
    account: str = TARGET,
    cidr: str = "10.20.0.0/16",
    ipv6: str = "",
    default_subnets: Iterable[str] = (),
    **more: Any,
) -> Json:
    vpc: Json = {"VpcId": TARGET_VPC, "CidrBlock": cidr, "OwnerId": account}
    if ipv6:
        vpc["Ipv6CidrBlockAssociationSet"] = [
            {"Ipv6CidrBlock": ipv6, "Ipv6CidrBlockState": {"State": "associated"}}
        ]
    default = group(
        "sg-target", "default", "in -1 - sg-target", DEFAULT_EGRESS, vpc=TARGET_VPC, owner=account
    )
    return {
        "Region": region,
        "OwnerId": account,
        "Vpcs": [vpc],
        "Subnets": list(subnets),
        "SecurityGroups": [default, *groups],
        "NetworkAcls": [
            acl(
                "acl-target",
                "in 100 allow -1 - 0.0.0.0/0",
                "out 100 allow -1 - 0.0.0.0/0",
                default=True,
                subnets=default_subnets,
                vpc=TARGET_VPC,
            ),
            *acls,
        ],
        "PrefixLists": list(lists),
    } | more


def there(id_: str, name: str, *rules: str, marked: str = "", tags: Json | None = None, **more: Any) -> Json:
    """A group of the target; ``marked`` names the source group it is a copy of."""
    marks = {"twinwall:source": mark(marked)} if marked else {}
    return group(id_, name, *rules, vpc=TARGET_VPC, owner=TARGET, tags={**(tags or {}), **marks}, **more)


def mark(id_: str, account: str = SOURCE, region: str = SOURCE_REGION, vpc: str = SOURCE_VPC) -> str:
    return f"{account}/{region}/{vpc}/{id_}"


SELECTION = frozenset({"groups", "tags", "acls", "exclude", "only"})
LIMITS = frozenset(field.name for field in fields(Limits))


def settings(**options: Any) -> Settings:
    """Options by the names of the settings' fields, whichever of the three they belong to."""
    return Settings(
        Selection(**{key: value for key, value in options.items() if key in SELECTION}),
        Translation(**{key: value for key, value in options.items() if key not in SELECTION | LIMITS}),
        Limits(**{key: value for key, value in options.items() if key in LIMITS}),
    )


def planned(before: Json, after: Json, **options: Any) -> Plan:
    return replica.plan(FileSide("source", before), FileSide("target", after), settings(**options)).plan


def proof(before: Json, after: Json, **options: Any) -> Any:
    return comparing.verify(FileSide("source", before), FileSide("target", after), settings(**options)).report


def finding_ids(plan: Plan) -> list[str]:
    return [finding.id for finding in plan.findings]
