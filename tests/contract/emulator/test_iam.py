"""Policies in force over HTTP: users, groups, roles, sessions, tags, and the words of each service (aws-facts 9)."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from twinwall.emulator.credentials import AccessKey
from twinwall.emulator.seed import empty_vpc
from twinwall.emulator.server import EmbeddedAws

ONE, TWO, REGION = "240000000001", "240000000002", "eu-west-1"
ONCE = Config(retries={"total_max_attempts": 1}, parameter_validation=False)
As = Callable[..., Any]


@pytest.fixture(scope="module")
def _server() -> Iterator[EmbeddedAws]:
    with EmbeddedAws((ONE, TWO), seed=7, enforce_iam=True) as aws:
        yield aws


@pytest.fixture
def aws(_server: EmbeddedAws) -> EmbeddedAws:
    _server.reset()
    return _server


@pytest.fixture
def as_(aws: EmbeddedAws) -> As:
    """A client of a service with a key; the account's own user if none is given."""

    def make(service: str, key: AccessKey | None = None, account: str = ONE, region: str = REGION) -> Any:
        key = key or aws.credentials(account)
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=aws.endpoint,
            aws_access_key_id=key.id,
            aws_secret_access_key=key.secret,
            aws_session_token=key.token or None,
            config=ONCE,
        )

    return make


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: Any, resource: Any = "*", **condition: Any) -> dict[str, Any]:
    more = {"Condition": condition} if condition else {}
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any, resource: Any = "*", **condition: Any) -> dict[str, Any]:
    return allow(action, resource, **condition) | {"Effect": "Deny"}


def refused(call: Callable[[], Any]) -> tuple[str, int, str]:
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response
    return error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]["Message"]


def session(given: dict[str, Any]) -> AccessKey:
    found = given["Credentials"]
    return AccessKey(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])


# --- whose policies


def test_the_account_s_own_user_may_do_everything(as_: As) -> None:
    as_("ec2").create_vpc(CidrBlock="10.0.0.0/16")
    as_("iam").list_users()


def test_a_user_without_policies_may_do_nothing_but_ask_who_it_is(aws: EmbeddedAws, as_: As) -> None:
    key = aws.add_user(ONE, "nobody")
    arn = f"arn:aws:iam::{ONE}:user/nobody"
    assert as_("sts", key).get_caller_identity()["Arn"] == arn
    words = (
        f"You are not authorized to perform this operation. User: {arn} is not authorized to perform: "
        "ec2:DescribeVpcs on resource: * because no identity-based policy allows the ec2:DescribeVpcs action"
    )
    assert refused(as_("ec2", key).describe_vpcs) == ("UnauthorizedOperation", 403, words)


@pytest.mark.parametrize(
    ("service", "call", "code", "status"),
    [
        ("iam", "list_users", "AccessDenied", 403),
        ("autoscaling", "describe_auto_scaling_groups", "AccessDenied", 403),
        ("dynamodb", "list_tables", "AccessDeniedException", 400),
        ("service-quotas", "list_services", "AccessDeniedException", 400),
        ("lambda", "list_functions", "AccessDeniedException", 400),
    ],
)
def test_each_service_in_its_own_words(
    aws: EmbeddedAws, as_: As, service: str, call: str, code: str, status: int
) -> None:
    said = refused(getattr(as_(service, aws.add_user(ONE, "nobody")), call))
    assert said[:2] == (code, status)
    assert "is not authorized to perform: " in said[2]


