"""CloudFormation: stacks, change sets, rollback, SAM, on the endpoint's own API."""

import json
import time
from textwrap import dedent
from typing import Any

import pytest
from botocore.exceptions import ClientError
from functions import make_role, package, until

from twinwall.emulator.server import EmbeddedAws

ONE, TWO, REGION = "210000000001", "210000000002", "eu-west-1"

NETWORK = """
    Parameters:
      Range: {Type: String, Default: 10.9.0.0/16, AllowedPattern: '[0-9./]+'}
      Port: {Type: Number, Default: 443, MinValue: 1, MaxValue: 65535}
    Conditions:
      Https: !Equals [!Ref Port, 443]
    Mappings:
      Names:
        eu-west-1: {web: web-eu}
        us-east-1: {web: web-us}
    Resources:
      Vpc:
        Type: AWS::EC2::VPC
        Properties: {CidrBlock: !Ref Range, EnableDnsHostnames: true}
      Subnet:
        Type: AWS::EC2::Subnet
        Properties:
          VpcId: !Ref Vpc
          CidrBlock: !Select [1, !Cidr [!GetAtt Vpc.CidrBlock, 4, 8]]
          AvailabilityZone: !Select [0, !GetAZs '']
      Web:
        Type: AWS::EC2::SecurityGroup
        Properties:
          GroupName: !FindInMap [Names, !Ref 'AWS::Region', web]
          GroupDescription: !Sub 'web of ${AWS::StackName}'
          VpcId: !Ref Vpc
          SecurityGroupIngress:
            - {IpProtocol: tcp, FromPort: !Ref Port, ToPort: !Ref Port, CidrIp: 192.0.2.0/24}
          Tags: [{Key: Name, Value: !If [Https, secure, plain]}]
      FromItself:
        Type: AWS::EC2::SecurityGroupIngress
        Properties:
          GroupId: !GetAtt Web.GroupId
          IpProtocol: '-1'
          SourceSecurityGroupId: !Ref Web
      Acl:
        Type: AWS::EC2::NetworkAcl
        Properties: {VpcId: !Ref Vpc}
      In:
        Type: AWS::EC2::NetworkAclEntry
        Properties:
          NetworkAclId: !Ref Acl
          RuleNumber: '100'
          Protocol: 6
          RuleAction: allow
          CidrBlock: 0.0.0.0/0
          PortRange: {From: !Ref Port, To: !Ref Port}
      Before:
        Type: AWS::EC2::SubnetNetworkAclAssociation
        Properties: {SubnetId: !Ref Subnet, NetworkAclId: !Ref Acl}
      List:
        Type: AWS::EC2::PrefixList
        Properties:
          PrefixListName: !Join ['-', [!Ref 'AWS::StackName', peers]]
          AddressFamily: IPv4
          MaxEntries: 5
          Entries: [{Cidr: 198.51.100.0/24, Description: office}]
    Outputs:
      Group: {Value: !GetAtt Web.GroupId, Export: {Name: !Sub '${AWS::StackName}-group'}}
      Account: {Value: !Ref AWS::AccountId, Description: whose}
"""


@pytest.fixture
def stacks(client: Any) -> Any:
    return client("cloudformation")


def status_of(stacks: Any, name: str) -> str:
    return str(stacks.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])


def settle(stacks: Any, name: str, seconds: float = 60) -> str:
    """The stack's status once nothing is under way."""
    until(lambda: not status_of(stacks, name).endswith("_IN_PROGRESS"), seconds)
    return status_of(stacks, name)


def why(stacks: Any, name: str) -> list[str]:
    events = stacks.describe_stack_events(StackName=name)["StackEvents"]
    return [e.get("ResourceStatusReason", "") for e in events if e["ResourceStatus"].endswith("FAILED")]


def make(stacks: Any, text: str, name: str = "s", **given: Any) -> str:
    """Creates it and says how it ended; ``Port=80`` and the like are parameters."""
    parameters = [
        {"ParameterKey": k, "ParameterValue": str(given.pop(k))}
        for k in list(given)
        if k in ("Port", "Range", "Env")
    ]
    stacks.create_stack(StackName=name, TemplateBody=dedent(text), Parameters=parameters, **given)
    return settle(stacks, name)


def physical(stacks: Any, logical: str, name: str = "s") -> str:
    found = stacks.describe_stack_resource(StackName=name, LogicalResourceId=logical)
    return str(found["StackResourceDetail"]["PhysicalResourceId"])


