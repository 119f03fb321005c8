"""Proof with the members that groups have today."""

from typing import Any

import firewalls as fw
import pytest

from twinwall.planning.proof import VerifyReport

HERE = ["in tcp 5432 10.0.1.0/24", "in tcp 5432 sg-app"]
THERE = ["in tcp 5432 10.20.1.0/24"]


def interfaces(vpc: str, group: str, *addresses: str) -> dict[str, Any]:
    return {
        "NetworkInterfaces": [
            {
                "NetworkInterfaceId": f"eni-{address}",
                "VpcId": vpc,
                "SubnetId": "subnet-1",
                "Groups": [{"GroupId": group}],
                "PrivateIpAddresses": [{"PrivateIpAddress": address}],
            }
            for address in addresses
        ]
    }


def proof(here: dict[str, Any], there: dict[str, Any], rules: Any = (HERE, THERE)) -> VerifyReport:
    source = fw.source(fw.group("sg-db", "db", *rules[0]), fw.group("sg-app", "app"), **here)
    target = fw.target(
        fw.there("sg-copy-db", "db", *rules[1], marked="sg-db"),
        fw.there("sg-copy-app", "app", marked="sg-app"),
        fw.there("sg-other", "other"),
        **there,
    )
    report: VerifyReport = fw.proof(source, target, map_vpc_cidr=True)
    return report


def source_members(*addresses: str) -> dict[str, Any]:
    return interfaces(fw.SOURCE_VPC, "sg-app", *addresses)


def target_members(*addresses: str, group: str = "sg-copy-app") -> dict[str, Any]:
    return interfaces(fw.TARGET_VPC, group, *addresses)


@pytest.mark.parametrize(("here", "there"), [((), ()), (("10.0.1.7",), ()), (("10.0.1.7",), ("10.20.1.9",))])
def test_equal_with_the_members_of_both_sides(here: tuple[str, ...], there: tuple[str, ...]) -> None:
    report = proof(source_members(*here), target_members(*there))
    assert (report.verdict, report.equal, report.undecided) == ("equal-today", True, ())


@pytest.mark.parametrize(
    ("here", "there", "peer"),
    [(("10.0.2.7",), ("10.20.1.9",), "10.20.2.7"), (("10.0.1.7",), ("10.20.2.9",), "10.20.2.9")],
    ids=["a member of the source", "a member of the target"],
)
def test_a_member_that_makes_the_difference_is_the_witness(here: Any, there: Any, peer: str) -> None:
    report = proof(source_members(*here), target_members(*there))
    assert (report.verdict, report.undecided) == ("different", ())
    (difference,) = report.differences
    assert difference.flow is not None
    assert (difference.flow.peer, difference.only_in) == (peer, "source")
    assert difference.decided_by.source == "ingress tcp/5432 from sg-copy-app"
    assert difference.decided_by.target == "no rule admits it"


@pytest.mark.parametrize(
    ("here", "there"),
    [({}, target_members()), (source_members(), {}), ({}, {})],
    ids=["target only", "source only", "neither"],
)
def test_with_the_interfaces_of_one_side_it_stays_undecided(here: Any, there: Any) -> None:
    report = proof(here, there)
    assert (report.verdict, len(report.undecided)) == ("undecided", 1)


def test_a_shared_vpc_may_hold_interfaces_that_we_do_not_see() -> None:
    shared = {"Vpcs": [{"VpcId": fw.SOURCE_VPC, "CidrBlock": "10.0.0.0/16", "OwnerId": "999999999999"}]}
    assert proof(source_members() | shared, target_members()).verdict == "undecided"


@pytest.mark.parametrize(("address", "verdict"), [("10.20.1.3", "equal-today"), ("10.20.9.3", "different")])
def test_a_group_that_only_the_target_names_has_the_targets_members(address: str, verdict: str) -> None:
    rules = (["in tcp 5432 10.0.1.0/24"], [*THERE, "in tcp 5432 sg-other"])
    report = proof(source_members(), target_members(address, group="sg-other"), rules)
    assert report.verdict == verdict


def test_where_nothing_hangs_on_members_it_is_equal_for_every_membership() -> None:
    rules = (HERE, [*THERE, "in tcp 5432 sg-copy-app"])
    assert proof(source_members("10.0.2.7"), target_members(), rules).verdict == "equal-every-membership"