def test_inline_managed_and_group_policies_add_up(as_: As) -> None:
    iam = as_("iam")
    iam.create_user(UserName="eve")
    made = iam.create_access_key(UserName="eve")["AccessKey"]
    ec2 = as_("ec2", AccessKey(made["AccessKeyId"], made["SecretAccessKey"]))
    iam.put_user_policy(UserName="eve", PolicyName="a", PolicyDocument=policy(allow("ec2:DescribeVpcs")))
    ec2.describe_vpcs()
    document = policy(allow("ec2:DescribeSubnets"))
    arn = iam.create_policy(PolicyName="b", PolicyDocument=document)["Policy"]["Arn"]
    assert refused(ec2.describe_subnets)[0] == "UnauthorizedOperation"
    iam.attach_user_policy(UserName="eve", PolicyArn=arn)
    ec2.describe_subnets()
    iam.create_group(GroupName="readers")
    iam.put_group_policy(GroupName="readers", PolicyName="c", PolicyDocument=policy(allow("ec2:Describe*")))
    assert refused(ec2.describe_network_acls)[0] == "UnauthorizedOperation"
    iam.add_user_to_group(GroupName="readers", UserName="eve")
    ec2.describe_network_acls()
    document = policy(allow("ec2:DescribeSubnets"), deny("ec2:DescribeVpcs"))
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=document, SetAsDefault=True)
    assert "with an explicit deny in an identity-based policy" in refused(ec2.describe_vpcs)[2]


def test_a_role_of_iam_its_boundary_and_the_session_s_policy(as_: As) -> None:
    iam, sts = as_("iam", account=TWO), as_("sts")
    trust = policy({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ONE}})
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust)["Role"]["Arn"]

    def ec2(**narrowed: Any) -> Any:
        return as_("ec2", session(sts.assume_role(RoleArn=role, RoleSessionName="test", **narrowed)))

    assert refused(ec2().describe_vpcs)[0] == "UnauthorizedOperation"
    iam.put_role_policy(RoleName="r", PolicyName="a", PolicyDocument=policy(allow("ec2:Describe*")))
    ec2().describe_vpcs()
    narrow = ec2(Policy=policy(allow("ec2:DescribeVpcs")))
    narrow.describe_vpcs()
    assert "no session policy allows the ec2:DescribeSubnets action" in refused(narrow.describe_subnets)[2]
    wider = ec2(Policy=policy(allow("*")))
    assert refused(lambda: wider.create_vpc(CidrBlock="10.0.0.0/16"))[0] == "UnauthorizedOperation"
    bound = iam.create_policy(PolicyName="b", PolicyDocument=policy(allow("ec2:DescribeSubnets")))
    iam.put_role_permissions_boundary(RoleName="r", PermissionsBoundary=bound["Policy"]["Arn"])
    ec2().describe_subnets()
    assert "no permissions boundary allows" in refused(ec2().describe_vpcs)[2]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"Policy": "nonsense"}, "MalformedPolicyDocument"),
        ({"Policy": policy(allow("ec2:Describe*")) + " " * 2048}, "PackedPolicyTooLarge"),
        ({"PolicyArns": [{"arn": "arn:aws:iam::aws:policy/NoSuchPolicy"}]}, "NoSuchEntity"),
    ],
)
def test_session_policies_that_are_none(aws: EmbeddedAws, as_: As, more: dict[str, Any], code: str) -> None:
    """aws-facts 9.3: at most 2,048 characters."""
    role = aws.add_role(ONE, "r", [ONE])
    call = as_("sts").assume_role
    assert refused(lambda: call(RoleArn=role, RoleSessionName="test", **more))[0] == code


def test_aws_s_own_managed_policies(aws: EmbeddedAws, as_: As) -> None:
    iam = as_("iam")
    iam.create_user(UserName="reader")
    made = iam.create_access_key(UserName="reader")["AccessKey"]
    iam.attach_user_policy(UserName="reader", PolicyArn="arn:aws:iam::aws:policy/AmazonEC2ReadOnlyAccess")
    ec2 = as_("ec2", AccessKey(made["AccessKeyId"], made["SecretAccessKey"]))
    ec2.describe_vpcs()
    assert refused(lambda: ec2.create_vpc(CidrBlock="10.0.0.0/16"))[0] == "UnauthorizedOperation"
    role = aws.add_role(ONE, "r", [ONE], policies=[policy(allow("*"))])
    narrowed = as_("sts").assume_role(
        RoleArn=role,
        RoleSessionName="test",
        PolicyArns=[{"arn": "arn:aws:iam::aws:policy/AmazonEC2ReadOnlyAccess"}],
    )
    assert refused(as_("iam", session(narrowed)).list_users)[0] == "AccessDenied"


