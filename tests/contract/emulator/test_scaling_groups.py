"""Auto Scaling groups and their single instances (aws-facts 5.1, 5.4; API: Auto Scaling)."""

import ipaddress
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from scaling_scene import LAUNCHING, TERMINATING, Scene

from twinwall.emulator.seed import empty_vpc

Refuses = Callable[[str], Any]
TWO = "210000000002"


def instance(scene: Scene, instance_id: str) -> dict[str, Any]:
    (found,) = scene.ec2.describe_instances(InstanceIds=[instance_id])["Reservations"]
    return dict(found["Instances"][0])


# --- what an instance is


def test_instances_are_real(scene: Scene) -> None:
    """Of the template, in the group's subnets by turns, with addresses, groups and tags that EC2 shows."""
    scene.make_group(desired=4, Tags=[{"Key": "team", "Value": "a", "PropagateAtLaunch": True}])
    found = [instance(scene, id_) for id_ in scene.states()]
    assert [i["InstanceType"] for i in found] == ["t3.micro"] * 4
    assert sorted(i["SubnetId"] for i in found) == sorted(scene.subnets * 2)
    named = [{"Name": "tag:aws:autoscaling:groupName", "Values": ["web"]}]
    assert len(scene.ec2.describe_instances(Filters=named)["Reservations"]) == 4
    tags = {tag["Key"]: tag["Value"] for tag in found[0]["Tags"]}
    assert tags["role"] == "web"
    assert tags["team"] == "a"
    assert tags["aws:autoscaling:groupName"] == "web"
    for one in found:
        (interface,) = one["NetworkInterfaces"]
        (address,) = interface["PrivateIpAddresses"]
        assert ipaddress.ip_address(address["PrivateIpAddress"]) in ipaddress.ip_network("10.0.0.0/16")
        assert address["Association"]["PublicIp"] == one["PublicIpAddress"]
        assert [group["GroupId"] for group in interface["Groups"]] == [scene.guard]
        assert [group["GroupId"] for group in one["SecurityGroups"]] == [scene.guard]
    assert len({i["PublicIpAddress"] for i in found}) == 4
    assert len({i["PrivateIpAddress"] for i in found}) == 4


def test_ipv6_addresses(scene: Scene) -> None:
    """As many as the template's interface asks for, out of the subnet."""
    block = [("10.6.1.0/24", "a", "six")]
    vpc = empty_vpc(scene.aws, scene.account, scene.region, "10.6.0.0/16", "2001:db8:6::/56", block)
    (subnet,) = scene.ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
    guard = scene.ec2.create_security_group(GroupName="six", Description="d", VpcId=vpc)["GroupId"]
    interface = {"DeviceIndex": 0, "Groups": [guard], "Ipv6AddressCount": 1}
    made = scene.ec2.create_launch_template(
        LaunchTemplateName="six", LaunchTemplateData={"ImageId": "ami-1", "NetworkInterfaces": [interface]}
    )
    template = {"LaunchTemplateId": made["LaunchTemplate"]["LaunchTemplateId"]}
    scene.make_group(desired=2, LaunchTemplate=template, VPCZoneIdentifier=subnet["SubnetId"])
    network = ipaddress.ip_network("2001:db8:6::/56")
    found = [
        ipaddress.ip_address(address["Ipv6Address"])
        for id_ in scene.states()
        for interface in instance(scene, id_)["NetworkInterfaces"]
        for address in interface["Ipv6Addresses"]
    ]
    assert len(set(found)) == 2
    assert all(address in network for address in found)


def test_its_group_is_in_use_while_it_lives(scene: Scene, refuses: Refuses) -> None:
    """The rulebook sees the interfaces that Auto Scaling made."""
    scene.make_group(desired=1)
    with refuses("DependencyViolation"):
        scene.ec2.delete_security_group(GroupId=scene.guard)
    scene.scale(0)
    scene.ec2.delete_security_group(GroupId=scene.guard)


