"""What ``twinwall mesh deploy`` refuses: one line that says what to do, and nothing is made."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from functions import until
from worlds import PROFILES, A, B, Stage, stage

EU = "eu-west-1"
Json = dict[str, Any]


@dataclass
class Ground:
    """One site without a mesh: a group and an Auto Scaling group in one VPC, and another VPC."""

    on: Stage
    group: str
    elsewhere: str
    """A group of the other VPC."""

    def client(self, service: str, region: str = EU) -> Any:
        return boto3.Session(profile_name=PROFILES[A], region_name=region).client(service)

    def config(self, **changed: Any) -> str:
        mesh = {key: value for key, value in changed.items() if key not in ("site", "name")}
        site = {"region": EU, "account": A, "asg": "web", "group": self.group, **changed.get("site", {})}
        name = changed.get("name", "web")
        lines = [f"[meshes.{name}]", *(f"{key} = {json.dumps(value)}" for key, value in mesh.items())]
        lines += [
            f"[[meshes.{name}.sites]]",
            *(f"{key} = {json.dumps(value)}" for key, value in site.items()),
        ]
        path = self.on.folder / "twinwall.toml"
        path.write_text("\n".join(lines))
        return str(path)

    def deploy(self, config: str, *arguments: str, profile: str = PROFILES[A]) -> Any:
        given = [] if "--package" in arguments else ["--package", str(self.on.folder / "mesh.zip")]
        return self.on.run(
            "mesh", "deploy", "--config", config, "--profile", profile, "--yes", *given, *arguments
        )

    def propose(self, config: str) -> str:
        """What is told by a deployment that nobody says yes to."""
        package = str(self.on.folder / "mesh.zip")
        given = ["--config", config, "--profile", PROFILES[A], "--package", package]
        run = self.on.run("mesh", "deploy", *given).refused(3, "not confirmed")
        until(lambda: self.made() == [], 30)
        return str(run.stderr)

    def members(self) -> int:
        [group] = self.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
        return len(group["Instances"])

    def vpc(self) -> str:
        [group] = self.client("ec2").describe_security_groups(GroupIds=[self.group])["SecurityGroups"]
        return str(group["VpcId"])

    def made(self) -> list[Any]:
        tags = self.client("ec2").describe_tags(Filters=[{"Name": "key", "Values": ["twinwall:mesh"]}])[
            "Tags"
        ]
        return [
            *self.client("cloudformation").describe_stacks()["Stacks"],
            *self.client("s3").list_buckets()["Buckets"],
            *(tag for tag in tags if tag["Value"] != "other"),
        ]


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    from twinwall.aws.models import cut_models
    from twinwall.documents.deployment.package import build

    folder = tmp_path_factory.mktemp("refusals")
    (folder / "mesh.zip").write_bytes(build(cut_models()).body)
    with stage(folder) as on:
        ec2 = boto3.Session(profile_name=PROFILES[A], region_name=EU).client("ec2")
        vpcs = [ec2.create_vpc(CidrBlock=f"10.{n}.0.0/16")["Vpc"]["VpcId"] for n in (1, 2)]
        subnet = ec2.create_subnet(VpcId=vpcs[0], CidrBlock="10.1.1.0/24")["Subnet"]["SubnetId"]
        groups = [
            ec2.create_security_group(GroupName="guard", Description="a site", VpcId=vpc)["GroupId"]
            for vpc in vpcs
        ]
        data = {"ImageId": "ami-0123456789abcdef0", "InstanceType": "t3.micro"}
        launch = ec2.create_launch_template(LaunchTemplateName="web", LaunchTemplateData=data)[
            "LaunchTemplate"
        ]
        found = Ground(on, *groups)
        found.client("autoscaling").create_auto_scaling_group(
            AutoScalingGroupName="web", MinSize=0, MaxSize=1, VPCZoneIdentifier=subnet,
            LaunchTemplate={"LaunchTemplateId": launch["LaunchTemplateId"]},
        )  # fmt: skip
        yield found


NOBODY = "sg-0123456789abcdef0"
CASES: dict[str, tuple[int, Json, tuple[str, ...]]] = {
    "no such group": (
        1,
        {"site": {"group": NOBODY}},
        (f"the group {NOBODY} of the site eu-west-1/web is not in",),
    ),
    "another Region's": (
        1,
        {"site": {"region": "us-east-1"}},
        ("is not in 111111111111/us-east-1", "correct group"),
    ),
    "no such further group": (
        1,
        {"site": {"further_groups": [NOBODY]}},
        (f"the group {NOBODY} of the site eu-west-1/web is not in",),
    ),
    "no such Auto Scaling group": (1, {"site": {"asg": "wbe"}}, ("the Auto Scaling group wbe is not in",)),
    "another account's": (
        3,
        {"site": {"account": B}},
        ("the credentials are of account 111111111111", f"--profile {B}="),
    ),
    "a name for no stack": (1, {"name": "my_mesh"}, ("letters, digits and hyphens",)),
    "a hook's name": (1, {"hook": "our hook"}, ("hook of the mesh is 'our hook'", "line 2")),
    "a role": (1, {"site": {"role_arn": f"arn:aws:iam::{B}:role/x"}}, ("a role of another account",)),
}


@pytest.mark.parametrize("case", CASES)
def test_what_the_file_says_wrongly(ground: Ground, case: str) -> None:
    code, changed, words = CASES[case]
    ground.deploy(ground.config(**changed)).refused(code, *words)
    assert ground.made() == []


def test_a_further_group_that_no_instance_carries(ground: Ground) -> None:
    """And one too many for an interface."""
    ec2, scaling = ground.client("ec2"), ground.client("autoscaling")
    vpc = ec2.describe_security_groups(GroupIds=[ground.group])["SecurityGroups"][0]["VpcId"]
    more = [
        ec2.create_security_group(GroupName=f"more-{number}", Description="room", VpcId=vpc)["GroupId"]
        for number in range(2)
    ]
    run = ground.deploy(ground.config(site={"further_groups": more[:1]}))
    run.refused(1, f"do not carry {ground.group}, {more[0]}", "add them to the launch template of web")
    interface = {"DeviceIndex": 0, "Groups": [ground.group, *more]}
    ec2.create_launch_template_version(
        LaunchTemplateName="web",
        LaunchTemplateData={"ImageId": "ami-0123456789abcdef0", "NetworkInterfaces": [interface]},
    )
    web = {"LaunchTemplateName": "web", "Version": "2"}
    scaling.update_auto_scaling_group(AutoScalingGroupName="web", LaunchTemplate=web)
    ground.on.aws.set_quota("L-0EA8095F", 400, A, EU)
    run = ground.deploy(ground.config(rules_per_group=400, site={"further_groups": more[:1]}))
    run.refused(3, "carries 3 groups", "400 rules", "AWS allows 1000 an interface")
    del ground.on.aws.world.quotas[A, EU, "L-0EA8095F"]
    scaling.update_auto_scaling_group(AutoScalingGroupName="web", LaunchTemplate={**web, "Version": "1"})
    assert ground.made() == []


def test_a_group_of_another_vpc(ground: Ground) -> None:
    run = ground.deploy(ground.config(site={"group": ground.elsewhere}))
    run.refused(1, "the Auto Scaling group in vpc-", "name a group of that VPC")
    assert ground.made() == []


Change = Callable[[Ground], None]


def tagged(key: str, value: str) -> tuple[Change, Change]:
    tags = [{"Key": key, "Value": value}]
    return (
        lambda it: it.client("ec2").create_tags(Resources=[it.group], Tags=tags),
        lambda it: it.client("ec2").delete_tags(Resources=[it.group], Tags=tags),
    )


def hooked(**settings: Any) -> tuple[Change, Change]:
    name = {"AutoScalingGroupName": "web", "LifecycleHookName": "twinwall-launch"}
    usual = {"LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING", "HeartbeatTimeout": 300}
    return (
        lambda it: it.client("autoscaling").put_lifecycle_hook(**name, **(usual | settings)),
        lambda it: it.client("autoscaling").delete_lifecycle_hook(**name),
    )


def with_table(*keys: str) -> tuple[Change, Change]:
    kinds = list(zip(keys, ("HASH", "RANGE"), strict=False))
    return (
        lambda it: it.client("dynamodb").create_table(
            TableName="twinwall-web",
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in kinds],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in keys],
            BillingMode="PAY_PER_REQUEST",
        ),
        lambda it: it.client("dynamodb").delete_table(TableName="twinwall-web"),
    )


STANDING: dict[str, tuple[tuple[Change, Change], int, tuple[str, ...]]] = {
    "two meshes on one group": (
        tagged("twinwall:mesh", "other"),
        3,
        ("belongs to the mesh other", "mesh remove"),
    ),
    "a replica's group": (
        tagged("twinwall:source", f"{A}/{EU}/vpc-1/sg-1"),
        3,
        ("is Twinwall's copy of", "name another group"),
    ),
    "a hook with other settings": (
        hooked(HeartbeatTimeout=900),
        3,
        (
            "the hook twinwall-launch of eu-west-1/web exists",
            "HeartbeatTimeout 900 where 300 is wanted",
            "way out",
        ),
    ),
    "a table for something else": (with_table("id"), 3, ("exists and has the keys id, not region and asg",)),
    "a table without a stream": (
        with_table("region", "asg"),
        1,
        ("has no stream", "aws dynamodb update-table"),
    ),
}


@pytest.mark.parametrize("case", STANDING)
def test_what_stands_there_already(ground: Ground, case: str) -> None:
    (make, unmake), code, words = STANDING[case]
    make(ground)
    try:
        ground.deploy(ground.config()).refused(code, *words)
        assert ground.made() == []
    finally:
        unmake(ground)


def test_a_parameter_that_contradicts_the_file(ground: Ground) -> None:
    run = ground.deploy(ground.config(), "--parameter", f"LocalSG={NOBODY}")
    run.refused(1, f"LocalSG={NOBODY} contradicts twinwall.toml")
    ground.deploy(ground.config(), "--parameter", "CodeKey=x").refused(1, "mesh deploy sets it itself")
    ground.deploy(ground.config(), "--parameter", "LogDays").refused(1, "write NAME=VALUE")
    assert ground.made() == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"PK", "is no zip"),
        (bytes(50 * 1024 * 1024 + 1), "Lambda takes 52,428,800"),
        (None, "cannot be read"),
    ],
)
def test_a_package_that_is_none_or_too_large(ground: Ground, content: bytes | None, words: str) -> None:
    path = ground.on.folder / "other.zip"
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_bytes(content)
    ground.deploy(ground.config(), "--package", str(path)).refused(1, words)
    assert ground.made() == []


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ("ec2:DescribeSecurityGroups", "ec2:DescribeSecurityGroups"),
        ("cloudformation:CreateChangeSet", "cloudformation:CreateChangeSet"),
    ],
)
def test_not_allowed_to_names_the_line_to_add(ground: Ground, action: str, words: str) -> None:
    ground.on.aws.deny(f"arn:aws:iam::{A}:*", action)
    try:
        ground.deploy(ground.config()).refused(1, words, "way out")
        assert ground.made() == []
    finally:
        ground.on.aws.no_trouble()


PORTS = ["tcp/1", "tcp/3", "tcp/5"]


@pytest.fixture
def narrow(ground: Ground) -> Iterator[Ground]:
    """A group may have two rules."""
    ground.on.aws.set_quota("L-0EA8095F", 2, A, EU)
    yield ground
    del ground.on.aws.world.quotas[A, EU, "L-0EA8095F"]
    ground.client("autoscaling").set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=0)
    until(lambda: ground.members() == 0, 30)


def test_members_that_find_no_room(narrow: Ground) -> None:
    """Those that are to be there are refused at once; of those that may come later it is told."""
    at_most = narrow.propose(narrow.config(ports=PORTS))
    assert "with all groups at their MaxSize" in at_most
    assert (
        "would need 3 inbound rules (1 members × 3 ports), the account's quota L-0EA8095F allows 2" in at_most
    )
    assert "MaxSize" not in narrow.propose(narrow.config(ports=PORTS[:2]))

    narrow.client("autoscaling").set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=1)
    until(lambda: narrow.members() == 1, 30)
    run = narrow.deploy(narrow.config(ports=PORTS))
    run.refused(3, "would need 3 inbound rules", "L-0EA8095F allows 2", "merge ports into ranges")
    assert narrow.made() == []
    assert "would need" not in narrow.propose(narrow.config(ports=["tcp/1-5"]))


def test_where_quotas_may_not_be_read_the_file_counts(ground: Ground) -> None:
    ground.on.aws.deny(f"arn:aws:iam::{A}:*", "servicequotas:*")
    try:
        told = ground.propose(ground.config(ports=PORTS, rules_per_group=2))
        assert "the quota of rules of a group cannot be read, rules_per_group = 2 counts" in told
        assert "rules_per_group of twinwall.toml allows 2: members beyond it are refused" in told
    finally:
        ground.on.aws.no_trouble()


def test_more_than_a_thousand_rules_on_an_interface(ground: Ground) -> None:
    ec2, scaling = ground.client("ec2"), ground.client("autoscaling")
    data = {"ImageId": "ami-0123456789abcdef0", "InstanceType": "t3.micro"}
    launch = ec2.describe_launch_templates(LaunchTemplateNames=["web"])["LaunchTemplates"][0][
        "LaunchTemplateId"
    ]
    further = ec2.create_security_group(
        GroupName="further", Description="of the set", VpcId=ground.vpc(), TagSpecifications=[]
    )["GroupId"]

    def carry(*groups: str) -> None:
        found = ec2.create_launch_template_version(
            LaunchTemplateId=launch, LaunchTemplateData={**data, "SecurityGroupIds": list(groups)}
        )["LaunchTemplateVersion"]["VersionNumber"]
        template = {"LaunchTemplateId": launch, "Version": str(found)}
        scaling.update_auto_scaling_group(AutoScalingGroupName="web", LaunchTemplate=template)

    ground.on.aws.set_quota("L-0EA8095F", 600, A, EU)
    try:
        carry(ground.group)
        assert "carry" not in ground.propose(ground.config(ports=PORTS))
        carry(ground.group, further)
        run = ground.deploy(ground.config(ports=PORTS))
        run.refused(3, "carries 2 groups", "600 rules", "AWS allows 1000 an interface", "at most 1 groups")
        assert ground.made() == []
        carry(further)
        assert f"its launch template does not carry {ground.group}" in ground.propose(
            ground.config(ports=PORTS)
        )
    finally:
        carry()
        del ground.on.aws.world.quotas[A, EU, "L-0EA8095F"]


def test_nobody_says_yes(ground: Ground) -> None:
    """What would change was shown, and no stack stays behind."""
    package = str(ground.on.folder / "mesh.zip")
    given = ["--config", ground.config(), "--profile", PROFILES[A], "--package", package]
    run = ground.on.run("mesh", "deploy", *given).refused(3, "not confirmed", "--yes")
    assert "+ AWS::Lambda::Function Function" in run.stderr
    assert [one["StackStatus"] for one in ground.made()] in ([], ["DELETE_IN_PROGRESS"])
    ground.on.run("mesh", "remove", *given[:4]).refused(3, "not confirmed")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--role-arn", "twinwall"], "write arn:aws:iam::ACCOUNT:role/NAME"),
        (
            ["--role-arn", f"arn:aws:iam::{A}:role/nobody"],
            f"at {A}/{EU}: these credentials may not call sts:AssumeRole",
        ),
        (["--profile", f"{A}=nobody"], "nobody"),
        (["--mesh", "db"], "names no such mesh; it names web"),
    ],
)
def test_a_way_that_leads_nowhere(ground: Ground, given: list[str], words: str) -> None:
    run = ground.deploy(ground.config(), *given)
    assert run.code in (1, 3)
    run.refused(run.code, words)
    assert "SIDE" not in run.line, "a mesh's commands have no such options"
    assert ground.made() == []


def test_a_trace_is_never_shown(ground: Ground, tmp_path: Path) -> None:
    run = ground.deploy(str(tmp_path / "nowhere.toml"))
    run.refused(1, "nowhere.toml cannot be read")
