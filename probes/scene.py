"""An Auto Scaling group, and a queue that hears what the default bus says of it."""

import json
import time
from typing import Any

from probes.trial import HOME, Json, Trial

LAUNCHING = "autoscaling:EC2_INSTANCE_LAUNCHING"
TERMINATING = "autoscaling:EC2_INSTANCE_TERMINATING"


class Scene:
    def __init__(self, t: Trial, desired: int = 0, **settings: Any) -> None:
        self.t = t
        self.asg = t.client("autoscaling")
        self.name = t.name("asg")
        if "scene" not in t.world.shared:
            t.world.shared["scene"] = self._stage()
        self.subnet, self.guard, self.template = t.world.shared["scene"]
        asked = {"MinSize": 0, "MaxSize": 5, "DesiredCapacity": desired, **settings}
        self.asg.create_auto_scaling_group(
            AutoScalingGroupName=self.name,
            LaunchTemplate={"LaunchTemplateId": self.template},
            VPCZoneIdentifier=self.subnet,
            **asked,
        )

    def _stage(self) -> tuple[str, str, str]:
        """Subnet, group and launch template, which scenes share."""
        vpc = self.t.vpc()
        subnet, guard = self.t.subnet(vpc), self.t.group(vpc)
        return subnet, guard, self._template(guard)

    def _template(self, guard: str) -> str:
        interface = {"DeviceIndex": 0, "Groups": [guard], "AssociatePublicIpAddress": True}
        data = {
            "ImageId": "ami-12345678",
            "InstanceType": "t3.micro",
            "NetworkInterfaces": [interface],
            "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "role", "Value": "web"}]}],
        }
        made = self.t.ec2.create_launch_template(LaunchTemplateName=self.t.name(), LaunchTemplateData=data)
        return str(made["LaunchTemplate"]["LaunchTemplateId"])

    @property
    def arn(self) -> str:
        return str(self.group()["AutoScalingGroupARN"])

    def group(self) -> Json:
        found = self.asg.describe_auto_scaling_groups(AutoScalingGroupNames=[self.name])
        return dict(found["AutoScalingGroups"][0])

    def hook(self, transition: str = LAUNCHING, name: str = "", **asked: Any) -> str:
        name = name or ("up" if transition == LAUNCHING else "down")
        self.asg.put_lifecycle_hook(
            AutoScalingGroupName=self.name, LifecycleHookName=name, LifecycleTransition=transition, **asked
        )
        return name

    def hooks(self) -> list[Json]:
        found = self.asg.describe_lifecycle_hooks(AutoScalingGroupName=self.name)
        return [dict(hook) for hook in found["LifecycleHooks"]]

    def scale(self, desired: int) -> None:
        self.asg.set_desired_capacity(AutoScalingGroupName=self.name, DesiredCapacity=desired)

    def states(self) -> dict[str, str]:
        """Instance → lifecycle state."""
        return {i["InstanceId"]: i["LifecycleState"] for i in self.group()["Instances"]}

    def reaches(self, *states: str) -> list[str]:
        """The instances, once their states are these, in any order."""
        wanted = sorted(states)
        check = lambda: sorted(self.states().values()) == wanted  # noqa: E731 - one use
        self.t.eventually(check, f"the instances are {', '.join(states) or 'gone'}; they are {self.states()}")
        return sorted(self.states())

    def complete(self, hook: str, result: str = "CONTINUE", **by: str) -> None:
        """``by``: InstanceId or LifecycleActionToken."""
        self.asg.complete_lifecycle_action(
            AutoScalingGroupName=self.name, LifecycleHookName=hook, LifecycleActionResult=result, **by
        )

    # --- heard

    def listen(self, **pattern: Any) -> "Ear":
        """Events of the default bus, by default Auto Scaling's of this group."""
        wanted = pattern or {
            "source": ["aws.autoscaling"],
            "detail": {"AutoScalingGroupName": [self.name]},
        }
        return Ear(self.t, wanted)


class Ear:
    """A queue behind a rule."""

    def __init__(self, t: Trial, pattern: Json, bus: str = "default") -> None:
        self._t = t
        self._sqs = t.client("sqs")
        self._heard: list[Json] = []
        self.url, self.arn = queue(t)
        events, rule = t.client("events"), t.name("rule")
        events.put_rule(Name=rule, EventBusName=bus, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=rule, EventBusName=bus, Targets=[{"Id": "1", "Arn": self.arn}])

    def all(self) -> list[Json]:
        """What has come so far."""
        while batch := self._sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages"):
            for message in batch:
                self._heard.append(json.loads(message["Body"]))
                self._sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return self._heard

    def hears(self, kind: str) -> Json:
        """The first event of this detail-type."""

        def found() -> Json | None:
            return next((event for event in self.all() if event["detail-type"] == kind), None)

        event: Json = self._t.eventually(found, f"an event {kind!r} comes")
        return event

    def silent(self, seconds: float = 0.3) -> None:
        """Nothing more comes for a while."""
        time.sleep(seconds)


def queue(t: Trial, **attributes: str) -> tuple[str, str]:
    """(URL, ARN) of a queue that lets EventBridge in."""
    sqs, name = t.client("sqs"), t.name("queue")
    arn = f"arn:aws:sqs:{HOME}:{t.account}:{name}"
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    made = sqs.create_queue(QueueName=name, Attributes={"Policy": policy, **attributes})
    return str(made["QueueUrl"]), arn
