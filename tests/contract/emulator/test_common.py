"""Probes of what all calls share: DryRun, pages, filters, tags, quotas, unknown things, no HTML."""

from typing import Any

import pytest

from twinwall.emulator.server import EmbeddedAws
from twinwall.emulator.switches import RULES_PER_GROUP
from twinwall.model.throttle import Bucket

ONE, TWO, REGION = "210000000001", "210000000002", "eu-west-1"


def make(ec2: Any, vpc: str, *names: str) -> list[str]:
    return [
        ec2.create_security_group(GroupName=name, Description=f"d-{name}", VpcId=vpc)["GroupId"]
        for name in names
    ]


# --- DryRun


DRY: list[tuple[str, dict[str, Any]]] = [
    ("describe_security_groups", {}),
    ("describe_network_acls", {}),
    ("describe_managed_prefix_lists", {}),
    ("create_security_group", {"GroupName": "dry", "Description": "d"}),
    ("delete_security_group", {"GroupId": "sg-0aaaaaaaaaaaaaaaa"}),
    ("authorize_security_group_ingress", {"GroupId": "sg-0aaaaaaaaaaaaaaaa"}),
    ("revoke_security_group_egress", {"GroupId": "sg-0aaaaaaaaaaaaaaaa"}),
    ("create_network_acl", {"VpcId": "vpc-0aaaaaaaaaaaaaaaa"}),
    ("delete_network_acl", {"NetworkAclId": "acl-0aaaaaaaaaaaaaaaa"}),
    (
        "create_network_acl_entry",
        {"NetworkAclId": "a", "RuleNumber": 1, "Protocol": "-1", "RuleAction": "allow", "Egress": True},
    ),
    ("replace_network_acl_association", {"AssociationId": "a", "NetworkAclId": "b"}),
    ("create_managed_prefix_list", {"PrefixListName": "l", "MaxEntries": 1, "AddressFamily": "IPv4"}),
    ("create_tags", {"Resources": ["sg-0aaaaaaaaaaaaaaaa"], "Tags": [{"Key": "a", "Value": "b"}]}),
    ("describe_vpcs", {}),
]


@pytest.mark.parametrize(("method", "params"), DRY, ids=[row[0] for row in DRY])
def test_dry_run(aws: EmbeddedAws, ec2: Any, refuses: Any, method: str, params: dict[str, Any]) -> None:
    """aws-facts 1.1: permission only, so unknown ids do not matter; nothing is changed."""
    with refuses("DryRunOperation"):
        getattr(ec2, method)(DryRun=True, **params)
    assert not any(group.group_name == "dry" for group in aws.world.at(ONE, REGION).groups.values())
    aws.deny(ONE, "ec2:*")
    with refuses("UnauthorizedOperation"):
        getattr(ec2, method)(DryRun=True, **params)


# --- pages


def test_groups_in_pages(ec2: Any, vpc: str) -> None:
    """emulators.md: MaxResults, NextToken, paginator; without MaxResults all at once."""
    made = make(ec2, vpc, *(f"g{n}" for n in range(12)))
    filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["g*"]}]
    paginator = ec2.get_paginator("describe_security_groups")
    pages = list(paginator.paginate(Filters=filters, PaginationConfig={"PageSize": 5}))
    assert [len(page["SecurityGroups"]) for page in pages] == [5, 5, 2]
    assert [group["GroupId"] for page in pages for group in page["SecurityGroups"]] == made
    whole = ec2.describe_security_groups(Filters=filters)
    assert (len(whole["SecurityGroups"]), "NextToken" in whole) == (12, False)


@pytest.mark.parametrize(
    ("method", "least", "most"),
    [
        ("describe_security_groups", 5, 1000),
        ("describe_security_group_rules", 5, 1000),
        ("describe_network_acls", 5, 1000),
        ("describe_managed_prefix_lists", 1, 100),
    ],
)
def test_page_sizes(ec2: Any, refuses: Any, method: str, least: int, most: int) -> None:
    """B: the ranges of MaxResults."""
    for size in (least, most):
        getattr(ec2, method)(MaxResults=size)
    for size in (least - 1, most + 1):
        with refuses("InvalidParameterValue"):
            getattr(ec2, method)(MaxResults=size)


