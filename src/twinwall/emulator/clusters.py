"""Auto Scaling groups to try a mesh with, and what EC2 itself says of them, through the endpoint like any client.

clusters = Clusters(aws.endpoint, aws.credentials(account))
clusters.build("eu-west-1", "ring-eu")     the stack of ``mesh template --prerequisites``
clusters.scale("eu-west-1", "ring-eu", 2)
clusters.wait_until_right([...])           every group admits exactly the live members
"""

import json
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config

from twinwall.documents.deployment.prerequisites import prerequisites_template
from twinwall.emulator.credentials import AccessKey
from twinwall.errors import AwsError

_CONFIG = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=60)
_PATIENCE, _STEP = 120.0, 0.2
"""Seconds: what takes longer has failed; how often it is looked at."""


@dataclass(frozen=True)
class Cluster:
    region: str
    name: str
    group_id: str


@dataclass
class Clusters:
    """Of one account."""

    endpoint: str
    key: AccessKey
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)

    def build(self, region: str, name: str) -> Cluster:
        """VPC, base group, launch template and an Auto Scaling group without instances. Raises ``AwsError``."""
        cloudformation = self._client("cloudformation", region)
        cloudformation.create_stack(
            StackName=name,
            TemplateBody=json.dumps(prerequisites_template()),
            Parameters=[{"ParameterKey": "Name", "ParameterValue": name}],
        )

        def stack() -> Any:
            return cloudformation.describe_stacks(StackName=name)["Stacks"][0]

        self._until(lambda: stack()["StackStatus"] == "CREATE_COMPLETE", f"the stack {name}")
        outputs = {one["OutputKey"]: one["OutputValue"] for one in stack()["Outputs"]}
        return Cluster(region, name, outputs["LocalSG"])

    def scale(self, cluster: Cluster, members: int) -> None:
        """Raises ``AwsError`` where not so many are in service in time."""
        scaling = self._client("autoscaling", cluster.region)
        scaling.update_auto_scaling_group(AutoScalingGroupName=cluster.name, DesiredCapacity=members)

        def states() -> list[str]:
            named = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[cluster.name])
            return [one["LifecycleState"] for one in named["AutoScalingGroups"][0]["Instances"]]

        self._until(lambda: states() == ["InService"] * members, f"{members} members of {cluster.name}")

    def wait_until_right(self, clusters: Sequence[Cluster], groups: Sequence[Cluster]) -> list[str]:
        """The addresses of the running members of ``clusters``, once each of ``groups`` admits exactly these; sorted.
        Raises ``AwsError``."""
        self._until(
            lambda: self._is_right(clusters, groups) and self._is_quiet(), "exactly the live members' rules"
        )
        return sorted(self._live(clusters))

    def _is_right(self, clusters: Sequence[Cluster], groups: Sequence[Cluster]) -> bool:
        live = self._live(clusters)
        return all(self._admitted(one) == live for one in groups)

    def _is_quiet(self) -> bool:
        """No function is at work, nor was half a second ago: what an event has begun is told to the others too."""
        for _ in range(3):
            with urllib.request.urlopen(f"{self.endpoint}/_twinwall/functions", timeout=30) as answer:
                if any(process["busy"] for process in json.load(answer)):
                    return False
            self.sleep(_STEP)
        return True

    def _live(self, clusters: Sequence[Cluster]) -> set[str]:
        return {address for one in clusters for address in self._running(one)}

    def _running(self, cluster: Cluster) -> list[str]:
        found = self._client("ec2", cluster.region).describe_instances(
            Filters=[
                {"Name": "tag:aws:autoscaling:groupName", "Values": [cluster.name]},
                {"Name": "instance-state-name", "Values": ["running"]},
            ]
        )
        instances = [one for part in found["Reservations"] for one in part["Instances"]]
        return [f"{one['PublicIpAddress']}/32" for one in instances]

    def _admitted(self, cluster: Cluster) -> set[str]:
        ec2 = self._client("ec2", cluster.region)
        [group] = ec2.describe_security_groups(GroupIds=[cluster.group_id])["SecurityGroups"]
        return {one["CidrIp"] for part in group["IpPermissions"] for one in part["IpRanges"]}

    def _until(self, happened: Callable[[], bool], what: str) -> None:
        end = self.clock() + _PATIENCE
        while not happened():
            if self.clock() > end:
                raise AwsError(
                    f"waiting for {what}: not there after {_PATIENCE:.0f} s; is this machine very busy? run again"
                )
            self.sleep(_STEP)

    def _client(self, service: str, region: str) -> Any:
        make: Callable[..., Any] = boto3.client
        if (service, region) not in self._clients:
            self._clients[service, region] = make(
                service,
                region_name=region,
                endpoint_url=self.endpoint,
                aws_access_key_id=self.key.id,
                aws_secret_access_key=self.key.secret,
                config=_CONFIG,
            )
        return self._clients[service, region]
