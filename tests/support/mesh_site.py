"""A mesh on an endpoint, set up by hand-made calls: what a deployed stack would make, one boto3 call after the other.

``Region``  VPC, placeholder group, launch template, Auto Scaling group: there before any mesh
``Mesh``    the configuration, and for each node (account and Region) table, queue, function, sources, hooks, rules
"""

import functools
import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from click.testing import CliRunner

from twinwall.aws.models import cut_models
from twinwall.cli.invocation import Invocation
from twinwall.cli.main import root
from twinwall.documents.deployment import settings as stack
from twinwall.documents.deployment.package import build
from twinwall.documents.mesh_permissions import NodeRoles, roles_of
from twinwall.mesh.configure import Configured, configure
from twinwall.mesh.events import DETACHED, LAUNCH, TERMINATE, TERMINATED

Json = dict[str, Any]
ONCE = Config(retries={"total_max_attempts": 1}, read_timeout=60)
RECEIVES = 30
"""How often a message is tried: with the visibility together longer than the heartbeat."""


@dataclass(frozen=True)
class Key:
    id: str
    secret: str


@dataclass
class Endpoint:
    """An embedded AWS over HTTP, whoever serves it."""

    url: str
    keys: Mapping[str, Key]
    _clients: dict[tuple[str, str, str], Any] = field(default_factory=dict)

    def client(self, service: str, account: str, region: str) -> Any:
        wanted = (service, account, region)
        if wanted not in self._clients:
            key = self.keys[account]
            self._clients[wanted] = boto3.client(
                service,  # type: ignore[call-overload]
                region_name=region,
                endpoint_url=self.url,
                aws_access_key_id=key.id,
                aws_secret_access_key=key.secret,
                config=ONCE,
            )
        return self._clients[wanted]

    def environment(self, account: str) -> dict[str, str]:
        key = self.keys[account]
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": key.id,
            "AWS_SECRET_ACCESS_KEY": key.secret,
        }


@contextmanager
def served(folder: Path, *options: str) -> Iterator["Served"]:
    """``twinwall demo --serve`` as a process of its own, and an endpoint of its two accounts."""
    command = [sys.executable, "-m", "twinwall", "demo", "--serve", "--output", "json", *options]
    with (folder / "serve.err").open("w") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
        try:
            assert process.stdout is not None
            told = _document(process.stdout)
            sides = [told["source"], told["target"]]
            keys = {s["account"]: Key(s["aws_access_key_id"], s["aws_secret_access_key"]) for s in sides}
            yield Served(Endpoint(told["endpoint"], keys), [*keys], _cpu_seconds(process.pid), process)
        finally:
            process.terminate()
            process.communicate(timeout=30)


def _document(lines: Iterable[str]) -> Json:
    text = ""
    for line in lines:
        text += line
        if line.startswith("}"):
            return dict(json.loads(text))
    raise AssertionError(f"the server said no more than {text!r}")


