"""A night's drift check: three replicas, live; one is broken by hand, one cannot be reached."""

from pathlib import Path

import pytest
from firewalls import DEFAULT_EGRESS, SOURCE_VPC, group, source
from worlds import HERE, PROFILES, THERE, A, B, C, Stage

from twinwall.documents.permissions import permissions

TOML = """\
[locations.production]
vpc = "{source}"
profile = "{a}"
region = "{here}"
[locations.staging]
vpc = "{staging}"
profile = "{b}"
region = "{there}"
[locations.recovery]
vpc = "{recovery}"
profile = "{c}"
region = "{there}"
[locations.closed]
vpc = "{staging}"
profile = "nobody"
region = "{there}"

[replicas.staging]
source = "production"
targets = ["staging"]
[replicas.closed]
source = "production"
targets = ["closed"]
[replicas.recovery]
source = "production"
targets = ["recovery"]
"""


@pytest.fixture
def file(world: Stage) -> Path:
    document = source(
        group("sg-web", "web", "in tcp 443 0.0.0.0/0", "in tcp 80 sg-db", DEFAULT_EGRESS),
        group("sg-db", "db", "in tcp 5432 sg-web"),
        region=HERE,
    )
    world.load(document)
    places = {"source": SOURCE_VPC, "staging": world.empty(), "recovery": world.empty(account=C)}
    names = {"a": PROFILES[A], "b": PROFILES[B], "c": PROFILES[C], "here": HERE, "there": THERE}
    path = world.folder / "drift.toml"
    path.write_text(TOML.format(**places, **names))
    for replica in ("staging", "recovery"):
        world.run("migrate", "--config", path, "--replica", replica, "--yes", "--quiet").ended(0)
    return path


def test_one_replicas_trouble_does_not_hide_anothers(world: Stage, file: Path) -> None:
    good = world.run("drift", "staging", "recovery", "--config", file, "--output", "json").ended(0)
    assert not good.written
    staging = good.json["replicas"][0]["targets"][0]
    assert staging["compared"]["groups"] == 2
    vpc = next(
        line for line in file.read_text().split("[locations.recovery]")[1].splitlines() if "vpc" in line
    )
    web = world.group("web", vpc.split('"')[1], C)
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    world.client(C).authorize_security_group_ingress(GroupId=web["GroupId"], IpPermissions=[rule])
    assert world.run("drift", "recovery", "--config", file).ended(2).calls
    night = world.run("drift", "--config", file, "--output", "json").ended(1)
    assert not night.written
    states = {r["name"]: r["targets"][0]["state"] for r in night.json["replicas"]}
    assert states == {"staging": "in step", "closed": "failed", "recovery": "drifted"}
    assert "nobody" in night.line
    assert night.json["replicas"][2]["targets"][0]["differences"][0]["only_in"] == "target"


def test_it_asks_for_no_more_than_its_policy(world: Stage, file: Path) -> None:
    run = world.run("drift", "staging", "--config", file).ended(0)
    policies = permissions("drift").values()
    allowed = {action for policy in policies for one in policy["Statement"] for action in one["Action"]}
    assert {f"ec2:{name}" for name in run.calls} <= allowed | {"ec2:GetCallerIdentity"}


def test_each_firewall_is_read_once(world: Stage, file: Path) -> None:
    run = world.run("drift", "staging", "--config", file).ended(0)
    assert run.calls["DescribeSecurityGroups"] == run.calls["DescribeNetworkAcls"] == 2
