"""The firewall that the demo copies: a small shop in one VPC, with what makes copying hard.

Groups that name each other in a cycle and across tiers, a group that names itself, an office's prefix list,
an AWS-managed one, IPv6, ICMP, a protocol by number, ACLs that deny before they allow, and two subnets a
zone. Ids are fixed, so that commands can be written down.
"""

from typing import Any

Document = dict[str, Any]

SOURCE_ACCOUNT, SOURCE_REGION = "111111111111", "eu-west-1"
TARGET_ACCOUNT, TARGET_REGION = "222222222222", "us-east-1"
SOURCE_VPC, TARGET_VPC = "vpc-0a11ce00000000001", "vpc-0b0b0000000000002"

_OFFICE = "pl-0ff1ce00000000001"
_TIERS = ("public", "app", "data")
_ALL = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}], "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}


def source_document() -> Document:
    return {
        "Region": SOURCE_REGION,
        "OwnerId": SOURCE_ACCOUNT,
        "Vpcs": [_vpc(SOURCE_VPC, SOURCE_ACCOUNT, "shop", "10.10.0.0/16", "2001:db8:10::/56")],
        "Subnets": _subnets(SOURCE_VPC, SOURCE_ACCOUNT, SOURCE_REGION, "10.10"),
        "SecurityGroups": [_default_group(), *_groups()],
        "NetworkAcls": _acls(),
        "PrefixLists": [_office()],
        "NetworkInterfaces": [_interface()],
    }


def _interface() -> Document:
    """The load balancer, so that ``explain`` has somebody to ask about."""
    return {
        "NetworkInterfaceId": "eni-0a11ce00000000001",
        "VpcId": SOURCE_VPC,
        "SubnetId": _subnet_id(SOURCE_VPC, 0),
        "OwnerId": SOURCE_ACCOUNT,
        "Status": "in-use",
        "PrivateIpAddress": "10.10.0.10",
        "PrivateIpAddresses": [{"PrivateIpAddress": "10.10.0.10", "Primary": True}],
        "Groups": [{"GroupId": _IDS["edge"], "GroupName": "edge"}],
    }


def target_document() -> Document:
    """An empty VPC: subnets, and the default group and ACL that EC2 makes."""
    return {
        "Region": TARGET_REGION,
        "OwnerId": TARGET_ACCOUNT,
        "Vpcs": [_vpc(TARGET_VPC, TARGET_ACCOUNT, "shop-dr", "10.20.0.0/16", "2001:db8:20::/56")],
        "Subnets": _subnets(TARGET_VPC, TARGET_ACCOUNT, TARGET_REGION, "10.20"),
    }


def _vpc(id_: str, owner: str, name: str, block: str, six: str) -> Document:
    return {
        "VpcId": id_,
        "OwnerId": owner,
        "CidrBlock": block,
        "Ipv6CidrBlockAssociationSet": [
            {"Ipv6CidrBlock": six, "Ipv6CidrBlockState": {"State": "associated"}}
        ],
        "Tags": [{"Key": "Name", "Value": name}],
    }


def _subnet_id(vpc_id: str, number: int) -> str:
    return f"subnet-{vpc_id.removeprefix('vpc-')[:-2]}{number:02x}"


def _subnets(vpc_id: str, owner: str, region: str, block: str) -> list[Document]:
    places = [(tier, zone) for tier in _TIERS for zone in "ab"]
    return [
        {
            "SubnetId": _subnet_id(vpc_id, number),
            "VpcId": vpc_id,
            "OwnerId": owner,
            "AvailabilityZone": f"{region}{zone}",
            "CidrBlock": f"{block}.{number}.0/24",
            "Tags": [{"Key": "Name", "Value": f"{tier}-{zone}"}],
        }
        for number, (tier, zone) in enumerate(places)
    ]


# --- groups

_IDS = {
    "default": "sg-0a11ce00000000000",
    "edge": "sg-0a11ce00000000001",
    "web": "sg-0a11ce00000000002",
    "api": "sg-0a11ce00000000003",
    "db": "sg-0a11ce00000000004",
    "cache cluster": "sg-0a11ce00000000005",
    "bastion": "sg-0a11ce00000000006",
    "vpn": "sg-0a11ce00000000007",
    "monitoring": "sg-0a11ce00000000008",
}


def _group(name: str, description: str, ingress: list[Document], egress: list[Document]) -> Document:
    return {
        "GroupId": _IDS[name],
        "GroupName": name,
        "Description": description,
        "OwnerId": SOURCE_ACCOUNT,
        "VpcId": SOURCE_VPC,
        "IpPermissions": ingress,
        "IpPermissionsEgress": egress,
        "Tags": [{"Key": "team", "Value": "shop"}] if name != "default" else [],
    }


def _ports(protocol: str, first: int, last: int, **peers: list[Document]) -> Document:
    return {"IpProtocol": protocol, "FromPort": first, "ToPort": last, **peers}


def _from(*names: str) -> list[Document]:
    return [{"GroupId": _IDS[name], "UserId": SOURCE_ACCOUNT} for name in names]


def _default_group() -> Document:
    itself = {"IpProtocol": "-1", "UserIdGroupPairs": _from("default")}
    return _group("default", "default VPC security group", [itself], [_ALL])