def _cpu_seconds(pid: int) -> float:
    """What the process has used so far (proc(5), ``stat``): other work on this machine does not count."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Served:
    """``start``: seconds of CPU until it said where it is."""

    endpoint: Endpoint
    accounts: list[str]
    start: float
    process: "subprocess.Popen[str]"

    def control(self, method: str, path: str, body: Json | None = None) -> Any:
        """docs/embedded-aws.md, "Control over HTTP"."""
        request = urllib.request.Request(
            f"{self.endpoint.url}/_twinwall/{path}",
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    def settle(self) -> None:
        """Until no function has been at work for half a second: longer than any source waits to look."""
        quiet = time.monotonic()
        while time.monotonic() - quiet < 0.5:
            if any(process["busy"] for process in self.control("GET", "functions")):
                quiet = time.monotonic()
            time.sleep(0.15)

    def cut_off(self, region: str) -> None:
        self.control("POST", "faults", {"faults": [f"*@{region}:1+=unreachable"]})

    def no_faults(self) -> None:
        self.control("DELETE", "faults")


@dataclass
class Region:
    """One cluster's ground in a Region of an account; ``number`` keeps address ranges apart."""

    endpoint: Endpoint
    account: str
    region: str
    number: int
    asg: str = "web"
    group: str = ""
    subnet: str = ""

    def client(self, service: str) -> Any:
        return self.endpoint.client(service, self.account, self.region)

    @property
    def node(self) -> str:
        return f"{self.account}/{self.region}"

    @property
    def site(self) -> str:
        return f"{self.region}/{self.asg}"

    def build(self) -> "Region":
        ec2 = self.client("ec2")
        vpc = ec2.create_vpc(CidrBlock=f"10.{self.number}.0.0/16")["Vpc"]["VpcId"]
        made = ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.{self.number}.1.0/24")
        self.subnet = made["Subnet"]["SubnetId"]
        name = f"guard-{self.asg}"
        self.group = ec2.create_security_group(GroupName=name, Description="a site", VpcId=vpc)["GroupId"]
        own = {"UserIdGroupPairs": [{"GroupId": self.group}]}
        placeholder = {"IpProtocol": "tcp", "FromPort": 7000, "ToPort": 7001, **own}
        ec2.authorize_security_group_ingress(GroupId=self.group, IpPermissions=[placeholder])
        interface = {"DeviceIndex": 0, "Groups": [self.group], "AssociatePublicIpAddress": True}
        data = {"ImageId": "ami-12345678", "InstanceType": "t3.micro", "NetworkInterfaces": [interface]}
        ec2.create_launch_template(LaunchTemplateName=self.asg, LaunchTemplateData=data)
        self.client("autoscaling").create_auto_scaling_group(
            AutoScalingGroupName=self.asg,
            MinSize=0,
            MaxSize=5,
            DesiredCapacity=0,
            VPCZoneIdentifier=self.subnet,
            LaunchTemplate={"LaunchTemplateName": self.asg, "Version": "$Latest"},
        )
        return self

    # --- what happens to it

    def scale(self, desired: int) -> None:
        self.client("autoscaling").set_desired_capacity(
            AutoScalingGroupName=self.asg, DesiredCapacity=desired
        )

    def launch_by_hand(self) -> str:
        """An instance that runs as the group's do, and is none of them."""
        interface = {"DeviceIndex": 0, "SubnetId": self.subnet, "Groups": [self.group]}
        made = self.client("ec2").run_instances(
            ImageId="ami-12345678",
            MinCount=1,
            MaxCount=1,
            NetworkInterfaces=[{**interface, "AssociatePublicIpAddress": True}],
        )
        return str(made["Instances"][0]["InstanceId"])

    # --- what stands there

    def states(self) -> dict[str, str]:
        """Instance → state."""
        asked = self.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[self.asg])
        (found,) = asked["AutoScalingGroups"]
        return {one["InstanceId"]: one["LifecycleState"] for one in found["Instances"]}

    def in_service(self, count: int) -> bool:
        return list(self.states().values()) == ["InService"] * count

    def addresses(self) -> set[str]:
        """Public, of the instances that the group has."""
        ids = list(self.states())
        if not ids:
            return set()
        found = self.client("ec2").describe_instances(InstanceIds=ids)["Reservations"]
        return {f"{one['PublicIpAddress']}/32" for part in found for one in part["Instances"]}

    def rules(self) -> set[str]:
        """Addresses that the group lets in."""
        (group,) = self.client("ec2").describe_security_groups(GroupIds=[self.group])["SecurityGroups"]
        return {block["CidrIp"] for part in group["IpPermissions"] for block in part["IpRanges"]}

    def permission(self, *blocks: str) -> list[Json]:
        ports = {"IpProtocol": "tcp", "FromPort": 7000, "ToPort": 7001}
        return [{**ports, "IpRanges": [{"CidrIp": block} for block in blocks]}]

    def open_to(self, *blocks: str) -> None:
        """By hand."""
        self.client("ec2").authorize_security_group_ingress(
            GroupId=self.group, IpPermissions=self.permission(*blocks)
        )

    def close_to(self, *blocks: str) -> None:
        self.client("ec2").revoke_security_group_ingress(
            GroupId=self.group, IpPermissions=self.permission(*blocks)
        )


