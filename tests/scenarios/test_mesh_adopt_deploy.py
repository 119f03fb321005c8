"""``mesh adopt``, then ``mesh deploy`` onto what a running installation of the published solution left: its tables are
used as they are, nothing is cut, no rule is lost."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from deployed import PLACES, Land, package_in
from functions import until
from worlds import stage

BOTH = PLACES[:2]
TABLE = "AddressTable"
OFFICE = "198.51.100.7/32"
PORTS = {"IpProtocol": "tcp", "FromPort": 7000, "ToPort": 7001}


@pytest.fixture
def land(tmp_path: Path) -> Iterator[Land]:
    """Two clusters of two members each, as the published Lambda keeps them, and a rule of somebody's own."""
    with stage(tmp_path, enforce_iam=True) as on:
        found = Land(on, package_in(tmp_path))
        for place in BOTH:
            found.build(*place)
            found.scale(place, 2)
        until(lambda: all(found.states(place) == ["InService"] * 2 for place in BOTH), 30)
        for place in BOTH:
            make_table(found, place)
            blocks = [*sorted(members(found)), OFFICE]
            found.client("ec2", *place).authorize_security_group_ingress(
                GroupId=found.sites[place]["LocalSG"],
                IpPermissions=[{**PORTS, "IpRanges": [{"CidrIp": block} for block in blocks]}],
            )
        yield found


def members(land: Land) -> set[str]:
    return set().union(*(land.addresses(place) for place in BOTH))


def make_table(land: Land, place: tuple[str, str]) -> None:
    """As the published template makes it, with rows as the published Lambda writes them."""
    dynamodb = land.client("dynamodb", *place)
    keys = (("region", "HASH"), ("asg", "RANGE"))
    dynamodb.create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
        ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 5},
    )
    for of in BOTH:
        row = {"region": {"S": of[1]}, "asg": {"S": land.sites[of]["AutoScalingGroup"]}}
        dynamodb.put_item(TableName=TABLE, Item={**row, "ips": {"SS": sorted(land.addresses(of))}})


def rules(land: Land) -> dict[str, tuple[str, str]]:
    """Rule id → (group, block), of all groups."""
    found = {}
    for place in BOTH:
        group = land.sites[place]["LocalSG"]
        answer = land.client("ec2", *place).describe_security_group_rules(
            Filters=[{"Name": "group-id", "Values": [group]}]
        )
        for one in answer["SecurityGroupRules"]:
            found[one["SecurityGroupRuleId"]] = (group, str(one.get("CidrIpv4")))
    return found


def read_table(land: Land, place: tuple[str, str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = land.client("dynamodb", *place).scan(TableName=TABLE)["Items"]
    return [row for row in found if row["region"]["S"] != "-"]


def test_a_running_installation_is_taken_over_and_deployed_to(land: Land) -> None:
    config = land.write(BOTH, table=TABLE)
    before, those = rules(land), members(land)
    land.run("adopt", config, "--yes").ended(0)

    for account, region in BOTH:
        run = land.run("deploy", config, "--yes").refused(
            1,
            f"the table {TABLE} at {account}/{region} exists and has no stream",
            "aws dynamodb update-table",
        )
        told = dict(part.split("=") for part in run.line.rpartition("--stream-specification ")[2].split(","))
        assert told == {"StreamEnabled": "true", "StreamViewType": "NEW_IMAGE"}
        stream = {**told, "StreamEnabled": True}
        land.client("dynamodb", account, region).update_table(TableName=TABLE, StreamSpecification=stream)
    assert land.made() == []

    deployed = land.run("deploy", config, "--yes").ended(0)
    assert "AWS::DynamoDB::Table" not in deployed.stderr, "the tables are there"
    for _ in range(2):
        land.run("true-up", config, "--yes").ended(0)
    assert rules(land) == before, "each rule is the one that it was"
    assert all("generation" in row for place in BOTH for row in read_table(land, place))
    assert all(set(row["ips"]["SS"]) <= those for place in BOTH for row in read_table(land, place))
    told = land.run("status", config, "--output", "json").ended(0).json
    assert told["right"]

    land.scale(BOTH[0], 3)
    until(lambda: land.states(BOTH[0]) == ["InService"] * 3, 60)
    until(lambda: all(land.admitted(place) == members(land) | {OFFICE} for place in BOTH), 60)
    land.scale(BOTH[1], 0)
    until(lambda: land.states(BOTH[1]) == [], 60)
    until(lambda: all(land.admitted(place) == members(land) | {OFFICE} for place in BOTH), 60)

    assert "as it should be" in land.run("deploy", config, "--yes").ended(0).stderr
    land.run("remove", config, "--yes").ended(0)
    assert [land.admitted(place) for place in BOTH] == [{OFFICE}] * 2
    assert land.made() == []
    for place in BOTH:
        assert land.client("dynamodb", *place).list_tables()["TableNames"] == [TABLE], (
            "it was not the stack's"
        )
