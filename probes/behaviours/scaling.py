"""Auto Scaling: groups, members, addresses (aws-facts 5.4 and 5.5; emulators' table)."""

from probes.registry import probe
from probes.scene import Scene
from probes.trial import Trial, pairs

MEMBERS = "B DescribeAutoScalingInstances"
GROUPS = "B DescribeAutoScalingGroups"
ADDRESSES = "B InstanceNetworkInterface"


def _instance(t: Trial, id_: str) -> dict[str, object]:
    return dict(t.ec2.describe_instances(InstanceIds=[id_])["Reservations"][0]["Instances"][0])


@probe(
    "table",
    "a group launches instances of its template when its desired capacity grows",
    "B SetDesiredCapacity",
)
def scale_out(t: Trial) -> None:
    scene = Scene(t)
    scene.scale(2)
    one, two = scene.reaches("InService", "InService")
    for id_ in (one, two):
        found = _instance(t, id_)
        t.same(found["State"]["Name"], "running")
        t.same(pairs(found["Tags"])["aws:autoscaling:groupName"], scene.name)
        t.same(pairs(found["Tags"])["role"], "web")


@probe("table", "its instances have addresses, and the template's security group", ADDRESSES)
def addresses(t: Trial) -> None:
    scene = Scene(t, 1)
    (id_,) = scene.reaches("InService")
    found = _instance(t, id_)
    t.true(found.get("PublicIpAddress"), "no public address")
    t.true(str(found["PrivateIpAddress"]).startswith("10.0.1."), str(found["PrivateIpAddress"]))
    t.same([group["GroupId"] for group in found["SecurityGroups"]], [scene.guard])


@probe("5.5", "addresses stand in each interface, the primary ones at the top", ADDRESSES)
def addresses_of_interfaces(t: Trial) -> None:
    scene = Scene(t, 1)
    (id_,) = scene.reaches("InService")
    found = _instance(t, id_)
    (interface,) = found["NetworkInterfaces"]
    (address,) = [a for a in interface["PrivateIpAddresses"] if a["Primary"]]
    t.same(address["PrivateIpAddress"], found["PrivateIpAddress"])
    t.same(address["Association"]["PublicIp"], found["PublicIpAddress"])


@probe(
    "5.5", "a terminated instance is still described, without addresses", "B DescribeInstances; from memory"
)
def terminated_without_addresses(t: Trial) -> None:
    scene = Scene(t, 1)
    (id_,) = scene.reaches("InService")
    scene.scale(0)
    scene.reaches()
    found = _instance(t, id_)
    t.same(
        (found["State"]["Name"], found.get("PublicIpAddress"), found.get("PrivateIpAddress")),
        ("terminated", None, None),
    )


@probe(
    "5.5",
    "a stopped and started instance has another public address, and its private one",
    "EC2UG using-instance-addressing",
)
def addresses_after_a_stop(t: Trial) -> None:
    vpc = t.vpc()
    subnet = t.subnet(vpc)
    t.ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
    made = t.ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, SubnetId=subnet)
    id_ = made["Instances"][0]["InstanceId"]
    before = _instance(t, id_)
    t.ec2.stop_instances(InstanceIds=[id_])
    t.ec2.start_instances(InstanceIds=[id_])
    after = _instance(t, id_)
    t.same(after["PrivateIpAddress"], before["PrivateIpAddress"])
    t.true(after["PublicIpAddress"] != before["PublicIpAddress"], "the public address is the same")


@probe("table", "scaling in terminates instances in EC2", "B SetDesiredCapacity")
def scale_in(t: Trial) -> None:
    scene = Scene(t, 2)
    ids = scene.reaches("InService", "InService")
    scene.scale(1)
    (kept,) = scene.reaches("InService")
    (gone,) = set(ids) - {kept}
    t.same(_instance(t, gone)["State"]["Name"], "terminated")


@probe(
    "table",
    "an instance is terminated with the capacity it stood for",
    "B TerminateInstanceInAutoScalingGroup",
)
def terminate_one(t: Trial) -> None:
    scene = Scene(t, 2)
    first, _ = scene.reaches("InService", "InService")
    answer = scene.asg.terminate_instance_in_auto_scaling_group(
        InstanceId=first, ShouldDecrementDesiredCapacity=True
    )
    t.same(answer["Activity"]["AutoScalingGroupName"], scene.name)
    scene.reaches("InService")
    t.same(scene.group()["DesiredCapacity"], 1)


@probe("5.4", "… or replaced", "B TerminateInstanceInAutoScalingGroup")
def terminate_and_replace(t: Trial) -> None:
    scene = Scene(t, 1)
    (first,) = scene.reaches("InService")
    scene.asg.terminate_instance_in_auto_scaling_group(InstanceId=first, ShouldDecrementDesiredCapacity=False)

    def replaced() -> bool:
        states = scene.states()
        return list(states.values()) == ["InService"] and first not in states

    t.eventually(replaced, "another instance takes its place")