def outputs(stacks: Any, name: str = "s") -> dict[str, str]:
    found = stacks.describe_stacks(StackName=name)["Stacks"][0]["Outputs"]
    return {out["OutputKey"]: out["OutputValue"] for out in found}


def test_a_network_with_its_firewall(aws: EmbeddedAws, client: Any, stacks: Any) -> None:
    """Every function of the template language, every resource through EC2's own rulebook; and gone again."""
    ec2 = client("ec2")
    assert make(stacks, NETWORK, Tags=[{"Key": "team", "Value": "a"}]) == "CREATE_COMPLETE", why(stacks, "s")
    found = outputs(stacks)
    assert found["Account"] == ONE
    [group] = ec2.describe_security_groups(GroupIds=[found["Group"]])["SecurityGroups"]
    tags = {tag["Key"]: tag["Value"] for tag in group["Tags"]}
    assert (group["GroupName"], group["Description"]) == ("web-eu", "web of s")
    assert (tags["Name"], tags["team"], tags["aws:cloudformation:logical-id"]) == ("secure", "a", "Web")
    assert {p["IpProtocol"] for p in group["IpPermissions"]} == {"tcp", "-1"}
    acl = physical(stacks, "Acl")
    [shown] = ec2.describe_network_acls(NetworkAclIds=[acl])["NetworkAcls"]
    assert [e["RuleNumber"] for e in shown["Entries"] if not e["Egress"]] == [100, 32767]
    assert [a["SubnetId"] for a in shown["Associations"]] == [physical(stacks, "Subnet")]
    [subnet] = ec2.describe_subnets(SubnetIds=[physical(stacks, "Subnet")])["Subnets"]
    assert subnet["CidrBlock"] == "10.9.1.0/24"
    entries = ec2.get_managed_prefix_list_entries(PrefixListId=physical(stacks, "List"))["Entries"]
    assert entries == [{"Cidr": "198.51.100.0/24", "Description": "office"}]
    assert aws.counts[ONE, REGION, "CreateNetworkAclEntry"] == 1
    stacks.delete_stack(StackName="s")
    stack_id = stacks.list_stacks()["StackSummaries"][0]["StackId"]
    assert settle(stacks, stack_id) == "DELETE_COMPLETE", why(stacks, stack_id)
    with pytest.raises(ClientError, match="does not exist"):
        stacks.describe_stacks(StackName="s")
    assert physical_left(ec2) == []


def physical_left(ec2: Any) -> list[str]:
    names = [
        g["GroupId"]
        for g in ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["web-eu"]}])[
            "SecurityGroups"
        ]
    ]
    lists = ec2.describe_managed_prefix_lists(Filters=[{"Name": "owner-id", "Values": [ONE]}])["PrefixLists"]
    return names + [item["PrefixListId"] for item in lists]


def test_an_update_in_place_and_by_replacement(client: Any, stacks: Any) -> None:
    assert make(stacks, NETWORK) == "CREATE_COMPLETE", why(stacks, "s")
    before = {name: physical(stacks, name) for name in ("Vpc", "Web", "FromItself", "In")}
    text = (
        dedent(NETWORK)
        .replace("Description: office", "Description: home")
        .replace("IpProtocol: '-1'", "IpProtocol: icmp\n      FromPort: -1\n      ToPort: -1")
    )
    changed = [{"ParameterKey": "Port", "ParameterValue": "8443"}]
    stacks.update_stack(StackName="s", TemplateBody=text, Parameters=changed)
    assert settle(stacks, "s") == "UPDATE_COMPLETE", why(stacks, "s")
    after = {name: physical(stacks, name) for name in before}
    assert (before["Vpc"], before["Web"], before["In"]) == (after["Vpc"], after["Web"], after["In"])
    assert before["FromItself"] != after["FromItself"]
    [group] = client("ec2").describe_security_groups(GroupIds=[after["Web"]])["SecurityGroups"]
    assert {(p["IpProtocol"], p.get("FromPort")) for p in group["IpPermissions"]} == {
        ("tcp", 8443),
        ("icmp", -1),
    }
    assert {tag["Key"]: tag["Value"] for tag in group["Tags"]}["Name"] == "plain"
    entries = client("ec2").get_managed_prefix_list_entries(PrefixListId=physical(stacks, "List"))["Entries"]
    assert entries[0]["Description"] == "home"
    previous = [{"ParameterKey": "Port", "UsePreviousValue": True}]
    with pytest.raises(ClientError, match="No updates are to be performed"):
        stacks.update_stack(StackName="s", UsePreviousTemplate=True, Parameters=previous)


