"""An Auto Scaling group on the embedded AWS, and a queue that hears every event of the default bus."""

import json
from collections.abc import Callable
from typing import Any

from twinwall.emulator.seed import empty_vpc
from twinwall.emulator.server import EmbeddedAws

LAUNCHING = "autoscaling:EC2_INSTANCE_LAUNCHING"
TERMINATING = "autoscaling:EC2_INSTANCE_TERMINATING"
Json = dict[str, Any]


class Scene:
    """``client``: as the contract tests' fixture. Group ``web``: 0 to 5 instances in two zones."""

    def __init__(self, aws: EmbeddedAws, client: Callable[..., Any], account: str, region: str) -> None:
        self.aws = aws
        self.account, self.region = account, region
        self.ec2 = client("ec2", account, region)
        self.asg = client("autoscaling", account, region)
        self.events = client("events", account, region)
        self.sqs = client("sqs", account, region)
        zones = [("10.0.1.0/24", "a", "app-a"), ("10.0.2.0/24", "b", "app-b")]
        self.vpc = empty_vpc(aws, account, region, subnets=zones)
        found = self.ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [self.vpc]}])["Subnets"]
        self.subnets = sorted(subnet["SubnetId"] for subnet in found)
        made = self.ec2.create_security_group(GroupName="guard", Description="d", VpcId=self.vpc)
        self.guard = made["GroupId"]
        self.template = self.make_template("web", self.guard)

    def pass_time(self, seconds: float) -> None:
        """The server's clock leaps ahead; what is due then has been done when this returns."""
        self.aws.pace.advance(seconds)
        assert self.aws.pace.agenda.settled()

    def make_template(self, name: str, group_id: str) -> str:
        interface = {"DeviceIndex": 0, "Groups": [group_id], "AssociatePublicIpAddress": True}
        tags = [{"ResourceType": "instance", "Tags": [{"Key": "role", "Value": "web"}]}]
        data = {
            "ImageId": "ami-12345678",
            "InstanceType": "t3.micro",
            "NetworkInterfaces": [interface],
            "TagSpecifications": tags,
        }
        made = self.ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData=data)
        return str(made["LaunchTemplate"]["LaunchTemplateId"])

    def make_group(self, name: str = "web", desired: int = 0, **given: Any) -> None:
        asked = {
            "MinSize": 0,
            "MaxSize": 5,
            "LaunchTemplate": {"LaunchTemplateId": self.template},
            "VPCZoneIdentifier": ",".join(self.subnets),
            **given,
        }
        self.asg.create_auto_scaling_group(AutoScalingGroupName=name, DesiredCapacity=desired, **asked)

    def hook(self, transition: str = LAUNCHING, name: str = "", group: str = "web", **given: Any) -> str:
        name = name or ("up" if transition == LAUNCHING else "down")
        self.asg.put_lifecycle_hook(
            AutoScalingGroupName=group, LifecycleHookName=name, LifecycleTransition=transition, **given
        )
        return name

    def scale(self, desired: int, group: str = "web") -> None:
        self.asg.set_desired_capacity(AutoScalingGroupName=group, DesiredCapacity=desired)

    def group(self, name: str = "web") -> Json:
        (found,) = self.asg.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
        return dict(found)

    def states(self, group: str = "web") -> dict[str, str]:
        """Instance → state, the warm pool's too."""
        members = self.asg.describe_auto_scaling_instances()["AutoScalingInstances"]
        return {m["InstanceId"]: m["LifecycleState"] for m in members if m["AutoScalingGroupName"] == group}

    def counts(self, group: str = "web") -> dict[str, int]:
        """State → how many."""
        found = list(self.states(group).values())
        return {state: found.count(state) for state in found}

    def answer(self, instance_id: str, result: str = "CONTINUE", hook: str = "up", **given: Any) -> None:
        self.asg.complete_lifecycle_action(
            AutoScalingGroupName="web",
            LifecycleHookName=hook,
            LifecycleActionResult=result,
            **({"InstanceId": instance_id} if instance_id else {}),
            **given,
        )

    def activities(self, group: str = "web") -> list[Json]:
        """Newest first."""
        found = self.asg.describe_scaling_activities(AutoScalingGroupName=group)["Activities"]
        return [dict(activity) for activity in found]

    # --- queues and events

    def queue(self, name: str, **attributes: str) -> tuple[str, str]:
        """(URL, ARN)"""
        url = self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        found = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return url, found["Attributes"]["QueueArn"]

    def listen(self, pattern: Json | None = None, name: str = "heard", **target: Any) -> str:
        """A rule from the default bus to a queue of this name; returns the queue's URL."""
        url, arn = self.queue(name)
        wanted = pattern or {"source": ["aws.autoscaling"]}
        self.events.put_rule(Name=name, EventPattern=json.dumps(wanted))
        put = self.events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": arn, **target}])
        assert put["FailedEntryCount"] == 0
        return url

    def heard(self, url: str) -> list[Json]:
        """The messages of the queue, taken out of it."""
        return [json.loads(message["Body"]) for message in self.messages(url)]

    def messages(self, url: str) -> list[Json]:
        assert self.aws.pace.agenda.settled()
        found: list[Json] = []
        while batch := self.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages"):
            found += batch
            for message in batch:
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    def put(self, detail: Json | None = None, source: str = "app", **given: Any) -> Json:
        entry = {"Source": source, "DetailType": "t", "Detail": json.dumps(detail or {}), **given}
        return dict(self.events.put_events(Entries=[entry]))
