"""What Auto Scaling tells: on the default bus, and to a hook's own target (aws-facts 5.1)."""

import json

from probes.registry import probe
from probes.scene import LAUNCHING, TERMINATING, Scene, queue
from probes.trial import HOME, Json, Trial

EVENTS = "EBREF events-ref-autoscaling; ASG ec2-auto-scaling-event-reference"
LAUNCH, TERMINATE = "EC2 Instance-launch Lifecycle Action", "EC2 Instance-terminate Lifecycle Action"


def _envelope(t: Trial, event: Json, kind: str) -> None:
    wanted = {
        "version": "0",
        "source": "aws.autoscaling",
        "account": t.account,
        "region": HOME,
        "detail-type": kind,
    }
    t.same({key: event.get(key) for key in wanted}, wanted)
    t.true(event.get("id") and event.get("time"), "no id, or no time")


@probe("5.1", "a launch hook tells: token, group, hook, instance, transition, metadata", EVENTS)
def launch_event(t: Trial) -> None:
    scene = Scene(t)
    scene.hook(HeartbeatTimeout=7200, NotificationMetadata="about it")
    ear = scene.listen()
    scene.scale(1)
    event = ear.hears(LAUNCH)
    _envelope(t, event, LAUNCH)
    t.same(event["resources"], [scene.arn])
    detail = dict(event["detail"])
    t.true(detail.pop("LifecycleActionToken"), "no token")
    t.same(
        {
            key: detail.get(key)
            for key in ("AutoScalingGroupName", "LifecycleHookName", "LifecycleTransition")
        },
        {"AutoScalingGroupName": scene.name, "LifecycleHookName": "up", "LifecycleTransition": LAUNCHING},
    )
    t.same(
        (detail["EC2InstanceId"], detail["NotificationMetadata"]),
        (*scene.reaches("Pending:Wait"), "about it"),
    )


@probe("5.1", "it tells where the instance comes from and goes to: EC2, AutoScalingGroup", EVENTS)
def launch_event_journey(t: Trial) -> None:
    scene = Scene(t)
    scene.hook(HeartbeatTimeout=7200)
    ear = scene.listen()
    scene.scale(1)
    detail = ear.hears(LAUNCH)["detail"]
    t.same((detail["Origin"], detail["Destination"]), ("EC2", "AutoScalingGroup"))


@probe("5.1", "metadata is told only if the hook has any", "from memory (aws-facts 5.1)")
def event_without_metadata(t: Trial) -> None:
    scene = Scene(t)
    scene.hook(HeartbeatTimeout=7200)
    ear = scene.listen()
    scene.scale(1)
    t.true("NotificationMetadata" not in ear.hears(LAUNCH)["detail"], "metadata of a hook without any")


@probe("5.1", "a terminate hook tells the same, from AutoScalingGroup to EC2", EVENTS)
def terminate_event(t: Trial) -> None:
    scene = Scene(t, 1)
    (id_,) = scene.reaches("InService")
    scene.hook(TERMINATING, HeartbeatTimeout=7200)
    ear = scene.listen()
    scene.scale(0)
    event = ear.hears(TERMINATE)
    _envelope(t, event, TERMINATE)
    detail = event["detail"]
    t.same((detail["EC2InstanceId"], detail["LifecycleTransition"]), (id_, TERMINATING))
    t.same((detail["Origin"], detail["Destination"]), ("AutoScalingGroup", "EC2"))


def _of_activity(t: Trial, scene: Scene, event: Json, kind: str, id_: str) -> None:
    _envelope(t, event, kind)
    instance = f"arn:aws:ec2:{HOME}:{t.account}:instance/{id_}"
    t.same(sorted(event["resources"]), sorted([scene.arn, instance]))
    wanted = {
        "StatusCode", "Description", "AutoScalingGroupName", "ActivityId", "Details", "RequestId", "StatusMessage",
        "StartTime", "EndTime", "EC2InstanceId", "Cause",
    }  # fmt: skip
    t.same(sorted(wanted - set(event["detail"])), [], "not told")
    t.same(event["detail"]["EC2InstanceId"], id_)
    t.same(sorted(event["detail"]["Details"]), ["Availability Zone", "Subnet ID"])


@probe("5.1", "EC2 Instance Launch Successful tells the activity", EVENTS)
def launch_successful(t: Trial) -> None:
    scene = Scene(t)
    ear = scene.listen()
    scene.scale(1)
    event = ear.hears("EC2 Instance Launch Successful")
    _of_activity(t, scene, event, "EC2 Instance Launch Successful", *scene.reaches("InService"))


@probe("5.1", "EC2 Instance Terminate Successful tells the activity", EVENTS)
def terminate_successful(t: Trial) -> None:
    scene = Scene(t, 1)
    (id_,) = scene.reaches("InService")
    ear = scene.listen()
    scene.scale(0)
    event = ear.hears("EC2 Instance Terminate Successful")
    _of_activity(t, scene, event, "EC2 Instance Terminate Successful", id_)