def test_a_token_is_good_for_its_own_request(ec2: Any, vpc: str, refuses: Any) -> None:
    """ERR InvalidNextToken."""
    make(ec2, vpc, *(f"g{n}" for n in range(6)))
    token = ec2.describe_security_groups(MaxResults=5)["NextToken"]
    for wrong in ({"NextToken": "nonsense"}, {"NextToken": token, "GroupNames": ["default"]}):
        with refuses("InvalidNextToken"):
            ec2.describe_security_groups(MaxResults=5, **wrong)


def test_rules_and_acls_in_pages(ec2: Any, vpc: str) -> None:
    """emulators.md."""
    make(ec2, vpc, *(f"g{n}" for n in range(6)))
    for _ in range(6):
        ec2.create_network_acl(VpcId=vpc)
    for method, key in (
        ("describe_security_group_rules", "SecurityGroupRules"),
        ("describe_network_acls", "NetworkAcls"),
    ):
        whole = getattr(ec2, method)()[key]
        pages = list(ec2.get_paginator(method).paginate(PaginationConfig={"PageSize": 5}))
        assert [item for page in pages for item in page[key]] == whole
        assert len(pages) > 1


# --- filters


@pytest.mark.parametrize(
    ("name", "values", "found"),
    [
        ("group-name", ["web"], ["web"]),
        ("group-name", ["w*", "db"], ["web", "db"]),
        ("group-name", ["w?b"], ["web"]),
        ("group-name", ["WEB"], []),
        ("description", ["d-db"], ["db"]),
        ("owner-id", [TWO], []),
        ("tag:team", ["a"], ["web"]),
        ("tag-key", ["team"], ["web"]),
        ("ip-permission.cidr", ["10.0.0.0/8"], ["web"]),
        ("ip-permission.ipv6-cidr", ["2001:db8::/32"], ["db"]),
        ("ip-permission.protocol", ["tcp"], ["web"]),
        ("ip-permission.from-port", ["22"], ["web"]),
        ("ip-permission.to-port", ["23"], ["web"]),
        ("ip-permission.user-id", [ONE], ["default", "db"]),
        ("egress.ip-permission.cidr", ["0.0.0.0/0"], ["default", "web", "db"]),
        ("egress.ip-permission.protocol", ["-1"], ["default", "web", "db"]),
    ],
)
def test_group_filters(ec2: Any, vpc: str, name: str, values: list[str], found: list[str]) -> None:
    """B DescribeSecurityGroupsRequest.Filters; emulators.md."""
    web, db = make(ec2, vpc, "web", "db")
    ec2.create_tags(Resources=[web], Tags=[{"Key": "team", "Value": "a"}])
    ssh = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 23, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    ec2.authorize_security_group_ingress(GroupId=web, IpPermissions=[ssh])
    mixed = {
        "IpProtocol": "-1",
        "Ipv6Ranges": [{"CidrIpv6": "2001:db8::/32"}],
        "UserIdGroupPairs": [{"GroupId": web}],
    }
    ec2.authorize_security_group_ingress(GroupId=db, IpPermissions=[mixed])
    filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": name, "Values": values}]
    groups = ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
    assert [group["GroupName"] for group in groups] == found
    by_group = [{"Name": "ip-permission.group-id", "Values": [web]}]
    assert [g["GroupId"] for g in ec2.describe_security_groups(Filters=by_group)["SecurityGroups"]] == [db]


@pytest.mark.parametrize(
    ("method", "more"),
    [
        ("describe_security_groups", {}),
        ("describe_security_group_rules", {}),
        ("describe_network_acls", {}),
        ("describe_managed_prefix_lists", {}),
        ("describe_security_group_vpc_associations", {}),
        ("describe_tags", {}),
    ],
)
def test_unknown_filters(ec2: Any, refuses: Any, method: str, more: dict[str, Any]) -> None:
    """ERR InvalidParameterValue; aws-facts 1.1: describe_security_group_rules has no vpc-id filter."""
    with refuses("InvalidParameterValue"):
        getattr(ec2, method)(Filters=[{"Name": "colour", "Values": ["red"]}], **more)
    if method == "describe_security_group_rules":
        with refuses("InvalidParameterValue"):
            ec2.describe_security_group_rules(Filters=[{"Name": "vpc-id", "Values": ["v"]}])


