"""moto's own server, with nothing of ours in it, as many test suites run it: it does not know all calls that only make
a finding better, and answers those with a page of HTML and status 500. Nothing else may hang on them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from probes.worlds import Emulator, moto

HERE, THERE = "eu-west-1", "us-east-1"


@pytest.fixture(scope="module")
def aws() -> Iterator[Emulator]:
    with moto() as emulator:
        yield emulator
        emulator.close()


def twinwall(aws: Emulator, folder: Path, *arguments: str) -> tuple[int, Any, str]:
    key = aws.keys[0]
    assert key is not None
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {
        "AWS_ENDPOINT_URL": aws.endpoint,
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        "AWS_EC2_METADATA_DISABLED": "true",
        "HOME": str(folder),
        "XDG_STATE_HOME": str(folder),
    }
    ran = subprocess.run(
        [sys.executable, "-m", "twinwall", *arguments, "--output", "json"],
        check=False,
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return ran.returncode, json.loads(ran.stdout) if ran.stdout else None, ran.stderr


def firewall(ec2: Any, vpc: str) -> None:
    """Two groups in a circle, a group of a VPC elsewhere that is gone, an office's list, an ACL."""
    web, db, other = (
        ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"]
        for name in ("web", "db", "gone")
    )
    office = ec2.create_managed_prefix_list(
        PrefixListName="office", AddressFamily="IPv4", MaxEntries=5, Entries=[{"Cidr": "192.0.2.0/24"}]
    )["PrefixList"]["PrefixListId"]
    tcp = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
    for group, peers in (
        (web, {"PrefixListIds": [{"PrefixListId": office}]}),
        (web, {"UserIdGroupPairs": [{"GroupId": db}]}),
        (db, {"UserIdGroupPairs": [{"GroupId": web}]}),
        (db, {"UserIdGroupPairs": [{"GroupId": other}]}),
    ):
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[tcp | peers])
    ec2.delete_security_group(GroupId=other)
    acl = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    ec2.create_network_acl_entry(
        NetworkAclId=acl,
        RuleNumber=90,
        Protocol="-1",
        RuleAction="deny",
        Egress=False,
        CidrBlock="10.1.7.0/24",
    )


def test_a_firewall_goes_over_and_back(aws: Emulator, tmp_path: Path) -> None:
    source_ec2, target_ec2 = (aws.client("ec2", region, 0) for region in (HERE, THERE))
    source = source_ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    target = target_ec2.create_vpc(CidrBlock="10.2.0.0/16")["Vpc"]["VpcId"]
    firewall(source_ec2, source)
    sides = ("--source", source, "--source-region", HERE, "--target", target, "--target-region", THERE)
    options = (*sides, "--map-vpc-cidr", "--outside", "skip")
    code, done, err = twinwall(aws, tmp_path, "migrate", *options, "--yes", "--journal", "j", "--settle", "0")
    assert (code, done and done["verify"]["equal"]) == (0, True), err
    code, again, err = twinwall(aws, tmp_path, "migrate", *options, "--yes")
    assert (code, again and again["applied"]["calls"]) == (0, {}), err
    code, _, err = twinwall(
        aws, tmp_path, "undo", "j", "--target-region", THERE, "--yes", "--settle", "0", "--late", "0"
    )
    assert code == 0, err
    left = target_ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [target]}])
    assert [group["GroupName"] for group in left["SecurityGroups"]] == ["default"]