def with_resource(text: str, name: str, properties: str) -> str:
    """The network's template with one more resource."""
    head, tail = dedent(text).split("Outputs:")
    return f"{head}  {name}: {properties}\nOutputs:{tail}"


DUPLICATE = (
    "{Type: AWS::EC2::SecurityGroup, DependsOn: List, "
    "Properties: {GroupName: web-eu, GroupDescription: again, VpcId: !Ref Vpc}}"
)


def test_what_fails_is_rolled_back(client: Any, stacks: Any) -> None:
    """EC2 refuses a second group of the name: nothing is left, the event says why."""
    assert make(stacks, with_resource(NETWORK, "Again", DUPLICATE)) == "ROLLBACK_COMPLETE"
    assert any("already exists" in reason for reason in why(stacks, "s"))
    assert physical_left(client("ec2")) == []
    with pytest.raises(ClientError, match="ROLLBACK_COMPLETE state and can not be updated"):
        stacks.update_stack(StackName="s", TemplateBody=dedent(NETWORK))
    stacks.delete_stack(StackName="s")


def test_an_update_that_fails_is_taken_back(client: Any, stacks: Any) -> None:
    assert make(stacks, NETWORK) == "CREATE_COMPLETE"
    before = physical(stacks, "FromItself")
    text = with_resource(NETWORK, "Again", DUPLICATE).replace(
        "CidrIp: 192.0.2.0/24", "CidrIp: 203.0.113.0/24"
    )
    stacks.update_stack(StackName="s", TemplateBody=text.replace("IpProtocol: '-1'", "IpProtocol: '50'"))
    assert settle(stacks, "s") == "UPDATE_ROLLBACK_COMPLETE", why(stacks, "s")
    assert physical(stacks, "FromItself") == before
    [group] = client("ec2").describe_security_groups(GroupIds=[outputs(stacks)["Group"]])["SecurityGroups"]
    ranges = [r["CidrIp"] for p in group["IpPermissions"] for r in p["IpRanges"]]
    assert (ranges, {p["IpProtocol"] for p in group["IpPermissions"]}) == (["192.0.2.0/24"], {"tcp", "-1"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Resources: {A: {Type: AWS::EC2::Nothing}}", "Unrecognized resource types: [AWS::EC2::Nothing]"),
        ("Resources: {A: {Type: AWS::EC2::VPC, Properties: {CidrBlock: !Ref B}}}", "resource dependencies [B]"),
        ("Resources: {A: {Type: AWS::EC2::VPC, Properties: {CidrBlock: !GetAtt A.CidrBlock}}}", "Circular dependency"),
        ("Resources: {A: {Type: AWS::EC2::VPC, CreationPolicy: {}}}", "resource property 'CreationPolicy'"),
        ("Resources: {}", "At least one Resources member"),
        ("Resource: {}", "Invalid template property or properties [Resource]"),
        ("{Resources: [", "not well-formed"),
        ("Transform: Mine\nResources: {A: {Type: AWS::EC2::VPC}}", "No transform named Mine"),
        ("Parameters: {Env: {Type: String}}\nResources: {A: {Type: AWS::EC2::VPC}}", "[Env] must have values"),
    ],
)  # fmt: skip
def test_templates_that_are_refused(stacks: Any, text: str, said: str) -> None:
    with pytest.raises(ClientError) as refused:
        stacks.create_stack(StackName="s", TemplateBody=text)
    assert said in refused.value.response["Error"]["Message"]
    assert refused.value.response["Error"]["Code"] == "ValidationError"


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ("CidrBlock: 10.0.0.0/16, CidrBlok: x", "Encountered unsupported property CidrBlok"),
        ("EnableDnsSupport: true", "Property CidrBlock cannot be empty"),
        ("CidrBlock: 10.0.0.0/16, EnableDnsSupport: perhaps", "must be of type boolean"),
        ("CidrBlock: 10.0.0.0/16, Tags: [{Key: a, Worth: b}]", "Worth"),
        ("CidrBlock: !GetAtt Other.Color", "does not support attribute type Color"),
    ],
)  # fmt: skip
def test_properties_that_fail_the_stack(stacks: Any, properties: str, said: str) -> None:
    """Never silently: a property that the type does not have, at any depth."""
    other = "Other: {Type: AWS::EC2::InternetGateway}"
    text = f"Resources:\n  {other}\n  A: {{Type: AWS::EC2::VPC, Properties: {{{properties}}}}}"
    assert make(stacks, text) == "ROLLBACK_COMPLETE"
    assert any(said in reason for reason in why(stacks, "s")), why(stacks, "s")


