"""A mesh's ground at three places in two accounts, made by ``mesh template --prerequisites``, and the commands that
deploy to it."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from functions import until
from worlds import PROFILES, A, B, Run, SleepingClock, Stage

from twinwall.aws.models import cut_models
from twinwall.documents.deployment.package import build
from twinwall.documents.deployment.prerequisites import prerequisites_template

EU, US = "eu-west-1", "us-east-1"
PLACES = ((A, EU), (A, US), (B, EU))
OWN_RULE = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "198.51.100.0/24"}]}


@dataclass
class Patient(SleepingClock):
    """Real time; a command's waits are short. ``stops``: after so many of them somebody presses Ctrl-C."""

    stops: int = 0
    waited: int = 0
    meanwhile: Callable[[], None] | None = None
    """Happens at the first wait."""

    def sleep(self, seconds: float) -> None:
        self.waited += 1
        if self.meanwhile is not None:
            happens, self.meanwhile = self.meanwhile, None
            happens()
        if self.stops and self.waited >= self.stops:
            raise KeyboardInterrupt
        time.sleep(min(seconds, 0.05))


@dataclass
class Land:
    """What ``mesh template --prerequisites`` makes, at each place."""

    on: Stage
    package: Path
    sites: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)

    def client(self, service: str, account: str = A, region: str = EU) -> Any:
        session = boto3.Session(profile_name=PROFILES[account], region_name=region)
        return session.client(service)

    def build(self, account: str, region: str) -> None:
        cloudformation = self.client("cloudformation", account, region)
        named = [{"ParameterKey": "Name", "ParameterValue": f"cluster-{account[:3]}"}]
        template = json.dumps(prerequisites_template())
        cloudformation.create_stack(StackName="site", TemplateBody=template, Parameters=named)
        until(lambda: self.stack("site", account, region) == "CREATE_COMPLETE", 60)
        [found] = cloudformation.describe_stacks(StackName="site")["Stacks"]
        outputs = {one["OutputKey"]: one["OutputValue"] for one in found["Outputs"]}
        self.sites[account, region] = outputs
        ec2 = self.client("ec2", account, region)
        ec2.authorize_security_group_ingress(GroupId=outputs["LocalSG"], IpPermissions=[OWN_RULE])

    def stack(self, name: str, account: str = A, region: str = EU) -> str:
        stacks = self.client("cloudformation", account, region).describe_stacks()["Stacks"]
        return next((str(one["StackStatus"]) for one in stacks if one["StackName"] == name), "")

    def write(self, places: tuple[tuple[str, str], ...], name: str = "web", **mesh: Any) -> str:
        lines = [f"[meshes.{name}]", *(f"{key} = {json.dumps(value)}" for key, value in mesh.items())]
        for account, region in places:
            site = self.sites[account, region]
            lines += [
                f"[[meshes.{name}.sites]]",
                f'region = "{region}"',
                f'account = "{account}"',
                f'asg = "{site["AutoScalingGroup"]}"',
                f'group = "{site["LocalSG"]}"',
                f'role_arn = "arn:aws:iam::{account}:role/{name}-guests"',
            ]
        path = self.on.folder / f"{name}.toml"
        path.write_text("\n".join(lines))
        return str(path)

    def run(
        self,
        command: str,
        config: str,
        *arguments: str,
        clock: SleepingClock | None = None,
        profile: str = PROFILES[A],
    ) -> Run:
        profiles = ["--profile", profile, "--profile", f"{B}={PROFILES[B]}"]
        given = ["mesh", command, "--config", config, *profiles, *arguments]
        if command == "deploy" and "--package" not in given:
            given += ["--package", str(self.package)]
        return self.on.run(*given, clock=clock or Patient())

    # --- what stands

    def scale(self, place: tuple[str, str], members: int) -> None:
        scaling = self.client("autoscaling", *place)
        scaling.set_desired_capacity(
            AutoScalingGroupName=self.sites[place]["AutoScalingGroup"], DesiredCapacity=members
        )

    def states(self, place: tuple[str, str]) -> list[str]:
        [group] = self.client("autoscaling", *place).describe_auto_scaling_groups()["AutoScalingGroups"]
        return [one["LifecycleState"] for one in group["Instances"]]

    def addresses(self, place: tuple[str, str]) -> set[str]:
        reservations = self.client("ec2", *place).describe_instances()["Reservations"]
        found = [one for part in reservations for one in part["Instances"]]
        return {f"{one['PublicIpAddress']}/32" for one in found if one["State"]["Name"] == "running"}

    def admitted(self, place: tuple[str, str]) -> set[str]:
        ids = [self.sites[place]["LocalSG"]]
        [group] = self.client("ec2", *place).describe_security_groups(GroupIds=ids)["SecurityGroups"]
        return {one["CidrIp"] for part in group["IpPermissions"] for one in part["IpRanges"]} - {
            "198.51.100.0/24"
        }

    def is_right(self, places: tuple[tuple[str, str], ...]) -> bool:
        wanted = {address for place in places for address in self.addresses(place)}
        return all(self.admitted(place) == wanted for place in places)

    def made(self) -> list[str]:
        """Everything that a deployment makes, of whatever mesh."""
        found = [
            f"stack {self.stack('twinwall-web', *place)}"
            for place in PLACES
            if self.stack("twinwall-web", *place)
        ]
        for account in (A, B):
            found += [one["Name"] for one in self.client("s3", account).list_buckets()["Buckets"]]
        return found


def package_in(folder: Path) -> Path:
    path = folder / "mesh.zip"
    path.write_bytes(build(cut_models()).body)
    return path