@dataclass
class Mesh:
    """``settings``: further keys of the configuration's table; ``ways``: account → the role by which others come."""

    endpoint: Endpoint
    name: str
    regions: list[Region]
    settings: Json = field(default_factory=dict)
    ways: dict[str, str] = field(default_factory=dict)
    acts_for: dict[str, list[str]] = field(default_factory=dict)
    """Site → the sites that its node acts for, as long as they have no function."""

    @property
    def table_name(self) -> str:
        return f"twinwall-{self.name}"

    def configuration(self) -> Json:
        """``[meshes.NAME]``."""
        sites = []
        for at in self.regions:
            site: Json = {"region": at.region, "asg": at.asg, "account": at.account, "group": at.group}
            site |= {"acts_for": self.acts_for[at.site]} if at.site in self.acts_for else {}
            site |= {"role_arn": self.ways[at.account]} if at.account in self.ways else {}
            sites.append(site)
        return {**self.settings, "sites": sites}

    def write(self, file: Path) -> str:
        """As ``twinwall.toml``; returns its path."""
        table = self.configuration()
        lines = [f"[meshes.{self.name}]"]
        lines += [f"{key} = {json.dumps(value)}" for key, value in table.items() if key != "sites"]
        for site in table["sites"]:
            lines += [f"[[meshes.{self.name}.sites]]"]
            lines += [f"{key} = {json.dumps(value)}" for key, value in site.items()]
        file.write_text("\n".join(lines) + "\n")
        return str(file)

    @property
    def configured(self) -> Configured:
        return configure(self.name, self.configuration())

    def deploy(self, at: Region, *, awake: bool = True) -> None:
        """The node of ``at``, which serves its one site. Not ``awake``: nothing but an invocation runs it."""
        self.grant(at)
        at.client("logs").create_log_group(logGroupName=f"/aws/lambda/{self.table_name}")
        stream = self.make_table(at)
        url, queue = self._queue(at)
        self._function(at, url)
        if awake:
            self.listen_to_queue(at, queue)
            self.listen_to_stream(at, stream)
            self._rule(at, queue)
        self._schedule(at)
        self._hooks(at)

    def make_table(self, at: Region) -> str:
        """The ARN of its stream."""
        keys = (("region", "HASH"), ("asg", "RANGE"))
        made = at.client("dynamodb").create_table(
            TableName=self.table_name,
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        )
        return str(made["TableDescription"]["LatestStreamArn"])

    def roles(self, at: Region) -> NodeRoles:
        configured = self.configured
        return roles_of(configured, configured.mesh.node(at.node))

    def grant(self, at: Region) -> None:
        """The node's roles with exactly the rights that ``twinwall mesh permissions`` prints, made or brought there."""
        iam = at.client("iam")
        for role in self.roles(at).all:
            trust = json.dumps(role.trust)
            try:
                iam.create_role(RoleName=role.name, AssumeRolePolicyDocument=trust)
            except iam.exceptions.EntityAlreadyExistsException:
                iam.update_assume_role_policy(RoleName=role.name, PolicyDocument=trust)
            give(iam, role.name, role.policy)

    def update(self) -> None:
        """Every function hears of the configuration as it is now, and may do what that needs."""
        for at in self.regions:
            self.grant(at)
            functions = at.client("lambda")
            standing = functions.get_function_configuration(FunctionName=self.table_name)
            variables = {**standing["Environment"]["Variables"], "TWINWALL_MESH": self._document()}
            functions.update_function_configuration(
                FunctionName=self.table_name, Environment={"Variables": variables}
            )

    def _document(self) -> str:
        return json.dumps({"name": self.name, "table": self.configuration()})

    def _queue(self, at: Region) -> tuple[str, str]:
        """(URL, ARN)"""
        sqs = at.client("sqs")
        _, dead = _make_queue(sqs, f"{self.table_name}-dead", {})
        redrive = json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": RECEIVES})
        attributes = {"VisibilityTimeout": str(stack.VISIBILITY), "RedrivePolicy": redrive}
        url, arn = _make_queue(sqs, self.table_name, attributes)
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        return url, arn

    def _function(self, at: Region, url: str) -> None:
        variables = {"TWINWALL_MESH": self._document(), "TWINWALL_NODE": at.node, "TWINWALL_QUEUE": url}
        at.client("lambda").create_function(
            FunctionName=self.table_name,
            Role=self.roles(at).function.arn,
            Runtime=stack.RUNTIME,
            Handler=stack.HANDLER,
            Code={"ZipFile": package()},
            Timeout=stack.TIMEOUT,
            MemorySize=stack.MEMORY,
            Environment={"Variables": variables},
        )

    def listen_to_queue(self, at: Region, queue: str) -> str:
        """The mapping's id."""
        return self._listen(
            at,
            EventSourceArn=queue,
            BatchSize=stack.BATCH,
            MaximumBatchingWindowInSeconds=stack.WINDOW,
            ScalingConfig={"MaximumConcurrency": stack.CONCURRENCY},
        )

    def listen_to_stream(self, at: Region, stream: str) -> str:
        others = {"dynamodb": {"NewImage": {"writer": {"S": [{"anything-but": at.node}]}}}}
        return self._listen(
            at,
            EventSourceArn=stream,
            StartingPosition="LATEST",
            BatchSize=100,
            FilterCriteria={"Filters": [{"Pattern": json.dumps(others)}]},
        )

    def _listen(self, at: Region, **settings: Any) -> str:
        common = {"FunctionName": self.table_name, "FunctionResponseTypes": ["ReportBatchItemFailures"]}
        return str(at.client("lambda").create_event_source_mapping(**common, **settings)["UUID"])

    def listen_to_events(self, at: Region) -> None:
        """Events come into the node's queue, where nobody takes them."""
        sqs = at.client("sqs")
        url = sqs.get_queue_url(QueueName=self.table_name)["QueueUrl"]
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        self._rule(at, found["Attributes"]["QueueArn"])

    def _rule(self, at: Region, queue: str) -> None:
        pattern = {
            "source": ["aws.autoscaling"],
            "detail-type": [LAUNCH, TERMINATE, TERMINATED, DETACHED],
            "detail": {"AutoScalingGroupName": [at.asg]},
        }
        events = at.client("events")
        events.put_rule(Name=self.table_name, EventPattern=json.dumps(pattern))
        put = events.put_targets(Rule=self.table_name, Targets=[{"Id": "1", "Arn": queue}])
        assert put["FailedEntryCount"] == 0

    def _schedule(self, at: Region) -> None:
        """Scheduler's own event, no Input."""
        function = at.client("lambda").get_function_configuration(FunctionName=self.table_name)["FunctionArn"]
        at.client("scheduler").create_schedule(
            Name=self.table_name,
            ScheduleExpression="rate(5 minutes)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": function, "RoleArn": self.roles(at).schedule.arn},
        )

    def _hooks(self, at: Region) -> None:
        for end, transition, default in (
            ("launch", "LAUNCHING", "ABANDON"),
            ("terminate", "TERMINATING", "CONTINUE"),
        ):
            at.client("autoscaling").put_lifecycle_hook(
                AutoScalingGroupName=at.asg,
                LifecycleHookName=f"{self.settings.get('hook', 'twinwall')}-{end}",
                LifecycleTransition=f"autoscaling:EC2_INSTANCE_{transition}",
                HeartbeatTimeout=300,
                DefaultResult=default,
            )

    # --- what is done with it

    def forget(self, at: Region, site: str) -> None:
        """By hand: the table of ``at`` has no row of the site any more."""
        region, _, asg = site.partition("/")
        at.client("dynamodb").delete_item(
            TableName=self.table_name, Key={"region": {"S": region}, "asg": {"S": asg}}
        )

    def invoke(self, at: Region, event: Json) -> Any:
        """What the function answers; fails where it failed."""
        answer = at.client("lambda").invoke(
            FunctionName=self.table_name, Payload=json.dumps(event), LogType="Tail"
        )
        said = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, said
        return said

    def rows(self, at: Region) -> dict[str, Json]:
        """Site → its row in the table of ``at``."""
        items = at.client("dynamodb").scan(TableName=self.table_name, ConsistentRead=True)["Items"]
        found = {f"{item['region']['S']}/{item['asg']['S']}": item for item in items}
        return {site: item for site, item in found.items() if not site.startswith("-/")}

    def listed(self, at: Region) -> dict[str, set[str]]:
        """Site → the addresses of its row in the table of ``at``."""
        return {site: set(row["ips"].get("SS", ())) for site, row in self.rows(at).items()}

    def log(self, at: Region) -> list[Json]:
        """The function's own lines."""
        return [json.loads(line) for line in self.lines(at) if line.startswith("{")]

    def memory(self, at: Region) -> int:
        """MB: the most that a process of the function held. Fails where a line is neither ours nor Lambda's."""
        found = 0
        for line in self.lines(at):
            assert line.startswith(("{", "START ", "END ", "REPORT ")), line
            used = re.search(r"Max Memory Used: (\d+) MB", line)
            found = max(found, int(used.group(1)) if used else 0)
        return found

    def lines(self, at: Region) -> list[str]:
        logs = at.client("logs")
        events = logs.filter_log_events(logGroupName=f"/aws/lambda/{self.table_name}")["events"]
        return [event["message"] for event in events]

    def everywhere(self, members: set[str]) -> bool:
        """Every group lets these in, and nobody else."""
        return all(at.rules() == members for at in self.regions)