def _groups() -> list[Document]:
    anywhere: dict[str, list[Document]] = {
        "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "customers"}],
        "Ipv6Ranges": [{"CidrIpv6": "::/0", "Description": "customers"}],
    }
    office = [{"PrefixListId": _OFFICE, "Description": "offices"}]
    ping = {"IpProtocol": "icmp", "FromPort": 8, "ToPort": -1, "IpRanges": [{"CidrIp": "10.10.0.0/16"}]}
    to_web = _ports("tcp", 8080, 8080, UserIdGroupPairs=_from("web"))
    return [
        _group(
            "edge",
            "Load balancer",
            [_ports("tcp", 443, 443, **anywhere), _ports("tcp", 80, 80, **anywhere)],
            [to_web],
        ),
        _group("web", "Web tier", [_ports("tcp", 8080, 8080, UserIdGroupPairs=_from("edge", "api"))], [_ALL]),
        _group("api", "API tier", [_ports("tcp", 9000, 9010, UserIdGroupPairs=_from("web"))], [_ALL]),
        _group("db", "PostgreSQL", [_ports("tcp", 5432, 5432, UserIdGroupPairs=_from("api", "bastion"))], []),
        _group(
            "cache cluster",
            "Redis, talks to itself",
            [_ports("tcp", 6379, 6379, UserIdGroupPairs=_from("api", "cache cluster"))],
            [_ports("tcp", 16379, 16379, UserIdGroupPairs=_from("cache cluster"))],
        ),
        _group("bastion", "Way in for people", [_ports("tcp", 22, 22, PrefixListIds=office)], [_ALL]),
        _group(
            "vpn",
            "IPsec to the offices",
            [_ports("udp", 500, 500, PrefixListIds=office), {"IpProtocol": "50", "PrefixListIds": office}],
            [_ALL],
        ),
        _group(
            "monitoring",
            "Scrapes everything",
            [ping],
            [_ports("tcp", 9100, 9100, IpRanges=[{"CidrIp": "10.10.0.0/16", "Description": "exporters"}])],
        ),
    ]


# --- prefix lists


def _office() -> Document:
    return {
        "PrefixListId": _OFFICE,
        "PrefixListName": "offices",
        "AddressFamily": "IPv4",
        "OwnerId": SOURCE_ACCOUNT,
        "MaxEntries": 5,
        "Version": 1,
        "State": "create-complete",
        "Entries": [
            {"Cidr": "198.51.100.0/24", "Description": "Berlin"},
            {"Cidr": "203.0.113.64/26", "Description": "Lisbon"},
        ],
    }


# --- network ACLs


def _entry(number: int, egress: bool, action: str, protocol: str, cidr: str, *ports: int) -> Document:
    entry: Document = {
        "RuleNumber": number,
        "Egress": egress,
        "RuleAction": action,
        "Protocol": protocol,
        "Ipv6CidrBlock" if ":" in cidr else "CidrBlock": cidr,
    }
    return entry | ({"PortRange": {"From": ports[0], "To": ports[1]}} if ports else {})


def _acls() -> list[Document]:
    open_ = [_entry(100, egress, "allow", "-1", "0.0.0.0/0") for egress in (False, True)]
    return [
        _acl("acl-0a11ce00000000000", "default", [], [*open_]),
        _acl("acl-0a11ce00000000001", "public", [0, 1], _public_entries()),
        _acl("acl-0a11ce00000000002", "private", [2, 3, 4, 5], _private_entries()),
    ]


def _acl(id_: str, name: str, subnets: list[int], entries: list[Document]) -> Document:
    return {
        "NetworkAclId": id_,
        "VpcId": SOURCE_VPC,
        "OwnerId": SOURCE_ACCOUNT,
        "IsDefault": name == "default",
        "Entries": entries,
        "Associations": [
            {
                "NetworkAclAssociationId": f"aclassoc-{id_[-8:]}{number:02x}",
                "SubnetId": _subnet_id(SOURCE_VPC, number),
            }
            for number in subnets
        ],
        "Tags": [] if name == "default" else [{"Key": "Name", "Value": name}],
    }


def _public_entries() -> list[Document]:
    return [
        _entry(90, False, "deny", "-1", "192.0.2.0/24"),
        _entry(100, False, "allow", "6", "0.0.0.0/0", 443, 443),
        _entry(110, False, "allow", "6", "0.0.0.0/0", 80, 80),
        _entry(120, False, "allow", "6", "0.0.0.0/0", 1024, 65535),
        _entry(130, False, "allow", "-1", "10.10.0.0/16"),
        _entry(140, False, "allow", "6", "::/0", 443, 443),
        _entry(100, True, "allow", "-1", "0.0.0.0/0"),
        _entry(110, True, "allow", "-1", "::/0"),
    ]


def _private_entries() -> list[Document]:
    return [
        _entry(100, False, "deny", "6", "10.10.0.0/23", 5432, 5432),
        _entry(110, False, "allow", "-1", "10.10.0.0/16"),
        _entry(120, False, "allow", "6", "0.0.0.0/0", 1024, 65535),
        _entry(100, True, "allow", "-1", "0.0.0.0/0"),
    ]