def test_the_interface_says_which_groups_an_instance_has(scene: Scene) -> None:
    scene.make_group(desired=1)
    (id_,) = scene.states()
    other = scene.ec2.create_security_group(GroupName="other", Description="d", VpcId=scene.vpc)["GroupId"]
    (interface,) = instance(scene, id_)["NetworkInterfaces"]
    scene.ec2.modify_network_interface_attribute(
        NetworkInterfaceId=interface["NetworkInterfaceId"], Groups=[other]
    )
    assert [group["GroupId"] for group in instance(scene, id_)["SecurityGroups"]] == [other]
    scene.ec2.delete_security_group(GroupId=scene.guard)


def test_the_version_of_the_template(scene: Scene) -> None:
    """$Default unless said; shown as it was given, and as a number on the instance."""
    scene.ec2.create_launch_template_version(
        LaunchTemplateId=scene.template, SourceVersion="1", LaunchTemplateData={"InstanceType": "m5.large"}
    )
    scene.make_group(desired=1, LaunchTemplate={"LaunchTemplateId": scene.template, "Version": "$Latest"})
    shown = scene.group()
    assert shown["LaunchTemplate"] == {
        "LaunchTemplateId": scene.template,
        "LaunchTemplateName": "web",
        "Version": "$Latest",
    }
    (member,) = shown["Instances"]
    assert member["LaunchTemplate"]["Version"] == "2"
    assert member["InstanceType"] == "m5.large"


def test_a_launch_configuration(scene: Scene) -> None:
    scene.asg.create_launch_configuration(
        LaunchConfigurationName="old",
        ImageId="ami-1",
        InstanceType="t3.small",
        SecurityGroups=[scene.guard],
        AssociatePublicIpAddress=True,
    )
    scene.asg.create_auto_scaling_group(
        AutoScalingGroupName="web",
        MinSize=1,
        MaxSize=1,
        LaunchConfigurationName="old",
        VPCZoneIdentifier=scene.subnets[0],
    )
    (member,) = scene.group()["Instances"]
    assert member["LaunchConfigurationName"] == "old"
    found = instance(scene, member["InstanceId"])
    assert (found["InstanceType"], bool(found["PublicIpAddress"])) == ("t3.small", True)


def test_a_group_that_is_gone_fails_the_launch(scene: Scene) -> None:
    """Tried again after a pause, and when the user says so."""
    lonely = scene.ec2.create_security_group(GroupName="lonely", Description="d", VpcId=scene.vpc)
    template = scene.make_template("lonely", lonely["GroupId"])
    scene.ec2.delete_security_group(GroupId=lonely["GroupId"])
    url = scene.listen()
    scene.make_group(desired=1, LaunchTemplate={"LaunchTemplateId": template})
    assert scene.states() == {}
    (failed,) = scene.activities()
    assert failed["StatusCode"] == "Failed"
    assert "does not exist. Launching EC2 instance failed" in failed["StatusMessage"]
    (event,) = scene.heard(url)
    assert event["detail-type"] == "EC2 Instance Launch Unsuccessful"
    assert event["detail"]["StatusCode"] == "Failed"
    assert "Description" not in event["detail"]
    scene.pass_time(1)
    assert len(scene.activities()) == 2
    scene.pass_time(1)
    assert len(scene.activities()) == 2, "the pauses grow"
    scene.asg.update_auto_scaling_group(
        AutoScalingGroupName="web", LaunchTemplate={"LaunchTemplateId": scene.template}
    )
    assert scene.counts() == {"InService": 1}


# --- sizes


def test_scaled_out_and_in(scene: Scene) -> None:
    scene.make_group()
    for desired in (3, 5, 2, 0):
        scene.scale(desired)
        assert scene.counts() == ({"InService": desired} if desired else {})
        assert scene.group()["DesiredCapacity"] == desired


def test_desired_follows_min_and_max(scene: Scene) -> None:
    """API: UpdateAutoScalingGroup: a new minimum above it raises it, a new maximum below it lowers it."""
    scene.make_group(desired=1)
    scene.asg.update_auto_scaling_group(AutoScalingGroupName="web", MinSize=3)
    assert scene.counts() == {"InService": 3}
    scene.asg.update_auto_scaling_group(AutoScalingGroupName="web", MinSize=0, MaxSize=2)
    assert scene.counts() == {"InService": 2}
    scene.asg.update_auto_scaling_group(AutoScalingGroupName="web", DesiredCapacity=0)
    assert scene.states() == {}


