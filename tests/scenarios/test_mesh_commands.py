"""``twinwall mesh true-up``, ``status`` and ``audit`` against two Regions of the embedded AWS, and offline."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner

from twinwall.cli.clock import SystemClock
from twinwall.cli.invocation import Invocation
from twinwall.cli.main import root
from twinwall.cli.world import World
from twinwall.emulator.server import EmbeddedAws
from twinwall.errors import ConfigError

ACCOUNT = "777788889999"
REGIONS = ("eu-west-1", "us-east-1")


def run(*arguments: str) -> Any:
    return CliRunner().invoke(root, ["mesh", *arguments], obj=Invocation(), standalone_mode=False)


@dataclass
class Clusters:
    """A group, an Auto Scaling group with members, and a table in each Region."""

    aws: EmbeddedAws
    config: str
    groups: dict[str, str]

    def rules(self, region: str) -> set[str]:
        ec2 = boto3.Session().client("ec2", region_name=region)
        answer = ec2.describe_security_groups(GroupIds=[self.groups[region]])["SecurityGroups"][0]
        return {block["CidrIp"] for part in answer["IpPermissions"] for block in part["IpRanges"]}

    def addresses(self, region: str) -> set[str]:
        ec2 = boto3.Session().client("ec2", region_name=region)
        filters = [{"Name": "tag:aws:autoscaling:groupName", "Values": ["web"]}]
        found = ec2.describe_instances(Filters=filters)["Reservations"]
        running = [one for part in found for one in part["Instances"] if one["State"]["Name"] == "running"]
        return {f"{one['PrivateIpAddress']}/32" for one in running}

    def command(self, *arguments: str) -> Any:
        return run(arguments[0], "--config", self.config, *arguments[1:])


def build(region: str, number: int) -> str:
    ec2, scaling = (boto3.Session().client(name, region_name=region) for name in ("ec2", "autoscaling"))
    vpc = ec2.create_vpc(CidrBlock=f"10.{number}.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.{number}.1.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="guard", Description="a site", VpcId=vpc)["GroupId"]
    pair = {"IpProtocol": "tcp", "FromPort": 7000, "ToPort": 7001, "UserIdGroupPairs": [{"GroupId": group}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[pair])
    data = {"ImageId": "ami-0123456789abcdef0", "InstanceType": "t3.micro"}
    template = ec2.create_launch_template(LaunchTemplateName="web", LaunchTemplateData=data)
    scaling.create_auto_scaling_group(
        AutoScalingGroupName="web",
        MinSize=0,
        MaxSize=5,
        DesiredCapacity=2,
        VPCZoneIdentifier=subnet,
        LaunchTemplate={"LaunchTemplateId": template["LaunchTemplate"]["LaunchTemplateId"]},
    )
    keys = [("region", "HASH"), ("asg", "RANGE")]
    boto3.Session().client("dynamodb", region_name=region).create_table(
        TableName="twinwall-web",
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
        BillingMode="PAY_PER_REQUEST",
    )
    return str(group)


@pytest.fixture(scope="module")
def clusters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clusters]:
    with EmbeddedAws((ACCOUNT,)) as aws, pytest.MonkeyPatch.context() as environment:
        key = aws.credentials(ACCOUNT)
        environment.setenv("AWS_ACCESS_KEY_ID", key.id)
        environment.setenv("AWS_SECRET_ACCESS_KEY", key.secret)
        environment.setenv("AWS_ENDPOINT_URL", aws.endpoint)
        groups = {region: build(region, number) for number, region in enumerate(REGIONS, 1)}
        file = tmp_path_factory.mktemp("mesh") / "twinwall.toml"
        lines = ["[meshes.web]", 'addresses = ["private"]']
        for region, group in groups.items():
            lines += [
                "[[meshes.web.sites]]",
                f'region = "{region}"',
                'asg = "web"',
                'ranges = ["10.0.0.0/8"]',
            ]
            lines += [f'account = "{ACCOUNT}"', f'group = "{group}"']
        file.write_text("\n".join(lines))
        yield Clusters(aws, str(file), groups)


def test_a_true_up_by_hand_makes_every_group_equal_the_members_of_all_sites(
    clusters: Clusters, tmp_path: Path
) -> None:
    members = clusters.addresses("eu-west-1") | clusters.addresses("us-east-1")
    assert len(members) == 4
    assert clusters.command("status").return_value == 2, "there are no rows yet"
    first = clusters.command("true-up", "--yes")
    assert first.return_value == 0, first.output
    assert clusters.command("true-up", "--yes").return_value == 0
    assert [clusters.rules(region) for region in REGIONS] == [members, members]
    recording = str(tmp_path / "recording.json")
    shown = clusters.command("status", "--output", "json", "--record", recording)
    told = json.loads(shown.stdout)
    assert (shown.return_value, told["right"]) == (0, True)
    assert [site["room"] for site in told["sites"]] == [60 - 5] * 2, "four members and the placeholder"
    assert {how for site in told["sites"] for how in site["copies"].values()} == {"same"}
    assert clusters.command("true-up", "--yes").output.strip() == "nothing to do"
    offline = clusters.command("true-up", "--from", recording)
    assert offline.return_value == 0
    assert "mesh web: right" in offline.output
    of_one = clusters.command("true-up", "--from", recording, "--node", f"{ACCOUNT}/eu-west-1")
    assert "leave --node out" in str(of_one.exception)

    document = json.loads(Path(recording).read_text())
    document["groups"][clusters.groups["eu-west-1"]].pop()
    document["tables"][f"{ACCOUNT}/us-east-1"]["rows"].pop()
    Path(recording).write_text(json.dumps(document))
    report = tmp_path / "mesh.html"
    broken = clusters.command("status", "--from", recording, "--report", str(report))
    assert broken.return_value == 2
    assert "Not right</h1>" in report.read_text()
    assert 'missing</span> <code class="traffic">ingress tcp/7000-7001 from 10.' in report.read_text()
    assert "missing: ingress tcp/7000-7001 from 10." in broken.output


def test_what_somebody_changed_by_hand_is_repaired_and_told(clusters: Clusters, tmp_path: Path) -> None:
    clusters.command("true-up", "--yes")
    clusters.command("true-up", "--yes")
    before = clusters.rules("eu-west-1")
    ec2 = boto3.Session().client("ec2", region_name="eu-west-1")
    group = clusters.groups["eu-west-1"]
    gone = min(before)
    ports = {"IpProtocol": "tcp", "FromPort": 7000, "ToPort": 7001}
    ec2.revoke_security_group_ingress(
        GroupId=group, IpPermissions=[{**ports, "IpRanges": [{"CidrIp": gone}]}]
    )
    office = {**ports, "IpRanges": [{"CidrIp": "198.51.100.7/32"}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[office])
    repaired = clusters.command("true-up", "--yes", "--output", "json")
    assert clusters.rules("eu-west-1") == before | {"198.51.100.7/32"}, "what is not ours stays"
    lines = json.loads(repaired.stdout)["lines"]
    assert [line["addresses"] for line in lines if line["event"] == "added"] == [[gone]]
    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[office])

    log = tmp_path / "log.json"
    log.write_text("\n".join(json.dumps(line) for line in lines) + "\nREPORT RequestId: 1\n")
    found = run("audit", str(log), "--address", gone)
    assert f"added: site eu-west-1/web, group {group}, addresses {gone}" in found.output
    assert "(TrueUp by-hand)" in found.output
    assert "no line of a mesh" in run("audit", str(log), "--address", "1.2.3.4/32").output


def test_another_accounts_table_is_not_taken_for_the_meshs(clusters: Clusters, tmp_path: Path) -> None:
    """The credentials' own account has a table of that name in that Region, and may read it."""
    head, sites = Path(clusters.config).read_text().split(f'region = "{REGIONS[1]}"')
    config = tmp_path / "twinwall.toml"
    config.write_text(f'{head}region = "{REGIONS[1]}"{sites.replace(ACCOUNT, "111122223333")}')
    why = (
        f"111122223333/{REGIONS[1]}: reaching 111122223333/{REGIONS[1]}: the credentials are of account {ACCOUNT}; "
        "way out: --profile 111122223333=NAME, or --role-arn of a role in 111122223333"
    )
    found = run("status", "--config", str(config))
    assert (found.return_value, why in found.stderr) == (2, True), found.output
    audited = run("audit", "--config", str(config))
    assert (audited.return_value, why in audited.stderr) == (2, True), audited.output
    refused = run("true-up", "--config", str(config), "--yes").exception
    assert "the credentials are of account" in str(refused)