@probe("table", "groups are found by tag, and come in pages", f"{GROUPS}; BR paginators-1")
def groups_by_tag(t: Trial) -> None:
    team = t.name("team")
    scenes = [Scene(t, Tags=[{"Key": "team", "Value": team}]) for _ in range(3)]
    filters = [{"Name": "tag:team", "Values": [team]}]
    pages = t.pages("describe_auto_scaling_groups", "AutoScalingGroups", 2, "autoscaling", Filters=filters)
    t.same([len(page) for page in pages], [2, 1])
    found = {group["AutoScalingGroupName"] for page in pages for group in page}
    t.same(found, {scene.name for scene in scenes})


@probe("5.4", "DescribeAutoScalingGroups takes MaxRecords up to 100", GROUPS)
def group_records(t: Trial) -> None:
    t.refused("ValidationError", t.client("autoscaling").describe_auto_scaling_groups, MaxRecords=101)


@probe(
    "5.4",
    "groups are described without their instances if asked so",
    "B DescribeAutoScalingGroups.IncludeInstances",
)
def groups_without_instances(t: Trial) -> None:
    scene = Scene(t, 1)
    scene.reaches("InService")
    found = scene.asg.describe_auto_scaling_groups(AutoScalingGroupNames=[scene.name], IncludeInstances=False)
    t.same(found["AutoScalingGroups"][0].get("Instances", []), [])


@probe("5.4", "DescribeAutoScalingInstances tells each member's group and state", MEMBERS)
def members(t: Trial) -> None:
    scene = Scene(t, 1)
    (id_,) = scene.reaches("InService")
    (found,) = scene.asg.describe_auto_scaling_instances(InstanceIds=[id_])["AutoScalingInstances"]
    t.same((found["AutoScalingGroupName"], found["LifecycleState"]), (scene.name, "InService"))
    t.same((found["HealthStatus"], found["ProtectedFromScaleIn"]), ("HEALTHY", False))


@probe("5.4", "unknown instances are passed over in silence", MEMBERS)
def unknown_members(t: Trial) -> None:
    call = t.client("autoscaling").describe_auto_scaling_instances
    t.same(call(InstanceIds=["i-0aaaaaaaaaaaaaaaa"])["AutoScalingInstances"], [])


@probe("5.4", "DescribeAutoScalingInstances takes at most 50 ids, and MaxRecords up to 50", MEMBERS)
def member_records(t: Trial) -> None:
    call = t.client("autoscaling").describe_auto_scaling_instances
    t.refused("ValidationError", call, InstanceIds=[f"i-{number:017x}" for number in range(51)])
    t.refused("ValidationError", call, MaxRecords=51)


@probe("5.4", "a warm pool's instances stand in DescribeWarmPool alone, Warmed", "B DescribeWarmPool")
def warm_pool(t: Trial) -> None:
    scene = Scene(t)
    scene.asg.put_warm_pool(AutoScalingGroupName=scene.name, MaxGroupPreparedCapacity=1, PoolState="Stopped")

    def pool() -> list[str]:
        found = scene.asg.describe_warm_pool(AutoScalingGroupName=scene.name)["Instances"]
        return [instance["LifecycleState"] for instance in found]

    t.eventually(lambda: pool() == ["Warmed:Stopped"], "an instance is warm and stopped")
    t.same(scene.states(), {})


@probe("5.4", "an instance goes into standby and comes back", "B EnterStandby, ExitStandby")
def standby(t: Trial) -> None:
    scene = Scene(t, 1)
    (id_,) = scene.reaches("InService")
    asked = {"InstanceIds": [id_], "AutoScalingGroupName": scene.name}
    scene.asg.enter_standby(ShouldDecrementDesiredCapacity=True, **asked)
    scene.reaches("Standby")
    scene.asg.exit_standby(**asked)
    t.same(scene.reaches("InService"), [id_])


@probe("5.4", "an instance is detached, and lives on in EC2", "B DetachInstances")
def detach(t: Trial) -> None:
    scene = Scene(t, 1)
    (id_,) = scene.reaches("InService")
    scene.asg.detach_instances(
        InstanceIds=[id_], AutoScalingGroupName=scene.name, ShouldDecrementDesiredCapacity=True
    )
    scene.reaches()
    t.same(_instance(t, id_)["State"]["Name"], "running")


@probe(
    "table",
    "a launch asked for twice with one client token is one",
    "EC2DG ec2-api-idempotency; B RunInstances",
)
def launch_token(t: Trial) -> None:
    subnet, token = t.subnet(t.vpc()), t.name("token")
    asked = {
        "ImageId": "ami-12345678",
        "MinCount": 1,
        "MaxCount": 1,
        "SubnetId": subnet,
        "ClientToken": token,
    }
    first, again = (t.ec2.run_instances(**asked)["Instances"][0]["InstanceId"] for _ in range(2))
    t.same(again, first)
