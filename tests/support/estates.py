"""Whole VPCs as documents: the work that performance.md speaks of, W(G, R, N, E)."""

import ipaddress
from typing import Any

Json = dict[str, Any]

DEFAULT_EGRESS: Json = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
ALL_IN = {"CidrBlock": "0.0.0.0/0", "Protocol": "-1", "RuleAction": "allow", "RuleNumber": 100}


def cidr_rules(count: int, group: int) -> list[Json]:
    """So many rules, each a permission of its own."""
    return [
        {
            "IpProtocol": ("tcp", "udp")[n % 2],
            "FromPort": 1000 + n,
            "ToPort": 1000 + n,
            "IpRanges": [{"CidrIp": f"10.{group % 200}.{n}.0/24", "Description": f"rule {n}"}],
        }
        for n in range(count)
    ]


def w(
    groups: int, rules: int, acls: int, entries: int, *, vpc: str = "vpc-w", cidr: str = "10.40.0.0/16"
) -> Json:
    """W(G, R, N, E): a third of the groups with restricted egress, S = N, and each group refers to the next
    (one ring). R rules a group without the egress that EC2 gives anyway."""
    made = []
    for number in range(groups):
        restricted = number % 3 == 0
        outgoing = rules // 3 if restricted else 0
        ingress = cidr_rules(rules - outgoing - 1, number)
        pair = {"GroupId": f"sg-w{(number + 1) % groups:04}", "UserId": "111111111111"}
        ingress.append({"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": [pair]})
        made.append(
            {
                "GroupId": f"sg-w{number:04}",
                "GroupName": f"app-{number}",
                "Description": f"app {number}",
                "OwnerId": "111111111111",
                "VpcId": vpc,
                "IpPermissions": ingress,
                "IpPermissionsEgress": cidr_rules(outgoing, number) if restricted else [DEFAULT_EGRESS],
                "Tags": [{"Key": "Name", "Value": f"app-{number}"}],
            }
        )
    blocks = [str(block) for block in ipaddress.ip_network(cidr).subnets(new_prefix=24)]
    subnets = [
        {
            "SubnetId": f"subnet-w{number}",
            "VpcId": vpc,
            "CidrBlock": blocks[number],
            "AvailabilityZone": "us-west-1" + "ab"[number % 2],
            "Tags": [{"Key": "Name", "Value": f"tier-{number}"}],
        }
        for number in range(acls)
    ]
    return {
        "Region": "us-west-1",
        "OwnerId": "111111111111",
        "Vpcs": [{"VpcId": vpc, "CidrBlock": cidr, "OwnerId": "111111111111"}],
        "Subnets": subnets,
        "SecurityGroups": made,
        "NetworkAcls": [acl(number, entries, subnets[number]["SubnetId"], vpc) for number in range(acls)],
    }


def acl(number: int, entries: int, subnet: str, vpc: str) -> Json:
    items = [
        {
            "Egress": way,
            "RuleNumber": 100 + n,
            "RuleAction": "allow",
            "Protocol": "6",
            "PortRange": {"From": 1000 + n, "To": 1000 + n},
            "CidrBlock": f"10.{number}.{n}.0/24",
        }
        for way, count in ((False, entries - entries // 2), (True, entries // 2))
        for n in range(count)
    ]
    return {
        "NetworkAclId": f"acl-w{number}",
        "VpcId": vpc,
        "IsDefault": False,
        "Entries": items,
        "Associations": [
            {
                "SubnetId": subnet,
                "NetworkAclId": f"acl-w{number}",
                "NetworkAclAssociationId": f"aclassoc-w{number}",
            }
        ],
        "Tags": [{"Key": "Name", "Value": f"tier-{number}"}],
    }