@pytest.mark.parametrize(("desired", "word"), [(6, "above max value 5"), (0, "below min value 1")])
def test_desired_out_of_bounds(scene: Scene, desired: int, word: str) -> None:
    scene.make_group(desired=1, MinSize=1)
    with pytest.raises(ClientError, match=word) as caught:
        scene.scale(desired)
    assert caught.value.response["Error"]["Code"] == "ValidationError"
    assert scene.counts() == {"InService": 1}


@pytest.mark.parametrize(
    "given",
    [
        {"DesiredCapacity": 9},
        {"MinSize": 3, "MaxSize": 2, "DesiredCapacity": 2},
        {"LaunchTemplate": None},
        {"LaunchTemplate": {"LaunchTemplateName": "unknown"}},
        {"LaunchConfigurationName": "both"},
        {"VPCZoneIdentifier": None},
        {"VPCZoneIdentifier": "subnet-0123456789abcdef0"},
        {"AvailabilityZones": ["eu-west-1c"]},
        {"TargetGroupARNs": ["arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/x/y"]},
    ],
)
def test_groups_that_are_none(scene: Scene, refuses: Refuses, given: dict[str, Any]) -> None:
    asked = {
        "AutoScalingGroupName": "web",
        "MinSize": 0,
        "MaxSize": 5,
        "LaunchTemplate": {"LaunchTemplateId": scene.template},
        "VPCZoneIdentifier": ",".join(scene.subnets),
        **given,
    }
    with refuses("ValidationError"):
        scene.asg.create_auto_scaling_group(**{k: v for k, v in asked.items() if v is not None})
    assert scene.asg.describe_auto_scaling_groups()["AutoScalingGroups"] == []


def test_names_are_unique_in_an_account_and_region(scene: Scene, client: Any, refuses: Refuses) -> None:
    scene.make_group(desired=1)
    with refuses("AlreadyExists"):
        scene.make_group()
    for asg in (client("autoscaling", TWO), client("autoscaling", region="us-east-1")):
        assert asg.describe_auto_scaling_groups()["AutoScalingGroups"] == []
        assert asg.describe_auto_scaling_instances()["AutoScalingInstances"] == []


def test_delete(scene: Scene, refuses: Refuses) -> None:
    """Not while it has instances, unless forced; then without hooks (aws-facts 5.1)."""
    scene.make_group(desired=2)
    scene.hook(TERMINATING)
    with refuses("ResourceInUse"):
        scene.asg.delete_auto_scaling_group(AutoScalingGroupName="web")
    members = list(scene.states())
    scene.asg.delete_auto_scaling_group(AutoScalingGroupName="web", ForceDelete=True)
    assert scene.asg.describe_auto_scaling_groups()["AutoScalingGroups"] == []
    assert {instance(scene, id_)["State"]["Name"] for id_ in members} == {"terminated"}
    with refuses("ValidationError"):
        scene.scale(1)
    past = scene.asg.describe_scaling_activities(AutoScalingGroupName="web", IncludeDeletedGroups=True)
    assert len(past["Activities"]) == 4


# --- shown


def test_describe_groups(scene: Scene, refuses: Refuses) -> None:
    """Paging, names, tag filters; instances only if wanted."""
    for number in range(3):
        scene.make_group(f"g{number}", desired=1, Tags=[{"Key": "n", "Value": str(number)}])
    pages = scene.asg.get_paginator("describe_auto_scaling_groups").paginate(PaginationConfig={"PageSize": 2})
    assert [len(page["AutoScalingGroups"]) for page in pages] == [2, 1]

    def names(**asked: Any) -> list[str]:
        found = scene.asg.describe_auto_scaling_groups(**asked)["AutoScalingGroups"]
        return [group["AutoScalingGroupName"] for group in found]

    assert names(AutoScalingGroupNames=["g1", "unknown"]) == ["g1"]
    assert names(Filters=[{"Name": "tag:n", "Values": ["2", "0"]}]) == ["g0", "g2"]
    assert names(Filters=[{"Name": "tag-key", "Values": ["m"]}]) == []
    bare = scene.asg.describe_auto_scaling_groups(IncludeInstances=False)["AutoScalingGroups"]
    assert [group["Instances"] for group in bare] == [[], [], []]
    with refuses("ValidationError"):
        scene.asg.describe_auto_scaling_groups(MaxRecords=101)