@probe("5.1", "a detached instance is told: EC2 Instance Detach Successful", EVENTS)
def detach_successful(t: Trial) -> None:
    scene = Scene(t, 1)
    (id_,) = scene.reaches("InService")
    ear = scene.listen()
    scene.asg.detach_instances(
        InstanceIds=[id_], AutoScalingGroupName=scene.name, ShouldDecrementDesiredCapacity=True
    )
    t.same(ear.hears("EC2 Instance Detach Successful")["detail"]["EC2InstanceId"], id_)


@probe("5.1", "an abandoned launch is told: EC2 Instance Launch Unsuccessful, Failed", EVENTS)
def launch_unsuccessful(t: Trial) -> None:
    scene = Scene(t)
    scene.hook(HeartbeatTimeout=7200)
    ear = scene.listen()
    scene.scale(1)
    (id_,) = scene.reaches("Pending:Wait")
    scene.complete("up", "ABANDON", InstanceId=id_)
    detail = ear.hears("EC2 Instance Launch Unsuccessful")["detail"]
    t.same((detail["StatusCode"], detail["EC2InstanceId"]), ("Failed", id_))


@probe("5.1", "an instance that warms up goes from EC2 to WarmPool", EVENTS)
def warm_pool_event(t: Trial) -> None:
    scene = Scene(t)
    scene.hook(HeartbeatTimeout=7200)
    ear = scene.listen()
    scene.asg.put_warm_pool(AutoScalingGroupName=scene.name, MaxGroupPreparedCapacity=1, PoolState="Stopped")
    detail = ear.hears(LAUNCH)["detail"]
    t.same((detail["Origin"], detail["Destination"]), ("EC2", "WarmPool"))


@probe("5.1", "one that leaves the warm pool goes from WarmPool to AutoScalingGroup", EVENTS)
def from_the_warm_pool(t: Trial) -> None:
    scene = Scene(t)
    scene.asg.put_warm_pool(AutoScalingGroupName=scene.name, MaxGroupPreparedCapacity=1, PoolState="Stopped")

    def warm() -> bool:
        found = scene.asg.describe_warm_pool(AutoScalingGroupName=scene.name)["Instances"]
        return [instance["LifecycleState"] for instance in found] == ["Warmed:Stopped"]

    t.eventually(warm, "an instance is warm")
    scene.hook(HeartbeatTimeout=7200)
    ear = scene.listen(
        **{"detail-type": [LAUNCH], "detail": {"AutoScalingGroupName": [scene.name], "Origin": ["WarmPool"]}}
    )
    scene.scale(1)
    t.same(ear.hears(LAUNCH)["detail"]["Destination"], "AutoScalingGroup")


def _target(t: Trial) -> tuple[str, str, str]:
    """A queue, and a role that Auto Scaling may take on: (URL, ARN, role ARN)."""
    url, arn = queue(t)
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "autoscaling.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    iam = t.client("iam")
    role = iam.create_role(RoleName=t.name("role"), AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    may = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]}
    iam.put_role_policy(RoleName=role["RoleName"], PolicyName="send", PolicyDocument=json.dumps(may))
    return url, arn, role["Arn"]


def _messages(t: Trial, url: str, of: str) -> list[Json]:
    sqs = t.client("sqs")

    def found() -> list[Json]:
        batch = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
        bodies = [json.loads(message["Body"]) for message in batch.get("Messages", ())]
        return [body for body in bodies if of in body]

    got: list[Json] = t.eventually(found, f"a message with {of} comes")
    return got


@probe(
    "5.1",
    "a hook with a queue of its own first sends a test: autoscaling:TEST_NOTIFICATION",
    "ASG prepare-for-lifecycle-notifications",
)
def hook_test_message(t: Trial) -> None:
    url, arn, role = _target(t)
    scene = Scene(t)
    scene.hook(NotificationTargetARN=arn, RoleARN=role)
    t.same(_messages(t, url, "Event")[0]["Event"], "autoscaling:TEST_NOTIFICATION")


@probe(
    "5.1",
    "… then the action, with Service, Time, RequestId and AccountId besides",
    "ASG prepare-for-lifecycle-notifications",
)
def hook_message(t: Trial) -> None:
    url, arn, role = _target(t)
    scene = Scene(t)
    scene.hook(NotificationTargetARN=arn, RoleARN=role, HeartbeatTimeout=7200)
    scene.scale(1)
    body = _messages(t, url, "LifecycleActionToken")[0]
    t.same((body["AccountId"], body["LifecycleTransition"]), (t.account, LAUNCHING))
    t.same([key for key in ("Service", "Time", "RequestId") if not body.get(key)], [])
    t.same(body["EC2InstanceId"], *scene.reaches("Pending:Wait"))