def test_too_many_filter_values(ec2: Any, refuses: Any) -> None:
    """aws-facts 3.5: FilterLimitExceeded."""
    with refuses("FilterLimitExceeded"):
        ec2.describe_security_groups(Filters=[{"Name": "group-id", "Values": ["x"] * 201}])


# --- tags


def test_tags_of_all_our_kinds(ec2: Any, vpc: str, group: str) -> None:
    """aws-facts 1.2; emulators.md: rule tags by CreateTags and by filter."""
    acl = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    made = ec2.create_managed_prefix_list(PrefixListName="l", MaxEntries=1, AddressFamily="IPv4")
    listed = made["PrefixList"]["PrefixListId"]
    rule = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])[
        "SecurityGroupRules"
    ][0]["SecurityGroupRuleId"]
    ids = [group, acl, listed, rule, vpc]
    tag = {"Key": "team", "Value": "a"}
    ec2.create_tags(Resources=ids, Tags=[tag])
    found = ec2.describe_tags(Filters=[{"Name": "key", "Values": ["team"]}])["Tags"]
    assert {(t["ResourceId"], t["ResourceType"]) for t in found} == {
        (group, "security-group"),
        (acl, "network-acl"),
        (listed, "prefix-list"),
        (rule, "security-group-rule"),
        (vpc, "vpc"),
    }
    assert ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["Tags"] == [tag]
    by_tag = [{"Name": "tag:team", "Values": ["a"]}]
    rules = ec2.describe_security_group_rules(Filters=by_tag)["SecurityGroupRules"]
    assert [(r["SecurityGroupRuleId"], r["Tags"]) for r in rules] == [(rule, [tag])]
    ec2.delete_tags(Resources=ids, Tags=[{"Key": "team", "Value": "b"}])
    assert len(ec2.describe_tags(Filters=by_tag_key("team"))["Tags"]) == 5
    ec2.delete_tags(Resources=ids, Tags=[{"Key": "team"}])
    assert ec2.describe_tags(Filters=by_tag_key("team"))["Tags"] == []


def by_tag_key(key: str) -> list[dict[str, Any]]:
    return [{"Name": "key", "Values": [key]}]


def test_rule_tags_at_creation(ec2: Any, group: str) -> None:
    """aws-facts 1.1: TagSpecifications of type security-group-rule."""
    tags = [{"Key": "a", "Value": "b"}]
    answer = ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}],
        TagSpecifications=[{"ResourceType": "security-group-rule", "Tags": tags}],
    )
    assert answer["SecurityGroupRules"][0]["Tags"] == tags


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ([{"Key": "aws:x", "Value": "1"}], "InvalidParameterValue"),
        ([{"Key": "x" * 128, "Value": "1"}], "InvalidParameterValue"),
        ([{"Key": "x", "Value": "v" * 257}], "InvalidParameterValue"),
        ([{"Key": "x", "Value": "1"}, {"Key": "x", "Value": "2"}], "InvalidParameterValue"),
        ([{"Key": f"k{n}", "Value": ""} for n in range(51)], "TagLimitExceeded"),
    ],
)
def test_tags_that_are_refused(
    ec2: Any, vpc: str, group: str, refuses: Any, tags: list[dict[str, str]], code: str
) -> None:
    """aws-facts 1.2: 50 per resource, lengths, the aws: prefix."""
    with refuses(code):
        ec2.create_tags(Resources=[group, vpc], Tags=tags)
    with refuses(code):
        ec2.create_security_group(
            GroupName="t",
            Description="d",
            VpcId=vpc,
            TagSpecifications=[{"ResourceType": "security-group", "Tags": tags}],
        )
    assert not ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0].get("Tags")


@pytest.mark.parametrize(
    ("id_", "code"),
    [
        ("sg-0aaaaaaaaaaaaaaaa", "InvalidGroup.NotFound"),
        ("sgr-0aaaaaaaaaaaaaaaa", "InvalidSecurityGroupRuleId.NotFound"),
        ("acl-0aaaaaaaaaaaaaaaa", "InvalidNetworkAclID.NotFound"),
        ("pl-0aaaaaaaaaaaaaaaa", "InvalidPrefixListID.NotFound"),
    ],
)
def test_tags_on_unknown_things(ec2: Any, group: str, refuses: Any, id_: str, code: str) -> None:
    """aws-facts 3.5; none of the ids is tagged then."""
    with refuses(code):
        ec2.create_tags(Resources=[group, id_], Tags=[{"Key": "a", "Value": "b"}])
    assert ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["Tags"] == []