def test_who_may_assume_a_role(aws: EmbeddedAws, as_: As) -> None:
    """Named in the trust policy, a user of the account needs no policy; through its account it does."""
    key = aws.add_user(ONE, "eve")
    arn = f"arn:aws:iam::{ONE}:user/eve"
    named = aws.add_role(ONE, "named", [arn])
    by_account, abroad = aws.add_role(ONE, "ours", [ONE]), aws.add_role(TWO, "theirs", [arn])
    sts = as_("sts", key)
    sts.assume_role(RoleArn=named, RoleSessionName="test")
    for role in (by_account, abroad):
        assert refused(lambda role=role: sts.assume_role(RoleArn=role, RoleSessionName="test"))[0] == (
            "AccessDenied"
        )
    may = aws.add_user(ONE, "may", policy(allow("sts:AssumeRole", [by_account])))
    as_("sts", may).assume_role(RoleArn=by_account, RoleSessionName="test")
    never = aws.add_user(ONE, "never", policy(deny("sts:*")))
    role = aws.add_role(ONE, "n", [f"arn:aws:iam::{ONE}:user/never"])
    said = refused(lambda: as_("sts", never).assume_role(RoleArn=role, RoleSessionName="test"))
    assert "explicit deny" in said[2]


# --- EC2's resources


def test_dry_run_says_who_may(aws: EmbeddedAws, as_: As) -> None:
    """aws-facts 1.1."""
    vpc = empty_vpc(aws, ONE, REGION, "10.0.0.0/16")
    asked = {"GroupName": "web", "Description": "d", "VpcId": vpc, "DryRun": True}
    may = as_("ec2", aws.add_user(ONE, "may", policy(allow("ec2:CreateSecurityGroup"))))
    may_not = as_("ec2", aws.add_user(ONE, "may-not"))
    assert refused(lambda: may.create_security_group(**asked))[0] == "DryRunOperation"
    assert refused(lambda: may_not.create_security_group(**asked))[0] == "UnauthorizedOperation"


def test_a_new_group_needs_its_vpc_too_and_its_tags_a_right_of_their_own(aws: EmbeddedAws, as_: As) -> None:
    """aws-facts 9.2."""
    vpc, other = (empty_vpc(aws, ONE, REGION, block) for block in ("10.0.0.0/16", "10.1.0.0/16"))
    groups, vpcs = (f"arn:aws:ec2:{REGION}:{ONE}:{kind}" for kind in ("security-group/*", f"vpc/{vpc}"))
    tags = [{"ResourceType": "security-group", "Tags": [{"Key": "team", "Value": "a"}]}]
    only_group = aws.add_user(ONE, "g", policy(allow("ec2:CreateSecurityGroup", groups)))
    both = aws.add_user(ONE, "b", policy(allow("ec2:CreateSecurityGroup", [groups, vpcs])))
    tagging = {"StringEquals": {"ec2:CreateAction": "CreateSecurityGroup", "aws:RequestTag/team": "a"}}
    tagger = aws.add_user(
        ONE, "t", policy(allow("ec2:CreateSecurityGroup"), allow("ec2:CreateTags", groups, **tagging))
    )

    def make(key: AccessKey, name: str, vpc_id: str = vpc, **more: Any) -> Any:
        return as_("ec2", key).create_security_group(GroupName=name, Description="d", VpcId=vpc_id, **more)

    assert f"on resource: arn:aws:ec2:{REGION}:{ONE}:vpc/{vpc} " in refused(lambda: make(only_group, "x"))[2]
    made = make(both, "one")["GroupId"]
    assert refused(lambda: make(both, "two", other))[0] == "UnauthorizedOperation"
    assert "ec2:CreateTags" in refused(lambda: make(both, "three", TagSpecifications=tags))[2]
    make(tagger, "four", TagSpecifications=tags)
    call = as_("ec2", tagger).create_tags
    assert refused(lambda: call(Resources=[made], Tags=tags[0]["Tags"]))[0] == "UnauthorizedOperation"