PARAMETERS = """
    Parameters:
      Env: {Type: String, AllowedValues: [dev, prod], ConstraintDescription: dev or prod}
      Port: {Type: Number, MinValue: 10, Default: 80}
      Range: {Type: CommaDelimitedList, Default: 'a, b'}
    Resources: {Gate: {Type: AWS::EC2::InternetGateway, Properties: {Tags: [{Key: k, Value: !Join ['+', !Ref Range]}]}}}
    Outputs: {Second: {Value: !Select [1, !Ref Range]}}
"""


def test_parameters(stacks: Any) -> None:
    for given, said in (
        ({"Env": "test"}, "dev or prod"),
        ({"Env": "dev", "Port": 9}, "be a number not less than 10"),
        ({"Env": "dev", "Port": "x"}, "be a number"),
    ):
        with pytest.raises(ClientError, match=said):
            make(stacks, PARAMETERS, **given)
    with pytest.raises(ClientError, match=r"\[Extra\] do not exist"):
        stacks.create_stack(
            StackName="s",
            TemplateBody=dedent(PARAMETERS),
            Parameters=[{"ParameterKey": "Extra", "ParameterValue": "1"}],
        )
    assert make(stacks, PARAMETERS, Env="dev", Range="x,y") == "CREATE_COMPLETE"
    assert outputs(stacks) == {"Second": "y"}