def test_describe_instances_of_all_groups(scene: Scene, refuses: Refuses) -> None:
    """At most 50 ids, unknown ones passed over (aws-facts 5.4)."""
    scene.make_group(desired=1)
    (id_,) = scene.states()
    (found,) = scene.asg.describe_auto_scaling_instances(InstanceIds=[id_, "i-0123456789abcdef0"])[
        "AutoScalingInstances"
    ]
    assert (found["HealthStatus"], found["AutoScalingGroupName"]) == ("HEALTHY", "web")
    with refuses("ValidationError"):
        scene.asg.describe_auto_scaling_instances(InstanceIds=[f"i-{n:017x}" for n in range(51)])


def test_activities(scene: Scene) -> None:
    """MidLifecycleAction while a hook holds, then Successful; the newest first."""
    scene.make_group()
    scene.hook()
    scene.scale(1)
    (id_,) = scene.states()
    (going,) = scene.activities()
    assert (going["StatusCode"], "EndTime" in going) == ("MidLifecycleAction", False)
    assert going["Description"] == f"Launching a new EC2 instance: {id_}"
    assert "increasing the capacity from 0 to 1" in going["Cause"]
    scene.answer(id_)
    scene.scale(0)
    done = scene.activities()
    assert [activity["StatusCode"] for activity in done] == ["Successful"] * 2
    assert done[0]["Description"] == f"Terminating EC2 instance: {id_}"
    assert done[1]["Progress"] == 100
    ids = [done[1]["ActivityId"]]
    assert len(scene.asg.describe_scaling_activities(ActivityIds=ids)["Activities"]) == 1


def test_tags(scene: Scene) -> None:
    scene.make_group()
    tag = {"ResourceId": "web", "ResourceType": "auto-scaling-group", "Key": "k", "Value": "v"}
    scene.asg.create_or_update_tags(Tags=[{**tag, "PropagateAtLaunch": True}])
    (shown,) = scene.asg.describe_tags(Filters=[{"Name": "key", "Values": ["k"]}])["Tags"]
    assert shown == {**tag, "PropagateAtLaunch": True}
    scene.asg.delete_tags(Tags=[{"ResourceId": "web", "Key": "k"}])
    assert scene.group()["Tags"] == []


# --- single instances


@pytest.mark.parametrize("fewer", [True, False])
def test_terminate_an_instance(scene: Scene, fewer: bool) -> None:
    """Through the hooks; replaced unless the capacity shrinks with it."""
    scene.make_group(desired=2)
    scene.hook(TERMINATING)
    leaver = next(iter(scene.states()))
    done = scene.asg.terminate_instance_in_auto_scaling_group(
        InstanceId=leaver, ShouldDecrementDesiredCapacity=fewer
    )
    assert done["Activity"]["Description"] == f"Terminating EC2 instance: {leaver}"
    assert scene.states()[leaver] == "Terminating:Wait"
    assert scene.group()["DesiredCapacity"] == (1 if fewer else 2)
    assert scene.counts()["InService"] == (1 if fewer else 2)
    scene.answer(leaver, hook="down")
    assert leaver not in scene.states()


def test_terminate_below_the_minimum(scene: Scene, refuses: Refuses) -> None:
    scene.make_group(desired=1, MinSize=1)
    (id_,) = scene.states()
    with refuses("ValidationError"):
        scene.asg.terminate_instance_in_auto_scaling_group(
            InstanceId=id_, ShouldDecrementDesiredCapacity=True
        )
    with refuses("ValidationError"):
        scene.asg.terminate_instance_in_auto_scaling_group(
            InstanceId="i-0123456789abcdef0", ShouldDecrementDesiredCapacity=True
        )
    assert scene.states() == {id_: "InService"}


