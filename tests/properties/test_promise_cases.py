"""The promise on real firewalls: each case is copied, its copies are put on interfaces, the source changes at
random, and the copy is brought in line again, in a random order that the route allows."""

import copy
import json
import random
from pathlib import Path

import estate_pairs as pairs
import firewalls as fw
import promised
import pytest
import watched

from twinwall import errors
from twinwall.emulator.memory import MemoryAws
from twinwall.emulator.switches import ENTRIES_PER_ACL, RULES_PER_GROUP
from twinwall.engine import replica
from twinwall.engine.pace import Paces
from twinwall.engine.sides import FileSide, LiveSide
from twinwall.model.net import parse_cidr

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "cases"
CASES = sorted(SHARED.glob("*.json"))


def brought_in_line(path, seed):
    source = random.Random(seed)
    document = json.loads(path.read_text())
    vpc_id = max(document["Vpcs"], key=lambda vpc: groups_of(document, vpc["VpcId"]))["VpcId"]
    aws = MemoryAws((fw.SOURCE, fw.TARGET), quotas={RULES_PER_GROUP: 1000, ENTRIES_PER_ACL: 40})
    target = aws.make_vpc(fw.TARGET, pairs.REGION, "10.77.0.0/16", subnets=[("10.77.1.0/24", "a", "one")])
    doors = aws.doors(fw.TARGET, pairs.REGION)
    pace = Paces(aws.clock).of(fw.TARGET, pairs.REGION)
    side = LiveSide("target", target, doors.reader, doors.account, doors.writer, pace)

    def plan():
        asked = fw.settings(outside="skip", adopt=("default",), force=True)
        return replica.plan(FileSide("source", document, vpc_id), side, asked).plan

    promised.walk(plan().route, aws, fw.TARGET, pairs.REGION, source)
    held = aws.world.at(fw.TARGET, pairs.REGION)
    (subnet,) = [id_ for id_, item in aws.network.at(fw.TARGET, pairs.REGION).subnets.items()]
    groups = [id_ for id_, group in held.groups.items() if group.vpc_id == target]
    interfaces = [frozenset(source.sample(groups, min(3, len(groups)))) for _ in range(3)]
    for together in interfaces:
        aws.attach(fw.TARGET, pairs.REGION, subnet, together)
    document = changed(copy.deepcopy(document), source)
    again = plan()
    states = promised.walk(again.route, aws, fw.TARGET, pairs.REGION, source)
    private = (parse_cidr("10.77.0.0/16"),)
    watched.hold(states, frozenset(interfaces), private)
    promised.check(states, interfaces, private)
    assert plan().empty
    return again


def groups_of(document, vpc_id):
    return sum(group["VpcId"] == vpc_id for group in document["SecurityGroups"])


def changed(document, source):
    """Rules and entries go, come back with other ports, and change places."""
    for group in document["SecurityGroups"]:
        for key in ("IpPermissions", "IpPermissionsEgress"):
            for permission in list(group[key]):
                if source.random() < 0.3:
                    group[key].remove(permission)
                elif permission["IpProtocol"] in ("tcp", "udp", "6", "17") and "ToPort" in permission:
                    permission["ToPort"] = min(65535, permission["ToPort"] + source.choice((0, 0, 1000)))
    for acl in document.get("NetworkAcls") or ():
        own = [entry for entry in acl["Entries"] if entry["RuleNumber"] < 32767]
        for entry in own:
            if source.random() < 0.3:
                entry["RuleAction"] = source.choice(("allow", "deny"))
            elif source.random() < 0.2:
                acl["Entries"].remove(entry)
    return document


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_each_case(path):
    assert brought_in_line(path, 1).changes


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2, 12))
@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_more_of_each_case(path, seed):
    try:
        brought_in_line(path, seed)
    except errors.UnsafePlan as refused:
        pytest.skip(f"no gap-free order: {refused}")


def test_the_cases_are_looked_for():
    if not CASES:
        pytest.skip("the collection of rule sets (../shared/cases) is not here")
    assert len(CASES) == 6