def test_a_change_set_says_what_it_will_do(client: Any, stacks: Any) -> None:
    """Nothing is made before it is executed; what does not change is not in it; none where nothing changes."""
    stacks.create_change_set(
        StackName="s", ChangeSetName="c", ChangeSetType="CREATE", TemplateBody=dedent(NETWORK)
    )
    assert status_of(stacks, "s") == "REVIEW_IN_PROGRESS"
    shown = stacks.describe_change_set(StackName="s", ChangeSetName="c")
    assert {c["ResourceChange"]["Action"] for c in shown["Changes"]} == {"Add"}
    assert len(shown["Changes"]) == 8
    assert physical_left(client("ec2")) == []
    stacks.execute_change_set(StackName="s", ChangeSetName="c")
    assert settle(stacks, "s") == "CREATE_COMPLETE", why(stacks, "s")
    text = (
        dedent(NETWORK)
        .replace("RuleAction: allow", "RuleAction: deny")
        .replace("GroupDescription: !Sub 'web", "GroupDescription: !Sub 'new web")
    )
    stacks.create_change_set(StackName="s", ChangeSetName="d", TemplateBody=text)
    changes = stacks.describe_change_set(StackName="s", ChangeSetName="d")["Changes"]
    found = {c["ResourceChange"]["LogicalResourceId"]: c["ResourceChange"] for c in changes}
    assert {name: change["Replacement"] for name, change in found.items()} == {
        "Web": "True",
        "FromItself": "True",
        "In": "False",
    }
    assert [d["Target"]["Name"] for d in found["In"]["Details"]] == ["RuleAction"]
    stacks.create_change_set(StackName="s", ChangeSetName="e", TemplateBody=dedent(NETWORK))
    none = stacks.describe_change_set(StackName="s", ChangeSetName="e")
    assert (none["Status"], none["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert "didn't contain changes" in none["StatusReason"]
    with pytest.raises(ClientError, match="cannot be executed"):
        stacks.execute_change_set(StackName="s", ChangeSetName="e")
    stacks.delete_change_set(StackName="s", ChangeSetName="e")
    assert len(stacks.list_change_sets(StackName="s")["Summaries"]) == 2


def test_exports_hold_their_stack(stacks: Any) -> None:
    assert make(stacks, NETWORK, "base") == "CREATE_COMPLETE"
    user = """
        Resources:
          Rule:
            Type: AWS::EC2::SecurityGroupIngress
            Properties:
              GroupId: !ImportValue base-group
              IpProtocol: udp
              FromPort: 53
              ToPort: 53
              CidrIp: 192.0.2.1/32
    """
    assert make(stacks, user, "user") == "CREATE_COMPLETE", why(stacks, "user")
    assert stacks.list_imports(ExportName="base-group")["Imports"] == ["user"]
    with pytest.raises(ClientError, match="in use by user"):
        stacks.delete_stack(StackName="base")
    stacks.delete_stack(StackName="user")
    until(lambda: [s["StackName"] for s in stacks.describe_stacks()["Stacks"]] == ["base"])
    stacks.delete_stack(StackName="base")
    until(lambda: not stacks.describe_stacks()["Stacks"])


def test_retained_protected_and_of_another_account(client: Any, stacks: Any) -> None:
    text = "Resources: {Gate: {Type: AWS::EC2::InternetGateway, DeletionPolicy: Retain}}"
    assert make(stacks, text, EnableTerminationProtection=True) == "CREATE_COMPLETE"
    gate = physical(stacks, "Gate")
    with pytest.raises(ClientError, match="TerminationProtection"):
        stacks.delete_stack(StackName="s")
    stacks.update_termination_protection(StackName="s", EnableTerminationProtection=False)
    assert client("cloudformation", account=TWO).describe_stacks()["Stacks"] == []
    assert client("cloudformation", region="us-east-1").describe_stacks()["Stacks"] == []
    stacks.delete_stack(StackName="s")
    until(lambda: not stacks.describe_stacks()["Stacks"])
    assert client("ec2").describe_internet_gateways(InternetGatewayIds=[gate])["InternetGateways"]


ROLE = """
    Resources:
      Role:
        Type: AWS::IAM::Role
        Properties:
          %s
          AssumeRolePolicyDocument:
            Version: 2012-10-17
            Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: 'sts:AssumeRole'}]
"""


@pytest.mark.parametrize(
    ("name", "needed"), [("", "CAPABILITY_IAM"), ("RoleName: mine", "CAPABILITY_NAMED_IAM")]
)
def test_capabilities_are_demanded(stacks: Any, name: str, needed: str) -> None:
    text = dedent(ROLE) % (name or "Path: /")
    with pytest.raises(ClientError) as refused:
        stacks.create_stack(StackName="s", TemplateBody=text)
    assert refused.value.response["Error"]["Code"] == "InsufficientCapabilitiesException"
    assert needed in refused.value.response["Error"]["Message"]
    stacks.create_stack(StackName="s", TemplateBody=text, Capabilities=[needed])
    assert settle(stacks, "s") == "CREATE_COMPLETE"


def test_a_stacks_own_role_does_the_work(aws: EmbeddedAws, client: Any, stacks: Any) -> None:
    """What the role may not do fails the stack, whatever its caller may."""
    role = make_role(client("iam"), "deploys", "cloudformation.amazonaws.com")
    aws.deny(role, "ec2:CreateInternetGateway")
    text = "Resources: {Gate: {Type: AWS::EC2::InternetGateway}}"
    stacks.create_stack(StackName="s", TemplateBody=text, RoleARN=role)
    assert settle(stacks, "s") == "ROLLBACK_COMPLETE"
    assert any("not authorized" in reason for reason in why(stacks, "s"))
    assert make(stacks, text, "t") == "CREATE_COMPLETE"
    other = make_role(client("iam"), "other")
    with pytest.raises(ClientError, match="cannot be assumed"):
        stacks.create_stack(StackName="u", TemplateBody=text, RoleARN=other)
    with pytest.raises(ClientError, match="does not exist"):
        stacks.describe_stacks(StackName="u")
    with pytest.raises(ClientError, match="cannot be assumed"):
        stacks.delete_stack(StackName="t", RoleARN=other)
    assert settle(stacks, "t") == "CREATE_COMPLETE"


SERVERLESS = """
    Transform: AWS::Serverless-2016-10-31
    Parameters: {Bucket: {Type: String, Default: code}}
    Globals: {Function: {Timeout: 20, MemorySize: 256}}
    Resources:
      Handler:
        Type: AWS::Serverless::Function
        Properties:
          Runtime: python3.13
          Handler: app.handler
          CodeUri: {Bucket: !Ref Bucket, Key: app.zip}
          Environment: {Variables: {TABLE: !Ref Table}}
          Policies: [{DynamoDBCrudPolicy: {TableName: !Ref Table}}, AmazonEC2ReadOnlyAccess]
          EventInvokeConfig:
            MaximumRetryAttempts: 1
            DestinationConfig: {OnFailure: {Type: SQS, Destination: !GetAtt Dead.Arn}}
          Events:
            FromQueue:
              Type: SQS
              Properties:
                Queue: !GetAtt Queue.Arn
                BatchSize: 1000
                MaximumBatchingWindowInSeconds: 1
                FunctionResponseTypes: [ReportBatchItemFailures]
                ScalingConfig: {MaximumConcurrency: 2}
            FromTable:
              Type: DynamoDB
              Properties:
                Stream: !GetAtt Table.StreamArn
                StartingPosition: TRIM_HORIZON
                FilterCriteria: {Filters: [{Pattern: '{"eventName": ["REMOVE"]}'}]}
            TrueUp:
              Type: ScheduleV2
              Properties: {ScheduleExpression: rate(5 minutes)}
            Direct:
              Type: EventBridgeRule
              Properties: {Pattern: {source: [mine]}}
      Table:
        Type: AWS::DynamoDB::Table
        Properties:
          BillingMode: PAY_PER_REQUEST
          AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
          KeySchema: [{AttributeName: id, KeyType: HASH}]
          StreamSpecification: {StreamViewType: NEW_AND_OLD_IMAGES}
          PointInTimeRecoverySpecification: {PointInTimeRecoveryEnabled: true}
          SSESpecification: {SSEEnabled: true}
      Dead: {Type: AWS::SQS::Queue}
      Queue:
        Type: AWS::SQS::Queue
        Properties:
          VisibilityTimeout: 60
          RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 5}
      LetIn:
        Type: AWS::SQS::QueuePolicy
        Properties:
          Queues: [!Ref Queue]
          PolicyDocument:
            Version: 2012-10-17
            Statement:
              - Effect: Allow
                Principal: {Service: events.amazonaws.com}
                Action: sqs:SendMessage
                Resource: !GetAtt Queue.Arn
      ToQueue:
        Type: AWS::Events::Rule
        Properties:
          EventPattern: {source: [theirs]}
          Targets: [{Arn: !GetAtt Queue.Arn, Id: queue}]
      Log:
        Type: AWS::Logs::LogGroup
        Properties: {LogGroupName: !Sub '/aws/lambda/${Handler}', RetentionInDays: 7}
      Alarm:
        Type: AWS::CloudWatch::Alarm
        Properties:
          Namespace: AWS/SQS
          MetricName: ApproximateAgeOfOldestMessage
          Dimensions: [{Name: QueueName, Value: !GetAtt Queue.QueueName}]
          ComparisonOperator: GreaterThanThreshold
          EvaluationPeriods: 1
          Period: 60
          Statistic: Maximum
          Threshold: 60
      Board:
        Type: AWS::CloudWatch::Dashboard
        Properties: {DashboardBody: '{"widgets": []}'}
    Outputs:
      Function: {Value: !Ref Handler}
      Queue: {Value: !Ref Queue}
      Table: {Value: !Ref Table}
"""
HANDLER = """
    import boto3, json, os
    table = boto3.client("dynamodb")
    def handler(event, context):
        records = event.get("Records", [event])
        for record in records:
            kind = record.get("eventSource") or record["source"]
            key = record.get("body") or record.get("dynamodb", {}).get("Keys", {}).get("id", {}).get("S") or "-"
            if kind == "aws:sqs" and key.startswith("{"):
                key = json.loads(key)["source"]
            table.put_item(TableName=os.environ["TABLE"], Item={"id": {"S": kind + " " + key}})
        return {"batchItemFailures": []}
"""


def test_a_serverless_application_lives(aws: EmbeddedAws, client: Any, stacks: Any) -> None:
    """Expanded by AWS's translator; then queue, rule, schedule and table stream all reach the function, which writes
    into the table; all of it goes with the stack."""
    s3 = client("s3")
    s3.create_bucket(Bucket="code", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="code", Key="app.zip", Body=package(HANDLER))
    s3.put_object(Bucket="code", Key="template.yaml", Body=dedent(SERVERLESS).encode())
    where = {"StackName": "s", "TemplateURL": f"https://code.s3.{REGION}.amazonaws.com/template.yaml"}
    with pytest.raises(ClientError, match="CAPABILITY_AUTO_EXPAND"):
        stacks.create_stack(**where, Capabilities=["CAPABILITY_IAM"])
    stacks.create_change_set(
        **where, ChangeSetName="c", ChangeSetType="CREATE", Capabilities=["CAPABILITY_IAM"]
    )
    stacks.execute_change_set(StackName="s", ChangeSetName="c")
    assert settle(stacks, "s") == "CREATE_COMPLETE", why(stacks, "s")
    found = outputs(stacks)
    table, queue = found["Table"], found["Queue"]
    client("sqs").send_message(QueueUrl=queue, MessageBody="hello")
    entries = [{"Source": source, "DetailType": "t", "Detail": "{}"} for source in ("mine", "theirs")]
    client("events").put_events(Entries=entries)
    client("dynamodb").put_item(TableName=table, Item={"id": {"S": "gone"}})
    client("dynamodb").delete_item(TableName=table, Key={"id": {"S": "gone"}})

    def seen() -> set[str]:
        return {item["id"]["S"] for item in client("dynamodb").scan(TableName=table)["Items"]}

    wanted = {"aws:sqs hello", "aws:sqs theirs", "mine -", "aws:dynamodb gone"}
    until(lambda: seen() >= wanted, 40)
    aws.pace.set_scale(600)
    try:
        until(lambda: "aws.scheduler -" in seen(), 30)
    finally:
        aws.pace.set_scale(1)
    assert client("logs").describe_log_groups()["logGroups"][0]["retentionInDays"] == 7
    stacks.delete_stack(StackName="s")
    until(lambda: not stacks.describe_stacks()["Stacks"], 40)
    assert client("lambda").list_functions()["Functions"] == []
    assert client("dynamodb").list_tables()["TableNames"] == []
    assert client("lambda").list_event_source_mappings()["EventSourceMappings"] == []
    assert aws.services.functions.fleet.document() == []


GROUP = """
    Resources:
      Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.8.0.0/16}}
      Gate: {Type: AWS::EC2::InternetGateway}
      Joined: {Type: AWS::EC2::VPCGatewayAttachment, Properties: {VpcId: !Ref Vpc, InternetGatewayId: !Ref Gate}}
      Table: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref Vpc}}
      Out:
        Type: AWS::EC2::Route
        DependsOn: Joined
        Properties: {RouteTableId: !Ref Table, DestinationCidrBlock: 0.0.0.0/0, GatewayId: !Ref Gate}
      Subnet:
        Type: AWS::EC2::Subnet
        Properties: {VpcId: !Ref Vpc, CidrBlock: 10.8.1.0/24, MapPublicIpOnLaunch: 'true'}
      Routed:
        Type: AWS::EC2::SubnetRouteTableAssociation
        Properties: {SubnetId: !Ref Subnet, RouteTableId: !Ref Table}
      Base: {Type: AWS::EC2::SecurityGroup, Properties: {GroupDescription: base, VpcId: !Ref Vpc}}
      Template:
        Type: AWS::EC2::LaunchTemplate
        Properties:
          LaunchTemplateData: {ImageId: ami-12345678, InstanceType: t3.micro, SecurityGroupIds: [!Ref Base]}
      Group:
        Type: AWS::AutoScaling::AutoScalingGroup
        Properties:
          MinSize: '0'
          MaxSize: '3'
          DesiredCapacity: '0'
          VPCZoneIdentifier: [!Ref Subnet]
          LaunchTemplate: {LaunchTemplateId: !Ref Template, Version: !GetAtt Template.LatestVersionNumber}
          Tags: [{Key: mesh, Value: m, PropagateAtLaunch: true}]
      Launched:
        Type: AWS::AutoScaling::LifecycleHook
        Properties:
          AutoScalingGroupName: !Ref Group
          LifecycleHookName: joins
          LifecycleTransition: autoscaling:EC2_INSTANCE_LAUNCHING
          HeartbeatTimeout: 300
          DefaultResult: ABANDON
    Outputs: {Group: {Value: !Ref Group}}
"""


def test_a_scaling_group_with_a_hook(client: Any, stacks: Any) -> None:
    scaling = client("autoscaling")
    assert make(stacks, GROUP) == "CREATE_COMPLETE", why(stacks, "s")
    name = outputs(stacks)["Group"]
    [hook] = scaling.describe_lifecycle_hooks(AutoScalingGroupName=name)["LifecycleHooks"]
    assert (hook["LifecycleHookName"], hook["HeartbeatTimeout"], hook["DefaultResult"]) == (
        "joins",
        300,
        "ABANDON",
    )
    text = (
        dedent(GROUP)
        .replace("HeartbeatTimeout: 300", "HeartbeatTimeout: 60")
        .replace("MaxSize: '3'", "MaxSize: '4'")
    )
    stacks.update_stack(StackName="s", TemplateBody=text)
    assert settle(stacks, "s") == "UPDATE_COMPLETE", why(stacks, "s")
    [hook] = scaling.describe_lifecycle_hooks(AutoScalingGroupName=name)["LifecycleHooks"]
    [group] = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
    assert (hook["HeartbeatTimeout"], group["MaxSize"]) == (60, 4)
    assert {tag["Key"]: tag["PropagateAtLaunch"] for tag in group["Tags"]} == {"mesh": True}
    stacks.delete_stack(StackName="s")
    until(lambda: not stacks.describe_stacks()["Stacks"], 40)
    assert scaling.describe_auto_scaling_groups()["AutoScalingGroups"] == []


ANSWERING = """
      Handler:
        Type: AWS::Serverless::Function
        Properties:
          Runtime: python3.13
          Handler: index.handler
          Timeout: 30
          InlineCode: |
            import boto3
            def handler(event, context):
                detail = event["detail"]
                boto3.client("autoscaling", region_name=event["region"]).complete_lifecycle_action(
                    AutoScalingGroupName=detail["AutoScalingGroupName"],
                    LifecycleHookName=detail["LifecycleHookName"],
                    LifecycleActionToken=detail["LifecycleActionToken"],
                    LifecycleActionResult="CONTINUE",
                )
          Policies:
            - Statement: [{Effect: Allow, Action: 'autoscaling:CompleteLifecycleAction', Resource: '*'}]
          Events:
            Waiting:
              Type: EventBridgeRule
              Properties:
                Pattern:
                  source: [aws.autoscaling]
                  detail-type: [EC2 Instance-launch Lifecycle Action]
                  detail: {AutoScalingGroupName: [!Ref Group], LifecycleHookName: [joins]}
    Outputs:"""


def test_a_hook_is_answered_by_a_deployed_function(client: Any, stacks: Any) -> None:
    """From nothing to an instance in service: stack, hook, event, rule, function, answer."""
    scaling = client("autoscaling")
    text = "Transform: AWS::Serverless-2016-10-31\n" + dedent(GROUP.replace("\n    Outputs:", ANSWERING))
    capabilities = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
    assert make(stacks, text, Capabilities=capabilities) == "CREATE_COMPLETE", why(stacks, "s")
    name = outputs(stacks)["Group"]
    scaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=1)

    def states() -> list[str]:
        found = scaling.describe_auto_scaling_instances()["AutoScalingInstances"]
        return [item["LifecycleState"] for item in found]

    until(lambda: states() == ["InService"], 40)


def test_code_in_the_template_and_a_change_of_it(client: Any, stacks: Any) -> None:
    text = dedent(ROLE) % "Path: /" + dedent("""
          F:
            Type: AWS::Lambda::Function
            Properties:
              Runtime: python3.13
              Handler: index.handler
              Role: !GetAtt Role.Arn
              Timeout: 20
              Code: {ZipFile: "def handler(event, context): return 'one'"}
        Outputs: {Name: {Value: !Ref F}}
    """).replace("\n  ", "\n  ")
    given = {"Capabilities": ["CAPABILITY_IAM"]}
    assert make(stacks, text, **given) == "CREATE_COMPLETE", why(stacks, "s")
    name = outputs(stacks)["Name"]
    assert json.loads(client("lambda").invoke(FunctionName=name)["Payload"].read()) == "one"
    stacks.update_stack(StackName="s", TemplateBody=text.replace("'one'", "'two'"), **given)
    assert settle(stacks, "s") == "UPDATE_COMPLETE", why(stacks, "s")
    assert outputs(stacks)["Name"] == name
    assert json.loads(client("lambda").invoke(FunctionName=name)["Payload"].read()) == "two"


def test_throttling_and_faults_reach_a_stack(aws: EmbeddedAws, stacks: Any) -> None:
    """A refused call is tried again where it may be; one that stays refused fails the stack."""
    aws.fail_next("CreateInternetGateway", "RequestLimitExceeded", "slow down", status=503, times=2)
    text = "Resources: {Gate: {Type: AWS::EC2::InternetGateway}}"
    assert make(stacks, text) == "CREATE_COMPLETE"
    aws.fail_next("CreateInternetGateway", "InternetGatewayLimitExceeded", "no more")
    assert make(stacks, text, "t") == "ROLLBACK_COMPLETE"
    assert any("no more" in reason for reason in why(stacks, "t"))


def test_a_stop_ends_a_stack_under_way() -> None:
    """No thread is left, however far it is."""
    import threading

    import boto3

    before = set(threading.enumerate())
    with EmbeddedAws(("210000000009",)) as aws:
        key = aws.credentials("210000000009")
        stacks = boto3.client(
            "cloudformation",
            REGION,
            endpoint_url=aws.endpoint,
            aws_access_key_id=key.id,
            aws_secret_access_key=key.secret,
        )
        aws.pace.latency_ms = 100
        stacks.create_stack(StackName="s", TemplateBody=dedent(NETWORK))
        time.sleep(0.3)
        assert status_of(stacks, "s") == "CREATE_IN_PROGRESS"
    until(lambda: not [t for t in set(threading.enumerate()) - before if t.is_alive()])