# --- quotas, unknown things


def test_request_buckets_are_quotas_of_ec2(aws: EmbeddedAws, client: Any, refuses: Any) -> None:
    """Two quotas an action, a hundred a page (API: ListServiceQuotas); per account; the account's own where it has
    one, and what AWS documents as the default."""
    quotas, name = client("service-quotas"), "CreateSecurityGroup request bucket"
    aws.set_bucket("CreateSecurityGroup", Bucket(200, 20.5), ONE)
    pages = list(quotas.get_paginator("list_service_quotas").paginate(ServiceCode="ec2"))
    assert {len(page["Quotas"]) for page in pages[:-1]} == {100}
    found = {quota["QuotaName"]: quota for page in pages for quota in page["Quotas"]}
    assert len(found) == sum(len(page["Quotas"]) for page in pages) > 1000
    assert len({quota["QuotaCode"] for quota in found.values()}) == len(found)
    assert found[f"{name} maximum capacity"]["Value"] == 200.0
    assert found[f"{name} refill rate"]["Value"] == 20.5
    assert found["DescribeVpcs request bucket refill rate"]["Value"] == 20.0
    asked = {"ServiceCode": "ec2", "QuotaCode": found[f"{name} refill rate"]["QuotaCode"]}
    assert quotas.get_service_quota(**asked)["Quota"]["Value"] == 20.5
    assert quotas.get_aws_default_service_quota(**asked)["Quota"]["Value"] == 5.0
    assert client("service-quotas", account=TWO).get_service_quota(**asked)["Quota"]["Value"] == 5.0
    aws.deny(ONE, "servicequotas:ListServiceQuotas")
    with refuses("AccessDeniedException"):
        quotas.list_service_quotas(ServiceCode="ec2")


def test_service_quotas(aws: EmbeddedAws, client: Any, refuses: Any) -> None:
    """aws-facts 1.7: applied and default values, per account and Region."""
    quotas = client("service-quotas")
    aws.set_quota(RULES_PER_GROUP, 100, ONE, REGION)
    asked = {"ServiceCode": "vpc", "QuotaCode": RULES_PER_GROUP}
    assert quotas.get_service_quota(**asked)["Quota"]["Value"] == 100.0
    assert quotas.get_aws_default_service_quota(**asked)["Quota"]["Value"] == 60.0
    other = client("service-quotas", account=TWO)
    assert other.get_service_quota(**asked)["Quota"]["Value"] == 60.0
    listed = {q["QuotaCode"]: q["Value"] for q in quotas.list_service_quotas(ServiceCode="vpc")["Quotas"]}
    assert listed == {
        "L-0EA8095F": 100.0,
        "L-E79EC296": 2500.0,
        "L-2AFB9258": 5.0,
        "L-B4A6D682": 200.0,
        "L-2AEEBF1A": 20.0,
    }
    with refuses("NoSuchResourceException"):
        quotas.get_service_quota(ServiceCode="vpc", QuotaCode="L-NONE")
    aws.deny(ONE, "servicequotas:*")
    with refuses("AccessDeniedException"):
        quotas.get_service_quota(**asked)


@pytest.mark.parametrize(
    ("service", "method", "params", "code"),
    [
        ("ec2", "describe_instance_topology", {}, "InvalidAction"),
        ("autoscaling", "rollback_instance_refresh", {"AutoScalingGroupName": "a"}, "InvalidAction"),
        ("cloudtrail", "list_imports", {}, "UnknownOperationException"),
    ],
)
def test_an_unknown_operation_is_refused_in_words(
    client: Any, refuses: Any, service: str, method: str, params: dict[str, str], code: str
) -> None:
    """Issue 3: a clear error, never an HTML page."""
    with refuses(code):
        getattr(client(service), method)(**params)


def test_unknown_and_missing_parameters(ec2: Any, refuses: Any) -> None:
    """ERR UnknownParameter, MissingParameter."""
    with refuses("MissingParameter"):
        ec2.create_security_group(Description="d")
    with refuses("MissingParameter"):
        ec2.create_network_acl()