def test_tags_of_the_resource_the_vpc_and_the_region_decide(aws: EmbeddedAws, as_: As) -> None:
    """aws-facts 9.2: aws:ResourceTag, ec2:ResourceTag, ec2:Vpc, ec2:Region, aws:RequestedRegion, aws:TagKeys."""
    vpc = empty_vpc(aws, ONE, REGION, "10.0.0.0/16")
    ec2 = as_("ec2")
    marked, plain = (
        ec2.create_security_group(GroupName=name, Description="d", VpcId=vpc)["GroupId"] for name in "mp"
    )
    ec2.create_tags(Resources=[marked], Tags=[{"Key": "team", "Value": "a"}])
    arn = f"arn:aws:ec2:{REGION}:{ONE}:vpc/{vpc}"
    rule = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]
    conditions: list[dict[str, Any]] = [
        {"StringEquals": {"aws:ResourceTag/team": "a"}},
        {"StringLike": {"ec2:ResourceTag/team": "?"}, "ArnEquals": {"ec2:Vpc": arn}},
        {"Null": {"aws:ResourceTag/team": "false"}, "StringEquals": {"ec2:Region": REGION}},
        {"StringEquals": {"ec2:SecurityGroupID": marked, "aws:RequestedRegion": [REGION]}},
    ]
    for number, condition in enumerate(conditions):
        actions = ["ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"]
        key = aws.add_user(ONE, f"u{number}", policy(allow(actions, **condition)))
        theirs = as_("ec2", key)
        theirs.authorize_security_group_ingress(GroupId=marked, IpPermissions=rule)
        theirs.revoke_security_group_ingress(GroupId=marked, IpPermissions=rule)
        call = theirs.authorize_security_group_ingress
        assert (
            refused(lambda call=call: call(GroupId=plain, IpPermissions=rule))[0] == "UnauthorizedOperation"
        )
    only = {"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}
    tagger = as_("ec2", aws.add_user(ONE, "t", policy(allow("ec2:CreateTags", **only))))
    tagger.create_tags(Resources=[plain], Tags=[{"Key": "team", "Value": "b"}])
    two = [{"Key": key, "Value": ""} for key in ("team", "Name")]
    assert refused(lambda: tagger.create_tags(Resources=[plain], Tags=two))[0] == "UnauthorizedOperation"


def test_rules_lists_entries_and_associations_name_their_resources(aws: EmbeddedAws, as_: As) -> None:
    """aws-facts 9.2, row by row: the resources that a request of this action is refused on."""
    vpc = empty_vpc(aws, ONE, REGION, "10.0.0.0/16", subnets=[("10.0.1.0/24", "a", "app")])
    ec2 = as_("ec2")
    group = ec2.create_security_group(GroupName="w", Description="d", VpcId=vpc)["GroupId"]
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
    rule = rules["SecurityGroupRules"][0]["SecurityGroupRuleId"]
    acl = ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["NetworkAcls"][0]
    association = acl["Associations"][0]
    made = ec2.create_managed_prefix_list(PrefixListName="l", MaxEntries=1, AddressFamily="IPv4")
    listed = made["PrefixList"]["PrefixListId"]
    entry = {"NetworkAclId": acl["NetworkAclId"], "RuleNumber": 7, "Egress": False}
    asked: list[tuple[str, dict[str, Any], list[str]]] = [
        (
            "modify_security_group_rules",
            {"GroupId": group, "SecurityGroupRules": [{"SecurityGroupRuleId": rule}]},
            [f"security-group/{group}", f"security-group-rule/{rule}"],
        ),
        ("delete_network_acl_entry", entry, [f"network-acl/{acl['NetworkAclId']}"]),
        (
            "replace_network_acl_association",
            {"NetworkAclId": acl["NetworkAclId"], "AssociationId": association["NetworkAclAssociationId"]},
            [f"network-acl/{acl['NetworkAclId']}", f"subnet/{association['SubnetId']}"],
        ),
        ("get_managed_prefix_list_entries", {"PrefixListId": listed}, [f"prefix-list/{listed}"]),
        ("create_network_acl", {"VpcId": vpc}, ["network-acl/*", f"vpc/{vpc}"]),
        (
            "associate_security_group_vpc",
            {"GroupId": group, "VpcId": vpc},
            [f"security-group/{group}", f"vpc/{vpc}"],
        ),
        ("get_security_groups_for_vpc", {"VpcId": vpc}, [f"vpc/{vpc}"]),
        ("describe_security_group_references", {"GroupId": [group]}, [f"security-group/{group}"]),
        ("describe_security_group_rules", {}, ["*"]),
    ]
    for number, (method, params, resources) in enumerate(asked):
        arns = [r if r == "*" else f"arn:aws:ec2:{REGION}:{ONE}:{r}" for r in resources]
        for lacking, arn in enumerate(arns):
            held = [allow("ec2:*", other) for other in arns if other != arn]
            key = aws.add_user(ONE, f"u{number}-{lacking}", policy(*held))
            call = getattr(as_("ec2", key), method)
            said = refused(lambda call=call, params=params: call(**params))
            assert f"on resource: {arn} because" in said[2], (method, said)


# --- other services


def test_dynamodb_by_table_and_by_leading_key(aws: EmbeddedAws, as_: As) -> None:
    """aws-facts 9.2: the mesh's table, of which a Region may write its own items alone."""
    for name in ("mesh", "other"):
        as_("dynamodb").create_table(
            TableName=name,
            KeySchema=[
                {"AttributeName": "region", "KeyType": "HASH"},
                {"AttributeName": "asg", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("region", "asg")],
            BillingMode="PAY_PER_REQUEST",
        )
    own = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [REGION]}}
    table = f"arn:aws:dynamodb:{REGION}:{ONE}:table/mesh"
    actions = ["dynamodb:PutItem", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:DeleteItem"]
    ours = as_("dynamodb", aws.add_user(ONE, "site", policy(allow(actions, table, **own))))

    def item(region: str) -> dict[str, Any]:
        return {"region": {"S": region}, "asg": {"S": "a"}}

    def query(region: str) -> Any:
        return ours.query(
            TableName="mesh",
            KeyConditionExpression="#r = :r",
            ExpressionAttributeNames={"#r": "region"},
            ExpressionAttributeValues={":r": {"S": region}},
        )

    ours.put_item(TableName="mesh", Item=item(REGION))
    ours.get_item(TableName="mesh", Key=item(REGION))
    query(REGION)
    ours.transact_write_items(TransactItems=[{"Put": {"TableName": "mesh", "Item": item(REGION)}}])
    for call in (
        lambda: ours.put_item(TableName="mesh", Item=item("us-east-1")),
        lambda: ours.put_item(TableName="other", Item=item(REGION)),
        lambda: ours.update_item(TableName="mesh", Key=item(REGION)),
        lambda: query("us-east-1"),
        lambda: ours.transact_write_items(
            TransactItems=[{"Put": {"TableName": "mesh", "Item": item("us-east-1")}}]
        ),
    ):
        assert refused(call)[0] == "AccessDeniedException"


def test_a_queue_s_policy_lets_its_users_in(aws: EmbeddedAws, as_: As) -> None:
    key = aws.add_user(ONE, "eve")
    arn = f"arn:aws:iam::{ONE}:user/eve"
    own = {**allow("sqs:SendMessage"), "Principal": {"AWS": arn}}
    url = as_("sqs").create_queue(QueueName="q", Attributes={"Policy": policy(own)})["QueueUrl"]
    theirs = as_("sqs", key)
    theirs.send_message(QueueUrl=url, MessageBody="x")
    said = refused(lambda: theirs.receive_message(QueueUrl=url))
    assert (said[0], f"arn:aws:sqs:{REGION}:{ONE}:q" in said[2]) == ("AccessDeniedException", True)


def test_auto_scaling_groups_by_arn_and_tag(aws: EmbeddedAws, as_: As) -> None:
    """aws-facts 9.2."""
    vpc = empty_vpc(aws, ONE, REGION, "10.0.0.0/16", subnets=[("10.0.1.0/24", "a", "app")])
    subnet = as_("ec2").describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"][0]
    scaling = as_("autoscaling")
    template = as_("ec2").create_launch_template(
        LaunchTemplateName="t", LaunchTemplateData={"ImageId": "ami-12345678", "InstanceType": "t3.micro"}
    )["LaunchTemplate"]["LaunchTemplateId"]
    for name in ("mesh", "other"):
        scaling.create_auto_scaling_group(
            AutoScalingGroupName=name,
            MinSize=0,
            MaxSize=1,
            LaunchTemplate={"LaunchTemplateId": template},
            VPCZoneIdentifier=subnet["SubnetId"],
            Tags=[{"Key": "team", "Value": name}],
        )
    by_tag = {"StringEquals": {"autoscaling:ResourceTag/team": "mesh"}}
    arns = f"arn:aws:autoscaling:{REGION}:{ONE}:autoScalingGroup:*:autoScalingGroupName/mesh"
    for number, held in enumerate((allow("autoscaling:*", arns), allow("autoscaling:*", **by_tag))):
        theirs = as_("autoscaling", aws.add_user(ONE, f"u{number}", policy(held)))
        hook = {"LifecycleHookName": "h", "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING"}
        theirs.put_lifecycle_hook(AutoScalingGroupName="mesh", **hook)
        call = theirs.put_lifecycle_hook
        said = refused(lambda call=call, hook=hook: call(AutoScalingGroupName="other", **hook))
        assert said[0] == "AccessDenied"


@pytest.mark.parametrize(
    ("service", "method", "params", "said"),
    [
        ("lambda", "get_function", {"FunctionName": "f"}, "lambda:GetFunction on resource: {}:function:f "),
        ("lambda", "invoke", {"FunctionName": "f"}, "lambda:InvokeFunction on resource: {}:function:f "),
        (
            "events",
            "put_rule",
            {"Name": "r", "EventPattern": "{}"},
            "events:PutRule on resource: {}:rule/r ",
        ),
        (
            "events",
            "put_events",
            {"Entries": [{"Source": "s", "DetailType": "d", "Detail": "{}"}]},
            "events:PutEvents on resource: {}:event-bus/default ",
        ),
        (
            "logs",
            "create_log_group",
            {"logGroupName": "/a"},
            "logs:CreateLogGroup on resource: {}:log-group:/a:* ",
        ),
        ("sns", "create_topic", {"Name": "t"}, "sns:CreateTopic on resource: {}:t "),
        (
            "cloudformation",
            "delete_stack",
            {"StackName": "s"},
            "cloudformation:DeleteStack on resource: {}:stack/s/* ",
        ),
        (
            "scheduler",
            "get_schedule",
            {"Name": "s"},
            "scheduler:GetSchedule on resource: {}:schedule/default/s ",
        ),
    ],
)
def test_the_resources_of_other_services(
    aws: EmbeddedAws, as_: As, service: str, method: str, params: dict[str, Any], said: str
) -> None:
    call = getattr(as_(service, aws.add_user(ONE, "nobody")), method)
    assert said.format(f"arn:aws:{service}:{REGION}:{ONE}") in refused(lambda: call(**params))[2]


def test_handing_on_a_role_needs_a_right(aws: EmbeddedAws, as_: As) -> None:
    """aws-facts 9.2: iam:PassRole."""
    as_("events").put_rule(Name="r", EventPattern='{"source": ["x"]}')
    role = f"arn:aws:iam::{ONE}:role/deliver"
    target = [{"Id": "1", "Arn": f"arn:aws:events:{REGION}:{ONE}:event-bus/b", "RoleArn": role}]
    held = [allow("events:*")]
    theirs = as_("events", aws.add_user(ONE, "one", policy(*held)))
    said = refused(lambda: theirs.put_targets(Rule="r", Targets=target))
    assert f"iam:PassRole on resource: {role} " in said[2]
    to = {"StringEquals": {"iam:PassedToService": "events.amazonaws.com"}}
    held.append(allow("iam:PassRole", role, **to))
    as_("events", aws.add_user(ONE, "two", policy(*held))).put_targets(Rule="r", Targets=target)


# --- in whose name services act


def trusting(service: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return policy(statement)


def settled(stacks: Any, name: str) -> str:
    while True:
        status = str(stacks.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])
        if not status.endswith("IN_PROGRESS"):
            return status
        time.sleep(0.05)


def test_cloudformation_acts_with_the_caller_s_rights_or_with_the_stack_s_role_s(
    aws: EmbeddedAws, as_: As
) -> None:
    """API: CreateStack, RoleARN: the role is kept and does all that is done to the stack later, whoever asks."""
    iam = as_("iam")
    role = iam.create_role(
        RoleName="deploys", AssumeRolePolicyDocument=trusting("cloudformation.amazonaws.com")
    )
    gate = [
        "ec2:CreateInternetGateway",
        "ec2:DeleteInternetGateway",
        "ec2:DescribeInternetGateways",
        "ec2:CreateTags",
    ]
    iam.put_role_policy(RoleName="deploys", PolicyName="p", PolicyDocument=policy(allow(gate)))
    text = "Resources: {Gate: {Type: AWS::EC2::InternetGateway}}"

    bare = as_("cloudformation", aws.add_user(ONE, "bare", policy(allow("cloudformation:*"))))
    bare.create_stack(StackName="own", TemplateBody=text)
    assert settled(bare, "own") == "ROLLBACK_COMPLETE"
    with_role = {"StackName": "s", "TemplateBody": text, "RoleARN": role["Role"]["Arn"]}
    assert "iam:PassRole" in refused(lambda: bare.create_stack(**with_role))[2]

    passing = policy(allow("cloudformation:*"), allow("iam:PassRole", role["Role"]["Arn"]))
    deployer = as_("cloudformation", aws.add_user(ONE, "deployer", passing))
    deployer.create_stack(**with_role)
    assert settled(deployer, "s") == "CREATE_COMPLETE"
    assert (
        "iam:PassRole"
        in refused(lambda: bare.create_change_set(**with_role, ChangeSetName="c", ChangeSetType="UPDATE"))[2]
    )
    assert (
        "iam:PassRole" in refused(lambda: bare.delete_stack(StackName="s", RoleARN=with_role["RoleARN"]))[2]
    )
    bare.delete_stack(StackName="s")
    found = bare.list_stacks(StackStatusFilter=["DELETE_COMPLETE", "DELETE_IN_PROGRESS"])["StackSummaries"]
    assert [stack["StackName"] for stack in found] == ["s"]
    until_gone(as_("ec2"))


def until_gone(ec2: Any) -> None:
    end = time.monotonic() + 10
    while ec2.describe_internet_gateways()["InternetGateways"]:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_schedule_s_role_needs_the_right_to_hand_over(aws: EmbeddedAws, as_: As) -> None:
    iam, sqs = as_("iam"), as_("sqs")
    role = iam.create_role(RoleName="ticks", AssumeRolePolicyDocument=trusting("scheduler.amazonaws.com"))
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    arn = f"arn:aws:sqs:{REGION}:{ONE}:q"
    as_("scheduler").create_schedule(
        Name="s",
        ScheduleExpression="rate(1 hour)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": arn, "RoleArn": role["Role"]["Arn"], "Input": "{}"},
    )
    for statement, count in ((allow("sqs:SendMessage", f"{arn}s"), 0), (allow("sqs:SendMessage", arn), 1)):
        iam.put_role_policy(RoleName="ticks", PolicyName="p", PolicyDocument=policy(statement))
        aws.pace.advance(3600)
        assert aws.pace.agenda.settled()
        assert len(sqs.receive_message(QueueUrl=url).get("Messages", [])) == count


