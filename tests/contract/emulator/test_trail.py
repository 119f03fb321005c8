"""CloudTrail's LookupEvents: what was called, by whom, with what (aws-facts 8)."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from twinwall.emulator.server import EmbeddedAws

ONE, REGION = "210000000001", "eu-west-1"


def looked_up(client: Any, name: str, **more: Any) -> list[dict[str, Any]]:
    wanted = [{"AttributeKey": "EventName", "AttributeValue": name}]
    found = client("cloudtrail").lookup_events(LookupAttributes=wanted, **more)["Events"]
    return [{**event, "record": json.loads(event["CloudTrailEvent"])} for event in found]


def test_a_write_is_recorded_in_ec2_s_own_names(client: Any, ec2: Any, group: str) -> None:
    permission = {
        "IpProtocol": "tcp",
        "FromPort": 22,
        "ToPort": 22,
        "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "x"}],
        "UserIdGroupPairs": [{"GroupId": group}],
    }
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])
    (event,) = looked_up(client, "AuthorizeSecurityGroupIngress")
    record = event["record"]
    (asked,) = record["requestParameters"]["ipPermissions"]["items"]
    assert record["requestParameters"]["groupId"] == group
    assert asked["ipRanges"] == {"items": [{"cidrIp": "10.0.0.0/8", "description": "x"}]}
    assert asked["groups"] == {"items": [{"groupId": group}]}
    assert len(record["responseElements"]["securityGroupRuleSet"]["items"]) == 2
    assert (record["eventSource"], record["awsRegion"], record["recipientAccountId"]) == (
        "ec2.amazonaws.com",
        REGION,
        ONE,
    )
    assert (record["userIdentity"]["arn"], event["Username"]) == (
        f"arn:aws:iam::{ONE}:user/twinwall",
        "twinwall",
    )
    assert (event["ReadOnly"], "errorCode" in record) == ("false", False)


def test_modify_is_recorded_in_the_request_s_names(client: Any, ec2: Any, group: str) -> None:
    """aws-facts 8: one rule is an object."""
    filters = [{"Name": "group-id", "Values": [group]}]
    (rule,) = ec2.describe_security_group_rules(Filters=filters)["SecurityGroupRules"]
    body = {"IpProtocol": "-1", "CidrIpv4": "10.0.0.0/8"}
    update = {"SecurityGroupRuleId": rule["SecurityGroupRuleId"], "SecurityGroupRule": body}
    ec2.modify_security_group_rules(GroupId=group, SecurityGroupRules=[update])
    (event,) = looked_up(client, "ModifySecurityGroupRules")
    asked = event["record"]["requestParameters"]["ModifySecurityGroupRulesRequest"]
    assert (asked["GroupId"], asked["SecurityGroupRule"]["SecurityGroupRuleId"]) == (
        group,
        rule["SecurityGroupRuleId"],
    )


def test_refused_and_dry_calls_are_recorded_with_their_error(
    aws: EmbeddedAws, client: Any, ec2: Any, group: str, refuses: Any
) -> None:
    with refuses("DryRunOperation"):
        ec2.delete_security_group(GroupId=group, DryRun=True)
    with refuses("InvalidGroup.NotFound"):
        ec2.delete_security_group(GroupId="sg-0aaaaaaaaaaaaaaaa")
    codes = [event["record"]["errorCode"] for event in looked_up(client, "DeleteSecurityGroup")]
    assert codes == ["Client.InvalidGroup.NotFound", "Client.DryRunOperation"]


def test_reads_are_recorded_without_their_answer(client: Any, ec2: Any) -> None:
    ec2.describe_vpcs()
    (event,) = looked_up(client, "DescribeVpcs")
    assert (event["ReadOnly"], event["record"]["responseElements"]) == ("true", None)


def test_other_services_too_but_no_data_events(client: Any) -> None:
    url = client("sqs").create_queue(QueueName="q")["QueueUrl"]
    client("sqs").send_message(QueueUrl=url, MessageBody="x")
    client("iam").create_user(UserName="eve")
    made = looked_up(client, "CreateUser")
    assert [event["record"]["requestParameters"]["userName"] for event in made] == ["eve"]
    assert looked_up(client, "SendMessage") == []


def test_pages_and_times(client: Any, ec2: Any, vpc: str) -> None:
    for number in range(3):
        ec2.create_security_group(GroupName=f"g{number}", Description="d", VpcId=vpc)
    paginator = client("cloudtrail").get_paginator("lookup_events")
    wanted = [{"AttributeKey": "EventName", "AttributeValue": "CreateSecurityGroup"}]
    pages = list(paginator.paginate(LookupAttributes=wanted, PaginationConfig={"PageSize": 2}))
    assert [len(page["Events"]) for page in pages] == [2, 1]
    later = datetime.now(UTC) + timedelta(hours=1)
    assert looked_up(client, "CreateSecurityGroup", StartTime=later) == []
    assert len(looked_up(client, "CreateSecurityGroup", EndTime=later)) == 3
