"""The stacks of a mesh's node, made from their templates: here, and with a second emulator's CloudFormation."""

import json
from collections.abc import Callable
from typing import Any

from functions import package, until

from twinwall.documents.deployment.prerequisites import prerequisites_template
from twinwall.documents.deployment.template import node_template
from twinwall.mesh.configure import configure

Client = Callable[[str], Any]


def made(cloudformation: Any, name: str, template: dict[str, Any], **parameters: str) -> dict[str, str]:
    """Its outputs, once it is made."""
    given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
    cloudformation.create_stack(
        StackName=name, TemplateBody=json.dumps(template, separators=(",", ":")), Parameters=given,
        Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    )  # fmt: skip

    def stack() -> Any:
        return cloudformation.describe_stacks(StackName=name)["Stacks"][0]

    until(lambda: not stack()["StackStatus"].endswith("_IN_PROGRESS"), 60)
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    why = [
        event.get("ResourceStatusReason") for event in events if event["ResourceStatus"].endswith("FAILED")
    ]
    assert (stack()["StackStatus"], why) == ("CREATE_COMPLETE", [])
    return {one["OutputKey"]: one["OutputValue"] for one in stack().get("Outputs", ())}


def test_prerequisites_are_made(client: Client) -> None:
    """Only here: the second emulator has no security group rules as resources."""
    site = made(client("cloudformation"), "site", prerequisites_template())
    [group] = client("ec2").describe_security_groups(GroupIds=[site["LocalSG"]])["SecurityGroups"]
    assert [pair["GroupId"] for part in group["IpPermissions"] for pair in part["UserIdGroupPairs"]] == [
        site["LocalSG"]
    ]
    names = client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    assert [one["AutoScalingGroupName"] for one in names] == [site["AutoScalingGroup"]]


def site_of(anywhere: Client) -> dict[str, str]:
    ec2, account = anywhere("ec2"), anywhere("sts").get_caller_identity()["Account"]
    vpc = ec2.create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.77.1.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="guard", Description="a site", VpcId=vpc)["GroupId"]
    data = {"ImageId": "ami-0123456789abcdef0", "InstanceType": "t3.micro"}
    launch = ec2.create_launch_template(LaunchTemplateName="mesh", LaunchTemplateData=data)["LaunchTemplate"]
    anywhere("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName="cluster", MinSize=0, MaxSize=1, VPCZoneIdentifier=subnet,
        LaunchTemplate={"LaunchTemplateId": launch["LaunchTemplateId"]},
    )  # fmt: skip
    return {"region": ec2.meta.region_name, "account": account, "asg": "cluster", "group": group}


def test_a_node_is_made(anywhere: Client) -> None:
    cloudformation, s3, site = anywhere("cloudformation"), anywhere("s3"), site_of(anywhere)
    found = configure("web", {"sites": [site]})
    s3.create_bucket(Bucket="mesh-code", CreateBucketConfiguration={"LocationConstraint": site["region"]})
    s3.put_object(Bucket="mesh-code", Key="mesh.zip", Body=package("def mesh(event, context): pass"))
    template = node_template(found, found.mesh.nodes[0])
    outputs = made(cloudformation, "twinwall-web", template, CodeBucket="mesh-code", CodeKey="mesh.zip")
    assert outputs["Code"] == "s3://mesh-code/mesh.zip"

    hooks = anywhere("autoscaling").describe_lifecycle_hooks(AutoScalingGroupName=site["asg"])
    assert {hook["LifecycleHookName"] for hook in hooks["LifecycleHooks"]} == {
        "twinwall-launch",
        "twinwall-terminate",
    }
    table = anywhere("dynamodb").describe_table(TableName="twinwall-web")["Table"]
    assert table["StreamSpecification"]["StreamEnabled"]
    sources = anywhere("lambda").list_event_source_mappings(FunctionName="twinwall-web")[
        "EventSourceMappings"
    ]
    assert {source["EventSourceArn"].split(":")[2] for source in sources} == {"sqs", "dynamodb"}
    rules = anywhere("events").list_rules(NamePrefix="twinwall-web")["Rules"]
    assert sorted(rule["Name"] for rule in rules) == ["twinwall-web-ends", "twinwall-web-hooks"]
    roles = anywhere("iam").list_roles()["Roles"]
    names = {role["RoleName"] for role in roles if role["RoleName"].startswith("twinwall-web")}
    assert names == {f"twinwall-web-{site['region']}", f"twinwall-web-{site['region']}-schedule"}
    schedule = anywhere("scheduler").get_schedule(Name="twinwall-web")
    assert schedule["ScheduleExpression"] == "rate(5 minutes)"