@pytest.mark.parametrize("fewer", [True, False])
def test_detach(scene: Scene, fewer: bool) -> None:
    """No hook, no event; the instance lives on without the group's tag."""
    scene.make_group(desired=2)
    scene.hook(TERMINATING)
    url = scene.listen({"source": ["aws.autoscaling"], "detail-type": [{"prefix": "EC2 Instance-terminate"}]})
    leaver = next(iter(scene.states()))
    scene.asg.detach_instances(
        AutoScalingGroupName="web", InstanceIds=[leaver], ShouldDecrementDesiredCapacity=fewer
    )
    assert leaver not in scene.states()
    assert scene.counts() == {"InService": 1 if fewer else 2}
    assert scene.heard(url) == []
    found = instance(scene, leaver)
    assert found["State"]["Name"] == "running"
    assert "aws:autoscaling:groupName" not in {tag["Key"] for tag in found["Tags"]}


def test_an_instance_that_a_hook_holds_cannot_be_detached(scene: Scene, refuses: Refuses) -> None:
    scene.make_group()
    scene.hook()
    scene.scale(1)
    (id_,) = scene.states()
    with refuses("ValidationError"):
        scene.asg.detach_instances(
            AutoScalingGroupName="web", InstanceIds=[id_], ShouldDecrementDesiredCapacity=True
        )
    assert scene.states() == {id_: "Pending:Wait"}


def test_attach(scene: Scene, refuses: Refuses) -> None:
    """No hook, no event; the desired capacity grows, but not beyond the maximum."""
    made = scene.ec2.run_instances(
        LaunchTemplate={"LaunchTemplateId": scene.template}, ImageId="ami-1", MinCount=1, MaxCount=1
    )
    (stranger,) = [i["InstanceId"] for i in made["Instances"]]
    scene.make_group(MaxSize=1)
    scene.hook()
    url = scene.listen()
    scene.asg.attach_instances(AutoScalingGroupName="web", InstanceIds=[stranger])
    assert scene.states() == {stranger: "InService"}
    assert scene.group()["DesiredCapacity"] == 1
    assert scene.heard(url) == []
    with refuses("ValidationError"):
        scene.asg.attach_instances(AutoScalingGroupName="web", InstanceIds=[stranger])


@pytest.mark.parametrize("fewer", [True, False])
def test_standby(scene: Scene, fewer: bool, refuses: Refuses) -> None:
    """No hook, no event; it comes back with the capacity grown."""
    scene.make_group(desired=2)
    url = scene.listen()
    resting = next(iter(scene.states()))
    named = {"AutoScalingGroupName": "web", "InstanceIds": [resting]}
    scene.asg.enter_standby(**named, ShouldDecrementDesiredCapacity=fewer)
    assert scene.states()[resting] == "Standby"
    assert scene.counts() == {"Standby": 1, "InService": 1 if fewer else 2}
    replaced = [] if fewer else ["EC2 Instance Launch Successful"]
    assert [event["detail-type"] for event in scene.heard(url)] == replaced
    with refuses("ValidationError"):
        scene.asg.enter_standby(**named, ShouldDecrementDesiredCapacity=fewer)
    scene.asg.exit_standby(**named)
    assert scene.counts() == {"InService": 2 if fewer else 3}
    assert scene.group()["DesiredCapacity"] == (2 if fewer else 3)
    assert scene.heard(url) == []


def test_nobody_looks_after_an_instance_on_standby(scene: Scene) -> None:
    """It is found ill when it comes back."""
    scene.make_group(desired=1)
    (resting,) = scene.states()
    named = {"AutoScalingGroupName": "web", "InstanceIds": [resting]}
    scene.asg.enter_standby(**named, ShouldDecrementDesiredCapacity=True)
    scene.ec2.terminate_instances(InstanceIds=[resting])
    assert scene.states() == {resting: "Standby"}
    scene.asg.exit_standby(**named)
    assert resting not in scene.states()
    assert scene.counts() == {"InService": 1}


def test_protected_from_scale_in(scene: Scene) -> None:
    scene.make_group(desired=2)
    kept = next(iter(scene.states()))
    scene.asg.set_instance_protection(
        AutoScalingGroupName="web", InstanceIds=[kept], ProtectedFromScaleIn=True
    )
    scene.scale(0)
    assert scene.states() == {kept: "InService"}


