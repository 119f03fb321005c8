"""CloudFormation, as far as a firewall and a mesh need it (emulators' table)."""

import json
from typing import Any

from probes.registry import probe
from probes.scene import LAUNCHING, Scene
from probes.trial import Json, Trial

CFN = "AWS::CloudFormation resource reference"
FORMAT = {"AWSTemplateFormatVersion": "2010-09-09"}
CAPABLE = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
TABLE: Json = {
    "Type": "AWS::DynamoDB::Table",
    "Properties": {
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    },
}
ROLE: Json = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "lambda.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
    },
}
CODE = "def handler(event, context):\n    return 1\n"


def _attribute(name: str, attribute: str) -> Json:
    return {"Fn::GetAtt": [name, attribute]}


class Stack:
    def __init__(self, t: Trial, resources: Json, **template: Any) -> None:
        self.t = t
        self.name = t.name("stack")
        self.cfn = t.client("cloudformation")
        body = json.dumps({**FORMAT, "Resources": resources, **template})
        self.cfn.create_stack(StackName=self.name, TemplateBody=body, Capabilities=CAPABLE)
        self.reaches("CREATE_COMPLETE")

    def status(self) -> str:
        return str(self.cfn.describe_stacks(StackName=self.name)["Stacks"][0]["StackStatus"])

    def reaches(self, status: str) -> None:
        self.t.eventually(lambda: not self.status().endswith("_IN_PROGRESS"), "the stack rests")
        self.t.same(self.status(), status)

    def id_of(self, logical: str) -> str:
        """The physical id of a resource."""
        found = self.cfn.describe_stack_resource(StackName=self.name, LogicalResourceId=logical)
        return str(found["StackResourceDetail"]["PhysicalResourceId"])


@probe("table", "a template makes a table, a role, a function, a rule and a permission", CFN)
def plain_template(t: Trial) -> None:
    stack = Stack(
        t,
        {
            "Table": TABLE,
            "Role": ROLE,
            "Function": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "Handler": "index.handler",
                    "Runtime": "python3.12",
                    "Role": _attribute("Role", "Arn"),
                    "Code": {"ZipFile": CODE},
                },
            },
            "Rule": {
                "Type": "AWS::Events::Rule",
                "Properties": {
                    "EventPattern": {"source": ["app"]},
                    "Targets": [{"Id": "1", "Arn": _attribute("Function", "Arn")}],
                },
            },
            "Permission": {
                "Type": "AWS::Lambda::Permission",
                "Properties": {
                    "FunctionName": {"Ref": "Function"},
                    "Action": "lambda:InvokeFunction",
                    "Principal": "events.amazonaws.com",
                    "SourceArn": _attribute("Rule", "Arn"),
                },
            },
        },
    )
    t.client("dynamodb").describe_table(TableName=stack.id_of("Table"))
    t.client("lambda").get_function(FunctionName=stack.id_of("Function"))
    rule = stack.id_of("Rule").rpartition("/")[2].rpartition("|")[2]
    t.same(len(t.client("events").list_targets_by_rule(Rule=rule)["Targets"]), 1)


@probe("table", "a template makes a lifecycle hook", f"{CFN}; ASG lifecycle-hooks")
def hook_in_template(t: Trial) -> None:
    scene = Scene(t)
    properties = {
        "AutoScalingGroupName": scene.name,
        "LifecycleHookName": "up",
        "LifecycleTransition": LAUNCHING,
        "HeartbeatTimeout": 300,
    }
    Stack(t, {"Hook": {"Type": "AWS::AutoScaling::LifecycleHook", "Properties": properties}})
    t.same([(hook["LifecycleHookName"], hook["HeartbeatTimeout"]) for hook in scene.hooks()], [("up", 300)])


@probe("table", "a SAM template is expanded", "SAM; AWS::Serverless transform")
def sam_template(t: Trial) -> None:
    properties = {
        "Handler": "index.handler",
        "Runtime": "python3.12",
        "InlineCode": CODE,
        "Events": {
            "It": {"Type": "EventBridgeRule", "Properties": {"Pattern": {"source": ["app"]}}},
        },
    }
    function = {"Type": "AWS::Serverless::Function", "Properties": properties}
    stack = Stack(t, {"Function": function}, Transform="AWS::Serverless-2016-10-31")
    found = t.client("lambda").get_function(FunctionName=stack.id_of("Function"))["Configuration"]
    t.same(found["Handler"], "index.handler")
    kinds = {
        each["ResourceType"]
        for each in stack.cfn.describe_stack_resources(StackName=stack.name)["StackResources"]
    }
    t.true({"AWS::IAM::Role", "AWS::Events::Rule", "AWS::Lambda::Permission"} <= kinds, str(sorted(kinds)))


