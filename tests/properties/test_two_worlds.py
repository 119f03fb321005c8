"""The AWS in memory and the one behind HTTP agree: any sequence of requests gets the same codes and the same
answers, and leaves the same state.

A request names things by kind and number, ``Named("sg", 1)``: the second group that this run has seen, or, where
there are not so many, an id of nobody. Ids are compared by the order in which they first come up.
"""

import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twinwall.emulator.memory import MemoryAws
from twinwall.emulator.refusal import Refusal
from twinwall.emulator.seed import empty_vpc
from twinwall.emulator.server import EmbeddedAws

ACCOUNT, REGION = "260000000001", "eu-west-1"
QUOTAS = {"L-0EA8095F": 3, "L-E79EC296": 5, "L-B4A6D682": 3, "L-2AEEBF1A": 3}
SUBNETS = [("10.0.1.0/24", "a", "app"), ("10.0.2.0/24", "b", "db")]
MOTO_S_DEFAULT = [("172.31.0.0/20", "a", ""), ("172.31.16.0/20", "b", ""), ("172.31.32.0/20", "c", "")]
"""The subnets of the default VPC that every Region of the server has."""
IPV6 = "2001:db8:1200::/56"
Json = dict[str, Any]


@dataclass(frozen=True)
class Named:
    kind: str
    number: int


Step = tuple[str, Json]

# --- what may be asked

NOBODY = {
    "sg": "sg-0aaaaaaaaaaaaaaaa",
    "sgr": "sgr-0aaaaaaaaaaaaaaaa",
    "acl": "acl-0aaaaaaaaaaaaaaaa",
    "aclassoc": "aclassoc-0aaaaaaaaaaaaaaaa",
    "pl": "pl-0aaaaaaaaaaaaaaaa",
    "vpc": "vpc-0aaaaaaaaaaaaaaaa",
}


def named(kind: str, most: int = 4) -> st.SearchStrategy[Named]:
    return st.builds(Named, st.just(kind), st.integers(0, most))


def fields(required: Mapping[str, Any], **optional: Any) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries(dict(required), optional=optional)