@pytest.mark.parametrize(("policy", "gone"), [("Default", 0), ("OldestInstance", 0), ("NewestInstance", -1)])
def test_whom_scale_in_takes(scene: Scene, policy: str, gone: int) -> None:
    """Out of the fullest zone, the oldest or the newest."""
    scene.make_group(desired=2, VPCZoneIdentifier=scene.subnets[0], TerminationPolicies=[policy])
    members = list(scene.states())
    scene.scale(1)
    assert members[gone] not in scene.states()


def test_scale_in_keeps_the_zones_even(scene: Scene) -> None:
    scene.make_group(desired=5)
    scene.scale(2)
    zones = [member["AvailabilityZone"] for member in scene.group()["Instances"]]
    assert sorted(zones) == ["eu-west-1a", "eu-west-1b"]


@pytest.mark.parametrize("call", ["terminate_instances", "stop_instances", "unhealthy"])
def test_an_ill_instance_is_replaced(scene: Scene, call: str) -> None:
    """Stopped or terminated behind the group's back, or found ill: out through the hooks."""
    scene.make_group(desired=1)
    scene.hook(TERMINATING)
    (ill,) = scene.states()
    if call == "unhealthy":
        scene.asg.set_instance_health(InstanceId=ill, HealthStatus="Unhealthy")
    else:
        getattr(scene.ec2, call)(InstanceIds=[ill])
    assert scene.states()[ill] == "Terminating:Wait"
    assert scene.counts()["InService"] == 1
    scene.answer(ill, hook="down")
    assert scene.counts() == {"InService": 1}


def test_suspended_processes(scene: Scene, refuses: Refuses) -> None:
    scene.make_group(desired=1)
    scene.asg.suspend_processes(AutoScalingGroupName="web", ScalingProcesses=["Launch", "ReplaceUnhealthy"])
    assert [p["ProcessName"] for p in scene.group()["SuspendedProcesses"]] == ["Launch", "ReplaceUnhealthy"]
    scene.scale(2)
    (id_,) = scene.states()
    scene.ec2.terminate_instances(InstanceIds=[id_])
    assert scene.states() == {id_: "InService"}
    scene.asg.resume_processes(AutoScalingGroupName="web")
    assert id_ not in scene.states()
    assert scene.counts() == {"InService": 2}
    with refuses("ValidationError"):
        scene.asg.suspend_processes(AutoScalingGroupName="web", ScalingProcesses=["Sleep"])


@pytest.mark.parametrize("call", ["start_instance_refresh", "describe_metric_collection_types"])
def test_an_operation_that_is_not_here(scene: Scene, call: str, refuses: Refuses, caplog: Any) -> None:
    """Refused with a clear error and a log line, never an HTML page."""
    scene.make_group()
    given = {"AutoScalingGroupName": "web"} if call.startswith("start") else {}
    with caplog.at_level("WARNING", "twinwall.emulator"), refuses("InvalidAction"):
        getattr(scene.asg, call)(**given)
    assert "no such operation in the embedded AWS" in caplog.text


def test_reads_of_what_there_is_none_of(scene: Scene) -> None:
    scene.make_group()
    assert scene.asg.describe_policies()["ScalingPolicies"] == []
    assert scene.asg.describe_scheduled_actions()["ScheduledUpdateGroupActions"] == []
    assert scene.asg.describe_lifecycle_hook_types()["LifecycleHookTypes"] == [LAUNCHING, TERMINATING]


def test_two_hundred_launches(scene: Scene) -> None:
    """Each with an address of its own, public and private."""
    scene.make_group(MaxSize=200)
    scene.hook()
    url = scene.listen()
    scene.scale(200)
    pages = scene.ec2.get_paginator("describe_instances").paginate()
    found = [i for page in pages for r in page["Reservations"] for i in r["Instances"]]
    assert len({i["PublicIpAddress"] for i in found}) == 200
    assert len({i["PrivateIpAddress"] for i in found}) == 200
    tokens = [event["detail"]["LifecycleActionToken"] for event in scene.heard(url)]
    assert len(set(tokens)) == 200