def _make_queue(sqs: Any, name: str, attributes: Mapping[str, str]) -> tuple[str, str]:
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return url, found["Attributes"]["QueueArn"]


def give(iam: Any, role: str, policy: Json) -> None:
    iam.put_role_policy(RoleName=role, PolicyName="mesh", PolicyDocument=json.dumps(policy))


@functools.cache
def package() -> bytes:
    """What ``twinwall mesh package`` makes."""
    return build(cut_models()).body


def by_hand(mesh: Mesh, account: str, folder: Path, *arguments: str) -> Any:
    """``twinwall mesh …`` with the mesh's configuration and the account's keys."""
    file = mesh.write(folder / "twinwall.toml")
    return twinwall_as(mesh.endpoint, account, "mesh", arguments[0], "--config", file, *arguments[1:])


def twinwall_as(endpoint: Endpoint, account: str, *arguments: str) -> Any:
    with pytest.MonkeyPatch.context() as environment:
        for name, value in endpoint.environment(account).items():
            environment.setenv(name, value)
        return CliRunner().invoke(root, list(arguments), obj=Invocation(), standalone_mode=False)


def until(true: Callable[[], Any], seconds: float = 90.0) -> Any:
    """What ``true`` says once it says something; fails after so long: on a busy machine two handlers of a node meet,
    and the messages of the one that finds the lease taken are hidden for the rest of it, up to 35 s."""
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, f"nothing within {seconds} s"
        time.sleep(0.15)
    return found