def test_a_true_up_asks_first(clusters: Clusters) -> None:
    with pytest.raises(Exception, match="not confirmed"):
        raise clusters.command("true-up").exception


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[meshes.web]\ncolour = 1\n", r"line 2, \[meshes.web\] colour: colour is no key"),
        ("[meshes.web]\n", "sites is missing"),
        ("", "there is no mesh to work on: .* names none; add"),
    ],
)
def test_a_wrong_configuration_is_one_clear_line(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "twinwall.toml"
    file.write_text(text)
    with pytest.raises(Exception, match=why):
        raise run("status", "--config", str(file)).exception


def test_two_meshes_on_one_group_are_refused(tmp_path: Path) -> None:
    sites = 'region = "eu-west-1"\nasg = "{}"\naccount = "111122223333"\ngroup = "sg-0123456789abcdef0"\n'
    parts = [f"[meshes.{name}]\n[[meshes.{name}.sites]]\n{sites.format(name)}" for name in ("one", "two")]
    file = tmp_path / "twinwall.toml"
    file.write_text("".join(parts))
    with pytest.raises(Exception, match="sg-0123456789abcdef0, which is the mesh one's"):
        raise run("status", "--config", str(file)).exception


class Impatient(SystemClock):
    """Presses Ctrl-C during the third pause."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if len(self.slept) == 3:
            raise KeyboardInterrupt


def test_watching_goes_on_until_it_is_stopped(clusters: Clusters) -> None:
    clock = Impatient()
    invocation = Invocation(world=World(clock))
    arguments = ["mesh", "status", "--config", clusters.config, "--watch", "7"]
    answer = CliRunner().invoke(root, arguments, obj=invocation, standalone_mode=False)
    assert clock.slept == [7, 7, 7]
    assert answer.output.count("mesh web:") == 3


def test_an_audit_that_cannot_read_a_log_says_so_and_goes_on(clusters: Clusters) -> None:
    answer = clusters.command("audit", "--since", "30m")
    assert answer.return_value == 2
    told = answer.stderr.splitlines()
    assert [line.partition(": ")[0] for line in told] == [f"{ACCOUNT}/{region}" for region in REGIONS]
    assert all("reading the log /aws/lambda/twinwall-web" in line for line in told)
    with pytest.raises(ConfigError, match="write a number and s, m, h or d"):
        raise clusters.command("audit", "--since", "yesterday").exception
