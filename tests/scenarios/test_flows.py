"""Flows through the command line, against the embedded AWS: told, protected, and proven with today's members."""

from typing import Any

from firewalls import SOURCE_VPC, group, source
from worlds import HERE, Stage

OPTIONS = ("--map-vpc-cidr",)
REMOTE_DESKTOP = [
    {"IpProtocol": "tcp", "FromPort": 3389, "ToPort": 3389, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
]


def carried(world: Stage) -> tuple[str, str]:
    """The target VPC and the copy of ``web`` in it."""
    world.load(source(group("sg-web", "web", "in tcp 443 0.0.0.0/0", "in tcp 80 10.0.1.0/24"), region=HERE))
    target = world.empty(subnets=[("10.20.1.0/24", "a", "front")])
    run = world.migrate(SOURCE_VPC, target, options=OPTIONS).ended(0)
    assert {"tcp", "-1"} >= {flow["protocol"] for flow in run.json["opens"]}
    assert (run.json["than_before"], run.json["closes"]) == ("looser", [])
    return target, world.group("web", target)["GroupId"]


def test_what_somebody_opened_by_hand_is_closed_unless_it_is_protected(world: Stage) -> None:
    target, copy = carried(world)
    world.client().authorize_security_group_ingress(GroupId=copy, IpPermissions=REMOTE_DESKTOP)
    flow = "tcp/3389 from 198.51.100.0/24 to web"
    refused = world.migrate(SOURCE_VPC, target, options=(*OPTIONS, "--protect", flow))
    refused.refused(3, "RevokeSecurityGroupIngress of ingress tcp/3389 from 0.0.0.0/0", "would close", flow)
    assert (refused.calls["DescribeNetworkInterfaces"], refused.calls["DescribeSubnets"]) == (1, 1)
    kept = "tcp/443 from 0.0.0.0/0 to web"
    run = world.migrate(SOURCE_VPC, target, options=(*OPTIONS, "--protect", kept)).ended(0)
    (closed,) = run.json["closes"]
    assert closed == {
        "direction": "ingress", "protocol": "tcp", "ports": [3389, 3389], "peer": "0.0.0.0/0",
        "group": f"web ({copy})",
    }  # fmt: skip
    assert (run.json["than_before"], run.json["than_source"]) == ("stricter", "equal")


def verified(world: Stage, target: str) -> Any:
    return world.verify(SOURCE_VPC, target, options=OPTIONS)


def test_a_proof_that_hangs_on_members_asks_who_they_are(world: Stage) -> None:
    target, copy = carried(world)
    assert not verified(world, target).ended(0).calls["DescribeNetworkInterfaces"]
    client = world.client()
    other = client.create_security_group(GroupName="other", Description="x", VpcId=target)["GroupId"]
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "UserIdGroupPairs": [{"GroupId": other}]}
    client.authorize_security_group_ingress(GroupId=copy, IpPermissions=[rule])
    nobody = verified(world, target).ended(0)
    assert nobody.json["verdict"] == "equal-today"
    assert nobody.calls["DescribeNetworkInterfaces"] == 2
    (subnet,) = client.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [target]}])["Subnets"]
    client.create_network_interface(
        SubnetId=subnet["SubnetId"], Groups=[other], PrivateIpAddress="10.20.1.77"
    )
    somebody = verified(world, target).ended(2)
    assert [item["flow"]["peer"] for item in somebody.json["differences"]] == ["10.20.1.77"]