def one_of(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


CIDRS = one_of("10.0.0.0/8", "10.0.0.7/8", "0.0.0.0/0", "192.0.2.1/32", "192.0.2.1", "300.0.0.0/8")
CIDRS6 = one_of("::/0", "2001:DB8::1/128", "2001:db8::/129")
TEXTS = one_of("a rule", "a & b", "ü", "")
PORTS = one_of(-1, 0, 22, 443, 65535, 65536)
PROTOCOLS = one_of("tcp", "6", "UDP", "icmp", "58", "-1", "50", "300", "tpc")
TAGS = st.lists(
    st.builds(lambda k, v: {"Key": k, "Value": v}, one_of("Name", "aws:x", "a"), one_of("", "v", "x" * 257)),
    max_size=2,
)


def tag_specifications(kind: str) -> st.SearchStrategy[list[Json]]:
    kinds = one_of(kind, kind, "vpc")
    return st.builds(lambda k, tags: [{"ResourceType": k, "Tags": tags}], kinds, TAGS)


PERMISSIONS = st.lists(
    fields(
        {"IpProtocol": PROTOCOLS},
        FromPort=PORTS,
        ToPort=PORTS,
        IpRanges=st.lists(fields({"CidrIp": CIDRS}, Description=TEXTS), max_size=2),
        Ipv6Ranges=st.lists(fields({"CidrIpv6": CIDRS6}, Description=TEXTS), max_size=1),
        UserIdGroupPairs=st.lists(
            fields({"GroupId": named("sg")}, Description=TEXTS, UserId=one_of(ACCOUNT, "999999999999")),
            max_size=1,
        ),
        PrefixListIds=st.lists(fields({"PrefixListId": named("pl", 12)}, Description=TEXTS), max_size=1),
    ),
    min_size=1,
    max_size=2,
)
SIMPLE = st.builds(
    lambda port, cidr: [
        {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": cidr}]}
    ],
    one_of(22, 443),
    one_of("10.0.0.0/8", "0.0.0.0/0"),
)
RULE = fields(
    {"IpProtocol": PROTOCOLS},
    FromPort=PORTS,
    ToPort=PORTS,
    CidrIpv4=CIDRS,
    CidrIpv6=CIDRS6,
    ReferencedGroupId=named("sg"),
    Description=TEXTS,
)
ENTRY = {
    "NetworkAclId": named("acl"),
    "RuleNumber": one_of(1, 100, 32766, 32767, 0),
    "Protocol": one_of("-1", "6", "17", "1", "58", "50", "tcp"),
    "RuleAction": one_of("allow", "deny", "drop"),
    "Egress": st.booleans(),
}
ENTRY_MORE = {
    "CidrBlock": CIDRS,
    "Ipv6CidrBlock": CIDRS6,
    "PortRange": st.builds(lambda a, b: {"From": a, "To": b}, PORTS, PORTS),
    "IcmpTypeCode": st.builds(lambda a, b: {"Type": a, "Code": b}, one_of(-1, 8, 256), one_of(-1, 0)),
}
ENTRIES = st.lists(fields({"Cidr": CIDRS}, Description=TEXTS), min_size=1, max_size=2)
TOKENS = one_of("one", "two", "three", "four")
"""Always given: botocore would make one up."""
ANYTHING = st.lists(st.one_of(*map(named, NOBODY)), min_size=1, max_size=2)
FILTERS = st.builds(
    lambda name, value: [{"Name": name, "Values": [value]}],
    one_of("group-name", "vpc-id", "tag:Name", "ip-permission.cidr", "network-acl-id", "is-green"),
    one_of("web", "w*", "v", "10.0.0.0/8", Named("vpc", 0), Named("acl", 0)),
)
READ = {"Filters": FILTERS, "MaxResults": one_of(4, 5, 1000, 1001)}

REQUESTS: Mapping[str, st.SearchStrategy[Json]] = {
    "CreateSecurityGroup": fields(
        {
            "GroupName": one_of("web", "WEB ", "db", "default", "sg-x", "ü"),
            "Description": one_of("d", "ü", "x" * 256),
            "VpcId": named("vpc", 2),
        },
        TagSpecifications=tag_specifications("security-group"),
    ),
    "DeleteSecurityGroup": fields({"GroupId": named("sg")}),
    **{
        f"{verb}SecurityGroup{way}": fields(
            {"GroupId": named("sg", 2), "IpPermissions": SIMPLE | PERMISSIONS}, **more
        )
        for way in ("Ingress", "Egress")
        for verb, more in (
            ("Authorize", {"TagSpecifications": tag_specifications("security-group-rule")}),
            ("Revoke", {}),
        )
    },
    "RevokeSecurityGroupIngress/ids": fields(
        {"GroupId": named("sg"), "SecurityGroupRuleIds": st.lists(named("sgr"), min_size=1, max_size=2)}
    ),
    "RevokeSecurityGroupEgress/ids": fields(
        {"GroupId": named("sg"), "SecurityGroupRuleIds": st.lists(named("sgr"), min_size=1, max_size=2)}
    ),
    **{
        f"UpdateSecurityGroupRuleDescriptions{way}": fields(
            {"GroupId": named("sg"), "IpPermissions": SIMPLE | PERMISSIONS}
        )
        for way in ("Ingress", "Egress")
    },
    "UpdateSecurityGroupRuleDescriptionsIngress/ids": fields(
        {
            "GroupId": named("sg"),
            "SecurityGroupRuleDescriptions": st.lists(
                fields({"SecurityGroupRuleId": named("sgr")}, Description=TEXTS), min_size=1, max_size=2
            ),
        }
    ),
    "ModifySecurityGroupRules": fields(
        {
            "GroupId": named("sg"),
            "SecurityGroupRules": st.lists(
                st.builds(
                    lambda i, r: {"SecurityGroupRuleId": i, "SecurityGroupRule": r}, named("sgr"), RULE
                ),
                min_size=1,
                max_size=2,
            ),
        }
    ),
    "CreateNetworkAcl": fields({"VpcId": named("vpc", 2), "ClientToken": TOKENS}),
    "DeleteNetworkAcl": fields({"NetworkAclId": named("acl")}),
    "CreateNetworkAclEntry": fields(ENTRY, **ENTRY_MORE),
    "ReplaceNetworkAclEntry": fields(ENTRY, **ENTRY_MORE),
    "DeleteNetworkAclEntry": fields({k: ENTRY[k] for k in ("NetworkAclId", "RuleNumber", "Egress")}),
    "ReplaceNetworkAclAssociation": fields(
        {"AssociationId": named("aclassoc"), "NetworkAclId": named("acl")}
    ),
    "CreateManagedPrefixList": fields(
        {
            "PrefixListName": one_of("a", "com.amazonaws.x"),
            "MaxEntries": one_of(1, 2, 0),
            "AddressFamily": one_of("IPv4", "IPv6"),
            "ClientToken": TOKENS,
        },
        Entries=ENTRIES,
    ),
    "ModifyManagedPrefixList": fields(
        {"PrefixListId": named("pl", 12)},
        CurrentVersion=one_of(1, 2),
        AddEntries=ENTRIES,
        RemoveEntries=st.lists(fields({"Cidr": CIDRS}), min_size=1, max_size=2),
        MaxEntries=one_of(1, 2, 5),
    ),
    "RestoreManagedPrefixListVersion": fields(
        {"PrefixListId": named("pl", 12), "PreviousVersion": one_of(1, 2), "CurrentVersion": one_of(1, 2)}
    ),
    "DeleteManagedPrefixList": fields({"PrefixListId": named("pl", 12)}),
    "CreateTags": fields({"Resources": ANYTHING, "Tags": TAGS}),
    "DeleteTags": fields({"Resources": ANYTHING}, Tags=TAGS),
    "DescribeSecurityGroups": fields({}, **READ, GroupIds=st.lists(named("sg"), min_size=1, max_size=2)),
    "DescribeSecurityGroupRules": fields({}, **READ),
    "DescribeNetworkAcls": fields({}, **READ),
    "DescribeManagedPrefixLists": fields({}, MaxResults=one_of(0, 1, 100)),
    "DescribeTags": fields({}),
    "AssociateSecurityGroupVpc": fields({"GroupId": named("sg"), "VpcId": named("vpc", 2)}),
    "DisassociateSecurityGroupVpc": fields({"GroupId": named("sg"), "VpcId": named("vpc", 2)}),
    "DescribeSecurityGroupVpcAssociations": fields({}, MaxResults=one_of(4, 5, 1000)),
    "GetSecurityGroupsForVpc": fields({"VpcId": named("vpc", 2)}, MaxResults=one_of(4, 5, 1000)),
    "DescribeSecurityGroupReferences": fields({"GroupId": st.lists(named("sg"), min_size=1, max_size=2)}),
    "DescribeStaleSecurityGroups": fields({"VpcId": named("vpc", 2)}, MaxResults=one_of(4, 5, 255)),
    "GetManagedPrefixListEntries": fields({"PrefixListId": named("pl", 12)}, TargetVersion=one_of(1, 2)),
    "GetManagedPrefixListAssociations": fields({"PrefixListId": named("pl", 12)}),
    "DeleteSecurityGroup/dry": fields({"GroupId": named("sg"), "DryRun": st.just(True)}),
}
STEP = st.one_of([st.tuples(st.just(action), given) for action, given in REQUESTS.items()])
STEPS = st.lists(STEP, max_size=8)
LONGER = STEPS | st.lists(STEP, min_size=8, max_size=24)

# --- the two worlds

Ask = Callable[[str, Json], tuple[str, Json]]
"""(code, answer): a code and nothing, or nothing and an answer."""


def counted() -> Callable[[str], str]:
    """Ids in the order of their making: some answers are sorted by them."""
    numbers = itertools.count(1)
    return lambda prefix: f"{prefix}-0{next(numbers):016x}"


def in_memory(ipv6: bool) -> Ask:
    aws = MemoryAws((ACCOUNT,), quotas=QUOTAS)
    aws.world.ids = counted()
    aws.make_vpc(ACCOUNT, REGION, "172.31.0.0/16", subnets=MOTO_S_DEFAULT, default=True)
    aws.make_vpc(ACCOUNT, REGION, ipv6_cidr=IPV6 if ipv6 else None, subnets=SUBNETS)

    def ask(action: str, params: Json) -> tuple[str, Json]:
        try:
            return "", dict(aws.request(ACCOUNT, REGION, action, params))
        except Refusal as refusal:
            return f"{refusal.code} {refusal.status}: {refusal.message}", {}

    return ask


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[EmbeddedAws, Any]]:
    with EmbeddedAws((ACCOUNT,), quotas=QUOTAS) as aws:
        key = aws.credentials(ACCOUNT)
        config = Config(retries={"total_max_attempts": 1}, parameter_validation=False)
        make: Any = boto3.client
        yield (
            aws,
            make(
                "ec2",
                REGION,
                endpoint_url=aws.endpoint,
                aws_access_key_id=key.id,
                aws_secret_access_key=key.secret,
                config=config,
            ),
        )


def over_http(aws: EmbeddedAws, ec2: Any, ipv6: bool) -> Ask:
    aws.reset()
    aws.world.ids = counted()
    empty_vpc(aws, ACCOUNT, REGION, ipv6_cidr=IPV6 if ipv6 else None, subnets=SUBNETS)

    def ask(action: str, params: Json) -> tuple[str, Json]:
        try:
            return "", ec2._make_api_call(action, params)
        except ClientError as error:
            said, status = error.response["Error"], error.response["ResponseMetadata"]["HTTPStatusCode"]
            return f"{said['Code']} {status}: {said['Message']}", {}

    return ask


class Run:
    """One world's answers, with ids by the order of their first appearance."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._seen: dict[str, list[str]] = {}

    def step(self, action: str, params: Json) -> Any:
        code, answer = self._ask(action.partition("/")[0], self._resolved(params))
        answer.pop("ResponseMetadata", None)
        if "NextToken" in answer:
            answer["NextToken"] = "there is more"
        renamed = self._renamed([code, _without_empty(answer)])
        return sorted(map(str, renamed[1].get("Tags", ()))) if action == "DescribeTags" else renamed

    def _resolved(self, value: Any) -> Any:
        match value:
            case Named(kind, number):
                known = self._seen.get(kind, [])
                return known[number] if number < len(known) else NOBODY[kind]
            case dict():
                return {key: self._resolved(item) for key, item in value.items()}
            case list():
                return [self._resolved(item) for item in value]
            case _:
                return value

    def _renamed(self, value: Any) -> Any:
        return json.loads(_ID.sub(self._rename, json.dumps(value, sort_keys=True, default=str)))

    def _rename(self, found: re.Match[str]) -> str:
        kind, id_ = found[1], found[0]
        known = self._seen.setdefault(kind, [])
        if id_ not in known and id_ != NOBODY.get(kind):
            known.append(id_)
        return f"{kind}#{known.index(id_)}" if id_ in known else id_


_ID = re.compile(r"\b(sg|sgr|acl|aclassoc|pl|vpc|subnet)-[0-9a-f]{17}\b")
FIRST = ("DescribeSecurityGroups", "DescribeNetworkAcls", "DescribeManagedPrefixLists")
LAST = (*FIRST, "DescribeSecurityGroupRules", "DescribeSecurityGroupVpcAssociations")


def _without_empty(value: Any) -> Any:
    """An empty list is no list on the wire."""
    match value:
        case dict():
            kept = {key: _without_empty(item) for key, item in value.items()}
            return {key: item for key, item in kept.items() if item not in ([], {}, None)}
        case list():
            return [_without_empty(item) for item in value]
        case _:
            return value


def check_that_they_agree(one: Run, other: Run, steps: list[Step]) -> None:
    for action in FIRST:
        one.step(action, {}), other.step(action, {})
    for action, params in [*steps, *((action, {}) for action in LAST)]:
        assert one.step(action, params) == other.step(action, params), action


@settings(max_examples=200, suppress_health_check=list(HealthCheck))
@given(steps=STEPS, ipv6=st.booleans())
def test_memory_and_server_agree(server: Any, steps: list[Step], ipv6: bool) -> None:
    check_that_they_agree(Run(over_http(*server, ipv6)), Run(in_memory(ipv6)), steps)


@pytest.mark.soak
@pytest.mark.parametrize("part", range(20))
@settings(max_examples=500, suppress_health_check=list(HealthCheck))
@given(steps=LONGER, ipv6=st.booleans())
def test_memory_and_server_agree_at_length(server: Any, part: int, steps: list[Step], ipv6: bool) -> None:
    """10,000 sequences in 20 parts, each with a seed of its own (``make soak``)."""
    check_that_they_agree(Run(over_http(*server, ipv6)), Run(in_memory(ipv6)), steps)