@probe("table", "a change set tells what changes, and only that; the stack is updated and deleted", CFN)
def change_set(t: Trial) -> None:
    stack = Stack(t, {"Table": TABLE})
    body = json.dumps({**FORMAT, "Resources": {"Table": TABLE, "Role": ROLE}})
    asked = {"StackName": stack.name, "ChangeSetName": "more"}
    stack.cfn.create_change_set(TemplateBody=body, Capabilities=CAPABLE, **asked)

    def ready() -> Json:
        found = dict(stack.cfn.describe_change_set(**asked))
        return found if found["Status"] == "CREATE_COMPLETE" else {}

    changes = [each["ResourceChange"] for each in t.eventually(ready, "the change set is ready")["Changes"]]
    t.same([(change["Action"], change["LogicalResourceId"]) for change in changes], [("Add", "Role")])
    table = stack.id_of("Table")
    stack.cfn.execute_change_set(**asked)
    stack.reaches("UPDATE_COMPLETE")
    t.same(stack.id_of("Table"), table)
    stack.cfn.delete_stack(StackName=stack.name)

    def gone() -> bool:
        return table not in t.client("dynamodb").list_tables()["TableNames"]

    t.eventually(gone, "the stack's table is gone")


@probe("table", "a template makes groups, rules, ACLs and entries", CFN)
def firewall_template(t: Trial) -> None:
    vpc = t.vpc()
    Stack(
        t,
        {
            "Web": {
                "Type": "AWS::EC2::SecurityGroup",
                "Properties": {"GroupDescription": "d", "GroupName": "web", "VpcId": vpc},
            },
            "Rule": {
                "Type": "AWS::EC2::SecurityGroupIngress",
                "Properties": {
                    "GroupId": _attribute("Web", "GroupId"),
                    "IpProtocol": "tcp",
                    "FromPort": 22,
                    "ToPort": 22,
                    "CidrIp": "10.0.0.0/8",
                },
            },
            "Acl": {"Type": "AWS::EC2::NetworkAcl", "Properties": {"VpcId": vpc}},
            "Entry": {
                "Type": "AWS::EC2::NetworkAclEntry",
                "Properties": {
                    "NetworkAclId": {"Ref": "Acl"},
                    "RuleNumber": 100,
                    "Protocol": 6,
                    "RuleAction": "allow",
                    "CidrBlock": "10.0.0.0/8",
                    "PortRange": {"From": 22, "To": 22},
                },
            },
        },
    )
    of_vpc = [{"Name": "vpc-id", "Values": [vpc]}]
    groups = t.ec2.describe_security_groups(Filters=of_vpc)["SecurityGroups"]
    (web,) = [group for group in groups if group["GroupName"] == "web"]
    t.same([rule["CidrIpv4"] for rule in t.rules(web["GroupId"], egress=False)], ["10.0.0.0/8"])
    acls = t.ec2.describe_network_acls(Filters=[*of_vpc, {"Name": "default", "Values": ["false"]}])
    (acl,) = acls["NetworkAcls"]
    t.same(
        [entry["PortRange"] for entry in t.entries(acl["NetworkAclId"]).values()], [{"From": 22, "To": 22}]
    )


@probe("table", "a resource type that nobody knows fails the stack", CFN)
def unknown_type(t: Trial) -> None:
    cfn, name = t.client("cloudformation"), t.name("stack")
    body = json.dumps({**FORMAT, "Resources": {"X": {"Type": "AWS::EC2::NoSuchThing", "Properties": {}}}})
    try:
        cfn.create_stack(StackName=name, TemplateBody=body)
    except cfn.exceptions.ClientError as refused:
        t.same(refused.response["Error"]["Code"], "ValidationError")
        return
    status = lambda: cfn.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]  # noqa: E731 - one use
    t.eventually(lambda: not status().endswith("_IN_PROGRESS"), "the stack rests")
    t.same(status(), "ROLLBACK_COMPLETE")