# --- asked without doing (API: SimulatePrincipalPolicy)


def simulated(iam: Any, source: str, actions: list[str], **given: Any) -> list[tuple[str, str]]:
    pages = iam.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=source, ActionNames=actions, **given
    )
    return [
        (one["EvalActionName"], one["EvalDecision"]) for page in pages for one in page["EvaluationResults"]
    ]


def test_what_a_user_may_do_can_be_asked(aws: EmbeddedAws, as_: As) -> None:
    """As it is refused or not when it is done; the strictest of several resources counts."""
    mine = f"arn:aws:sqs:{REGION}:{ONE}:mine"
    key = aws.add_user(
        ONE, "some", policy(allow("sqs:*", mine), deny("sqs:DeleteQueue"), allow("iam:Simulate*"))
    )
    arn, iam = f"arn:aws:iam::{ONE}:user/some", as_("iam", key)
    asked = ["sqs:CreateQueue", "sqs:DeleteQueue", "ec2:RunInstances"]
    decisions = ["allowed", "explicitDeny", "implicitDeny"]
    expected = list(zip(asked, decisions, strict=True))
    assert simulated(iam, arn, asked, ResourceArns=[mine]) == expected
    assert simulated(iam, arn, asked, ResourceArns=[mine], PaginationConfig={"PageSize": 1}) == expected

    both = iam.simulate_principal_policy(
        PolicySourceArn=arn, ActionNames=["sqs:CreateQueue"], ResourceArns=[mine, f"{mine}s"]
    )["EvaluationResults"]
    assert [one["EvalDecision"] for one in both] == ["implicitDeny"]
    each = {
        one["EvalResourceName"]: one["EvalResourceDecision"] for one in both[0]["ResourceSpecificResults"]
    }
    assert each == {mine: "allowed", f"{mine}s": "implicitDeny"}

    sqs = as_("sqs", key)
    url = sqs.create_queue(QueueName="mine")["QueueUrl"]
    refused(lambda: sqs.create_queue(QueueName="mines"))
    refused(lambda: sqs.delete_queue(QueueUrl=url))


def test_a_condition_is_met_by_what_is_told_or_missing(aws: EmbeddedAws, as_: As) -> None:
    only = {"StringEquals": {"aws:RequestedRegion": REGION}}
    aws.add_user(ONE, "some", policy(allow("sqs:*", "*", **only)))
    arn, iam = f"arn:aws:iam::{ONE}:user/some", as_("iam")

    def with_region(*regions: str) -> tuple[str, list[str]]:
        told = [
            {"ContextKeyName": "aws:RequestedRegion", "ContextKeyValues": [r], "ContextKeyType": "string"}
            for r in regions
        ]
        [one] = iam.simulate_principal_policy(
            PolicySourceArn=arn, ActionNames=["sqs:CreateQueue"], ContextEntries=told
        )["EvaluationResults"]
        return one["EvalDecision"], one["MissingContextValues"]

    assert with_region(REGION) == ("allowed", [])
    assert with_region("us-east-1") == ("implicitDeny", [])
    assert with_region() == ("implicitDeny", ["aws:RequestedRegion"])


def test_a_role_is_asked_about_with_its_boundary_and_a_session_not_at_all(aws: EmbeddedAws, as_: As) -> None:
    iam = as_("iam")
    trust = policy({"Effect": "Allow", "Principal": {"AWS": ONE}, "Action": "sts:AssumeRole"})
    narrow = iam.create_policy(PolicyName="narrow", PolicyDocument=policy(allow("sqs:*")))["Policy"]["Arn"]
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust, PermissionsBoundary=narrow)["Role"][
        "Arn"
    ]
    iam.put_role_policy(RoleName="r", PolicyName="all", PolicyDocument=policy(allow("*")))
    decisions = [("sqs:CreateQueue", "allowed"), ("sns:CreateTopic", "implicitDeny")]
    assert simulated(iam, role, [action for action, _ in decisions]) == decisions

    session_of_it = f"arn:aws:sts::{ONE}:assumed-role/r/me"
    assert refused(lambda: simulated(iam, session_of_it, ["sqs:CreateQueue"]))[0] == "InvalidInput"
    for nobody in (f"arn:aws:iam::{ONE}:role/nobody", f"arn:aws:iam::{ONE}:user/nobody"):
        assert refused(lambda arn=nobody: simulated(iam, arn, ["sqs:CreateQueue"]))[:2] == (
            "NoSuchEntity",
            404,
        )
